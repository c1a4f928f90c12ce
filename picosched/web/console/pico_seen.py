"""One pico with everything the page shows, read in one go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.pico.channel import Channel
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled
from picosched.store.picos import InstalledRow, PicoRow
from picosched.store.rows import dump

SHOWN = 10
MOST_CHILDREN = 200
LARGEST = 200_000
"""Most characters of a variable as JSON; larger ones are not sent to the browser."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A pico; `path` lists its ancestors from the root."""

    row: PicoRow
    path: list[PicoRow]
    children: list[PicoRow]
    installed: list[InstalledRow]
    channels: list[Channel]
    scheduled: list[Scheduled]
    more_scheduled: bool
    history: list[tuple[Fire, Scheduled | None]]
    last_turn: int


def look(engine: Engine, id: str) -> Seen:
    """Read a pico; `not_found` if it does not exist. For a thread that may block."""

    def work() -> Seen:
        store = engine.store
        row = store.picos.find_pico(id)
        if row is None:
            raise PicoschedError(f"there is no pico {id}", "not_found")
        coming = store.pages.scheduled(Filter(pico_id=id), None, SHOWN)
        fires = store.pages.fires(None, SHOWN, pico_id=id).items
        turns = store.pages.journal(None, 1, pico_id=id).items
        return Seen(
            row=row,
            path=_path(engine, row),
            children=store.picos.children(id)[:MOST_CHILDREN],
            installed=store.picos.installed(id),
            channels=[replace(each, eci=engine.shown_eci(each.eci)) for each in store.picos.channels(id)],
            scheduled=coming.items,
            more_scheduled=coming.next is not None,
            history=[(each, store.agenda.find(each.id)) for each in fires],
            last_turn=turns[0].seq if turns else 0,
        )

    return engine.read(work)


def _path(engine: Engine, row: PicoRow) -> list[PicoRow]:
    path: list[PicoRow] = []
    above = row.parent_id
    while above is not None:
        parent = engine.store.picos.find_pico(above)
        if parent is None:
            break
        path.insert(0, parent)
        above = parent.parent_id
    return path


def state_of(engine: Engine, id: str) -> dict[str, dict[str, Any]]:
    """Maps rids to entity variables, for rulesets that have any. For a thread that may block."""

    def work() -> dict[str, dict[str, Any]]:
        picos = engine.store.picos
        found = {each.rid: picos.entities(id, each.rid) for each in picos.installed(id)}
        return {
            rid: {name: _shown(each) for name, each in values.items()}
            for rid, values in found.items()
            if values
        }

    return engine.read(work)


def _shown(value: Any) -> Any:
    size = len(dump(value))
    return value if size <= LARGEST else f"({size:,} bytes, too large to show: query a part of it)"
