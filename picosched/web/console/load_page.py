"""Load: how many events come in each hour of the coming week, the fullest minutes, and a free one.

The same as `picosched load` tells, from the same values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from nicegui import ui

from picosched.clock import format_time
from picosched.engine.forecast import LOAD_DAYS
from picosched.schedule.load import Full, Load, What
from picosched.web.console.frame import Console, every, frame, once_connected
from picosched.web.console.local_time import follow_zone, reader_zone
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    box,
    button,
    empty,
    moment,
    panel,
    show_either,
    text,
)
from picosched.web.console.pictures import draw_hours
from picosched.web.console.shared_load import SharedLoad

HERE = "/load"
SECONDS = 60.0
"""Between two counts: each looks at all that comes in a week."""
AHEAD = timedelta(days=LOAD_DAYS)
NAMED = 5
"""What comes in a minute is named up to this number."""

FULLEST = (
    Column("at", "Minute", "time"),
    Column("count", "Events", "number"),
    Column("what", "Of", "prose"),
)
STEADY = (
    Column("what", "What"),
    Column("rate", "Each minute", "number"),
)


def add_pages(console: Console) -> None:
    """The page of the load."""
    coming = SharedLoad(console.shared, AHEAD, least_rest=0.0)

    @console.page(HERE)
    async def load() -> None:
        with frame(console, "Load", HERE):
            with box("head"):
                text("h1", "Load")
            page = _Page(console, coming)
            if coming.is_quick:
                with console.telling_errors():
                    await page.refresh()
            else:
                once_connected(console, page.refresh)

        async def use(zone: ZoneInfo) -> None:
            page.zone = zone
            await page.refresh()

        follow_zone(use)
        every(console, SECONDS, page.refresh)


class _Page:
    def __init__(self, console: Console, coming: SharedLoad) -> None:
        self._console, self._coming = console, coming
        self.zone = reader_zone()
        with panel("The coming week by the hour", "counting…") as self._side:
            self._hours = ui.element("div").classes("stack-small")
        with box("grid"):
            with panel("The fullest minutes"):
                self._fullest = Listing("The fullest minutes", FULLEST)
                self._nothing = empty("Nothing comes this week", "Schedules and sources raise events.")
                self._fullest.set_visibility(False)
                self._nothing.set_visibility(False)
            with panel("A free minute"):
                self._ask()
        with ui.element("div") as self._always, panel("In every minute"):
            self._steady = Listing("What comes in every minute", STEADY)
        self._always.set_visibility(False)

    def _ask(self) -> None:
        text("p", "Where a timespec would meet the fewest others:", "muted small")
        with box("line"):
            spec = ui.input("Timespec", placeholder="0 9 * * 1-5").props("maxlength=4000 stack-label")
            zone = ui.input("Zone", value=self.zone.key).props("maxlength=64 stack-label")
            go = button("Suggest", tone="primary")
        found = ui.element("div").classes("stack-small").props('role="status"')

        async def ask() -> None:
            wanted, tz = (spec.value or "").strip(), (zone.value or "").strip() or "UTC"
            found.clear()
            with found, self._console.telling_errors():
                load = await self._console.run(lambda: self._console.engine.load(suggest=wanted, tz=tz))
                for line in load.suggestion.lines() if load.suggestion else ():
                    text("p", line.strip(), "words" if line == line.strip() else "")

        spec.on("keydown.enter", ask)
        go.on("click", ask)

    async def refresh(self) -> None:
        found = await self._console.run(self._coming.look)
        if self._hours.is_deleted:
            return
        if self._side is not None:
            self._side.show(f"{found.total:,} event{'s' * (found.total != 1)}, {self.zone.key}")
        self._hours.clear()
        with self._hours:
            _draw(found, self.zone)
        self._fullest.show([_row(each) for each in found.fullest])
        show_either(self._fullest, self._nothing, bool(found.fullest))
        self._steady.show(
            [{"key": what.id, "what": _shown(what), "rate": f"{rate:g}"} for what, rate in found.steady]
        )
        self._always.set_visibility(bool(found.steady))


def _draw(found: Load, zone: ZoneInfo) -> None:
    first, last = found.since.astimezone(zone).date(), found.complete.astimezone(zone).date()
    rows = {f"{first + timedelta(day):%a %m-%d}": Counter[int]() for day in range((last - first).days + 1)}
    for at, count in found.hours.items():
        local = at.astimezone(zone)
        rows[f"{local:%a %m-%d}"][local.hour] += count
    draw_hours(rows, f"Events in each hour of the coming week, {zone.key}", classes="load")
    if found.hours:
        text("p", f"The darkest: {max(found.hours.values()):,} in an hour", "muted small")
    if found.complete < found.until:
        with box("line small bad-text"):
            text("span", "There is too much to count all; it was counted up to")
            moment(found.complete)


def _row(full: Full) -> Mapping[str, Cell]:
    named = [f"{count:,} × {_shown(what)}" for what, count in full.what[:NAMED]]
    more = [f"{len(full.what) - NAMED:,} others"] if len(full.what) > NAMED else []
    return {
        "key": format_time(full.at),
        "at": format_time(full.at),
        "count": f"{full.count:,}",
        "what": ", ".join([*named, *more]),
    }


def _shown(what: What) -> str:
    return f"{what.event} ({what.of})"
