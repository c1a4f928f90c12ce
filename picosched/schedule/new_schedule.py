"""What comes of scheduling an event from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from picosched.schedule.scheduled import Scheduled


class NewSchedule(NamedTuple):
    """A schedule that somebody wanted from outside."""

    row: Scheduled
    is_new: bool
    """False if it was there: one has the name, or it was made with this idempotency key before."""
    warnings: Sequence[str] = ()
    """What the engine says of its timespec, as it does to a rule, and of attributes that look mistyped,
    for example."""

    @property
    def id(self) -> str:
        return self.row.id
