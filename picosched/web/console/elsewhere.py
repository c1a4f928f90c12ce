"""The page for unknown paths."""

from __future__ import annotations

from nicegui import ui

from picosched.web.console.frame import Console, frame
from picosched.web.console.parts import empty, panel, text


def add_pages(console: Console) -> None:
    @console.page("/{path:path}")
    def nowhere(path: str) -> None:
        missing(console, f"There is nothing at /{path[:200]}", "The address may be mistyped.")


def missing(console: Console, what: str, more: str, here: str = "", status: int = 404) -> None:
    """A page for something that does not exist, or that the caller may not see.

    It leads to the overview, and to the page `here` of the navigation.
    """
    ui.context.client.status_code = status
    title = "Not found" if status == 404 else "Refused"
    with frame(console, title, here), panel(title):
        text("h1", title, "only-read")
        ways = [(each.name, each.path) for each in console.places if each.path in (here, "/")]
        empty(what, more, None, *ways)
