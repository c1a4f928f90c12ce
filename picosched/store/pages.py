"""Paginated lists, and the statistics a server shows about a store.

A page begins after a mark: the position of the last row of the page before, in the order of the list. So rows
added or deleted meanwhile do not shift pages, and every page costs the same. Marks are opaque texts.
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
"""The bounds of the lateness histogram."""

UNDATED = 2**62
"""Used as the due time of rows without one."""


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

    def picos(self, after: str | None, limit: int) -> Page[PicoRow]:
        """Picos, in the order they were made."""
        sql = f"SELECT {PICO}, rowid FROM pico WHERE rowid > ? ORDER BY rowid LIMIT ?"
        return self._page(sql, [_number(after, 0), limit + 1], limit, pico_of)

    def rulesets(self, limit: int) -> list[InstalledText]:
        """The installed texts, by rid, the most used first."""
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
        """The rows that match a filter, soonest first; rows without a due time last, as they were made."""
        place = _place(after)
        found: list[Row] = []
        for status in which.status or tuple(Status):
            found += self._of_status(replace(which, status=()), status, place, limit + 1)
        found.sort(key=lambda row: row[-2:])
        next = f"{found[limit - 1][-2]}.{found[limit - 1][-1]}" if len(found) > limit else None
        return Page([rows.to_scheduled(row) for row in found[:limit]], next)

    def _of_status(self, which: Filter, status: Status, place: tuple[int, int], limit: int) -> list[Row]:
        where, values = condition_of(which)
        # The status is in the SQL text so that SQLite can use the partial index with these rows in order.
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
        """Records of occurrences, newest first."""
        # As in `Agenda.fires`, records of one event are found by its id, not by scanning the pico's.
        pico = {"pico" if id is None else "+pico": pico_id}
        where, values = _equal(**pico, scheduled=id, outcome=outcome)
        sql = f"SELECT {FIRE.columns}, rowid FROM fire WHERE rowid < ? {where} ORDER BY rowid DESC LIMIT ?"
        return self._page(sql, [_number(after, 2**62), *values, limit + 1], limit, rows.to_fire)

    def fires_since(self, place: int, limit: int) -> list[tuple[int, Fire]]:
        """The records after a place, oldest first, each with its place."""
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
        """Turns after a place, oldest first."""
        where, values = _equal(pico=pico_id)
        sql = f"SELECT {ENTRY.columns} FROM journal WHERE seq > ? {where} ORDER BY seq LIMIT ?"
        return [entry_of(row) for row in self._database.rows(sql, [seq, *values, limit])]

    # Figures

    def last_turn(self) -> int:
        """The `seq` of the last turn, which is the number of turns so far; 0 if there are none."""
        return self._number("SELECT max(seq) FROM journal")

    def last_fire(self) -> int:
        return self._number("SELECT max(rowid) FROM fire")

    def pending(self) -> int:
        return self._number("SELECT count(*) FROM scheduled WHERE status = 'pending'")

    def pending_of(self, pico_id: str) -> int:
        """The number of pending rows of one pico."""
        row = self._database.row(
            "SELECT count(*) FROM scheduled WHERE pico = ? AND status = 'pending'", (pico_id,)
        )
        return 0 if row is None else int(row[0])

    def overdue(self, now: datetime) -> int:
        """The number of rows that are due and not settled."""
        return self._number(
            "SELECT count(*) FROM scheduled WHERE status = 'pending' AND due <= ?", to_ms(now)
        )

    def lateness(self, behind: int, upto: int) -> list[Lateness]:
        """The lateness of the fires between two places, by outcome."""
        within = ", ".join(f"sum(lateness <= {bound})" for bound in LATENESS_MS)
        sql = f"""SELECT outcome, count(*), sum(max(lateness, 0)), {within}
            FROM fire WHERE rowid > ? AND rowid <= ? GROUP BY outcome"""
        found = self._database.rows(sql, (behind, upto))
        return [Lateness(row[0], row[1], row[2], tuple(row[3:])) for row in found]

    def fires_by_minute(self, behind: int, upto: int, since: datetime) -> list[Minute]:
        """The fires between two places since a time, by minute and outcome."""
        sql = """SELECT fired / 60000, outcome, count(*), sum(max(lateness, 0)), max(lateness)
            FROM fire WHERE rowid > ? AND rowid <= ? AND fired >= ? GROUP BY 1, 2"""
        return [Minute(*row) for row in self._database.rows(sql, (behind, upto, to_ms(since)))]

    def counts(self) -> Counts:
        """The numbers; scans tables, so do not call it every second."""
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
        """A page of rows whose last column is their place."""
        found = [*self._database.rows(sql, values)]
        next = str(found[limit - 1][-1]) if len(found) > limit else None
        return Page([made(row) for row in found[:limit]], next)


def _equal(**columns: str | None) -> tuple[str, list[str]]:
    """A condition for each column with a value, preceded by `AND`."""
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
    return PicoschedError(f'found after="{mark}", wanted the `next` of the previous page')
