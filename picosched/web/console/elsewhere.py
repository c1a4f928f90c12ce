"""The page for unknown paths."""

from __future__ import annotations

from nicegui import ui

from picosched.web.console.frame import Console, frame
from picosched.web.console.parts import empty, panel, text


def add_pages(console: Console) -> None:
    @console.page("/{path:path}")
    def nowhere(path: str) -> None:
        missing(console, f"There is nothing at /{path[:200]}", "Use the navigation above.")


def missing(console: Console, what: str, more: str, here: str = "") -> None:
    """A page for something that does not exist, with status 404."""
    ui.context.client.status_code = 404
    with frame(console, "Not found", here), panel("Not found"):
        text("h1", "Not found", "only-read")
        empty(what, more)
