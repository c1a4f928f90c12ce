"""Finds names and ids by prefix, for completion."""

from __future__ import annotations

from datetime import datetime

from picosched.clock import from_ms
from picosched.store.agenda import LAST_CHARACTER
from picosched.store.port import Database


def picos_like(database: Database, beginning: str, limit: int) -> list[tuple[str, str]]:
    """Names and ids of picos whose names have this prefix, in the order they were made."""
    found = database.rows("picos_like", (len(beginning), beginning, limit))
    return [(name, id) for name, id in found]


def rids_like(database: Database, beginning: str, limit: int) -> list[tuple[str, int]]:
    """Installed rulesets whose rids have this prefix, each with how many picos have it."""
    found = database.rows("rids_like", (beginning, beginning + LAST_CHARACTER, limit))
    return [(rid, picos) for rid, picos in found]


def names_like(database: Database, beginning: str, limit: int) -> list[tuple[str, str]]:
    """Names of pending and paused events that have this prefix, each with its event."""
    found = database.rows("names_like", (beginning, beginning + LAST_CHARACTER, limit))
    return [(name, event) for name, event in found]


def coming_like(database: Database, beginning: str, limit: int) -> list[tuple[str, str, datetime]]:
    """Ids of pending and paused events that have this prefix, with event and due time, soonest first."""
    found = database.rows("coming_like", (beginning, beginning + LAST_CHARACTER, limit))
    return [(id, event, from_ms(due)) for id, event, due in found]
