"""A fire: what became of one occurrence of a scheduled event, and how late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from picosched.schedule.scheduled import Outcome, Scheduled

GRACE = timedelta(seconds=1)
"""An occurrence is in time while its lateness is within the granularity and this."""


@dataclass(frozen=True, slots=True)
class Fire:
    """The record of one occurrence, keyed by (`id`, `nominal`): the schedule's id and the due time."""

    id: str
    pico_id: str
    nominal: datetime
    fired: datetime
    """When it was dealt with, whatever the outcome."""
    outcome: Outcome
    eid: str | None = None
    """The event of the turn it caused; None where none was raised."""
    rules: tuple[str, ...] = ()
    """The rules that fired, as `rid.rule`."""
    error: str | None = None

    @property
    def lateness(self) -> float:
        """Seconds between the due time and its being dealt with; negative if cancelled before."""
        return (self.fired - self.nominal).total_seconds()

    @property
    def raised(self) -> bool:
        """True if its event was raised into the pico."""
        return self.outcome in (Outcome.FIRED, Outcome.LATE, Outcome.COALESCED, Outcome.FAILED)


def missed(scheduled: Scheduled, now: datetime, granularity: int) -> bool:
    """True if at `now` the row's occurrence is past its time by more than the granularity and the grace."""
    return scheduled.due is not None and now - scheduled.due > timedelta(seconds=granularity) + GRACE
