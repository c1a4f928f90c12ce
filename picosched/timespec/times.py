"""The times of a timespec, as a union of few parts, and the algebra of such unions.

A part is a box of local times (`WallTimes`), a time of the sun (`Sun`), or a duration (`Every`): an instant
every so many seconds from a start, at chosen local times. Local times are combined before any clock change:
what a change skips or repeats is settled afterwards, part by part.

Boxes are closed under all operations. A duration can be limited or reduced by boxes, and by a duration of
the same start that goes evenly into it. A box cannot be reduced by a duration, whose local times differ from
day to day, unless local time is UTC and it divides a day: then it is boxes after all. The rest is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from math import gcd, lcm

from picosched.errors import PicoschedError
from picosched.timespec.bits import ALL_MINUTES_OF_DAY, ALL_SECONDS, spread
from picosched.timespec.days import ALWAYS, DAY
from picosched.timespec.sun import Sun
from picosched.timespec.wall import WallTimes

MAX_PARTS = 64
_MAX_PAIRS = 1_024


WHOLE = WallTimes(ALWAYS, ALL_MINUTES_OF_DAY, ALL_SECONDS, elapsed=True)
"""All local times."""


@dataclass(frozen=True)
class Every:
    """Every n seconds at the local times of `box`, counted from `start`, before which there is none.

    `start` is a local time; None is 1970-01-01T00:00:00Z, from which is counted both ways. `steps` is how
    many there are from the start on, those outside the box included.
    """

    seconds: int
    box: WallTimes = WHOLE
    start: int | None = None
    steps: int | None = None

    def within(self, box: WallTimes) -> Every | None:
        """Those at the local times of `box`; None when there are none."""
        both = self.box.both(box)
        return None if both is None else replace(self, box=replace(both, elapsed=True))

    def boxes(self) -> list[WallTimes] | None:
        """The equivalent boxes in UTC, if the duration divides a day and has no start; otherwise None."""
        if DAY % self.seconds or self.start is not None:
            return None
        if 60 % self.seconds == 0:
            grid = [WallTimes(ALWAYS, ALL_MINUTES_OF_DAY, spread(0, self.seconds, 60))]
        else:
            turn = lcm(self.seconds, 60)
            grid = [
                WallTimes(ALWAYS, spread(time // 60, turn // 60, 1440), 1 << time % 60)
                for time in range(0, turn, self.seconds)
            ]
        return [box for each in grid if (box := each.both(self.box)) is not None]


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
    """Whether all times of `one` are in `other`; False if they cannot be compared."""
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
        or part.start is not None
        or without(tuple(Every(gcd(part.seconds, DAY), part.box).boxes() or ()), walls, True)
    )


def _joined(one: Part, other: Part) -> Part | None:
    """One part for both, if there is an easy one."""
    if one == other:
        return one
    if isinstance(one, WallTimes) and isinstance(other, WallTimes):
        return one.joined(other)
    if isinstance(one, Every) and isinstance(other, Every):
        box = one.box.joined(other.box)
        if box is not None and replace(one, box=box) == replace(other, box=box):
            return replace(one, box=box)
    if isinstance(one, Sun) and isinstance(other, Sun) and one.key == other.key:
        days = one.days.joined(other.days)
        return None if days is None else replace(one, days=days)
    return None


def _both(one: Part, other: Part, utc: bool) -> list[Part]:
    if isinstance(one, WallTimes) and isinstance(other, WallTimes):
        found = one.both(other)
        return [] if found is None else [found]
    if isinstance(one, Sun):
        return [*one.both(other)]
    if isinstance(other, Sun):
        return [*other.both(one)]
    if isinstance(one, Every) and isinstance(other, Every):
        limited = one.within(other.box)
        if limited is None:
            return []
        if one.start != other.start or (one.steps or other.steps) is not None:
            raise _refused(one, f"combined with every {other.seconds} seconds from another start")
        return [replace(limited, seconds=lcm(one.seconds, other.seconds))]
    duration, box = (one, other) if isinstance(one, Every) else (other, one)
    assert isinstance(duration, Every) and isinstance(box, WallTimes)
    if utc and (boxes := duration.boxes()) is not None and not box.whole_days:
        return [found for part in boxes if (found := box.both(part)) is not None]
    limited = duration.within(box)
    return [] if limited is None else [limited]


def _without(one: Part, other: Part, utc: bool) -> list[Part]:
    if isinstance(one, WallTimes) and isinstance(other, WallTimes):
        return list(one.without(other))
    if isinstance(one, Sun):
        return [*one.without(other)]
    if isinstance(other, Sun):
        if (one if isinstance(one, WallTimes) else one.box).days & other.days:
            raise other.refusal()
        return [one]
    if isinstance(one, Every):
        taken = other if isinstance(other, WallTimes) else other.box
        if isinstance(other, WallTimes) or _goes_into(other, one):
            if utc and not taken.whole_days and (boxes := one.boxes()) is not None:
                return [left for box in boxes for left in box.without(taken)]
            return [left for box in one.box.without(taken) if (left := one.within(box)) is not None]
        if one.box.both(taken) is None:
            return [one]
        one_boxes = _as_boxes(one, utc)
    else:
        assert isinstance(other, Every)
        if one.both(other.box) is None:
            return [one]
        one_boxes = [one]
    other_boxes = _as_boxes(other, utc) if isinstance(other, Every) else [other]
    return list(without(tuple(one_boxes), tuple(other_boxes), utc))


def _goes_into(one: Every, other: Every) -> bool:
    """Whether `one` has all times of `other`, but for their boxes."""
    if one.start != other.start or other.seconds % one.seconds:
        return False
    if one.steps is None or other.steps is None:
        return one.steps is None
    return (other.steps - 1) * other.seconds <= (one.steps - 1) * one.seconds


def _as_boxes(duration: Every, utc: bool) -> list[WallTimes]:
    boxes = duration.boxes() if utc else None
    if boxes is None:
        raise _refused(
            duration,
            "which has a start"
            if duration.start is not None
            else "which does not divide a day"
            if utc
            else "which outside UTC is not a set of local times",
        )
    return boxes


def _refused(duration: Every, why: str) -> PicoschedError:
    return PicoschedError(
        f"found every {duration.seconds} seconds, {why}, wanted it combined with | alone, or with times of a "
        "day and whole days after & or except",
        "invalid",
    )
