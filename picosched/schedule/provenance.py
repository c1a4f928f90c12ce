"""Provenance: who changed a scheduled event, when, and how.

Who made it is in its row. What came after is here: an entry for each change, with the turn and the rule that
made it, or who did it from outside. The last MOST of a row are kept, as long as the row is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from picosched.clock import format_time
from picosched.errors import shortened
from picosched.schedule.record import NAME, TEXT, TIME, Field, Table
from picosched.schedule.scheduled import Scheduled

MOST = 20
"""Entries kept of one row."""
LONGEST = 200
"""Characters kept of a timespec."""

ON_FAILURE, END_OF_PAUSE = "_on_failure", "the end of its pause"
"""What changes rows beside rules and those who act from outside."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """One change to a scheduled event."""

    id: str
    """Of the scheduled event."""
    at: datetime
    what: str
    """paused · resumed · moved · rescheduled · cancelled"""
    by: str
    """`rid.rule`, or who acted from outside."""
    eid: str | None = None
    """The event of the turn that did it."""
    was: str | None = None
    """Of one that was moved or rescheduled: the time or the timespec that it had; a long one is shortened."""
    became: str | None = None
    """The same after the change; of one that was paused, until when, if that was said."""

    def __str__(self) -> str:
        turn = "" if self.eid is None else f" in the turn {self.eid}"
        return f"{self.what}{self.told} at {format_time(self.at)} by {self.by}{turn}"

    @property
    def told(self) -> str:
        """From what it was changed to what, in words; empty if there is nothing to say."""
        was = "" if self.was is None else f" from {self.was}"
        word = "until" if self.what == "paused" else "to"
        return was if self.became is None else f"{was} {word} {self.became}"


def change_of(
    before: Scheduled, after: Scheduled, at: datetime, what: str, by: str, eid: str | None = None
) -> Provenance:
    """The entry for a change, with what it was."""
    was = became = None
    if what == "moved":
        was, became = (None if each is None else format_time(each) for each in (before.due, after.asked_for))
    elif what == "rescheduled":
        was, became = _timespec(before), _timespec(after)
    elif what == "paused" and after.paused_until is not None:
        became = format_time(after.paused_until)
    return Provenance(after.id, at, what, by, eid, was, became)


def _timespec(row: Scheduled) -> str | None:
    if row.timespec is None:
        return None if row.due is None else format_time(row.due)
    text = shortened(row.timespec, LONGEST)
    return f'"{text}"' if row.tz == "UTC" else f'"{text}" in {row.tz}'


PROVENANCE = Table(
    "provenance",
    Provenance,
    Field("id", NAME, column="scheduled"),
    Field("at", TIME),
    Field("what", NAME),
    Field("by", NAME, column="made_by"),
    Field("eid", TEXT.maybe),
    Field("was", TEXT.maybe),
    Field("became", TEXT.maybe),
)
