"""Decides whether an occurrence of a source is raised, and how many others it stands for.

An occurrence is missed if it is late by more than a second, or by an interval for a faster metronome. Less
late ones are raised individually. Of missed ones, the policy `skip` raises none, `once` one for all, `all`
each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from picosched.schedule.fire import GRACE
from picosched.schedule.scheduled import Misfire, Outcome
from picosched.sources.metronome import MILLISECOND, Beat
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

    @property
    def raised(self) -> bool:
        return self.outcome is not Outcome.SKIPPED

    @property
    def missed(self) -> int:
        """Occurrences for which no event is raised."""
        return self.stands_for - self.raised


def dealt_with(times: Timespec | Beat, due: datetime, looked: datetime, misfire: Misfire) -> Dealt:
    """The decision about the occurrence due at `due`, made at `looked`, which is not earlier."""
    grace = min(GRACE, times.step - MILLISECOND) if isinstance(times, Beat) else GRACE
    if looked - due <= grace:
        return Dealt(Outcome.FIRED, 1, times.after(due))
    if misfire is Misfire.ALL:
        return Dealt(Outcome.LATE, 1, times.after(due))
    if misfire is Misfire.ONCE:
        several = 1 + times.count(due, looked, MOST_COUNTED)
        outcome = Outcome.LATE if several == 1 else Outcome.COALESCED
        return Dealt(outcome, several, times.after(looked))
    last = looked - grace - MILLISECOND  # later occurrences can still be raised in time
    return Dealt(Outcome.SKIPPED, 1 + times.count(due, last, MOST_COUNTED), times.after(last))
