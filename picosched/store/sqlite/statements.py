"""The statements by name, as the files `*.sql` of this folder have them.

A statement begins with a line `-- name: NAME` and ends at the next one. In its text

- `{pico}`, `{fire.columns}` and the like stand for what FRAGMENTS lists, filled in when this is imported,
- `{where}` stands for the conditions that a caller passes (`conditions.py`), each preceded by AND. With
  `{where:pico}` the owners that a `LeftOut` leaves out are those in the column `pico`. A caller may pass
  several: `{where[0]}`, `{where[1]}`.

A statement with conditions numbers its own values (?1, ?2), as those of the conditions follow them. Its text
is put together once for each shape of conditions, and SQLite prepares it once.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from picosched.audit import DEED
from picosched.clock import FIRST_MS, LAST_MS
from picosched.intervention import INTERVENTION
from picosched.schedule.alert import ALERT
from picosched.schedule.fire import FIRE
from picosched.schedule.happenings import DOMAIN
from picosched.schedule.provenance import PROVENANCE
from picosched.schedule.record import Table
from picosched.schedule.scheduled import SCHEDULED, SCHEDULES
from picosched.schedule.window import MADE_WINDOW
from picosched.store import deliveries, pages, picos, rows, sources
from picosched.store.journal import ENTRY
from picosched.store.texts import Parts, texts_of, with_conditions
from picosched.tokens import TOKEN
from picosched.versions import VERSION


class Columns:
    """The columns of a field table, as SQL lists them."""

    def __init__(self, table: Table) -> None:
        self.columns = ", ".join(table.columns)
        self.inserted = ", ".join(table.inserted)
        self.marks = ", ".join("?" * len(table.inserted))


IS_SCHEDULE = f"kind IN ({', '.join(map(repr, SCHEDULES))})"

FRAGMENTS: dict[str, Any] = {
    "scheduled": Columns(SCHEDULED),
    "fire": Columns(FIRE),
    "entry": Columns(ENTRY),
    "provenance": Columns(PROVENANCE),
    "token": Columns(TOKEN),
    "alert": Columns(ALERT),
    "made_window": Columns(MADE_WINDOW),
    "version": Columns(VERSION),
    "deed": Columns(DEED),
    "intervention": Columns(INTERVENTION),
    "pico": picos.PICO,
    "channel": rows.CHANNEL,
    "source": sources.SOURCE,
    "source_entry": sources.ENTRY,
    "delivery": deliveries.DELIVERY,
    "first_ms": FIRST_MS,
    "last_ms": LAST_MS,
    "undated": pages.UNDATED,
    "within": ", ".join(f"sum(lateness <= {bound})" for bound in pages.LATENESS_MS),
    "is_schedule": IS_SCHEDULE,
    "is_live": f"status IN ('pending', 'paused') AND {IS_SCHEDULE}",
    # Rows with an invalid due time fail at the next tick. The + avoids use of an index.
    "is_shown": f"{IS_SCHEDULE} AND (+due IS NULL OR +due BETWEEN {FIRST_MS} AND {LAST_MS})",
    # What tells the rules of a pico what happened to its schedules.
    "is_told": f"kind = 'send' AND eci IS NULL AND domain = {DOMAIN!r}",
}


ALL = texts_of(Path(__file__).parent.glob("*.sql"))

STATEMENTS = {name: text.format_map(FRAGMENTS) for name, text in ALL.items() if "{where" not in text}
"""The statements without conditions."""


@lru_cache(maxsize=1_024)
def composed(name: str, shapes: tuple[Parts, ...], own: int) -> str:
    """A statement with conditions; `own` is how many values of its own it has."""
    return with_conditions(ALL[name], FRAGMENTS, shapes, own, "?")
