"""The occurrences to come of many schedules, in order of time.

Each schedule steps by itself, lazily, so a forecast costs what is taken from it: a first step for each
schedule, and one for each occurrence. An occurrence that will not be raised, because its window is closed or
the last one was too near, is not in it; nor are those of paused schedules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import merge
from typing import NamedTuple

from picosched.clock import MILLISECOND, shifted
from picosched.errors import PicoschedError
from picosched.frozen import frozen, replace
from picosched.schedule.coming import coming_raised
from picosched.schedule.scheduled import Misfire, Scheduled
from picosched.schedule.window import Unset, Window

MOST_DAYS, USUAL_DAYS = 366, 31
"""How far ahead a calendar looks, at most and if nobody says."""
MOST_EVENTS = 1_000
"""Events of a calendar; so many schedules are read for it."""


class Expected(NamedTuple):
    """One occurrence to come."""

    at: datetime
    row: Scheduled


@frozen
class Span:
    """The time a forecast is of, both ends included, and the settings that decide about it."""

    since: datetime | None
    until: datetime
    granularity: int
    min_period: timedelta
    misfire: Misfire = Misfire.ONCE


def forecast(rows: Iterable[tuple[Scheduled, Window | Unset | None]], span: Span) -> Iterator[Expected]:
    """What rows, each with its window, will raise.

    Those whose earlier occurrences matter step through the time before the span, and may raise in it too.
    """
    steps = [_expected(row, window, span) for row, window in rows]
    return merge(*steps, key=lambda coming: (coming.at, coming.row.id))


def _expected(row: Scheduled, window: Window | Unset | None, span: Span) -> Iterator[Expected]:
    return (Expected(at, row) for at in times_in(row, window, span))


def times_in(row: Scheduled, window: Window | Unset | None, span: Span) -> Iterator[datetime]:
    """The times at which a row with its window will be raised."""
    try:
        row = _from(row, span)
        yield from coming_raised(row, span.granularity, window, span.min_period, span.until)
    except PicoschedError:  # its zone is gone, for example, which is recorded when it is due
        return


def _from(row: Scheduled, span: Span) -> Scheduled:
    """A row without the occurrences before the span, if none of them matters for those in it."""
    if row.timespec is None or row.due is None or row.count is not None or span.since is None:
        return row
    if row.due >= span.since or (row.kind == "repeat" and may_throttle(row, span)):
        return row
    following = row.behind(shifted(span.since, -MILLISECOND), span.granularity).due
    return replace(row, due=following, moved_from=None, spaced_from=None)


def may_throttle(row: Scheduled, span: Span) -> bool:
    """Whether the least period may hold some of its occurrences back."""
    period = None if row.repeats is None else row.repeats.period()
    least = span.min_period + timedelta(seconds=span.granularity)  # rounding brings two of them nearer
    return bool(span.min_period) and period is not None and period < least
