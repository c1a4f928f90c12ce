"""What people made while an engine ran, and settings have too: alerts and windows. There are few of each."""

from __future__ import annotations

from collections.abc import Callable, Collection
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
    """How many pending or paused rows depend on a window."""

    window: str
    hash: str | None
    """Of the text of their ruleset; None for those of people, and if it is gone."""
    rows: int


class MadeRows(Generic[T]):
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


class Alerts(MadeRows[Alert]):
    """Whoever settles an occurrence reads them in the same transaction."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, ("alerts", "put_alert", "remove_alert"), of_alert, to_alert)


class Windows(MadeRows[MadeWindow]):
    """Whoever asks for a window that neither its ruleset nor the settings have reads them."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, ("made_windows", "put_window", "remove_window"), of_window, to_window)

    def tied(self) -> list[Tied]:
        """The schedules that are raised only within a window, counted by window and ruleset."""
        return [Tied(*row) for row in self._database.rows("tied_to_windows")]

    def tied_to(self, name: str, without: Collection[str], limit: int) -> list[str]:
        """The names or ids of such schedules of one window, but for rulesets with these hashes."""
        found = self._database.rows("tied_to_window", (name, rows.dump([*without]), limit))
        return [str(label) for (label,) in found]

    def rulesets(self) -> list[tuple[str, str]]:
        """(rid, hash) of all texts that are installed in some pico."""
        return [(str(rid), str(digest)) for rid, digest in self._database.rows("rulesets_in_use")]

    def picos_with_texts(self, after: str, limit: int) -> list[str]:
        """The ids of the next picos after an id that have a ruleset with the word window in its text."""
        return [str(pico_id) for (pico_id,) in self._database.rows("picos_with_windows", (after, limit))]
