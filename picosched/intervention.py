"""What people did to picos, schedules and sources, kept so that a replay can do it again.

An `Intervention` is kept in the transaction of what it tells of, whoever did it: a program that embeds the
engine, the command line, HTTP, the console. It says which turn came before, as times alone give no order.
The audit tells people who did what; this has the arguments. What rules do is in the journal. What else
happens without a turn is here too: the end of a pause, other settings, what a try that failed was given, and
when ticks of a metronome came that were late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from picosched.schedule.record import COUNT, MAP, NAME, TIME, Field, Table

ENGINE = "picosched"
"""Who did what nobody did."""

SCHEDULED = "scheduled"
CANCELLED, PAUSED, RESUMED, MOVED, RESCHEDULED = "cancelled", "paused", "resumed", "moved", "rescheduled"
STEPS = (CANCELLED, PAUSED, RESUMED, MOVED, RESCHEDULED)
"""Changes of schedules, with the arguments that `schedule.steps` tells."""
FIRED, BACKFILLED = "fired", "backfilled"
INSTALLED, UNINSTALLED = "installed", "uninstalled"
PICO_MADE, PICO_DELETED, PICO_IMPORTED = "pico made", "pico deleted", "pico imported"
CHANNEL_MADE, CHANNEL_DELETED = "channel made", "channel deleted"
SOURCE_ADDED, SOURCES_BROUGHT = "source added", "sources brought"
SOURCE = "source "
"""Before one of `CHANGES_OF_SOURCES`."""
CHANGES_OF_SOURCES = ("removed", PAUSED, RESUMED)
ALERT_PUT, ALERT_REMOVED = "alert put", "alert removed"
WINDOW_PUT, WINDOW_REMOVED = "window put", "window removed"
DELIVERY_RETRIED, DELIVERY_DROPPED = "delivery retried", "delivery dropped"
SETTINGS = "settings"
"""The engine was opened with other settings."""
TRIED = "tried"
"""What a try was given that failed and was followed by another; it has no turn."""
RUNG = "rung"
"""An occurrence of a source that came late, if it is `timed` and has neither a record nor a turn."""
FORGOTTEN = "forgotten"
"""The last one, once it is past its retention: only its number is left, which the next one follows."""


@dataclass(frozen=True, slots=True)
class Intervention:
    """One thing that people did, or that happened without a turn."""

    at: datetime
    after: int
    """The `seq` of the last turn before it; 0 if there was none."""
    what: str
    """One of the words above; a newer picosched may have others."""
    by: str
    told: Mapping[str, Any]
    """Its arguments, as JSON."""
    seq: int = 0


INTERVENTION = Table(
    "intervention",
    Intervention,
    Field("seq", COUNT, numbered=True),
    Field("at", TIME),
    Field("after", COUNT, column="after_turn"),
    Field("what", NAME),
    Field("by", NAME, column="made_by"),
    Field("told", MAP),
)
