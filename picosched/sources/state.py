"""What there is to say of a source: what it is, when it is due, and what came of it so far."""

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
    """None while the source is paused, and once there is nothing to come."""
    fires: int
    """Occurrences for which its event was raised."""
    missed: int
    """Occurrences for which none was raised, as nobody could in time."""
    failed: int
    """Of the fires: a rule failed, or there was nobody to raise it in."""
    fired: datetime | None
    """When an occurrence was dealt with last."""
    outcome: Outcome | None
    """What became of it."""
    error: str | None
    """Why, if it failed or was let go."""

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
            "fired": _time(self.fired),
            "outcome": self.outcome and self.outcome.value,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source, its entries, and how it stands with them."""

    id: str
    name: str | None
    type: str
    to: Mapping[str, str]
    declaration: Mapping[str, Any]
    """As it was declared, JSON."""
    configured: bool
    """Whether it stands in picosched.toml."""
    created: datetime
    paused: bool
    paused_until: datetime | None
    raised: int
    """Events raised so far, those of entries that are gone included."""
    waiting: int
    """Events on their way to another engine."""
    error: str | None
    """Why one of them has not arrived yet, or why the declaration cannot be read any more."""
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
