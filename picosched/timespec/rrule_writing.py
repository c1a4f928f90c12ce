"""Writes timespecs as recurrence rules of iCalendar, where there is one.

Fields are most of what a rule can say: a rule of days chooses among all dates, and hours times minutes are
times of the day. Times that are no such product are chosen from one by their place (BYSETPOS). What goes by
elapsed time is a rule of hours. The nearest weekday, days of the month *or* of the week, and years apart have
no rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from picosched.timespec.anchored import DAY as BY_DAY
from picosched.timespec.anchored import MONTH, WEEK, YEAR
from picosched.timespec.bits import (
    ALL_HOURS,
    ALL_MINUTES,
    ALL_MONTHS,
    ALL_YEARS,
    bits,
    highest,
    lowest,
    members,
)
from picosched.timespec.cron import minutes_of_day
from picosched.timespec.fields import Fields, MonthDays, WeekDays
from picosched.timespec.rrule import WEEKDAYS, Recurrence, written
from picosched.timespec.start import second_of, utc_of
from picosched.timespec.times import Times
from picosched.timespec.wall import WallTimes
from picosched.timespec.zone import is_utc

MOST_LISTED = 200
"""Single times that are listed in RDATE or EXDATE."""

_MOST_PLACES = 366
_FREQUENCIES = {BY_DAY: "DAILY", WEEK: "WEEKLY", MONTH: "MONTHLY", YEAR: "YEARLY"}
_EPOCH = datetime(1970, 1, 1)

Parts = dict[str, str]


class Lines(NamedTuple):
    """The lines of a recurrence. `start` is None where the rules do not depend on it."""

    start: datetime | None = None
    rules: tuple[str, ...] = ()
    added: tuple[datetime, ...] = ()
    taken: tuple[datetime, ...] = ()

    def text(self, tz: str) -> str:
        """The lines, with times in a zone. One of single times alone has a rule for the first of them."""
        zone, mark = ("", "Z") if is_utc(tz) else (f";TZID={tz}", "")
        start, rules, added = self.start, self.rules, self.added
        if not rules:
            start, rules, added = added[0], ("FREQ=DAILY;COUNT=1",), added[1:]

        def times(name: str, some: tuple[datetime, ...]) -> list[str]:
            return [f"{name}{zone}:{','.join(written(each) + mark for each in some)}"] if some else []

        return "\n".join(
            [
                *times("DTSTART", () if start is None else (start,)),
                *(f"RRULE:{rule}" for rule in rules),
                *times("RDATE", added),
                *times("EXDATE", self.taken),
            ]
        )


def of_fields(fields: Fields, tz: str) -> Lines | None:
    """The rule of fields; None if there is none."""
    if fields.free is not None:
        return None
    start = None if fields.start is None else _time(fields.start)
    if fields.cycle is not None and start is None:
        start = _EPOCH
    until = None
    if fields.years != ALL_YEARS:
        first, last = lowest(fields.years), highest(fields.years)
        begins = datetime(first, 1, 1)
        if last - first + 1 != fields.years.bit_count() or (fields.cycle and begins > (start or _EPOCH)):
            return None
        start = max(start or begins, begins)
        until = None if last == 9999 else datetime(last, 12, 31, 23, 59, 59)
    dates = _dates(fields)
    parts = None if dates is None else _timed(dates, fields, is_utc(tz))
    times = fields.times()
    if parts is None or times is None:
        return None
    if until is not None:
        parts["UNTIL"] = f"{written(utc_of(until, tz).replace(tzinfo=None))}Z"
    if start is not None:
        # It is counted from the first time as well, and others take their DTSTART for a time.
        found = times.first_from(second_of(start))
        start = None if found is None else _time(found)
    return Lines(start, (";".join(f"{name}={value}" for name, value in parts.items()),))


def of_interval(seconds: int, start: int | None) -> Lines:
    """The rule of a duration counted from a local time, or from 1970 in UTC."""
    for unit, length in (("HOURLY", 3_600), ("MINUTELY", 60), ("SECONDLY", 1)):
        if seconds % length == 0:
            return Lines(
                _EPOCH if start is None else _time(start), (f"FREQ={unit};INTERVAL={seconds // length}",)
            )
    raise AssertionError("a duration has whole seconds")


def listed(times: Times) -> tuple[datetime, ...] | None:
    """All local times, if they are few; None if they are many, or durations."""
    found: list[int] = []
    for part in times:
        if not isinstance(part, WallTimes):
            return None
        at = part.first_from(0)
        while at is not None:
            found.append(at)
            if len(found) > MOST_LISTED:
                return None
            at = part.first_from(at + 1)
    return tuple(_time(at) for at in sorted(set(found)))


def of_moments(times: Times) -> Lines | None:
    found = listed(times)
    return None if found is None else Lines(added=found)


def of_recurrence(read: Recurrence) -> Lines | None:
    """Rules as they were read; None where a whole day is taken away."""
    if any(each.whole_day for each in read.taken):
        return None
    rules, taken = tuple(rule.text for rule in read.rules), tuple(each.time for each in read.taken)
    return Lines(read.start, rules, read.added, taken)


def without(lines: Lines, times: Times) -> Lines | None:
    """The lines with times taken away, if these are few."""
    found = listed(times)
    return None if found is None else lines._replace(taken=lines.taken + found)


def united(one: Lines, other: Lines) -> Lines | None:
    """The lines of either; None where their starts differ, or one takes times away."""
    if one.taken or other.taken or (one.rules and other.rules and one.start != other.start):
        return None
    start = one.start if one.rules else other.start
    return Lines(start, one.rules + other.rules, one.added + other.added)


def _dates(fields: Fields) -> Parts | None:
    """The parts that choose days; BYSETPOS counts days."""
    month_days, week_days = fields.month_days, fields.week_days
    by_day, by_weekday = not month_days.every_day, not week_days.every_day
    if fields.either and by_day and by_weekday:
        return None
    if fields.either:
        by_day = by_weekday = False
    plain = MonthDays(month_days.numbers, month_days.from_end)
    working = [
        *(n for n in members(month_days.working)),
        *(-1 - n for n in members(month_days.working_from_end)),
    ]
    if by_day and month_days != plain and (plain != MonthDays() or not working or by_weekday):
        return None
    if by_day and (month_days.nearest or month_days.nearest_from_end or month_days.business):
        return None
    unit, count = fields.cycle or ("", 1)
    if not unit:
        unit = MONTH if by_day or week_days.nth else WEEK if by_weekday else BY_DAY
    if unit in (BY_DAY, WEEK) and (by_day or week_days.nth or (unit == WEEK and not by_weekday)):
        return None
    parts = {"FREQ": _FREQUENCIES[unit]}
    if count > 1:
        parts["INTERVAL"] = str(count)
    if fields.months != ALL_MONTHS or unit == YEAR:
        parts["BYMONTH"] = _joined(members(fields.months))
    if by_day and working:
        return parts | {"BYDAY": ",".join(WEEKDAYS[1:6]), "BYSETPOS": _joined(working)}
    if by_day or (unit in (MONTH, YEAR) and not by_weekday):
        days = [*members(month_days.numbers & (2 << 31) - 1), *(-1 - n for n in members(month_days.from_end))]
        parts["BYMONTHDAY"] = _joined(days)
    if by_weekday:
        parts["BYDAY"] = ",".join(_weekdays(week_days))
    return parts


def _weekdays(days: WeekDays) -> list[str]:
    """Weekdays, all with a number or none: not every reader unites those with and without."""
    if not days.nth:
        return [WEEKDAYS[day] for day in members(days.weekdays)]
    each = {(day, n) for day in members(days.weekdays) for n in range(1, 6)}
    kept = {(day, n) for day, n in days.nth if not days.weekdays >> day & 1}
    return [f"{n}{WEEKDAYS[day]}" for day, n in sorted(each | kept)]


def _timed(dates: Parts, fields: Fields, utc: bool) -> Parts | None:
    """`dates` with the times of the day; None if no rule has them."""
    by_hour = [fields.minutes >> 60 * hour & ALL_MINUTES for hour in range(24)]
    hours, minutes = bits(hour for hour in range(24) if by_hour[hour]), 0
    for some in by_hour:
        minutes |= some
    product = minutes_of_day(hours, minutes)
    parts = dict(dates)
    by_time = {
        "BYHOUR": _joined(members(hours)),
        "BYMINUTE": _joined(members(minutes)),
        "BYSECOND": _joined(members(fields.seconds)),
    }
    # A rule of hours knows no weekdays of a month, no places and no days counted.
    plain = not (fields.week_days.nth or "BYSETPOS" in parts or fields.cycle)
    if fields.elapsed and plain and product == fields.minutes:
        parts["FREQ"] = "MINUTELY" if minutes == ALL_MINUTES else "HOURLY"
        if hours == ALL_HOURS:
            del by_time["BYHOUR"]
        if minutes == ALL_MINUTES:
            del by_time["BYMINUTE"]
        return parts | by_time
    if fields.elapsed and not utc:
        return None
    places = [int(place) for place in parts.pop("BYSETPOS", "").split(",") if place]
    parts |= by_time
    if product != fields.minutes or places:
        if not places and (not plain or "BYMONTHDAY" in parts):
            return None
        seconds = fields.seconds.bit_count()
        times, chosen = (
            product.bit_count() * seconds,
            [
                n * seconds + second
                for n, minute in enumerate(members(product))
                if fields.minutes >> minute & 1
                for second in range(seconds)
            ],
        )
        # The times of the n-th day begin at a multiple; places count from 1 and from -1.
        at = sorted((place - (place > 0)) * times + n for place in places or [1] for n in chosen)
        if max(map(abs, at)) >= _MOST_PLACES:
            return None
        parts["FREQ"] = parts["FREQ"] if places else "DAILY"
        parts["BYSETPOS"] = _joined(n + (n >= 0) for n in at)
    return parts


def _joined(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def _time(second: int) -> datetime:
    return datetime.min + timedelta(seconds=second)
