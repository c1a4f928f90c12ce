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

from picosched.errors import PicoschedError
from picosched.schedule.scheduled import Scheduled, coming_raised
from picosched.schedule.window import Window


class Coming(NamedTuple):
    """One occurrence to come."""

    at: datetime
    row: Scheduled


def forecast(
    rows: Iterable[tuple[Scheduled, Window | None]],
    until: datetime,
    granularity: int,
    min_period: timedelta,
) -> Iterator[Coming]:
    """What rows, each with its window, will raise up to a time (inclusive)."""
    steps = (_steps(row, window, until, granularity, min_period) for row, window in rows)
    return merge(*steps, key=lambda coming: (coming.at, coming.row.id))


def _steps(
    row: Scheduled, window: Window | None, until: datetime, granularity: int, min_period: timedelta
) -> Iterator[Coming]:
    try:
        for at in coming_raised(row, granularity, window, min_period, until):
            yield Coming(at, row)
    except PicoschedError:  # its zone is gone, for example, which is recorded when it is due
        return
