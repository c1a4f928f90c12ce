"""Scheduled rows read ahead: many in one statement, shortly before a transaction that handles them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from picosched.store import rows
from picosched.store.port import Database, Row


class Ahead:
    """Rows as the store has them. Each is valid until a transaction ends or the row is written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: dict[str, Row] = {}
        """id → row."""
        self._since = -1
        """How many transactions had ended when they were read."""
        self._taken: dict[str, Row] = {}

    def keep(self, found: Iterable[Row]) -> None:
        """Keep rows just read, instead of those kept before."""
        self._rows, self._since = {row[0]: row for row in found}, self._database.transactions
        self._taken = {}

    def read(self, ids: Sequence[str]) -> None:
        """Read rows, unless the same ones are kept."""
        if self._since != self._database.transactions or not self._rows.keys() >= {*ids}:
            self.keep(self._database.rows("scheduled_among", (rows.dump([*ids]),)))

    def take(self, id: str) -> Row | None:
        """The row with that id if it is kept. It is kept no longer."""
        if self._since != self._database.transactions:
            return None
        row = self._rows.pop(id, None)
        if row is not None:
            self._taken[id] = row
        return row

    def peek(self, id: str) -> Row | None:
        """The row as it was read last, which may not be valid any more."""
        return self._rows.get(id) or self._taken.get(id)

    def drop(self, id: str) -> None:
        """The row was written."""
        self._rows.pop(id, None)

    def clear(self) -> None:
        """Many rows were written."""
        self._rows = {}
