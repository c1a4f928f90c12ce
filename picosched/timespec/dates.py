"""Dates as parts of a timespec: `2026-12-24`, `2026-12-24..2027-01-06`, `--12-25`, `2026-12-24T09:00`.

A range may be written with `to` as well: `2026-12-24 to 2027-01-06`.

A date stands for every second of that local day; `--12-25` for that of every year. A date with a time is
that one local time.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from picosched.timespec.bits import ALL_MINUTES_OF_DAY, ALL_SECONDS
from picosched.timespec.days import Days, by_rule, of_range
from picosched.timespec.place import Place
from picosched.timespec.wall import WallTimes

DATE_LIKE = re.compile(r"[0-9]{4}-|--[0-9]", re.ASCII)
"""Matches the beginning of dates, but of no cron text."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_YEARLY = re.compile(r"--[0-9]{2}-[0-9]{2}", re.ASCII)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(?::[0-9]{2})?", re.ASCII)
_WANTED = "a date as in 2026-12-24, --12-24 or 2026-12-24..2027-01-06, or a local time as in 2026-12-24T09:00"
_TO = re.compile(r"\s*\.\.\s*|\s+(?:to|through|until)\s+", re.IGNORECASE | re.ASCII)
_LEAP = 4


def read_dates(text: str, place: Place) -> tuple[str, WallTimes, bool]:
    """Dates in their normal form, their local times, and whether they are whole days.

    PicoschedError `invalid` for invalid text.
    """
    if _MOMENT.fullmatch(text):
        try:
            at = datetime.fromisoformat(text.upper())
        except ValueError:
            raise place.fault(text, "an existing day and time") from None
        day = of_range(at.date(), at.date())
        normal = at.isoformat(timespec="seconds" if at.second else "minutes")
        return normal, WallTimes(day, 1 << 60 * at.hour + at.minute, 1 << at.second), False
    first, dots, last = _range(text)
    column = len(text) - len(last)
    if _YEARLY.fullmatch(first) and (not dots or _YEARLY.fullmatch(last)):
        begin = _day(f"{_LEAP:04}-{first[2:]}", first, place)
        end = _day(f"{_LEAP:04}-{last[2:]}", last, place.on(column)) if dots else begin
        days = _yearly((begin.month, begin.day), (end.month, end.day))
    elif _DATE.fullmatch(first) and (not dots or _DATE.fullmatch(last)):
        begin = _day(first, first, place)
        end = _day(last, last, place.on(column)) if dots else begin
        if begin > end:
            raise place.fault(text, "the earlier date first")
        days = of_range(begin, end)
    else:
        raise place.fault(text, _WANTED)
    return (f"{first}..{last}" if dots else first), whole(days), True


def whole(days: Days) -> WallTimes:
    """Every second of the days."""
    return WallTimes(days, ALL_MINUTES_OF_DAY, ALL_SECONDS)


def told(text: str) -> str:
    """Dates in normal form as words, as "on 2026-12-24"."""
    if "T" in text:
        day, _, time = text.partition("T")
        return f"at {time} on {day}"
    first, dots, last = (each.replace("--", "every ") for each in text.partition(".."))
    return f"from {first} to {last}" if dots else f"on {first}"


def _range(text: str) -> tuple[str, str, str]:
    """The two ends of a range and what stands between them; the latter are empty for a single date."""
    match = _TO.search(text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def _day(text: str, found: str, place: Place) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise place.fault(found, "an existing day") from None


def _yearly(begin: tuple[int, int], end: tuple[int, int]) -> Days:
    """The days from `begin` to `end` in every year, across the end of the year if `end` is before `begin`."""

    def rule(month: int, length: int, _: int) -> int:
        low = begin[1] if month == begin[0] else 1 if month > begin[0] else 32
        high = end[1] if month == end[0] else length if month < end[0] else 0
        whole, from_begin, to_end = (2 << length) - 2, -(1 << low), (2 << high) - 2 if high else 0
        return whole & (from_begin & to_end if begin <= end else from_begin | to_end)

    return by_rule(rule)
