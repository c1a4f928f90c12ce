"""A scheduled event: an event with a due time, and what becomes of it when that time comes.

A row is *due until its effects are on disk, and never after*. One coming of its time is an occurrence,
keyed by (id, nominal time): that key is unique in the record of fires, so nothing fires twice. The nominal
time is the due time: the time asked for, rounded up to the engine's granularity, never early.

    pending ──due──▶ fired ──▶ finished          an `at`, or a `repeat` with no time left
       ▲               │
       └── next due ───┘                         a `repeat`
    pending ──▶ cancelled
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from picosched.schedule.timespec import Timespec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Status(StrEnum):
    """Where a scheduled event stands."""

    PENDING = "pending"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Misfire(StrEnum):
    """What becomes of occurrences that were missed: raised once, not at all, or each."""

    ONCE = "once"
    SKIP = "skip"
    ALL = "all"


class Outcome(StrEnum):
    """What became of one occurrence."""

    FIRED = "fired"
    LATE = "late"
    COALESCED = "coalesced"
    SKIPPED = "skipped"
    THROTTLED = "throttled"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An event made for later by a rule's `schedule`. Times are aware UTC."""

    id: str
    pico_id: str
    rid: str
    domain: str
    type: str
    attrs: Mapping[str, Any]
    kind: str
    """"at", "repeat", or "send": an event for another pico, due at once."""
    due: datetime | None
    """The next occurrence; None once there is none."""
    created: datetime
    rule: str | None = None
    """The rule that made it, and the line of its `schedule`."""
    line: int | None = None
    timespec: str | None = None
    name: str | None = None
    tz: str = "UTC"
    status: Status = Status.PENDING
    fires: int = 0
    fired: datetime | None = None
    """When it last fired."""
    eci: str | None = None
    """Of a "send": the channel it is raised through."""
    keep_until: datetime | None = None
    """Of a finished or cancelled one: when its record may be pruned."""
    paused_until: datetime | None = None
    """Of a paused one: when it goes on by itself; None if it waits to be resumed."""

    @property
    def created_by(self) -> str | None:
        """The rule that made it."""
        return self.rule

    @property
    def paused(self) -> bool:
        return self.status is Status.PAUSED

    def settled(self, now: datetime, misfire: Misfire, granularity: int, *, fired: bool) -> Scheduled:
        """This row once its present occurrence is dealt with: next due, or finished."""
        counted = replace(self, fires=self.fires + 1, fired=now) if fired else self
        if self.timespec is None or self.due is None:
            return replace(counted, due=None, status=Status.FINISHED)
        # Never back to or before the occurrence that was just settled, whatever the clock says.
        since = self.due if misfire is Misfire.ALL else max(self.due, now)
        following = next_due(Timespec.parse(self.timespec, self.tz), since, granularity)
        if following is None:
            return replace(counted, due=None, status=Status.FINISHED)
        return replace(counted, due=following)


def rounded_up(time: datetime, granularity: int) -> datetime:
    """The first multiple of `granularity` seconds (since the epoch) that is not before `time`."""
    step = timedelta(seconds=granularity)
    over = (time - EPOCH) % step
    return time + (step - over) if over else time


def next_due(timespec: Timespec, since: datetime, granularity: int) -> datetime | None:
    """The first occurrence after `since` whose rounded time is after it as well; None if there is none."""
    occurrence = timespec.after(since)
    return None if occurrence is None else rounded_up(occurrence, granularity)
