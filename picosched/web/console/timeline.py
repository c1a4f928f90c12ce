"""The timeline: fires in the coming day, week or year, by pico and ruleset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from nicegui import ui
from nicegui.element import Element

from picosched.clock import ticks, to_ms
from picosched.engine.engine import Engine
from picosched.engine.forecast import windows_of_rows
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Scheduled
from picosched.web.api.shapes import Names
from picosched.web.console.example import try_example
from picosched.web.console.filters import Filters, remember
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.lanes import MOST_ROWS, Axis, Lane, Mark, Picture, Track, Windows, draw, wanted
from picosched.web.console.local_time import follow_zone, local_text, reader_zone
from picosched.web.console.month import Day, axis_of_month, draw_month, month
from picosched.web.console.parts import (
    box,
    button,
    empty,
    filter_bar,
    named_dialog,
    panel,
    pico_path,
    ruleset_path,
    text,
    wrong_filter,
)
from picosched.web.console.schedule_page import Detail
from picosched.web.console.source_lanes import SourceTrack, by_source, source_tracks
from picosched.web.console.steps import label_of

HERE = "/timeline"
FIELDS = ("text", "pico", "rid")
REST = 20
"""The least pause between redraws, as a multiple of the time one took."""

DAY = timedelta(days=1)
MONTH = "month"
VIEWS = ("day", "week", MONTH, "year")
MANY = 200
"""More fires than this in one mark are told as a number, since a bar of them would be solid."""


class Lanes(Element, component="look/lanes.js"):
    """Lanes of marks: `show(axis, lanes)`."""

    def __init__(self) -> None:
        super().__init__()
        self.props["axis"], self.props["lanes"] = {"start": 0, "end": 1, "ticks": []}, []

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
        self._span = given.get("span", "day") if given.get("span") in VIEWS else "day"
        pico, _, rid = given.get("unfolded", "").partition(" ")
        self._unfolded: tuple[str, str] | None = (pico[:100], rid[:100]) if pico else None
        """The pico and ruleset of the lane that is shown whole."""
        self._which: Filter | None = Filter()
        self._opened = given.get("open", "")[:100] or None
        """The id of the schedule beside the timeline."""
        self._seen: tuple[object, ...] = ()
        self._shown: object = None
        self._rest_until = 0.0
        with box("head"):
            text("h1", "Timeline")
            with box("choice") as group:
                group.props('role="group" aria-label="How far ahead"')
                self._choices = {span: self._choice(span) for span in VIEWS}
        with filter_bar(any(given.get(each) for each in FIELDS)):
            self._filters = Filters(console, FIELDS, given, self._filtered)
        with panel("To come", "") as self._side:
            self._lanes = Lanes().on("open", lambda event: self._open(str(event.args)))
            self._lanes.on("more", lambda event: self._unfold(event.args))
            self._month = ui.element("div")
            self._empty = ui.element("div")
        with (
            named_dialog("A schedule").props('position="right" full-height') as self._dialog,
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
        if self._which is None:
            self._press()
            self._lanes.set_visibility(False)
            with self._empty:
                wrong_filter(HERE)
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
        now, which, zone, unfolded = engine.now(), self._which, reader_zone(), self._unfolded
        axis = axis_of_month(now) if self._span == MONTH else Axis.of(self._span, now)
        seen = axis, which, zone, unfolded, engine.commits
        if which is None or seen == self._seen:
            return
        begun = ticks()
        if self._span == MONTH:
            await self._draw_month(which, axis, zone)
            self._rest_until, self._seen = ticks() + REST * (ticks() - begun), seen
            return
        found = await self._console.run(lambda: _looked(engine, which, axis, unfolded))
        if self._month.is_deleted:
            return
        self._rest_until = ticks() + REST * (ticks() - begun)
        self._seen = seen
        self._press()
        picture, names, total, sources = found
        if (picture, sources, zone) == self._shown:
            return
        self._shown = picture, sources, zone
        self._month.set_visibility(False)
        lanes = [_lane_props(lane, names, axis, zone) for lane in picture.lanes]
        lanes += [_source_props(id, tracks, axis, zone) for id, tracks in by_source(sources)]
        self._lanes.show(_axis_props(axis, self._span, zone), lanes)
        self._lanes.set_visibility(bool(lanes))
        if self._side is not None:
            self._side.show(" · ".join((*_summary(picture, total), zone.key)))
        self._empty.clear()
        self._empty.set_visibility(not lanes)
        if not lanes:
            with self._empty:
                _draw_empty(self._console, which)

    def _remember(self) -> None:
        """Put the span, the filter and the schedule that is open into the URL."""
        opened = {"open": self._opened} if self._opened else {}
        whole = {"unfolded": " ".join(self._unfolded)} if self._unfolded else {}
        remember(HERE, urlencode({"span": self._span, **self._filters.given, **opened, **whole}))

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

    def _press(self) -> None:
        for span, choice in self._choices.items():
            choice.props(f"aria-pressed={str(span == self._span).lower()}")

    async def _draw_month(self, which: Filter, axis: Axis, zone: ZoneInfo) -> None:
        engine = self._console.engine
        days, total = await self._console.run(lambda: _looked_month(engine, which, axis, zone))
        if self._month.is_deleted:
            return
        self._press()
        if (days, zone) == self._shown:
            return
        self._shown = days, zone
        self._lanes.set_visibility(False)
        self._empty.set_visibility(False)
        self._month.set_visibility(True)
        self._month.clear()
        with self._month:
            draw_month(days, engine.now().astimezone(zone).date(), zone, self._filters.given)
        if self._side is not None:
            more = f"of the {MOST_ROWS} schedules that are due first · " if total > MOST_ROWS else ""
            self._side.show(f"{more}{zone.key}")

    async def _unfold(self, lane: dict[str, str]) -> None:
        """Show a lane whole, or folded again."""
        wanted = lane["pico"], lane["rid"]
        self._unfolded = None if self._unfolded == wanted else wanted
        await self._changed()


def _looked_month(engine: Engine, which: Filter, axis: Axis, zone: ZoneInfo) -> tuple[tuple[Day, ...], int]:
    rows = engine.agenda.scheduled(wanted(which, axis), MOST_ROWS + 1)
    tracks, windows = source_tracks(engine, which, axis), _windows(engine, rows)
    days = month(rows[:MOST_ROWS], tracks, engine.now(), zone, engine.settings.granularity, windows)
    return days, len(rows)


def _looked(
    engine: Engine, which: Filter, axis: Axis, unfolded: tuple[str, str] | None
) -> tuple[Picture, Names, int, list[SourceTrack]]:
    """The picture for a filter, and the number of rows read; MOST_ROWS + 1 means there are more."""
    rows = engine.agenda.scheduled(wanted(which, axis), MOST_ROWS + 1)
    windows = _windows(engine, rows)
    picture = draw(rows[:MOST_ROWS], axis, engine.settings.granularity, unfolded, windows)
    names = Names(engine)
    for lane in picture.lanes:
        names.of(lane.pico_id)
    return picture, names, len(rows), source_tracks(engine, which, axis)


def _windows(engine: Engine, rows: Sequence[Scheduled]) -> Windows:
    windowed = [row for row in rows if row.window is not None]
    return {row.id: window for row, window in windows_of_rows(engine, windowed)}


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
        more = "Choose a longer time, or a wider filter."
        empty("Nothing matches this filter in this time", more, None, ("Show all", HERE))


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
        "rid_href": ruleset_path(lane.rid, lane.pico_id) if lane.rid else None,
        "rid_shown": None if lane.rid else "by people",
        "tracks": [_track_props(track, axis, zone) for track in lane.tracks],
    }


def _track_props(track: Track, axis: Axis, zone: ZoneInfo) -> dict[str, Any]:
    row, number = track.row, _number(track.count, track.more)
    if track.of > 1:
        label, title = f"{track.of:,} more", "only their next times; open them"
    else:
        label, title = label_of(row), f"{row.event}\n{row.timespec or 'once'}"
    return {
        "id": row.id,
        "of": track.of,
        "label": label,
        "title": title,
        "spoken": f"{number} fires" if track.of == 1 else "show them",
        "paused": row.state if row.paused and track.of == 1 else "",
        "folds": track.unfolded,
        "count": number if track.marks else "–",
        "marks": [_mark_props(mark, axis, zone) for mark in track.marks],
    }


def _source_props(id: str, tracks: list[SourceTrack], axis: Axis, zone: ZoneInfo) -> dict[str, Any]:
    href = f"/sources/{quote(id, safe='')}"
    return {
        "pico_id": "",
        "rid": id,
        "pico": tracks[0].source,
        "pico_href": href,
        "rid_href": "/sources",
        "rid_shown": "source",
        "tracks": [
            {
                "id": track.id,
                "of": 1,
                "href": href,
                "label": track.event,
                "title": track.event,
                "spoken": f"{_number_of(track.marks)} fires",
                "paused": "",
                "count": _number_of(track.marks),
                "marks": [_mark_props(mark, axis, zone) for mark in track.marks],
            }
            for track in tracks
        ],
    }


def _number_of(marks: Sequence[Mark]) -> str:
    return _number(sum(each.count for each in marks), any(each.more for each in marks))


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
        "count": number,
        "many": mark.count > MANY,
        "title": when if mark.count == 1 else several,
    }
