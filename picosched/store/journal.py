"""The journal: a row for every turn, with what was considered and why, and what it was the answer to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from picosched.clock import from_ms, shifted, to_ms
from picosched.pico.turn import Turn
from picosched.schedule.fire import Fire
from picosched.store import rows
from picosched.store.database import Database, Row

COLUMNS = "eid, pico, at, eci, scheduled, nominal, handled, directives, errors, log"
INSERT = f"INSERT INTO journal ({COLUMNS}) VALUES ({', '.join('?' * 10)})"

FAR = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Entry:
    """One turn as the journal keeps it; `handled` and the rest are JSON."""

    seq: int
    eid: str
    pico_id: str
    at: datetime
    eci: str | None
    scheduled: str | None
    """The id of the scheduled event that caused the turn, if one did, and the time it was due."""
    nominal: datetime | None
    handled: list[dict[str, Any]]
    """Events in order: `{domain, type, attrs, considered: [{rid, rule, outcome, why, line}]}`."""
    directives: list[dict[str, Any]]
    """`{name, options, rid, rule}`"""
    errors: list[str]
    log: list[dict[str, Any]]
    """`{level, rid, rule, value}`"""

    @property
    def fired(self) -> list[str]:
        """The rules that fired, as `rid.rule`, in order."""
        return [
            f"{considered['rid']}.{considered['rule']}"
            for handled in self.handled
            for considered in handled["considered"]
            if considered["outcome"] == "fired"
        ]


class Journal:
    """What happened, turn by turn."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(
        self, pico_id: str | None = None, *, eid: str | None = None, after: int = 0, limit: int = 100
    ) -> list[Entry]:
        """Turns, newest first; of one pico, of one event, with a `seq` greater than `after`."""
        sql = f"SELECT seq, {COLUMNS} FROM journal WHERE seq > ?"
        values: list[int | str] = [after]
        if pico_id is not None:
            sql, values = f"{sql} AND pico = ?", [*values, pico_id]
        if eid is not None:
            sql, values = f"{sql} AND eid = ?", [*values, eid]
        found = self._database.rows(f"{sql} ORDER BY seq DESC LIMIT ?", [*values, limit])
        return [entry_of(row) for row in found]

    def add(self, entry: Entry) -> None:
        """Write a turn that was kept elsewhere; it gets a `seq` of this journal."""
        self._database.execute(
            INSERT,
            (
                entry.eid,
                entry.pico_id,
                to_ms(entry.at),
                entry.eci,
                entry.scheduled,
                rows.ms(entry.nominal),
                *map(rows.dump, (entry.handled, entry.directives, entry.errors, entry.log)),
            ),
        )

    def prunable(self, before: datetime, now: datetime) -> bool:
        return oldest(self._database, "journal", "at", before, now) is not None

    def prune(self, before: datetime, now: datetime, limit: int) -> int:
        """Delete entries older than `before`, at most `limit`; how many."""
        first = oldest(self._database, "journal", "at", before, now)
        if first is None:
            return 0
        sql = "DELETE FROM journal WHERE at < ? AND seq < min(?, (SELECT max(seq) FROM journal))"
        return self._database.execute(sql, (to_ms(before), first + limit))


def oldest(database: Database, table: str, column: str, before: datetime, now: datetime) -> int | None:
    """The number of the oldest row of a table, if that is from before the time and is not the newest as well.

    Rows are numbered as they were written, so the first tells, without an index. Those that lie far ahead of
    now were written while the clock was wrong, and say nothing of the ones behind them. The newest row stays:
    its number is where the next one begins, and whoever follows a table waits for numbers that are greater.
    """
    sql = f"""SELECT rowid, {column} FROM {table}
        WHERE {column} <= ? AND rowid < (SELECT max(rowid) FROM {table}) ORDER BY rowid LIMIT 1"""
    first = database.row(sql, (to_ms(shifted(now, FAR)),))
    return None if first is None or first[1] >= to_ms(before) else int(first[0])


def of_turn(turn: Turn, fire: Fire | None) -> Row:
    """The row of a turn. Everything that can fail for its values fails here, before anything is written."""
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
        rows.dump(turn.log) if turn.log else "[]",
    )


@rows.readable
def entry_of(row: Row) -> Entry:
    return Entry(
        seq=row[0],
        eid=row[1],
        pico_id=row[2],
        at=from_ms(row[3]),
        eci=row[4],
        scheduled=row[5],
        nominal=rows.time(row[6]),
        handled=rows.load(row[7]),
        directives=rows.load(row[8]),
        errors=rows.load(row[9]),
        log=rows.load(row[10]),
    )
