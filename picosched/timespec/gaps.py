"""The least time between two fires of a timespec: worked out for one part, else found by walking."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, pairwise

from picosched.clock import EPOCH
from picosched.timespec.instants import Fires, fire_from, second_of
from picosched.timespec.sun import Sun
from picosched.timespec.times import WHOLE, Every
from picosched.timespec.wall import WallTimes

WALKED, WALKED_BY_SUN = 2_000, 400
"""More than a year, if it is once a day: each costs more to find."""
YEARS_BY_SUN, ALL_YEARS = 30, 10_000
"""How far a walk goes. At a pole the sun rises once a year."""


@lru_cache(maxsize=8192)
def smallest_gap(fires: Fires) -> int | None:
    """The least seconds between two consecutive fires; None when it can fire only once."""
    if len(fires.times) == 1:
        (part,) = fires.times
        if isinstance(part, WallTimes):
            return part.smallest_gap()
        if isinstance(part, Every) and part.box is WHOLE and part.steps is None:
            return part.seconds
    local = Fires(
        fires.times, "UTC" if all(isinstance(part, WallTimes) for part in fires.times) else fires.tz
    )
    by_sun = any(isinstance(part, Sun) for part in fires.times)
    most, years = (WALKED_BY_SUN, YEARS_BY_SUN) if by_sun else (WALKED, ALL_YEARS)
    for start in (second_of(EPOCH)[0], 0):
        walked = list(islice(_walk(local, start, start + years * 366 * 86_400), most))
        if len(walked) > 1:
            return min(later - earlier for earlier, later in pairwise(walked))
    return None


def _walk(fires: Fires, second: int, end: int) -> Iterator[int]:
    while second < end and (fire := fire_from.__wrapped__(fires, second)) is not None:
        second = second_of(fire)[0] + 1
        yield second
