"""The statements by name, as the files `*.sql` of this folder have them.

The head of `sqlite/statements.py` explains names, fragments and conditions. What differs here:

- Values are numbered ($1, $2), in every statement.
- A statement that reads from `{rows}` takes many rows at once, as one JSON text. In it `v` is a row, which is
  a list of values, and `nth` its number. `{fire.values}` are the values of all columns. Where two rows may
  have one key, the statement itself takes the last, or adds them up.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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

NUMBERS = ("time", "count", "number", "flag")
"""The kinds of fields whose columns are numbers."""


def _values(columns: Sequence[str], numbers: Collection[str]) -> str:
    """The values of a row `v` of many, as a statement reads them."""
    return ", ".join(
        f"(v ->> {place})::bigint" if column in numbers else f"v ->> {place}"
        for place, column in enumerate(columns)
    )


class Columns:
    """The columns of a field table, as SQL lists them."""

    def __init__(self, table: Table) -> None:
        self.columns = ", ".join(table.columns)
        self.inserted = ", ".join(table.inserted)
        numbers = [str(each.column) for each in table.fields if each.kind.name in NUMBERS]
        self.values = _values(table.inserted, numbers)


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
    "delivery_values": _values(
        deliveries.DELIVERY.split(", "), ("nominal", "created", "due", "tries", "dead")
    ),
    "first_ms": FIRST_MS,
    "last_ms": LAST_MS,
    "undated": pages.UNDATED,
    "within": ", ".join(f"count(*) FILTER (WHERE lateness <= {bound})" for bound in pages.LATENESS_MS),
    "is_schedule": IS_SCHEDULE,
    "is_live": f"status IN ('pending', 'paused') AND {IS_SCHEDULE}",
    # Rows with an invalid due time fail at the next tick.
    "is_shown": f"{IS_SCHEDULE} AND (due IS NULL OR due BETWEEN {FIRST_MS} AND {LAST_MS})",
    # What tells the rules of a pico what happened to its schedules.
    "is_told": f"kind = 'send' AND eci IS NULL AND domain = {DOMAIN!r}",
    "rows": "jsonb_array_elements($1::jsonb) WITH ORDINALITY AS given (v, nth)",
}

OWN = Path(__file__).parent / "due_own.sql"

ALL = texts_of({*OWN.parent.glob("*.sql")} - {OWN})

STATEMENTS = {name: text.format_map(FRAGMENTS).encode() for name, text in ALL.items() if "{where" not in text}
"""The statements without conditions."""

OF_MANY = frozenset(name for name, text in ALL.items() if "{rows}" in text)
"""Those that take many rows at once."""

ADDING = frozenset({"add_scheduled", "record", "add_entry", "add_delivery", "more_coming"})
"""Those that add rows, with keys of their own. They may run before all others of their table."""

OF_OWN = texts_of([OWN])
"""Those that a machine with some of the shards has instead; `{own}` is a further value, its shards."""


@lru_cache(maxsize=1_024)
def composed(name: str, shapes: tuple[Parts, ...], own: int, *, placed: bool = False) -> bytes:
    """A statement with conditions; `own` is how many values of its own it has.

    If `placed`, the one of OF_OWN.
    """
    last = own + sum(part.count("?") for parts in shapes for part in parts)
    fragments = {**FRAGMENTS, "own": f"${last + 1}"}
    return with_conditions((OF_OWN if placed else ALL)[name], fragments, shapes, own, "$").encode()
