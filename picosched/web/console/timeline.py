"""The timeline: fires in the coming day, week or year, by pico and ruleset."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from nicegui import ui
from nicegui.element import Element

from picosched.clock import ticks, to_ms
from picosched.engine.engine import Engine
from picosched.schedule.filter import Filter
from picosched.web.api.shapes import Names
from picosched.web.console.example import try_example
from picosched.web.console.filters import Filters, remember
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.lanes import MOST_ROWS, SPANS, Axis, Lane, Mark, Picture, Track, draw, wanted
from picosched.web.console.local_time import follow_zone, local_text, reader_zone
from picosched.web.console.parts import box, button, empty, panel, pico_path, text
from picosched.web.console.schedule_page import Detail, ruleset_path
from picosched.web.console.steps import label_of

HERE = "/timeline"
REST = 20
"""The least pause between redraws, as a multiple of the time one took."""

DAY = timedelta(days=1)


class Lanes(Element, component="look/lanes.js"):
    """Lanes of marks: `show(axis, lanes)`."""

    def show(self, axis: dict[str, Any], lanes: list[dict[str, Any]]) -> None:
        self.props["axis"], self.props["lanes"] = axis, lanes
        self.update()

    def choose(self, id: str | None) -> None:
        self.props["chosen"] = id
        self.update()


def add_pages(console: Console) -> None:
    """The page of the timeline."""

    @console.page(HERE)
    async def timeline(request: Request) -> None:
        given = dict(request.query_params)
        with frame(console, "Timeline", HERE):
            page = _Page(console, given)
            await page.begin()
        follow_zone(lambda zone: page.refresh())
        every(console, 1.0, page.refresh)


class _Page:
    def __init__(self, console: Console, given: dict[str, str]) -> None:
        self._console = console
        self._span = given.get("span", "day") if given.get("span") in SPANS else "day"
        self._which: Filter | None = Filter()
        self._opened = given.get("open", "")[:100] or None
        """The id of the schedule beside the timeline."""
        self._seen: tuple[object, ...] = ()
        self._shown: tuple[Picture, ZoneInfo] | None = None
        self._rest_until = 0.0
        with box("head"):
            text("h1", "Timeline")
            with box("choice") as group:
                group.props('role="group" aria-label="How far ahead"')
                self._choices = {span: self._choice(span) for span in SPANS}
        with box("filter-bar"):
            self._filters = Filters(console, ("text", "pico", "rid"), given, self._filtered)
        with panel("To come", "") as self._side:
            self._lanes = Lanes().on("open", lambda event: self._open(str(event.args)))
            self._lanes.on("more", lambda event: self._more(event.args))
            self._empty = ui.element("div")
        with (
            ui.dialog().props('position="right" full-height') as self._dialog,
            ui.card().classes("side-panel"),
        ):
            button("Close", self._dialog.close, "small").classes("close")
            self._detail = Detail(console, wide=False)
        self._dialog.on_value_change(lambda event: None if event.value else self._close())

    def _choice(self, span: str) -> Element:
        async def choose() -> None:
            self._span = span
            await self._changed()

        made = text("button", span.capitalize()).props("type=button")
        made.on("click", choose)
        return made

    async def begin(self) -> None:
        await self._filters.offer()
        self._which = await self._filters.filter()
        await self._draw()
        if self._opened:
            await self._open(self._opened)

    async def refresh(self) -> None:
        if self._dialog.value:
            await self._detail.refresh()
        if ticks() >= self._rest_until:
            await self._draw()

    async def _filtered(self) -> None:
        self._which = await self._filters.filter()
        await self._changed()

    async def _changed(self) -> None:
        self._remember()
        self._seen = ()
        with self._console.telling_errors():
            await self._draw()

    async def _draw(self) -> None:
        engine = self._console.engine
        axis, which, zone = Axis.of(self._span, engine.now()), self._which, reader_zone()
        seen = axis, which, zone, engine.commits
        if which is None or seen == self._seen:
            return
        begun = ticks()
        found = await self._console.run(lambda: _looked(engine, which, axis))
        self._rest_until = ticks() + REST * (ticks() - begun)
        self._seen = seen
        for span, choice in self._choices.items():
            choice.props(f"aria-pressed={str(span == self._span).lower()}")
        picture, names, total = found
        if (picture, zone) == self._shown:
            return
        self._shown = picture, zone
        self._lanes.show(
            _axis_props(axis, self._span, zone),
            [_lane_props(lane, names, axis, zone) for lane in picture.lanes],
        )
        self._lanes.set_visibility(bool(picture.lanes))
        if self._side is not None:
            self._side.show(" · ".join((*_summary(picture, total), zone.key)))
        self._empty.clear()
        self._empty.set_visibility(not picture.lanes)
        if not picture.lanes:
            with self._empty:
                _draw_empty(self._console, which)

    def _remember(self) -> None:
        """Put the span, the filter and the schedule that is open into the URL."""
        opened = {"open": self._opened} if self._opened else {}
        remember(HERE, urlencode({"span": self._span, **self._filters.given, **opened}))

    def _close(self) -> None:
        self._opened = None
        self._lanes.choose(None)
        self._remember()

    async def _open(self, id: str) -> None:
        self._opened = id
        self._remember()
        self._lanes.choose(id)
        self._dialog.open()
        with self._console.telling_errors():
            await self._detail.show(id)

    def _more(self, lane: dict[str, str]) -> None:
        ui.navigate.to(f"/schedules?{urlencode(lane)}")


def _looked(engine: Engine, which: Filter, axis: Axis) -> tuple[Picture, Names, int]:
    """The picture for a filter, and the number of rows read; MOST_ROWS + 1 means there are more."""
    rows = engine.agenda.scheduled(wanted(which, axis), MOST_ROWS + 1)
    picture = draw(rows[:MOST_ROWS], axis, engine.settings.granularity)
    names = Names(engine)
    for lane in picture.lanes:
        names.of(lane.pico_id)
    return picture, names, len(rows)


def _summary(picture: Picture, total: int) -> Iterator[str]:
    if total > MOST_ROWS:
        yield f"the {MOST_ROWS} that are due first; filter to see others"
    elif picture.undrawn:
        yield f"{total} scheduled, {picture.undrawn} of them not drawn; filter to see others"
    elif total:
        yield f"{total} scheduled"


def _draw_empty(console: Console, which: Filter) -> None:
    if which == Filter():
        try_example(console, "Nothing is due in this time", "Rules schedule events, when others are raised.")
    else:
        empty("Nothing matches this filter in this time", "Choose a longer time, or a wider filter.")


def _axis_props(axis: Axis, span: str, zone: ZoneInfo) -> dict[str, Any]:
    return {"start": to_ms(axis.start), "end": to_ms(axis.end), "ticks": _ticks(axis, span, zone)}


def _ticks(axis: Axis, span: str, zone: ZoneInfo) -> list[dict[str, Any]]:
    """The positions of lines and labels: hours of a day, days of a week, months of a year, in the zone."""
    found: list[dict[str, Any]] = []
    # Local times without a zone, so that a step is one of the clock on the wall.
    step = timedelta(hours=3) if span == "day" else DAY
    time = axis.start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    while (at := (time := time + step).replace(tzinfo=zone).astimezone(UTC)) < axis.end:
        if at <= axis.start or (span == "year" and time.day != 1):
            continue
        label, strong = f"{time:%H:%M}", time.hour % 6 == 0
        if span == "year":
            label, strong = f"{time:%Y-%m}", time.month % 3 == 1
        elif time.hour == 0:
            label = f"{time:%a %m-%d}"
            strong = span == "day" or time.weekday() in (0, 3)
        found.append({"at": axis.part(at), "label": label, "strong": strong})
    return found


def _lane_props(lane: Lane, names: Names, axis: Axis, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "pico_id": lane.pico_id,
        "rid": lane.rid,
        "pico": names.of(lane.pico_id),
        "pico_href": pico_path(lane.pico_id),
        "rid_href": ruleset_path(lane.rid, lane.pico_id),
        "tracks": [_track_props(track, axis, zone) for track in lane.tracks],
    }


def _track_props(track: Track, axis: Axis, zone: ZoneInfo) -> dict[str, Any]:
    row, number = track.row, _number(track.count, track.more)
    if track.of > 1:
        label, title = f"{track.of:,} more", "only their next times"
    else:
        label, title = label_of(row), f"{row.domain}:{row.type}\n{row.timespec or 'once'}"
    return {
        "id": row.id,
        "of": track.of,
        "label": label,
        "title": title,
        "spoken": f"{number} fires" if track.of == 1 else "show them",
        "paused": row.state if row.paused and track.of == 1 else "",
        "count": f"{number} ×" if track.marks else "–",
        "marks": [_mark_props(mark, axis, zone) for mark in track.marks],
    }


def _number(count: int, more: bool) -> str:
    """A count; if counting stopped early, rounded down with a plus sign."""
    return f"{count // 1000 * 1000 or count:,}+" if more else f"{count:,}"


def _mark_props(mark: Mark, axis: Axis, zone: ZoneInfo) -> dict[str, Any]:
    first = max(0.0, axis.part(mark.first))
    number = _number(mark.count, mark.more)
    when = local_text(mark.first, zone)
    several = f"{number} from {when} to {local_text(mark.last, zone)}"
    return {
        "from": first,
        "to": max(first, axis.part(mark.last)),
        "count": f"{number} ×",
        "title": when if mark.count == 1 else several,
    }
