"""A delivery: an event on its way to another engine.

A rule or a source makes it; it is a row from the commit of its turn until the other engine has accepted the
event, or until somebody drops it. If we give up, it stays as a dead letter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from picosched.clock import format_time, parse_time
from picosched.hashed import SHORT
from picosched.krl.urls import shown_url
from picosched.schedule.alert import shown_to


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event for another engine."""

    id: str
    """The event's id, by which the receiver detects repeats."""
    source_id: str
    """The source that sent it, or that an alert is about; "" if it is a pico."""
    entry_id: str
    """The entry of the source whose event it is; "" if it is none."""
    nominal: datetime
    url: str
    """With its secrets; only `shown_url` is shown, logged and written into records."""
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
    """The rule that sent it; of an alert, which has no rid, the alert's name."""
    dead: datetime | None = None
    """When we gave up; None while it is pending."""
    trace: str | None = None
    """As of a scheduled event: the other engine continues the trace from there."""

    @property
    def sender(self) -> str:
        """Who sent it, in words: a rule, a source, or an alert."""
        if self.rule:
            return f"{self.rid}.{self.rule}" if self.rid else f"alert {self.rule}"
        return f"source {self.source_id[:SHORT]}"

    @property
    def alert(self) -> str | None:
        """The name of the alert that sent it; None if a rule or a source did."""
        return self.rule if self.rid is None else None

    @property
    def shown_url(self) -> str:
        return shown_url(self.url) if self.alert is None else shown_to(self.url)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values, the URL as it is shown; `due` is null for a dead letter."""
        return {
            "id": self.id,
            "url": self.shown_url,
            "attrs": json.loads(self.body),
            "pico": self.pico_id,
            "rid": self.rid,
            "rule": self.rule,
            "source": self.source_id or None,
            "entry": self.entry_id or None,
            "nominal": format_time(self.nominal),
            "created": format_time(self.created),
            "due": None if self.dead else format_time(self.due),
            "tries": self.tries,
            "error": self.error,
            "dead": self.dead and format_time(self.dead),
        }


def read_delivery(told: Mapping[str, Any]) -> Delivery:
    """The delivery that `as_json` gave; a dead letter is due when it died."""
    dead = None if told["dead"] is None else parse_time(told["dead"])
    return Delivery(
        id=told["id"],
        source_id=told["source"] or "",
        entry_id=told["entry"] or "",
        nominal=parse_time(told["nominal"]),
        url=told["url"],
        body=json.dumps(told["attrs"], ensure_ascii=False, separators=(",", ":")),
        created=parse_time(told["created"]),
        due=dead or parse_time(told["due"]),
        tries=told["tries"],
        error=told["error"],
        pico_id=told["pico"],
        rid=told["rid"],
        rule=told["rule"],
        dead=dead,
    )
