"""Draws a timespec as text: the hours of a week, or the days of a year, in which it fires.

`picosched.timespec.rhythm` computes when it fires and which of the two fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from picosched.timespec.rhythm import MOST, WEEKDAYS, Kind, Year, fires_by_hour, month_end
from picosched.timespec.timespec import Timespec

MARKS = "·░▒▓█"
"""From no fires to the maximum."""
ASCII_MARKS = ".-+*#"
COLOURS = ("green", "yellow", "dark_orange", "red")
"""Of all marks but the first."""


def picture(
    timespec: Timespec, since: datetime, kind: Kind | None = None, encoding: str = "utf-8"
) -> list[str]:
    """The lines of a picture of the fires after `since`, the last a legend.

    Without a `kind` it chooses the one that fits. If the `encoding` lacks the marks, it uses ASCII.
    """
    marks = marks_for(encoding)
    year = Year(timespec, since)
    if (kind or year.fitting()) == "year":
        return _year(year, marks)
    return _week(fires_by_hour(timespec, since), marks)


def marks_for(encoding: str) -> str:
    """The marks that an encoding has."""
    try:
        MARKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII_MARKS
    return MARKS


def _week(fires: Mapping[tuple[int, int], int], marks: str) -> list[str]:
    if not fires:
        return ["no fire in the coming week"]
    rows = {
        name: {hour: fires.get((weekday, hour), 0) for hour in range(24)}
        for weekday, name in enumerate(WEEKDAYS)
    }
    *lines, legend = hours_drawn(rows, marks, _range_up_to_most)
    return [*lines, f"fires in an hour of the coming week: {legend}"]


def _range(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _range_up_to_most(least: int, most: int) -> str:
    """A range of counts that stop at MOST."""
    if most > MOST:
        return f"more than {MOST}" if least > MOST else f"{least} or more"
    return _range(least, most)


def hours_drawn(
    rows: Mapping[str, Mapping[int, int]], marks: str, shown: Callable[[int, int], str] = _range
) -> list[str]:
    """A line for each row of hour → count, under a line of hours; the last is a legend of the marks.

    A mark is proportional to the highest count; only 0 gets the first one. At least one count is not 0.
    """
    most = max(max(counts.values(), default=0) for counts in rows.values())

    def level(count: int) -> int:
        return -(-count * (len(marks) - 1) // most)

    width = max(map(len, rows))
    lines = [f"{'':{width}}  {''.join(f'{hour:<7}' for hour in range(0, 24, 6))}".rstrip()]
    for name, counts in rows.items():
        row = "".join(marks[level(counts.get(hour, 0))] for hour in range(24))
        lines.append(f"{name:{width}}  {' '.join(row[hour : hour + 6] for hour in range(0, 24, 6))}")
    by_level: dict[int, list[int]] = {}
    for count in sorted({count for counts in rows.values() for count in counts.values() if count}):
        by_level.setdefault(level(count), []).append(count)
    return [*lines, "  ".join(f"{marks[at]} {shown(few[0], few[-1])}" for at, few in by_level.items())]


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
