"""Days that are counted from a start: every third day, the Fridays of every other week.

A calendar says which days of a year belong, and all years of a kind are alike (`days`). Counting from a day
does not care about years. So such a set is kept as what it was made of, and is small whatever its start:

    the days of a calendar, in the runs of some cycles, from a first day to a last

A cycle is a run of days or of months that comes again after so many:

| | step | run |
|---|---|---|
| every n days | n days | 1 |
| every n weeks | 7 n days | 7, from a Monday |
| every n months | n months | 1 |
| every n years | 12 n months | 12 |

What is not in a cycle is a cycle too, so these sets and those of a calendar are closed under intersection and
difference. To find the next day, the calendar and the cycles are asked in turn until they agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from math import inf
from typing import NamedTuple

from picosched.timespec.days import ALWAYS, EPOCH_DAY, LAST_DAY, Days

# So often calendar and cycles are asked before they are taken for strangers.
_TRIES = 2_000

DAY, WEEK, MONTH, YEAR = "day", "week", "month", "year"


class Cycle(NamedTuple):
    """Runs of `run` days or months, the first of which begin at numbers that are `phase` modulo `step`.

    A month is numbered as 12 times its year, and its place in it from 0.
    """

    months: bool
    step: int
    run: int
    phase: int

    @classmethod
    def every(cls, unit: str, count: int, start: int, week_start: int = 1) -> Cycle:
        """Every `count` days, weeks, months or years, counted from that which contains the day `start`.

        A week begins on the weekday `week_start`, where 0 is Sunday.
        """
        if unit in (MONTH, YEAR):
            step, run = (count, 1) if unit == MONTH else (12 * count, 12)
            return cls(True, step, run, _month_of(start) // run * run % step)
        if unit == WEEK:
            # Day 0, the first of year 1, is a Monday.
            return cls(False, 7 * count, 7, (start - (start + 1 - week_start) % 7) % (7 * count))
        return cls(False, count, 1, start % count)

    @property
    def others(self) -> Cycle | None:
        """The runs between these; None if there are none."""
        left = self.step - self.run
        return self._replace(run=left, phase=(self.phase + self.run) % self.step) if left else None

    def first_from(self, day: int) -> int:
        """The first day in a run at or after `day`, which may be past the last of all days."""
        months, step, run, phase = self
        if not months:
            past = (day - phase) % step
            return day if past < run else day + step - past
        if day > LAST_DAY:
            return day
        at = date.fromordinal(day + 1)
        month = 12 * at.year + at.month - 1
        past = (month - phase) % step
        return day if past < run else _first_day(month + step - past)

    def last_until(self, day: int) -> int:
        """The last day in a run at or before `day`, which may be before the first of all days."""
        months, step, run, phase = self
        if not months:
            past = (day - phase) % step
            return day if past < run else day - past + run - 1
        if day < 0:
            return day
        month = _month_of(day)
        past = (month - phase) % step
        return day if past < run else _first_day(month - past + run) - 1


class Anchored(Days):
    """The days of `calendar` that are in a run of each of `cycles`, from `first` to `last`."""

    def __init__(
        self, calendar: Days, cycles: Iterable[Cycle] = (), first: int = 0, last: int = LAST_DAY
    ) -> None:
        super().__init__(calendar.classes)
        self.calendar, self.cycles = calendar, frozenset(cycles)
        self.first, self.last = max(first, 0), min(last, LAST_DAY)
        self._in_order, self._one = tuple(sorted(self.cycles)), len(self.cycles) < 2
        self._every_day = calendar is ALWAYS
        if self.first > 0 or self.last < LAST_DAY:
            self.years &= (2 << _year_of(self.last)) - (1 << _year_of(self.first))

    def __and__(self, other: Days) -> Days:
        if not isinstance(other, Anchored):
            return self._on(self.calendar & other)
        return Anchored(
            self.calendar & other.calendar,
            self.cycles | other.cycles,
            max(self.first, other.first),
            min(self.last, other.last),
        )

    __rand__ = __and__

    def joined(self, other: Days) -> Days | None:
        if not isinstance(other, Anchored) or self._counted != other._counted:
            return None
        calendar = self.calendar.joined(other.calendar)
        return None if calendar is None else self._on(calendar)

    def outside(self) -> list[Days]:
        """Those before and after the span, those outside the calendar, and then those of no cycle's run."""
        found: list[Days] = [Anchored(ALWAYS, (), 0, self.first - 1), Anchored(ALWAYS, (), self.last + 1)]
        inside: Days = Anchored(ALWAYS, (), self.first, self.last)
        found += [inside & each for each in self.calendar.outside()]
        inside &= self.calendar
        for cycle in self._in_order:
            if (others := cycle.others) is not None:
                found.append(inside & Anchored(ALWAYS, (others,)))
            inside &= Anchored(ALWAYS, (cycle,))
        return [each for each in found if each]

    def __bool__(self) -> bool:
        return self._any

    @cached_property
    def _any(self) -> bool:
        return bool(self.calendar) and self.first_from(self.first) is not None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Anchored):
            return False if isinstance(other, Days) else NotImplemented
        return self._counted == other._counted and self.calendar == other.calendar

    def __hash__(self) -> int:
        return hash((self._counted, self.calendar))

    @property
    def _counted(self) -> tuple[object, ...]:
        return self.cycles, self.first, self.last

    def first_from(self, day: int) -> int | None:
        at = max(day, self.first)
        for _ in range(_TRIES):
            before = at
            for cycle in self._in_order:
                at = cycle.first_from(at)
            if at > self.last:
                return None
            found = at if self._every_day else self.calendar.first_from(at)
            if found == at and (self._one or at == before):
                return at
            if found is None:
                return None
            at = found
        return None

    def last_until(self, day: int) -> int | None:
        at = min(day, self.last)
        for _ in range(_TRIES):
            before = at
            for cycle in self._in_order:
                at = cycle.last_until(at)
            if at < self.first:
                return None
            found = at if self._every_day else self.calendar.last_until(at)
            if found == at and (self._one or at == before):
                return at
            if found is None:
                return None
            at = found
        return None

    def how_many(self, until: int) -> int:
        """Not for days in cycles."""
        assert not self.cycles
        return max(0, self.calendar.how_many(min(until, self.last)) - self.calendar.how_many(self.first - 1))

    def least_apart(self) -> int | None:
        """Exact for one cycle of single days; otherwise the least in a walk of two thousand of them."""
        only = next(iter(self.cycles)) if len(self.cycles) == 1 else None
        if only and not only.months and only.run == 1 and self.calendar == ALWAYS:
            return only.step if self.first_from(self.last - only.step) else self._walked(self.first)
        return self._walked(max(EPOCH_DAY, self.first)) or self._walked(self.first)

    def _walked(self, start: int) -> int | None:
        least, found = inf, self.first_from(start)
        for _ in range(_TRIES):
            if found is None or (following := self.first_from(found + 1)) is None or least == 1:
                break
            least, found = min(least, following - found), following
        return None if least == inf else int(least)

    def _on(self, calendar: Days) -> Days:
        return Anchored(calendar, self.cycles, self.first, self.last)


def _month_of(day: int) -> int:
    at = date.fromordinal(day + 1)
    return 12 * at.year + at.month - 1


def _year_of(day: int) -> int:
    return date.fromordinal(min(max(day, 0), LAST_DAY) + 1).year


def _first_day(month: int) -> int:
    """The first day of a month, or one after all days or before them."""
    if 12 <= month < 120_000:
        return date(month // 12, month % 12 + 1, 1).toordinal() - 1
    return LAST_DAY + 1 if month > 12 else -1
