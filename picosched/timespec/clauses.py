"""The clauses of a phrase, and the fields they amount to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time

from picosched.errors import PicoschedError
from picosched.timespec import anchored, duration
from picosched.timespec.bits import ALL_HOURS, ALL_MINUTES, ALL_MONTHS, ALL_YEARS, bits, spread
from picosched.timespec.calendar import Calendar
from picosched.timespec.cron import minutes_of_day
from picosched.timespec.fields import EVERY_MONTH_DAY, EVERY_WEEK_DAY, Fields, MonthDays, WeekDays
from picosched.timespec.place import Place
from picosched.timespec.start import second_of

SIZES = {"second": 60, "minute": 60, "hour": 24}
"""How many of each unit make the next larger one."""
SECONDS = {"second": 1, "minute": 60, "hour": 3_600}
FIRST = datetime(1970, 1, 1)
"""From here is counted without a start."""


@dataclass(slots=True)
class Said:
    """The clauses read so far; None means not given. Times are pairs of minute of the day and second."""

    text: str
    place: Place
    times: list[tuple[int, int]] | None = None
    interval: tuple[str, int] | None = None
    window: tuple[int, int] | None = None
    seconds: int | None = None
    minutes: int | None = None
    hours: int | None = None
    months: int | None = None
    years: int | None = None
    cycle: tuple[str, int] | None = None
    every_months: int = 1
    start: datetime | None = None
    every_day: bool = False
    both: bool = False
    free: Calendar | None = None

    @property
    def timed(self) -> bool:
        """Whether a time of day or an interval was given."""
        given = (self.times, self.interval, self.seconds, self.minutes, self.hours)
        return given != (None,) * 5 or self.starts_at_a_time

    def duration(self) -> int | None:
        """The seconds of an interval that is neither `*/n` in cron nor restarted within given hours."""
        if self.interval is None:
            return None
        unit, count = self.interval
        limited = (self.window, self.hours, self.minutes) != (None,) * 3
        even = SIZES[unit] % count == 0 and not self.starts_at_a_time
        return None if limited or even else count * SECONDS[unit]

    @property
    def counts(self) -> bool:
        """Whether it counts days, weeks, months or years, and so has to know from when."""
        return self.every_months > 1 or (self.cycle is not None and self.cycle[1] > 1)

    @property
    def starts_at_a_time(self) -> bool:
        return self.start is not None and self.start.time() != time()

    def fields(self, month_days: MonthDays | None, week_days: WeekDays | None) -> Fields:
        """The fields of all clauses, on those days; PicoschedError `invalid` if they are inconsistent."""
        days = self.with_days(month_days, week_days)
        if self.duration() is not None:
            return days
        return self.with_times(days) if self.interval is None else self.with_interval(days, *self.interval)

    def with_days(self, month_days: MonthDays | None, week_days: WeekDays | None) -> Fields:
        """The days, at 00:00."""
        named = month_days is not None or week_days is not None
        two = month_days is not None and week_days is not None
        if self.both and not two:
            raise self.fault("days of the month before if it is, and weekdays after it")
        found = Fields(
            month_days=month_days or EVERY_MONTH_DAY,
            week_days=week_days or EVERY_WEEK_DAY,
            months=ALL_MONTHS if self.months is None else self.months,
            years=ALL_YEARS if self.years is None else self.years,
            either=two and not self.both,
            start=None if self.start is None else second_of(self.start),
            free=self.free,
        )
        if self.every_months > 1:
            if self.cycle is not None:
                raise self.fault("the months once")
            return replace(found, cycle=(anchored.MONTH, self.every_months))
        if self.cycle is None:
            return found
        unit, count = self.cycle
        if unit in (anchored.MONTH, anchored.YEAR):
            return self.in_months(found, unit, count, named)
        if unit == anchored.DAY and named:
            raise self.fault(f"every {count} days alone: they are counted, whatever day it is")
        if unit == anchored.WEEK and named:
            return found if count == 1 else replace(found, cycle=(unit, count))
        if self.start is not None:  # of which it has the weekday
            return replace(found, cycle=(anchored.DAY, 7 * count if unit == anchored.WEEK else count))
        if unit == anchored.WEEK and count == 1:
            return replace(found, week_days=WeekDays(1))
        cycle = duration.every_days(7 * count if unit == anchored.WEEK else count)
        return replace(found, week_days=cycle.week_days, cycle=cycle.cycle)

    def in_months(self, found: Fields, unit: str, count: int, named: bool) -> Fields:
        """Every so many months or years: what is not named is that of the start, or else the first."""
        first = self.start or FIRST
        if not named:
            found = replace(found, month_days=MonthDays(1 << first.day))
        if unit == anchored.YEAR and self.months is None:
            found = replace(found, months=1 << first.month)
        if count == 1:
            return found
        if unit == anchored.MONTH and self.start is None and 12 % count == 0:
            return replace(found, months=found.months & spread(1, count, 13))
        return replace(found, cycle=(unit, count))

    def with_times(self, fields: Fields) -> Fields:
        if self.window is not None:
            raise self.fault("an interval to go from … to …, as in every 15 minutes from 9:00 to 17:00")
        if self.starts_at_a_time and self.times is not None:
            raise self.fault("the times of the day, or the time of the first after from, and not both")
        if self.times is not None:
            if (self.seconds, self.minutes, self.hours) != (None,) * 3:
                raise self.fault("times of day, or minutes and hours, and not both")
            minutes, seconds = bits(m for m, _ in self.times), bits(s for _, s in self.times)
            if minutes.bit_count() * seconds.bit_count() != len(set(self.times)):
                raise self.fault("times of day with the same seconds")
            return replace(fields, minutes=minutes, seconds=seconds)
        if (self.seconds, self.minutes, self.hours) == (None,) * 3:
            start = self.start or FIRST
            return replace(fields, minutes=1 << 60 * start.hour + start.minute, seconds=1 << start.second)
        if self.minutes is None and self.seconds is None:
            raise self.fault("an interval or minutes in these hours, as in every minute during hour 9")
        hours = ALL_HOURS if self.hours is None else self.hours
        minutes = minutes_of_day(hours, ALL_MINUTES if self.minutes is None else self.minutes)
        elapsed = self.hours is None or self.minutes in (None, ALL_MINUTES)
        return replace(fields, minutes=minutes, seconds=self.seconds or 1, elapsed=elapsed)

    def with_interval(self, fields: Fields, unit: str, count: int) -> Fields:
        if self.times is not None or self.seconds is not None:
            raise self.fault("an interval or times of day, and not both")
        if self.window is not None:
            return replace(fields, minutes=self.of_window(unit, count), elapsed=True)
        if SIZES[unit] % count:
            raise self.fault(f"a number of {unit}s that divides {SIZES[unit]}, for these hours")
        hours = ALL_HOURS if self.hours is None else self.hours
        step = spread(0, count, SIZES[unit])
        if unit == "hour":
            minutes = minutes_of_day(hours & step, 1 if self.minutes is None else self.minutes)
        elif unit == "minute":
            minutes = minutes_of_day(hours, step)
        else:
            minutes = minutes_of_day(hours, ALL_MINUTES if self.minutes is None else self.minutes)
        if not minutes or (unit == "minute" and self.minutes is not None):
            raise self.fault(f"hours or minutes that every {count} {unit}s has")
        return replace(fields, minutes=minutes, seconds=step if unit == "second" else 1, elapsed=True)

    def of_window(self, unit: str, count: int) -> int:
        assert self.window is not None
        first, last = self.window
        if unit == "second":
            raise self.fault("minutes or hours to go from … to …")
        if self.hours is not None or self.minutes is not None:
            raise self.fault("from … to …, or the hours, and not both")
        step = count * SECONDS[unit] // 60
        past = (last if last >= first else last + 1440) + 1
        return bits(minute % 1440 for minute in range(first, past, step))

    def fault(self, wanted: str) -> PicoschedError:
        return self.place.fault(self.text, wanted)
