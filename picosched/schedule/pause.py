"""Pausing a scheduled event, and what is due when it goes on.

While a row is paused its due time stands still. When it goes on, a repeat takes up with the next
occurrence to come, since those that passed were not wanted; an `at` whose time passed is due at once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from picosched.schedule.scheduled import Scheduled, Status, next_due
from picosched.schedule.timespec import Timespec


def paused(scheduled: Scheduled, until: datetime | None) -> Scheduled:
    """This row, waiting `until` then or until it is resumed."""
    return replace(scheduled, status=Status.PAUSED, paused_until=until)


def resumed(scheduled: Scheduled, now: datetime, granularity: int) -> Scheduled:
    """This row, going on at `now`; finished if its last occurrence passed meanwhile."""
    going = replace(scheduled, status=Status.PENDING, paused_until=None)
    if going.timespec is None or going.due is None or going.due > now:
        return going
    due = next_due(Timespec.parse(going.timespec, going.tz), now, granularity)
    return replace(going, due=due, status=Status.PENDING if due else Status.FINISHED)
