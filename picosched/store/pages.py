"""Long lists, a page at a time, and the figures that a server shows of a store.

A page begins behind a mark: the place of the last row that was seen, in the order of the list. So rows that
come or go meanwhile shift nothing, and a page costs the same wherever it begins. Marks are texts, for
callers to hand back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from picosched.clock import to_ms
from picosched.errors import PicoschedError
from picosched.schedule.filter import Filter
from picosched.schedule.fire import FIRE, Fire
from picosched.schedule.scheduled import SCHEDULED, Scheduled, Status
from picosched.store import rows
from picosched.store.database import Database, Row
from picosched.store.filter import SCHEDULE, condition_of
from picosched.store.journal import ENTRY, Entry, entry_of
from picosched.store.picos import PICO, PicoRow, pico_of

T = TypeVar("T")

LATENESS_MS = (100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000, 600_000, 3_600_000)
"""The bounds between which fires are counted by how late they were."""

UNDATED = 2**62
"""Stands for the due time of rows that have none any more."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the mark behind which the next page begins; None on the last one."""

    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Lateness:
    """Fires of one outcome, counted by how late they were: one count per bound, and the sum of all in ms."""

    outcome: str
    count: int
    sum_ms: int
    within: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InstalledText:
    """A text of a ruleset, and how many picos have it; the id of one of them."""

    rid: str
    hash: str
    origin: str | None
    picos: int
    pico_id: str


class Minute(NamedTuple):
    """Fires of one minute and outcome; `minute` counts from 1970, lateness is in ms."""

    minute: int
    outcome: str
    fires: int
    sum_ms: int
    most_ms: int


class Counts(NamedTuple):
    """How much there is."""

    picos: int
    rulesets: int
    paused: int


class Pages:
    """Reading only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def picos(self, after: str | None, limit: int) -> Page[PicoRow]:
        """In the order they were made."""
        sql = f"SELECT {PICO}, rowid FROM pico WHERE rowid > ? ORDER BY rowid LIMIT ?"
        return self._page(sql, [_number(after, 0), limit + 1], limit, pico_of)

    def rulesets(self, limit: int) -> list[InstalledText]:
        """The texts that picos have, by rid, those that most have first."""
        sql = """SELECT installed.rid, installed.hash, ruleset.origin, count(*), min(pico)
            FROM installed JOIN ruleset ON ruleset.hash = installed.hash
            GROUP BY installed.rid, installed.hash ORDER BY installed.rid, count(*) DESC LIMIT ?"""
        return [InstalledText(*row) for row in self._database.rows(sql, (limit,))]

    def picos_with(self, rid: str, limit: int) -> list[tuple[PicoRow, str]]:
        """The picos that have a ruleset, in the order they were made, each with the hash of its text."""
        sql = f"""SELECT {PICO}, hash FROM pico JOIN installed ON installed.pico = pico.id
            WHERE rid = ? ORDER BY pico.rowid LIMIT ?"""
        return [(pico_of(row), row[-1]) for row in self._database.rows(sql, (rid, limit))]

    def scheduled(self, which: Filter, after: str | None, limit: int) -> Page[Scheduled]:
        """What a filter means, soonest first; what has no due time any more comes last, as it was made."""
        place = _place(after)
        found: list[Row] = []
        for status in which.status or tuple(Status):
            found += self._of_status(replace(which, status=()), status, place, limit + 1)
        found.sort(key=lambda row: row[-2:])
        next = f"{found[limit - 1][-2]}.{found[limit - 1][-1]}" if len(found) > limit else None
        return Page([rows.to_scheduled(row) for row in found[:limit]], next)

    def _of_status(self, which: Filter, status: Status, place: tuple[int, int], limit: int) -> list[Row]:
        where, values = condition_of(which)
        # The status stands in the text, for only so does SQLite know which index holds these rows in order.
        where = f"status = '{status.value}' AND {where}"
        if status in (Status.PENDING, Status.PAUSED):
            sql = f"""SELECT {SCHEDULED.columns}, due, rowid FROM scheduled
                WHERE {where} AND (due, rowid) > (?, ?) ORDER BY due, rowid LIMIT ?"""
        else:
            sql = f"""SELECT {SCHEDULED.columns}, {UNDATED}, rowid FROM scheduled
                WHERE {where} AND ({UNDATED}, rowid) > (?, ?) ORDER BY rowid LIMIT ?"""
        return [*self._database.rows(sql, (*values, *place, limit))]

    def fires(
        self,
        after: str | None,
        limit: int,
        *,
        pico_id: str | None = None,
        id: str | None = None,
        outcome: str | None = None,
    ) -> Page[Fire]:
        """What became of occurrences, newest first."""
        # As in `Agenda.fires`, the records of one event are found by its id and not among all of the pico.
        pico = {"pico" if id is None else "+pico": pico_id}
        where, values = _equal(**pico, scheduled=id, outcome=outcome)
        sql = f"SELECT {FIRE.columns}, rowid FROM fire WHERE rowid < ? {where} ORDER BY rowid DESC LIMIT ?"
        return self._page(sql, [_number(after, 2**62), *values, limit + 1], limit, rows.to_fire)

    def fires_since(self, place: int, limit: int) -> list[tuple[int, Fire]]:
        """The record behind a place, oldest first, each with its own place."""
        sql = f"SELECT {FIRE.columns}, rowid FROM fire WHERE rowid > ? ORDER BY rowid LIMIT ?"
        return [(row[-1], rows.to_fire(row)) for row in self._database.rows(sql, (place, limit))]

    def journal(
        self, after: str | None, limit: int, *, pico_id: str | None = None, eid: str | None = None
    ) -> Page[Entry]:
        """Turns, newest first."""
        where, values = _equal(pico=pico_id, eid=eid)
        sql = f"SELECT {ENTRY.columns}, seq FROM journal WHERE seq < ? {where} ORDER BY seq DESC LIMIT ?"
        return self._page(sql, [_number(after, 2**62), *values, limit + 1], limit, entry_of)

    def journal_since(self, seq: int, limit: int, *, pico_id: str | None = None) -> list[Entry]:
        """Turns behind a place, oldest first."""
        where, values = _equal(pico=pico_id)
        sql = f"SELECT {ENTRY.columns} FROM journal WHERE seq > ? {where} ORDER BY seq LIMIT ?"
        return [entry_of(row) for row in self._database.rows(sql, [seq, *values, limit])]

    # Figures

    def last_turn(self) -> int:
        """The place of the last turn in the journal, which counts them; 0 without any."""
        return self._number("SELECT max(seq) FROM journal")

    def last_fire(self) -> int:
        return self._number("SELECT max(rowid) FROM fire")

    def pending(self) -> int:
        return self._number("SELECT count(*) FROM scheduled WHERE status = 'pending'")

    def pending_of(self, pico_id: str) -> int:
        """Of one pico."""
        row = self._database.row(
            "SELECT count(*) FROM scheduled WHERE pico = ? AND status = 'pending'", (pico_id,)
        )
        return 0 if row is None else int(row[0])

    def overdue(self, now: datetime) -> int:
        """Rows that are due and not dealt with."""
        return self._number(
            "SELECT count(*) FROM scheduled WHERE status = 'pending' AND due <= ?", to_ms(now)
        )

    def lateness(self, behind: int, upto: int) -> list[Lateness]:
        """The fires between two places, counted by outcome and lateness."""
        within = ", ".join(f"sum(lateness <= {bound})" for bound in LATENESS_MS)
        sql = f"""SELECT outcome, count(*), sum(max(lateness, 0)), {within}
            FROM fire WHERE rowid > ? AND rowid <= ? GROUP BY outcome"""
        found = self._database.rows(sql, (behind, upto))
        return [Lateness(row[0], row[1], row[2], tuple(row[3:])) for row in found]

    def fires_by_minute(self, behind: int, upto: int, since: datetime) -> list[Minute]:
        """The fires between two places, of that time and later, by minute and outcome."""
        sql = """SELECT fired / 60000, outcome, count(*), sum(max(lateness, 0)), max(lateness)
            FROM fire WHERE rowid > ? AND rowid <= ? AND fired >= ? GROUP BY 1, 2"""
        return [Minute(*row) for row in self._database.rows(sql, (behind, upto, to_ms(since)))]

    def counts(self) -> Counts:
        """Looks at every scheduled event: not for each second."""
        row = self._database.row(
            f"""SELECT (SELECT count(*) FROM pico), (SELECT count(DISTINCT rid) FROM installed),
            (SELECT count(*) FROM scheduled WHERE status = 'paused' AND {SCHEDULE})"""
        )
        assert row is not None  # a SELECT without FROM has one row
        return Counts(*row)

    def _number(self, sql: str, *values: int) -> int:
        row = self._database.row(sql, values)
        return 0 if row is None or row[0] is None else int(row[0])

    def _page(self, sql: str, values: Sequence[Any], limit: int, made: Callable[[Row], T]) -> Page[T]:
        """Rows whose last column is their place."""
        found = [*self._database.rows(sql, values)]
        next = str(found[limit - 1][-1]) if len(found) > limit else None
        return Page([made(row) for row in found[:limit]], next)


def _equal(**columns: str | None) -> tuple[str, list[str]]:
    """Conditions for the columns that are given, each with `AND` before it."""
    given = {name: value for name, value in columns.items() if value is not None}
    return "".join(f" AND {name} = ?" for name in given), [*given.values()]


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
    return PicoschedError(f'found after="{mark}", wanted the `next` of the page before')
