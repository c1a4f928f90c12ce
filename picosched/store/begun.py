"""Rows begun with a mark and not settled since: the table `begun`, for all queues."""

from __future__ import annotations

from collections.abc import Sequence

from picosched.store.port import Database


class BegunRows:
    """Reads and writes how often each row was begun with a mark."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, int]:
        """Row id → how often it was begun with a mark."""
        return dict(self._database.rows("begun"))

    def number(self, id: str) -> int:
        """How often one row was begun with a mark."""
        row = self._database.row("times_begun", (id,))
        return 0 if row is None else int(row[0])

    def mark(self, id: str, number: int) -> None:
        """Mark the row as begun for the `number`-th time."""
        self._database.execute("mark", (id, number))

    def take_back(self, ids: Sequence[str]) -> None:
        """Count each of these marked rows as begun once less."""
        for id in ids:
            self._database.execute("take_back", (id,))

    def unmark(self, id: str) -> None:
        """Remove the mark of a row, if it has one."""
        self._database.execute("unmark", (id,))

    def unmark_all(self) -> None:
        """Remove all marks."""
        self._database.execute("unmark_all")
