"""The scheduled events matching a filter, with actions on selected ones or on all matches."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui

from picosched.clock import ticks
from picosched.engine.engine import Engine
from picosched.engine.forecast import windows_of_rows
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Scheduled
from picosched.store.pages import Page
from picosched.web.api.shapes import Names
from picosched.web.console.example import try_example
from picosched.web.console.filters import Filters, remember
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.parts import (
    AT_WORK,
    Cell,
    Column,
    Listing,
    Text,
    badge_cell,
    box,
    button,
    filter_bar,
    link_cell,
    nothing_matches,
    panel,
    pico_path,
    ruleset_path,
    text,
    time_cell,
    wrong_filter,
)
from picosched.web.console.schedule_page import HERE, schedule_path
from picosched.web.console.small_pictures import SmallPictures
from picosched.web.console.steps import Chosen, Steps, counted, label_of, one

FIELDS = ("text", "pico", "rid", "event", "kind", "status", "since", "until")
ROWS = 100
MOST_MARKS = 20
"""Pages before the present one that the URL has."""
MARK = re.compile(r"-?\d{1,18}\.\d{1,18}")
REST = 20
"""The least pause between reads of a list, as a multiple of the time it took."""

COLUMNS = (
    Column("due", "Due", "time"),
    Column("event", "Event", "mono"),
    Column("when", "When", "mono"),
    Column("status", "Status"),
    Column("pico", "Pico"),
    Column("maker", "Made by", "mono"),
    Column("fires", "Fires", "number"),
)


class Choosing(Listing):
    """A list with a checkbox on each row."""

    def __init__(self, caption: str, columns: Sequence[Column], chosen: Callable[[], Any]) -> None:
        super().__init__(caption, columns)
        self.props["picks"], self.props["picked"] = True, []
        self._chosen = chosen
        self.on("pick", lambda event: self.pick([str(key) for key in event.args]))

    @property
    def picked(self) -> list[str]:
        """The keys of the selected rows."""
        return self.props["picked"]  # type: ignore[no-any-return]

    def pick(self, keys: Sequence[str]) -> None:
        self.props["picked"] = [*keys]
        self.update()
        self._chosen()


def add_pages(console: Console) -> None:
    """The page of the list."""

    @console.page(HERE)
    async def schedules(request: Request) -> None:
        with frame(console, "Schedules", HERE):
            page = _Page(console, dict(request.query_params), request.query_params.getlist("after"))
            await page.begin(request.query_params.getlist("chosen"))
        every(console, 1.0, page.refresh)


class _Page:
    def __init__(self, console: Console, given: dict[str, str], after: list[str]) -> None:
        self._console = console
        self._which: Filter | None = None
        self._marks: list[str | None] = [None, *(each for each in after if MARK.fullmatch(each))]
        """The marks after which the visited pages begin; the last is the current page."""
        self._next: str | None = None
        self._rows: dict[str, Scheduled] = {}
        self._seen: tuple[object, ...] = ()
        self._rest_until = 0.0
        self._pictures = SmallPictures()
        self._steps = Steps(console, self._stepped)
        with box("head"):
            text("h1", "Schedules")
            text("span", "Select rows, or act on everything the filter matches.", "muted small")
            ui.link("New schedule", "/new").classes("button primary")
        with filter_bar(any(given.get(each) for each in FIELDS)):
            self._filters = Filters(console, FIELDS, given, self._filtered)
        with panel("Scheduled events", "") as self._side:
            self._list = Choosing("Scheduled events", COLUMNS, self._choose)
            self._empty = ui.element("div")
            with box("line") as self._turning:
                self._back = button("← Sooner", self._sooner, "small")
                self._on = button("Later →", self._later, "small")
            with box("chosen-bar") as self._bar:
                self._count = Text("span", "")
                self._all = button("All that match the filter", self._choose_all, "small")
                for name, step, tone, needs in (
                    ("Pause…", self._steps.pause, "", "paused"),
                    ("Resume", self._steps.resume, "", "resumed"),
                    ("Move…", self._move, "", "moved"),
                    ("Timespec…", self._steps.reschedule, "", "rescheduled"),
                    ("Cancel…", self._steps.cancel, "danger", "cancelled"),
                ):
                    button(name, self._doing(step), f"small {tone}", needs=needs)
                button("None", self._choose_none, "small")
        self._wholly: Chosen | None = None
        self._bar.set_visibility(False)

    async def begin(self, chosen: list[str]) -> None:
        """Show what the URL says: the filter, the page and the rows that are chosen."""
        await self._filters.offer()
        self._which = await self._filters.filter()
        if self._which is None:
            self._list.set_visibility(False)
            self._turning.set_visibility(False)
            with self._empty:
                wrong_filter(HERE)
        with self._console.telling_errors():
            await self._draw()
        if picked := [each for each in chosen[:ROWS] if each in self._rows]:
            self._list.pick(picked)

    async def refresh(self) -> None:
        if ticks() >= self._rest_until:
            await self._draw()

    async def _stepped(self) -> None:
        self._choose_none()
        await self._draw()

    def _remember(self) -> None:
        """Put the filter, the page and what is chosen into the URL."""
        marks = [("after", each) for each in self._marks[-MOST_MARKS:] if each]
        chosen = [("chosen", each) for each in self._list.picked]
        remember(HERE, urlencode([*self._filters.given.items(), *marks, *chosen]))

    async def _filtered(self) -> None:
        self._which = await self._filters.filter()
        self._marks, self._seen = [None], ()
        self._choose_none()
        with self._console.telling_errors():
            await self._draw()

    async def _sooner(self) -> None:
        self._marks.pop()
        self._remember()
        await self._draw()

    async def _later(self) -> None:
        self._marks.append(self._next)
        self._remember()
        await self._draw()

    async def _draw(self) -> None:
        engine, which, mark = self._console.engine, self._which, self._marks[-1]
        seen = which, mark, engine.commits
        if which is None or seen == self._seen:
            return
        begun = ticks()
        (page, names, total), small = await self._console.run(lambda: self._looked(which, mark))
        self._rest_until = ticks() + REST * (ticks() - begun)
        self._seen = seen if self._pictures.complete else ()
        self._next = page.next
        self._rows = {row.id: row for row in page.items}
        self._list.show([_row(row, names, small.get(row.id, {})) for row in page.items])
        self._list.set_visibility(bool(page.items))
        self._back.set_visibility(len(self._marks) > 1)
        self._on.set_visibility(page.next is not None)
        self._turning.set_visibility(len(self._marks) > 1 or page.next is not None)
        if self._side is not None:
            self._side.show(f"{total:,}" if total != 1 else "1")
        self._empty.clear()
        self._empty.set_visibility(not page.items)
        if not page.items:
            with self._empty:
                _draw_empty(self._console, which)

    def _looked(
        self, which: Filter, mark: str | None
    ) -> tuple[tuple[Page[Scheduled], Names, int], dict[str, dict[str, Any]]]:
        found = _looked(self._console.engine, which, mark)
        rows = windows_of_rows(self._console.engine, found[0].items)
        return found, self._pictures.look(rows, self._console.engine.now())

    # Choosing

    def _choose(self) -> None:
        self._wholly = None
        self._remember()
        picked = len(self._list.picked)
        self._bar.set_visibility(picked > 0)
        self._all.set_visibility(True)
        self._count.show(f"{picked} chosen")

    def _choose_none(self) -> None:
        self._list.pick([])

    async def _choose_all(self) -> None:
        which = self._which
        if which is None:
            return
        with self._console.telling_errors():
            count = await self._console.run(lambda: self._console.engine.agenda.count(which))
            self._wholly = counted(which, count)
            self._count.show(f"{self._wholly.words}, chosen")
            self._all.set_visibility(False)

    def _chosen(self) -> Chosen:
        if self._wholly is not None:
            return self._wholly
        picked = self._list.picked
        if len(picked) == 1 and picked[0] in self._rows:
            return one(self._rows[picked[0]])
        return Chosen(tuple(picked), len(picked), f"{len(picked)} chosen")

    def _doing(self, step: Callable[[Chosen], Any]) -> Callable[[], Any]:
        return lambda: step(self._chosen())

    def _move(self, chosen: Chosen) -> None:
        row = self._rows.get(chosen.which) if isinstance(chosen.which, str) else None
        self._steps.move(chosen, row.due if row else None)


def _looked(engine: Engine, which: Filter, mark: str | None) -> tuple[Page[Scheduled], Names, int]:
    page = engine.read(lambda: engine.store.pages.scheduled(which, mark, ROWS))
    names = Names(engine)
    for row in page.items:
        names.of(row.pico_id)
    alone = mark is None and page.next is None
    return page, names, len(page.items) if alone else engine.agenda.count(which)


def _row(row: Scheduled, names: Names, small: Mapping[str, Any]) -> Mapping[str, Cell]:
    event = f"{row.domain}:{row.type}"
    maker: Cell = row.made_by
    if not row.by_person:
        maker = link_cell(row.made_by, ruleset_path(row.rid, row.pico_id, row.line))
    return {
        "key": row.id,
        "href": schedule_path(row.id),
        "spoken": f"choose {label_of(row)}",
        "due": time_cell(row.due),
        "event": link_cell(event, schedule_path(row.id), row.description),
        "when": {"text": _when(row), **small},
        "status": badge_cell(row.state, AT_WORK if row.held else None),
        "pico": link_cell(names.of(row.pico_id), pico_path(row.pico_id)),
        "maker": maker,
        "fires": f"{row.fires:,}",
    }


def _when(row: Scheduled) -> str:
    zone = "" if row.tz == "UTC" else f" ({row.tz})"
    if row.kind == "window":
        return f"window {row.name}{zone}"
    inside = "" if row.window is None else f" in window {row.window}"
    if row.timespec is None:
        return f"{row.name or 'once'}{inside}"
    name = f" · {row.name}" if row.name and row.name != row.timespec else ""
    return f"{row.timespec}{zone}{inside}{name}"


def _draw_empty(console: Console, which: Filter) -> None:
    if which == Filter():
        try_example(console, "Nothing is scheduled", "Rules schedule events, when others are raised.")
    else:
        nothing_matches(f"{HERE}?status=all")
