"""Where a timespec meets the fewest other events: some minutes later, or spread by a jitter.

Each of its times falls into a minute of the load, where others come too. A shift moves all of its times by as
many minutes; the best is the one whose fullest minute has the fewest others, then the fewest in all, then the
shortest. A jitter spreads its times over the minutes that follow: it meets as many as these have on average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from picosched.clock import format_time, rounded_down, rounded_up
from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec

MOST_SHIFT = 60
"""Minutes, exclusive."""
JITTERS = (5, 15, 30, 60)
"""Minutes."""
MOST_TIMES = 2_000
"""Times of the timespec that are looked at."""

MINUTE = timedelta(minutes=1)

Minutes = Mapping[datetime, int]
"""How many events come in a minute, by its start."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to write instead of a timespec."""

    timespec: str
    tz: str
    others: int
    """Events in the fullest of its minutes."""
    at: datetime
    """That minute, the first of several."""
    shift: int
    """By how many minutes to shift it; 0 if it is best where it is."""
    shifted: str | None
    """The shifted timespec; None if it is not shifted, or must be written by hand."""
    shifted_others: int
    jitter: int
    """Seconds."""
    jitter_others: float
    """Events in the minutes over which the jitter spreads it, on average."""

    def lines(self) -> list[str]:
        """All of it in words."""
        zone = "" if self.tz == "UTC" else f" in {self.tz}"
        lines = [f"{self.timespec}{zone}: {_others(self.others)} at {format_time(self.at)}"]
        if self.shift:
            minutes = f"{self.shift} minute{'s' * (self.shift > 1)} later"
            text = minutes if self.shifted is None else f"{self.shifted}, {minutes}"
            lines.append(f"  {text}: {_others(self.shifted_others)}")
        if self.others:
            lines.append(f"  with a _jitter of {self.jitter}: {self.jitter_others:g} others on average")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Its fields by their names, the time as text."""
        return {name: getattr(self, name) for name in self.__slots__} | {"at": format_time(self.at)}


def _others(count: int) -> str:
    return "no others" if count == 0 else f"{count:,} other{'s' * (count > 1)}"


def suggest(
    timespec: Timespec, minutes: Minutes, since: datetime, until: datetime, granularity: int
) -> Suggestion:
    """A suggestion by the load from `since` to `until`. `invalid` if the timespec does not come in it."""
    until = max(since, until - MOST_SHIFT * MINUTE)
    found = islice(timespec.between(since, until), MOST_TIMES)
    times = [*dict.fromkeys(rounded_down(rounded_up(each, granularity), 60) for each in found)]
    if not times:
        span = f"from {format_time(since)} to {format_time(until)}"
        wanted = "wanted one that comes at least an hour before the end of what was counted"
        raise PicoschedError(f'found the timespec "{timespec.text}", which does not come {span}, {wanted}')
    shift = min(range(MOST_SHIFT), key=lambda each: (*_met(times, each, minutes), each))
    others, _ = _met(times, 0, minutes)
    means = {each: _mean(times, each, minutes) for each in JITTERS}
    jitter = min(JITTERS, key=lambda each: means[each])
    return Suggestion(
        timespec=timespec.text,
        tz=timespec.tz,
        others=others,
        at=next(each for each in times if minutes.get(each, 0) == others),
        shift=shift,
        shifted=_shifted(timespec, shift, since, until),
        shifted_others=_met(times, shift, minutes)[0],
        jitter=jitter * 60,
        jitter_others=round(means[jitter], 2),
    )


def _met(times: Sequence[datetime], shift: int, minutes: Minutes) -> tuple[int, int]:
    """How many others it meets if shifted: in the fullest minute, and in all."""
    met = [minutes.get(each + shift * MINUTE, 0) for each in times]
    return max(met), sum(met)


def _mean(times: Sequence[datetime], jitter: int, minutes: Minutes) -> float:
    met = sum(minutes.get(each + step * MINUTE, 0) for each in times for step in range(jitter))
    return met / (len(times) * jitter)


def _shifted(timespec: Timespec, shift: int, since: datetime, until: datetime) -> str | None:
    """The timespec shifted, if it is a cron text whose minutes are numbers and stay within their hour."""
    minute, *others = timespec.text.split()
    given = minute.split(",")
    if not shift or len(others) != 4 or not all(each.isdecimal() for each in given):
        return None
    moved = [int(each) + shift for each in given]
    if max(moved) > 59:
        return None
    found = Timespec.parse(" ".join([",".join(map(str, moved)), *others]), timespec.tz)
    by = shift * MINUTE
    same = zip(timespec.between(since, until), found.between(since + by, until + by), strict=False)
    return found.text if all(one + by == other for one, other in islice(same, MOST_TIMES)) else None
