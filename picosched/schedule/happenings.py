"""What happened to a schedule, as events that the rules of its pico can select.

    schedule:missed      occurrences passed that will not be raised, or that one late event stands for
    schedule:late        its event was raised late
    schedule:throttled   an occurrence was not raised, because it came too soon after the last
    schedule:failed      a rule failed, or its event could not be raised; after the last try
    schedule:recovered   its event was raised, and the one before had failed

Each is raised once, as an event of its own after the turn of the occurrence, if there was one. The attributes
are `id`, `name` and `event` of the schedule, `nominal` and `at` (when it was due and when it was processed),
`lateness` in seconds, `why`, `number` (of occurrences) and `failures` (in a row).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from picosched.clock import format_time, to_ms
from picosched.hashed import id_of
from picosched.schedule.fire import SKIPPED, Fire, missed
from picosched.schedule.scheduled import Outcome, Scheduled

DOMAIN = "schedule"
TYPES = ("missed", "late", "throttled", "failed", "recovered")
ATTRIBUTES = ("id", "name", "event", "nominal", "at", "lateness", "why", "number", "failures")


def happenings(row: Scheduled, settled: Scheduled, record: Fire, granularity: int) -> Iterator[Scheduled]:
    """The events to raise about an occurrence, as rows: what was `row` is `settled` now."""
    for type, number in _types(row, record, granularity):
        attrs = _attributes(row, settled, record, number)
        yield Scheduled(
            id=id_of(f"{record.id} {to_ms(record.nominal)} {type}"),
            pico_id=row.pico_id,
            rid="",
            domain=DOMAIN,
            type=type,
            attrs=attrs,
            kind="send",
            due=record.fired,
            created=record.fired,
        )


def _types(row: Scheduled, record: Fire, granularity: int) -> Iterator[tuple[str, int]]:
    """The types of the events, each with a number of occurrences."""
    outcome, raised = record.outcome, record.eid is not None
    if outcome is Outcome.SKIPPED and record.why == SKIPPED:
        yield "missed", record.stands_for
    elif raised and record.stands_for > 1:
        yield "missed", record.stands_for - 1
    if raised and _is_late(row, record, granularity):
        yield "late", record.stands_for
    if outcome is Outcome.THROTTLED:
        yield "throttled", record.stands_for
    if outcome is Outcome.FAILED:
        yield "failed", record.stands_for
    elif raised and row.failures:  # before
        yield "recovered", record.stands_for


def _is_late(row: Scheduled, record: Fire, granularity: int) -> bool:
    if row.late_after is None:
        return missed(record.nominal, record.fired, granularity)
    return record.fired - record.nominal > timedelta(milliseconds=row.late_after)


def _attributes(row: Scheduled, settled: Scheduled, record: Fire, number: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "event": row.event,
        "nominal": format_time(record.nominal),
        "at": format_time(record.fired),
        "lateness": record.lateness,
        "why": record.why,
        "number": number,
        "failures": settled.failures or row.failures,
    }
