"""Stepping from instant to instant: the times of a timespec in a zone.

The rule of clock changes is applied here, to each part by itself (see `timespec`); the next fire of a
union is the least of its parts'. Instants are whole seconds since the start of year 1, UTC.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from math import gcd

from picosched.errors import PicoschedError
from picosched.timespec.bits import members
from picosched.timespec.days import DAY, EPOCH_DAY
from picosched.timespec.sun import Sun
from picosched.timespec.times import WHOLE, Every, Part, Times
from picosched.timespec.wall import WallTimes
from picosched.timespec.zone import BEGINNING, LAST_SECOND, instant_of, stretch_at

EPOCH = EPOCH_DAY * DAY

# So often a duration is tried against the times it is limited to; then it never fires. Where an offset allows
# none of them, that counts for several: zones have few offsets.
_TRIES, _FOR_AN_OFFSET = 1_000, 8


class Fires:
    """The fires of `times` in the zone `tz`. Compared by identity, which makes caching of steps fast."""

    __slots__ = ("times", "tz")

    def __init__(self, times: Times, tz: str) -> None:
        self.times, self.tz = times, tz


# The steps are remembered by whole seconds and not by datetime: two datetimes of one zone compare as
# equal in an hour that is repeated, although an hour lies between them.


@lru_cache(maxsize=8192)
def fire_from(fires: Fires, instant: int) -> datetime | None:
    """The first fire at or after `instant`."""
    first = None
    for part in fires.times:
        found = _part_from(part, fires.tz, instant)
        if found is not None and (first is None or found < first):
            first = found
    return None if first is None else _time_of(first)


@lru_cache(maxsize=8192)
def fire_until(fires: Fires, instant: int) -> datetime | None:
    """The last fire at or before `instant`."""
    last = None
    for part in fires.times:
        found = _part_until(part, fires.tz, instant)
        if found is not None and (last is None or found > last):
            last = found
    return None if last is None else _time_of(last)


@lru_cache(maxsize=4096)
def count_fires(fires: Fires, first: int, past: int, most: int) -> int:
    """How many fires are from `first` (inclusive) to `past` (exclusive), counting up to `most`."""
    count = 0
    while count < most and (fire := fire_from.__wrapped__(fires, first)) is not None:
        first = second_of(fire)[0] + 1
        if first > past:
            break
        count += 1
    return count


def second_of(time: datetime) -> tuple[int, bool]:
    """The whole second containing `time`, and whether `time` is after its beginning."""
    if time.tzinfo is None:
        raise PicoschedError(f"found {time.isoformat()} without an offset, wanted a time in UTC", "invalid")
    # The plain subtraction: subclasses of datetime bring slower ones, with results of their own.
    since = datetime.__sub__(time, BEGINNING)
    return since.days * DAY + since.seconds, since.microseconds > 0


def _part_from(part: Part, tz: str, instant: int) -> int | None:
    if isinstance(part, WallTimes):
        found = _wall_from(part, tz, instant)
    else:
        found = part.first_from(instant) if isinstance(part, Sun) else _every_from(part, tz, instant)
    return found if found is not None and 0 <= found <= LAST_SECOND else None


def _part_until(part: Part, tz: str, instant: int) -> int | None:
    if isinstance(part, WallTimes):
        found = _wall_until(part, tz, instant)
    else:
        found = part.last_until(instant) if isinstance(part, Sun) else _every_until(part, tz, instant)
    return found if found is not None and 0 <= found <= LAST_SECOND else None


def _wall_from(times: WallTimes, tz: str, instant: int) -> int | None:
    while instant <= LAST_SECOND:
        start, end, offset, high = stretch_at(tz, instant)
        local = instant + offset
        if not times.elapsed:
            # At the start of an offset, times skipped by its gap are still pending; repeated ones are not.
            local = high if instant == start else max(local, high)
        found = times.first_from(local)
        if found is not None and (fire := max(found - offset, start)) < end:
            return fire
        # No local clock is a day away from UTC, so before this nothing can fire.
        nearest = times.first_from(end - DAY)
        if nearest is None:
            return None
        instant = max(end, nearest - DAY)
    return None


def _wall_until(times: WallTimes, tz: str, instant: int) -> int | None:
    while instant >= 0:
        start, _, offset, high = stretch_at(tz, instant)
        found = times.last_until(instant + offset)
        if found is not None and found >= (start + offset if times.elapsed else high):
            return max(found - offset, start)
        nearest = times.last_until(start + DAY)
        if nearest is None:
            return None
        instant = min(start - 1, nearest + DAY)
    return None


def _every_from(duration: Every, tz: str, instant: int) -> int | None:
    box, first = duration.box, EPOCH
    if duration.start is not None:
        first = instant_of(tz, duration.start)
        instant = max(instant, first)
    last = LAST_SECOND if duration.steps is None else first + (duration.steps - 1) * duration.seconds
    left = _TRIES
    while left > 0:
        left -= 1
        instant += (first - instant) % duration.seconds
        if instant > last:
            return None
        if box is WHOLE:
            return instant
        _, end, offset, _ = stretch_at(tz, instant)
        local = instant + offset
        found = box.first_from(local)
        if found == local:
            return instant
        if found is not None and found - offset < end:
            if _meets(box.minutes, box.seconds, gcd(duration.seconds, DAY), local):
                instant = found - offset
                continue
            left -= _FOR_AN_OFFSET
        # No local clock is a day away from UTC, so before this nothing can fire.
        nearest = box.first_from(end - DAY)
        if nearest is None:
            return None
        instant = max(end, nearest - DAY)
    return None


def _every_until(duration: Every, tz: str, instant: int) -> int | None:
    box, first = duration.box, EPOCH
    if duration.start is not None:
        first = instant_of(tz, duration.start)
    if duration.steps is not None:
        instant = min(instant, first + (duration.steps - 1) * duration.seconds)
    earliest = 0 if duration.start is None else first
    left = _TRIES
    while left > 0:
        left -= 1
        instant -= (instant - first) % duration.seconds
        if instant < earliest:
            return None
        if box is WHOLE:
            return instant
        start, _, offset, _ = stretch_at(tz, instant)
        local = instant + offset
        found = box.last_until(local)
        if found == local:
            return instant
        if found is not None and found - offset >= start:
            if _meets(box.minutes, box.seconds, gcd(duration.seconds, DAY), local):
                instant = found - offset
                continue
            left -= _FOR_AN_OFFSET
        nearest = box.last_until(start + DAY)
        if nearest is None:
            return None
        instant = min(start - 1, nearest + DAY)
    return None


def _meets(minutes: int, seconds: int, step: int, local: int) -> bool:
    """Whether any of the minutes and seconds of a day is some steps from a local time."""
    return _meets_within(minutes, seconds, step, local % step)


@lru_cache(maxsize=1024)
def _meets_within(minutes: int, seconds: int, step: int, second: int) -> bool:
    at = {60 * minute % step for minute in members(minutes)}
    return any((second - each) % step in at for each in members(seconds))


def _time_of(instant: int) -> datetime:
    return BEGINNING + timedelta(seconds=instant)
