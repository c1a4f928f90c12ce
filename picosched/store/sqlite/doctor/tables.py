"""The tables that there are, against those that the migrations make."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from picosched.store.sqlite import schema
from picosched.store.sqlite.database import SQLiteDatabase
from picosched.store.sqlite.doctor.finding import Finding

OBJECTS = (
    "SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type DESC, name"
)
COLUMNS = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY cid'
INDEXED = "SELECT name FROM pragma_index_info(?) ORDER BY seqno"


def compare(database: SQLiteDatabase) -> Iterator[Finding]:
    """Tables, columns and indexes that are missing or are not what they were made as."""
    version = next(database.ask("PRAGMA user_version"), None)
    if version == (0,) and not [*database.ask("SELECT 1 FROM sqlite_master LIMIT 1")]:
        yield Finding("", "", "no tables: the database is empty", "those of picosched")
        return
    if version != (len(schema.MIGRATIONS),):
        found = f"the tables of an older picosched (version {version[0] if version else None})"
        yield Finding("", "", found, f"version {len(schema.MIGRATIONS)}: open it once to write")
        return
    there = {(type, name): of for type, name, of in database.ask(OBJECTS)}
    made = _made()
    for type, name, table in made.execute(OBJECTS).fetchall():
        if there.get((type, name)) != table:
            yield Finding(table, "", f"no {type} {name}", "what the migrations make")
            continue
        look = COLUMNS if type == "table" else INDEXED
        wanted, columns = made.execute(look, (name,)).fetchall(), [*database.ask(look, (name,))]
        if columns != wanted:
            yield Finding(
                table, "", f"the {type} {name} with the columns {_listed(columns)}", _listed(wanted)
            )
    made.close()


def _made() -> sqlite3.Connection:
    """A database as the migrations make it."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    for _, statements in schema.MIGRATIONS:
        for statement in statements:
            made.execute(statement)
    return made


def _listed(columns: list[tuple[object, ...]]) -> str:
    return ", ".join(str(column[0]) for column in columns) or "none"
