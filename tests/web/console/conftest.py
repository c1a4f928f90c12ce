"""A browser and a console for it to look at.

The browser lives as long as a module: while it runs, the thread has an event loop, and no other test could
have one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright
from web.console.opened import Opened, opened

SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A console that asks for no token. Tests share it: each makes the picos it needs."""
    with opened(tmp_path_factory.mktemp("console"), "--open") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=SWITCHES)
        except Error as error:
            pytest.fail(f"there is no browser; `make test` sets it up ({error.message.splitlines()[0]})")
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page in a light browser of 1280 × 800; nothing on it may go wrong, and no script of others run."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    context.set_default_timeout(10_000)
    made = context.new_page()
    wrong: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "the server responded with a status of" not in message.text:
            wrong.append(message.text)

    made.on("console", heard)
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on("dialog", lambda dialog: (wrong.append(f"a script said {dialog.message}"), dialog.dismiss()))
    yield made
    context.close()
    assert wrong == []
