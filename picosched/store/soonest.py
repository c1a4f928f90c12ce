"""What comes next in each queue, read in one statement."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from picosched.clock import FIRST_MS, LAST_MS
from picosched.store import rows
from picosched.store.database import Database
from picosched.store.left_out import NOTHING, LeftOut


class Soonest(NamedTuple):
    """The next due time of each queue, and when the next pause ends; None if there is none."""

    entry: datetime | None
    source_resumes: datetime | None
    delivery: datetime | None
    program: datetime | None
    """When the first waiting program was requested."""
    row: datetime | None
    row_resumes: datetime | None
    broken: bool
    """Whether a row would never be due because its due time is damaged."""


def soonest(
    database: Database,
    first_ms: int = FIRST_MS,
    *,
    entries: LeftOut = NOTHING,
    deliveries: LeftOut = NOTHING,
    programs: LeftOut = NOTHING,
    scheduled: LeftOut = NOTHING,
) -> Soonest:
    """What comes next, except for what is left out. No pending row that counts is due before `first_ms`."""
    pending = "SELECT 1 FROM scheduled WHERE status = 'pending'"
    row = database.row(
        f"""SELECT
            (SELECT min(due) FROM source_entry WHERE paused = 0{entries.condition("source")}),
            (SELECT min(paused_until) FROM source WHERE paused_until IS NOT NULL),
            (SELECT min(due) FROM delivery WHERE true{deliveries.condition("source")}),
            (SELECT created FROM scheduled WHERE kind = 'proc' AND kind IN ('proc', 'running')
                AND status = 'pending'{programs.condition("pico")} ORDER BY rowid LIMIT 1),
            (SELECT min(due) FROM scheduled
                WHERE status = 'pending' AND due BETWEEN ? AND {LAST_MS}{scheduled.condition("pico")}),
            (SELECT min(paused_until) FROM scheduled WHERE paused_until IS NOT NULL),
            EXISTS ({pending} AND due < {FIRST_MS}) OR EXISTS ({pending} AND due > {LAST_MS})""",
        (*entries.values, *deliveries.values, *programs.values, first_ms, *scheduled.values),
    )
    assert row is not None  # a SELECT without FROM has one row
    entry, source_resumes, delivery, program, due, resumes = map(rows.time, row[:6])
    return Soonest(entry, source_resumes, delivery, program, due, resumes, bool(row[6]))
