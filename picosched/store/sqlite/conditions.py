"""Conditions that a caller passes with a statement, as SQL with one question mark for each value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from picosched.clock import to_ms
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import COMING
from picosched.store import rows
from picosched.store.left_out import NOTHING, LeftOut
from picosched.store.port import Where
from picosched.store.texts import OWNER, Parts

SEEN = "rid IN (?, '')"
AMONG = "id IN (SELECT value FROM json_each(?))"
NOT_AMONG = "id NOT IN (SELECT value FROM json_each(?))"
NO_OWNER_AMONG = f"{OWNER} NOT IN (SELECT value FROM json_each(?))"

COMING_OF_PICO = """rowid IN (
    SELECT rowid FROM scheduled INDEXED BY scheduled_turn WHERE status = 'pending' AND pico = ? UNION ALL
    SELECT rowid FROM scheduled INDEXED BY scheduled_waits WHERE status = 'paused' AND pico = ?)"""
"""A pico's pending and paused rows, without scanning its ended rows, which may be many more."""

TEXTS = ("rid", "domain || ':' || type", "attrs", "name", "description", "timespec")
ANYWHERE = " || ' ' || ".join(f"coalesce({column}, '')" for column in TEXTS)
HAS_TEXT = f"instr(casefold({ANYWHERE}), ?) > 0"

NO_PARTS: tuple[Parts, ...] = ((),)

COLUMNS = "pico rid name domain type kind scheduled outcome eid what subject".split()
EQUAL = {column: f"{column} = ?" for column in COLUMNS}
PICO_OF_EVENT = "+pico = ?"
"""The plus keeps SQLite from scanning all records of the pico to find those of one event."""


def conditions_of(where: Where) -> tuple[tuple[Parts, ...], list[Any]]:
    """Conditions, one or several, and the values of all."""
    if where is NOTHING:
        return NO_PARTS, []
    if isinstance(where, tuple):
        if where.count(NOTHING) == len(where):
            return NO_PARTS * len(where), []
        found = [_left_out(each) for each in where]
        return tuple([parts for parts, _ in found]), [value for _, values in found for value in values]
    if isinstance(where, LeftOut):
        parts, values = _left_out(where)
    else:
        parts, values = _filtered(where) if isinstance(where, Filter) else _equal(where)
    return (parts,), values


def _left_out(without: LeftOut) -> tuple[Parts, list[Any]]:
    found = ((NO_OWNER_AMONG, without.owners), (NOT_AMONG, without.ids))
    given = [(part, ids) for part, ids in found if ids]
    return tuple(part for part, _ in given), [rows.dump([*ids]) for _, ids in given]


def _equal(columns: Mapping[str, str | None]) -> tuple[Parts, list[Any]]:
    given = {column: value for column, value in columns.items() if value is not None}
    parts = [
        PICO_OF_EVENT if column == "pico" and "scheduled" in given else EQUAL[column] for column in given
    ]
    return tuple(parts), [*given.values()]


def _filtered(which: Filter) -> tuple[Parts, list[Any]]:
    parts, values = list[str](), list[Any]()
    pico_id = which.pico_id
    if pico_id is not None and which.name is None and which.status and {*which.status} <= {*COMING}:
        parts.append(COMING_OF_PICO)
        values += [pico_id] * 2
        pico_id = None
    for column, value in (
        ("pico", pico_id),
        ("rid", which.rid),
        ("name", which.name),
        ("domain", which.domain),
        ("type", which.type),
        ("kind", which.kind),
    ):
        if value is not None:
            parts.append(EQUAL[column])
            values.append(value)
    if which.seen_by is not None:
        parts.append(SEEN)
        values.append(which.seen_by)
    if which.status:
        parts.append(f"status IN ({', '.join('?' * len(which.status))})")
        values += [status.value for status in which.status]
    if which.ids is not None:
        parts.append(AMONG)
        values.append(rows.dump(which.ids))
    if which.since is not None:
        parts.append("due >= ?")
        values.append(to_ms(which.since))
    if which.until is not None:
        parts.append("due <= ?")
        values.append(to_ms(which.until))
    if which.text is not None:
        parts.append(HAS_TEXT)
        values.append(which.text.casefold())
    return tuple(parts), values
