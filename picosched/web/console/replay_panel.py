"""The panel that says what the edited ruleset would have done since a time, as `picosched replay` does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from nicegui import ui

from picosched.engine.replay import USUAL_TURNS
from picosched.engine.replayed import Replayed
from picosched.web.api.busy import busy
from picosched.web.api.rulesets import checked_ruleset
from picosched.web.console.frame import Console
from picosched.web.console.local_time import read_local, reader_zone
from picosched.web.console.parts import Sentences, box, button, fault_in, panel


class ReplayPanel:
    """Asks since when, replays the past with the text that `edited` returns, and shows what differs."""

    def __init__(self, console: Console, edited: Callable[[], str]) -> None:
        self._console = console
        self._edited = edited
        with panel("Replay", "in every pico that has the ruleset"):
            with box("filter-bar"):
                self._since = ui.input("Since", placeholder="2026-03-02 09:00", validation=_fault_of)
                self._since.without_auto_validation().props("stack-label")
            with box("line"):
                self._begin = button("Replay", self._show, "primary", needs="replayed")
            self._lines = Sentences("pre", "").props('aria-live="polite"')

    async def _show(self) -> None:
        if not self._since.validate():
            return
        said = ""
        text, since = self._edited(), read_local(self._since.value, reader_zone())
        self._begin.set_visibility(False)
        self._lines.show("replaying…")
        try:
            with self._console.telling_errors():
                found = await self._console.run(lambda: self._replayed(text, since))
                said = "\n".join(found.lines())
        finally:
            if not self._begin.is_deleted:
                self._begin.set_visibility(True)
                self._lines.show(said)

    def _replayed(self, text: str, since: datetime) -> Replayed:
        """Called in a thread."""
        checked = checked_ruleset(text)
        with busy():
            return self._console.engine.replay(since, rulesets=[checked], most=USUAL_TURNS)


def _fault_of(since: str | None) -> str | None:
    given, zone = (since or "").strip(), reader_zone()
    return fault_in(lambda: read_local(given, zone)) if given else "wanted a time to begin from"
