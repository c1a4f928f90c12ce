"""Draws a timespec as text: the hours of a week, or the days of a year, in which it fires.

`picosched.timespec.rhythm` computes when it fires and which of the two fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from picosched.timespec.rhythm import MOST, WEEKDAYS, Kind, Year, fires_by_hour, month_end
from picosched.timespec.timespec import Timespec

MARKS = "·░▒▓█"
"""From no fires to the maximum."""
ASCII_MARKS = ".-+*#"


def picture(
    timespec: Timespec, since: datetime, kind: Kind | None = None, encoding: str = "utf-8"
) -> list[str]:
    """The lines of a picture of the fires after `since`, the last a legend.

    Without a `kind` it chooses the one that fits. If the `encoding` lacks the marks, it uses ASCII.
    """
    marks = MARKS if _has(encoding, MARKS) else ASCII_MARKS
    year = Year(timespec, since)
    if (kind or year.fitting()) == "year":
        return _year(year, marks)
    return _week(fires_by_hour(timespec, since), marks)


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _week(fires: Mapping[tuple[int, int], int], marks: str) -> list[str]:
    if not fires:
        return ["no fire in the coming week"]
    most = max(fires.values())

    def level(count: int) -> int:
        """The index of the mark for a count, proportional to the maximum; only 0 gets the first mark."""
        return -(-count * (len(marks) - 1) // most)

    lines = [f"     {''.join(f'{hour:<7}' for hour in range(0, 24, 6))}".rstrip()]
    for weekday, name in enumerate(WEEKDAYS):
        row = "".join(marks[level(fires.get((weekday, hour), 0))] for hour in range(24))
        lines.append(f"{name}  {' '.join(row[hour : hour + 6] for hour in range(0, 24, 6))}")
    counts: dict[int, list[int]] = {}
    for count in sorted(set(fires.values())):
        counts.setdefault(level(count), []).append(count)
    legend = "  ".join(f"{marks[at]} {_range(few[0], few[-1])}" for at, few in counts.items())
    return [*lines, f"fires in an hour of the coming week: {legend}"]


def _range(least: int, most: int) -> str:
    if most > MOST:
        return f"more than {MOST}" if least > MOST else f"{least} or more"
    return str(least) if least == most else f"{least} to {most}"


def _year(year: Year, marks: str) -> list[str]:
    if not year.days:
        return [f"no fire until {year.last}"]
    lines = [f"          {'1':<9}{'10':<10}{'20':<10}30"]
    for month in year.months:
        days = (month + timedelta(step) for step in range((month_end(month) - month).days + 1))
        row = "".join(" " if day < year.today else marks[-1 if day in year.days else 0] for day in days)
        lines.append(f"{month:%b} {month.year:04}  {row}")
    count = len(year.days)
    return [*lines, f"{marks[-1]} fires on that day: {count} day{'s' * (count > 1)} until {year.last}"]
