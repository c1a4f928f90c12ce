"""Copies the tables into another database, such as that of a rehearsal, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from picosched.store.port import Database, Row
from picosched.store.postgres.schema import OF_MACHINES, TABLE_NAMES
from picosched.store.postgres.session import Session

COLUMNS = b"""SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = ANY($1::text[]) AND is_generated = 'NEVER'
    ORDER BY table_name, ordinal_position"""
SEQ = "seq"
AT_ONCE = 1_000


def copy_into(session: Session, other: Database) -> None:
    """Make the other database a copy of what is committed, all of one moment; rows keep their numbers."""
    with session.transaction():
        session.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        columns: dict[str, list[str]] = {}
        for table, column in session.execute(COLUMNS, ([*TABLE_NAMES - OF_MACHINES],)).fetchall():
            columns.setdefault(table, []).append(column)
        with other.transaction():
            for table, names in columns.items():
                number = names.index(SEQ) if SEQ in names else None
                other.fill(table, names, _rows(session, table, names), number)


def _rows(session: Session, table: str, names: list[str]) -> Iterator[Row]:
    """The rows of a table as they were written, not all in memory at once."""
    order = f" ORDER BY {SEQ}" if SEQ in names else ""
    with psycopg.ServerCursor[Any](session, "copied") as cursor:
        cursor.execute(f"SELECT {', '.join(names)} FROM {table}{order}".encode())
        while rows := cursor.fetchmany(AT_ONCE):
            yield from rows
