"""The beat of a metronome: times at an even distance, in whole milliseconds.

They lie on a grid that is fixed by one time and the interval, so that a beat that was late, or missed, shifts
none of those behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST_INTERVAL = 10
"""Milliseconds."""

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Beat:
    """Every `interval` milliseconds, from `start` on. Of the same use as a timespec."""

    interval: int
    start: datetime

    @property
    def step(self) -> timedelta:
        return self.interval * MILLISECOND

    def after(self, time: datetime) -> datetime | None:
        """The first beat after `time`, not at it; None behind the last year."""
        number = max(0, (time - self.start) // self.step + 1)
        try:
            return self.start + number * self.step
        except OverflowError:
            return None

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """How many beats lie after `after` and up to `until`; exactly, however many they are."""
        first = max(0, (after - self.start) // self.step + 1)
        return max(0, (until - self.start) // self.step + 1 - first)
