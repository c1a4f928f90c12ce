"""What becomes of an occurrence of a source: raised, or let go, and for how many others it stands.

An occurrence is missed if nobody could raise it for a second, or for an interval where a metronome ticks
faster than that. Those that are late by less are raised one by one. Of those that were missed, by the policy
`skip` none is raised, by `once` one for all that have come, by `all` each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from picosched.schedule.fire import GRACE
from picosched.schedule.scheduled import Misfire, Outcome
from picosched.sources.metronome import MILLISECOND, Beat
from picosched.timespec.timespec import Timespec

MOST_COUNTED = 100_000
"""Missed occurrences of a timespec are counted up to so many at once; those of a metronome always."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """An occurrence, dealt with."""

    outcome: Outcome
    """fired · late · coalesced · skipped; all but the last are raised."""
    stands_for: int
    """Occurrences that end with it, itself included."""
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
    """What becomes of what was due at `due`, when somebody looks at `looked`, which is not before."""
    grace = min(GRACE, times.step - MILLISECOND) if isinstance(times, Beat) else GRACE
    if looked - due <= grace:
        return Dealt(Outcome.FIRED, 1, times.after(due))
    if misfire is Misfire.ALL:
        return Dealt(Outcome.LATE, 1, times.after(due))
    if misfire is Misfire.ONCE:
        several = 1 + times.count(due, looked, MOST_COUNTED)
        outcome = Outcome.LATE if several == 1 else Outcome.COALESCED
        return Dealt(outcome, several, times.after(looked))
    last = looked - grace - MILLISECOND  # what came behind it can still be raised in time
    return Dealt(Outcome.SKIPPED, 1 + times.count(due, last, MOST_COUNTED), times.after(last))
