"""Explains fields in plain words.

The words tell the set, not the text: `0,15,30,45 * * * *` and `*/15 * * * *` read the same, because
they fire at the same local times. Words that are the same name the same times.

A phrase has three parts: the times of a day, the days with their months, and the years; a part without
restrictions is omitted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise, product

from picosched.timespec import anchored
from picosched.timespec.bits import ALL_MINUTES, ALL_MONTHS, ALL_YEARS, bits, lowest, members
from picosched.timespec.calendar import Calendar
from picosched.timespec.cron import MONTHS, WEEKDAYS
from picosched.timespec.days import DAY
from picosched.timespec.fields import Fields, MonthDays, WeekDays
from picosched.timespec.start import written

_WORKING_DAY = "Monday-to-Friday day"

# This many times of a day are listed one by one; more are described by their pattern.
_LISTED_TIMES = 6


def in_words(fields: Fields) -> str:
    """`fields` in words, as "at 09:00 on Monday to Friday"."""
    listed, days = _clock_times(fields), _days(fields)
    if listed is None:
        parts = [_pattern(fields), days, _years(fields), start_words(fields)]
    elif days.startswith(("on ", "every ")):
        parts = [f"at {listed}", days, _years(fields), start_words(fields)]
    else:
        parts = [f"at {listed}", f"every day {days}", _years(fields), start_words(fields)]
    return " ".join(part.strip() for part in parts if part)


def day_words(fields: Fields) -> str:
    """The days of `fields` in words, as "on the last Friday of every month"."""
    parts = [_days(fields) or "every day", _years(fields), start_words(fields)]
    return " ".join(part for part in parts if part)


def start_words(fields: Fields) -> str:
    """From which day on, as "from 2026-03-06"; "" without a start."""
    return "" if fields.start is None else f"from {written(fields.start // DAY * DAY)}"


def span_words(seconds: int, utc: bool) -> str:
    """A duration in words, as "every 90 minutes"; outside UTC it says that it is elapsed time."""
    for unit, length in (("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            return _every(seconds // length, unit) + ("" if utc else " of elapsed time")
    raise AssertionError("a duration has whole seconds")


def _clock_times(fields: Fields) -> str | None:
    """The times of a day listed individually, or None if there are too many."""
    if fields.minutes.bit_count() * fields.seconds.bit_count() > _LISTED_TIMES:
        return None
    if fields.seconds == 1:
        return joined([_clock(minute) for minute in members(fields.minutes)])
    times = product(members(fields.minutes), members(fields.seconds))
    return joined([f"{_clock(minute)}:{second:02}" for minute, second in times])


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _pattern(fields: Fields) -> str:
    """Many times of a day: by hours and minutes where they are all pairs of some of them, else as a run."""
    by_hour = [fields.minutes >> 60 * hour & ALL_MINUTES for hour in range(24)]
    hours = [hour for hour, minutes in enumerate(by_hour) if minutes]
    minutes = by_hour[hours[0]]
    if any(by_hour[hour] != minutes for hour in hours):
        return _irregular(fields)
    whole_day = len(hours) == 24
    if fields.seconds != 1:
        return _pattern_of_seconds(fields, hours, minutes)
    listed = list(members(minutes))
    even = _even_step(minutes, 60)
    if even is not None and len(listed) > 1:
        every = _every(even, "minute")
        if whole_day:
            return every
        if _is_run(hours):
            return f"{every} from {_clock(60 * hours[0])} to {_clock(60 * hours[-1] + listed[-1])}"
        return f"{every} {_during(hours)}"
    if len(listed) == 1 and (step := _progression(hours)):
        every = _every(step, "hour")
        if _even_step(bits(hours), 24) and listed[0] == 0:
            return every
        if step > 1 or not whole_day:
            first, last = 60 * hours[0] + listed[0], 60 * hours[-1] + listed[0]
            return f"{every} from {_clock(first)} to {_clock(last)}"
    at = f"at {_numbers('minute', listed)}"
    return f"{at} of every hour" if whole_day else f"{at} {_during(hours)}"


def _pattern_of_seconds(fields: Fields, hours: list[int], minutes: int) -> str:
    even = _even_step(fields.seconds, 60)
    seconds = list(members(fields.seconds))
    which = _numbers("minute", list(members(minutes)))
    if even is not None and len(seconds) > 1:
        phrase = _every(even, "second")
        if minutes != ALL_MINUTES:
            phrase += f" in {which}"
    else:
        phrase = f"at {_numbers('second', seconds)} of "
        phrase += "every minute" if minutes == ALL_MINUTES else which
    if len(hours) < 24:
        return f"{phrase} {_during(hours)}"
    return phrase if minutes == ALL_MINUTES else f"{phrase} of every hour"


def _irregular(fields: Fields) -> str:
    """Times that are no pairs of hours and minutes: a run of even steps, or all of them."""
    minutes = list(members(fields.minutes))
    step = _progression(minutes)
    if step is None or fields.seconds != 1:
        times = [_clock(minute) for minute in minutes]
        at = f"at {joined(times)}"
        return (
            at
            if fields.seconds == 1
            else f"{at}, at {_numbers('second', list(members(fields.seconds)))} of each"
        )
    every = _every(step // 60, "hour") if step % 60 == 0 else _every(step, "minute")
    return f"{every} from {_clock(minutes[0])} to {_clock(minutes[-1])}"


def _days(fields: Fields) -> str:
    """The days and their months; "" when they are all."""
    unit, count = fields.cycle or ("", 1)
    every_month = fields.months == ALL_MONTHS and unit != anchored.MONTH
    months = _months(fields)
    in_months = "" if every_month else f" in {months}"
    of_months = f" of {months}"
    by_day, by_weekday = not fields.month_days.every_day, not fields.week_days.every_day
    if unit == anchored.DAY and not (by_day or by_weekday):
        return f"every {count} days{in_months}"
    if unit == anchored.WEEK and not by_day:
        return f"every {count} weeks on {_week_days(fields.week_days, fields.free)}{in_months}"
    if unit in (anchored.DAY, anchored.WEEK, anchored.YEAR) or (unit and fields.months != ALL_MONTHS):
        return f"{_days(replace(fields, cycle=None))} every {count} {unit}s"
    if fields.either and not (by_day and by_weekday):
        return in_months.strip()
    on_days = "on " + _month_days(fields.month_days, fields.free) + of_months
    if by_day and by_weekday:
        one_of = _week_days(fields.week_days, fields.free, "or")
        ordinal = "" if fields.week_days.nth else "every "
        one_of = "a " * (fields.week_days.business and not fields.either) + one_of
        return on_days + (f" and on {ordinal}{one_of}{in_months}" if fields.either else f" if it is {one_of}")
    if by_day:
        # "Of every month" alone would not be true of the 31st.
        days = fields.month_days
        rare = every_month and days == MonthDays(days.numbers) and lowest(days.numbers) > 28
        return on_days + (" that has it" if rare else "")
    if by_weekday:
        return (
            "on "
            + _week_days(fields.week_days, fields.free)
            + (of_months if fields.week_days.nth else in_months)
        )
    return in_months.strip()


def _months(fields: Fields) -> str:
    if fields.cycle is not None and fields.cycle[0] == anchored.MONTH:
        return f"every {ordinal(fields.cycle[1])} month"
    if fields.months == ALL_MONTHS:
        return "every month"
    return listed(list(members(fields.months)), lambda each: MONTHS[each - 1])


def _month_days(days: MonthDays, free: Calendar | None) -> str:
    parts = [_numbers("day", list(members(days.numbers)))] if days.numbers else []
    parts += [f"the {_from_end(back)}day" for back in members(days.from_end)]
    parts += [f"the {ordinal(n)} {_WORKING_DAY}" for n in members(days.working)]
    parts += [f"the {_from_end(back)}{_WORKING_DAY}" for back in members(days.working_from_end)]
    for n in sorted(days.business, key=lambda n: (n < 0, abs(n))):
        parts.append(f"the {ordinal(n) + ' ' if n > 0 else _from_end(-1 - n)}{_business_day(free)}")
    parts += [f"the {_WORKING_DAY} nearest to day {day}" for day in members(days.nearest)]
    parts += [
        f"the {_WORKING_DAY} nearest to the {_from_end(back)}day" for back in members(days.nearest_from_end)
    ]
    return joined(parts)


def _week_days(days: WeekDays, free: Calendar | None, last: str = "and") -> str:
    plain = [each or 7 for each in members(days.weekdays)]
    parts = [listed(sorted(plain), lambda each: WEEKDAYS[each % 7], last)] if plain else []
    for each, n in sorted(days.nth, key=lambda pair: (pair[1] < 0, abs(pair[1]), pair[0] or 7)):
        parts.append(f"the {ordinal(n) + ' ' if n > 0 else _from_end(-1 - n)}{WEEKDAYS[each]}")
    if days.business:
        parts.insert(0, _business_day(free, plural=last == "and"))
    return joined(parts, last)


def _business_day(free: Calendar | None, plural: bool = False) -> str:
    assert free is not None  # the calendar without which there are no business days
    return f'business day{"s" if plural else ""} of "{free.name}"'


def _from_end(back: int) -> str:
    """A position counted from the end, where 0 is the last."""
    return f"{ordinal(back + 1)} last " if back else "last "


def ordinal(n: int) -> str:
    """As "1st" or "22nd"."""
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _years(fields: Fields) -> str:
    if fields.years == ALL_YEARS:
        return ""
    years = list(members(fields.years))
    if years[-1] == 9999 and _is_run(years):
        return f"from {years[0]} on"
    return f"in {listed(years, str)}"


def _even_step(some: int, size: int) -> int | None:
    """The step of a set that goes round evenly from 0, as 15 in {0, 15, 30, 45}."""
    step = size // some.bit_count()
    return step if size % step == 0 and some == bits(range(0, size, step)) else None


def _every(step: int, unit: str) -> str:
    return f"every {unit}" if step == 1 else f"every {step} {unit}s"


def _during(hours: list[int]) -> str:
    return "during " + _numbers("hour", hours)


def _numbers(unit: str, numbers: list[int]) -> str:
    return f"{unit} {numbers[0]}" if len(numbers) == 1 else f"{unit}s {listed(numbers, str)}"


def listed(numbers: list[int], name: Callable[[int], str], last: str = "and") -> str:
    """Names with commas, runs of three and more as "1 to 5", and even steps as "1, 4, 7 … 28"."""
    step = _progression(numbers)
    if step and step > 1 and len(numbers) > 4:
        return f"{name(numbers[0])}, {name(numbers[1])}, {name(numbers[2])} … {name(numbers[-1])}"
    parts: list[str] = []
    for run in _runs(numbers):
        if len(run) > 2:
            parts.append(f"{name(run[0])} to {name(run[-1])}")
        else:
            parts += [name(each) for each in run]
    return joined(parts, last)


def joined(parts: Sequence[str], last: str = "and") -> str:
    """Parts with commas, and with "and" before the last."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def _runs(numbers: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] + 1 == number:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _is_run(numbers: list[int]) -> bool:
    return numbers[-1] - numbers[0] + 1 == len(numbers)


def _progression(numbers: list[int]) -> int | None:
    """The step when all neighbours are equally far apart and there are at least two."""
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    return steps.pop() if len(steps) == 1 else None
