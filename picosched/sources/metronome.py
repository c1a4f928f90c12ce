"""The beat of a metronome: times at an even distance, in whole milliseconds.

They lie on a fixed grid, so a late or missed beat does not shift the following ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from picosched.clock import MILLISECOND

LEAST_INTERVAL = 10
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Every `interval` milliseconds, from `start`. Has the interface of a timespec."""

    interval: int
    start: datetime

    @property
    def step(self) -> timedelta:
        return self.interval * MILLISECOND

    def after(self, time: datetime) -> datetime | None:
        """The first beat after `time`, not at it; None after the last year."""
        number = max(0, (time - self.start) // self.step + 1)
        try:
            return self.start + number * self.step
        except OverflowError:
            return None

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """The exact number of beats after `after` and up to `until`."""
        first = max(0, (after - self.start) // self.step + 1)
        return max(0, (until - self.start) // self.step + 1 - first)
