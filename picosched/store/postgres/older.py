"""Reads the tables of an older picosched as they are, without changing them.

Opened for writing, they are migrated; opened readonly they cannot be. So what they lack is put beside them
for this connection alone: today's tables are made among its temporary ones, where PostgreSQL looks first. Of
those that the schema has whole, the temporary one goes again; where columns are missing, a view takes its
place that adds them with their defaults; a table that is missing is there and empty.
"""

from __future__ import annotations

from typing import Any

from picosched.store.postgres import schema
from picosched.store.postgres.faults import quoted
from picosched.store.postgres.session import Session

COLUMNS = """SELECT attname, format_type(atttypid, atttypmod), pg_get_expr(adbin, adrelid)
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = to_regclass('{name}') AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
MAKING = ("CREATE TABLE", "ALTER TABLE", "INSERT INTO shard ")
"""What makes tables: neither indexes nor triggers, which nobody needs to read."""


def read_as_new(session: Session) -> None:
    """Let the session read the schema as if its tables were those of today; psycopg.Error if it may not."""

    def ask(statement: str) -> list[Any]:
        found = session.execute(statement.encode())
        return found.fetchall() if found.description else []

    ((here,),) = ask("SELECT current_schema()")
    with session.transaction():
        ask("SET TRANSACTION READ WRITE")
        ask("SET LOCAL search_path = pg_temp")
        for statement in schema.migrating(0):
            if statement.startswith(MAKING):
                ask(statement)
        for name in sorted(schema.TABLE_NAMES | {"picosched"}):
            there = {each for each, *_ in ask(COLUMNS.format(name=f"{quoted(here)}.{name}"))}
            lacking = [each for each in ask(COLUMNS.format(name=f"pg_temp.{name}")) if each[0] not in there]
            if there:
                ask(f"DROP TABLE pg_temp.{name}")
            if there and lacking:
                added = ", ".join(
                    f"({default or 'NULL'})::{type} AS {column}" for column, type, default in lacking
                )
                ask(f"CREATE VIEW pg_temp.{name} AS SELECT *, {added} FROM {quoted(here)}.{name}")
