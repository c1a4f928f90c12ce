"""Deliveries of events to other engines, and the keys of events received from them.

A delivery is a row until the other engine has accepted the event. If we give up, the row stays as a dead
letter, until somebody retries or drops it or it is past the history's retention. The row's id is the event's,
and is sent as a key: a receiver stores the keys it has seen, in the transaction of the turn, so that a
repeated event is answered but not handled again.
"""

from __future__ import annotations

from datetime import datetime

from picosched.clock import from_ms, to_ms
from picosched.pico.delivery import Delivery
from picosched.store import rows
from picosched.store.database import Database, Row
from picosched.store.left_out import NOTHING, LeftOut

DELIVERY = "id, source, entry, nominal, url, body, created, due, tries, error, pico, rid, rule, dead"
INSERT = f"INSERT INTO delivery ({DELIVERY}) VALUES ({', '.join('?' * 14)})"

OWNER = "coalesce(pico, source)"
"""The pico or source that sent a delivery."""


class Deliveries:
    """Reads and writes deliveries and received keys; writes inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def next(self, without: LeftOut = NOTHING) -> datetime | None:
        """When to try the next delivery that is not left out."""
        sql = f"SELECT min(due) FROM delivery WHERE dead IS NULL{without.condition(OWNER)}"
        row = self._database.row(sql, without.values)
        return None if row is None else rows.time(row[0])

    def due(self, now: datetime, limit: int, without: LeftOut = NOTHING) -> list[tuple[str, str]]:
        """Due deliveries, (id, owner), soonest first."""
        sql = f"""SELECT id, {OWNER} FROM delivery
            WHERE dead IS NULL AND due <= ?{without.condition(OWNER)} ORDER BY due, rowid LIMIT ?"""
        return [*self._database.rows(sql, (to_ms(now), *without.values, limit))]

    def find(self, id: str) -> Delivery | None:
        row = self._database.row(f"SELECT {DELIVERY} FROM delivery WHERE id = ?", (id,))
        return None if row is None else delivery_of(row)

    def waiting(self, source_id: str) -> int:
        """How many deliveries of a source are pending."""
        sql = "SELECT count(*) FROM delivery WHERE source = ? AND dead IS NULL"
        row = self._database.row(sql, (source_id,))
        return 0 if row is None else int(row[0])

    def waiting_of(self, pico_id: str) -> int:
        """How many deliveries of a pico's rules are pending."""
        sql = "SELECT count(*) FROM delivery WHERE pico = ? AND dead IS NULL"
        row = self._database.row(sql, (pico_id,))
        return 0 if row is None else int(row[0])

    def listed(self, *, dead: bool, limit: int, pico_id: str | None = None) -> list[Delivery]:
        """Dead letters, or pending deliveries, of one pico or of all; oldest first."""
        sql = f"""SELECT {DELIVERY} FROM delivery WHERE dead IS {"NOT NULL" if dead else "NULL"}
            {"AND pico = ?" if pico_id else ""} ORDER BY {"dead" if dead else "due"}, rowid LIMIT ?"""
        values = (pico_id, limit) if pico_id else (limit,)
        return [delivery_of(row) for row in self._database.rows(sql, values)]

    def last_error(self, source_id: str) -> str | None:
        """Why the last try failed."""
        sql = """SELECT error FROM delivery WHERE source = ? AND error IS NOT NULL
            ORDER BY due DESC LIMIT 1"""
        row = self._database.row(sql, (source_id,))
        return None if row is None else str(row[0])

    def add(self, delivery: Delivery) -> None:
        self._database.execute(INSERT, row_of(delivery))

    def put_off(self, id: str, due: datetime, error: str) -> None:
        """Record a failed try; try again at `due`."""
        sql = "UPDATE delivery SET due = ?, tries = tries + 1, error = ? WHERE id = ?"
        self._database.execute(sql, (to_ms(due), error, id))

    def give_up(self, id: str, now: datetime, error: str) -> None:
        """Make it a dead letter."""
        sql = "UPDATE delivery SET dead = ?, tries = tries + 1, error = ? WHERE id = ?"
        self._database.execute(sql, (to_ms(now), error, id))

    def retry(self, id: str, now: datetime) -> bool:
        """Make a delivery due now, also a dead letter; False if there is none."""
        sql = "UPDATE delivery SET due = ?, dead = NULL WHERE id = ?"
        return self._database.execute(sql, (to_ms(now), id)) > 0

    def remove(self, id: str) -> bool:
        """Remove a delivery; False if there is none."""
        return self._database.execute("DELETE FROM delivery WHERE id = ?", (id,)) > 0

    def remove_of(self, pico_id: str) -> None:
        """Remove the deliveries of a deleted pico."""
        self._database.execute("DELETE FROM delivery WHERE pico = ?", (pico_id,))

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
        old = (to_ms(before),)
        return any(
            self._database.row(f"SELECT 1 FROM {table} WHERE {column} < ? LIMIT 1", old) is not None
            for table, column in (("received", "at"), ("delivery", "dead"))
        )

    def prune(self, before: datetime, limit: int) -> int:
        """Delete keys received and deliveries given up before that time, at most `limit` of each."""
        received = """DELETE FROM received WHERE (pico, key) IN
            (SELECT pico, key FROM received WHERE at < ? ORDER BY at LIMIT ?)"""
        dead = """DELETE FROM delivery WHERE rowid IN
            (SELECT rowid FROM delivery WHERE dead < ? ORDER BY dead LIMIT ?)"""
        return sum(self._database.execute(sql, (to_ms(before), limit)) for sql in (received, dead))


def row_of(delivery: Delivery) -> Row:
    return (
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
        delivery.pico_id,
        delivery.rid,
        delivery.rule,
        None if delivery.dead is None else to_ms(delivery.dead),
    )


@rows.readable
def delivery_of(row: Row) -> Delivery:
    id, source, entry, nominal, url, body, created, due, tries, error, pico, rid, rule, dead = row
    return Delivery(
        id,
        source,
        entry,
        from_ms(nominal),
        url,
        body,
        from_ms(created),
        from_ms(due),
        tries,
        error,
        pico,
        rid,
        rule,
        rows.time(dead),
    )
