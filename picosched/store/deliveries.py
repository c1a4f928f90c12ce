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
from picosched.store.database import Database, Row
from picosched.store.left_out import NOTHING, LeftOut

DELIVERY = "id, source, entry, nominal, url, body, created, due, tries, error"


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
        sql = f"""SELECT id, source FROM delivery WHERE due <= ?{without.condition("source")}
            ORDER BY due, rowid LIMIT ?"""
        return [*self._database.rows(sql, (to_ms(now), *without.values, limit))]

    def find(self, id: str) -> Delivery | None:
        row = self._database.row(f"SELECT {DELIVERY} FROM delivery WHERE id = ?", (id,))
        return None if row is None else delivery_of(row)

    def waiting(self, source_id: str) -> int:
        """How many deliveries of a source are pending."""
        row = self._database.row("SELECT count(*) FROM delivery WHERE source = ?", (source_id,))
        return 0 if row is None else int(row[0])

    def last_error(self, source_id: str) -> str | None:
        """Why the last try failed."""
        sql = """SELECT error FROM delivery WHERE source = ? AND error IS NOT NULL
            ORDER BY due DESC LIMIT 1"""
        row = self._database.row(sql, (source_id,))
        return None if row is None else str(row[0])

    def add(self, delivery: Delivery) -> None:
        self._database.execute(
            f"INSERT INTO delivery ({DELIVERY}) VALUES ({', '.join('?' * 10)})",
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
        sql = "UPDATE delivery SET due = ?, tries = tries + 1, error = ? WHERE id = ?"
        self._database.execute(sql, (to_ms(due), error, id))

    def remove(self, id: str) -> None:
        self._database.execute("DELETE FROM delivery WHERE id = ?", (id,))

    # Received events

    def received(self, pico_id: str, key: str) -> tuple[str, datetime] | None:
        """The id of the event a pico received with that key, and when."""
        sql = "SELECT eid, at FROM received WHERE pico = ? AND key = ?"
        row = self._database.row(sql, (pico_id, key))
        return None if row is None else (row[0], from_ms(row[1]))

    def receive(self, pico_id: str, key: str, eid: str, now: datetime) -> None:
        sql = "INSERT INTO received (pico, key, eid, at) VALUES (?, ?, ?, ?)"
        self._database.execute(sql, (pico_id, key, eid, to_ms(now)))

    def prunable(self, before: datetime) -> bool:
        return self._database.row("SELECT 1 FROM received WHERE at < ? LIMIT 1", (to_ms(before),)) is not None

    def prune(self, before: datetime, limit: int) -> int:
        """Delete keys received before that time, at most `limit`; returns how many."""
        sql = """DELETE FROM received WHERE (pico, key) IN
            (SELECT pico, key FROM received WHERE at < ? ORDER BY at LIMIT ?)"""
        return self._database.execute(sql, (to_ms(before), limit))


@rows.readable
def delivery_of(row: Row) -> Delivery:
    id, source, entry, nominal, url, body, created, due, tries, error = row
    return Delivery(
        id, source, entry, from_ms(nominal), url, body, from_ms(created), from_ms(due), tries, error
    )
