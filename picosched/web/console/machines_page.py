"""Machines: the servers and workers that share a PostgreSQL database, and whether each is at work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from picosched.clock import format_time, from_ms
from picosched.engine.engine import Engine
from picosched.store.machines import Machine
from picosched.store.shards import SHARDS
from picosched.web.console.frame import Console
from picosched.web.console.list_page import ListPage, Section, add_list
from picosched.web.console.parts import Cell, Column, badge_cell, empty, late_text

HERE = "/machines"

COLUMNS = (
    Column("name", "Process"),
    Column("state", "State"),
    Column("shards", "Shards", "number"),
    Column("raised", "Raised", "number"),
    Column("lag", "Lag", "number"),
    Column("silent", "Heartbeat", "number"),
    Column("address", "Address", "mono"),
    Column("started", "Since", "time"),
)
MEANING = {
    "up": "It has its session with the database, and raises what is due in its shards.",
    "idle": "It has no shards yet: it came just now.",
    "leaving": "It is stopping: it lets its shards go as soon as what is under way has ended.",
    "silent": "It is overdue with its heartbeat: the others end its session.",
    "gone": "It has lost its session: the others take its shards.",
}


NOTE = (
    f"A pico belongs to one of {SHARDS} shards. Lag is how long the first due event"
    " of a machine had been waiting at its last heartbeat."
)


def add_pages(console: Console) -> None:
    """The list of machines."""
    section = Section("At work", "Machines", COLUMNS, _machines, _row, _alone, _told, NOTE)
    add_list(console, HERE, "Machines", section)


def _machines(engine: Engine) -> Sequence[Machine]:
    return [] if engine.store.machines is None else engine.machines()


def _alone(_: ListPage) -> None:
    empty(
        "One process has the database",
        "It is a file, which belongs to this server alone, so there are no machines to list. Several can"
        " share the work if the database is a PostgreSQL.",
    )


def _told(found: Sequence[Machine]) -> str:
    return f"{len(found)}, with {sum(len(each.shards) for each in found)} of {SHARDS} shards"


def _row(machine: Machine) -> Mapping[str, Cell]:
    return {
        "key": machine.id,
        "name": {"text": machine.name, "title": machine.id},
        "state": badge_cell(machine.state, MEANING[machine.state]),
        "shards": {"text": f"{len(machine.shards)}", "title": ", ".join(map(str, machine.shards))},
        "raised": f"{machine.raised:,}",
        "lag": late_text(machine.lag / 1000),
        "silent": f"{late_text(machine.silent / 1000)} ago",
        "address": machine.address,
        "started": format_time(from_ms(machine.started)),
    }
