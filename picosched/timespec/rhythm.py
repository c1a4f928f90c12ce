"""The hours of a week, or days of a year, in which a timespec fires: the data for pictures of it.

Both are of the time that comes, local to the timespec's zone: the hours that today has behind it are those of
today in a week. The week shows how often it fires in each hour. The year shows a choice of days, and holes.
So the week fits where all weeks of the coming year are alike, and the year fits all else.

No more is counted than a picture can show. One step finds the first fire of a day, and the rest of the day is
jumped over; an hour is counted up to a bound. So every second costs little more than every minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from picosched.clock import LAST

Kind = Literal["week", "year"]

MOST = 60
"""Fires are counted up to this number per hour."""

WEEKDAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
INSTANT, HOUR, WEEK = timedelta(microseconds=1), timedelta(hours=1), timedelta(weeks=1)


class Times(Protocol):
    """Times in a zone: a timespec, or those of one that a window lets through."""

    @property
    def tz(self) -> str: ...

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Those from `start` (inclusive) to `end` (exclusive), in order, computed lazily."""


def fires_by_hour(timespec: Times, since: datetime) -> Counter[tuple[int, int]]:
    """(weekday, hour) → how often it fires then in the week after `since`; MOST + 1 is more than MOST."""
    zone = ZoneInfo(timespec.tz)
    found: Counter[tuple[int, int]] = Counter()
    at, end = _later(since, INSTANT), _later(_week_later(since, zone), INSTANT)
    while (fire := next(timespec.between(at, end), None)) is not None:
        there = fire.astimezone(zone)
        hour = HOUR - timedelta(minutes=there.minute, seconds=there.second)
        at = min(end, _later(fire, hour))
        place = there.weekday(), there.hour
        count = sum(1 for _ in islice(timespec.between(fire, at), MOST + 1))
        found[place] = min(found[place] + count, MOST + 1)
    return found


def _week_later(moment: datetime, zone: ZoneInfo) -> datetime:
    """When clocks there show the same hour of the same weekday again, whatever they are set to in between."""
    try:
        return (moment.astimezone(zone) + WEEK).astimezone(UTC)
    except OverflowError:
        return LAST


def _later(moment: datetime, step: timedelta) -> datetime:
    """`moment` and a step, as far as time goes."""
    return moment + min(step, LAST - moment)


class Year:
    """The days from `since` to the end of the twelfth month, and those on which it fires."""

    def __init__(self, timespec: Times, since: datetime) -> None:
        self._zone = ZoneInfo(timespec.tz)
        self.today = since.astimezone(self._zone).date()
        self.months = [*islice(_months(self.today), 12)]
        """Their first days."""
        self.last = month_end(self.months[-1])
        self.days = set(self._fired(timespec, since))

    def fitting(self) -> Kind:
        """The week if it fires on the same weekdays in every week to come, today left out of account."""
        fired = {day for day in self.days if day > self.today}
        weekdays = {day.weekday() for day in fired}
        days = (self.today + timedelta(step) for step in range(1, (self.last - self.today).days + 1))
        return "week" if fired and fired == {day for day in days if day.weekday() in weekdays} else "year"

    def _fired(self, timespec: Times, since: datetime) -> Iterator[date]:
        at, end = _later(since, INSTANT), self._end_of(self.last)
        while (fire := next(timespec.between(at, end), None)) is not None:
            day = fire.astimezone(self._zone).date()
            yield day
            # Where midnight is shown twice, the day may end before the fire.
            at = max(self._end_of(day), _later(fire, INSTANT))

    def _end_of(self, day: date) -> datetime:
        """When the local day is over, in UTC."""
        try:
            return datetime.combine(day + timedelta(1), time.min, self._zone).astimezone(UTC)
        except OverflowError:
            return LAST


def _months(day: date) -> Iterator[date]:
    """The first days of the month of `day` and those after it, as far as time goes."""
    month = day.replace(day=1)
    while True:
        yield month
        last = month_end(month)
        if last == date.max:
            return
        month = last + timedelta(1)


def month_end(month: date) -> date:
    """The last day of the month that begins so."""
    if (month.year, month.month) == (date.max.year, 12):
        return date.max
    return (month.replace(day=28) + timedelta(4)).replace(day=1) - timedelta(1)
