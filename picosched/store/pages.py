"""Paginated lists, and the statistics a server shows about a store.

A page begins after a mark: the position of the last row of the page before, in the order of the list. So rows
added or deleted meanwhile do not shift pages, and every page costs the same. Marks are opaque texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Generic, NamedTuple, TypeVar

from picosched.clock import to_ms
from picosched.errors import PicoschedError
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled, Status
from picosched.store import rows
from picosched.store.journal import Entry, entry_of
from picosched.store.picos import PicoRow, pico_of
from picosched.store.port import Database, Row, Where
from picosched.store.settled import Last, Settled
from picosched.timespec.almanac import PLAIN, Almanac

T = TypeVar("T")

LATENESS_MS = (100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000, 600_000, 3_600_000)
"""The bounds of the lateness histogram."""

ALL = Last(2**62, 2**62)

UNDATED = 2**62
"""Used as the due time of rows without one."""

PAGE_OF = {
    Status.PENDING: "page_of_pending",
    Status.PAUSED: "page_of_paused",
    Status.FINISHED: "page_of_finished",
    Status.CANCELLED: "page_of_cancelled",
}


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the mark for the next page; None on the last page."""

    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Lateness:
    """The lateness histogram of fires with one outcome: a count per bound, and the sum of all in ms."""

    outcome: str
    count: int
    sum_ms: int
    within: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InstalledText:
    """A ruleset text, how many picos have it, and the id of one of them."""

    rid: str
    hash: str
    origin: str | None
    picos: int
    pico_id: str


class Minute(NamedTuple):
    """The fires of one minute with one outcome; `minute` counts from 1970, lateness is in ms."""

    minute: int
    outcome: str
    fires: int
    sum_ms: int
    most_ms: int


class Counts(NamedTuple):
    """Numbers of picos, rulesets and paused schedules."""

    picos: int
    rulesets: int
    paused: int


class Pages:
    """Reads pages and statistics."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settled = None if database.machines is None else Settled(database)
        self._to_scheduled = rows.scheduled_with(PLAIN)

    def use(self, almanac: Almanac) -> None:
        """Read the timespecs of rows with this almanac from now on."""
        self._to_scheduled = rows.scheduled_with(almanac)

    def picos(self, after: str | None, limit: int) -> Page[PicoRow]:
        """Picos, in the order they were made."""
        return self._page("page_of_picos", _number(after, 0), limit, pico_of)

    def rulesets(self, limit: int) -> list[InstalledText]:
        """The installed texts, by rid, the most used first."""
        return [InstalledText(*row) for row in self._database.rows("installed_texts", (limit,))]

    def picos_with(self, rid: str, limit: int) -> list[tuple[PicoRow, str]]:
        """The picos that have a ruleset, in the order they were made, each with the hash of its text."""
        return [(pico_of(row), row[-1]) for row in self._database.rows("picos_with", (rid, limit))]

    def scheduled(self, which: Filter, after: str | None, limit: int) -> Page[Scheduled]:
        """The rows that match a filter, soonest first; rows without a due time last, as they were made."""
        place = _place(after)
        found: list[Row] = []
        for status in which.status or tuple(Status):
            found += self._database.rows(PAGE_OF[status], (*place, limit + 1), replace(which, status=()))
        found.sort(key=lambda row: row[-2:])
        next = f"{found[limit - 1][-2]}.{found[limit - 1][-1]}" if len(found) > limit else None
        return Page([self._to_scheduled(row) for row in found[:limit]], next)

    def fires(
        self,
        after: str | None,
        limit: int,
        *,
        pico_id: str | None = None,
        id: str | None = None,
        outcome: str | None = None,
    ) -> Page[Fire]:
        """Records of occurrences, newest first."""
        which = {"pico": pico_id, "scheduled": id, "outcome": outcome}
        return self._page("page_of_fires", _number(after, 2**62), limit, rows.to_fire, which)

    def fires_since(self, place: int, limit: int) -> list[tuple[int, Fire]]:
        """The records after a place, oldest first, each with its place; none that may be preceded yet."""
        last = self._last().fire
        found = self._database.rows("fires_since", (place, limit))
        return [(row[-1], rows.to_fire(row)) for row in found if row[-1] <= last]

    def journal(
        self, after: str | None, limit: int, *, pico_id: str | None = None, eid: str | None = None
    ) -> Page[Entry]:
        """Turns, newest first."""
        which = {"pico": pico_id, "eid": eid}
        return self._page("page_of_journal", _number(after, 2**62), limit, entry_of, which)

    def turns_before(self, place: int, limit: int, characters: int) -> tuple[list[Entry], int]:
        """The turns before a place, newest first, and how many characters they have together: as many turns
        as have `characters`, but at least one."""
        found: list[Entry] = []
        size = 0
        for row in self._database.rows("page_of_journal", (place, limit), {"pico": None}):
            found.append(entry_of(row))
            size += sum(len(value) for value in row if isinstance(value, str))
            if size >= characters:
                break
        return found, size

    def turn(self, seq: int) -> Entry | None:
        """The turn with that number."""
        found = next((entry_of(row) for row in self._turns_since(seq - 1, 1)), None)
        return found if found is not None and found.seq == seq else None

    def journal_since(self, seq: int, limit: int, *, pico_id: str | None = None) -> list[Entry]:
        """Turns after a place, oldest first; none that another may still precede."""
        last = self._last().turn
        found = map(entry_of, self._turns_since(seq, limit, pico_id))
        return [entry for entry in found if entry.seq <= last]

    def _turns_since(self, seq: int, limit: int, pico_id: str | None = None) -> Iterator[Row]:
        return self._database.rows("journal_since", (seq, limit), {"pico": pico_id})

    def failed_turns(self, after: int, upto: int, since: datetime, limit: int) -> list[Entry]:
        """The turns between two places since a time in which a rule failed, oldest first."""
        return [
            entry_of(row) for row in self._database.rows("failed_turns", (after, upto, to_ms(since), limit))
        ]

    def failed_without_turn(
        self, after: int, upto: int, since: datetime, limit: int
    ) -> list[tuple[int, Fire]]:
        """The records between two places since a time of what failed and left no turn, oldest first, each
        with its place: a try that is tried again, or an event that could not be raised.
        """
        found = self._database.rows("failed_without_turn", (after, upto, to_ms(since), limit))
        return [(row[-1], rows.to_fire(row)) for row in found]

    # By time

    def turns_at(self, pico_id: str, at: datetime, limit: int) -> list[Entry]:
        """The turns of a pico at a time, in order."""

        def read(place: int) -> tuple[int, datetime] | None:
            found = map(entry_of, self._turns_since(place, 1, pico_id))
            return next(((each.seq, each.at) for each in found), None)

        found = map(entry_of, self._turns_since(_before(at, self._number("last_turn"), read), limit, pico_id))
        return [*takewhile(lambda entry: entry.at == at, found)]

    def made_at(self, pico_id: str, rid: str, at: datetime, limit: int) -> list[Scheduled]:
        """The rows that a ruleset of a pico made at a time, in order."""

        def rows_after(place: int, limit: int) -> list[tuple[int, Scheduled]]:
            found = self._database.rows("made_after", (pico_id, rid, place, limit))
            return [(row[-1], self._to_scheduled(row)) for row in found]

        def read(place: int) -> tuple[int, datetime] | None:
            return next(((number, row.created) for number, row in rows_after(place, 1)), None)

        start = _before(at, self._number("last_made", pico_id, rid), read)
        return [*takewhile(lambda row: row.created == at, (row for _, row in rows_after(start, limit)))]

    # Figures

    def last_turn(self) -> int:
        """The `seq` of the last turn, which is the number of turns so far; 0 if there are none."""
        return self._number("last_turn") if self._settled is None else self._settled.last().turn

    def last_fire(self) -> int:
        return self._number("last_record") if self._settled is None else self._settled.last().fire

    def _last(self) -> Last:
        return ALL if self._settled is None else self._settled.last()

    def pending(self) -> int:
        return self._number("pending")

    def pending_of(self, pico_id: str) -> int:
        """The number of pending rows of one pico."""
        return self._number("pending_of", pico_id)

    def overdue(self, now: datetime) -> int:
        """The number of rows that are due and not settled."""
        return self._number("overdue", to_ms(now))

    def lateness(self, after: int, upto: int) -> list[Lateness]:
        """The lateness of the fires between two places, by outcome."""
        found = self._database.rows("lateness", (after, upto))
        return [Lateness(row[0], row[1], row[2], tuple(row[3:])) for row in found]

    def fires_by_minute(self, after: int, upto: int, since: datetime) -> list[Minute]:
        """The fires between two places since a time, by minute and outcome."""
        found = self._database.rows("fires_by_minute", (after, upto, to_ms(since)))
        return [Minute(*row) for row in found]

    def counts(self) -> Counts:
        """The numbers; scans tables, so do not call it every second."""
        row = self._database.row("counts")
        assert row is not None  # it has one row always
        return Counts(*row)

    def _number(self, statement: str, *values: int | str) -> int:
        row = self._database.row(statement, values)
        return 0 if row is None or row[0] is None else int(row[0])

    def _page(
        self, statement: str, place: int, limit: int, made: Callable[[Row], T], where: Where | None = None
    ) -> Page[T]:
        """A page of rows whose last column is their place."""
        found = [*self._database.rows(statement, (place, limit + 1), where)]
        next = str(found[limit - 1][-1]) if len(found) > limit else None
        return Page([made(row) for row in found[:limit]], next)


def _before(at: datetime, last: int, read: Callable[[int], tuple[int, datetime] | None]) -> int:
    """The place after which the first row of a time comes, found by halving.

    Rows are numbered in the order of time, up to `last`; `read` gives the place and time of the first after a
    place.
    """
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        found = read(middle)
        if found is not None and found[1] < at:
            low = found[0]
        else:
            high = middle
    return low


def _number(mark: str | None, without: int) -> int:
    if mark is None:
        return without
    if not mark.isdecimal() or not mark.isascii() or len(mark) > 18:
        raise _no_mark(mark)
    return int(mark)


def _place(mark: str | None) -> tuple[int, int]:
    if mark is None:
        return -(2**62), 0
    due, dot, place = mark.partition(".")
    if not dot:
        raise _no_mark(mark)
    sign = -1 if due.startswith("-") else 1
    if due == str(UNDATED):
        return UNDATED, _number(place, 0)
    return sign * _number(due.removeprefix("-"), 0), _number(place, 0)


def _no_mark(mark: str) -> PicoschedError:
    return PicoschedError(f'found after="{mark}", wanted the `next` of the previous page')
