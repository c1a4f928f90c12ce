"""Provenance: who changed a scheduled event, when, and how.

Who made it is in its row. What came after is here: an entry for each change, with the turn and the rule that
made it, or the surface through which a person did. The last MOST of a row are kept, as long as the row is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from picosched.clock import format_time
from picosched.schedule.record import NAME, TEXT, TIME, Field, Table

MOST = 20
"""Entries kept of one row."""

PYTHON, COMMAND_LINE, HTTP, CONSOLE = "Python", "the command line", "HTTP", "the console"
"""Who changes rows from outside."""
ON_FAILURE, END_OF_PAUSE = "_on_failure", "the end of its pause"


@dataclass(frozen=True, slots=True)
class Provenance:
    """One change to a scheduled event."""

    id: str
    """Of the scheduled event."""
    at: datetime
    what: str
    """paused · resumed · moved · rescheduled · cancelled"""
    by: str
    """`rid.rule`, or a surface."""
    eid: str | None = None
    """The event of the turn that did it."""

    def __str__(self) -> str:
        turn = "" if self.eid is None else f" in the turn {self.eid}"
        return f"{self.what} at {format_time(self.at)} by {self.by}{turn}"


PROVENANCE = Table(
    "provenance",
    Provenance,
    Field("id", NAME, column="scheduled"),
    Field("at", TIME),
    Field("what", NAME),
    Field("by", NAME, column="made_by"),
    Field("eid", TEXT.maybe),
)
