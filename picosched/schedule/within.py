"""The times of a timespec while a window is open: what pictures and lists show of a schedule tied to one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from picosched.schedule.coming import MOST_REFUSED
from picosched.schedule.window import Window
from picosched.timespec.timespec import Timespec


@dataclass(frozen=True, slots=True)
class Within:
    """The times of a timespec at which a window is open; has the interface of `rhythm.Times`."""

    timespec: Timespec
    window: Window

    @property
    def tz(self) -> str:
        return self.timespec.tz

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Those from `start` (inclusive) to `end` (exclusive), in order, computed lazily.

        It ends where times do not meet the window again and again.
        """
        refused = 0
        while refused < MOST_REFUSED:
            time = next(self.timespec.between(start, end), None)
            if time is None:
                return
            if self.window.open_at(time):
                closing = self.window.next_closing(time)
                start, refused = end if closing is None else min(closing, end), 0
                yield from self.timespec.between(time, start)
            else:
                opening = self.window.next_opening(time)
                if opening is None:
                    return
                start, refused = opening, refused + 1
