"""The days that recurrence rules choose.

The parts of a rule only ever leave days out, so the days are worked out for one year of each kind, as bits of
the year from its first day. A year's kind is what a rule can see of it: its weekdays, its length, and those
of the years before and after, into which weeks reach.
"""

from __future__ import annotations

from calendar import isleap
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from picosched.timespec.bits import ALL_YEARS, bits, members, spread
from picosched.timespec.days import Days, Year
from picosched.timespec.rrule import DAILY, MONTHLY, YEARLY, Dates


@lru_cache(maxsize=512)
def days_of(dates: Dates) -> Days:
    """The days of `dates`; of its positions, those from 0 and from -1."""
    found: list[tuple[Year, int]] = []
    for year, which in _kinds():
        days = _of_year(dates, year)
        if dates.positions and dates.frequency != DAILY:
            days = _at_positions(dates, year, days)
        elif dates.positions and not {0, -1} & set(dates.positions):
            days = 0  # a day has but one
        found.append((_by_month(days, year), which))
    return Days(found)


@lru_cache(maxsize=1)
def _kinds() -> list[tuple[int, int]]:
    """A year of each kind, and all years of it."""
    kinds: defaultdict[tuple[bool, bool, bool, int], list[int]] = defaultdict(list)
    for year in range(1, 401):
        kinds[isleap(year - 1), isleap(year), isleap(year + 1), _weekday(year)].append(year)
    # The Gregorian calendar repeats, weekdays included, after 400 years.
    every_400 = spread(0, 400, 10_000)
    return [(400 + years[0], bits(years) * every_400 & ALL_YEARS) for years in kinds.values()]


def _of_year(dates: Dates, year: int) -> int:
    """The days of a year, from 0, that no part of the rule leaves out."""
    length = 365 + isleap(year)
    days = (1 << length) - 1
    months = _months(year)
    if dates.months:
        days &= _any(((1 << last) - (1 << first)) for n, (first, last) in months if n in dates.months)
    if dates.week_numbers:
        days &= _of_weeks(dates, year)
    if dates.year_days:
        days &= bits(n - 1 if n > 0 else length + n for n in dates.year_days if -length <= n <= length)
    if dates.month_days:
        days &= bits(
            first + n - 1 if n > 0 else last + n
            for _, (first, last) in months
            for n in dates.month_days
            if abs(n) <= last - first
        )
    if dates.weekdays:
        days &= _of_weekdays(dates, year, length)
    return days


def _of_weekdays(dates: Dates, year: int, length: int) -> int:
    spans = [(0, length)]
    if dates.frequency == MONTHLY:
        spans = [span for _, span in _months(year)]
    elif dates.months:
        spans = [span for n, span in _months(year) if n in dates.months]
    found, begins = 0, _weekday(year)
    for nth, weekday in dates.weekdays:
        on_it = spread((weekday - begins) % 7, 7, length)
        if nth == 0:
            found |= on_it
            continue
        for first, last in spans:
            some = [*members(on_it & (1 << last) - (1 << first))]
            place = nth - (nth > 0)
            found |= 1 << some[place] if -len(some) <= place < len(some) else 0
    return found


def _of_weeks(dates: Dates, year: int) -> int:
    """The days in weeks of those numbers.

    The first week has four days of its year; a day may be in a week of the year before, or of the next.
    """
    length = 365 + isleap(year)
    first = _first_week(year, dates.week_start)
    before = 365 + isleap(year - 1)
    following = length + _first_week(year + 1, dates.week_start)
    after = length + 365 + isleap(year + 1) + _first_week(year + 2, dates.week_start)
    found = 0
    for begin, end in (
        (_first_week(year - 1, dates.week_start) - before, first),
        (first, following),
        (following, after),
    ):
        weeks = (end - begin) // 7
        for number in dates.week_numbers:
            number += weeks + 1 if number < 0 else 0
            at = begin + 7 * (number - 1)
            if 1 <= number <= weeks and -7 < at < length:
                found |= 0b1111111 << at if at >= 0 else 0b1111111 >> -at
    return found & (1 << length) - 1


def _first_week(year: int, week_start: int) -> int:
    """On which day of the year, from 0 or before, its first week begins."""
    past = (_weekday(year) - week_start) % 7
    return -past if past <= 3 else 7 - past


def _at_positions(dates: Dates, year: int, days: int) -> int:
    """Of the days of each period those at the positions, from 0 and from -1."""
    length = 365 + isleap(year)
    if dates.frequency == YEARLY:
        return _placed(days, dates.positions)
    if dates.frequency == MONTHLY:
        return _any(
            _placed(days & (1 << last) - (1 << first), dates.positions) for _, (first, last) in _months(year)
        )
    # Weeks reach into the years before and after: seven days of each.
    before = _of_year(dates, year - 1) >> (365 + isleap(year - 1) - 7)
    after = _of_year(dates, year + 1) & 0b1111111
    wide = before | days << 7 | after << length + 7
    first = (dates.week_start - _weekday(year)) % 7
    chosen = _any(_placed(wide & 0b1111111 << at, dates.positions) for at in range(first, length + 14, 7))
    return chosen >> 7 & (1 << length) - 1


def _placed(some: int, positions: tuple[int, ...]) -> int:
    found = [*members(some)]
    return bits(found[n] for n in positions if -len(found) <= n < len(found))


def _by_month(days: int, year: int) -> Year:
    return (0, *((days >> first & (1 << last - first) - 1) << 1 for _, (first, last) in _months(year)))


@lru_cache(maxsize=64)
def _months(year: int) -> list[tuple[int, tuple[int, int]]]:
    """Each month with its first day of the year, from 0, and the day after its last."""
    starts = [date(year, month, 1).timetuple().tm_yday - 1 for month in range(1, 13)] + [365 + isleap(year)]
    return [(month, (starts[month - 1], starts[month])) for month in range(1, 13)]


def _weekday(year: int) -> int:
    """The weekday of the first day of a year, also of the year 0."""
    return (date(2000 + year % 400, 1, 1)).isoweekday() % 7


def _any(some: Iterable[int]) -> int:
    found = 0
    for each in some:
        found |= each
    return found
