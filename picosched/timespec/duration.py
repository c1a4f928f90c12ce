"""Durations: `@every 1h30m` and ISO 8601 (`PT90M`), as recurring times.

A timespec has no start, so durations have a fixed anchor. Hours, minutes and seconds count the time that has
passed since 1970-01-01T00:00:00Z. Days and weeks alone are days of the calendar: every n-th, counted
from 1970-01-01, at local midnight. So are months and years: the first of every n-th month, counted from
January 1970. Days with smaller units (`P1DT12H`) are 24 hours each; months have no length in hours, and
are refused beside anything smaller.
"""

from __future__ import annotations

import re
from fractions import Fraction

from picosched.timespec import anchored
from picosched.timespec.bits import spread
from picosched.timespec.fields import Fields, MonthDays, WeekDays
from picosched.timespec.place import Place

LONGEST_MONTHS = 1_200
LONGEST_DAYS = 36_525
"""A hundred years."""

_DAY = 86_400
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": _DAY, "w": 7 * _DAY}
_NAMES = {
    **dict.fromkeys("s sec secs second seconds".split(), "s"),
    **dict.fromkeys("m min mins minute minutes".split(), "m"),
    **dict.fromkeys("h hr hrs hour hours".split(), "h"),
    **dict.fromkeys("d day days".split(), "d"),
    **dict.fromkeys("w week weeks".split(), "w"),
    **dict.fromkeys("mo month months".split(), "mo"),
    **dict.fromkeys("y year years".split(), "y"),
}
_EVERY = re.compile(r"@every\s*", re.IGNORECASE | re.ASCII)
_ITEM = re.compile(r"\s*(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(?P<unit>[A-Za-z]+)", re.ASCII)
_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)"
_ISO = re.compile(
    rf"P(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?=[0-9])(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.IGNORECASE,
)
_ISO_UNITS = ("y", "mo", "w", "d", "h", "m", "s")

Counted = int | Fields
"""Whole seconds of elapsed time, or days of the calendar."""


def read_duration(text: str, place: Place) -> tuple[str, Counted]:
    """A duration in normal form and its value; PicoschedError `invalid` for invalid text."""
    every = _EVERY.match(text)
    rest = text[every.end() :] if every else text
    place = place.on(every.end()) if every else place
    if rest.startswith(("P", "p", "-", "+")):
        normal, amounts = _read_iso(rest.rstrip(), place)
    else:
        normal, amounts = _read_items(rest.rstrip(), place)
    return ("@every " if every else "") + normal, _counted(rest.rstrip(), amounts, place)


def every_days(count: int) -> Fields:
    """Local midnight every n days."""
    if count == 1:
        return Fields()
    if count == 7:
        return Fields(week_days=WeekDays(1 << 4))  # 1970-01-01 was a Thursday
    return Fields(cycle=(anchored.DAY, count))


def every_months(count: int) -> Fields:
    """Local midnight on the first of every n months."""
    if 12 % count == 0:
        return Fields(month_days=MonthDays(1 << 1), months=spread(1, count, 13))
    return Fields(month_days=MonthDays(1 << 1), cycle=(anchored.MONTH, count))


def _read_items(text: str, place: Place) -> tuple[str, dict[str, Fraction]]:
    amounts: dict[str, Fraction] = {}
    normal, at = "", 0
    while at < len(text) or not amounts:
        match = _ITEM.match(text, at)
        name = match["unit"].lower() if match else ""
        unit = _NAMES.get(name)
        if match is None:
            raise place.fault(text[at:], "a duration such as 90s, 1h30m or 2d", at)
        if unit is None or unit in amounts:
            wanted = "one of s m h d w mo y" if unit is None else "each unit once"
            raise place.fault(match["unit"], wanted, match.start("unit"))
        amounts[unit] = Fraction(match["number"])
        normal += match["number"] + unit
        at = match.end()
    return normal, amounts


def _read_iso(text: str, place: Place) -> tuple[str, dict[str, Fraction]]:
    match = _ISO.fullmatch(text)
    amounts = {
        unit: Fraction(number)
        for unit, number in zip(
            ("y", "mo", "w", "d", "h", "m", "s"), match.groups() if match else (), strict=False
        )
        if number is not None
    }
    if not amounts:
        raise place.fault(text, "an ISO 8601 duration such as PT90S, P1D, P2W or P1M, more than nothing")
    return text.upper(), amounts


def _counted(text: str, amounts: dict[str, Fraction], place: Place) -> Counted:
    units = set(amounts)
    for unit, amount in amounts.items():
        if unit in ("d", "w", "mo", "y") and amount.denominator != 1:
            raise place.fault(text, "whole days, weeks, months and years")
    if units & {"mo", "y"}:
        if units - {"mo", "y"}:
            raise place.fault(text, "only months and years: they have no fixed length in days or hours")
        months = int(amounts.get("mo", 0) + 12 * amounts.get("y", 0))
        _check(text, months, LONGEST_MONTHS, "month", place)
        return every_months(months)
    seconds = sum((amount * _UNITS[unit] for unit, amount in amounts.items()), Fraction(0))
    if seconds.denominator != 1:
        raise place.fault(text, "whole seconds")
    if units <= {"d", "w"}:
        days = int(seconds) // _DAY
        _check(text, days, LONGEST_DAYS, "day", place)
        return every_days(days)
    _check(text, int(seconds), LONGEST_DAYS * _DAY, "second", place)
    return int(seconds)


def _check(text: str, count: int, longest: int, unit: str, place: Place) -> None:
    if not 1 <= count <= longest:
        raise place.fault(text, f"a duration of 1 {unit} to {longest} {unit}s")
