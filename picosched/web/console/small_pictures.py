"""Timespecs as small pictures for lists: the hours of a week, or the days of a year, and the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any

from picosched.clock import ticks
from picosched.errors import PicoschedError
from picosched.schedule.explained import explained
from picosched.schedule.scheduled import Scheduled
from picosched.schedule.window import Unset, Window
from picosched.schedule.within import Within
from picosched.timespec.rhythm import Year, fires_by_hour, month_end
from picosched.timespec.timespec import Timespec

LEVELS = 4
SECONDS = 0.25
"""How long new pictures may take at once; the others come with the next refresh."""

Run = tuple[int, int, int, int]
"""Cells of a row that are alike: column, row, how many, and how dark from 1 to LEVELS."""


@dataclass(frozen=True, slots=True)
class Small:
    """A picture, its size in cells, and what it is of."""

    columns: int
    rows: int
    runs: tuple[Run, ...]
    of: str

    def as_cell(self) -> dict[str, Any]:
        return {"columns": self.columns, "rows": self.rows, "runs": self.runs, "of": self.of}


Key = tuple[str | None, str, Window | Unset | None]
"""What a picture is of: a timespec, its zone and its window."""


class SmallPictures:
    """The pictures of one list, which are drawn a few at a time."""

    def __init__(self) -> None:
        self._made: dict[Key, dict[str, Any]] = {}
        self.complete = True
        """Whether the last look had time for all."""

    def look(
        self, rows: Sequence[tuple[Scheduled, Window | Unset | None]], now: datetime
    ) -> dict[str, dict[str, Any]]:
        """Id → picture and words of the repeating rows of which there are some by now, and the words of
        windows. For a thread."""
        until, self.complete = ticks() + SECONDS, True
        made: dict[Key, dict[str, Any]] = {}
        found: dict[str, dict[str, Any]] = {}
        for row, window in rows:
            key = row.timespec, row.tz, window
            if row.timespec is None:
                continue
            if key not in made:
                if key in self._made:
                    made[key] = self._made[key]
                elif ticks() < until:
                    made[key] = _cell(row, window, now)
                else:
                    self.complete = False
                    continue
            found[row.id] = made[key]
        self._made = made
        return found


def _cell(row: Scheduled, window: Window | Unset | None, now: datetime) -> dict[str, Any]:
    words = explained(row, now).words
    try:
        timespec = row.repeats
    except PicoschedError:  # the words say why
        return {"more": words}
    if timespec is None or isinstance(window, Unset):
        return {"more": words}
    times = timespec if window is None else Within(timespec, window)
    return {"more": words, "heat": small_picture(times, now).as_cell()}


def small_picture(timespec: Timespec | Within, now: datetime) -> Small:
    """The coming week or year, whichever fits."""
    return _picture(timespec, now.replace(minute=0, second=0, microsecond=0))


@lru_cache(maxsize=2_000)
def _picture(timespec: Timespec | Within, now: datetime) -> Small:
    year = Year(timespec, now)
    if year.fitting() == "week":
        fires = fires_by_hour(timespec, now)
        most = max(fires.values(), default=1)
        cells = [
            [-(-fires.get((weekday, hour), 0) * LEVELS // most) for hour in range(24)] for weekday in range(7)
        ]
        return Small(24, 7, _runs(cells), "a week by the hour")
    months = [
        [LEVELS if month + timedelta(step) in year.days else 0 for step in range(month_end(month).day)]
        for month in year.months
    ]
    return Small(31, len(months), _runs(months), "a year by the day")


def _runs(cells: Sequence[Sequence[int]]) -> tuple[Run, ...]:
    found: list[Run] = []
    for row, levels in enumerate(cells):
        column = 0
        for level, run in groupby(levels):
            length = len([*run])
            if level:
                found.append((column, row, length, level))
            column += length
    return tuple(found)
