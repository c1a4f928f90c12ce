"""Sets of days, exactly, for every year from 1 to 9999.

What a timespec says of days depends on little: the rules of a calendar see of a year only whether it is
a leap year and on which weekday it begins, which makes 14 kinds; a date or a range of dates sets a few
years apart. So the years fall into few classes, and all years of a class have the same days. `Days`
holds just that: for each class its days, twelve bit sets, and its years, one bit set. Two sets of days
are equal exactly when these are, "is there any day at all" is whether there is any class, a union or a
difference takes each pair of classes once, and the next day after a long time is the next bit of the years.

What is counted from a start, as every third day is, no calendar determines: `anchored` has such days.

A day is a number from 0, the first of year 1; weekdays count from 0, Sunday.
"""

from __future__ import annotations

from calendar import isleap
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from functools import cached_property, lru_cache
from itertools import pairwise

from picosched.timespec.bits import ALL_YEARS, bits, highest, lowest, members, spread

DAY = 86_400
"""The seconds of a day."""
LAST_DAY = date.max.toordinal() - 1
EPOCH_DAY = date(1970, 1, 1).toordinal() - 1

Year = tuple[int, ...]
"""The days of a year: for each month, from 1, a bit set of days; 0 stands at place 0."""

_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NO_DAYS: Year = (0,) * 13


class Days:
    """An immutable set of days, equal to another when it has the same days."""

    def __init__(self, classes: Iterable[tuple[Year, int]]) -> None:
        years: defaultdict[Year, int] = defaultdict(int)
        for year, which in classes:
            if which and year != _NO_DAYS:
                years[year] |= which
        self.classes = tuple(years.items())
        self.years = 0
        for which in years.values():
            self.years |= which
        self._known: dict[int, Year] = {}

    def __and__(self, other: Days) -> Days:
        if self is other or other is ALWAYS:
            return self
        if self is ALWAYS:
            return other
        return _paired(self, other, int.__and__)

    def joined(self, other: Days) -> Days | None:
        """The days of either as one set; None where that is no set of this kind."""
        if type(other) is not Days:
            return None
        return self if self is other or not other else united(self, other)

    def less(self, other: Days) -> list[Days]:
        """The days that are not in `other`, as sets without a day in common, none of them empty."""
        if type(self) is type(other) is Days:
            left = reduced(self, other)
            return [left] if left else []
        return [left for each in other.outside() if (left := self & each)]

    def outside(self) -> list[Days]:
        """All other days, as sets without a day in common."""
        return ALWAYS.less(self)

    def __bool__(self) -> bool:
        return bool(self.classes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Days):
            return NotImplemented
        return self is other or (type(other) is Days and self._canonical == other._canonical)

    def __hash__(self) -> int:
        return hash(self._canonical)

    @cached_property
    def _canonical(self) -> frozenset[tuple[Year, int]]:
        return frozenset(self.classes)

    def of(self, year: int) -> Year:
        """The days of that year."""
        known = self._known.get(year)
        if known is None:
            known = next((days for days, which in self.classes if which >> year & 1), _NO_DAYS)
            self._known[year] = known
        return known

    def first_from(self, day: int) -> int | None:
        """The first day that belongs at or after `day`."""
        if day > LAST_DAY:
            return None
        start = date.fromordinal(max(day, 0) + 1)
        year = start.year
        days = self._known.get(year) or self.of(year)
        if rest := days[start.month] >> start.day:
            return max(day, 0) + lowest(rest)
        for month in range(start.month + 1, 13):
            if days[month]:
                return date(year, month, lowest(days[month])).toordinal() - 1
        later = self.years >> (year + 1)
        if not later:
            return None
        year += 1 + lowest(later)
        return _first_of(year, self.of(year))

    def last_until(self, day: int) -> int | None:
        """The last day that belongs at or before `day`."""
        if day < 0:
            return None
        day = min(day, LAST_DAY)
        end = date.fromordinal(day + 1)
        days = self.of(end.year)
        if rest := days[end.month] & ((2 << end.day) - 1):
            return day - end.day + highest(rest)
        for month in range(end.month - 1, 0, -1):
            if days[month]:
                return date(end.year, month, highest(days[month])).toordinal() - 1
        earlier = self.years & ((1 << end.year) - 1)
        if not earlier:
            return None
        year = highest(earlier)
        return _last_of(year, self.of(year))

    def how_many(self, until: int) -> int:
        """How many of the days there are up to a day."""
        if until < 0:
            return 0
        end = date.fromordinal(min(until, LAST_DAY) + 1)
        earlier, this = (1 << end.year) - 1, self.of(end.year)
        whole = sum(
            (which & earlier).bit_count() * sum(map(int.bit_count, days)) for days, which in self.classes
        )
        months = sum(days.bit_count() for days in this[: end.month])
        return whole + months + (this[end.month] & (2 << end.day) - 1).bit_count()

    def least_apart(self) -> int | None:
        """The least number of days between two of them; None when there is only one."""
        least = min((_closest(days, which) for days, which in self.classes), default=_FAR)
        if least > 1:
            least = min(least, self._least_over_new_year())
        return None if least == _FAR else least

    def _least_over_new_year(self) -> int:
        """The least distance of the last day of a year from the first of the next year that has one."""
        least = _FAR
        for days, which in self.classes:
            for length, years in ((365, which & COMMON_YEARS), (366, which & ~COMMON_YEARS)):
                if not years:
                    continue
                year = lowest(years)
                left = length - (_last_of(year, days) - date(year, 1, 1).toordinal() + 1)
                for following, their_years in self.classes:
                    if next_years := years << 1 & their_years:
                        first = lowest(next_years)
                        least = min(
                            least, left + _first_of(first, following) - date(first, 1, 1).toordinal() + 1
                        )
        # Years that are followed by one without any day.
        for year in members(self.years & ~(self.years >> 1)) if least > 365 else ():
            if later := self.years >> (year + 1):
                following_year = year + 1 + lowest(later)
                first_day = _first_of(following_year, self.of(following_year))
                least = min(least, first_day - _last_of(year, self.of(year)))
        return least


_FAR = LAST_DAY + 1


def united(one: Days, other: Days) -> Days:
    """The days of either, for sets that a calendar determines."""
    return _paired(one, other, int.__or__)


def reduced(one: Days, other: Days) -> Days:
    """The days of `one` that are not in `other`, for sets that a calendar determines."""
    return _paired(one, other, lambda mine, theirs: mine & ~theirs)


def _paired(one: Days, other: Days, join: Callable[[int, int], int]) -> Days:
    """`join` for the days of each year."""
    found: list[tuple[Year, int]] = []
    without = [*other.classes, (_NO_DAYS, ALL_YEARS & ~other.years)]
    for mine, my_years in (*one.classes, (_NO_DAYS, ALL_YEARS & ~one.years)):
        for theirs, their_years in without:
            if years := my_years & their_years:
                found.append((tuple(map(join, mine, theirs)), years))
    return Days(found)


def _first_of(year: int, days: Year) -> int:
    month = next(month for month, some in enumerate(days) if some)
    return date(year, month, lowest(days[month])).toordinal() - 1


def _last_of(year: int, days: Year) -> int:
    month = max(month for month, some in enumerate(days) if some)
    return date(year, month, highest(days[month])).toordinal() - 1


def _closest(days: Year, years: int) -> int:
    """The least distance of two of the days, which are those of each of the years."""
    year = 5 if years & COMMON_YEARS else 4
    numbers = [date(year, month, day).toordinal() for month, some in enumerate(days) for day in members(some)]
    return min((later - earlier for earlier, later in pairwise(numbers)), default=_FAR)


# Making them


def _years_by_kind() -> dict[tuple[bool, int], int]:
    """The years of each kind: whether they are leap years, and the weekday of their first day."""
    kinds: defaultdict[tuple[bool, int], list[int]] = defaultdict(list)
    for year in range(1, 401):
        kinds[isleap(year), date(year, 1, 1).toordinal() % 7].append(year)
    # The Gregorian calendar repeats, weekdays included, after 400 years.
    century = spread(0, 400, 10_000)
    return {kind: bits(years) * century & ALL_YEARS for kind, years in kinds.items()}


KINDS = _years_by_kind()
COMMON_YEARS = ALL_YEARS & ~spread(4, 4, 10_000) | spread(100, 100, 10_000) & ~spread(400, 400, 10_000)

Rule = Callable[[int, int, int], int]
"""The days of a month, from its number, its length and the weekday of its first day, and nothing else."""


def by_rule(rule: Rule, years: int = ALL_YEARS) -> Days:
    """The days of those years that a rule names."""
    classes: list[tuple[Year, int]] = []
    known: dict[tuple[int, int, int], int] = {}
    for (leap, weekday), which in KINDS.items():
        if not which & years:
            continue
        year = [0]
        for month in range(1, 13):
            length = _LENGTHS[month] + (month == 2 and leap)
            key = (month, length, weekday)
            if key not in known:
                known[key] = rule(*key) & ((2 << length) - 2)
            year.append(known[key])
            weekday = (weekday + length) % 7
        classes.append((tuple(year), which & years))
    return Days(classes)


def of_days(days: Iterable[int]) -> Days:
    """The days of those numbers."""
    years: defaultdict[int, list[int]] = defaultdict(lambda: [0] * 13)
    for day in days:
        at = date.fromordinal(day + 1)
        years[at.year][at.month] |= 1 << at.day
    return Days((tuple(months), 1 << year) for year, months in years.items())


@lru_cache(maxsize=1024)
def of_range(first: date, last: date) -> Days:
    """The days from `first` to `last`, both of them."""

    def part(year: int, begin: tuple[int, int], end: tuple[int, int]) -> Days:
        def rule(month: int, length: int, _: int) -> int:
            low = begin[1] if month == begin[0] else 1 if month > begin[0] else 32
            high = end[1] if month == end[0] else length if month < end[0] else 0
            return (2 << high) - (1 << low) if low <= high else 0

        return by_rule(rule, 1 << year)

    begin, end = (first.month, first.day), (last.month, last.day)
    if first.year == last.year:
        return part(first.year, begin, end)
    ends = united(part(first.year, begin, (12, 31)), part(last.year, (1, 1), end))
    if first.year + 1 == last.year:
        return ends
    return united(ends, by_rule(_whole_month, spread(first.year + 1, 1, last.year)))


def _whole_month(month: int, length: int, weekday: int) -> int:
    return (2 << length) - 2


NEVER = Days(())
ALWAYS = by_rule(_whole_month)
MONDAY_TO_FRIDAY = by_rule(
    lambda month, length, weekday: bits(day for day in range(1, length + 1) if (weekday + day - 1) % 7 % 6)
)
