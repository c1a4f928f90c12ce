"""What the disk allows: SQLite with nothing around it, one row after the other or the rows of a turn."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter

from picosched.store.sqlite import schema
from picosched.store.sqlite.statements import STATEMENTS

ROW = "x" * 200
ID = "0123456789abcdef0123456789abcdef"
HANDLED = (
    '[{"domain":"counter","type":"step","attrs":{},"considered":'
    '[{"rid":"counter","rule":"step","outcome":"fired","why":null,"line":23}]}]'
)
DIRECTIVES = '[{"name":"counted","options":{"count":1234},"rid":"counter","rule":"step"}]'
TURN = (ID, ID, 1_772_323_200_000, None, None, None, HANDLED, DIRECTIVES, "[]", "[]", "")


def bare_rows(durability: str, per_commit: int, commits: int) -> float:
    """Rows of 200 bytes a second into a new file of one table, WAL, as many in each commit."""
    with opened(durability) as connection:
        connection.execute("CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        begun = perf_counter()
        for _ in range(commits):
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(per_commit):
                connection.execute("INSERT INTO line (text) VALUES (?)", (ROW,))
            connection.execute("COMMIT")
        return commits * per_commit / (perf_counter() - begun)


def bare_turns(durability: str, per_commit: int, commits: int) -> float:
    """Turns a second: the two rows of a counted step into our own tables, and nothing evaluated."""
    with opened(durability) as connection:
        schema.migrate(connection)
        begun = perf_counter()
        for number in range(commits):
            connection.execute("BEGIN IMMEDIATE")
            for each in range(per_commit):
                connection.execute(STATEMENTS["set_entity"], (f"{ID}{each}", "counter", "count", str(number)))
                connection.execute(STATEMENTS["add_entry"], TURN)
            connection.execute("COMMIT")
        return commits * per_commit / (perf_counter() - begun)


@contextmanager
def opened(durability: str) -> Iterator[sqlite3.Connection]:
    """A new file, as the store opens one."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        closing(sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {durability.upper()}")
        yield connection
