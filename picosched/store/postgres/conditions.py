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
AMONG = "id = ANY(?::text[])"
NOT_AMONG = "id NOT IN (SELECT json_array_elements_text(?::json))"
NO_OWNER_AMONG = f"{OWNER} NOT IN (SELECT json_array_elements_text(?::json))"

OWN = "shard = ANY(?::bigint[])"

IS_COMING = "status IN ('pending', 'paused')"
"""Instead of the two words as values, so that PostgreSQL takes the partial index of what is to come."""

TEXTS = ("rid", "domain || ':' || type", "attrs", "name", "description", "timespec")
ANYWHERE = " || ' ' || ".join(f"coalesce({column}, '')" for column in TEXTS)
HAS_TEXT = f'strpos(lower(({ANYWHERE}) COLLATE "default"), lower(?::text COLLATE "default")) > 0'
"""The columns' own collation knows the case of ASCII only."""


def conditions_of(where: Where, own: str | None = None) -> tuple[tuple[Parts, ...], list[Any]]:
    """Conditions, one or several, and the values of all.

    What leaves something out is a question for due rows, and these are those of the `own` shards, if given.
    """
    if isinstance(where, tuple):
        found = [_left_out(each, own) for each in where]
        return tuple([parts for parts, _ in found]), [value for _, values in found for value in values]
    if isinstance(where, LeftOut):
        parts, values = _left_out(where, own)
    else:
        parts, values = _filtered(where) if isinstance(where, Filter) else _equal(where)
    return (parts,), values


def _left_out(without: LeftOut, own: str | None) -> tuple[Parts, list[Any]]:
    if without is NOTHING and own is None:
        return (), []
    found = ((NO_OWNER_AMONG, without.owners), (NOT_AMONG, without.ids))
    given = [(part, ids) for part, ids in found if ids]
    parts, values = [part for part, _ in given], [rows.dump([*ids]) for _, ids in given]
    if own is not None:
        parts.append(OWN)
        values.append(own)
    return tuple(parts), values


def _equal(columns: Mapping[str, str | None]) -> tuple[Parts, list[Any]]:
    given = {column: value for column, value in columns.items() if value is not None}
    return tuple(f"{column} = ?" for column in given), [*given.values()]


def _filtered(which: Filter) -> tuple[Parts, list[Any]]:
    parts, values = _equal(
        {
            "pico": which.pico_id,
            "rid": which.rid,
            "name": which.name,
            "domain": which.domain,
            "type": which.type,
            "kind": which.kind,
        }
    )
    found = [*parts]
    if {*which.status} == {*COMING}:
        found.append(IS_COMING)
    elif which.status:
        found.append(f"status IN ({', '.join('?' * len(which.status))})")
        values += [status.value for status in which.status]
    for part, value in (
        (SEEN, which.seen_by),
        (AMONG, None if which.ids is None else [*which.ids]),
        ("due >= ?", rows.ms(which.since)),
        ("due <= ?", None if which.until is None else to_ms(which.until)),
        (HAS_TEXT, which.text),
    ):
        if value is not None:
            found.append(part)
            values.append(value)
    return tuple(found), values
