"""The state of a source: its declaration, due times and results so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from picosched.clock import format_time
from picosched.schedule.scheduled import Outcome


@dataclass(frozen=True, slots=True)
class EntryState:
    """One entry of a source. Its `id` is that of its records in the history."""

    id: str
    name: str
    event: str
    """As domain:type."""
    when: str
    """In words."""
    due: datetime | None
    """None while the source is paused, and when there are no more occurrences."""
    fires: int
    """Occurrences for which its event was raised."""
    missed: int
    """Occurrences missed and not raised."""
    failed: int
    """Fires in which a rule failed or whose target did not exist."""
    failures: int
    """Of these the last ones, in a row."""
    tries: int
    """How often the occurrence for which it is due has failed already."""
    held: bool
    """Whether it waits until what the occurrence before started has ended."""
    fired: datetime | None
    """When an occurrence was last processed."""
    outcome: Outcome | None
    """Its outcome."""
    error: str | None
    """The reason, if it failed or was not raised."""

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "event": self.event,
            "when": self.when,
            "due": _time(self.due),
            "fires": self.fires,
            "missed": self.missed,
            "failed": self.failed,
            "failures": self.failures,
            "tries": self.tries,
            "held": self.held,
            "fired": _time(self.fired),
            "outcome": self.outcome and self.outcome.value,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source and its entries with their state."""

    id: str
    name: str | None
    type: str
    to: Mapping[str, str]
    declaration: Mapping[str, Any]
    """The declaration, as JSON; a URL in it, and in `to`, without what gives access."""
    configured: bool
    """Whether it is declared in picosched.toml."""
    created: datetime
    paused: bool
    paused_until: datetime | None
    raised: int
    """Events raised so far, including those of removed entries."""
    waiting: int
    """Events on their way to another engine."""
    error: str | None
    """Why one of them has not arrived yet, or why the stored declaration is invalid."""
    entries: tuple[EntryState, ...]

    @property
    def due(self) -> datetime | None:
        """When one of its entries is due next."""
        return min((each.due for each in self.entries if each.due is not None), default=None)

    @property
    def fires(self) -> int:
        return sum(each.fires for each in self.entries)

    @property
    def missed(self) -> int:
        return sum(each.missed for each in self.entries)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "to": dict(self.to),
            "declaration": dict(self.declaration),
            "configured": self.configured,
            "created": format_time(self.created),
            "paused": self.paused,
            "paused_until": _time(self.paused_until),
            "due": _time(self.due),
            "fires": self.fires,
            "missed": self.missed,
            "raised": self.raised,
            "waiting": self.waiting,
            "error": self.error,
            "entries": [each.as_json() for each in self.entries],
        }


def _time(time: datetime | None) -> str | None:
    return None if time is None else format_time(time)
