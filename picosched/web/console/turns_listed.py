"""A list of turns that follows the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from picosched.store.journal import Entry
from picosched.web.console.following import SHOWN, Following, Wanted, cause_of
from picosched.web.console.frame import Console
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    badge_cell,
    empty,
    link_cell,
    nothing_matches,
    pico_path,
    time_cell,
    turn_path,
)
from picosched.web.console.turn_shown import event_name, outcome_of, summary

TRUSTED = (
    "raised without a channel, so no policy applied: by the command line, the API, Python or this console"
)
"""What "trusted" means as the origin of an event."""


HIDE = {"name": "hide", "text": "Hide", "title": "leave turns of this event out of the list"}


class TurnsListed:
    """The list; `follow` sets the filter, `refresh` adds new turns."""

    def __init__(
        self,
        console: Console,
        *,
        with_pico: bool = True,
        most: int = SHOWN,
        hide: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """With `hide` each row has a button that calls it with the row's event, `domain:type`."""
        self._console = console
        self._most = most
        self._with_pico, self._filtered = with_pico, False
        self._following = Following(console.engine, Wanted())
        columns = [
            Column("at", "When", "time"),
            *([Column("pico", "Pico")] if with_pico else []),
            Column("event", "Event", "mono"),
            Column("cause", "From"),
            Column("outcome", "Outcome"),
            Column("told", "Result", "prose"),
            *([Column("acts", "Do", "actions")] if hide is not None else []),
        ]
        self._hide = hide
        self._list = Listing("Turns, newest first", columns)
        if hide is not None:
            self._list.on_act(lambda _, key: hide(self._event(key)))
        self._nothing = empty(
            "No turns.",
            "Each event that a pico handles is listed here, with the outcome of each rule.",
            None,
            ("Raise an event", "/events"),
        )
        self._no_match = nothing_matches("/journal")
        self._no_match.set_visibility(False)

    async def follow(self, wanted: Wanted) -> None:
        """Show turns matching this filter from now on."""
        self._following = Following(self._console.engine, wanted)
        self._filtered = self._with_pico and wanted != Wanted()
        await self.refresh()

    async def refresh(self) -> bool:
        """Add new turns; return whether there were any."""
        following = self._following
        changed = await self._console.run(following.look)
        if changed and following is self._following:
            self._list.show([self._row(each) for each in following.entries[: self._most]])
            self._list.set_visibility(bool(following.entries))
            self._nothing.set_visibility(not following.entries and not self._filtered)
            self._no_match.set_visibility(not following.entries and self._filtered)
        return changed

    @property
    def told(self) -> str:
        """How many turns were searched."""
        following = self._following
        shown, looked = len(following.entries), following.looked_at
        if following.whole:
            return f"{shown:,} of {looked:,} turns"
        return f"{shown:,} shown, of the newest {looked:,} turns"

    def _event(self, key: str) -> str:
        """The event of a row."""
        found = (each for each in self._following.entries if str(each.seq) == key)
        return next((event_name(each.handled) for each in found), "")

    def _row(self, entry: Entry) -> dict[str, Cell]:
        cause = cause_of(entry)
        through = entry.eci and self._console.engine.shown_eci(entry.eci)
        return {
            "key": str(entry.seq),
            "href": turn_path(entry.seq),
            "at": time_cell(entry.at),
            "pico": link_cell(self._following.names[entry.pico_id], pico_path(entry.pico_id)),
            "event": link_cell(event_name(entry.handled), turn_path(entry.seq), "why"),
            "cause": {"text": cause, "title": entry.scheduled or through or TRUSTED},
            "outcome": badge_cell(outcome_of(entry.handled)),
            "told": summary(entry.handled, len(entry.directives), len(entry.errors)),
            "acts": [] if self._hide is None else [HIDE],
        }
