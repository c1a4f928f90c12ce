"""Which scheduled events are meant: a filter over rows, that the store turns into a query.

Everything that is given must match; what is None is not asked for. `text` is looked for, in any case, in the
event, its attributes, the name, the description, the timespec and the ruleset.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from picosched.schedule.scheduled import Status

COMING = (Status.PENDING, Status.PAUSED)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which scheduled events are meant; without any argument, all that are still to come."""

    pico_id: str | None = None
    rid: str | None = None
    name: str | None = None
    domain: str | None = None
    type: str | None = None
    kind: str | None = None
    """"at" or "repeat"."""
    status: tuple[Status, ...] = COMING
    since: datetime | None = None
    """Due then or later."""
    until: datetime | None = None
    """Due then or sooner."""
    text: str | None = None
    ids: tuple[str, ...] | None = None
