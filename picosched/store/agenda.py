"""Scheduled events and the record of their occurrences: the tables `scheduled` and `fire`.

A row is due until its effects are on disk, and never after: the transaction that settles an occurrence writes
its fire record and the row's next due time. The primary key of `fire` refuses a second record of the same
occurrence, and with it the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from picosched.clock import FIRST_MS, LAST, LAST_MS, shifted, to_ms
from picosched.schedule.changed import Changed, cancelled
from picosched.schedule.filter import Filter
from picosched.schedule.fire import FIRE, Fire
from picosched.schedule.scheduled import COMING, SCHEDULED, Outcome, Scheduled, Status
from picosched.store import rows
from picosched.store.begun import UNMARK
from picosched.store.database import Database, Row
from picosched.store.due import Due
from picosched.store.filter import SCHEDULE, condition_of
from picosched.store.journal import oldest
from picosched.store.left_out import NOTHING, LeftOut

MILLISECOND = timedelta(milliseconds=1)
LAST_CHARACTER = chr(0x10FFFF)

PROGRAM = "kind IN ('proc', 'running')"
LIVE = f"status IN ('pending', 'paused') AND {SCHEDULE}"
NAMED = " UNION ALL ".join(
    f"""SELECT * FROM (SELECT {SCHEDULED.columns} FROM scheduled WHERE pico = ?1 AND rid = ?2
        AND kind = {{kind!r}} AND name = ?3 AND status = '{status}' ORDER BY due, rowid LIMIT ?4)"""
    for status in ("pending", "paused")
)

SETTLE = """UPDATE scheduled
    SET due = ?, status = ?, fires = ?, fired = ?, keep_until = ?, paused_until = ?, moved_from = ?,
        spaced_from = ?
    WHERE id = ?"""
REPEAT = "UPDATE scheduled SET kind = ?, timespec = ?, tz = ? WHERE id = ?"
EVENT = "UPDATE scheduled SET kind = ?, domain = ?, type = ?, attrs = ? WHERE id = ?"
MORE = """INSERT INTO coming (pico, events) VALUES (?, ?)
    ON CONFLICT (pico) DO UPDATE SET events = events + excluded.events"""
TABLE = "scheduled"
ON_RECORD = "SELECT 1 FROM fire WHERE scheduled = ? AND nominal = ?"
MET = """SELECT key FROM json_each(?) JOIN fire
    ON scheduled = json_extract(value, '$[0]') AND nominal = json_extract(value, '$[1]')"""


class Agenda:
    """Scheduled events and the record of their fires."""

    def __init__(self, database: Database, history: timedelta, due: Due) -> None:
        self._database = database
        self._due = due
        """Gets each written row."""
        self._history = history
        """How long finished rows are kept."""
        self._ahead: dict[str, Row] = {}
        """Rows read ahead: id → row."""
        self._ahead_in = -1
        """How many transactions had ended when they were read."""
        self._settled: list[list[Any]] = []
        """The values of rows to be written that have a next due time."""
        database.check(TABLE, self._part_from_record)

    # Reading

    def resumable(self, now: datetime, limit: int) -> list[str]:
        """The ids of paused rows whose pause is over."""
        sql = "SELECT id FROM scheduled WHERE paused_until <= ? ORDER BY paused_until, rowid LIMIT ?"
        return [id for (id,) in self._database.rows(sql, (to_ms(now), limit))]

    def find(self, id: str) -> Scheduled | None:
        """The scheduled event with that id, whatever its status."""
        row = self._ahead.pop(id, None) if self._ahead_in == self._database.transactions else None
        row = row or self._database.row(f"SELECT {SCHEDULED.columns} FROM scheduled WHERE id = ?", (id,))
        return None if row is None else rows.to_scheduled(row)

    def read_ahead(self, ids: Sequence[str]) -> None:
        """Inside a transaction: read rows in one statement, for their next `find`, unless written before."""
        sql = f"SELECT {SCHEDULED.columns} FROM scheduled WHERE id IN (SELECT value FROM json_each(?))"
        found = self._database.rows(sql, (rows.dump([*ids]),))
        self._ahead, self._ahead_in = {row[0]: row for row in found}, self._database.transactions

    def programs(self, kind: str, limit: int | None = None, without: LeftOut = NOTHING) -> list[Scheduled]:
        """The rows of programs, waiting ("proc") or "running", in the order they were made."""
        sql = f"""SELECT {SCHEDULED.columns} FROM scheduled
            WHERE kind = ? AND {PROGRAM} AND status = 'pending'{without.condition("pico")}
            ORDER BY rowid LIMIT ?"""
        found = self._database.rows(sql, (kind, *without.values, -1 if limit is None else limit))
        return [rows.to_scheduled(row) for row in found]

    def ids_like(self, beginning: str, *, live: bool = False) -> list[str]:
        """The ids with this prefix, of rows and records; with `live`, of pending and paused rows only."""
        span = (beginning, beginning + LAST_CHARACTER)
        if live:
            sql = f"SELECT id FROM scheduled WHERE id >= ? AND id < ? AND {LIVE} ORDER BY id"
            return [id for (id,) in self._database.rows(sql, span)]
        sql = """SELECT id FROM scheduled WHERE id >= ? AND id < ?
            UNION SELECT scheduled FROM fire WHERE scheduled >= ? AND scheduled < ?"""
        return [id for (id,) in self._database.rows(sql, span * 2)]

    def pending(self, pico_id: str | None = None, rid: str | None = None) -> list[Scheduled]:
        """Pending and paused rows, soonest first; of one pico or ruleset, or all."""
        return self.matching(Filter(pico_id=pico_id, rid=rid))

    def first_named(
        self, pico_id: str, rid: str, name: str, kinds: Sequence[str], limit: int
    ) -> list[Scheduled]:
        """Pending and paused rows with a name, of some kinds, soonest first."""
        found = [
            rows.to_scheduled(row)
            for kind in kinds
            for row in self._database.rows(NAMED.format(kind=kind), (pico_id, rid, name, limit))
        ]
        return sorted(found, key=lambda row: row.due or LAST)[:limit]

    def windows(self, pico_id: str, rid: str) -> list[Scheduled]:
        """The rows of the windows that a ruleset follows in a pico."""
        sql = f"""SELECT {SCHEDULED.columns} FROM scheduled WHERE pico = ? AND rid = ?
            AND kind = 'window' AND name IS NOT NULL AND status IN ('pending', 'paused')"""
        return [rows.to_scheduled(row) for row in self._database.rows(sql, (pico_id, rid))]

    def coming(self, pico_id: str) -> int:
        """How many pending or paused rows a pico has: schedules, messages it sent, programs."""
        row = self._database.row("SELECT events FROM coming WHERE pico = ?", (pico_id,))
        return 0 if row is None else int(row[0])

    def matching(
        self, which: Filter, limit: int | None = None, order: str = "due NULLS LAST, rowid"
    ) -> list[Scheduled]:
        """The rows that match a filter, soonest first; rows without a due time last, as they were made."""
        where, values = condition_of(which)
        found = self._database.rows(
            f"SELECT {SCHEDULED.columns} FROM scheduled WHERE {where} ORDER BY {order} LIMIT ?",
            (*values, -1 if limit is None else limit),
        )
        return [rows.to_scheduled(row) for row in found]

    def how_many(self, which: Filter) -> int:
        where, values = condition_of(which)
        row = self._database.row(f"SELECT count(*) FROM scheduled WHERE {where}", values)
        return 0 if row is None else int(row[0])

    def fires(self, *, pico_id: str | None = None, id: str | None = None, limit: int = 100) -> list[Fire]:
        """Records of occurrences, newest first; for one scheduled event, by nominal time."""
        sql, values = f"SELECT {FIRE.columns} FROM fire WHERE true", []
        if pico_id is not None:
            # The plus keeps SQLite from scanning all records of the pico to find those of one event.
            sql, values = f"{sql} AND {'pico' if id is None else '+pico'} = ?", [pico_id]
        if id is not None:
            sql, values = f"{sql} AND scheduled = ?", [*values, id]
        order = "rowid" if id is None else "nominal"
        found = self._database.rows(f"{sql} ORDER BY {order} DESC LIMIT ?", [*values, limit])
        return [rows.to_fire(row) for row in found]

    def last_record(self) -> int:
        """The mark of the newest record, for `records_after`."""
        row = self._database.row("SELECT max(rowid) FROM fire")
        return 0 if row is None or row[0] is None else int(row[0])

    def records_after(self, mark: int) -> list[Fire]:
        """The records written after the mark, oldest first."""
        sql = f"SELECT {FIRE.columns} FROM fire WHERE rowid > ? ORDER BY rowid"
        return [rows.to_fire(row) for row in self._database.rows(sql, (mark,))]

    def let_go_after(self, mark: int) -> dict[str, int]:
        """Outcome → number of throttled or skipped occurrences recorded after the mark."""
        sql = """SELECT outcome, sum(stands_for) FROM fire
            WHERE rowid > ? AND outcome IN ('throttled', 'skipped') GROUP BY outcome"""
        return dict(self._database.rows(sql, (mark,)))

    def last_raised(self, id: str) -> Fire | None:
        """The last occurrence of a scheduled event that was raised, ignoring events fired by hand."""
        raised = (
            "scheduled = ? AND eid IS NOT NULL AND outcome <> 'cancelled' "
            "AND NOT (outcome = 'fired' AND why IS NOT NULL)"
        )
        sql = f"SELECT {FIRE.columns} FROM fire WHERE {raised} ORDER BY nominal DESC LIMIT 1"
        row = self._database.row(sql, (id,))
        return None if row is None else rows.to_fire(row)

    def last_nominal(self, id: str) -> datetime | None:
        """The latest nominal time on record."""
        row = self._database.row("SELECT max(nominal) FROM fire WHERE scheduled = ?", (id,))
        return None if row is None else rows.time(row[0])

    # Writing, inside a transaction

    def add(self, scheduled: Scheduled) -> None:
        """Add a row."""
        self._database.put(TABLE, SCHEDULED.insert, rows.of_scheduled(scheduled))
        self.made(scheduled.pico_id, [scheduled])

    def made(self, pico_id: str, made: Sequence[Scheduled]) -> None:
        """Count rows just written for a pico. A trigger counts the rows that end."""
        number = sum(each.status in COMING for each in made)
        if number:
            self._database.put("coming", MORE, (pico_id, number))
        for each in made:
            self._due.see(each)

    def settle(self, settled: Scheduled, now: datetime) -> None:
        """Update a row's due time, status and number of fires."""
        keep_until = settled.keep_until
        if keep_until is None and settled.status in (Status.FINISHED, Status.CANCELLED):
            keep_until = shifted(now, self._history)
        values = [
            rows.ms(settled.due),
            settled.status.value,
            settled.fires,
            rows.ms(settled.fired),
            rows.ms(keep_until),
            rows.ms(settled.paused_until),
            rows.ms(settled.moved_from),
            rows.ms(settled.spaced_from),
            settled.id,
        ]
        self._database.put(TABLE, SETTLE, values)
        self._ahead.pop(settled.id, None)
        if settled.due is not None:
            self._settled.append(values)
        self._due.see(settled)
        if settled.kind == "window":  # the event of any other row is the same each time
            self._put_event(settled)

    def become(self, row: Scheduled, now: datetime) -> None:
        """Update a row that now has another kind and event."""
        self._put_event(row)
        self.settle(row, now)

    def _put_event(self, row: Scheduled) -> None:
        self._database.put(TABLE, EVENT, (row.kind, row.domain, row.type, rows.dump(row.attrs), row.id))

    def change(self, row: Scheduled, now: datetime) -> None:
        """Update a row that somebody changed."""
        self.settle(row, now)
        self._database.put(TABLE, REPEAT, (row.kind, row.timespec, row.tz, row.id))

    def _part_from_record(self) -> None:
        """Move due times about to be written that equal a time on record.

        This can happen if somebody moved the row, or set the clock back and rescheduled it. The next
        occurrence could never be settled.
        """
        settled, self._settled = self._settled, []
        pairs = rows.dump([[values[-1], values[0]] for values in settled])
        for (index,) in [*self._database.rows(MET, (pairs,))]:
            id, due = settled[index][-1], settled[index][0]
            while self._database.row(ON_RECORD, (id, due)) is not None:
                due += 1
            settled[index][0] = due

    def note(self, fire: Fire) -> None:
        """Record a change to an occurrence that was not made by the clock."""
        self.record(replace(fire, nominal=self.free(fire.id, fire.nominal)))

    def free(self, id: str, nominal: datetime) -> datetime:
        """The first millisecond from `nominal` on that is neither on record nor the row's due time.

        An event fired by hand may coincide with a settled occurrence or the next one.
        """
        coming = "SELECT 1 FROM scheduled WHERE id = ? AND due = ?"
        while self._on_record(id, nominal) or self._database.row(coming, (id, to_ms(nominal))):
            nominal += MILLISECOND
        return nominal

    def _on_record(self, id: str, nominal: datetime) -> bool:
        return self._database.row(ON_RECORD, (id, to_ms(nominal))) is not None

    def record(self, fire: Fire) -> None:
        """Record an occurrence. `conflict` if it is on record already."""
        self._database.put("fire", FIRE.insert, rows.of_fire(fire))

    def correct(self, id: str, nominal: datetime, outcome: Outcome, why: str) -> None:
        """Correct the outcome of an occurrence on record."""
        sql = "UPDATE fire SET outcome = ?, why = ? WHERE scheduled = ? AND nominal = ?"
        self._database.execute(sql, (outcome.value, why, id, to_ms(nominal)))

    def cancel(self, id: str, now: datetime, eid: str | None = None, *, reason: str | None = None) -> bool:
        """Cancel a pending or paused row with its next occurrence; False if there is none.

        `eid` is the event of the turn that cancelled it.
        """
        scheduled = self.find(id)
        changed = None if scheduled is None else cancelled(scheduled, now, eid, reason)
        if changed is None:
            return False
        self.take(changed, now)
        return True

    def take(self, changed: Changed, now: datetime) -> None:
        """Write a change: the row, and its record if there is one."""
        row, record = changed
        self.change(row, now)
        if record is not None:
            self.note(record)

    def cancel_all(self, pico_id: str, rid: str | None, now: datetime, reason: str) -> int:
        """Cancel all pending and paused rows of a pico, or of one ruleset of it; returns how many.

        The same as `ended` for each row, but in two statements, as there may be many.
        """
        where, values = condition_of(Filter(pico_id=pico_id, rid=rid))
        at = to_ms(now)
        self._ahead = {}
        self._database.execute(
            # A store of an older picosched may have the occurrence on record already.
            f"""INSERT OR IGNORE INTO fire ({FIRE.columns})
                SELECT id, due, pico, ?, ? - due, 'cancelled', NULL, '[]', ?, 1
                FROM scheduled WHERE {where} AND due IS NOT NULL ORDER BY due, rowid""",
            (at, at, reason, *values),
        )
        return self._database.execute(
            f"""UPDATE scheduled SET due = NULL, status = 'cancelled', paused_until = NULL,
                moved_from = NULL, keep_until = ? WHERE {where}""",
            (to_ms(shifted(now, self._history)), *values),
        )

    def give_up(self, id: str, now: datetime, why: str) -> None:
        """End a row that cannot be processed or read, with its occurrence failed."""
        ms = to_ms(now)
        due = f"CASE WHEN due BETWEEN {FIRST_MS} AND {LAST_MS} THEN due ELSE ?1 END"
        self._ahead = {}
        self._database.execute(
            f"""INSERT OR IGNORE INTO fire ({FIRE.columns})
                SELECT id, {due}, pico, ?1, ?1 - {due}, ?2, NULL, '[]', ?3, 1
                FROM scheduled WHERE id = ?4 AND due IS NOT NULL""",
            (ms, Outcome.FAILED.value, why, id),
        )
        self._database.execute(
            """UPDATE scheduled SET due = NULL, status = ?, keep_until = ?, paused_until = NULL
                WHERE id = ?""",
            (Status.FINISHED.value, to_ms(shifted(now, self._history)), id),
        )
        self._database.execute(UNMARK, (id,))

    def prunable(self, before: datetime, now: datetime) -> bool:
        """Whether there is anything to prune; usually there is not."""
        if oldest(self._database, "fire", "fired", before, now) is not None:
            return True
        sql = "SELECT 1 FROM scheduled WHERE keep_until IS NOT NULL AND keep_until <= ? LIMIT 1"
        return self._database.row(sql, (to_ms(now),)) is not None

    def prune(self, before: datetime, now: datetime, limit: int) -> int:
        """Delete records older than `before` and expired rows, `limit` of each; returns how many."""
        fires, first = 0, oldest(self._database, "fire", "fired", before, now)
        if first is not None:
            sql = "DELETE FROM fire WHERE fired < ? AND rowid < min(?, (SELECT max(rowid) FROM fire))"
            fires = self._database.execute(sql, (to_ms(before), first + limit))
        kept = self._database.execute(
            """DELETE FROM scheduled WHERE id IN
                (SELECT id FROM scheduled WHERE keep_until IS NOT NULL AND keep_until <= ? LIMIT ?)""",
            (to_ms(now), limit),
        )
        return fires + kept
