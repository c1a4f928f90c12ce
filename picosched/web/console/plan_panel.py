"""The panel that says what the edited ruleset would change in all picos, as `picosched plan` does."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from picosched.engine.plan import MOST_DAYS, USUAL_DAYS
from picosched.engine.planned import Plan
from picosched.web.api.busy import busy
from picosched.web.api.rulesets import checked_ruleset
from picosched.web.console.frame import Console
from picosched.web.console.parts import Sentences, box, button, panel

SAME = "The text is as installed in every pico that has it: edit it to see what that would change."


class PlanPanel:
    """Asks for how many days, makes the plan of the text that `edited` returns, and shows it."""

    def __init__(self, console: Console, edited: Callable[[], str]) -> None:
        self._console = console
        self._edited = edited
        with panel("Plan", "in every pico that has the ruleset"):
            with box("filter-bar"):
                self._days = ui.number("How far ahead", value=USUAL_DAYS, min=1, max=MOST_DAYS, precision=0)
                self._days.props("suffix=days")
            with box("line"):
                self._begin = button("Plan", self._show, "primary", needs="planned")
            self._lines = Sentences("pre", "").props('aria-live="polite"')

    async def _show(self) -> None:
        said = ""
        text, days = self._edited(), int(self._days.value or USUAL_DAYS)
        self._begin.set_visibility(False)
        self._lines.show("rehearsing…")
        try:
            with self._console.telling_errors():
                found = await self._console.run(lambda: self._planned(text, days))
                said = "\n".join(found.lines()) if found.deployed else SAME
        finally:
            if not self._begin.is_deleted:
                self._begin.set_visibility(True)
                self._lines.show(said)

    def _planned(self, text: str, days: int) -> Plan:
        """Called in a thread."""
        checked = checked_ruleset(text)
        with busy():
            return self._console.engine.plan([checked], days)
