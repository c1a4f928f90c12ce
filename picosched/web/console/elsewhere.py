"""Paths that lead nowhere: a page that says so, and where one may go."""

from __future__ import annotations

from nicegui import ui

from picosched.web.console.frame import Console, frame
from picosched.web.console.parts import empty, panel, text


def add_pages(console: Console) -> None:
    @console.page("/{path:path}")
    def nowhere(path: str) -> None:
        missing(console, f"There is nothing at /{path[:200]}", "The pages are those in the bar above.")


def missing(console: Console, what: str, more: str, here: str = "") -> None:
    """The page of something that is not there; its status says so too."""
    ui.context.client.status_code = 404
    with frame(console, "Not found", here), panel("Not found"):
        text("h1", "Not found", "only-read")
        empty(what, more)
