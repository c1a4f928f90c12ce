"""The steering of an entry: when it comes, how often, and what if it fails, is late or takes long.

Each key means what the steering attribute of a schedule means, and is read by the same function. The first
two are part of its times: `Limited` has the interface of a timespec and leaves out what is before or after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from picosched.clock import MILLISECOND, format_time, shifted
from picosched.errors import PicoschedError
from picosched.schedule.failing import pause_after
from picosched.schedule.scheduled import Overlap
from picosched.schedule.steering import COUNT, OVERLAP, POLICY, RETRY, UNTIL, WINDOW, TimeOf
from picosched.sources.metronome import Beat
from picosched.timespec.timespec import Timespec

KEYS = {
    "from": UNTIL,
    "until": UNTIL,
    "count": COUNT,
    "window": WINDOW,
    "retry": RETRY,
    "on_failure": "_on_failure",
    "late_after": "_late_after",
    "overlap": OVERLAP,
}
"""The keys of a declaration, and the steering attribute that is read alike."""


@dataclass(frozen=True, slots=True)
class Steering:
    """What steers an entry. Each may be None."""

    since: datetime | None = None
    """The first time at which it may come."""
    until: datetime | None = None
    """The last."""
    count: int | None = None
    """How often its event is raised."""
    window: str | None = None
    """The name of a window of the settings, outside which it is not raised."""
    retry: int | None = None
    """How often a failed occurrence is tried again."""
    on_failure: str | None = None
    """"pause", or "pause after 3": the source is paused when so many occurrences in a row failed."""
    late_after: int | None = None
    """Milliseconds from which on the alerts are told that it is late; None for a second."""
    overlap: Overlap | None = None
    """What becomes of an occurrence if the one before is still at work."""

    @property
    def bounds(self) -> tuple[datetime | None, datetime | None, int | None]:
        """What its due times depend on."""
        return self.since, self.until, self.count

    @property
    def pauses_after(self) -> int | None:
        """The number of failures in a row after which its source is paused."""
        return None if self.on_failure is None else pause_after(self.on_failure)

    def goes_on(self, fires: int) -> bool:
        """Whether it comes again after so many fires."""
        return self.count is None or fires < self.count

    def times(self, times: Timespec | Beat) -> Timespec | Beat | Limited:
        """Those of the times that lie within `since` and `until`."""
        if self.since is None and self.until is None:
            return times
        return Limited(times, self.since, self.until)

    def words(self) -> Sequence[str]:
        """What is said of them behind the times."""
        told = (
            self.since and f"from {format_time(self.since)}",
            self.until and f"until {format_time(self.until)}",
            self.count and f"{self.count:,} time{'s' * (self.count > 1)}",
            self.window and f"in the window {self.window}",
        )
        return [each for each in told if each]


@dataclass(frozen=True, slots=True)
class Limited:
    """Times from a time and until another, both included."""

    times: Timespec | Beat
    since: datetime | None
    until: datetime | None

    def after(self, time: datetime) -> datetime | None:
        """The first of them after `time`, not at it; None if there is none."""
        since = time if self.since is None else max(time, shifted(self.since, -MILLISECOND))
        found = self.times.after(since)
        return found if found is None or self.until is None or found <= self.until else None

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """How many are after `after` and up to `until`, counting up to `most`."""
        if self.since is not None:
            after = max(after, shifted(self.since, -MILLISECOND))
        last = until if self.until is None else min(until, self.until)
        return self.times.count(after, last, most) if last > after else 0


Times = Timespec | Beat | Limited
"""The times of an entry."""


def step_of(times: Times) -> timedelta | None:
    """The distance of a metronome's ticks; None for other times."""
    inner = times.times if isinstance(times, Limited) else times
    return inner.step if isinstance(inner, Beat) else None


def read_steering(
    entry: Mapping[str, Any], source: Mapping[str, Any], time_of: TimeOf, where: str
) -> Steering:
    """What steers an entry; its own win over those of its source. `time_of` reads a time."""
    found: dict[str, Any] = {}
    for key, attribute in KEYS.items():
        given = entry.get(key, source.get(key))
        if given is None:
            continue
        try:
            found[key] = POLICY[attribute](key, given, time_of)
        except PicoschedError as error:
            raise PicoschedError(f"{where}: {error.message}", error.code) from error
    since, until = found.get("from"), found.get("until")
    if since is not None and until is not None and until < since:
        span = f"from {format_time(since)} until {format_time(until)}"
        raise PicoschedError(f"{where}: found {span}, wanted an end that is not before the start")
    return Steering(since, until, **{key: found[key] for key in found.keys() - {"from", "until"}})
