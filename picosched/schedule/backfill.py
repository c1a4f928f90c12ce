"""Occurrences of a past time that were never raised, and may be raised after all.

A backfill asks of each due time of a repeat in that time what the record has of it:

| on record as | |
|---|---|
| fired, late, coalesced, failed | left alone: it was raised, and a failed one may have had effects |
| throttled | left alone: the least period holds for a backfill as well |
| skipped, paused | raised: nobody got it. The new record takes the place of the old one, and quotes it |
| nothing | raised: it is from before the schedule was made, or another stood for it |

One that is raised must be inside the schedule's window by its nominal time, whether that is open now or not,
and keep the least period from every occurrence that was raised. Its record is `late`, with the reason
"backfilled", under the key that the occurrence always has: so it is raised once, however often somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from picosched.clock import LAST, MILLISECOND, format_time, shifted
from picosched.errors import PicoschedError
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome, Scheduled
from picosched.schedule.window import Unset, Window

MOST = 1_000
"""Due times of one backfill."""

BACKFILLED = "backfilled"

NOMINAL = "_nominal"
"""The attribute of a backfilled event that has its nominal time."""

RAISED = (Outcome.FIRED, Outcome.LATE, Outcome.COALESCED, Outcome.FAILED)
OPEN = (Outcome.SKIPPED, Outcome.PAUSED)
"""Outcomes that a backfill replaces."""


@dataclass(frozen=True, slots=True)
class Past:
    """One due time of a backfill."""

    nominal: datetime
    left: str | None = None
    """Why it is left alone; None if its event is to be raised, or was."""
    outcome: Outcome | None = None
    """Once its event was raised: late or failed."""
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Its fields as plain values."""
        return {
            "nominal": format_time(self.nominal),
            "left": self.left,
            "outcome": self.outcome and self.outcome.value,
            "error": self.error,
        }


def past_times(row: Scheduled, since: datetime, until: datetime, granularity: int) -> list[datetime]:
    """The due times of a repeat from `since` to `until`, before its next one; `too_large` for too many."""
    found = [*islice(_due_times(row, since, until, granularity), MOST + 1)]
    if len(found) > MOST:
        span = f"from {format_time(since)} to {format_time(until)}"
        raise PicoschedError(f"found more than {MOST:,} due times {span}, wanted a shorter time", "too_large")
    return found


def _due_times(row: Scheduled, since: datetime, until: datetime, granularity: int) -> Iterator[datetime]:
    end = still_to_come(row)
    time = row.following(shifted(since, -MILLISECOND), granularity)
    while time is not None and time <= until and time < end:
        yield time
        time = row.following(time, granularity)


def still_to_come(row: Scheduled) -> datetime:
    """From when on a row's occurrences are left to the scheduler."""
    return min(row.moved_from or LAST, row.due or LAST)


def judged(
    times: Sequence[datetime], records: Sequence[Fire], window: Window | Unset | None, min_period: timedelta
) -> list[Past]:
    """Which of these due times are to be raised, by the records of their schedule around them."""
    known = {each.nominal: each for each in records}
    raised = sorted(each.nominal for each in records if each.outcome in RAISED)
    found: list[Past] = []
    for time in times:
        left = _left(time, known.get(time), raised, window, min_period)
        if left is None:
            insort(raised, time)
        found.append(Past(time, left))
    return found


def _left(
    time: datetime,
    record: Fire | None,
    raised: Sequence[datetime],
    window: Window | Unset | None,
    min_period: timedelta,
) -> str | None:
    """Why a due time is left alone; None if it is to be raised."""
    if record is not None and record.outcome not in OPEN:
        return f"on record as {record.outcome.value}"
    if window is not None and not window.open_at(time):
        return f"the window {window.name} was closed"
    at = bisect_left(raised, time)
    for near in raised[max(0, at - 1) : at + 1]:
        if abs(near - time) < min_period:
            least = f"{min_period.total_seconds():g} s (min_period)"
            return f"less than {least} from the occurrence of {format_time(near)}"
    return None


def reason(replaced: Fire | None) -> str:
    """Why an occurrence is raised, given the record that its own replaces."""
    if replaced is None:
        return BACKFILLED
    several = "" if replaced.stands_for == 1 else f", for {replaced.stands_for:,} occurrences"
    why = "" if replaced.why is None else f": {replaced.why}"
    return f"{BACKFILLED}; it was {replaced.outcome.value}{several}{why}"
