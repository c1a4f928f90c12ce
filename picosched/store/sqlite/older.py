"""Reads a file with the tables of an older picosched as it is, without changing it.

Opened for writing, a file is migrated; opened readonly it cannot be. So what its tables lack is put beside
them for this connection alone: a view under the name of a table adds the missing columns with their defaults,
and a missing table is there and empty. SQLite looks for temporary names first.
"""

from __future__ import annotations

import sqlite3

from picosched.store.sqlite.schema import migrate

TABLES = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'"


def read_as_new(connection: sqlite3.Connection) -> None:
    """Let the connection read the file as if its tables were those of today."""
    new = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(new)
        for name, made in new.execute(TABLES).fetchall():
            there = [each[1] for each in connection.execute(f"PRAGMA table_info({name})")]
            if not there:
                connection.execute(made.replace("CREATE TABLE", "CREATE TEMP TABLE", 1))
                continue
            lacking = [each for each in new.execute(f"PRAGMA table_info({name})") if each[1] not in there]
            if lacking:
                added = ", ".join(f"{each[4] or 'NULL'} AS {each[1]}" for each in lacking)
                rowid = "" if "WITHOUT ROWID" in made else "rowid AS rowid, "
                connection.execute(f"CREATE TEMP VIEW {name} AS SELECT {rowid}*, {added} FROM main.{name}")
    finally:
        new.close()
