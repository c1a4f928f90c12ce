"""A timespec as a picture: the hours of a week, or the days of a year, on which it fires.

The week shows a rhythm: how often it fires in each hour. The year shows a choice of days, and holes. So the
week fits where all weeks of the coming year are alike, and the year fits all else. Both are of the time that
comes, local to the timespec's zone: the hours that today has behind it are those of today in a week.

No more is counted than a picture can show. One step finds the first fire of a day, and the rest of the day is
jumped over; an hour is counted up to a bound. So every second costs little more than every minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from picosched.schedule.timespec import Timespec

Kind = Literal["week", "year"]

MARKS = "·░▒▓█"
"""From nothing to the most there is."""
ASCII_MARKS = ".-+*#"

MOST = 60
"""Fires that are counted in one hour; of more it is said that there are more."""

WEEKDAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
LAST = datetime.max.replace(tzinfo=UTC)
INSTANT, HOUR, WEEK = timedelta(microseconds=1), timedelta(hours=1), timedelta(weeks=1)


def picture(
    timespec: Timespec, since: datetime, kind: Kind | None = None, encoding: str = "utf-8"
) -> list[str]:
    """The lines of a picture of the fires after `since`, the last a legend.

    Without a `kind` it is the one that fits. An `encoding` that lacks the marks gets plain ones.
    """
    marks = MARKS if _has(encoding, MARKS) else ASCII_MARKS
    year = _Year(timespec, since)
    if (kind or year.fitting()) == "year":
        return year.lines(marks)
    return _week(_fires_by_hour(timespec, since), marks)


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


# ---- the week -------------------------------------------------------------------------------------


def _week(fires: Mapping[tuple[int, int], int], marks: str) -> list[str]:
    if not fires:
        return ["no fire in the coming week"]
    most = max(fires.values())

    def level(count: int) -> int:
        """The place of a count among the marks, in proportion to the most; only 0 is nothing."""
        return -(-count * (len(marks) - 1) // most)

    lines = [f"     {''.join(f'{hour:<7}' for hour in range(0, 24, 6))}".rstrip()]
    for weekday, name in enumerate(WEEKDAYS):
        row = "".join(marks[level(fires.get((weekday, hour), 0))] for hour in range(24))
        lines.append(f"{name}  {' '.join(row[hour : hour + 6] for hour in range(0, 24, 6))}")
    counts: dict[int, list[int]] = {}
    for count in sorted(set(fires.values())):
        counts.setdefault(level(count), []).append(count)
    legend = "  ".join(f"{marks[at]} {_range(few[0], few[-1])}" for at, few in counts.items())
    return [*lines, f"fires in an hour of the coming week: {legend}"]


def _range(least: int, most: int) -> str:
    if most > MOST:
        return f"more than {MOST}" if least > MOST else f"{least} or more"
    return str(least) if least == most else f"{least} to {most}"


def _fires_by_hour(timespec: Timespec, since: datetime) -> Counter[tuple[int, int]]:
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


# ---- the year -------------------------------------------------------------------------------------


class _Year:
    """The days from `since` to the end of the twelfth month, and those on which it fires."""

    def __init__(self, timespec: Timespec, since: datetime) -> None:
        self._zone = ZoneInfo(timespec.tz)
        self._today = since.astimezone(self._zone).date()
        self._months = [*islice(_months(self._today), 12)]
        self._last = _month_end(self._months[-1])
        self._days = set(self._fired(timespec, since))

    def fitting(self) -> Kind:
        """The week if it fires on the same weekdays in every week to come, today left out of account."""
        fired = {day for day in self._days if day > self._today}
        weekdays = {day.weekday() for day in fired}
        days = (self._today + timedelta(step) for step in range(1, (self._last - self._today).days + 1))
        return "week" if fired and fired == {day for day in days if day.weekday() in weekdays} else "year"

    def lines(self, marks: str) -> list[str]:
        if not self._days:
            return [f"no fire until {self._last}"]
        lines = [f"          {'1':<9}{'10':<10}{'20':<10}30"]
        for month in self._months:
            days = (month + timedelta(step) for step in range((_month_end(month) - month).days + 1))
            row = "".join(" " if day < self._today else marks[-1 if day in self._days else 0] for day in days)
            lines.append(f"{month:%b} {month.year:04}  {row}")
        count = len(self._days)
        return [*lines, f"{marks[-1]} fires on that day: {count} day{'s' * (count > 1)} until {self._last}"]

    def _fired(self, timespec: Timespec, since: datetime) -> Iterator[date]:
        at, end = _later(since, INSTANT), self._end_of(self._last)
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
        last = _month_end(month)
        if last == date.max:
            return
        month = last + timedelta(1)


def _month_end(month: date) -> date:
    if (month.year, month.month) == (date.max.year, 12):
        return date.max
    return (month.replace(day=28) + timedelta(4)).replace(day=1) - timedelta(1)
