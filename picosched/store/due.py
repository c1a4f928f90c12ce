"""Finds due rows of the table `scheduled`, and their picos.

There may be very many due rows of a pico that is left out, or of picos waiting in line. To avoid scanning
them at every look, we remember how far the last one came, and note rows written before that place.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from picosched.clock import FIRST_MS, to_ms
from picosched.schedule.scheduled import Scheduled
from picosched.store import rows
from picosched.store.ahead import Ahead
from picosched.store.left_out import NOTHING, LeftOut
from picosched.store.port import Database

LAST_ROW = 2**62
BEGINNING = (-LAST_ROW, 0)


class Coming(NamedTuple):
    """When a queue next has something to do; None if there is no such time."""

    due: datetime | None = None
    """Of a program: when it was requested."""
    pause_ends: datetime | None = None


NEVER = Coming()


class Soonest(NamedTuple):
    """What comes next in each queue."""

    entries: Coming
    deliveries: Coming
    programs: Coming
    rows: Coming
    broken: bool
    """Whether a row would never be due because its due time is damaged."""


class Watched:
    """The position of a scan over due rows, and the picos of due rows written meanwhile."""

    def __init__(self) -> None:
        self.place = BEGINNING
        """The due time, in milliseconds, and the number of the last row."""
        self.until: datetime | None = None
        """Rows due up to this time belong to the scan."""
        self.picos: dict[str, None] = {}

    def see(self, row: Scheduled) -> None:
        """Note a written row."""
        if row.due is not None and self.until is not None and row.due <= self.until:
            self.picos[row.pico_id] = None


class Due:
    """Reads due rows. For one thread at a time, outside a transaction; `see` inside one."""

    def __init__(self, database: Database, ahead: Ahead) -> None:
        self._database = database
        self._ahead = ahead
        self._watched: tuple[Watched, ...] = ()
        self._anew = False
        """Whether the next scan is to begin again."""
        self._passed: tuple[frozenset[str], int] = frozenset(), 0
        """Picos, and the due time, in milliseconds, of the first pending row of any other pico."""

    def first(self, now: datetime, limit: int, without: LeftOut = NOTHING) -> list[tuple[str, str]]:
        """Due rows that are not left out, (id, pico), soonest first, then as made. They are read ahead."""
        start = self._first_of_others(without.owners)
        found = [*self._database.rows("first_due", (start, to_ms(now), limit), without)]
        self._ahead.keep(found)
        return [(row[0], row[1]) for row in found]

    def among(self, ids: Collection[str], now: datetime, without: LeftOut = NOTHING) -> list[tuple[str, str]]:
        """The due rows among the ids, (id, pico), soonest first."""
        return [*self._database.rows("due_among", (rows.dump([*ids]), to_ms(now)), without)]

    def due_of(
        self, pico_ids: Sequence[str], now: datetime, each: int, without: LeftOut = NOTHING
    ) -> dict[str, list[str]]:
        """Pico → the ids of its first due rows; only for picos that have any."""
        found = self._database.rows("due_of", (rows.dump(pico_ids), to_ms(now), each), without)
        return {pico_id: ids for pico_id, text in found if (ids := rows.load(text))}

    def more_due(self, watched: Watched, now: datetime, limit: int) -> list[str]:
        """The picos of the next due rows, and of due rows written meanwhile.

        Scans at most `limit` rows; the next call continues after them.
        """
        if self._anew:
            self._anew = False
            for each in self._watched:
                each.place = BEGINNING
        place, end = watched.place, (to_ms(now), LAST_ROW)
        further = self._database.row("further_due", (*place, *end, limit - 1), NOTHING)
        watched.place = end if further is None else (further[0], further[1])
        between = self._database.rows("picos_due_between", (*place, *watched.place), NOTHING)
        found = dict.fromkeys(id for (id,) in between)
        written, watched.picos, watched.until = watched.picos, {}, now
        return [*(found | written)]

    def watch(self) -> Watched:
        """Start a scan for `more_due`, and note written rows for it until `unwatch`."""
        watched = Watched()
        self._watched = (*self._watched, watched)
        return watched

    def unwatch(self, watched: Watched) -> None:
        self._watched = tuple(each for each in self._watched if each is not watched)

    def look_anew(self) -> None:
        """Another process has written rows: scans that have come further begin again. For any thread."""
        self._anew = True

    def broken(self) -> list[tuple[str, str]]:
        """Pending rows that would never be due because their due time is damaged: (id, why)."""
        wanted = "wanted milliseconds since 1970, of the years 1 to 9999"
        found = self._database.rows("never_due")
        return [(id, f"found the due time {due!r:.80}, {wanted}") for id, due in found]

    def soonest(
        self,
        entries: LeftOut = NOTHING,
        deliveries: LeftOut = NOTHING,
        programs: LeftOut = NOTHING,
        scheduled: LeftOut = NOTHING,
    ) -> Soonest:
        """What comes next in each queue, except for what is left out; in one read."""
        start = self._first_of_others(scheduled.owners)
        paused = [LeftOut(each.ids) if each.ids else NOTHING for each in (entries, scheduled)]
        left_out = (entries, deliveries, programs, scheduled, *paused)
        row = self._database.row("soonest", (start,), left_out)
        assert row is not None  # it has one row always
        entry, source_resumes, delivery, program, due, resumes, broken = row
        return Soonest(
            _coming(entry, source_resumes),
            _coming(delivery),
            _coming(program),
            _coming(due, resumes),
            bool(broken),
        )

    def _first_of_others(self, picos: frozenset[str]) -> int:
        """The due time of the first pending row of any other pico.

        Remembered until a row with an earlier due time is written, as these picos may have very many rows
        before it.
        """
        if not picos or self._database.machines is not None:  # where others write earlier ones
            return FIRST_MS
        start = self._passed[1] if self._passed[0] <= picos else FIRST_MS
        row = self._database.row("first_due_of_others", (start,), LeftOut(owners=picos))
        self._passed = picos, LAST_ROW if row is None else row[0]
        return self._passed[1]

    def see(self, row: Scheduled) -> None:
        """Note a written row."""
        for watched in self._watched:
            watched.see(row)
        picos, first = self._passed
        if row.due is not None and to_ms(row.due) < first and row.pico_id not in picos:
            self._passed = frozenset(), 0


def _coming(due: int | None, pause_ends: int | None = None) -> Coming:
    if due is None and pause_ends is None:
        return NEVER
    return Coming(rows.time(due), rows.time(pause_ends))
