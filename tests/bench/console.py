"""The console in a browser: what a page weighs, when it answers, and what it is sent at rest.

A real Chromium opens the pages of a small house that is at work: a metronome each half second, a rule that
fails each two seconds. A first visit has an empty cache, a warm one has been on all pages. It is interactive
when its navigation stands and its connection to the server has been made: then a click does something.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.bench.setup import Setup
from tests.bench.side_by_side import OURS, Row

sys.path.insert(0, str(Path(__file__).parent.parent))
from web.console.opened import opened
from web.console.shots import furnished

PAGES = ("overview", "picos", "events", "journal", "timeline", "schedules", "schedule", "sources", "editor")
VISITS = 3
REST_SECONDS = 5.0
READY = "() => document.querySelector('nav.nav') && window.did_handshake"


def measure(setup: Setup) -> list[Row]:
    pages, visits = PAGES[: setup.times(len(PAGES))], setup.times(VISITS)
    rest = max(0.5, REST_SECONDS * min(1.0, setup.scale))
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder), "--open") as console,
        sync_playwright() as playwright,
    ):
        paths = {**furnished(console), "editor": "/rulesets/tea_timer"}
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        warm = browser.new_context()
        for _ in range(2):  # the console is loaded, its files are compressed and in the cache
            for name in pages:
                _visit(warm, console.url + paths[name])
        for name in pages:
            url = console.url + paths[name]
            first = [_first_visit(browser, url) for _ in range(visits)]
            again = [_visit(warm, url) for _ in range(visits)]
            rows += [
                Row(f"{name}: a first visit", "kB", {OURS: [size for size, _ in first]}),
                Row(f"{name}: interactive then", "ms", {OURS: [time for _, time in first]}),
                Row(f"{name}: from a warm cache", "kB", {OURS: [size for size, _ in again]}),
                Row(f"{name}: interactive then, warm", "ms", {OURS: [time for _, time in again]}),
                Row(f"{name}: sent at rest", "kB/s", {OURS: [_at_rest(warm, url, rest)]}),
            ]
        browser.close()
    return rows


def _first_visit(browser: Browser, url: str) -> tuple[float, float]:
    context = browser.new_context()
    found = _visit(context, url)
    context.close()
    return found


def _visit(context: BrowserContext, url: str) -> tuple[float, float]:
    """kB that come over the wire, and ms until the page is interactive."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    begun = perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_function(READY)
    taken = perf_counter() - begun
    page.wait_for_load_state("networkidle")
    page.close()
    return sum(sizes) / 1000, taken * 1000


def _at_rest(context: BrowserContext, url: str, seconds: float) -> float:
    """kB a second that the connection brings while nobody does anything."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = [0.0]
    page.goto(url)
    page.wait_for_function(READY)
    page.wait_for_timeout(1000)
    session.on(
        "Network.webSocketFrameReceived",
        lambda event: sizes.append(len(event["response"]["payloadData"].encode())),
    )
    page.wait_for_timeout(seconds * 1000)
    page.close()
    return sum(sizes) / 1000 / seconds
