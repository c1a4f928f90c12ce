"""A form that asks why something fired or not, at a time or between two, and its answers.

They are those of `picosched why`, in its words.
"""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from nicegui import ui

from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.schedule.chain import Why
from picosched.web.api.busy import busy
from picosched.web.console.frame import Console
from picosched.web.console.local_time import read_local, reader_zone
from picosched.web.console.parts import Sentences, box, button, text
from picosched.web.errors import BusyError


class WhyForm:
    """Asks about what `about` names: an id or name of a schedule, or a `rid.rule`."""

    def __init__(self, console: Console, about: Callable[[], str]) -> None:
        self._console = console
        self._about = about
        with box("line"):
            self._since = ui.input("At, or from", placeholder="2026-03-01 09:00")
            self._until = ui.input("Until", placeholder="2026-03-08")
            for each in (self._since, self._until):
                each.props("clearable maxlength=40 stack-label").on("keydown.enter", self._ask)
            button("Ask", self._ask)
        self._answers = ui.element("div").classes("stack").props('role="status"')

    async def _ask(self) -> None:
        what, zone = self._about(), reader_zone()
        since, until = ((each.value or "").strip() for each in (self._since, self._until))
        try:
            found = await self._console.run(lambda: _asked(self._console.engine, what, since, until, zone))
        except (PicoschedError, BusyError) as error:
            said, found = str(error), []
        else:
            said = "" if len(found) == 1 else f"{len(found)} occurrences"
        if self._answers.is_deleted:
            return
        self._answers.clear()
        with self._answers:
            if said:
                text("p", said, "muted small" if found else "bad-text")
            for each in found:
                with box("stack-small"):
                    text("h3", each.what).classes("mono")
                    draw_why(each)


def _asked(engine: Engine, what: str, since: str, until: str, zone: ZoneInfo) -> list[Why]:
    """Called in a thread; times without an offset are in the zone."""
    if not what:
        raise PicoschedError("found no rule, wanted one")
    if until and not since:
        raise PicoschedError("found only a time until which, wanted one from which, too")
    with busy():
        if until:
            return engine.why_between(what, read_local(since, zone), read_local(until, zone))
        return [engine.why(what, read_local(since, zone) if since else None)]


def draw_why(why: Why) -> None:
    """The links of a chain, and what would have helped."""
    for link in why.links:
        told = Sentences("p", f"{link.name}: {link.text}")
        told.classes("small" if link.held else "bad-text small")
    if why.instead is not None:
        Sentences("p", f"It would have: {why.instead}").classes("small")
