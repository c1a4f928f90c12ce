"""The local times that a timespec names, and the arithmetic of stepping through them.

Here time is what a clock on the wall shows: no zone, no summer time. A moment is a whole number of
seconds since the start of year 1, so a day is exactly 86,400 of them, and nothing overflows.

A set of numbers below a small bound (the minutes 0 to 59, the days 1 to 31) is an integer with one
bit for each member. "The next member from n on" is then a shift and the lowest bit that is left, and
the days of a month that fall on chosen weekdays are one bit pattern shifted by the month's first
weekday, so a step takes the same few operations whatever the fields say.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice, pairwise

DAY = 86_400
LAST_DAY = date.max.toordinal() - 1

ALL_MINUTES = (1 << 60) - 1
ALL_HOURS = (1 << 24) - 1
ALL_DAYS = (1 << 32) - 2
ALL_MONTHS = (1 << 13) - 2
ALL_WEEKDAYS = (1 << 7) - 1
ALL_YEARS = (1 << 10_000) - 2

_MONTH_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

# The Gregorian calendar repeats, weekdays included, after this many years.
_CYCLE_YEARS = 400


def bits(members: Iterable[int]) -> int:
    """The set of `members` as bits."""
    found = 0
    for member in members:
        found |= 1 << member
    return found


def lowest(some: int) -> int:
    """The least member of a set that is not empty."""
    return (some & -some).bit_length() - 1


def highest(some: int) -> int:
    """The greatest member of a set that is not empty."""
    return some.bit_length() - 1


def members(some: int, after: int = -1) -> Iterator[int]:
    """The members greater than `after`, rising."""
    some = some >> (after + 1) << (after + 1)
    while some:
        yield lowest(some)
        some &= some - 1


def members_falling(some: int, before: int) -> Iterator[int]:
    """The members less than `before`, falling."""
    some &= (1 << before) - 1
    while some:
        top = highest(some)
        yield top
        some ^= 1 << top


@dataclass(frozen=True)
class WallTimes:
    """A set of local times, as sets of seconds, minutes, hours, days, months, weekdays and years.

    Weekdays count from 0, Sunday. A day belongs when its month and year do and, with `either`, its
    day of the month or its weekday does; without, both must. `elapsed` says how the times follow a
    clock that is changed; it is for whoever knows zones.
    """

    seconds: int = 1
    minutes: int = 1
    hours: int = 1
    days: int = ALL_DAYS
    months: int = ALL_MONTHS
    weekdays: int = ALL_WEEKDAYS
    years: int = ALL_YEARS
    either: bool = False
    elapsed: bool = False
    _minutes_of_day: int = field(init=False, repr=False, compare=False)
    _first_time: int = field(init=False, repr=False, compare=False)
    _last_time: int = field(init=False, repr=False, compare=False)
    _weeks: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        minutes_of_day = sum(self.minutes << (60 * hour) for hour in members(self.hours))
        first = 60 * lowest(minutes_of_day) + lowest(self.seconds)
        last = 60 * highest(minutes_of_day) + highest(self.seconds)
        weeks = sum(self.weekdays << (7 * week) for week in range(6))
        for name, derived in (
            ("_minutes_of_day", minutes_of_day),
            ("_first_time", first),
            ("_last_time", last),
            ("_weeks", weeks),
        ):
            object.__setattr__(self, name, derived)

    def first_from(self, moment: int) -> int | None:
        """The first local time at or after `moment`; None when there is none up to year 9999."""
        day, second = divmod(moment, DAY)
        found = self._day_from(day)
        if found == day:
            time = self._time_from(second)
            if time is not None:
                return day * DAY + time
            found = self._day_from(day + 1)
        return None if found is None else found * DAY + self._first_time

    def last_until(self, moment: int) -> int | None:
        """The last local time at or before `moment`; None when there is none from year 1 on."""
        day, second = divmod(moment, DAY)
        found = self._day_until(day)
        if found == day:
            time = self._time_until(second)
            if time is not None:
                return day * DAY + time
            found = self._day_until(day - 1)
        return None if found is None else found * DAY + self._last_time

    def days_of(self, year: int, month: int) -> int:
        """The set of days of that month which belong."""
        if not (self.years >> year & 1 and self.months >> month & 1):
            return 0
        return self._days_of(year, month)

    def ever(self) -> bool:
        """Whether any day belongs, that is whether there is any time at all."""
        years = cycle = self.years >> 1
        while years:
            cycle |= years
            years >>= _CYCLE_YEARS
        return any(
            self._days_of(year + 1, month)
            for year in members(cycle & ((1 << _CYCLE_YEARS) - 1))
            for month in members(self.months)
        )

    def smallest_gap(self) -> int | None:
        """The least number of seconds between two neighbours; None when there is only one time.

        Within a day the sets tell it. Days apart are looked for in the first 400 years that are
        named, after which the calendar repeats.
        """
        least_second = _least_distance(self.seconds)
        least_minute = _least_distance(self._minutes_of_day)
        spread = highest(self.seconds) - lowest(self.seconds)
        gaps = [] if least_second is None else [least_second]
        if least_minute is not None:
            gaps.append(60 * least_minute - spread)
        overnight = DAY - self._last_time + self._first_time
        if not gaps or min(gaps) > overnight:
            apart = self._least_days_apart()
            if apart is not None:
                gaps.append(overnight + (apart - 1) * DAY)
        return min(gaps, default=None)

    def _least_days_apart(self) -> int | None:
        least: int | None = None
        found = (
            date(year, month, day).toordinal()
            for year in islice(members(self.years), _CYCLE_YEARS)
            for month in members(self.months)
            for day in members(self._days_of(year, month))
        )
        for earlier, later in pairwise(found):
            if least is None or later - earlier < least:
                least = later - earlier
                if least == 1:
                    break
        return least

    def _days_of(self, year: int, month: int) -> int:
        length = _MONTH_LENGTHS[month] + (month == 2 and isleap(year))
        first_weekday = date(year, month, 1).toordinal() % 7
        by_weekday = self._weeks >> first_weekday << 1
        chosen = self.days | by_weekday if self.either else self.days & by_weekday
        return chosen & ((2 << length) - 2)

    def _day_from(self, day: int) -> int | None:
        """The first day that belongs at or after `day`; days count from 0, the first of year 1."""
        if day > LAST_DAY:
            return None
        day = max(day, 0)
        start = date.fromordinal(day + 1)
        rest = self.days_of(start.year, start.month) >> start.day
        if rest:
            return day + lowest(rest)
        for year, month in self._months_after(start.year, start.month):
            if days := self._days_of(year, month):
                return date(year, month, lowest(days)).toordinal() - 1
        return None

    def _day_until(self, day: int) -> int | None:
        """The last day that belongs at or before `day`."""
        if day < 0:
            return None
        day = min(day, LAST_DAY)
        end = date.fromordinal(day + 1)
        rest = self.days_of(end.year, end.month) & ((2 << end.day) - 1)
        if rest:
            return day - end.day + highest(rest)
        for year, month in self._months_before(end.year, end.month):
            if days := self._days_of(year, month):
                return date(year, month, highest(days)).toordinal() - 1
        return None

    def _months_after(self, year: int, month: int) -> Iterator[tuple[int, int]]:
        if self.years >> year & 1:
            yield from ((year, later) for later in members(self.months, after=month))
        for following in members(self.years, after=year):
            yield from ((following, each) for each in members(self.months))

    def _months_before(self, year: int, month: int) -> Iterator[tuple[int, int]]:
        if self.years >> year & 1:
            yield from ((year, earlier) for earlier in members_falling(self.months, before=month))
        for preceding in members_falling(self.years, before=year):
            yield from ((preceding, each) for each in members_falling(self.months, before=13))

    def _time_from(self, second: int) -> int | None:
        """The first second of the day that belongs at or after `second`."""
        minute, within = divmod(second, 60)
        if self._minutes_of_day >> minute & 1 and (rest := self.seconds >> within):
            return second + lowest(rest)
        minute += 1
        if rest := self._minutes_of_day >> minute:
            return 60 * (minute + lowest(rest)) + lowest(self.seconds)
        return None

    def _time_until(self, second: int) -> int | None:
        """The last second of the day that belongs at or before `second`."""
        minute, within = divmod(second, 60)
        if self._minutes_of_day >> minute & 1 and (rest := self.seconds & ((2 << within) - 1)):
            return 60 * minute + highest(rest)
        if rest := self._minutes_of_day & ((1 << minute) - 1):
            return 60 * highest(rest) + highest(self.seconds)
        return None


def _least_distance(some: int) -> int | None:
    """The least difference between two members; None when there are not two."""
    return min((later - earlier for earlier, later in pairwise(members(some))), default=None)
