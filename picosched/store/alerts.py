"""Alerts that were made while an engine ran: reads and writes them."""

from __future__ import annotations

from collections.abc import Callable

from picosched.schedule.alert import ALERT, Alert
from picosched.store import rows
from picosched.store.port import Database, Row

of_alert = ALERT.of_record(rows.dump)
to_alert: Callable[[Row], Alert] = rows.readable(ALERT.to_record(rows.load))


class Alerts:
    """The table `alert`; writes inside a transaction.

    Whoever settles an occurrence reads it in the same transaction, so an alert that another process made
    holds for each transaction that first reads it after that commit.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._all: tuple[Alert, ...] = ()
        self._as_of: int | None = None
        """How many transactions had ended when `_all` was read, if that was inside one."""
        self._changed: int | None = None
        """The same for the last change. Until its transaction ends, a savepoint may undo it."""

    def all(self) -> tuple[Alert, ...]:
        """All that are kept, by name. Read once in a transaction, which may settle many occurrences."""
        if self._as_of is None or self._as_of != self._database.transactions:
            self._all = tuple(to_alert(row) for row in self._database.rows("alerts"))
            now = self._database.transactions
            self._as_of = now if self._database.in_transaction and self._changed != now else None
        return self._all

    def put(self, alert: Alert) -> None:
        """Add an alert, or replace the one of its name."""
        self._begin_change()
        self._database.execute("put_alert", rows.checked(of_alert(alert)))

    def remove(self, name: str) -> bool:
        """Remove an alert; False if there is none of that name."""
        self._begin_change()
        return self._database.execute("remove_alert", (name,)) > 0

    def _begin_change(self) -> None:
        self._as_of, self._changed = None, self._database.transactions
