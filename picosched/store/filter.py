"""Translates a filter over scheduled events into a SQL condition."""

from __future__ import annotations

from picosched.clock import FIRST_MS, LAST_MS, to_ms
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import COMING, SCHEDULES
from picosched.store import rows

SCHEDULE = f"kind IN ({', '.join(map(repr, SCHEDULES))})"
"""The rows that lists show."""

COMING_OF_PICO = """rowid IN (
    SELECT rowid FROM scheduled INDEXED BY scheduled_turn WHERE status = 'pending' AND pico = ? UNION ALL
    SELECT rowid FROM scheduled INDEXED BY scheduled_waits WHERE status = 'paused' AND pico = ?)"""
"""A pico's pending and paused rows, without scanning its ended rows, which may be many more."""

READABLE = f"(+due IS NULL OR +due BETWEEN {FIRST_MS} AND {LAST_MS})"
"""Leaves out rows with an invalid due time; they fail at the next tick. The + avoids use of an index."""

TEXTS = ("rid", "domain || ':' || type", "attrs", "name", "description", "timespec")


def condition_of(which: Filter) -> tuple[str, list[str | int]]:
    """The condition of a filter, and its values."""
    parts, values = [SCHEDULE, READABLE], list[str | int]()
    pico_id = which.pico_id
    if pico_id is not None and which.name is None and which.status and {*which.status} <= {*COMING}:
        parts.append(COMING_OF_PICO)
        values += [pico_id] * 2
        pico_id = None
    for column, value in (
        ("pico", pico_id),
        ("rid", which.rid),
        ("name", which.name),
        ("domain", which.domain),
        ("type", which.type),
        ("kind", which.kind),
    ):
        if value is not None:
            parts.append(f"{column} = ?")
            values.append(value)
    if which.status:
        parts.append(f"status IN ({', '.join('?' * len(which.status))})")
        values += [status.value for status in which.status]
    if which.ids is not None:
        parts.append("id IN (SELECT value FROM json_each(?))")
        values.append(rows.dump(which.ids))
    for sign, time in ((">=", which.since), ("<=", which.until)):
        if time is not None:
            parts.append(f"due {sign} ?")
            values.append(to_ms(time))
    if which.text is not None:
        anywhere = " || ' ' || ".join(f"coalesce({column}, '')" for column in TEXTS)
        parts.append(f"instr(casefold({anywhere}), ?) > 0")
        values.append(which.text.casefold())
    return " AND ".join(parts), values
