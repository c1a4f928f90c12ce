"""Recurrence rules in words: "at 17:00 every 2 weeks on Friday from 2026-03-06, 10 times"."""

from __future__ import annotations

from datetime import datetime

from picosched.timespec.anchored import DAY as BY_DAY
from picosched.timespec.anchored import MONTH, WEEK, YEAR
from picosched.timespec.bits import ALL_HOURS, ALL_MINUTES, ALL_MONTHS, ALL_SECONDS, bits
from picosched.timespec.cron import minutes_of_day
from picosched.timespec.fields import EVERY_MONTH_DAY, EVERY_WEEK_DAY, Fields, MonthDays, WeekDays
from picosched.timespec.rrule import (
    DAILY,
    MONTHLY,
    WEEKLY,
    YEARLY,
    Recurrence,
    Rule,
)
from picosched.timespec.rrule_times import FIRST, given
from picosched.timespec.start import second_of
from picosched.timespec.words import in_words, joined, ordinal

_UNITS = {DAILY: BY_DAY, WEEKLY: WEEK, MONTHLY: MONTH, YEARLY: YEAR}
_NAMES = ("second", "minute", "hour", "day", "week", "month", "year")
_FEW = 6


def recurrence_words(recurrence: Recurrence) -> str:
    """The rules in words, with what is added and taken away."""
    start = recurrence.start
    parts = [_rule_words(rule, start) for rule in recurrence.rules]
    if not parts and start is not None:
        parts = [f"at {_moment(start)}"]
    if recurrence.added:
        parts.append(f"at {_listed(list(map(_moment, recurrence.added)))}")
    told = "; and ".join(parts)
    if recurrence.taken:
        taken = [str(each.time.date()) if each.whole_day else _moment(each.time) for each in recurrence.taken]
        told += f", except {_listed(taken)}"
    return told


def _rule_words(rule: Rule, start: datetime | None) -> str:
    limited = bool(any(rule.dates[2:-1]) or rule.hours or rule.minutes or rule.seconds)
    rule = given(rule, start or FIRST)
    dates, name = rule.dates, _NAMES[rule.frequency]
    if rule.frequency < DAILY and rule.interval > 1:
        told = f"every {rule.interval} {name}s"
        told += "" if start is None else f" from {_moment(start)}"
        told += f", of these {in_words(_fields(rule, None))}" if limited else ""
    else:
        told = in_words(_fields(rule, start))
    if dates.year_days:
        told += f", on {_counted(dates.year_days, 'day')} of the year"
    if dates.week_numbers:
        told += f", in {_counted(dates.week_numbers, 'week')} of the year"
    if dates.positions:
        told += f", of these {_counted(dates.positions, 'time')} in each {name}"
    if rule.count is not None:
        told += ", once" if rule.count == 1 else f", {rule.count:,} times"
    return told if rule.until is None else f"{told}, until {_moment(rule.until)}"


def _fields(rule: Rule, start: datetime | None) -> Fields:
    """The fields that say the same, but for what fields cannot say."""
    dates = rule.dates
    in_month = dates.frequency == MONTHLY or bool(dates.months)
    weekdays = WeekDays(
        bits(day for n, day in dates.weekdays if n == 0),
        frozenset((day, n) for n, day in dates.weekdays if n and in_month),
    )
    month_days = MonthDays(
        numbers=bits(n for n in dates.month_days if n > 0),
        from_end=bits(-1 - n for n in dates.month_days if n < 0),
    )
    hours = bits(rule.hours) or ALL_HOURS
    cycle = rule.interval > 1 and rule.frequency >= DAILY
    return Fields(
        seconds=bits(rule.seconds) or ALL_SECONDS,
        minutes=minutes_of_day(hours, bits(rule.minutes) or ALL_MINUTES),
        month_days=month_days if dates.month_days else EVERY_MONTH_DAY,
        week_days=weekdays if weekdays != WeekDays() else EVERY_WEEK_DAY,
        months=bits(dates.months) or ALL_MONTHS,
        cycle=(_UNITS[rule.frequency], rule.interval) if cycle else None,
        start=None if start is None else second_of(start),
    )


def _counted(numbers: tuple[int, ...], what: str) -> str:
    """Numbers counted from either end, as "the 1st and the 2nd last day"."""
    named = [f"the {ordinal(n)}" for n in numbers if n > 0]
    named += ["the last" if n == -1 else f"the {ordinal(-n)} last" for n in reversed(numbers) if n < 0]
    return f"{_listed(named)} {what}"


def _listed(parts: list[str]) -> str:
    if len(parts) > _FEW:
        parts = [*parts[: _FEW - 1], f"{len(parts) - _FEW + 1} more"]
    return joined(parts)


def _moment(time: datetime) -> str:
    return time.isoformat(sep=" ", timespec="seconds" if time.second else "minutes")
