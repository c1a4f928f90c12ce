"""What happened to a schedule, as events that the rules of its pico can select, or to an entry of a source.

    schedule:missed      occurrences passed that will not be raised, or that one late event stands for
    schedule:late        its event was raised late
    schedule:throttled   an occurrence was not raised, because it came too soon after the last
    schedule:failed      a rule failed, or its event could not be raised; after the last try
    schedule:recovered   its event was raised, and the one before had failed

Each is raised once, as an event of its own after the turn of the occurrence, if there was one. The attributes
are `id`, `name` and `event` of the schedule, `nominal` and `at` (when it was due and when it was processed),
`lateness` in seconds, `why`, `number` (of occurrences), `failures` (in a row), and `try` and `tries`: which
further try it was, and how many there may be. Only alerts are told of entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from picosched.clock import format_time, to_ms
from picosched.frozen import frozen
from picosched.hashed import id_of
from picosched.schedule.fire import SKIPPED, Fire, missed
from picosched.schedule.scheduled import Outcome, Scheduled

DOMAIN = "schedule"
TYPES = ("missed", "late", "throttled", "failed", "recovered")
ATTRIBUTES = ("id", "name", "event", "nominal", "at", "lateness", "why", "number", "failures", "try", "tries")


@frozen
class Followed:
    """What an occurrence is of: a schedule, or an entry of a source."""

    id: str
    pico_id: str
    """Its pico; "" if it has not exactly one."""
    name: str | None
    event: str
    """As domain:type."""
    failed_before: int
    """Failures in a row before the occurrence."""
    failures: int
    """The same with it."""
    late_after: int | None
    """From how many milliseconds on it is late; None for the granularity and the grace."""
    source: str | None = None
    """The id of the source."""
    tries: int = 0
    """How often the occurrence had failed and was tried again."""
    retry: int = 0
    """How often it may be."""

    @classmethod
    def of(cls, row: Scheduled, settled: Scheduled) -> Followed:
        """A schedule, as it was and as it is now."""
        failures = row.failures, settled.failures
        tries = row.tries, row.retry or 0
        return cls(row.id, row.pico_id, row.name, row.event, *failures, row.late_after, None, *tries)

    def due(self, record: Fire) -> datetime:
        """When its occurrence was due, before it was tried again."""
        return record.asked if self.tries and record.asked else record.nominal


def happenings(
    followed: Followed, record: Fire, granularity: int, *, raised: bool | None = None
) -> Iterator[Scheduled]:
    """The events to raise about an occurrence, as rows.

    Its own event was `raised` if the record names it, or if that says so.
    """
    raised = record.eid is not None if raised is None else raised
    for type, number in _types(followed, record, granularity, raised):
        attrs = _attributes(followed, record, number)
        yield Scheduled(
            id=id_of(f"{record.id} {to_ms(record.nominal)} {type}"),
            pico_id=followed.pico_id,
            rid="",
            domain=DOMAIN,
            type=type,
            attrs=attrs,
            kind="send",
            due=record.fired,
            created=record.fired,
        )


def _types(followed: Followed, record: Fire, granularity: int, raised: bool) -> Iterator[tuple[str, int]]:
    """The types of the events, each with a number of occurrences."""
    outcome = record.outcome
    if outcome is Outcome.SKIPPED and record.why == SKIPPED:
        yield "missed", record.stands_for
    elif raised and record.stands_for > 1:
        yield "missed", record.stands_for - 1
    if raised and _is_late(followed, record, granularity):
        yield "late", record.stands_for
    if outcome is Outcome.THROTTLED:
        yield "throttled", record.stands_for
    if outcome is Outcome.FAILED:
        yield "failed", record.stands_for
    elif raised and followed.failed_before:
        yield "recovered", record.stands_for


def _is_late(followed: Followed, record: Fire, granularity: int) -> bool:
    if followed.late_after is None:
        return missed(followed.due(record), record.fired, granularity)
    return record.fired - followed.due(record) > timedelta(milliseconds=followed.late_after)


def _attributes(followed: Followed, record: Fire, number: int) -> dict[str, Any]:
    due = followed.due(record)
    source = {} if followed.source is None else {"source": followed.source}
    return {
        **source,
        "id": followed.id,
        "name": followed.name,
        "event": followed.event,
        "nominal": format_time(due),
        "at": format_time(record.fired),
        "lateness": (record.fired - due).total_seconds(),
        "why": record.why,
        "number": number,
        "failures": followed.failures or followed.failed_before,
        "try": followed.tries,
        "tries": followed.retry,
    }
