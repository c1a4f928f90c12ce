"""Decides whether an occurrence of a source is raised, and how many others it stands for.

An occurrence for which the window of its entry was closed is not raised, nor is a late one for which it is
closed now. One is missed if it is late by more than a second, or by an interval for a faster metronome. Less
late ones are raised individually. Of missed ones, the policy `skip` raises none, `once` one for all, `all`
each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from picosched.clock import MILLISECOND
from picosched.schedule.fire import GRACE, SKIPPED
from picosched.schedule.scheduled import Misfire, Outcome
from picosched.schedule.window import Window
from picosched.sources.metronome import Beat
from picosched.sources.steering import Limited, step_of
from picosched.timespec.timespec import Timespec

MOST_COUNTED = 100_000
"""Missed occurrences of a timespec are counted up to this number at once; those of a metronome exactly."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """The decision about an occurrence."""

    outcome: Outcome
    """fired · late · coalesced · skipped; all but the last are raised."""
    stands_for: int
    """The number of occurrences it accounts for, itself included."""
    next: datetime | None
    """When the entry is due next."""
    why: str | None = None
    """The reason it is not raised."""

    @property
    def raised(self) -> bool:
        return self.outcome is not Outcome.SKIPPED

    @property
    def missed(self) -> int:
        """Occurrences that were missed, and for which no event is raised."""
        return self.stands_for - self.raised if self.raised or self.why == SKIPPED else 0


def dealt_with(
    times: Timespec | Beat | Limited,
    due: datetime,
    looked: datetime,
    misfire: Misfire,
    window: Window | None = None,
) -> Dealt:
    """The decision about the occurrence due at `due`, made at `looked`, which is not earlier."""
    closed = None if window is None else window.closed_at(due, looked)
    if window is not None and closed is not None:
        return _closed(times, due, looked, closed, window)
    dealt = _dealt_with(times, due, looked, misfire)
    closed = window.closed_at(looked, looked) if window is not None and dealt.raised else None
    if closed is None or dealt.outcome is Outcome.FIRED:
        return dealt
    return Dealt(Outcome.SKIPPED, dealt.stands_for, dealt.next, closed)


def _closed(
    times: Timespec | Beat | Limited, due: datetime, looked: datetime, why: str, window: Window
) -> Dealt:
    """One that is due while its window is closed, for all that came since and were due before it opens.

    Ticks are not recorded one by one, and so the rest of them is passed over at once.
    """
    opening = window.next_opening(due)
    last = looked if opening is None else min(looked, opening - MILLISECOND)
    passed = 1 + times.count(due, last, MOST_COUNTED)
    if step_of(times) is None:
        return Dealt(Outcome.SKIPPED, passed, times.after(max(due, last)), why)
    following = None if opening is None else times.after(max(due, opening - MILLISECOND))
    return Dealt(Outcome.SKIPPED, passed, following, why)


def _dealt_with(times: Timespec | Beat | Limited, due: datetime, looked: datetime, misfire: Misfire) -> Dealt:
    step = step_of(times)
    grace = GRACE if step is None else min(GRACE, step - MILLISECOND)
    if looked - due <= grace:
        return Dealt(Outcome.FIRED, 1, times.after(due))
    if misfire is Misfire.ALL:
        return Dealt(Outcome.LATE, 1, times.after(due))
    if misfire is Misfire.ONCE:
        several = 1 + times.count(due, looked, MOST_COUNTED)
        outcome = Outcome.LATE if several == 1 else Outcome.COALESCED
        return Dealt(outcome, several, times.after(looked))
    last = looked - grace - MILLISECOND  # later occurrences can still be raised in time
    return Dealt(Outcome.SKIPPED, 1 + times.count(due, last, MOST_COUNTED), times.after(last), SKIPPED)
