"""Shell completion of pico names and ids, from the database, which may be in use.

Completion must be fast, so it reads the file without creating an engine, and never asks a server. On any
error it offers nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from picosched.cli.where import Where

if TYPE_CHECKING:
    from picosched.store.database import Database

MOST = 200


def complete_pico(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The names of picos with this prefix, each with its id."""

    def read(database: Database) -> list[tuple[str, str]]:
        from picosched.store.beginnings import picos_like

        return picos_like(database, incomplete, MOST)

    return _offered(context, read)


def complete_id(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The ids of pending events with this prefix, soonest first, each with its event and due time."""

    def read(database: Database) -> list[tuple[str, str]]:
        from picosched.clock import format_time
        from picosched.store.beginnings import coming_like

        found = coming_like(database, incomplete, MOST)
        return [(each.id, f"{each.event} due {format_time(each.due)}") for each in found]

    return _offered(context, read)


def _offered(
    context: typer.Context, read: Callable[[Database], list[tuple[str, str]]]
) -> list[tuple[str, str]]:
    try:
        where = Where(context.params.get("db"), context.params.get("url"))
        if where.server is not None or not where.database.exists():
            return []
        from picosched.store.database import Database

        database = Database(where.database, readonly=True)
        try:
            return read(database)
        finally:
            database.close()
    except Exception:  # completion must never print an error
        return []
