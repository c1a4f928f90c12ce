"""The load of a span of time: how many events come in each minute of it, and which.

Streams of occurrences are counted together in the order of time, up to a number of occurrences: then the load
is complete up to a time, and nothing is known of what comes after. A stream that comes at an even distance of
a minute or less would use that number up alone, and all minutes are alike to it: it is not counted but kept
as a rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge, nlargest
from typing import Any, NamedTuple

from picosched.clock import format_time, rounded_down
from picosched.schedule.suggestion import Suggestion, suggest
from picosched.timespec.timespec import Timespec

MOST_COUNTED = 100_000
"""Occurrences counted for one load."""

FULLEST = 5
"""Minutes that are named."""

MINUTE = timedelta(minutes=1)


class What(NamedTuple):
    """What comes: a schedule, or an entry of a source."""

    id: str
    event: str
    of: str
    """The pico's name, or the source's."""


class Stream(NamedTuple):
    """The occurrences of one of them."""

    what: What
    times: Iterable[datetime]


class Steady(NamedTuple):
    """What comes at least once a minute, at an even distance."""

    what: What
    per_minute: float


@dataclass(frozen=True, slots=True)
class Full:
    """A minute, how many events come in it, and what they are of: the most frequent first."""

    at: datetime
    count: int
    what: Sequence[tuple[What, int]]


@dataclass(frozen=True, slots=True)
class Load:
    """What comes from `since` on, up to `until` (exclusive), as far as it was counted."""

    since: datetime
    until: datetime
    complete: datetime
    """Up to which time (exclusive) it was counted."""
    total: int
    hours: dict[datetime, int]
    """The hours in which something comes, in order."""
    fullest: Sequence[Full]
    steady: Sequence[Steady]
    suggestion: Suggestion | None = None

    @property
    def days(self) -> dict[datetime, dict[int, int]]:
        """Each day that was counted, in UTC: an hour → how many events come in it, if any do."""
        start = self.since.replace(hour=0, minute=0, second=0, microsecond=0)
        days = {start + timedelta(each): dict[int, int]() for each in range(1 + (self.complete - start).days)}
        for at, count in self.hours.items():
            days[at.replace(hour=0)][at.hour] = count
        return {day: hours for day, hours in days.items() if day < self.complete}

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values; each hour and minute with its start."""
        return {
            "from": format_time(self.since),
            "until": format_time(self.until),
            "complete": format_time(self.complete),
            "total": self.total,
            "hours": [{"at": format_time(at), "count": count} for at, count in self.hours.items()],
            "fullest": [
                {
                    "at": format_time(each.at),
                    "count": each.count,
                    "what": [{**what._asdict(), "count": count} for what, count in each.what],
                }
                for each in self.fullest
            ],
            "steady": [{**what._asdict(), "per_minute": rate} for what, rate in self.steady],
            "suggestion": self.suggestion and self.suggestion.as_json(),
        }


def count_load(
    streams: Iterable[Stream],
    steady: Sequence[Steady],
    since: datetime,
    until: datetime,
    known: datetime,
    *,
    most: int = MOST_COUNTED,
    asked: Timespec | None = None,
    granularity: int = 60,
) -> Load:
    """The load of these streams, each in the order of time, with a suggestion for the timespec `asked`.

    There may be other streams from `known` on.
    """
    minutes: dict[datetime, Counter[What]] = {}
    complete = min(until, known)
    for looked, (at, what) in enumerate(merge(*map(_named, streams), key=lambda each: each[0])):
        if at >= complete:
            break
        if looked == most:
            complete = rounded_down(at, 60)
            minutes.pop(complete, None)
            break
        if at >= since:
            minutes.setdefault(rounded_down(at, 60), Counter())[what] += 1
    counts = Counter({minute: found.total() for minute, found in minutes.items()})
    hours: Counter[datetime] = Counter()
    for minute, count in counts.items():
        hours[rounded_down(minute, 3_600)] += count
    fullest = [
        Full(minute, counts[minute], minutes[minute].most_common())
        for minute in nlargest(FULLEST, counts, key=lambda minute: (counts[minute], -minute.timestamp()))
    ]
    complete = max(complete, since)
    suggestion = None if asked is None else suggest(asked, counts, since, complete, granularity)
    return Load(since, until, complete, counts.total(), dict(hours), fullest, steady, suggestion)


def _named(stream: Stream) -> Iterator[tuple[datetime, What]]:
    return ((at, stream.what) for at in stream.times)
