"""A timespec: when, again and again.

It is a set of local times (`wall`) in a zone (`zone`), read from text (`cron`) and told in words
(`words`). It is immutable and pure: it has no clock, and steps from any time to the next or the last.

**Days.** When day of month and day of week are both restricted, a day matches if either does; when
one of the two fields starts with `*` (`*/2` as well), both must match. This is the rule of Vixie cron.

**Clock changes**, as Vixie and Debian cron have them:

* Times of which the minute, the hour or the second starts with `*` go by elapsed time: they fire at
  every instant whose local time matches. An hour that is skipped has none, one that is repeated has
  them twice, and "every ten minutes" stays every ten minutes.
* All others are fixed times. They go by a local clock that is never turned back, and fire when it
  first shows their time or a later one: a time that is skipped fires at the first instant after the
  gap, once however many fall into it, and a time that is repeated fires in the first pass only.

Times are aware datetimes, taken in any zone and given in UTC, on whole seconds, in the years 1 to 9999.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from picosched.errors import PicoschedError
from picosched.schedule.cron import read_cron
from picosched.schedule.wall import ALL_YEARS, DAY, WallTimes
from picosched.schedule.words import in_words
from picosched.schedule.zone import BEGINNING, LAST_SECOND, check_zone, stretch_at


@dataclass(frozen=True)
class Timespec:
    """Times that come again and again: `text` in its normal form, read in the zone `tz`.

    Two are equal when text and zone are. Make one with `parse`.
    """

    text: str
    tz: str
    _times: WallTimes = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, tz: str = "UTC") -> Timespec:
        """The timespec that cron text or a macro such as `@daily` writes, in the zone of that name.

        Raises PicoschedError `invalid` for text that cannot be read or can never fire, with the field
        and the column of the fault, and for an unknown zone.
        """
        if not isinstance(text, str):
            raise PicoschedError(f"found {type(text).__name__}, wanted the text of a timespec", "invalid")
        if not isinstance(tz, str):
            raise PicoschedError(f"found {type(tz).__name__}, wanted the name of a time zone", "invalid")
        return _parse(text, tz)

    def after(self, time: datetime) -> datetime | None:
        """The first fire after `time`, not at it; None when there is none."""
        second, _ = _second_of(time)
        return _fire_from(self, second + 1)

    def before(self, time: datetime) -> datetime | None:
        """The last fire before `time`, not at it; None when there is none."""
        second, beyond = _second_of(time)
        return _fire_until(self, second if beyond else second - 1)

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The fires from `start` on and before `end`, in order, worked out as they are taken."""
        second, beyond = _second_of(start)
        past, further = _second_of(end)
        return self._from(second + beyond, past + further)

    def explain(self) -> str:
        """In plain words, as "at 00:05 every day" or "every 10 minutes"; names the zone unless it is UTC."""
        return in_words(self._times) + ("" if self.tz == "UTC" else f", {self.tz} time")

    def period(self) -> timedelta | None:
        """The least time between two consecutive fires; None when it can fire only once.

        It is worked out, not sampled, and exact by the local clock. Where a zone changes its clocks,
        two fires can come closer than that, by as much as the change.
        """
        gap = _smallest_gap(self._times)
        return None if gap is None else timedelta(seconds=gap)

    def _from(self, second: int, past: int) -> Iterator[datetime]:
        while second < past and (fire := _fire_from(self, second)) is not None:
            second = _second_of(fire)[0] + 1
            if second <= past:
                yield fire

    def __str__(self) -> str:
        return self.text if self.tz == "UTC" else f"{self.text} ({self.tz})"


@lru_cache(maxsize=8192)
def _parse(text: str, tz: str) -> Timespec:
    normal, times = read_cron(text)
    check_zone(tz)
    timespec = Timespec(normal, tz, times)
    # Years that are named can hold nothing but a time that a clock change skips.
    if tz != "UTC" and times.years != ALL_YEARS and _fire_from(timespec, 0) is None:
        raise PicoschedError(
            f'timespec "{normal}" never fires in {tz}: the clocks there skip its times', "invalid"
        )
    return timespec


# The steps are remembered by whole seconds and not by datetime: two datetimes of one zone compare as
# equal in an hour that is repeated, although an hour lies between them.


@lru_cache(maxsize=8192)
def _fire_from(timespec: Timespec, instant: int) -> datetime | None:
    """The first fire at or after `instant`, in seconds since the start of year 1, UTC."""
    times = timespec._times
    while instant <= LAST_SECOND:
        start, end, offset, high = stretch_at(timespec.tz, instant)
        local = instant + offset
        if not times.elapsed:
            # Where an offset begins, what its gap skipped is still to come; what it repeats never is.
            local = high if instant == start else max(local, high)
        found = times.first_from(local)
        if found is not None and (fire := max(found - offset, start)) < end:
            return _time_of(fire)
        # No local clock is a day away from UTC, so before this nothing can fire.
        nearest = times.first_from(end - DAY)
        if nearest is None:
            return None
        instant = max(end, nearest - DAY)
    return None


@lru_cache(maxsize=8192)
def _fire_until(timespec: Timespec, instant: int) -> datetime | None:
    """The last fire at or before `instant`, in seconds since the start of year 1, UTC."""
    times = timespec._times
    while instant >= 0:
        start, _, offset, high = stretch_at(timespec.tz, instant)
        found = times.last_until(instant + offset)
        if found is not None and found >= (start + offset if times.elapsed else high):
            return _time_of(max(found - offset, start))
        nearest = times.last_until(start + DAY)
        if nearest is None:
            return None
        instant = min(start - 1, nearest + DAY)
    return None


@lru_cache(maxsize=8192)
def _smallest_gap(times: WallTimes) -> int | None:
    return times.smallest_gap()


def _second_of(time: datetime) -> tuple[int, bool]:
    """The whole second that `time` is in, and whether it is past that second's beginning."""
    if time.tzinfo is None:
        raise PicoschedError(f"found {time.isoformat()} without an offset, wanted a time in UTC", "invalid")
    # The plain subtraction: subclasses of datetime bring slower ones, with results of their own.
    since = datetime.__sub__(time, BEGINNING)
    return since.days * DAY + since.seconds, since.microseconds > 0


def _time_of(instant: int) -> datetime | None:
    return BEGINNING + timedelta(seconds=instant) if 0 <= instant <= LAST_SECOND else None
