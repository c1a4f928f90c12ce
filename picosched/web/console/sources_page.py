"""Sources: their targets, next due times and latest outcomes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from nicegui import ui

from picosched.clock import EPOCH, format_time
from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.schedule.fire import Fire
from picosched.sources.source import METRONOME
from picosched.sources.state import EntryState, SourceState
from picosched.web.console.elsewhere import missing
from picosched.web.console.frame import Console, every, frame, notify
from picosched.web.console.list_page import ListPage, Section, add_list
from picosched.web.console.local_time import local_text, reader_zone
from picosched.web.console.parts import (
    AT_WORK,
    Cell,
    Column,
    JsonTree,
    Listing,
    badge,
    badge_cell,
    box,
    button,
    confirmed,
    empty,
    event_path,
    late_cell,
    link_cell,
    long_name,
    moment,
    panel,
    pico_path,
    text,
    time_cell,
)

HERE = "/sources"

COLUMNS = (
    Column("name", "Source"),
    Column("type", "Type"),
    Column("to", "Goes to"),
    Column("due", "Next", "time"),
    Column("state", "State"),
    Column("last", "Last outcome"),
    Column("why", "Why", "prose"),
    Column("fires", "Fires", "number"),
    Column("failed", "Failed", "number"),
    Column("missed", "Missed", "number"),
    Column("do", "Actions", "actions"),
)
ENTRIES = (
    Column("name", "Entry"),
    Column("event", "Event", "mono"),
    Column("when", "When"),
    Column("due", "Next", "time"),
    Column("outcome", "Last outcome"),
    Column("fired", "Last", "time"),
    Column("error", "Why", "prose"),
    Column("fires", "Fires", "number"),
    Column("failed", "Failed", "number"),
    Column("missed", "Missed", "number"),
)
RECORDS = (
    Column("due", "Due", "time"),
    Column("entry", "Entry"),
    Column("outcome", "Outcome"),
    Column("why", "Why", "prose"),
    Column("late", "Late", "number"),
)
MISSED = "came due while no server ran or was free for it, and were not raised, as their misfire policy says"
SHOWN = 20
"""Occurrences on the page of a source."""


def add_pages(console: Console) -> None:
    """The list, and the page of a source."""

    section = Section("Declared", "Sources", COLUMNS, _sources, _row, _nothing)
    add_list(console, HERE, "Sources", section, act=_act_in_list, head=_new)

    @console.page(f"{HERE}/{{id}}")
    async def source(id: str) -> None:
        state = await console.run(lambda: _found(console.engine, id))
        if state is None:
            missing(console, f"There is no source “{id[:100]}”", "It may have been removed.", HERE)
            return
        with frame(console, _label(state), HERE):
            page = _Source(console, id)
            await page.refresh()
        every(console, 1.0, page.refresh)


def _new(_page: ListPage) -> None:
    ui.link("New schedule", "/new").classes("button primary")


def _nothing(_: ListPage) -> None:
    more = (
        "A source raises events by its own clock or calendar. One of a timespec is made here;"
        " metronomes and tables of many entries are declared in picosched.toml."
    )
    empty("There are no sources", more, None, ("New schedule", "/new"))


def _sources(engine: Engine) -> list[tuple[SourceState, Cell]]:
    """The sources, each with what it goes to."""
    return [(each, _target(engine, each)) for each in engine.sources()]


def _target(engine: Engine, state: SourceState) -> Cell:
    pico = state.to.get("pico")
    if pico is not None:
        with suppress(PicoschedError):  # it is gone, or its name is no longer of one alone
            found = engine.pico(pico)
            return link_cell(found.name or found.id, pico_path(found.id))
    return ", ".join(f"{kind} {name}" for kind, name in state.to.items())


async def _act_in_list(page: ListPage, action: str, id: str) -> None:
    with page.home:
        await _act(page.console, page.refresh, action, id)


async def _act(console: Console, refresh: Callable[[], Awaitable[None]], action: str, id: str) -> None:
    """Pause, resume or remove a source, in a parent that stays."""
    engine = console.engine
    with console.telling_errors():
        if action == "remove":
            more = "It will raise no more events. Its history is kept."
            if await confirmed("Remove this source?", more, "Remove it"):
                await console.run(lambda: engine.remove_source(id))
                notify("The source is removed")
        else:
            step = engine.pause_source if action == "pause" else engine.resume_source
            done = await console.run(lambda: step(id))
            notify(f"It is {action}d" if done else "Nothing changed", "good" if done else "warn")
        await refresh()


class _Source:
    def __init__(self, console: Console, id: str) -> None:
        self._console = console
        self._home = ui.element("div").classes("apart")
        """Parent of dialogs and messages, because the rest may be redrawn meanwhile."""
        self._id = id
        self._shown: SourceState | None = None
        self._place = ui.element("div").classes("stack")

    async def refresh(self) -> None:
        state = await self._console.run(lambda: _found(self._console.engine, self._id))
        if state == self._shown or self._place.is_deleted:
            return
        self._shown = state
        records = await self._console.run(lambda: _records(self._console.engine, state))
        if self._place.is_deleted:
            return
        self._place.clear()
        with self._place:
            if state is None:
                empty(
                    "This source was removed",
                    "Its history is kept.",
                    None,
                    ("Sources", HERE),
                    ("History", "/history"),
                )
            else:
                self._draw(state, records)

    async def _act(self, action: str) -> None:
        with self._home:
            await _act(self._console, self.refresh, action, self._id)

    def _draw(self, state: SourceState, records: Sequence[Fire]) -> None:
        with box("head"):
            long_name("h1", _label(state))
            badge("paused" if state.paused else "running", "warn" if state.paused else "good")
        with box("steps"):
            for action in _actions(state):
                name, tone = str(action["name"]), str(action["tone"])
                button(
                    str(action["text"]),
                    lambda name=name: self._act(name),
                    f"small {tone}",
                    needs=action["needs"],
                )
        if state.error:
            text("p", state.error, "bad-text")
        with panel("Entries", f"{len(state.entries)}"):
            Listing("Entries", ENTRIES).show([_entry(each) for each in state.entries])
        if state.missed:
            text("p", f"Missed: occurrences that {MISSED}.", "muted small")
        with panel("Latest occurrences"):
            if state.type == METRONOME:
                text("p", "Ticks of a metronome are counted, and have no records.", "muted")
            elif not records:
                text("p", "None is on record yet.", "muted")
            else:
                names = {each.id: each.name for each in state.entries}
                Listing("Latest occurrences", RECORDS).show([_record(each, names) for each in records])
        with panel("Declaration", "in picosched.toml" if state.configured else "added at run time"):
            with box("line muted small"):
                text("span", "Made")
                moment(state.created)
                if state.waiting:
                    text("span", f"{state.waiting:,} events wait for the other engine")
            JsonTree(dict(state.declaration))


def _found(engine: Engine, id: str) -> SourceState | None:
    return next((each for each in engine.sources() if id in (each.id, each.name)), None)


def _records(engine: Engine, state: SourceState | None) -> list[Fire]:
    """What became of the latest occurrences of its entries, newest first."""
    entries = [] if state is None else sorted(state.entries, key=_last_fired, reverse=True)[:SHOWN]
    found = [each for entry in entries for each in engine.history(id=entry.id, limit=SHOWN)]
    return sorted(found, key=lambda each: each.fired, reverse=True)[:SHOWN]


def _record(record: Fire, names: Mapping[str, str]) -> Mapping[str, Cell]:
    turn = None if record.eid is None else event_path(record.eid)
    return {
        "key": f"{record.id} {format_time(record.nominal)}",
        "href": turn,
        "due": time_cell(record.nominal),
        "entry": names[record.id] if turn is None else link_cell(names[record.id], turn, "its turn"),
        "outcome": badge_cell(record.outcome.value),
        "why": record.why,
        "late": late_cell(record),
    }


def _last_fired(entry: EntryState) -> datetime:
    return entry.fired or EPOCH


def _failed(count: int, in_a_row: int = 0) -> Cell:
    row = f", {in_a_row:,} in a row" if in_a_row and in_a_row < count else ""
    return {"text": f"{count:,}{row}", "tone": "bad"} if count else "0"


def _missed(count: int) -> Cell:
    return {"text": f"{count:,}", "title": f"{count:,} occurrences {MISSED}"}


def _label(state: SourceState) -> str:
    return state.name or f"{state.type} {state.id[:8]}"


def _actions(state: SourceState) -> list[dict[str, str]]:
    going = {"name": "pause", "text": "Pause", "tone": "", "needs": "paused"}
    if state.paused:
        going = {"name": "resume", "text": "Resume", "tone": "primary", "needs": "resumed"}
    remove = {"name": "remove", "text": "Remove…", "tone": "danger", "needs": "removed"}
    return [going] if state.configured else [going, remove]


def _row(listed: tuple[SourceState, Cell]) -> Mapping[str, Cell]:
    state, target = listed
    last = max(state.entries, key=_last_fired, default=None)
    until = f"until {local_text(state.paused_until, reader_zone())}" if state.paused_until else None
    return {
        "key": state.id,
        "href": f"{HERE}/{state.id}",
        "name": link_cell(_label(state), f"{HERE}/{state.id}"),
        "type": state.type,
        "to": target,
        "due": time_cell(state.due),
        "state": badge_cell("paused", until) if state.paused else {"text": "running", "tone": "good"},
        "last": badge_cell(last.outcome.value, last.error) if last and last.outcome else None,
        "why": last.error if last else None,
        "fires": f"{state.fires:,}",
        "failed": _failed(sum(each.failed for each in state.entries)),
        "missed": _missed(state.missed),
        "do": _actions(state),
    }


def _entry(entry: EntryState) -> Mapping[str, Cell]:
    return {
        "key": entry.id,
        "name": entry.name,
        "event": entry.event,
        "when": entry.when,
        "due": badge_cell("held", AT_WORK) if entry.held else time_cell(entry.due),
        "outcome": badge_cell(entry.outcome.value) if entry.outcome else None,
        "fired": time_cell(entry.fired),
        "fires": f"{entry.fires:,}",
        "failed": _failed(entry.failed, entry.failures),
        "missed": _missed(entry.missed),
        "error": entry.error,
    }
