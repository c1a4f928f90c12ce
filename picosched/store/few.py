"""Tables of few rows that people make while an engine runs, each with a name, and that settings have too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from picosched.store import rows
from picosched.store.port import Database, Row

T = TypeVar("T")


class Few(Generic[T]):
    """Reads and writes one of these tables; writes inside a transaction.

    Who needs the rows reads them in the same transaction. So what another process made holds for each
    transaction that first reads it after that commit, and nobody need be notified.
    """

    def __init__(
        self,
        database: Database,
        statements: tuple[str, str, str],
        of_record: Callable[[T], Row],
        to_record: Callable[[Row], T],
    ) -> None:
        """The statements read all by name, put one, and remove one."""
        self._database = database
        self._statements = statements
        self._of_record, self._to_record = of_record, to_record
        self._all: tuple[T, ...] = ()
        self._as_of: int | None = None
        """How many transactions had ended when `_all` was read, if that was inside one."""
        self._changed: int | None = None
        """The same for the last change. Until its transaction ends, a savepoint may undo it."""

    def all(self) -> tuple[T, ...]:
        """All that are kept, by name. Read once in a transaction, however often it is asked for."""
        if self._as_of is None or self._as_of != self._database.transactions:
            self._all = tuple(self._to_record(row) for row in self._database.rows(self._statements[0]))
            now = self._database.transactions
            self._as_of = now if self._database.in_transaction and self._changed != now else None
        return self._all

    def put(self, made: T) -> None:
        """Add one, or replace the one of its name."""
        self._begin_change()
        self._database.execute(self._statements[1], rows.checked(self._of_record(made)))

    def remove(self, name: str) -> bool:
        """Remove one; False if there is none of that name."""
        self._begin_change()
        return self._database.execute(self._statements[2], (name,)) > 0

    def _begin_change(self) -> None:
        self._as_of, self._changed = None, self._database.transactions
