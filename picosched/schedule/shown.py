"""Rows and records as maps of plain values, in one format for all interfaces.

Times are strings formatted by `written`, by default ISO 8601 with `Z`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from picosched.clock import format_time
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled

Written = Callable[[datetime], str]


def maker(row: Scheduled) -> str:
    """Its creator: `rid.rule:line`; only the rid for a window, which no rule creates."""
    return row.rid if row.rule is None else f"{row.rid}.{row.rule}:{row.line}"


def shown_row(row: Scheduled, written: Written = format_time) -> dict[str, Any]:
    """All details of a scheduled event; `jitter` in seconds, `pico` is an id."""

    def time(value: datetime | None) -> str | None:
        return None if value is None else written(value)

    return {
        "id": row.id,
        "pico": row.pico_id,
        "rid": row.rid,
        "event": f"{row.domain}:{row.type}",
        "attrs": dict(row.attrs),
        "kind": row.kind,
        "status": row.status.value,
        "due": time(row.due),
        "timespec": row.timespec,
        "tz": row.tz,
        "name": row.name,
        "description": row.description,
        "created": time(row.created),
        "created_by": maker(row),
        "rule": row.rule,
        "line": row.line,
        "fires": row.fires,
        "fired": time(row.fired),
        "paused": row.paused,
        "paused_until": time(row.paused_until),
        "misfire": None if row.misfire is None else row.misfire.value,
        "until": time(row.until),
        "count": row.count,
        "jitter": row.jitter / 1000,
        "moved_from": time(row.moved_from),
        "window": row.window,
    }


def shown_fire(fire: Fire, written: Written = format_time) -> dict[str, Any]:
    """The record of one occurrence; `lateness` in seconds, `rules` as `rid.rule`."""
    return {
        "nominal": written(fire.nominal),
        "fired": written(fire.fired),
        "lateness": fire.lateness,
        "outcome": fire.outcome.value,
        "eid": fire.eid,
        "rules": [*fire.rules],
        "why": fire.why,
        "stands_for": fire.stands_for,
    }
