"""The next times of a scheduled event: when it is due, and when it will be raised.

Both end where its timespec cannot be read, because the settings lack what it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from picosched.clock import LAST, MILLISECOND, rounded_down, rounded_up
from picosched.errors import PicoschedError
from picosched.schedule.scheduled import Scheduled
from picosched.schedule.window import Unset, Window

MOST_REFUSED = 1_000
"""After this many consecutive due times that are not raised, we assume there is none that is."""


def coming(scheduled: Scheduled, granularity: int) -> Iterator[datetime]:
    """Its due times from the next one, computed lazily; none while it is paused."""
    fires, due = scheduled.fires, None if scheduled.paused else scheduled.due
    while due is not None and (scheduled.count is None or fires < scheduled.count):
        yield due
        fires += 1
        due = _after(scheduled, max(due, scheduled.moved_from or due), granularity)


def coming_raised(
    scheduled: Scheduled,
    granularity: int,
    window: Window | Unset | None,
    min_period: timedelta,
    until: datetime = LAST,
) -> Iterator[datetime]:
    """The due times up to `until` at which it will be raised: its window is open, and it is not throttled.

    It ends where its times do not meet the window again and again.
    """
    fires, due = scheduled.fires, None if scheduled.paused else scheduled.due
    last = scheduled.spaced_from if scheduled.kind == "repeat" else None
    refused = 0
    while due is not None and refused < MOST_REFUSED and (scheduled.count is None or fires < scheduled.count):
        if due > until:
            return
        refused += 1
        since = max(due, scheduled.moved_from or due)
        if window is not None and not window.open_at(due):
            opening = window.next_opening(due)
            if opening is None:
                return
            if scheduled.kind == "at":  # it waits until then
                if opening <= until:
                    yield rounded_up(opening, granularity)
                return
            since = max(since, _came(scheduled, opening, granularity))
        elif last is not None and due - last < min_period:
            since = max(since, _came(scheduled, last + min_period, granularity))
        else:
            yield due
            fires, refused = fires + 1, 0
            if scheduled.kind == "repeat":
                last = due
        due = _after(scheduled, since, granularity)


def _came(scheduled: Scheduled, time: datetime, granularity: int) -> datetime:
    """The last time before another at which it may be due: what is asked for later comes from then on."""
    return rounded_down(time - MILLISECOND, granularity, scheduled.put_off)


def _after(scheduled: Scheduled, since: datetime, granularity: int) -> datetime | None:
    try:
        return scheduled.following(since, granularity)
    except PicoschedError:  # which `explained` tells, and its record once it is due
        return None
