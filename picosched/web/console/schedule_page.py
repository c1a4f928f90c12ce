"""One scheduled event: when it fires, its history, its origin, and actions on it.

`Detail` is used both next to the timeline and on the event's own page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from nicegui import ui
from nicegui.element import Element

from picosched.engine.engine import Engine
from picosched.engine.forecast import next_times, window_of_row
from picosched.errors import PicoschedError
from picosched.schedule.chain import Why
from picosched.schedule.explained import explained
from picosched.schedule.fire import Fire
from picosched.schedule.forecast import USUAL_DAYS
from picosched.schedule.scheduled import Scheduled
from picosched.schedule.shown import facts
from picosched.schedule.window import Unset, Window
from picosched.schedule.within import Within
from picosched.web.console.elsewhere import missing
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.not_firing_panel import draw_not_firing, will_not_fire
from picosched.web.console.parts import (
    AT_WORK,
    TONES,
    Column,
    JsonTree,
    Listing,
    badge,
    badge_cell,
    box,
    event_path,
    late_cell,
    link_cell,
    long_name,
    moment,
    panel,
    path_path,
    pico_path,
    ruleset_path,
    text,
    time_cell,
)
from picosched.web.console.pictures import draw_lateness, draw_rhythm
from picosched.web.console.steps import Steps, label_of
from picosched.web.console.why_form import WhyForm, draw_why

HERE = "/schedules"
NEXT_TIMES, FIRES = 8, 60

HISTORY = (
    Column("nominal", "Due", "time"),
    Column("asked", "Asked for", "time"),
    Column("outcome", "Outcome"),
    Column("late", "Late", "number"),
    Column("rules", "Rules", "mono"),
    Column("why", "More", "prose"),
)


def schedule_path(id: str) -> str:
    return f"{HERE}/{quote(id, safe='')}"


def add_pages(console: Console) -> None:
    """The page of a scheduled event."""

    @console.page(f"{HERE}/{{id}}")
    async def schedule(id: str) -> None:
        state = await console.run(lambda: look(console.engine, id))
        if state is None:
            missing(
                console,
                f"No scheduled event has the id “{id[:100]}”",
                "Its record may have been deleted with old history.",
                HERE,
            )
            return
        with frame(console, label_of(state.row), HERE):
            detail = Detail(console, wide=True)
            await detail.show(id)
            every(console, 1.0, detail.refresh)


@dataclass(frozen=True, slots=True)
class State:
    """The state of a scheduled event."""

    row: Scheduled
    pico: str
    fires: tuple[Fire, ...]
    window: Window | Unset | None = None

    @property
    def shut(self) -> str | None:
        """Why its window stays closed."""
        return None if self.window is None else self.window.why_shut


def look(engine: Engine, id: str) -> State | None:
    """Read the state of a scheduled event; None if it does not exist."""

    def work() -> State | None:
        row = engine.store.agenda.find(id)
        if row is None or not row.is_schedule:
            return None
        pico = engine.store.picos.find_pico(row.pico_id)
        fires = engine.store.agenda.fires(id=id, limit=FIRES)
        return State(row, row.pico_id if pico is None else pico.name, tuple(fires))

    state = engine.read(work)
    return None if state is None else replace(state, window=window_of_row(engine, state.row))


class Detail:
    """Shows a scheduled event and keeps it up to date; `wide` for the full page.

    Only changed parts are redrawn, so that an event firing each second does not steal focus from a button
    or collapse what the user expanded.
    """

    def __init__(self, console: Console, *, wide: bool) -> None:
        self._console = console
        self._wide = wide
        self._id: str | None = None
        self._steps = Steps(console, self.refresh)
        self._drawn: dict[str, object] = {}
        self._head = ui.element("div").classes("stack")
        with box("grid" if wide else "stack"):
            with panel("When"):
                self._times, self._rhythm = (ui.element("div").classes("stack-small") for _ in range(2))
            with panel("Details"):
                self._facts = ui.element("div")
        with panel("History", "") as self._side:
            self._history = ui.element("div").classes("stack-small")
        self._why: Element | None = None
        if wide:
            with panel("Will not fire", f"in the next {USUAL_DAYS} days"):
                self._not_firing = ui.element("div").classes("stack-small")
            with panel("Why"):
                self._why = ui.element("div").classes("stack-small")
                WhyForm(console, lambda: self._id or "")

    async def show(self, id: str) -> None:
        """Show the event with this id."""
        self._id, self._drawn = id, {}
        await self.refresh()

    async def refresh(self) -> None:
        """Show changes."""
        id = self._id
        if id is None:
            return
        state = await self._console.run(lambda: look(self._console.engine, id))
        if state is None or self._head.is_deleted or id != self._id:
            return
        row, engine = state.row, self._console.engine
        lasting = replace(row, due=None, asked=None, fires=0, fired=None, moved_from=None, spaced_from=None)
        head = lasting, row.due is None
        self._draw("head", self._head, head, lambda: self._draw_head(row))
        within = head, state.window
        self._draw("rhythm", self._rhythm, within, lambda: _draw_rhythm(row, state.window, engine.now()))
        facts = lasting, state.pico, state.shut
        self._draw("facts", self._facts, facts, lambda: _draw_facts(row, state.pico, state.shut))
        self._draw("history", self._history, state.fires, lambda: _draw_history(state.fires))
        if self._side is not None:
            self._side.show(f"the last {len(state.fires)}" if len(state.fires) == FIRES else "")
        timed = row, state.window
        if self._drawn.get("times") != timed:
            times = await self._console.run(lambda: next_times(engine, row, state.window, NEXT_TIMES))
            if self._times.is_deleted or id != self._id:
                return
            self._draw("times", self._times, timed, lambda: _draw_times(state, times, engine.now()))
        matter = row, state.fires
        if self._why is not None and self._drawn.get("why") != matter:
            found = await self._console.run(lambda: engine.why(id))
            if not self._why.is_deleted and id == self._id:
                self._draw("why", self._why, matter, lambda: _draw_why(found))
        if self._wide:
            hour = lasting, state.window, engine.now().replace(minute=0, second=0, microsecond=0)
            await self._foresee(id, hour)

    async def _foresee(self, id: str, matter: object) -> None:
        """What will not fire, anew each hour and after changes."""
        if self._drawn.get("not firing") == matter:
            return
        found = await self._console.run(lambda: will_not_fire(self._console.engine, id))
        if not self._not_firing.is_deleted and id == self._id:
            self._draw("not firing", self._not_firing, matter, lambda: draw_not_firing(found))

    def _draw(self, part: str, place: Element, matter: object, draw: Callable[[], None]) -> None:
        if part in self._drawn and self._drawn[part] == matter:
            return
        self._drawn[part] = matter
        place.clear()
        with place:
            draw()

    def _draw_head(self, row: Scheduled) -> None:
        with box("head"):
            if self._wide:
                long_name("h1", label_of(row))
            else:
                text("h2", label_of(row)).style("margin-right: auto; overflow-wrap: anywhere")
                ui.link("Open its page", schedule_path(row.id))
            if self._wide:
                ui.link("Its path", path_path(row.id)).props('title="what led here, and what came of it"')
            badge(f"held: {AT_WORK}" if row.held else row.state, TONES.get(row.state, ""))
        if row.description:
            text("p", row.description, "muted")
        self._steps.buttons(row)


def _draw_why(why: Why) -> None:
    """The chain of its last occurrence; its times stand above."""
    draw_why(
        replace(why, links=tuple(each for each in why.links if not (each.held and each.name == "timetable")))
    )


def _draw_times(state: State, times: Sequence[datetime], now: datetime) -> None:
    row = state.row
    if row.kind == "repeat":
        told = explained(row, now)
        text("p", told.words, "words")
        text("code", row.timespec or "", "mono")
        if told.ending:
            text("p", told.ending, "bad-text")
        if told.left_out:
            text("p", f"Left out: {'; '.join(map(str, told.left_out))}", "muted small")
    elif row.kind == "window":
        text("p", f"The edges of the window {row.name}", "words")
        text("code", row.timespec or "", "mono")
    else:
        text("p", "Once" if row.fired is None else "Once; it has fired", "words")
    _draw_next(row, times, state.shut)
    text("p", _fired(row), "muted small")


def _fired(row: Scheduled) -> str:
    if row.count is not None:
        return f"Fired {row.fires:,} of {row.count:,} times"
    return {0: "Not fired yet", 1: "Fired once"}.get(row.fires, f"Fired {row.fires:,} times")


def _draw_rhythm(row: Scheduled, window: Window | Unset | None, now: datetime) -> None:
    try:
        timespec = None if row.due is None else row.repeats
    except PicoschedError:  # the words above say why
        return
    if timespec is not None and not isinstance(window, Unset):
        draw_rhythm(timespec if window is None else Within(timespec, window), now)


def _draw_next(row: Scheduled, times: Sequence[datetime], shut: str | None) -> None:
    if row.paused:
        with box("line"):
            pause = "Paused until" if row.paused_until else "Paused until it is resumed; due"
            text("span", "Held until the one before has ended; due" if row.held else pause)
            moment(row.paused_until or row.due)
        return
    if not times:
        text("p", "No next times." if shut is None else f"No next times: {shut}.", "muted")
        return
    with ui.element("ol").classes("times").props('aria-label="Next times"'):
        for time in times:
            with ui.element("li"):
                moment(time)
    if row.asked is not None:
        with box("line small muted"):
            text("span", "The next one was asked for at")
            moment(row.asked)
    if row.moved_from is not None:
        did = f"is try {row.tries + 1} of" if row.tries else "was moved from"
        with box("line small muted"):
            text("span", f"The next one {did}")
            moment(row.moved_from)


def _draw_facts(row: Scheduled, pico: str, shut: str | None) -> None:
    with ui.element("dl").classes("facts"):
        _fact("Event", f"{row.domain}:{row.type}", mono=True)
        with _said("Pico"):
            ui.link(pico, pico_path(row.pico_id))
        with _said("Made by"):
            if row.by_person:
                text("span", row.made_by)
            else:
                long_name("a", row.made_by, "mono", ruleset_path(row.rid, row.pico_id, row.line))
        with _said("Made"):
            moment(row.created)
        for label, value in facts(row).items():
            _fact(label.capitalize(), value)
        _fact("Zone", row.tz if row.timespec else None)
        if row.until is not None:
            with _said("Until"):
                moment(row.until)
        _fact("If missed", None if row.misfire is None else f"{row.misfire.value} (its own policy)")
        _fact("Jitter", f"delayed by {row.put_off.total_seconds():g} s" if row.jitter else None)
        _fact("Window", row.window)
        _fact("Closed", shut)
        _fact("Id", row.id, mono=True)
        with _said("Attributes"):
            JsonTree(dict(row.attrs))


def _said(name: str) -> Element:
    text("dt", name)
    return ui.element("dd")


def _fact(name: str, value: str | None, *, mono: bool = False) -> None:
    if value is not None:
        with _said(name):
            long_name("span", value, "mono" if mono else "")


def _draw_history(fires: tuple[Fire, ...]) -> None:
    if not fires:
        text("p", "Not due yet.", "muted")
        return
    draw_lateness(fires)
    columns = HISTORY if any(fire.asked for fire in fires) else (HISTORY[0], *HISTORY[2:])
    Listing("Occurrences", columns).show(
        [
            {
                "key": f"{fire.nominal.isoformat()}",
                "nominal": time_cell(fire.nominal),
                "asked": None if fire.asked is None else time_cell(fire.asked),
                "outcome": badge_cell(fire.outcome.value, _several(fire)),
                "late": late_cell(fire),
                "rules": ", ".join(fire.rules) or None,
                "why": link_cell(fire.why or "its turn", event_path(fire.eid)) if fire.eid else fire.why,
            }
            for fire in fires
        ]
    )


def _several(fire: Fire) -> str | None:
    return f"stands for {fire.stands_for:,} occurrences" if fire.stands_for > 1 else None
