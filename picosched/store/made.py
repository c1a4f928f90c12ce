"""What people made while an engine ran, and settings have too: alerts and windows. There are few of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from picosched.schedule.alert import ALERT, Alert
from picosched.schedule.window import MADE_WINDOW, MadeWindow
from picosched.store import rows
from picosched.store.port import Database, Row

T = TypeVar("T")

of_alert = ALERT.of_record(rows.dump)
to_alert: Callable[[Row], Alert] = rows.readable(ALERT.to_record(rows.load))
of_window = MADE_WINDOW.of_record(rows.dump)
to_window: Callable[[Row], MadeWindow] = rows.readable(MADE_WINDOW.to_record(rows.load))


class Tied(NamedTuple):
    """A pending or paused row that depends on a window."""

    id: str
    name: str | None
    pico_id: str
    rid: str
    hash: str | None
    """Of the text of its ruleset; None if it is of a person, or gone."""


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


class Alerts(Few[Alert]):
    """Whoever settles an occurrence reads them in the same transaction."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, ("alerts", "put_alert", "remove_alert"), of_alert, to_alert)


class Windows(Few[MadeWindow]):
    """Whoever asks for a window that neither its ruleset nor the settings have reads them."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, ("made_windows", "put_window", "remove_window"), of_window, to_window)

    def tied(self, name: str, limit: int) -> list[Tied]:
        """Schedules that are raised only within windows of that name, of whichever rulesets these are."""
        return [Tied(*row) for row in self._database.rows("tied_to_window", (name, limit))]

    def edges(self, name: str, limit: int) -> list[Tied]:
        """The rows of the edges of windows of that name."""
        return [Tied(*row) for row in self._database.rows("edges_of_window", (name, limit))]

    def texts(self, limit: int) -> list[tuple[str, str, str]]:
        """(rid, hash, text) of the installed rulesets in whose texts there is the word window."""
        found = self._database.rows("texts_with_windows", (limit,))
        return [(str(rid), str(hash), str(text)) for rid, hash, text in found]

    def picos_with_texts(self, after: str, limit: int) -> list[str]:
        """The ids of picos with such rulesets, in order; those after an id."""
        return [str(id) for (id,) in self._database.rows("picos_with_windows", (after, limit))]
