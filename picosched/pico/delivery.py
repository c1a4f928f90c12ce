"""A delivery: an event on its way to another engine.

A rule or a source makes it; it is a row from the commit of its turn until the other engine has accepted the
event, or until somebody drops it. If we give up, it stays as a dead letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event for another engine."""

    id: str
    """The event's id, by which the receiver detects repeats."""
    source_id: str
    """The source that sent it; "" if a rule did."""
    entry_id: str
    nominal: datetime
    url: str
    body: str
    """The attributes, as JSON."""
    created: datetime
    due: datetime
    """When to try next."""
    tries: int = 0
    error: str | None = None
    """Why the last try failed."""
    pico_id: str | None = None
    """The pico whose rule sent it."""
    rid: str | None = None
    rule: str | None = None
    dead: datetime | None = None
    """When we gave up; None while it is pending."""

    @property
    def owner(self) -> str:
        """The pico or source that sent it."""
        return self.pico_id or self.source_id
