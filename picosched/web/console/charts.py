"""Charts: ECharts as SVG, so that their colours are CSS variables and follow the theme."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from nicegui import ui

from picosched.clock import EPOCH
from picosched.schedule.scheduled import Outcome
from picosched.store.pages import Minute
from picosched.web.console.last_day import MINUTES

LINE = {"lineStyle": {"color": "var(--line)"}}
COLOURS = {
    Outcome.FIRED: "var(--good)",
    Outcome.LATE: "var(--warn)",
    Outcome.COALESCED: "var(--warn)",
    Outcome.THROTTLED: "var(--muted)",
    Outcome.SKIPPED: "var(--muted)",
    Outcome.PAUSED: "var(--muted)",
    Outcome.CANCELLED: "var(--line)",
    Outcome.FAILED: "var(--bad)",
}

LABEL = {"hideOverlap": True, "margin": 12}

LATE = """(value) => {
    const units = [[3600000, 'h'], [60000, 'min'], [1000, 's'], [1, 'ms']];
    const [size, unit] = units.find(([size]) => value >= size) ?? [1, 'ms'];
    return Number((value / size).toPrecision(2)) + ' ' + unit;
}"""
"""Formats a lateness in milliseconds on an axis, with two digits at most: its marks are powers of ten."""


def chart(options: dict[str, Any], name: str) -> ui.echart:
    """A chart in the common style; `name` is its description for screen readers."""
    made = ui.echart({**_looks(), **options}, renderer="svg")
    made.props["role"], made.props["aria-label"] = "img", name
    return made


def show(made: ui.echart, **options: Any) -> None:
    """Update a chart's values if they changed."""
    if any(made.options.get(key) != value for key, value in options.items()):
        made.options.update(options)
        made.update()


def rate_chart() -> ui.echart:
    """Fires per minute over the last hour, stacked by outcome."""
    return chart({"yAxis": {**_axis(), "type": "value", "minInterval": 1}, "series": []}, "Fires per minute")


def rate(minutes: Sequence[Minute], now: datetime, zone: tzinfo = UTC) -> dict[str, Any]:
    """The options that change. Each outcome present has a series of 60 counts."""
    axis = _minutes(now)
    counts = {(each.minute, each.outcome): each.fires for each in minutes}
    present = [each for each in Outcome if any(outcome == each for _, outcome in counts)] or [Outcome.FIRED]
    series = [
        {
            "name": outcome.value,
            "type": "bar",
            "stack": "fires",
            "barCategoryGap": "20%",
            "itemStyle": {"color": COLOURS[outcome]},
            "emphasis": {"disabled": True},
            "data": [counts.get((minute, outcome), 0) for minute in axis],
        }
        for outcome in present
    ]
    return {"xAxis": _time_axis(axis, zone), "series": series}


def lateness_chart() -> ui.echart:
    """The mean and the greatest lateness of each minute, on a logarithmic axis."""
    axis = {**_axis(), "type": "log", "min": 1, "axisLabel": {":formatter": LATE}}
    return chart({"yAxis": axis, "series": []}, "Lateness by minute")


def lateness(minutes: Sequence[Minute], now: datetime, zone: tzinfo = UTC) -> dict[str, Any]:
    """The options that change. Cancelled occurrences have no lateness and are omitted."""
    axis = _minutes(now)
    raised = [each for each in minutes if each.outcome != Outcome.CANCELLED]
    most: dict[int, int] = {}
    sums: dict[int, tuple[int, int]] = {}
    for each in raised:
        most[each.minute] = max(most.get(each.minute, 0), each.most_ms)
        total, count = sums.get(each.minute, (0, 0))
        sums[each.minute] = total + each.sum_ms, count + each.fires

    def series(name: str, values: list[float | None], colour: str, kind: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": "line",
            "symbol": "circle",
            "symbolSize": 4,
            "lineStyle": {"color": colour, "width": 1.5, "type": kind},
            "itemStyle": {"color": colour},
            "emphasis": {"disabled": True},
            "data": values,
        }

    # A logarithmic axis has no zero: less than a millisecond is shown as one.
    worst = [max(1, most[minute]) if minute in most else None for minute in axis]
    mean = [max(1, round(sums[each][0] / sums[each][1])) if each in sums else None for each in axis]
    return {
        "xAxis": _time_axis(axis, zone),
        "series": [
            series("greatest", [*worst], "var(--warn)", "solid"),
            series("mean", [*mean], "var(--accent)", "dashed"),
        ],
    }


def _minutes(now: datetime) -> range:
    last = (now - EPOCH) // timedelta(minutes=1)
    return range(last - MINUTES + 1, last + 1)


def _time_axis(minutes: range, zone: tzinfo) -> dict[str, Any]:
    labels = [(EPOCH + timedelta(minutes=each)).astimezone(zone).strftime("%H:%M") for each in minutes]
    return {**_axis(), "type": "category", "data": labels, "axisTick": {"show": False}, "axisLabel": LABEL}


def _axis() -> dict[str, Any]:
    return {"axisLine": LINE, "splitLine": LINE}


def _looks() -> dict[str, Any]:
    return {
        "animation": False,
        "grid": {"left": 8, "right": 8, "top": 34, "bottom": 4, "containLabel": True},
        "legend": {"top": 0, "left": 0, "itemWidth": 10, "itemHeight": 10, "icon": "rect"},
        "tooltip": {
            "trigger": "axis",
            "confine": True,
            "backgroundColor": "var(--panel)",
            "borderColor": "var(--line)",
            "textStyle": {"color": "var(--text)", "fontSize": 12},
        },
    }
