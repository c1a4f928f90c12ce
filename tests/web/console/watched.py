"""A page that is watched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

UNKNOWN = """const made = document.createElement;
document.createElement = function (name, ...more) {
  if (/^q-/i.test(name)) console.error(`bundles/quasar.mjs has no component for <${name}>`);
  return made.call(this, name, ...more);
};"""
"""Vue draws a component that is not there as an element of its name, and says nothing."""
REFUSED = ("the server responded with a status of", "Unexpected response code: 403", "net::ERR_CONNECTION_")
"""What the browser says of a request or a socket that the server refused, or that came after its end."""


@contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    """A new page; nothing on it may go wrong, and no script of others run."""
    page = context.new_page()
    page.add_init_script(UNKNOWN)
    wrong: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(each in message.text for each in REFUSED):
            wrong.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(f"a script said {dialog.message}"), dialog.dismiss()))
    yield page
    page.close()
    assert wrong == [], wrong
