"""The audit: who did what over HTTP, in the console and on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from nicegui import ui
from nicegui.elements.input import Input
from nicegui.elements.select import Select

from picosched.acting import ACTIONS
from picosched.audit import KINDS, Deed
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    box,
    button,
    empty,
    event_path,
    link_cell,
    panel,
    pico_path,
    show_either,
    text,
    time_cell,
)
from picosched.web.console.schedule_page import schedule_path

HERE = "/audit"
AT_ONCE = 100

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
    async def audit(name: str = "", what: str = "", kind: str = "", on: str = "", since: str = "") -> None:
        with frame(console, "Audit", HERE):
            with box("head"):
                text("h1", "Audit")
            what, kind = what if what in ACTIONS else "", kind if kind in KINDS else ""
            page = _List(console, {"name": name, "what": what, "kind": kind, "on": on, "since": since})
            with console.telling_errors():
                await page.refresh()
        every(console, 1.0, page.refresh)


class _List:
    def __init__(self, console: Console, given: Mapping[str, str]) -> None:
        self._console = console
        self._limit = AT_ONCE
        with box("filter-bar"):
            self._fields: dict[str, Input | Select] = {
                "name": ui.input("Who", value=given["name"], placeholder="token, or user"),
                "what": ui.select(_any(ACTIONS, "anything"), label="Did", value=given["what"]),
                "kind": ui.select(_any(KINDS, "any kind"), label="To a", value=given["kind"]),
                "on": ui.input("Which", value=given["on"], placeholder="id or name"),
                "since": ui.input("Since", value=given["since"], placeholder="2026-03-01T09:00Z"),
            }
        for field in self._fields.values():
            field.on_value_change(self._change)
            if isinstance(field, Input):
                field.props("debounce=350 clearable maxlength=200")
        with panel("What was done"):
            self._list = Listing("Deeds", COLUMNS)
            self._nothing = empty("Nothing of this was done", KEPT)
            self._more = button("More", self._grow, "small")

    async def refresh(self) -> None:
        engine, limit = self._console.engine, self._limit
        since, name, what, kind, on = (self._value(each) for each in ("since", "name", "what", "kind", "on"))
        found = await self._console.run(
            lambda: engine.audit(since, limit + 1, name=name, what=what, kind=kind, on=on)
        )
        self._list.show([_row(each) for each in found[:limit]])
        show_either(self._list, self._nothing, bool(found))
        self._more.set_visibility(len(found) > limit)

    async def _change(self) -> None:
        given = {name: value for name in self._fields if (value := self._value(name))}
        ui.navigate.history.replace(f"{HERE}?{urlencode(given)}" if given else HERE)
        self._limit = AT_ONCE
        with self._console.telling_errors():
            await self.refresh()

    async def _grow(self) -> None:
        self._limit += AT_ONCE
        with self._console.telling_errors():
            await self.refresh()

    def _value(self, name: str) -> str | None:
        return str(self._fields[name].value or "").strip() or None


def _any(words: Iterable[str], all: str) -> dict[str, str]:
    return {"": all, **{each: each for each in words}}


def _row(deed: Deed) -> Mapping[str, Cell]:
    one = " " not in deed.on  # else it tells how many there were
    path = PATHS.get(deed.kind) if one else None
    on = f"{deed.kind} {deed.on}"
    return {
        "key": str(deed.seq),
        "at": time_cell(deed.at),
        "by": deed.by,
        "role": deed.role.value,
        "what": deed.what,
        "on": on if path is None else link_cell(on, path(deed.on)),
        "told": deed.told,
    }
