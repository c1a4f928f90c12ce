"""A connection to an SQLite file, set up as all of ours are."""

from __future__ import annotations

import sqlite3
from sqlite3 import sqlite_version as sqlite_version

from picosched.store.port import MEMORY

BUSY_SECONDS = 5.0
"""How long to wait for another program that has the file locked."""


def connect(uri: str) -> sqlite3.Connection:
    """Connect to a `file:` URI, or to a new database in memory. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        uri,
        uri=uri != MEMORY,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    # SQLite's own lower() handles ASCII letters only.
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    return connection
