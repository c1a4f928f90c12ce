"""The month of the timeline: what comes on each day of five weeks, from the Monday of this one, in a zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from nicegui import ui

from picosched.clock import EPOCH
from picosched.schedule.scheduled import Scheduled
from picosched.timespec.rhythm import WEEKDAYS
from picosched.web.console.lanes import COUNTED, MOST_COUNTED, NOWHERE, Axis, Mark, Windows, slots_of_row
from picosched.web.console.parts import box, text
from picosched.web.console.source_lanes import SourceTrack
from picosched.web.console.steps import label_of

WEEKS = 5
SLOT = timedelta(minutes=30)
"""Fires are counted by it, so that days of almost all zones are made of whole ones."""
NAMED = 3
"""Names on a day."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day, and how often what fires on it."""

    date: date
    fires: Counter[str] = field(default_factory=Counter)
    more: set[str] = field(default_factory=set)
    """What fires more often than it was counted."""

    @property
    def total(self) -> int:
        return self.fires.total()


def axis_of_month(now: datetime) -> Axis:
    """The axis up to the end of the fifth week of any zone."""
    start = now - (now - EPOCH) % SLOT
    return Axis(start, SLOT, (timedelta(weeks=WEEKS, days=1)) // SLOT)


def month(
    rows: Iterable[Scheduled],
    tracks: Iterable[SourceTrack],
    now: datetime,
    zone: ZoneInfo,
    granularity: int,
    windows: Windows = NOWHERE,
) -> tuple[Day, ...]:
    """The days, with what fires from now on; `windows` has those of rows that are tied to one."""
    axis, today = axis_of_month(now), now.astimezone(zone).date()
    monday = today - timedelta(today.weekday())
    days = {each: Day(each) for each in (monday + timedelta(step) for step in range(7 * WEEKS))}
    left = MOST_COUNTED
    for row in rows:
        slots = slots_of_row(row, axis, granularity, min(COUNTED, left), windows.get(row.id))
        left = max(0, left - sum(each.count for each in slots.values()))
        for mark in slots.values():
            _count(days, label_of(row), mark, zone)
    for track in tracks:
        for mark in track.marks:
            _count(days, f"{track.source} {track.event}", mark, zone)
    return tuple(days.values())


def _count(days: dict[date, Day], name: str, mark: Mark, zone: ZoneInfo) -> None:
    """Count a mark on its first day; one with more fires than counted may have some on all its days."""
    first, last = (each.astimezone(zone).date() for each in (mark.first, mark.last))
    if first in days:
        days[first].fires[name] += mark.count
    if mark.more:
        for day in days.values():
            if first <= day.date <= last:
                day.fires[name] += 0
                day.more.add(name)


def draw_month(days: Sequence[Day], today: date, zone: ZoneInfo, given: dict[str, str]) -> None:
    """Draw the days as a calendar; each leads to its schedules, with the filter `given`."""
    with ui.element("table").classes("month"):
        text("caption", f"Events of each day, {zone.key}", "only-read")
        with ui.element("thead"), ui.element("tr"):
            for name in WEEKDAYS:
                text("th", name).props("scope=col")
        with ui.element("tbody"):
            for week in range(WEEKS):
                with ui.element("tr"):
                    for day in days[7 * week : 7 * week + 7]:
                        _draw_day(day, today, zone, given)


def _draw_day(day: Day, today: date, zone: ZoneInfo, given: dict[str, str]) -> None:
    with ui.element("td") as cell:
        if day.date < today:
            cell.classes("past")
        elif day.date == today:
            cell.classes("today").props("aria-current=date")
        with box("day"):
            label = f"{day.date:%m-%d}"
            if not day.fires:
                text("span", label, "muted")
                return
            since = datetime.combine(day.date, time.min, zone).astimezone(UTC)
            until = datetime.combine(day.date + timedelta(1), time.min, zone).astimezone(UTC)
            span = {"since": f"{since:%Y-%m-%dT%H:%MZ}", "until": f"{until:%Y-%m-%dT%H:%MZ}"}
            ui.link(label, f"/schedules?{urlencode({**given, **span})}")
            text("b", f"{_short(day.total)}{'+' if day.more else ''}").props["title"] = f"{day.total:,}"
        for name, count in day.fires.most_common(NAMED):
            number = f"{count:,}+" if name in day.more else f"{count:,}"
            text("span", name if number == "1" else f"{number} × {name}", "what").props["title"] = name
        if len(day.fires) > NAMED:
            text("span", f"{len(day.fires) - NAMED:,} more", "what muted")


def _short(count: int) -> str:
    """A number of at most five places, as the cells are small."""
    return f"{count:,}" if count < 10_000 else f"{count // 1_000:,}k"
