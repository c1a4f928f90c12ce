"""What a scheduled event's timespec means: its words, and what its calendars leave out.

A day that a calendar leaves out is no occurrence, so no record tells of it. Here it is told beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from picosched.clock import shifted
from picosched.errors import PicoschedError
from picosched.schedule.scheduled import Scheduled
from picosched.timespec.timespec import FreeDay

LEFT_OUT = 5
"""How many of the coming days that are left out are told."""

YEAR = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Explained:
    """A scheduled event in words."""

    words: str
    left_out: tuple[FreeDay, ...] = ()
    """The first days of the coming year on which it would fire but for a calendar."""
    ending: str | None = None
    """A sentence, if the data of one of its calendars ends within a year, or has ended."""
    shut: str | None = None
    """Why its window stays closed, if nothing says when that opens."""

    def lines(self) -> list[str]:
        """What there is to say besides its words."""
        left_out = [f"left out: {each}" for each in self.left_out]
        return [*left_out, *(each for each in (self.ending, self.shut) if each)]


def explained(row: Scheduled, now: datetime) -> Explained:
    """A row in words at a time; why it cannot be read, if the settings lack what it names."""
    try:
        repeats, words = row.repeats, row.explain()
    except PicoschedError as error:
        return Explained(f"cannot be read: {error.message}")
    if repeats is None or not repeats.calendars:
        return Explained(words)
    left_out = islice(repeats.left_out(now, shifted(now, YEAR)), LEFT_OUT)
    return Explained(words, tuple(left_out), repeats.ending(now))
