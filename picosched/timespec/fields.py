"""The times and days of a text, field by field, before they are resolved to calendar days.

Cron text, maps and phrases are all parsed into `Fields`, and explained from them. `Fields` keeps the
meaning ("the last Friday"), `Days` the resulting days (the 31st, this month).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from picosched.timespec.anchored import Anchored, Cycle
from picosched.timespec.bits import (
    ALL_DAYS,
    ALL_MINUTES_OF_DAY,
    ALL_MONTHS,
    ALL_SECONDS,
    ALL_WEEKDAYS,
    ALL_YEARS,
    bits,
    members,
    spread,
)
from picosched.timespec.calendar import Calendar, nth_of_months
from picosched.timespec.days import DAY, EPOCH_DAY, NEVER, Days, by_rule, united
from picosched.timespec.wall import WallTimes


@dataclass(frozen=True, slots=True)
class MonthDays:
    """Days by their position in the month; a day belongs if any of the sets contains it.

    `numbers` are days of the month. `from_end` counts back from the last, which is 0. `nearest` are days
    of the month, each moved to the nearest of Monday to Friday within the month. `working` counts the days
    that are Monday to Friday, from 1, and `working_from_end` counts them back from the last, which is 0.
    `business` has the places of business days: the first is 1, the last -1.
    `nearest_from_end` are days counted back from the last, each moved as those of `nearest`.
    """

    numbers: int = 0
    from_end: int = 0
    nearest: int = 0
    working: int = 0
    working_from_end: int = 0
    business: frozenset[int] = frozenset()
    nearest_from_end: int = 0

    @property
    def every_day(self) -> bool:
        return self.numbers & ALL_DAYS == ALL_DAYS

    def __or__(self, other: MonthDays) -> MonthDays:
        return MonthDays(
            self.numbers | other.numbers,
            self.from_end | other.from_end,
            self.nearest | other.nearest,
            self.working | other.working,
            self.working_from_end | other.working_from_end,
            self.business | other.business,
            self.nearest_from_end | other.nearest_from_end,
        )

    def of(self, length: int, weekday: int) -> int:
        """The days in a month of that length which begins on that weekday."""
        found = self.numbers & ((2 << length) - 2)
        for back in members(self.from_end):
            found |= 1 << length - back if back < length else 0
        for day in members(self.nearest):
            found |= 1 << _nearest(day, length, weekday) if day <= length else 0
        for back in members(self.nearest_from_end):
            found |= 1 << _nearest(length - back, length, weekday) if back < length else 0
        if self.working or self.working_from_end:
            days = [day for day in range(1, length + 1) if (weekday + day - 1) % 7 not in (0, 6)]
            found |= bits(days[n - 1] for n in members(self.working) if n <= len(days))
            found |= bits(days[-1 - n] for n in members(self.working_from_end) if n < len(days))
        return found


@dataclass(frozen=True, slots=True)
class WeekDays:
    """Days by their weekday: all of `weekdays`, and of `nth` the n-th in the month, -1 for the last.

    `business` adds all business days.
    """

    weekdays: int = 0
    nth: frozenset[tuple[int, int]] = frozenset()
    business: bool = False

    @property
    def every_day(self) -> bool:
        return self.weekdays == ALL_WEEKDAYS

    def __or__(self, other: WeekDays) -> WeekDays:
        return WeekDays(self.weekdays | other.weekdays, self.nth | other.nth, self.business or other.business)

    def of(self, length: int, weekday: int) -> int:
        """The days in a month of that length which begins on that weekday."""
        found = 0
        for each in members(self.weekdays):
            found |= spread(1 + (each - weekday) % 7, 7, length + 1)
        for each, n in self.nth:
            first = 1 + (each - weekday) % 7
            last = first + (length - first) // 7 * 7
            day = first + 7 * (n - 1) if n > 0 else last + 7 * (n + 1)
            found |= 1 << day if 1 <= day <= length else 0
        return found


EVERY_MONTH_DAY = MonthDays(ALL_DAYS)
EVERY_WEEK_DAY = WeekDays(ALL_WEEKDAYS)


@dataclass(frozen=True, slots=True)
class Fields:
    """Times of a day, and the days: by month day and weekday, months and years.

    With `either` one of month day and weekday is enough; without, both must match. `minutes` are those of
    the day, 0 to 1439. `cycle` keeps one in so many days, weeks, months or years (see `anchored`), counted
    from `start`, a local second, or else from 1970-01-01. No day before that of the start belongs.
    `free` is the calendar that business days go by, if there are any.
    """

    seconds: int = 1
    minutes: int = 1
    month_days: MonthDays = EVERY_MONTH_DAY
    week_days: WeekDays = EVERY_WEEK_DAY
    months: int = ALL_MONTHS
    years: int = ALL_YEARS
    either: bool = False
    elapsed: bool = False
    cycle: tuple[str, int] | None = None
    start: int | None = None
    free: Calendar | None = None

    @property
    def whole_days(self) -> Fields:
        """The same days, every second of them."""
        return replace(self, seconds=ALL_SECONDS, minutes=ALL_MINUTES_OF_DAY)

    def days(self) -> Days:
        """The days of the calendar."""
        found = _days(self.month_days, self.week_days, self.either, self.months, self.years)
        if self.free is not None:
            found = self._with_business_days(self.free)
        if self.cycle is None and self.start is None:
            return found
        start = EPOCH_DAY if self.start is None else self.start // DAY
        cycles = () if self.cycle is None else (Cycle.every(*self.cycle, start),)
        return Anchored(found, cycles, 0 if self.start is None else start)

    def _with_business_days(self, free: Calendar) -> Days:
        month = _days(self.month_days, EVERY_WEEK_DAY, False, ALL_MONTHS, ALL_YEARS)
        month = united(month, nth_of_months(free.business, self.month_days.business))
        week = _days(EVERY_MONTH_DAY, self.week_days, False, ALL_MONTHS, ALL_YEARS)
        week = united(week, free.business if self.week_days.business else NEVER)
        found = united(month, week) if self.either else month & week
        return found & _days(EVERY_MONTH_DAY, EVERY_WEEK_DAY, False, self.months, self.years)

    def times(self) -> WallTimes | None:
        """The local times; None when there are none."""
        days = self.days()
        return WallTimes(days, self.minutes, self.seconds, self.elapsed) if days else None


@lru_cache(maxsize=1024)
def _days(month_days: MonthDays, week_days: WeekDays, either: bool, months: int, years: int) -> Days:
    known: dict[tuple[int, int], int] = {}

    def rule(month: int, length: int, weekday: int) -> int:
        if not months >> month & 1:
            return 0
        kind = (length, weekday)
        if kind not in known:
            by_month, by_week = month_days.of(*kind), week_days.of(*kind)
            known[kind] = by_month | by_week if either else by_month & by_week
        return known[kind]

    return by_rule(rule, years)


def _nearest(day: int, length: int, weekday: int) -> int:
    """The day of Monday to Friday that is nearest to `day` in the same month."""
    at = (weekday + day - 1) % 7
    if at == 6:
        return day - 1 if day > 1 else day + 2
    if at == 0:
        return day + 1 if day < length else day - 2
    return day
