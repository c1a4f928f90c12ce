"""A browser and a console for it to look at.

The tests share one browser and its cache, on disk, where compiled scripts are kept too: to read them anew is
most of what opening a page costs. Each test has a page of its own, and finds neither cookies nor storage.

The browser closes behind the last test of this folder: while it runs, the thread has an event loop, and no
other test could have one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright
from web.console.opened import Opened, opened
from web.console.watched import watched

SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A console that asks for no token. Tests share it: each makes the picos it needs."""
    with opened(tmp_path_factory.mktemp("console"), "--open") as found:
        yield found


@pytest.fixture(scope="package")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A light browser of 1280 × 800."""
    with sync_playwright() as playwright:
        try:
            made = playwright.chromium.launch_persistent_context(
                tmp_path_factory.mktemp("browser"),
                executable_path=shutil.which("chromium"),
                args=SWITCHES,
                viewport={"width": 1280, "height": 800},
                color_scheme="light",
            )
        except Error as error:
            pytest.fail(f"there is no browser; `make test` sets it up ({error.message.splitlines()[0]})")
        made.set_default_timeout(10_000)
        yield made
        made.close()


@pytest.fixture(scope="package")
def browser(context: BrowserContext) -> Browser:
    """For a test that needs a context of its own."""
    assert context.browser
    return context.browser


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A watched page in it."""
    with watched(context) as made:
        yield made
        context.clear_cookies()
        everything = {"origin": made.evaluate("location.origin"), "storageTypes": "all"}
        context.new_cdp_session(made).send("Storage.clearDataForOrigin", everything)
