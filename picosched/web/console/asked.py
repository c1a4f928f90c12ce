"""A dialog that asks for something to be done.

It stays open and shows the error while its request fails, and returns true once it succeeds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from picosched.errors import KrlError, PicoschedError
from picosched.web.console.frame import Console
from picosched.web.console.parts import box, button, named_dialog, text


class Asked:
    """A dialog with fields that does its work in a thread."""

    def __init__(self, console: Console, title: str, verb: str, wide: bool = False) -> None:
        self._console = console
        self._work: Callable[[], Any]
        width = "width: min(760px, 94vw)" if wide else ""
        with named_dialog(title) as self._dialog, ui.card().style(width):
            text("h2", title)
            self._fields = ui.element("div").classes("stack")
            self._fault = text("pre", "", "fault")
            self._fault.set_visibility(False)
            with box("dialog-buttons"):
                button("Close", self._dialog.close)
                button(verb, self._do, "primary")

    def __enter__(self) -> Asked:
        self._fields.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._fields.__exit__(*error)

    async def done(self, work: Callable[[], Any]) -> bool:
        """Show the dialog; `work` reads the fields and does the work. Return whether it was done."""
        self._work = work
        answer = await self._dialog
        self._dialog.clear()
        return bool(answer)

    async def _do(self) -> None:
        try:
            await self._console.run(self._work)
        except PicoschedError as error:
            self._fault.show(_rendered(error))
            self._fault.set_visibility(True)
        else:
            self._dialog.submit(True)


def _rendered(error: PicoschedError) -> str:
    if not isinstance(error, KrlError):
        return str(error)
    return "\n".join(str(each) for each in (error, *error.others))
