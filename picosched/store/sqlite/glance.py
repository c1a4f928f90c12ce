"""A quick check of a database when it is opened.

SQLite itself reads the header and the schema, and refuses a file that is shorter than its header says. In
addition, we check every page of a small file; of a large file only the path to the first and last row of each
table. `picosched doctor` checks the rest.
"""

from __future__ import annotations

import re
import sqlite3

from picosched.store.sqlite import schema
from picosched.store.sqlite.faults import damaged
from picosched.store.sqlite.file import DatabaseFile

SMALL = 2_000_000
"""Bytes up to which every page is checked, and indexes against their tables; about 9 ms per million bytes."""

MADE = re.compile(r"CREATE (?:UNIQUE )?(TABLE|INDEX) (\w+)(.*)", re.DOTALL)
DROPPED = re.compile(r"DROP (TABLE|INDEX) (\w+)")


def glance(connection: sqlite3.Connection, name: str, file: DatabaseFile | None) -> None:
    """StoreError if the quick check finds damage; without a `file` the database is in memory."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != len(schema.MIGRATIONS):  # it is new or not migrated yet
        return
    tables, indexes = _wanted()
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    missing = sorted({*tables, *indexes} - there)
    if missing:
        raise damaged(name, f"it has no {', '.join(missing)}")
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    if file is not None and not file.has_log and file.size < pages * size:
        raise damaged(name, f"it has {file.size:,} bytes, wanted {pages * size:,}")
    if pages * size <= SMALL:
        (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise damaged(name, said)
        return
    for table, has_rowid in tables.items():
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # no index has all columns
        if has_rowid:
            connection.execute(f"SELECT max(rowid) FROM {table} NOT INDEXED").fetchone()


def _wanted() -> tuple[dict[str, bool], set[str]]:
    """The tables the migrations make, and whether they have rowids; the indexes."""
    tables: dict[str, bool] = {}
    indexes: set[str] = set()
    for _, statements in schema.MIGRATIONS:
        for statement in statements:
            if (made := MADE.match(statement)) and made[1] == "TABLE":
                tables[made[2]] = "WITHOUT ROWID" not in made[3]
            elif made:
                indexes.add(made[2])
            elif dropped := DROPPED.match(statement):
                tables.pop(dropped[2], None)
                indexes.discard(dropped[2])
    return tables, indexes
