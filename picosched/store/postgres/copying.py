"""Reads and writes whole tables, to copy them into another database or from one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from picosched.errors import PicoschedError
from picosched.store.port import Database, Kept, Row
from picosched.store.postgres.faults import fault
from picosched.store.postgres.session import Session
from picosched.store.tables import TABLES

SEQ = "seq"
AT_ONCE = 1_000


def copy_into(session: Session, other: Database) -> None:
    """Make the other database, a new one, a copy of what is committed, all of one moment."""
    with session.transaction():
        session.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with other.transaction():
            for table in TABLES:
                other.fill(table, read(session, table))


def read(session: Session, table: Kept, after: Row = ()) -> Iterator[Row]:
    """The rows of a table after a key, in its order, not all in memory at once."""
    names, key = table.names(SEQ)
    marks = ", ".join(f"${number}" for number in range(1, len(after) + 1))
    where = f"WHERE ({key}) > ({marks})" if after else ""
    sql = f"SELECT {names} FROM {table.name} {where} ORDER BY {key}"
    with session.transaction(), psycopg.RawServerCursor[Any](session, "copied") as cursor:
        cursor.execute(sql.encode(), after)
        while rows := cursor.fetchmany(AT_ONCE):
            yield from rows


def write(session: Session, table: Kept, rows: Iterable[Row]) -> None:
    """Add rows to a table, inside a transaction; rows written later get greater numbers."""
    names, _ = table.names(SEQ)
    with session.cursor() as cursor:
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN".encode()) as copy:
            for row in rows:
                try:
                    copy.write_row(row)
                except psycopg.DataError as cause:  # the server has not seen it
                    key = ", ".join(map(repr, row[:3]))
                    error = fault(cause, table.name)
                    raise PicoschedError(f"the table {table.name}, ({key}, …): {error.message}") from cause
        if table.numbered:
            numbers = f"pg_get_serial_sequence('{table.name}', '{SEQ}')"
            cursor.execute(f"SELECT setval({numbers}, max({SEQ})) FROM {table.name}".encode())
