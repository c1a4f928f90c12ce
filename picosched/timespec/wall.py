"""Local times: days, and on each of them the same minutes and seconds.

Here time is what a clock on the wall shows: no zone, no summer time. A moment is a whole number of
seconds since the start of year 1, so a day is exactly 86,400 of them, and nothing overflows.

`WallTimes` is a box, days × minutes of the day × seconds, and boxes are closed under intersection:

    (D1×M1×S1) & (D2×M2×S2) = (D1&D2) × (M1&M2) × (S1&S2)

What is left of one without another is three boxes: on the days that they do not share all the times, on
those they share the other minutes, and in the minutes they share the other seconds. Days that are counted
from a start leave more than one set of days.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from picosched.timespec.bits import (
    ALL_MINUTES_OF_DAY,
    ALL_SECONDS,
    highest,
    least_distance,
    lowest,
)
from picosched.timespec.days import ALWAYS, DAY, Days


@dataclass(frozen=True)
class WallTimes:
    """The local times on `days`, at `minutes` of the day and at `seconds` of each; none of them is empty.

    `elapsed` says how the times follow a clock that is changed; it is used where zones are known.
    """

    days: Days = ALWAYS
    minutes: int = 1
    seconds: int = 1
    elapsed: bool = False
    _first_time: int = field(init=False, repr=False, compare=False)
    _last_time: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_first_time", 60 * lowest(self.minutes) + lowest(self.seconds))
        object.__setattr__(self, "_last_time", 60 * highest(self.minutes) + highest(self.seconds))

    @property
    def whole_days(self) -> bool:
        """Whether every second of the days belongs."""
        return self.minutes == ALL_MINUTES_OF_DAY and self.seconds == ALL_SECONDS

    def first_from(self, moment: int) -> int | None:
        """The first local time at or after `moment`; None when there is none up to year 9999."""
        day, second = divmod(moment, DAY)
        found = self.days.first_from(day)
        if found == day:
            time = self._time_from(second)
            if time is not None:
                return day * DAY + time
            found = self.days.first_from(day + 1)
        return None if found is None else found * DAY + self._first_time

    def last_until(self, moment: int) -> int | None:
        """The last local time at or before `moment`; None when there is none from year 1 on."""
        day, second = divmod(moment, DAY)
        found = self.days.last_until(day)
        if found == day:
            time = self._time_until(second)
            if time is not None:
                return day * DAY + time
            found = self.days.last_until(day - 1)
        return None if found is None else found * DAY + self._last_time

    def both(self, other: WallTimes) -> WallTimes | None:
        """The times of both, which go by elapsed time if both do; None when there are none."""
        minutes, seconds = self.minutes & other.minutes, self.seconds & other.seconds
        if not (minutes and seconds and (days := self.days & other.days)):
            return None
        return WallTimes(days, minutes, seconds, self.elapsed and other.elapsed)

    def without(self, other: WallTimes) -> list[WallTimes]:
        """The times not in `other`, as a few boxes."""
        minutes, seconds = self.minutes & other.minutes, self.seconds & other.seconds
        if not (minutes and seconds and (days := self.days & other.days)):
            return [self]
        boxes = (
            *((left, self.minutes, self.seconds) for left in self.days.less(other.days)),
            (days, self.minutes & ~other.minutes, self.seconds),
            (days, minutes, self.seconds & ~other.seconds),
        )
        return [WallTimes(*box, self.elapsed) for box in boxes if all(box)]

    def joined(self, other: WallTimes) -> WallTimes | None:
        """One box for the times of both if they differ in only one dimension; otherwise None."""
        if self.elapsed != other.elapsed:
            return None
        if self.seconds == other.seconds:
            if self.minutes == other.minutes and (days := self.days.joined(other.days)) is not None:
                return WallTimes(days, self.minutes, self.seconds, self.elapsed)
            if self.days == other.days:
                return WallTimes(self.days, self.minutes | other.minutes, self.seconds, self.elapsed)
        elif self.minutes == other.minutes and self.days == other.days:
            return WallTimes(self.days, self.minutes, self.seconds | other.seconds, self.elapsed)
        return None

    def smallest_gap(self) -> int | None:
        """The least number of seconds between two neighbours; None when there is only one time."""
        least_second, least_minute = least_distance(self.seconds), least_distance(self.minutes)
        spread = highest(self.seconds) - lowest(self.seconds)
        gaps = [] if least_second is None else [least_second]
        if least_minute is not None:
            gaps.append(60 * least_minute - spread)
        overnight = DAY - self._last_time + self._first_time
        if not gaps or min(gaps) > overnight:
            apart = self.days.least_apart()
            if apart is not None:
                gaps.append(overnight + (apart - 1) * DAY)
        return min(gaps, default=None)

    def _time_from(self, second: int) -> int | None:
        """The first second of the day that belongs at or after `second`."""
        minute, within = divmod(second, 60)
        if self.minutes >> minute & 1 and (rest := self.seconds >> within):
            return second + lowest(rest)
        minute += 1
        if rest := self.minutes >> minute:
            return 60 * (minute + lowest(rest)) + lowest(self.seconds)
        return None

    def _time_until(self, second: int) -> int | None:
        """The last second of the day that belongs at or before `second`."""
        minute, within = divmod(second, 60)
        if self.minutes >> minute & 1 and (rest := self.seconds & ((2 << within) - 1)):
            return 60 * minute + highest(rest)
        if rest := self.minutes & ((1 << minute) - 1):
            return 60 * highest(rest) + highest(self.seconds)
        return None
