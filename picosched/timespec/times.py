"""The times of a timespec, as a union of few parts, and the algebra of such unions.

A part is a box of local times (`WallTimes`), a time of the sun (`Sun`), or a duration (`Every`): an instant
every so many seconds since 1970-01-01T00:00:00Z, on chosen local days. Local times are combined before any
clock change: what a change skips or repeats is settled afterwards, part by part.

Boxes are closed under all operations. A duration is not: in a zone its local times differ from day to
day. Where local time is UTC and the duration divides a day it is boxes after all; elsewhere it can be
limited or reduced by whole days, and by a duration that goes evenly into it; the rest is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from math import gcd, lcm

from picosched.errors import PicoschedError
from picosched.timespec.bits import ALL_MINUTES_OF_DAY, spread
from picosched.timespec.days import ALWAYS, DAY, Days
from picosched.timespec.sun import Sun
from picosched.timespec.wall import WallTimes

MAX_PARTS = 64
_MAX_PAIRS = 1_024


@dataclass(frozen=True)
class Every:
    """Every n seconds since 1970-01-01T00:00:00Z, on `days`, which are local."""

    seconds: int
    days: Days = ALWAYS

    def boxes(self) -> list[WallTimes] | None:
        """The equivalent boxes in UTC, if the duration divides a day; otherwise None."""
        if DAY % self.seconds:
            return None
        if 60 % self.seconds == 0:
            return [WallTimes(self.days, ALL_MINUTES_OF_DAY, spread(0, self.seconds, 60))]
        turn = lcm(self.seconds, 60)
        return [
            WallTimes(self.days, spread(time // 60, turn // 60, 1440), 1 << time % 60)
            for time in range(0, turn, self.seconds)
        ]


Part = WallTimes | Every | Sun
Times = tuple[Part, ...]


def every(seconds: int, utc: bool) -> Times:
    """A duration: in UTC, local times if they are one box."""
    duration = Every(seconds)
    boxes = duration.boxes() if utc else None
    return tuple(boxes) if boxes and len(boxes) == 1 else (duration,)


def union(parts: Iterable[Part]) -> Times:
    """The times of all `parts`, merged where that is easy; PicoschedError if there are too many."""
    found: list[Part] = []
    for part in parts:
        merged: Part | None = part
        while merged is not None:
            part = merged
            merged = None
            for index, other in enumerate(found):
                if (merged := _joined(other, part)) is not None:
                    del found[index]
                    break
        found.append(part)
        if len(found) > MAX_PARTS:
            raise PicoschedError(
                f"found a timespec of more than {MAX_PARTS} parts, wanted fewer of them, or simpler ones",
                "invalid",
            )
    return tuple(found)


def both(one: Times, other: Times, utc: bool) -> Times:
    """The times that are in `one` and in `other`."""
    if len(one) * len(other) > _MAX_PAIRS:
        raise PicoschedError(
            f"found two timespecs of {len(one)} and {len(other)} parts under &, wanted simpler ones",
            "invalid",
        )
    return union(found for mine in one for theirs in other for found in _both(mine, theirs, utc))


def without(one: Times, other: Times, utc: bool) -> Times:
    """The times that are in `one` and not in `other`."""

    def less(left: Times, part: Part) -> Times:
        return union(found for mine in left for found in _without(mine, part, utc))

    return reduce(less, other, one)


def same(one: Times, other: Times, utc: bool) -> bool:
    """Whether they name the same times and, unless local time is UTC, follow clock changes alike."""
    if utc:
        one, other = _uncovered(one), _uncovered(other)
    return set(one) == set(other) or (_within(one, other, utc) and _within(other, one, utc))


def _within(one: Times, other: Times, utc: bool) -> bool:
    """Whether all times of `one` are in `other`; False if their strides cannot be compared."""
    for part in one:
        left: Times = (part,)
        for theirs in other:
            if _kind(part, utc) == _kind(theirs, utc):
                try:
                    left = without(left, (theirs,), utc)
                except PicoschedError:
                    continue
        if left:
            return False
    return True


def _kind(part: Part, utc: bool) -> object:
    if isinstance(part, Sun):
        return part.key
    if isinstance(part, WallTimes):
        return part.elapsed
    return part.boxes() is None if utc else Every


def _uncovered(times: Times) -> Times:
    """`times` without durations that the rest covers completely, in UTC."""
    walls = tuple(part for part in times if isinstance(part, WallTimes))
    return tuple(
        part
        for part in times
        if not isinstance(part, Every)
        # Over time a duration fires at every multiple of the gcd of its length and a day.
        or without(tuple(Every(gcd(part.seconds, DAY), part.days).boxes() or ()), walls, True)
    )


def _joined(one: Part, other: Part) -> Part | None:
    """One part for both, if there is an easy one."""
    if one == other:
        return one
    if isinstance(one, WallTimes) and isinstance(other, WallTimes):
        return one.joined(other)
    if isinstance(one, Every) and isinstance(other, Every) and one.seconds == other.seconds:
        return Every(one.seconds, one.days | other.days)
    if isinstance(one, Sun) and isinstance(other, Sun) and one.key == other.key:
        return replace(one, days=one.days | other.days) if one.days.stride == other.days.stride else None
    return None


def _both(one: Part, other: Part, utc: bool) -> list[Part]:
    if isinstance(one, WallTimes) and isinstance(other, WallTimes):
        found = one.both(other)
        return [] if found is None else [found]
    if isinstance(one, Sun):
        return [*one.both(other)]
    if isinstance(other, Sun):
        return [*other.both(one)]
    days = one.days & other.days
    if not days:
        return []
    if isinstance(one, Every) and isinstance(other, Every):
        return [Every(lcm(one.seconds, other.seconds), days)]
    duration, box = (one, other) if isinstance(one, Every) else (other, one)
    assert isinstance(duration, Every) and isinstance(box, WallTimes)
    if box.whole_days and days.stride == 1:
        return [replace(duration, days=days)]
    return [found for part in _as_boxes(duration, utc) if (found := box.both(part)) is not None]


def _without(one: Part, other: Part, utc: bool) -> list[Part]:
    if isinstance(one, WallTimes) and isinstance(other, WallTimes):
        return list(one.without(other))
    if isinstance(one, Sun):
        return [*one.without(other)]
    if not one.days & other.days:
        return [one]
    if isinstance(other, Sun):
        raise other.refusal()
    if isinstance(one, Every):
        whole = isinstance(other, WallTimes) and other.whole_days and other.days.stride == 1
        if whole or (isinstance(other, Every) and one.seconds % other.seconds == 0):
            days = one.days - other.days
            return [replace(one, days=days)] if days else []
        one_boxes: list[Part] = [*_as_boxes(one, utc)]
    else:
        one_boxes = [one]
    other_boxes: list[Part] = [*_as_boxes(other, utc)] if isinstance(other, Every) else [other]
    return list(without(tuple(one_boxes), tuple(other_boxes), utc))


def _as_boxes(duration: Every, utc: bool) -> list[WallTimes]:
    boxes = duration.boxes() if utc else None
    if boxes is None:
        where = "does not divide a day" if utc else "outside UTC is not a set of local times"
        raise PicoschedError(
            f"found every {duration.seconds} seconds, which {where}, combined with times of a day, wanted it "
            "combined with | alone, or with whole days after & or except",
            "invalid",
        )
    return boxes
