"""One SQLite file, opened for one picosched: the connection and its transactions.

It is one idea: a connection, and what becomes of a transaction when anything about it fails.

There is one connection, used by one thread at a time (the engine ensures that). We inspect a file before
writing to it, so that opening changes no file of another program.

After a disk fault nothing that the connection has in memory can be trusted: an operating system that could
not write pages may have dropped them, and report success the next time. So we close and reopen the database,
and what SQLite then finds on disk counts. If COMMIT itself failed, it is unknown whether the transaction was
kept: that is `InDoubtError`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from picosched.errors import PicoschedError
from picosched.store import migration
from picosched.store.faults import StoreError
from picosched.store.port import MEMORY, Database, Kept, Row, Where
from picosched.store.sqlite import schema
from picosched.store.sqlite.conditions import conditions_of
from picosched.store.sqlite.connection import BUSY_SECONDS, connect
from picosched.store.sqlite.faults import FAILING, FULL, OF_DISK, fault, in_doubt
from picosched.store.sqlite.file import DatabaseFile
from picosched.store.sqlite.glance import glance
from picosched.store.sqlite.statements import STATEMENTS, composed

SYNCHRONOUS = {"full": "FULL", "normal": "NORMAL"}
CHUNK = 1_000_000


class SQLiteDatabase(Database):
    """The port over SQLite; every error is a PicoschedError that names the file."""

    def __init__(
        self,
        path: str | Path,
        *,
        durability: str = "full",
        readonly: bool = False,
        suspect: bool = False,
        migrating: bool = False,
    ) -> None:
        if durability not in SYNCHRONOUS:
            raise PicoschedError(f'found the durability "{durability}", wanted "full" or "normal"')
        self.name = self.address = str(path)
        self.readonly, self.local, self.machines = readonly, True, None
        self.kept = self.refused = False
        self.transactions = self.changes = 0
        self._patient = True
        self._durability = durability
        self._suspect = suspect
        """Whether to open it even if it is damaged, for diagnosis."""
        self._gathered: dict[str, list[tuple[str, list[Sequence[Any]]]]] = {}
        """Statements put and not run yet: table → statements in order, each with its values."""
        self._checks: dict[str, Callable[[], None]] = {}
        self._inside = False
        """Whether a transaction is open, as far as its caller knows."""
        self._spoilt: PicoschedError | None = None
        """Why the open transaction must not be committed, even if its caller catches the error."""
        self._faulty = False
        """Whether the disk failed since the connection was opened."""
        self._lost: StoreError | None = None
        """Why there is no connection; None while there is one."""
        self._file = None if self.name == MEMORY else DatabaseFile(self.name, readonly=readonly)
        try:
            self._connection = self._connected()
        except BaseException:
            if self._file is not None:
                self._file.release()
            raise
        try:
            if self._file is not None and not readonly:
                self._file.lock()
            self._prepare()
            if self._file is not None and not (suspect or migrating):
                self._check_stays()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.transactions += 1  # earlier reads are stale
        self._faulty = False
        self._connection.close()
        if self._file is not None:
            self._file.release()

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def put(self, table: str, statement: str, values: Sequence[Any]) -> None:
        runs = self._gathered.setdefault(table, [])
        if runs and runs[-1][0] == statement:
            runs[-1][1].append(values)
        else:
            runs.append((statement, [values]))
        self.changes += 1

    def _flush(self) -> None:
        """Run the queued statements."""
        gathered, self._gathered = self._gathered, {}
        for table in sorted(gathered, key=self._checks.__contains__):  # tables with a check come last
            if table in self._checks:
                self._checks[table]()
            try:
                for statement, values in gathered[table]:
                    self._connection.executemany(STATEMENTS[statement], values)
            except FAILING as cause:
                error = self._fault(cause)
                if self._inside:  # whoever reads next gets it, but the rest must not be kept
                    self.refused, self._spoilt = True, self._spoilt or error
                raise error from cause

    def check(self, table: str, check: Callable[[], None]) -> None:
        self._checks[table] = check

    def execute(self, statement: str, values: Sequence[Any] = (), where: Where | None = None) -> int:
        if where is None:
            return self.run(STATEMENTS[statement], values)
        return self.run(*_with(where, statement, values))

    def row(self, statement: str, values: Sequence[Any] = (), where: Where | None = None) -> Row | None:
        if where is None:
            sql = STATEMENTS[statement]
        else:
            sql, values = _with(where, statement, values)
        if self._gathered:
            self._flush()
        try:
            row: Row | None = self._connection.execute(sql, values).fetchone()
        except FAILING as cause:
            raise self._fault(cause) from cause
        return row

    def rows(self, statement: str, values: Sequence[Any] = (), where: Where | None = None) -> Iterator[Row]:
        if where is None:
            return self.ask(STATEMENTS[statement], values)
        return self.ask(*_with(where, statement, values))

    def ask(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a query in SQL, for callers that know SQLite, as the doctor does."""
        if self._gathered:
            self._flush()
        try:
            for row in self._connection.execute(sql, values):  # noqa: UP028 — `yield from` closes cursors late
                yield row
        except FAILING as cause:
            raise self._fault(cause) from cause

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run SQL that changes rows; returns how many it changed."""
        if self._gathered:
            self._flush()
        try:
            changed = self._connection.execute(sql, values).rowcount
        except FAILING as cause:
            raise self._fault(cause) from cause
        self.changes += max(changed, 0)
        return changed

    def be_patient(self, patient: bool) -> None:
        if patient is self._patient or self._lost:  # a new connection is patient
            return
        milliseconds = int(BUSY_SECONDS * 1000) if patient else 0
        self.run(f"PRAGMA busy_timeout = {milliseconds}")
        self._patient = patient

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.run("SAVEPOINT piece")
        before = self.changes
        try:
            yield
        except BaseException:
            self._gathered = {}
            if self._connection.in_transaction:
                self.run("ROLLBACK TO piece")
                self.run("RELEASE piece")
                self.changes = before
            raise
        self.run("RELEASE piece")

    def transaction(self) -> AbstractContextManager[None]:
        return self

    def __enter__(self) -> None:
        """Begin the transaction."""
        if self.readonly:
            raise PicoschedError(f"the database {self.name} was opened readonly", "refused")
        self.kept = self.refused = False
        self.mend()
        self._spoilt = None
        try:
            self.run("BEGIN IMMEDIATE")  # at once, so that nothing read inside can be stale
            self._inside = True
        except BaseException as error:
            if not isinstance(error, Exception):  # an Exception means that no transaction was begun
                self._undo()
            self.transactions += 1
            raise

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the transaction: commit it, or undo it after an error inside."""
        if kind is None:
            self._commit()
        else:
            self._undo()
            self.transactions += 1
            self.mend()

    def _commit(self) -> None:
        """Commit, or roll back and raise why."""
        committing = False
        try:
            if self._gathered:
                self._flush()
            if self._spoilt is not None:
                raise self._spoilt
            if self._file is not None:
                self._file.check_there()
            committing = True
            self._connection.execute("COMMIT")
            self.kept = True
            self._inside = False
            self.transactions += 1
        except BaseException as error:
            undone = self._undo()
            self.transactions += 1
            if isinstance(error, sqlite3.Error):
                failed = self._fault(error)
                # If the disk is full, the commit record was not written either.
                full = isinstance(failed, StoreError) and failed.kind == FULL
                if committing and not undone and not full:
                    failed = in_doubt(error, self.name)
                self.mend()
                raise failed from error
            if committing and not undone:
                self.kept = True  # interrupted from outside, just after the commit
            self.mend()
            raise

    def _undo(self) -> bool:
        """Roll back; False if there was nothing to roll back."""
        self._inside, self._gathered = False, {}
        return self._roll_back()

    def mend(self, *, wait: bool = True) -> bool:
        """After a disk fault: reopen the database and continue with what is on disk.

        Our lock on the file stays meanwhile. If it cannot be opened, every statement raises the reason, and
        the next call tries again.
        """
        if not self._faulty or self._file is None:
            return False
        failed = f"the database {self.name} failed and cannot be opened again"
        if not self._lost:
            self._lost = StoreError(failed)
        self.transactions += 1  # earlier reads are stale
        self._connection.close()
        try:
            self._file.check_there(without_log=True)
            self._connection = self._connected()
            self._patient = True
            self._prepare()
            if not self.readonly:
                self._write_log_again(self._file.log)
        except PicoschedError as error:
            self._connection.close()
            self._lost = StoreError(f"{failed}: {error.message}")
            return False
        self._faulty, self._lost = False, None
        return True

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.run("BEGIN")
        try:
            yield
        finally:
            self.run("ROLLBACK")

    def size(self) -> int:
        try:
            return 0 if self._file is None else self._file.path.stat().st_size
        except OSError:
            return 0

    def server_time(self) -> int | None:
        return None

    def back_up(self, file: Path) -> None:
        # SQLite copies the pages as they were when the copy began. In WAL mode readers do not block writers.
        try:
            copy = sqlite3.connect(file, isolation_level=None)
        except sqlite3.Error as cause:
            raise fault(cause, str(file)) from cause
        try:
            self._connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # a single file
        except sqlite3.Error as cause:
            raise fault(cause, str(file)) from cause
        finally:
            copy.close()

    def copy_into(self, other: Database) -> None:
        assert isinstance(other, SQLiteDatabase), "SQLite is copied into SQLite"
        try:
            self._connection.backup(other._connection)
            schema.migrate(other._connection)  # this may be the file of an older picosched, opened readonly
        except sqlite3.Error as cause:
            raise fault(cause, other.name) from cause

    def content(self, table: Kept, after: Row = ()) -> Iterator[Row]:
        names, key = table.names("rowid")
        where = f"WHERE ({key}) > ({', '.join('?' * len(after))})" if after else ""
        return self.ask(f"SELECT {names} FROM {table.name} {where} ORDER BY {key}", after)

    def fill(self, table: Kept, rows: Iterable[Row]) -> None:
        names, _ = table.names("rowid")
        marks = ", ".join("?" * (len(table.columns) + table.numbered))
        try:
            self._connection.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
        except FAILING as cause:
            raise self._fault(cause) from cause

    def count(self, table: Kept) -> int:
        ((number,),) = self.ask(f"SELECT count(*) FROM {table.name}")
        return int(number)

    def empty(self, table: Kept) -> None:
        self.run(f"DELETE FROM {table.name}")

    def _connected(self) -> sqlite3.Connection:
        if self._file is None:
            return connect(MEMORY)
        uri = f"file:{quote(str(self._file.path))}"
        try:
            if not self.readonly:
                return self._checked(connect(f"{uri}?mode=rw"))
            try:
                return self._checked(connect(f"{uri}?mode=ro"))
            except sqlite3.OperationalError:
                # Reading a WAL file needs a `-shm` file. If the folder is not writable and there is no
                # `-wal`, nobody can be writing, and the file may be read as immutable.
                if self._file.log.exists():
                    raise
                return self._checked(connect(f"{uri}?immutable=1"))
        except (sqlite3.Error, UnicodeDecodeError) as cause:
            raise fault(cause, self.name) from cause

    def _checked(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        try:
            schema.check(connection, self.name)
            if self._suspect:
                connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
            else:
                glance(connection, self.name, self._file)
                if self.readonly and schema.is_older(connection):
                    from picosched.store.sqlite.older import read_as_new  # late, as it is rarely wanted

                    read_as_new(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self) -> None:
        """Set up the connection for writing, and migrate the tables."""
        if self.readonly:
            return
        try:
            if self._file is not None:
                self._file.narrow()
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[self._durability]}")
            schema.migrate(self._connection)
            self._connection.execute("SELECT count(*) FROM meta").fetchone()  # makes SQLite open its log
        except sqlite3.Error as cause:
            raise fault(cause, self.name) from cause
        if self._file is not None:
            self._file.watch_log()

    def _check_stays(self) -> None:
        """Check that its picos have not been migrated."""
        ((version,),) = self.ask("PRAGMA user_version")
        mark = self.row("meta", (migration.KEY,)) if version else None
        if migration.check_stays(self.name, mark[0] if mark else None) and not self.readonly:
            self.execute("forget_meta", (migration.KEY,))

    def _fault(self, cause: Exception) -> PicoschedError:
        """The error for the caller; remembers whether to reopen or roll back."""
        if self._lost:
            return copy(self._lost)
        error = fault(cause, self.name)
        if not isinstance(error, StoreError):
            return error  # a value is at fault, not the database
        of_disk = error.kind in OF_DISK
        self._faulty = self._faulty or of_disk
        if self._inside and (of_disk or not self._connection.in_transaction):
            self._spoilt = error
            if not self._connection.in_transaction:
                # SQLite rolled back by itself. Later writes inside must not be committed on their own.
                with suppress(sqlite3.Error):
                    self._connection.execute("BEGIN")
        return error

    def _roll_back(self) -> bool:
        """Roll back; False if there was nothing to roll back."""
        if not self._connection.in_transaction:
            return False
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._faulty = True  # closing the connection ends the transaction
        return True

    def _write_log_again(self, log: Path) -> None:
        """Rewrite the log in place, and wait until it is on disk.

        Parts of it may be in the system's page cache only, marked as written: if they were lost, everything
        appended after them would be lost too. A transaction keeps other writers out.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if log.exists():
                with log.open("rb+") as file:
                    while chunk := file.read(CHUNK):
                        file.seek(-len(chunk), os.SEEK_CUR)
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
            self._connection.execute("ROLLBACK")
        except OSError as cause:
            raise StoreError(f"cannot write {log}: {cause.strerror}") from cause
        except sqlite3.Error as cause:
            raise fault(cause, self.name) from cause


def _with(where: Where, statement: str, values: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """The text of a statement with conditions, and all its values."""
    shapes, further = conditions_of(where)
    return composed(statement, shapes, len(values)), (*values, *further)
