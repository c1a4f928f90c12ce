"""Small pictures built from elements: when a timespec fires, and how late fires were."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

from nicegui import ui

from picosched.schedule.fire import Fire
from picosched.timespec.rhythm import MOST, WEEKDAYS, Kind, Times, Year, fires_by_hour, month_end
from picosched.web.console.local_time import local_text, reader_zone
from picosched.web.console.parts import TONES, Text, late_text, text

LEVELS = 4
LEAST = 0.001
"""Seconds; shorter lateness is not drawn."""


def draw_rhythm(timespec: Times, since: datetime, kind: Kind | None = None) -> None:
    """Draw the coming week or year, whichever fits, or `kind`."""
    year = Year(timespec, since)
    if (kind or year.fitting()) == "year":
        _draw_year(year)
    else:
        _draw_week(timespec, since)


def _draw_week(timespec: Times, since: datetime) -> None:
    fires = fires_by_hour(timespec, since)
    most = max(fires.values(), default=1)
    rows = {
        name: {hour: fires.get((weekday, hour), 0) for hour in range(24)}
        for weekday, name in enumerate(WEEKDAYS)
    }
    draw_hours(rows, f"Fires in each hour of the coming week, {timespec.tz}", _up_to_most)
    text("p", f"The coming week by the hour, {timespec.tz}; the darkest: {_up_to_most(most)}", "muted small")


def _up_to_most(count: int) -> str:
    return f"more than {MOST}" if count > MOST else str(count)


def draw_hours(
    rows: Mapping[str, Mapping[int, int]], caption: str, told: Callable[[int], str] = str, classes: str = ""
) -> None:
    """Draw a row of hours for each name: the more comes in one, the darker it is."""
    most = max((count for hours in rows.values() for count in hours.values()), default=0) or 1
    with ui.element("table").classes(f"rhythm {classes}"):
        text("caption", caption, "only-read")
        with ui.element("thead"), ui.element("tr"):
            ui.element("td").classes("none")
            for hour in range(0, 24, 6):
                text("th", f"{hour:02}").props("colspan=6 scope=col")
        with ui.element("tbody"):
            for name, hours in rows.items():
                with ui.element("tr"):
                    text("th", name).props("scope=row")
                    for hour in range(24):
                        count = hours.get(hour, 0)
                        span = f"{name} {hour:02}:00 to {hour + 1:02}:00"
                        _cell(-(-count * LEVELS // most), f"{span}: {told(count)}")


def _draw_year(year: Year) -> None:
    with ui.element("table").classes("rhythm year"):
        text("caption", f"Days on which it fires until {year.last}", "only-read")
        with ui.element("thead"), ui.element("tr"):
            ui.element("td").classes("none")
            for number in range(1, 32):
                text("th", str(number) if number in (1, 10, 20, 30) else "").props("scope=col")
        with ui.element("tbody"):
            for month in year.months:
                with ui.element("tr"):
                    text("th", f"{month:%b} {month.year:04}").props("scope=row")
                    for day in _days(month):
                        fires = day in year.days
                        if day < year.today:
                            text("td", "", "none")
                        else:
                            _cell(LEVELS if fires else 0, f"{day:%a} {day}{': fires' if fires else ''}")
                    for _ in range(31 - month_end(month).day):
                        text("td", "", "none")
    count = len(year.days)
    text("p", f"{count} day{'s' * (count != 1)} on which it fires, until {year.last}", "muted small")


def _days(month: date) -> list[date]:
    return [month + timedelta(step) for step in range((month_end(month) - month).days + 1)]


def _cell(level: int, title: str) -> Text:
    cell = Text("td", "")
    cell.props["title"] = title
    return cell.classes(f"l{level}" if level else "")


def draw_lateness(fires: Sequence[Fire]) -> None:
    """Draw the lateness of fires, given newest first, drawn oldest first."""
    raised = [fire for fire in reversed(fires) if fire.eid is not None and fire.lateness >= 0]
    if len(raised) < 2:
        return
    most, zone = max(fire.lateness for fire in raised), reader_zone()
    if most < LEAST:
        text("p", f"The last {len(raised)} fires were not late at all.", "muted small")
        return
    with ui.element("div").classes("lateness").props('role="img"') as chart:
        chart.props["aria-label"] = f"How late the last {len(raised)} fires were: at most {late_text(most)}"
        for fire in raised:
            height = 100 * fire.lateness / most if most else 0
            bar = ui.element("span").classes(TONES.get(fire.outcome.value, "quiet"))
            bar.style(f"height: max(2px, {height:.1f}%)")
            bar.props["title"] = (
                f"{local_text(fire.nominal, zone)} · {fire.outcome.value} · {late_text(fire.lateness)}"
            )
    text("p", f"How late: at most {late_text(most)}, oldest on the left", "muted small")
