"""The audit: who did what over HTTP, in the console and on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from fastapi import Request
from nicegui import ui

from picosched.acting import ACTIONS
from picosched.audit import KINDS, Deed
from picosched.engine.engine import Engine
from picosched.store.audit import LAST
from picosched.web.console.filtered_list import Fields, FilteredList, Looked
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.local_time import read_local, reader_zone
from picosched.web.console.parts import (
    Cell,
    Column,
    box,
    event_path,
    link_cell,
    pico_path,
    text,
    time_cell,
)
from picosched.web.console.schedule_page import schedule_path

HERE = "/audit"
ROWS = 100

KEPT = "What people do over HTTP, here and on the command line is listed as long as history is kept."
PATHS = {"pico": pico_path, "schedule": schedule_path, "event": event_path}
"""Where to look at what something was done to."""

COLUMNS = (
    Column("at", "When", "time"),
    Column("by", "Who"),
    Column("role", "Role"),
    Column("what", "Did"),
    Column("on", "To", "mono"),
    Column("told", "More"),
)


def add_pages(console: Console) -> None:
    """The list of what was done, newest first, with filters that stand in the URL."""

    @console.page(HERE)
    async def audit(request: Request) -> None:
        with frame(console, "Audit", HERE):
            with box("head"):
                text("h1", "Audit")
            page = _Deeds(console, dict(request.query_params))
            with console.telling_errors():
                await page.refresh()
        every(console, 1.0, page.refresh)


class _Deeds(FilteredList):
    def __init__(self, console: Console, given: Mapping[str, str]) -> None:
        nothing = "Nothing of this was done", KEPT
        fields = partial(_fields, given)
        super().__init__(console, HERE, given, fields, "since", "What was done", COLUMNS, nothing)

    async def refresh(self) -> None:
        self._zone = reader_zone()
        await super().refresh()

    def look(self, engine: Engine, given: Mapping[str, str], after: str | None) -> Looked:
        found = engine.audit(
            read_local(since, self._zone) if (since := given.get("since")) else None,
            ROWS + 1,
            name=given.get("name"),
            what=given.get("what"),
            kind=given.get("kind"),
            on=given.get("on"),
            before=int(after) if after else LAST,
        )
        return Looked(
            [_row(each) for each in found[:ROWS]], str(found[ROWS - 1].seq) if found[ROWS:] else None
        )


def _fields(given: Mapping[str, str]) -> Fields:
    name, on, since = (given.get(each, "")[:200] for each in ("name", "on", "since"))
    what, kind = given.get("what", ""), given.get("kind", "")
    return {
        "name": ui.input("Who", value=name, placeholder="token, or user").classes("filter"),
        "what": ui.select(_any(ACTIONS, "anything"), label="Did", value=what if what in ACTIONS else ""),
        "kind": ui.select(_any(KINDS, "any kind"), label="To a", value=kind if kind in KINDS else ""),
        "on": ui.input("Which", value=on, placeholder="id or name"),
        "since": ui.input("Since", value=since, placeholder="2026-03-01 09:00"),
    }


def _any(words: Iterable[str], all: str) -> dict[str, str]:
    return {"": all, **{each: each for each in words}}


def _row(deed: Deed) -> Mapping[str, Cell]:
    one = " " not in deed.on  # else it tells how many there were
    path = PATHS.get(deed.kind) if one else None
    on = deed.to
    return {
        "key": str(deed.seq),
        "at": time_cell(deed.at),
        "by": deed.by,
        "role": deed.role.value,
        "what": deed.what,
        "on": on if path is None else link_cell(on, path(deed.on)),
        "told": deed.told,
    }
