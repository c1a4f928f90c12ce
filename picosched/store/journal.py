"""The journal: a row for every turn, with its event, the rules considered and why each fired or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from picosched.clock import from_ms, shifted, to_ms
from picosched.pico.turn import Turn
from picosched.schedule.fire import Fire
from picosched.schedule.record import COUNT, MAPS, NAME, TEXT, TEXTS, TIME, Field, Table
from picosched.store import rows
from picosched.store.port import Database, Row

FAR = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Entry:
    """One turn in the journal; `handled` and the fields after it are JSON."""

    seq: int
    eid: str
    pico_id: str
    at: datetime
    eci: str | None
    scheduled: str | None
    """The id of the scheduled event that caused the turn, if any; `nominal` is the time it was due."""
    nominal: datetime | None
    handled: list[dict[str, Any]]
    """Events in order: `{domain, type, attrs, considered: [{rid, rule, outcome, why, line}]}`."""
    directives: list[dict[str, Any]]
    """`{name, options, rid, rule}`"""
    errors: list[str]
    log: list[dict[str, Any]]
    """`{level, rid, rule, value}`"""

    @property
    def inputs(self) -> str | None:
        """None, for an imported turn; what is on record of others is read by `Journal.inputs`."""
        return None

    @property
    def fired(self) -> list[str]:
        """The rules that fired, as `rid.rule`, in order."""
        return [
            f"{considered['rid']}.{considered['rule']}"
            for handled in self.handled
            for considered in handled["considered"]
            if considered["outcome"] == "fired"
        ]


ENTRY = Table(
    "journal",
    Entry,
    Field("seq", COUNT, numbered=True),
    Field("eid", NAME),
    Field("pico_id", NAME, column="pico", json="pico"),
    Field("at", TIME),
    Field("eci", TEXT.maybe),
    Field("scheduled", TEXT.maybe),
    Field("nominal", TIME.maybe),
    Field("handled", MAPS),
    Field("directives", MAPS),
    Field("errors", TEXTS),
    Field("log", MAPS),
    Field("inputs", TEXT.maybe, json=None),
)


class Journal:
    """Reads and writes the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(
        self, pico_id: str | None = None, *, eid: str | None = None, after: int = 0, limit: int = 100
    ) -> list[Entry]:
        """Turns, newest first; of one pico, of one event, with a `seq` greater than `after`."""
        found = self._database.rows("entries", (after, limit), {"pico": pico_id, "eid": eid})
        return [entry_of(row) for row in found]

    def inputs(self, after: int, upto: int) -> dict[int, str | None]:
        """`seq` → what a turn drew and was answered (`pico/inputs.py`), of the turns between two places.

        None if that was not recorded. It may hold ecis, so it is shown to nobody.
        """
        return dict(self._database.rows("inputs_between", (after, upto)))

    def begins(self) -> datetime | None:
        """The time of the oldest turn; None if there is none."""
        row = self._database.row("journal_begins")
        return None if row is None else from_ms(row[0])

    def place_at(self, time: datetime) -> int:
        """The `seq` of the last turn up to a time; 0 if there is none.

        Turns are numbered as they come, so it halves the numbers and needs no index of times.
        """
        low, high = 0, self._database.row("entry_up_to", (2**62,))
        if high is None or high[1] <= to_ms(time):
            return 0 if high is None else int(high[0])
        past = int(high[0])
        while past - low > 1:
            middle = (low + past) // 2
            found = self._database.row("entry_up_to", (middle,))
            if found is None or found[1] <= to_ms(time):
                low = middle
            else:
                past = int(found[0])
        return low

    def add(self, entry: Entry) -> None:
        """Add an imported turn; it gets a `seq` of this journal."""
        self._database.execute("add_entry", of_entry(entry))

    def prunable(self, before: datetime, now: datetime) -> bool:
        return oldest(self._database, "first_entry", before, now) is not None

    def prune(self, before: datetime, now: datetime, limit: int) -> int:
        """Delete entries older than `before`, at most `limit`; returns how many."""
        first = oldest(self._database, "first_entry", before, now)
        if first is None:
            return 0
        return self._database.execute("prune_journal", (to_ms(before), first + limit))


def oldest(database: Database, statement: str, before: datetime, now: datetime) -> int | None:
    """The number of a table's oldest row, if it is older than `before` and not also the newest.

    The statement gives the number and time of the first row up to a time, the newest excepted.

    Rows are numbered in the order they were written, so we check the first, without an index. Rows far in
    the future were written while the clock was wrong, and are skipped. The newest row is kept, because new
    numbers follow it, and readers that follow a table wait for greater ones.
    """
    first = database.row(statement, (to_ms(shifted(now, FAR)),))
    return None if first is None or first[1] >= to_ms(before) else int(first[0])


def of_turn(turn: Turn, fire: Fire | None) -> Row:
    """The row of a turn, with the columns of `of_entry`.

    Values that cannot be converted raise here, before anything is written.
    """
    return (
        turn.eid,
        turn.pico_id,
        to_ms(turn.now),
        turn.eci,
        None if fire is None else fire.id,
        None if fire is None else to_ms(fire.nominal),
        rows.dump(turn.handled),
        rows.dump(turn.directives) if turn.directives else "[]",
        rows.dump([str(error) for error in turn.errors]) if turn.errors else "[]",
        rows.dump([*turn.log, *turn.sent]) if turn.log or turn.deliveries else "[]",
        turn.inputs,
    )


of_entry = ENTRY.of_record(rows.dump)
entry_of: Callable[[Row], Entry] = rows.readable(ENTRY.to_record(rows.load))
