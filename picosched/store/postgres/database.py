"""One PostgreSQL database, opened for one picosched: its session and its transactions.

It is one idea: a session, and what becomes of a transaction when anything about it fails.

There is one session, used by one thread at a time (the engine ensures that). What goes out together makes one
round trip: BEGIN goes with the first statement, and COMMIT with the writes that were gathered. These are one
statement for all rows of a kind.

A session that is lost takes its transaction with it. Lost at COMMIT, it is unknown whether the transaction
was kept: that is `InDoubtError`. Another picosched may have had the database before we took the lock again,
so whatever was read before is stale (`mend`).

PostgreSQL refuses every statement after one that failed, until the transaction or its savepoint is undone. So
do we, with the reason, even if some code swallowed the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from pathlib import Path
from typing import Any

import orjson
import psycopg

from picosched.errors import PicoschedError
from picosched.store.faults import AwayError, ReopenedError, StoreError
from picosched.store.machines import Watch
from picosched.store.port import Database, Kept, Row, Where
from picosched.store.postgres import copying, schema
from picosched.store.postgres.address import shown
from picosched.store.postgres.conditions import conditions_of
from picosched.store.postgres.faults import FAILING, fault, first_line, in_doubt
from picosched.store.postgres.machines import TELL, PostgresMachines, PostgresWatch
from picosched.store.postgres.session import HASTY_MS, PATIENT_MS, Session, connect, lacking
from picosched.store.postgres.statements import ADDING, OF_MANY, OF_OWN, STATEMENTS, composed
from picosched.store.postgres.tables import check_tables, take_tables

DURABILITIES = ("full", "normal")
SIZES = b"""SELECT pg_total_relation_size(oid) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relname = ANY($1::text[])"""
LOCK = b"SELECT 1 FROM shard WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"
ADVANCE = b"UPDATE shard SET version = version + 1 WHERE id = ANY($1::bigint[]) RETURNING id, version"
VERSIONS = b"SELECT id, version FROM shard WHERE id = ANY($1::bigint[])"
TIME = b"SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
ENDED = ("57P01", "57P02", "57P03", "57P05")
"""SQLSTATE of errors by which the server says that it ends the session."""


class PostgresDatabase(Database):
    """The port over PostgreSQL; every error is a PicoschedError that names the database."""

    def __init__(
        self, address: str, *, durability: str = "full", readonly: bool = False, migrating: bool = False
    ) -> None:
        if durability not in DURABILITIES:
            raise PicoschedError(f'found the durability "{durability}", wanted "full" or "normal"')
        self.address = address
        self.name = shown(address)
        self.readonly, self.local = readonly, False
        self.machines = PostgresMachines(self._run, self._watch)
        self.kept = self.refused = False
        self.transactions = self.changes = 0
        self._durable = durability == "full"
        self._migrating = migrating
        """Whether to open it even if its picos are elsewhere."""
        self._patient = True
        """Whether to wait for locked tables."""
        self._waits: bool | None = True
        """Whether the session does; None if that is unknown."""
        self._gathered: dict[str, list[tuple[str, list[Sequence[Any]]]]] = {}
        """Statements put and not run yet: table → statements in order, each with its rows."""
        self._checks: dict[str, Callable[[], None]] = {}
        self._inside = False
        """Whether a transaction is open, as far as its caller knows."""
        self._begun = False
        """Whether the server knows of it."""
        self._spoilt: PicoschedError | None = None
        """Why the open transaction cannot be committed."""
        self._lost: StoreError | None = None
        """Why there is no session; None while there is one."""
        self._closed = False
        self._session = self._connected()

    def close(self) -> None:
        self.transactions += 1  # earlier reads are stale
        self._closed = True
        self._lose(StoreError(f"the database {self.name} is closed", "conflict"))

    @property
    def in_transaction(self) -> bool:
        return self._inside

    # Statements

    def put(self, table: str, statement: str, values: Sequence[Any]) -> None:
        runs = self._gathered.setdefault(table, [])
        self.changes += 1
        if runs and runs[-1][0] == statement:
            runs[-1][1].append(values)
        elif statement not in ADDING:
            runs.append((statement, [values]))
        elif (run := next((rows for added, rows in runs if added == statement), None)) is not None:
            run.append(values)
        else:
            runs.insert(0, (statement, [values]))

    def check(self, table: str, check: Callable[[], None]) -> None:
        self._checks[table] = check

    def rows(self, statement: str, values: Sequence[Any] = (), where: Where | None = None) -> Iterator[Row]:
        return iter(self._found(statement, values, where))

    def row(self, statement: str, values: Sequence[Any] = (), where: Where | None = None) -> Row | None:
        found = self._found(statement, values, where)
        return found[0] if found else None

    def execute(self, statement: str, values: Sequence[Any] = (), where: Where | None = None) -> int:
        if statement in OF_MANY:
            values = (self._dumped([values]),)
        sql, values = self._text(statement, values, where)
        changed = self._run(sql, values).rowcount
        self.changes += max(changed, 0)
        return changed

    def _found(self, statement: str, values: Sequence[Any], where: Where | None) -> list[Row]:
        sql, values = self._text(statement, values, where)
        cursor = self._run(sql, values)
        try:
            return cursor.fetchall()
        except FAILING as cause:
            raise self._fault(cause) from cause

    def _run(self, sql: bytes, values: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
        """Run a statement after those that were gathered; begins the transaction with it."""
        if self._gathered:
            self._flush()
        self._check_usable()
        try:
            if self._inside and not self._begun:
                with self._session.pipeline():
                    self._begin()
                    return self._session.execute(sql, values)
            return self._session.execute(sql, values)
        except FAILING as cause:
            raise self._fault(cause) from cause

    # Shards

    def lock(self, shards: Sequence[int]) -> dict[int, int]:
        self._check_usable()
        try:
            with self._session.pipeline():
                if not self._begun:
                    self._begin()
                self._session.execute(LOCK, (shards,))
                locked = self._session.execute(ADVANCE, (shards,))
            self.machines.locked(shards)
            return dict(locked.fetchall())
        except FAILING as cause:
            raise self._fault(cause) from cause

    def versions(self, shards: Sequence[int]) -> dict[int, int]:
        return dict(self._run(VERSIONS, (shards,)).fetchall())

    def _check_usable(self) -> None:
        if self._lost is not None:
            raise copy(self._lost)
        if self._spoilt is not None:
            raise copy(self._spoilt)

    def _begin(self) -> None:
        """Send what begins a transaction; inside a pipeline."""
        if self._patient is not self._waits:
            milliseconds = PATIENT_MS if self._patient else HASTY_MS
            self._session.execute(f"SET lock_timeout = {milliseconds}".encode())
            self._waits = self._patient
        self._session.execute(b"BEGIN")
        self._begun = True

    def _flush(self, *, commit: bool = False) -> psycopg.Cursor[Any] | None:
        """Send the gathered statements, and COMMIT with them; the cursor of the latter."""
        self._check_usable()
        gathered, self._gathered = self._gathered, {}
        committed = None
        try:
            with self._session.pipeline():
                if self._inside and not self._begun:
                    self._begin()
                for table in sorted(gathered, key=self._checks.__contains__):  # those with a check come last
                    if table in self._checks:
                        self._checks[table]()
                    for statement, rows in gathered[table]:
                        self._session.execute(STATEMENTS[statement], (self._dumped(rows),))
                if commit and (news := self.machines.news()):
                    self._session.execute(TELL, (news,))
                if commit:
                    committed = self._session.execute(b"COMMIT")
        except (*FAILING, PicoschedError) as cause:
            error = cause if isinstance(cause, PicoschedError) else self._fault(cause)
            if self._inside:  # whoever reads next gets it, but the rest must not be kept
                self.refused, self._spoilt = True, self._spoilt or error
            raise error from cause.__cause__ if error is cause else cause
        return committed

    def _dumped(self, rows: Sequence[Sequence[Any]]) -> str:
        """Rows as JSON text."""
        try:
            return orjson.dumps(rows).decode()
        except orjson.JSONEncodeError as cause:
            raise fault(cause, self.name) from cause

    # Transactions

    def transaction(self) -> AbstractContextManager[None]:
        return self

    def __enter__(self) -> None:
        """Begin the transaction; the server is told with the first statement."""
        if self.readonly:
            raise PicoschedError(f"the database {self.name} was opened readonly", "refused")
        self.kept = self.refused = False
        self._spoilt = None
        self.machines.begin()
        if self.mend(wait=self._patient):
            raise ReopenedError(f"the session with {self.name} was lost; nothing of this was kept")
        if self._lost is not None:
            self.transactions += 1
            raise copy(self._lost)
        self._inside = True

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the transaction: commit it, or undo it after an error inside."""
        try:
            if kind is None:
                self._commit()
        finally:
            self._undo()
            self.transactions += 1
            if self._patient:
                self.mend()

    def _commit(self) -> None:
        """Commit, or raise why not."""
        if self._gathered or self._begun:
            try:
                self._check_usable()
                committed = self._flush(commit=True)
            except PicoschedError as error:
                cause = error.__cause__
                if not isinstance(error, StoreError) or not isinstance(cause, psycopg.Error):
                    raise
                if self._lost is None and cause.sqlstate is None:  # not from the server: it ended meanwhile
                    self._lose(error)
                if self._lost is not None:
                    raise in_doubt(cause, self.name) from cause
                raise
            except BaseException:  # interrupted: only a new session shows what was kept
                self._lose(StoreError(f"the session with {self.name} was interrupted"))
                raise
            if committed is None or committed.statusmessage != "COMMIT":
                raise StoreError(f"the database {self.name} rolled back instead of committing")
        self._inside = self._begun = False
        self.kept = True

    def _undo(self) -> None:
        """Roll back, if a transaction is open."""
        begun, self._inside, self._begun = self._begun, False, False
        self._gathered, self._spoilt = {}, None
        if begun and self._lost is None:
            self._waits = None  # a setting that went out with BEGIN is undone as well
            try:
                self._session.execute(b"ROLLBACK")
            except psycopg.Error as cause:
                self._fault(cause)
                self._lose(StoreError(f"the session with {self.name} was lost"))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self._run(b"SAVEPOINT piece")
        before, refused = self.changes, self.refused
        try:
            yield
        except BaseException:
            self._gathered = {}
            if self._inside and self._lost is None:
                self._spoilt, self.refused = None, refused
                self._run(b"ROLLBACK TO piece")
                self._run(b"RELEASE piece")
                self.changes = before
            raise
        self._run(b"RELEASE piece")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self._run(b"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        try:
            yield
        finally:
            with suppress(PicoschedError):  # whoever lost the session has heard of it
                self._run(b"ROLLBACK")

    def be_patient(self, patient: bool) -> None:
        self._patient = patient  # the next transaction tells the server

    # The whole

    def mend(self, *, wait: bool = True) -> bool:
        if self._closed or not (self._lost or self._is_cut()):
            return False
        assert self._lost is not None
        if not wait:
            raise StoreError(self._lost.message, "conflict") from self._lost
        try:
            self._session = self._connected()
        except PicoschedError as error:
            self._lost = error if isinstance(error, StoreError) else StoreError(error.message, error.code)
            return False
        finally:
            self.transactions += 1  # earlier reads are stale
        self._lost = None
        self.machines.reopened()
        return True

    def _is_cut(self) -> bool:
        """Whether the server has ended the session meanwhile; what is sent then would be in doubt."""
        try:
            for _ in range(2):  # the first reads the server's last words
                self._session.pgconn.consume_input()
        except psycopg.Error as cause:
            self._lose(AwayError(f"the session with {self.name} was lost ({first_line(cause)})"))
        return self._lost is not None

    def server_time(self) -> int | None:
        ((time,),) = self._run(TIME).fetchall()
        return int(time)

    def back_up(self, file: Path) -> None:
        raise PicoschedError(
            f"{self.name} is no file that could be copied: pg_dump backs up a PostgreSQL database", "refused"
        )

    def size(self) -> int:
        return sum(int(bytes) for (bytes,) in self._run(SIZES, (list(schema.TABLE_NAMES),)).fetchall())

    def copy_into(self, other: Database) -> None:
        self._check_usable()
        try:
            copying.copy_into(self._session, other)
        except psycopg.Error as cause:
            raise self._fault(cause) from cause

    def content(self, table: Kept, after: Row = ()) -> Iterator[Row]:
        self._check_usable()
        try:
            yield from copying.read(self._session, table, after)
        except psycopg.Error as cause:
            raise self._fault(cause) from cause

    def fill(self, table: Kept, rows: Iterable[Row]) -> None:
        self._flush()  # begins the transaction
        try:
            copying.write(self._session, table, rows)
        except FAILING as cause:
            raise self._fault(cause) from cause

    def count(self, table: Kept) -> int:
        ((number,),) = self._run(f"SELECT count(*) FROM {table.name}".encode()).fetchall()
        return int(number)

    def empty(self, table: Kept) -> None:
        self._run(f"DELETE FROM {table.name}".encode())

    def _connected(self) -> Session:
        session = connect(self.address, self.name, readonly=self.readonly, durable=self._durable)
        self._waits = True
        try:
            take_tables(session, self.name, readonly=self.readonly, migrating=self._migrating)
        except psycopg.Error as cause:
            lacks = isinstance(cause, psycopg.errors.InsufficientPrivilege)
            error = lacking(session, cause, self.name) if lacks else fault(cause, self.name)
            session.close()
            raise error from cause
        except BaseException:
            session.close()
            raise
        return session

    def _fault(self, cause: Exception) -> PicoschedError:
        """The error for the caller; remembers that the session or the transaction is over."""
        error = fault(cause, self.name)
        if self._session.closed or getattr(cause, "sqlstate", None) in ENDED:
            error = AwayError(f"the session with {self.name} was lost ({first_line(cause)})")
            self._lose(error)
        if self._inside and (self._lost or getattr(cause, "sqlstate", None)):  # not of what was never sent
            self._spoilt = self._spoilt or error
            self.refused = self.refused or not isinstance(error, StoreError)
        return error

    def _lose(self, error: StoreError) -> None:
        self._lost = error
        self.machines.lost()
        self._session.close()

    def _text(
        self, statement: str, values: Sequence[Any], where: Where | None
    ) -> tuple[bytes, Sequence[Any]]:
        """The text of a statement, and all its values."""
        if where is None:
            return STATEMENTS[statement], values
        among = self.machines.among
        shapes, further = conditions_of(where, among)
        if among is not None and statement in OF_OWN:
            return composed(statement, shapes, len(values), placed=True), (*values, *further, among)
        return composed(statement, shapes, len(values)), (*values, *further)

    def _watch(self) -> Watch:
        session = connect(self.address, self.name, readonly=False, durable=True)
        try:
            check_tables(session, self.name)
        except psycopg.Error as cause:
            session.close()
            raise fault(cause, self.name) from cause
        except BaseException:
            session.close()
            raise
        return PostgresWatch(session, self.name, lambda: self._session.info.backend_pid)
