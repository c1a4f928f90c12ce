"""What people do to schedules, as values: a word and its arguments, which can be kept and done again.

| word | arguments |
|---|---|
| `cancelled` | `reason`, a text or None |
| `paused` | `until`, a time or None |
| `resumed` | |
| `moved` | `to`, a time, or `by`, milliseconds |
| `rescheduled` | `timespec`, and `tz`, which may be None: the schedule's own |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from picosched.clock import MILLISECOND, format_time, parse_time
from picosched.errors import PicoschedError
from picosched.intervention import CANCELLED, MOVED, PAUSED, RESCHEDULED, RESUMED
from picosched.schedule.changed import Change, Changed, cancelled, moved, paused, repeated, resumed
from picosched.schedule.scheduled import Scheduled
from picosched.timespec.timespec import Timespec

Told = Mapping[str, Any]


def move_told(to: datetime | timedelta) -> Told:
    """The arguments of a move."""
    return {"by": to // MILLISECOND} if isinstance(to, timedelta) else {"to": format_time(to)}


def timespec_told(timespec: Timespec | str, tz: str | None) -> Told:
    """The arguments of another timespec."""
    return (
        {"timespec": timespec.text, "tz": timespec.tz}
        if isinstance(timespec, Timespec)
        else {"timespec": timespec, "tz": tz}
    )


def step_of(what: str, told: Told, now: datetime, granularity: int) -> Change:
    """The change to a row that a word and its arguments stand for, made at `now`."""
    if what == CANCELLED:
        return lambda row: cancelled(row, now, reason=told["reason"])
    if what == PAUSED:
        until = None if told["until"] is None else parse_time(told["until"])
        return lambda row: paused(row, until)
    if what == RESUMED:
        return lambda row: resumed(row, now, granularity)
    if what == RESCHEDULED:
        return lambda row: repeated(row, row.read(told["timespec"], told["tz"]), now, granularity)
    assert what == MOVED, what

    def move(row: Scheduled) -> Changed | None:
        if "to" in told:
            return moved(row, parse_time(told["to"]), now, granularity)
        return None if row.due is None else moved(row, _later(row.due, told["by"]), now, granularity)

    return move


def _later(time: datetime, ms: int) -> datetime:
    by = ms * MILLISECOND
    try:
        return time + by
    except OverflowError as cause:
        raise PicoschedError(f"found {by} after {format_time(time)}, wanted the years 1 to 9999") from cause
