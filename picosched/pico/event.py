"""The input of a pico: an `Event` to handle, a `Query` to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from picosched.frozen import frozen


@frozen
class Event:
    """An event `domain:type` with attributes, at `time` (aware UTC).

    `eci` is the channel it came through, None for a trusted caller. `rids` restricts it to these rulesets.
    """

    domain: str
    type: str
    attrs: dict[str, Any]
    eid: str
    time: datetime
    eci: str | None = None
    rids: tuple[str, ...] | None = None
    once: str | None = None
    """An idempotency key: a second event with the same key for the same pico is not handled again."""
    host: str | None = None
    """The base URL of the HTTP request that brought it, for `meta:host`; None if it came otherwise."""

    drawn: str | None = None
    """An id drawn for this event if a caller gave it its eid, which may be the same for many."""

    trace: str | None = None
    """The place in a trace, as a `traceparent`, of the turn of another pico that asks, or of an HTTP request
    without a channel."""

    @property
    def identity(self) -> str:
        """What no other event of a pico has: its idempotency key, the id drawn for it, or its eid."""
        return self.once or self.drawn or self.eid

    @property
    def key(self) -> str:
        return f"{self.domain}:{self.type}"


@frozen
class Query:
    """A call of a function that a ruleset shares, with named arguments."""

    rid: str
    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    eci: str | None = None
    id: str = ""
    host: str | None = None
    """As for an event."""
