"""Deliveries of events to other engines, and the keys of events received from them.

A delivery is a row until the other engine has accepted the event or we give up. The row's id is the event's,
and is sent as a key: a receiver stores the keys it has seen, in the transaction of the turn, so that a
repeated event is answered but not handled again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from picosched.clock import from_ms, to_ms
from picosched.store import rows
from picosched.store.left_out import NOTHING, LeftOut
from picosched.store.port import Database, Row

DELIVERY = "id, source, entry, nominal, url, body, created, due, tries, error"
"""The columns of a delivery, in order."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event for another engine."""

    id: str
    """The event's id, by which the receiver detects repeats."""
    source_id: str
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


class Deliveries:
    """Reads and writes deliveries and received keys; writes inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: datetime, limit: int, without: LeftOut = NOTHING) -> list[tuple[str, str]]:
        """Due deliveries, (id, source), soonest first."""
        return [*self._database.rows("due_deliveries", (to_ms(now), limit), without)]

    def find(self, id: str) -> Delivery | None:
        row = self._database.row("find_delivery", (id,))
        return None if row is None else delivery_of(row)

    def waiting(self, source_id: str) -> int:
        """How many deliveries of a source are pending."""
        row = self._database.row("deliveries_waiting", (source_id,))
        return 0 if row is None else int(row[0])

    def last_error(self, source_id: str) -> str | None:
        """Why the last try failed."""
        row = self._database.row("last_delivery_error", (source_id,))
        return None if row is None else str(row[0])

    def add(self, delivery: Delivery) -> None:
        self._database.execute(
            "add_delivery",
            (
                delivery.id,
                delivery.source_id,
                delivery.entry_id,
                to_ms(delivery.nominal),
                delivery.url,
                delivery.body,
                to_ms(delivery.created),
                to_ms(delivery.due),
                delivery.tries,
                delivery.error,
            ),
        )

    def put_off(self, id: str, due: datetime, error: str) -> None:
        """Record a failed try; try again at `due`."""
        self._database.execute("put_off_delivery", (to_ms(due), error, id))

    def remove(self, id: str) -> None:
        self._database.execute("remove_delivery", (id,))

    # Received events

    def received(self, pico_id: str, key: str) -> tuple[str, datetime] | None:
        """The id of the event a pico received with that key, and when."""
        row = self._database.row("received", (pico_id, key))
        return None if row is None else (row[0], from_ms(row[1]))

    def receive(self, pico_id: str, key: str, eid: str, now: datetime) -> None:
        self._database.execute("receive", (pico_id, key, eid, to_ms(now)))

    def prunable(self, before: datetime) -> bool:
        return self._database.row("is_received_before", (to_ms(before),)) is not None

    def prune(self, before: datetime, limit: int) -> int:
        """Delete keys received before that time, at most `limit`; returns how many."""
        return self._database.execute("prune_received", (to_ms(before), limit))


@rows.readable
def delivery_of(row: Row) -> Delivery:
    id, source, entry, nominal, url, body, created, due, tries, error = row
    return Delivery(
        id, source, entry, from_ms(nominal), url, body, from_ms(created), from_ms(due), tries, error
    )
