"""Machines: the servers and workers that share a PostgreSQL database, and whether each is at work."""

from __future__ import annotations

from collections.abc import Mapping

from picosched.clock import format_time, from_ms
from picosched.store.machines import Machine
from picosched.store.shards import SHARDS
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.parts import Cell, Column, Listing, badge_cell, box, empty, late_text, panel, text

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


def add_pages(console: Console) -> None:
    """The list of machines."""

    @console.page(HERE)
    async def machines() -> None:
        with frame(console, "Machines", HERE):
            with box("head"):
                text("h1", "Machines")
            if console.engine.store.machines is None:
                with box("panel"):
                    empty(
                        "One process has the database",
                        "It is a file of this server alone. Several machines may share a PostgreSQL:",
                        "picosched serve --db postgresql://picos@db/picos",
                    )
                return
            page = _List(console)
            with console.telling_errors():
                await page.refresh()
        every(console, 1.0, page.refresh)


class _List:
    def __init__(self, console: Console) -> None:
        self._console = console
        with panel("At work", "") as self._side:
            self._list = Listing("Machines", COLUMNS)
            text(
                "p",
                f"A pico belongs to one of {SHARDS} shards. Lag is how long the first due event"
                " of a machine had been waiting at its last heartbeat.",
                "muted small",
            )

    async def refresh(self) -> None:
        found = await self._console.run(self._console.engine.machines)
        self._list.show([_row(each) for each in found])
        if self._side is not None:
            self._side.show(
                f"{len(found)}, with {sum(len(each.shards) for each in found)} of {SHARDS} shards"
            )


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
