"""The port of the store: what a database has to offer, so that the tables' logic can stand on it.

`Database` runs statements by name. Each kind of database has a folder of its own with the text of all
statements, in its own dialect; nothing else in the project contains SQL. Values and rows are plain: texts,
whole numbers, and None. A time is the number of milliseconds since 1970, a flag is 0 or 1, a list or map is
JSON text, and so is a list of ids that is one value. Rows are tuples, in the order of the columns that the
tables' logic lists (`SCHEDULED`, `FIRE`, `ENTRY`, and the constants beside the readers of other rows).

Rows of a table are numbered in the order they were written. What is called a place or a mark is such a
number; a greater one was written later.

Errors are PicoschedError: `invalid` for a value that no database takes, and StoreError if the database
failed, `InDoubtError` if it is unknown whether a transaction was kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from picosched.schedule.filter import Filter
from picosched.store.left_out import LeftOut
from picosched.store.machines import Machines

Row = tuple[Any, ...]

MEMORY = ":memory:"
"""The address of a new database in memory."""

Where = LeftOut | Filter | Mapping[str, str | None] | tuple[LeftOut, ...]
"""Conditions for a statement: what is left out, which schedules, or which columns have which values.

A column whose value is None may have any. Several of what is left out are for a statement that reads several
tables.
"""


class Kept(NamedTuple):
    """One table, for copying it whole. A row has the values of `columns`, after its number if it has one."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    """The columns that tell its rows apart and order them; none if rows are numbered."""

    @property
    def numbered(self) -> bool:
        """Whether its rows have numbers, in the order they were written."""
        return not self.key

    def names(self, number: str) -> tuple[str, str]:
        """The columns of a row as it is copied, and those of its key; `number` is the one of numbers."""
        columns = (number, *self.columns) if self.numbered else self.columns
        return ", ".join(columns), ", ".join(self.key or (number,))


class Database(Protocol):
    """One open database. For one thread at a time, which the engine ensures."""

    name: str
    """What messages call it: its address without passwords."""
    address: str
    """The address that opens it again."""
    readonly: bool
    local: bool
    """Whether it is asked without a network, so that no answer is long in coming."""
    machines: Machines | None
    """The processes that write it, each what it has locked (`shards.py`); None if one has it to itself."""
    kept: bool
    """Whether the last transaction was committed."""
    refused: bool
    """Whether what the last transaction had gathered was refused."""
    changes: int
    """A count that grows with every write since it was opened."""
    transactions: int
    """Transactions that have ended since it was opened, committed or not. While this is the same, what was
    read stays valid."""

    @property
    def in_transaction(self) -> bool: ...

    # Statements

    def rows(self, statement: str, values: Sequence[Any] = (), where: Where | None = None) -> Iterator[Row]:
        """The rows of a result, read one by one if the database can do so."""
        ...

    def row(self, statement: str, values: Sequence[Any] = (), where: Where | None = None) -> Row | None:
        """The first row of a result; None if it is empty."""
        ...

    def execute(self, statement: str, values: Sequence[Any] = (), where: Where | None = None) -> int:
        """Run a statement that changes rows; returns how many it changed."""
        ...

    def put(self, table: str, statement: str, values: Sequence[Any]) -> None:
        """Inside a transaction: queue a statement that changes a row, to run before the next read.

        Statements for one table run in order, many at once; the order between tables is undefined. The values
        may still be changed until they run.
        """
        ...

    def check(self, table: str, check: Callable[[], None]) -> None:
        """Call `check` before the statements of a table run, after those of the tables without a check."""
        ...

    # Transactions

    def transaction(self) -> AbstractContextManager[None]:
        """All writes inside are kept, or none; `InDoubtError` means it is unknown which.

        `refused` if opened readonly; ReopenedError if the database had failed and was opened anew, as by
        `mend`. It is the same object each time.
        """
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside a transaction: on an exception only writes inside this block are undone."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """Reads inside see one consistent state, even if others write meanwhile."""
        ...

    def be_patient(self, patient: bool) -> None:
        """Whether to wait a while for another program that has the database locked. At first it does."""
        ...

    # Of a database that several processes write

    def lock(self, shards: Sequence[int]) -> dict[int, int]:
        """Inside a transaction: lock shards, in order, until it ends. Shard → its version, incremented."""
        return {}

    def versions(self, shards: Sequence[int]) -> dict[int, int]:
        """The versions of shards, as committed."""
        return {}

    # The whole

    def mend(self, *, wait: bool = True) -> bool:
        """After the database failed: connect anew and continue with what it has; outside transactions.

        True if it did so. Another program may have written meanwhile, so nothing read before is valid.
        Without `wait`, StoreError `conflict` if that might take long.
        """
        ...

    def size(self) -> int:
        """About how many bytes it takes; 0 in memory."""
        ...

    def server_time(self) -> int | None:
        """The time by the clock of its server; None if it has none."""
        ...

    def back_up(self, file: Path) -> None:
        """Write the committed state, all of one moment, into an empty file; writers are not blocked.

        The file is a database that SQLite opens. `refused` if a server keeps the database.
        """
        ...

    def copy_into(self, other: Database) -> None:
        """Make `other`, a database in memory, a copy of this one, as last committed."""
        ...

    def content(self, table: Kept, after: Row = ()) -> Iterator[Row]:
        """The rows of a table in the order of its key, read one by one; those after a key, if one is given.

        Outside transactions, and nothing else is read until the last row.
        """
        ...

    def fill(self, table: Kept, rows: Iterable[Row]) -> None:
        """Inside a transaction: add rows, as `content` gives them. Rows added later get greater numbers."""
        ...

    def count(self, table: Kept) -> int:
        """How many rows it has."""
        ...

    def empty(self, table: Kept) -> None:
        """Inside a transaction: remove all its rows."""
        ...

    def close(self) -> None:
        """Close it and release its locks. A second call does nothing."""
        ...
