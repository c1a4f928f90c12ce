"""What became of occurrences: the records of all schedules and sources, newest first, by pages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from fastapi import Request
from nicegui import ui

from picosched.engine.engine import Engine
from picosched.schedule.fire import Fire, Label
from picosched.schedule.scheduled import Outcome
from picosched.web.api.shapes import Names
from picosched.web.console.filtered_list import Fields, FilteredList, Looked
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.parts import (
    Cell,
    Column,
    badge_cell,
    box,
    event_path,
    late_cell,
    link_cell,
    pico_path,
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
    Column("name", "Name"),
    Column("outcome", "Outcome"),
    Column("late", "Late", "number"),
    Column("pico", "Pico"),
    Column("turn", "Turn"),
    Column("why", "Why", "prose"),
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


class _History(FilteredList):
    """The records, with a filter and a place that stand in the URL."""

    def __init__(self, console: Console, given: Mapping[str, str]) -> None:
        with box("head"):
            text("h1", "History")
            text("span", "What became of each occurrence, newest first.", "muted small")
        nothing = "Nothing has come due", "The outcome of each occurrence will appear here."
        fields = partial(_fields, given)
        super().__init__(console, HERE, given, fields, "pico", "Records", COLUMNS, nothing)

    def look(self, engine: Engine, given: Mapping[str, str], after: str | None) -> Looked:
        pico_id = engine.pico(given["pico"]).id if "pico" in given else None
        id, outcome = given.get("id"), given.get("outcome")
        page = engine.read(
            lambda: engine.store.pages.fires(after, ROWS, pico_id=pico_id, id=id, outcome=outcome)
        )
        labels, names = engine.agenda.labels(page.items), Names(engine)
        paths = engine.read(lambda: {each.id: _path(engine, each.id) for each in page.items})
        rows = [_row(each, labels[each.id], paths[each.id], names) for each in page.items]
        return Looked(rows, page.next)


def _fields(given: Mapping[str, str]) -> Fields:
    outcome = given.get("outcome", ANY)
    outcomes = {ANY: "any", **{each.value: each.value for each in Outcome}}
    pico = ui.input("Pico", value=given.get("pico", "")[:200], placeholder="name or id")
    id = ui.input("Schedule", value=given.get("id", "")[:200], placeholder="id")
    return {
        "pico": pico.classes("filter"),
        "id": id.classes("mono"),
        "outcome": ui.select(outcomes, label="Outcome", value=outcome if outcome in outcomes else ANY),
    }


def _path(engine: Engine, id: str) -> str:
    """The path of what came due: a schedule, or the source of an entry. Inside the lock."""
    entry = engine.store.sources.find_entry(id)
    return schedule_path(id) if entry is None else f"/sources/{entry.source_id}"


def _row(fire: Fire, label: Label, path: str, names: Names) -> Mapping[str, Cell]:
    return {
        "key": f"{fire.id} {time_cell(fire.nominal)}",
        "href": event_path(fire.eid) if fire.eid else path,
        "fired": time_cell(fire.fired),
        "due": time_cell(fire.nominal),
        "event": link_cell(label.event, path) if label.event else None,
        "name": label.name,
        "outcome": badge_cell(fire.outcome.value),
        "late": late_cell(fire),
        "pico": link_cell(names.of(fire.pico_id), pico_path(fire.pico_id)),
        "turn": link_cell("its turn", event_path(fire.eid)) if fire.eid else None,
        "why": fire.why,
    }
