"""What became of occurrences: the records of all schedules and sources, newest first, by pages."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui

from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome
from picosched.store.pages import Page
from picosched.web.api.shapes import Names
from picosched.web.console.filters import remember
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    badge_cell,
    box,
    button,
    empty,
    event_path,
    filter_bar,
    late_cell,
    link_cell,
    panel,
    pico_path,
    show_either,
    text,
    time_cell,
)
from picosched.web.console.schedule_page import schedule_path

HERE = "/history"
ROWS = 100
ANY = ""

COLUMNS = (
    Column("fired", "Settled", "time"),
    Column("due", "Due", "time"),
    Column("event", "Event", "mono"),
    Column("outcome", "Outcome"),
    Column("late", "Late", "number"),
    Column("pico", "Pico"),
    Column("turn", "Turn"),
    Column("why", "Why"),
)


def add_pages(console: Console) -> None:
    """The page of the history."""

    @console.page(HERE)
    async def history(request: Request) -> None:
        with frame(console, "History", HERE):
            page = _History(console, dict(request.query_params))
            with console.telling_errors():
                await page.refresh()
        every(console, 2.0, page.refresh)


class _History:
    """The records, with a filter and a place that stand in the URL."""

    def __init__(self, console: Console, given: dict[str, str]) -> None:
        self._console = console
        after = given.get("after", "")
        self._after = after if after.isascii() and after.isdecimal() and len(after) < 18 else None
        self._next: str | None = None
        self._shown: object = None
        outcome = given.get("outcome", ANY)
        outcomes = {ANY: "any", **{each.value: each.value for each in Outcome}}
        with box("head"):
            text("h1", "History")
            text("span", "What became of each occurrence, newest first.", "muted small")
        with filter_bar():
            self._pico = ui.input("Pico", value=given.get("pico", "")[:200], placeholder="name or id")
            self._pico.classes("filter").props("debounce=350 clearable maxlength=200")
            self._id = ui.input("Schedule", value=given.get("id", "")[:200], placeholder="id")
            self._id.classes("mono").props("debounce=350 clearable maxlength=200")
            chosen = outcome if outcome in outcomes else ANY
            self._outcome = ui.select(outcomes, label="Outcome", value=chosen)
        with panel("Records", ""):
            self._list = Listing("Records of occurrences", COLUMNS)
            self._nothing = empty("Nothing has come due", "The outcome of each occurrence will appear here.")
            with box("line"):
                self._newest = button("← Newest", lambda: self._go(None), "small")
                self._older = button("Older →", lambda: self._go(self._next), "small")
        for field in (self._pico, self._id, self._outcome):
            field.on_value_change(lambda: self._go(None))

    async def _go(self, after: str | None) -> None:
        self._after = after
        given = {**self._given, "after": after or ""}
        remember(HERE, urlencode({name: value for name, value in given.items() if value}))
        with self._console.telling_errors():
            await self.refresh()

    @property
    def _given(self) -> dict[str, str]:
        fields = (("pico", self._pico), ("id", self._id), ("outcome", self._outcome))
        return {name: (field.value or "").strip() for name, field in fields}

    async def refresh(self) -> None:
        """Show what there is now; older pages do not move."""
        given, after, engine = self._given, self._after, self._console.engine
        try:
            found, rows = await self._console.run(lambda: _looked(engine, given, after))
        except PicoschedError as error:
            self._pico.error = error.message
            return
        self._pico.error = None
        if (found, given, after) == self._shown or self._list.is_deleted:
            return
        self._shown, self._next = (found, given, after), found.next
        self._list.show(rows)
        show_either(self._list, self._nothing, bool(rows))
        self._newest.set_visibility(after is not None)
        self._older.set_visibility(found.next is not None)


def _looked(
    engine: Engine, given: Mapping[str, str], after: str | None
) -> tuple[Page[Fire], list[Mapping[str, Cell]]]:
    """A page of records, and its rows. PicoschedError if there is no such pico."""
    pico_id = engine.pico(given["pico"]).id if given["pico"] else None

    def work() -> tuple[Page[Fire], list[Cell]]:
        page = engine.store.pages.fires(
            after, ROWS, pico_id=pico_id, id=given["id"] or None, outcome=given["outcome"] or None
        )
        return page, [_event(engine, each.id) for each in page.items]

    page, events = engine.read(work)
    names = Names(engine)
    return page, [_row(each, event, names) for each, event in zip(page.items, events, strict=True)]


def _event(engine: Engine, id: str) -> Cell:
    """What came due: a schedule, or an entry of a source."""
    row = engine.store.agenda.find(id)
    if row is not None:
        return link_cell(row.name or row.event, schedule_path(id), row.event)
    entry = engine.store.sources.find_entry(id)
    return id[:8] if entry is None else link_cell(entry.name, f"/sources/{entry.source_id}", "a source")


def _row(fire: Fire, event: Cell, names: Names) -> Mapping[str, Cell]:
    return {
        "key": f"{fire.id} {time_cell(fire.nominal)}",
        "fired": time_cell(fire.fired),
        "due": time_cell(fire.nominal),
        "event": event,
        "outcome": badge_cell(fire.outcome.value),
        "late": late_cell(fire.lateness),
        "pico": link_cell(names.of(fire.pico_id), pico_path(fire.pico_id)),
        "turn": link_cell("its turn", event_path(fire.eid)) if fire.eid else None,
        "why": fire.why,
    }
