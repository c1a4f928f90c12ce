"""Rows and records as maps of plain values, in one format for all interfaces.

`shown_row` describes a scheduled event, `shown_fire` an occurrence. A second argument formats times, by
default as ISO 8601 with `Z`.
"""

from __future__ import annotations

from picosched.schedule.fire import FIRE
from picosched.schedule.scheduled import SCHEDULED, Scheduled

shown_row = SCHEDULED.to_map()
shown_fire = FIRE.to_map(without=("id", "pico_id"))


def facts(row: Scheduled) -> dict[str, str]:
    """What pages show of a scheduled event as it is in JSON, by the labels of its fields."""
    shown = shown_row(row)
    named = {each.label: shown[each.json] for each in SCHEDULED.fields if each.label and each.json}
    return {label: str(value) for label, value in named.items() if value is not None}
