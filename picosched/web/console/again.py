"""Raising the event of a turn again, as a new one without a channel, after a look at it."""

from __future__ import annotations

from nicegui import ui

from picosched.notation import values_text
from picosched.pico.turn import Turn
from picosched.store.journal import Entry
from picosched.web.console.frame import Console, notify
from picosched.web.console.parts import box, button, named_dialog, text
from picosched.web.console.turn_shown import Told, event_name, outcome_of, summary


async def raise_again(console: Console, entry: Entry, whose: str) -> None:
    """Ask, raise it, and say what came of it; `whose` tells which event it is."""
    first = entry.handled[0]
    with named_dialog("Raise again?") as dialog, ui.card():
        text("h2", "Raise again?")
        text("p", f"{whose}, as if it were new.", "muted")
        text("pre", f"{event_name(entry.handled)} {values_text(first['attrs'])}")
        with box("dialog-buttons"):
            button("Close", lambda: dialog.submit(False)).props("autofocus")
            button("Raise it", lambda: dialog.submit(True), "primary")
    if await dialog:
        with console.telling_errors():
            await _raise(console, entry)
    dialog.clear()


async def _raise(console: Console, entry: Entry) -> None:
    first = entry.handled[0]

    def work() -> Turn:
        pico = console.engine.pico(entry.pico_id)
        return pico.raise_event(first["domain"], first["type"], first["attrs"])

    told = Told.of_turn(await console.run(work))
    failed = outcome_of(told.handled) == "failed"
    result = summary(told.handled, len(told.directives), len(told.errors))
    notify(f"{event_name(told.handled)}: {result}", "bad" if failed else "good")
