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
from picosched.store.left_out import NOTHING, LeftOut
from picosched.store.port import Database, Row

DELIVERY = "id, source, entry, nominal, url, body, created, due, tries, error, pico, rid, rule, dead, trace"
"""The columns of a delivery, in order."""


class Deliveries:
    """Reads and writes deliveries and received keys; writes inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: datetime, limit: int, without: LeftOut = NOTHING) -> list[tuple[str, str]]:
        """Due deliveries, (id, owner), soonest first."""
        return [*self._database.rows("due_deliveries", (to_ms(now), limit), without)]

    def find(self, id: str) -> Delivery | None:
        row = self._database.row("find_delivery", (id,))
        return None if row is None else delivery_of(row)

    def waiting(self, source_id: str) -> int:
        """How many events of a source are on their way."""
        row = self._database.row("deliveries_waiting", (source_id,))
        return 0 if row is None else int(row[0])

    def of_entry(self, source_id: str, entry_id: str) -> list[Delivery]:
        """The events of an entry that are on their way, in the order they were made."""
        found = self._database.rows("deliveries_of_entry", (source_id, entry_id))
        return [delivery_of(row) for row in found]

    def alerts_waiting_of(self, source_id: str) -> int:
        """How many deliveries of alerts about a source are pending."""
        row = self._database.row("alerts_waiting_of", (source_id,))
        return 0 if row is None else int(row[0])

    def waiting_of(self, pico_id: str) -> int:
        """How many deliveries of a pico's rules are pending."""
        row = self._database.row("deliveries_waiting_of", (pico_id,))
        return 0 if row is None else int(row[0])

    def listed(self, *, dead: bool, limit: int, pico_id: str | None = None) -> list[Delivery]:
        """Dead letters, or pending deliveries, of one pico or of all; oldest first."""
        found = self._database.rows("dead_letters" if dead else "deliveries", (limit,), {"pico": pico_id})
        return [delivery_of(row) for row in found]

    def last_error(self, source_id: str) -> str | None:
        """Why the last try failed."""
        row = self._database.row("last_delivery_error", (source_id,))
        return None if row is None else str(row[0])

    def add(self, delivery: Delivery) -> None:
        self._database.execute("add_delivery", row_of(delivery))

    def put_off(self, id: str, due: datetime, error: str) -> None:
        """Record a failed try; try again at `due`."""
        self._database.execute("put_off_delivery", (to_ms(due), error, id))

    def give_up(self, id: str, now: datetime, error: str) -> None:
        """Make it a dead letter."""
        self._database.execute("give_up_delivery", (to_ms(now), error, id))

    def retry(self, id: str, now: datetime) -> bool:
        """Make a delivery due now, also a dead letter; False if there is none."""
        return self._database.execute("retry_delivery", (to_ms(now), id)) > 0

    def remove(self, id: str) -> bool:
        """Remove a delivery; False if there is none."""
        return self._database.execute("remove_delivery", (id,)) > 0

    def remove_of(self, pico_id: str) -> None:
        """Remove the deliveries of a deleted pico."""
        self._database.execute("remove_deliveries_of", (pico_id,))

    # Received events

    def received(self, pico_id: str, key: str) -> tuple[str, datetime] | None:
        """The id of the event a pico received with that key, and when."""
        row = self._database.row("received", (pico_id, key))
        return None if row is None else (row[0], from_ms(row[1]))

    def receive(self, pico_id: str, key: str, eid: str, now: datetime) -> None:
        self._database.execute("receive", (pico_id, key, eid, to_ms(now)))

    def prunable(self, before: datetime) -> bool:
        old = (to_ms(before),)
        return any(
            self._database.row(each, old) is not None for each in ("is_received_before", "is_dead_before")
        )

    def prune(self, before: datetime, limit: int) -> int:
        """Delete keys received and deliveries given up before that time, at most `limit` of each."""
        old = to_ms(before), limit
        received = self._database.execute("prune_received", old)
        return received + self._database.execute("prune_deliveries", old)


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
        rows.ms(delivery.dead),
        delivery.trace,
    )


@rows.readable
def delivery_of(row: Row) -> Delivery:
    id, source, entry, nominal, url, body, created, due, tries, error, pico, rid, rule, dead, trace = row
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
        trace,
    )
