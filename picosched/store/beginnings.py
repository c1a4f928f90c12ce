"""Finds names and ids by prefix, for completion."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from picosched.clock import from_ms
from picosched.store.agenda import LAST_CHARACTER, LIVE
from picosched.store.database import Database


class Coming(NamedTuple):
    """A pending or paused scheduled event, in short."""

    id: str
    event: str
    due: datetime


def picos_like(database: Database, beginning: str, limit: int) -> list[tuple[str, str]]:
    """Names and ids of picos whose names have this prefix, in the order they were made."""
    sql = "SELECT name, id FROM pico WHERE name <> '' AND substr(name, 1, ?) = ? ORDER BY rowid LIMIT ?"
    return [(name, id) for name, id in database.rows(sql, (len(beginning), beginning, limit))]


def coming_like(database: Database, beginning: str, limit: int) -> list[Coming]:
    """Pending and paused events whose ids have this prefix, soonest first."""
    sql = f"""SELECT id, domain || ':' || type, due FROM scheduled
        WHERE id >= ? AND id < ? AND {LIVE} ORDER BY due, rowid LIMIT ?"""
    found = database.rows(sql, (beginning, beginning + LAST_CHARACTER, limit))
    return [Coming(id, event, from_ms(due)) for id, event, due in found]
