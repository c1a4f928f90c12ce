"""One SQLite file, opened for one picosched: the connection, its lock, its transactions.

A process that may write holds `FILE-lock`; the operating system lets go of it when the process ends,
however it ends. There is one connection, used by one thread at a time (the engine sees to that).
Opening changes nothing in a file that is not ours: what the file is is read first.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock, Timeout

from picosched.errors import PicoschedError
from picosched.store import schema
from picosched.store.faults import fault

MEMORY = ":memory:"
SYNCHRONOUS = {"full": "FULL", "normal": "NORMAL"}
BUSY_SECONDS = 5.0
"""How long to wait for a program that reads or copies the file."""

Row = tuple[Any, ...]


class Database:
    """Statements and transactions; every fault is a PicoschedError that names the file."""

    def __init__(self, path: str | Path, *, durability: str = "full", readonly: bool = False) -> None:
        if durability not in SYNCHRONOUS:
            raise PicoschedError(f'found the durability "{durability}", wanted "full" or "normal"')
        self.name = str(path)
        self.readonly = readonly
        self.kept = False
        """Whether the last transaction was committed."""
        self._undone = 0
        """Rows whose change was undone to a savepoint."""
        self._lock: FileLock | None = None
        if self.name != MEMORY:
            _check_place(Path(path), readonly)
        self._connection = self._open()
        try:
            if self.name != MEMORY and not readonly:
                self._lock = _lock(self.name)
            if not readonly:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
                schema.migrate(self._connection)
        except sqlite3.Error as cause:
            self.close()
            raise fault(cause, self.name) from cause
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file and let others have it. A second time does nothing."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    @property
    def changes(self) -> int:
        """Rows changed since the file was opened: a mark to see by whether something was written."""
        return self._connection.total_changes - self._undone

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that changes something; the number of rows it changed."""
        try:
            return self._connection.execute(sql, values).rowcount
        except sqlite3.Error as cause:
            raise fault(cause, self.name) from cause

    def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of an answer; None if it has none."""
        try:
            row: Row | None = self._connection.execute(sql, values).fetchone()
        except sqlite3.Error as cause:
            raise fault(cause, self.name) from cause
        return row

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of an answer, each read as it is taken: they may be more than there is memory for."""
        try:
            yield from self._connection.execute(sql, values)
        except sqlite3.Error as cause:
            raise fault(cause, self.name) from cause

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside a transaction: what is written here is undone alone if it fails."""
        before = self._connection.total_changes
        self.execute("SAVEPOINT piece")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self.execute("ROLLBACK TO piece")
                self.execute("RELEASE piece")
                self._undone += self._connection.total_changes - before
            raise
        self.execute("RELEASE piece")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is kept, or none of it. `refused` if opened readonly."""
        if self.readonly:
            raise PicoschedError(f"the database {self.name} was opened to be read only", "refused")
        self.kept = committing = False
        self.execute("BEGIN IMMEDIATE")  # at once, so that nothing read inside can be stale
        try:
            yield
            committing = True
            self.execute("COMMIT")
            self.kept = True
        except BaseException as error:
            if self._connection.in_transaction:  # SQLite itself rolls back where the disk is full
                self._connection.execute("ROLLBACK")
            elif committing and not isinstance(error, Exception):
                self.kept = True  # interrupted from outside, just after the commit
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside is of one moment, whoever writes meanwhile."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.execute("ROLLBACK")

    def back_up(self, file: Path) -> None:
        """Write what is committed into an empty file, as one moment has it; writers are not held up."""
        try:
            copy = sqlite3.connect(file, isolation_level=None)
        except sqlite3.Error as cause:
            raise fault(cause, str(file)) from cause
        try:
            self._connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, that needs nothing beside it
        except sqlite3.Error as cause:
            raise fault(cause, str(file)) from cause
        finally:
            copy.close()

    def copy_into(self, other: Database) -> None:
        """Make `other` a copy of this database, as last committed."""
        try:
            self._connection.backup(other._connection)
        except sqlite3.Error as cause:
            raise fault(cause, other.name) from cause

    def _open(self) -> sqlite3.Connection:
        if self.name == MEMORY:
            return _connect(MEMORY)
        uri = f"file:{quote(str(Path(self.name).absolute()))}"
        try:
            if not self.readonly:
                return _checked(_connect(uri), self.name)
            try:
                return _checked(_connect(f"{uri}?mode=ro"), self.name)
            except sqlite3.OperationalError:
                # Reading a WAL file wants a `-shm` beside it. Where the folder may not be written and no
                # `-wal` is left, nobody can be writing, and the file may be read as it is.
                if Path(f"{self.name}-wal").exists():
                    raise
                return _checked(_connect(f"{uri}?immutable=1"), self.name)
        except sqlite3.Error as cause:
            raise fault(cause, self.name) from cause


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri,
        uri=uri != MEMORY,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    # SQLite's own lower() knows the letters of ASCII only.
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    return connection


def _checked(connection: sqlite3.Connection, name: str) -> sqlite3.Connection:
    try:
        schema.check(connection, name)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_place(path: Path, readonly: bool) -> None:
    if path.is_dir():
        raise PicoschedError(f"{path} is a folder, wanted a file")
    if not path.parent.is_dir():
        raise PicoschedError(f"there is no folder {path.parent} to keep {path.name} in", "not_found")
    if readonly and not path.exists():
        raise PicoschedError(f"there is no database {path}", "not_found")


def _lock(name: str) -> FileLock:
    place = f"{name}-lock"
    lock = FileLock(place, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as cause:
        raise PicoschedError(f"the database {name} is in use by {_holder(place)}", "conflict") from cause
    except OSError as cause:
        raise PicoschedError(f"cannot write {place}: {cause.strerror}", "refused") from cause
    with suppress(OSError):  # only a courtesy to whoever is refused
        Path(place).write_text(str(os.getpid()))
    return lock


def _holder(place: str) -> str:
    """Who holds the lock, as far as the lock's file tells."""
    try:
        return f"another picosched (process {int(Path(place).read_text())})"
    except (OSError, ValueError):
        return "another picosched"
