"""Decides whether a due occurrence of a scheduled event is raised, skipped or postponed.

Three questions are asked in this order; the answers do not depend on the length of an outage.

1. Would it have been raised in time? Its window has to be open at its due time, and a repeat has to keep the
   least period from the last occurrence that was raised, or that would have been. If not, it is not raised
   after an outage either.
2. If it was missed: does its policy let it go?
3. If it is late: is its window open now as well?

Of several that were missed together one stands for all, unless the policy is `all`: the first that would have
been raised in time. Those before it, which would not, have a record of their own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from picosched.clock import MILLISECOND, format_time, rounded_down, rounded_up
from picosched.frozen import frozen, replace
from picosched.schedule.fire import GRACE, SKIPPED, missed
from picosched.schedule.scheduled import MOST_COUNTED, Misfire, Outcome, Scheduled, next_due
from picosched.schedule.window import Unset, Window
from picosched.timespec.timespec import Timespec


@frozen
class Terms:
    """The terms that decide about an occurrence, besides its row."""

    misfire: Misfire
    """The engine's policy, for rows without their own."""
    granularity: int
    min_period: timedelta
    window: Window | Unset | None = None
    """The row is raised only inside it."""
    spaced_from: datetime | None = None
    """Of a repeat: the due time from which `min_period` counts."""


class Dealt(NamedTuple):
    """The decision about an occurrence."""

    row: Scheduled
    """The row's new state."""
    outcome: Outcome
    """fired, late or coalesced: its event is to be raised; skipped or throttled: it is not."""
    why: str | None
    """The reason it is not raised."""
    stands_for: int
    """The number of occurrences it accounts for, itself included."""


def dealt_with(row: Scheduled, due: datetime, judged: datetime, now: datetime, terms: Terms) -> Dealt:
    """The decision about the occurrence of a row due at `due`.

    It counts as missed if it was late at `judged`, when it was first found due; waiting for others since
    then does not count. PicoschedError if the stored timespec is invalid.
    """
    policy = row.misfire or terms.misfire
    upto = due if policy is Misfire.ALL else now
    closed = _closed(terms, due, now)
    if closed is not None and row.kind == "at":
        return _put_off(row, due, closed, terms)
    if closed is not None or _too_soon(due, terms):
        if upto > due:
            wanted = _next_wanted(row, due, upto, terms)
            upto = upto if wanted is None else wanted - MILLISECOND
        outcome = Outcome.THROTTLED if closed is None else Outcome.SKIPPED
        return _let_go(row, outcome, closed or _throttled(terms), upto, terms)
    if policy is Misfire.SKIP and row.kind != "send" and missed(due, judged, terms.granularity):
        # What came after this can still be raised in time.
        upto = judged - timedelta(seconds=terms.granularity) - GRACE - MILLISECOND
        return _let_go(row, Outcome.SKIPPED, SKIPPED, upto, terms, _last_wanted(row, due, upto, terms))
    late = missed(due, now, terms.granularity)
    closed = _closed(terms, now, now) if late else None
    if closed is not None and row.kind == "at":
        return _put_off(row, now, closed, terms)
    spaced_from = _last_wanted(row, due, upto, terms)
    if closed is not None:
        return _let_go(row, Outcome.SKIPPED, closed, upto, terms, spaced_from)
    stands_for = row.stands_for(upto, terms.granularity)
    outcome = Outcome.FIRED if not late else Outcome.LATE if stands_for == 1 else Outcome.COALESCED
    return Dealt(row.settled(upto, terms.granularity, now, spaced_from), outcome, None, stands_for)


def _let_go(
    row: Scheduled,
    outcome: Outcome,
    why: str,
    upto: datetime,
    terms: Terms,
    spaced_from: datetime | None = None,
) -> Dealt:
    settled = row.settled(upto, terms.granularity, spaced_from=spaced_from)
    return Dealt(settled, outcome, why, row.passed(upto, terms.granularity))


def _put_off(row: Scheduled, closed_at: datetime, why: str, terms: Terms) -> Dealt:
    """Postpone an `at` until its window opens, because it occurs only once."""
    assert terms.window is not None
    opening = terms.window.next_opening(closed_at)
    if opening is None:
        return _let_go(row, Outcome.SKIPPED, why, closed_at, terms)
    later = replace(row, due=rounded_up(opening, terms.granularity))
    return Dealt(later, Outcome.SKIPPED, f"{why}, and it is postponed until then", 1)


def _closed(terms: Terms, time: datetime, now: datetime) -> str | None:
    """Why it is not raised at a time: its window is closed. None if it is open, or there is none."""
    return None if terms.window is None else terms.window.closed_at(time, now)


def _too_soon(due: datetime, terms: Terms) -> bool:
    return terms.spaced_from is not None and due - terms.spaced_from < terms.min_period


def _throttled(terms: Terms) -> str:
    assert terms.spaced_from is not None
    least = f"{terms.min_period.total_seconds():g} s (min_period)"
    return f"less than {least} after the occurrence of {format_time(terms.spaced_from)}"


def _last_wanted(row: Scheduled, due: datetime, upto: datetime, terms: Terms) -> datetime | None:
    """Of a repeat: the last due time up to `upto` that would have been raised in time, as `due` would."""
    if row.kind != "repeat" or upto <= due or not terms.min_period:
        return due if row.kind == "repeat" else None
    until = upto if row.until is None else min(upto, row.until)
    # Nothing is due between two multiples of the granularity, and so a clock that goes on changes no answer.
    until = rounded_down(until, terms.granularity, row.put_off)
    return _last_in_time(_Times.of(row, terms), due, row.moved_from or due, until)


def _next_wanted(row: Scheduled, due: datetime, upto: datetime, terms: Terms) -> datetime | None:
    """The first due time after the present one, up to a time, that would have been raised in time."""
    if row.kind != "repeat":
        return None
    until = upto if row.until is None else min(upto, row.until)
    times, since = _Times.of(row, terms), row.moved_from or due
    first = since if terms.spaced_from is None else max(since, times.spaced(terms.spaced_from))
    return times.first_open(first, until)


@frozen
class _Times:
    """The due times of a repeat and what keeps one of them from being raised in time; can be hashed."""

    timespec: Timespec
    put_off: timedelta
    granularity: int
    min_period: timedelta
    window: Window | Unset | None

    @classmethod
    def of(cls, row: Scheduled, terms: Terms) -> _Times:
        timespec = row.repeats
        assert timespec is not None
        off = row.put_off
        return cls(timespec, off, terms.granularity, terms.min_period, terms.window)

    def spaced(self, last: datetime) -> datetime:
        """The time after which the next may come."""
        return last + max(self.min_period - MILLISECOND, timedelta(0))

    def first_open(self, since: datetime, until: datetime) -> datetime | None:
        """The first due time after `since`, up to `until`, at which the window is open."""
        for _ in range(MOST_COUNTED):
            due = self._following(since)
            if due is None or due > until:
                return None
            if self.window is None or self.window.open_at(due):
                return due
            opening = self.window.next_opening(due)
            if opening is None:
                return None
            since = max(due, opening - MILLISECOND)
        return None

    def _following(self, since: datetime) -> datetime | None:
        """The first due time after `since`."""
        after = rounded_down(since, self.granularity, self.put_off) - self.put_off
        due = next_due(self.timespec, after, self.granularity)
        return None if due is None else due + self.put_off


@lru_cache(maxsize=1024)
def _last_in_time(times: _Times, due: datetime, since: datetime, until: datetime) -> datetime:
    """The last due time up to `until` that would have been raised in time, where `due` would have been.

    Rows missed together share the answer. The search stops after MOST_COUNTED due times.
    """
    last = due
    for _ in range(MOST_COUNTED):
        following = times.first_open(max(since, times.spaced(last)), until)
        if following is None:
            break
        last = following
    return last
