"""Filters over scheduled events.

The store turns it into a query; `means` tests a single row, for rows not in the store yet.

All conditions given must match; None matches any. `text` is searched for, ignoring case, in the ruleset,
the event, its attributes as JSON, the name, the description and the timespec.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from picosched.schedule.scheduled import COMING, Scheduled, Status


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter over scheduled events; by default all pending and paused ones."""

    pico_id: str | None = None
    rid: str | None = None
    name: str | None = None
    domain: str | None = None
    type: str | None = None
    kind: str | None = None
    """"at", "repeat" or "window"."""
    status: tuple[Status, ...] = COMING
    since: datetime | None = None
    """Due at this time or later."""
    until: datetime | None = None
    """Due at this time or earlier."""
    text: str | None = None
    ids: tuple[str, ...] | None = None
    seen_by: str | None = None
    """The rid of a ruleset: those that it made, and those that people made."""

    def means(self, row: Scheduled) -> bool:
        """Whether the row matches. Events sent to other picos never do."""
        same = (
            (self.pico_id, row.pico_id),
            (self.rid, row.rid),
            (self.name, row.name),
            (self.domain, row.domain),
            (self.type, row.type),
            (self.kind, row.kind),
        )
        return (
            row.is_schedule
            and all(wanted is None or wanted == found for wanted, found in same)
            and (self.seen_by is None or row.rid in (self.seen_by, ""))
            and (not self.status or row.status in self.status)
            and (self.since is None or (row.due is not None and row.due >= self.since))
            and (self.until is None or (row.due is not None and row.due <= self.until))
            and (self.ids is None or row.id in self.ids)
            and (self.text is None or self.text.casefold() in _text_of(row).casefold())
        )


def _text_of(row: Scheduled) -> str:
    attrs = json.dumps(dict(row.attrs), ensure_ascii=False, separators=(",", ":"), default=str)
    parts = (row.rid, f"{row.domain}:{row.type}", attrs, row.name, row.description, row.timespec)
    return " ".join(part or "" for part in parts)
