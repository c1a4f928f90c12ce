"""Local times in plain words.

The words tell the set, not the text: `0,15,30,45 * * * *` and `*/15 * * * *` read the same, because
they fire at the same local times. Words that are the same name the same times.

A phrase has three parts: the times of a day, the days with their months, and the years; a part that
restricts nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise, product

from picosched.schedule.wall import (
    ALL_DAYS,
    ALL_HOURS,
    ALL_MINUTES,
    ALL_MONTHS,
    ALL_WEEKDAYS,
    ALL_YEARS,
    WallTimes,
    bits,
    lowest,
    members,
)

_MONTHS = (
    "", "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
# A week is told from Monday to Sunday, so Sunday is 7 here.
_WEEKDAYS = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# So many times of a day are listed one by one; more are told by their pattern.
_LISTED_TIMES = 6


def in_words(times: WallTimes) -> str:
    """`times` in words, as "at 09:00 on Monday to Friday"."""
    listed, days = _clock_times(times), _days(times)
    if listed is None:
        parts = [_pattern(times), days, _years(times)]
    else:
        parts = [f"at {listed}", days if days.startswith("on ") else f"every day {days}", _years(times)]
    return " ".join(part.strip() for part in parts if part)


def _clock_times(times: WallTimes) -> str | None:
    """The times of a day one by one, or None when they are too many."""
    if times.hours.bit_count() * times.minutes.bit_count() * times.seconds.bit_count() > _LISTED_TIMES:
        return None
    hours, minutes, seconds = (members(some) for some in (times.hours, times.minutes, times.seconds))
    if times.seconds == 1:
        return _joined([_clock(hour, minute) for hour, minute in product(hours, minutes)])
    return _joined([f"{_clock(h, m)}:{s:02}" for h, m, s in product(hours, minutes, seconds)])


def _clock(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"


def _pattern(times: WallTimes) -> str:
    if times.seconds != 1:
        return _pattern_of_seconds(times)
    hours, minutes = list(members(times.hours)), list(members(times.minutes))
    even = _even_step(times.minutes, 60)
    if even is not None and len(minutes) > 1:
        every = _every(even, "minute")
        if times.hours == ALL_HOURS:
            return every
        if _is_run(hours):
            return f"{every} from {_clock(hours[0], 0)} to {_clock(hours[-1], minutes[-1])}"
        return f"{every} {_during(hours)}"
    if len(minutes) == 1 and (step := _progression(hours)):
        every = _every(step, "hour")
        if _even_step(times.hours, 24) and minutes[0] == 0:
            return every
        if step > 1 or times.hours != ALL_HOURS:
            return f"{every} from {_clock(hours[0], minutes[0])} to {_clock(hours[-1], minutes[0])}"
    at = f"at {_numbers('minute', minutes)}"
    return f"{at} of every hour" if times.hours == ALL_HOURS else f"{at} {_during(hours)}"


def _pattern_of_seconds(times: WallTimes) -> str:
    hours, minutes = list(members(times.hours)), list(members(times.minutes))
    even = _even_step(times.seconds, 60)
    seconds = list(members(times.seconds))
    if even is not None and len(seconds) > 1:
        phrase = _every(even, "second")
        if times.minutes != ALL_MINUTES:
            phrase += f" in {_numbers('minute', minutes)}"
    else:
        phrase = f"at {_numbers('second', seconds)} of "
        phrase += "every minute" if times.minutes == ALL_MINUTES else _numbers("minute", minutes)
    if times.hours != ALL_HOURS:
        return f"{phrase} {_during(hours)}"
    return phrase if times.minutes == ALL_MINUTES else f"{phrase} of every hour"


def _days(times: WallTimes) -> str:
    """The days and their months; "" when they are all."""
    every_month = times.months == ALL_MONTHS
    months = _listed(list(members(times.months)), lambda each: _MONTHS[each])
    in_months = "" if every_month else f" in {months}"
    of_months = " of every month" if every_month else f" of {months}"
    by_day, by_weekday = times.days != ALL_DAYS, times.weekdays != ALL_WEEKDAYS
    if times.either and not (by_day and by_weekday):
        return in_months.strip()
    on_days = "on " + _numbers("day", list(members(times.days))) + of_months
    weekdays = sorted(each or 7 for each in members(times.weekdays))
    if by_day and by_weekday:
        one_of = _listed(weekdays, lambda each: _WEEKDAYS[each], "or")
        return on_days + (f" and on every {one_of}{in_months}" if times.either else f" if it is {one_of}")
    if by_day:
        # "Of every month" alone would not be true of the 31st.
        return on_days + (" that has it" if every_month and lowest(times.days) > 28 else "")
    if by_weekday:
        return "on " + _listed(weekdays, lambda each: _WEEKDAYS[each]) + in_months
    return in_months.strip()


def _years(times: WallTimes) -> str:
    if times.years == ALL_YEARS:
        return ""
    years = list(members(times.years))
    if years[-1] == 9999 and _is_run(years):
        return f"from {years[0]} on"
    return f"in {_listed(years, str)}"


def _even_step(some: int, size: int) -> int | None:
    """The step of a set that goes round evenly from 0, as 15 in {0, 15, 30, 45}."""
    step = size // some.bit_count()
    return step if size % step == 0 and some == bits(range(0, size, step)) else None


def _every(step: int, unit: str) -> str:
    return f"every {unit}" if step == 1 else f"every {step} {unit}s"


def _during(hours: list[int]) -> str:
    return "during " + _numbers("hour", hours)


def _numbers(unit: str, numbers: list[int]) -> str:
    return f"{unit} {numbers[0]}" if len(numbers) == 1 else f"{unit}s {_listed(numbers, str)}"


def _listed(numbers: list[int], name: Callable[[int], str], last: str = "and") -> str:
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
    return _joined(parts, last)


def _joined(parts: Sequence[str], last: str = "and") -> str:
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
