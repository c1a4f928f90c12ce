"""Views for people and their programs: what the tables hold, with times as ISO 8601 text, and names.

Nothing of ours reads them. Their columns stay as they are from version to version, and are the same in each
kind of database, which makes the views of what is here; docs/sql.md describes them. The tables may change: a
migration that renames or drops a column that they use has to drop them first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Own(NamedTuple):
    """What a kind of database writes in its own way."""

    time: Callable[[str], str]
    """A column with milliseconds since 1970 as `2026-03-01T09:30:00.000Z`."""
    is_held: str
    """Whether the schedule `s` is held."""
    event: str
    """The event of the turn `j`."""
    rules: str
    """The rules that fired in it, as a JSON array."""
    failures: str
    """The number of its errors."""
    elements: str
    """The value of the variable `e`, if it is kept by element."""


class View(NamedTuple):
    """A view: its columns, and the tables that it joins."""

    name: str
    columns: str
    tables: str
    only: str = "true"
    """The rows that it shows."""


def views_of(own: Own) -> tuple[View, ...]:
    """The views of a kind of database."""
    time = own.time
    return (
        View(
            "schedules",
            f"""s.id,
            s.name,
            s.domain || ':' || s.type AS event,
            p.name AS pico,
            s.pico AS pico_id,
            CASE s.rid WHEN '' THEN s.rule ELSE s.rid || '.' || s.rule END AS made_by,
            CASE WHEN {own.is_held} THEN 'held' ELSE s.status END AS status,
            s.kind,
            s.timespec,
            s.tz,
            {time("s.due")} AS due,
            {time("s.asked")} AS asked,
            {time("s.created")} AS created,
            s.fires,
            {time("s.fired")} AS fired,
            s.failures,
            {time("s.paused_until")} AS paused_until,
            s.description,
            s.attrs""",
            "scheduled s LEFT JOIN pico p ON p.id = s.pico",
            "s.kind IN ('at', 'repeat', 'window')",
        ),
        View(
            "fires",
            f"""f.scheduled AS schedule_id,
            s.name AS schedule,
            s.domain || ':' || s.type AS event,
            p.name AS pico,
            f.pico AS pico_id,
            {time("f.nominal")} AS nominal,
            {time("f.fired")} AS fired,
            (f.fired - f.nominal) / 1000.0 AS lateness,
            f.outcome,
            f.rules,
            f.why,
            f.stands_for,
            f.eid""",
            "fire f LEFT JOIN scheduled s ON s.id = f.scheduled LEFT JOIN pico p ON p.id = f.pico",
        ),
        View(
            "turns",
            f"""j.seq,
            {time("j.at")} AS at,
            p.name AS pico,
            j.pico AS pico_id,
            {own.event} AS event,
            j.eid,
            j.scheduled AS schedule_id,
            {time("j.nominal")} AS nominal,
            {own.rules} AS rules,
            {own.failures} AS failures,
            j.handled,
            j.directives,
            j.errors,
            j.log""",
            "journal j LEFT JOIN pico p ON p.id = j.pico",
        ),
        View(
            "variables",
            f"""p.name AS pico,
            e.pico AS pico_id,
            e.rid,
            e.name,
            CASE WHEN e.size IS NOT NULL THEN {own.elements} ELSE e.value END AS value""",
            "entity e LEFT JOIN pico p ON p.id = e.pico",
        ),
    )
