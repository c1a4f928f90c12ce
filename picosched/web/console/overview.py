"""The overview: totals, what failed, what happens today, what is next, and how late the last hour was."""

from __future__ import annotations

from platform import python_version
from zoneinfo import ZoneInfo

from nicegui import ui

from picosched.schedule.load import Load
from picosched.schedule.scheduled import Scheduled
from picosched.web.console.chart import Chart
from picosched.web.console.charts import hour_words, lateness, minute_labels, rate
from picosched.web.console.example import try_example
from picosched.web.console.failed_listed import FailedListed
from picosched.web.console.failures import Failures, LastFailures
from picosched.web.console.frame import Console, every, frame, once_connected
from picosched.web.console.last_day import LastDay, Seen
from picosched.web.console.local_time import follow_zone, reader_zone
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    Text,
    badge_cell,
    box,
    empty,
    event_path,
    late_cell,
    link_cell,
    panel,
    pico_path,
    show_either,
    text,
    time_cell,
    when_text,
)
from picosched.web.console.schedule_page import schedule_path
from picosched.web.console.shared_load import SharedLoad
from picosched.web.console.today import AHEAD, day_labels, day_series, today

SECONDS = 2.0
COMING_REST = 5.0
"""The least seconds between two counts of what is to come."""

NEXT = (
    Column("due", "Due", "time"),
    Column("event", "Event", "mono"),
    Column("when", "When", "mono"),
    Column("pico", "Pico"),
    Column("rule", "Made by", "mono"),
)
LAST = (
    Column("fired", "Fired", "time"),
    Column("event", "Event", "mono"),
    Column("outcome", "Outcome"),
    Column("late", "Late", "number"),
    Column("pico", "Pico"),
)
FIGURES = (
    ("failures", "failures in 24 h", "#failures"),
    ("picos", "picos", "/picos"),
    ("rulesets", "rulesets", "/rulesets"),
    ("pending", "pending", "/schedules"),
    ("paused", "paused", "/schedules"),
    ("overdue", "overdue", "/schedules"),
    ("turns", "turns", "/journal"),
    ("scheduler", "scheduler", None),
)


def add_pages(console: Console) -> None:
    day, failures = LastDay(console.shared), LastFailures(console.shared)
    coming = SharedLoad(console.shared, AHEAD, COMING_REST)

    @console.page("/")
    async def overview() -> None:
        with frame(console, "Overview", "/"), console.telling_errors():
            page = _Overview(console, failures)

            async def refresh() -> None:
                page.show(await console.run(day.look))
                page.show_failures(await console.run(failures.look))

            async def look_ahead() -> None:  # by itself, as it may take longer
                load = await console.run(coming.look)
                page.show_today(await console.run(day.look), load)

            async def use(zone: ZoneInfo) -> None:
                page.zone = zone
                with console.telling_errors():
                    await refresh()
                    await look_ahead()

            await refresh()
            if coming.is_quick:
                await look_ahead()
            else:
                once_connected(console, look_ahead)
            follow_zone(use)
            every(console, SECONDS, refresh)
            every(console, SECONDS, look_ahead)


class _Overview:
    """The page and its updates."""

    def __init__(self, console: Console, failures: LastFailures) -> None:
        self.zone = reader_zone()
        text("h1", "Overview", "only-read")
        self._figures = _figures()
        self._failed = FailedListed(console, failures)
        with panel("Today", "counting…") as self._today_side:
            self._today = Chart("What happens today, by the hour", "bars")
        with box("grid two"):
            with panel("Next", ""):
                self._next = Listing("What is due next", NEXT)
                self._nothing_next = try_example(
                    console, "Nothing is scheduled.", "Rules schedule events, when others are raised."
                )
            with panel("Last", ""):
                self._last = Listing("Latest occurrences", LAST)
                self._nothing_last = empty(
                    "Nothing has come due yet.", "The outcome of each occurrence will appear here."
                )
            with panel("The last hour", "per minute") as self._fired_side:
                self._rate = Chart("Occurrences per minute", "bars")
            with panel("Lateness", "per minute, from due to durable"):
                self._lateness = Chart("Lateness by minute", "lines")
        settings, store = console.engine.settings, console.engine.store
        told = f"picosched {console.version} · Python {python_version()} · store {store.name}"
        text("p", f"{told} · granularity {settings.granularity} s", "muted small")

    def show(self, seen: Seen) -> None:
        values = {
            "picos": seen.counts.picos,
            "rulesets": seen.counts.rulesets,
            "pending": seen.pending,
            "paused": seen.counts.paused,
            "overdue": seen.overdue,
            "turns": seen.turns,
        }
        for name, value in values.items():
            self._figures[name].show(f"{value:,}")
        self._figures["scheduler"].show("running" if seen.running else "stopped")
        self._figures["scheduler"].classes(
            add="" if seen.running else "bad-text", remove="bad-text" if seen.running else ""
        )
        labels = minute_labels(seen.now, self.zone)
        self._rate.show(labels, rate(seen.minutes, seen.now))
        self._lateness.show(labels, lateness(seen.minutes, seen.now))
        assert self._fired_side is not None
        self._fired_side.show(hour_words(seen.minutes))
        self._next.show([_next_row(each, seen) for each in seen.next])
        self._last.show(_last_rows(seen))
        show_either(self._next, self._nothing_next, bool(seen.next))
        show_either(self._last, self._nothing_last, bool(seen.last))

    def show_failures(self, failures: Failures) -> None:
        figure = self._figures["failures"]
        figure.show(f"{failures.count:,}")
        figure.classes(add="bad-text" if failures.count else "", remove="" if failures.count else "bad-text")
        self._failed.show(failures)

    def show_today(self, seen: Seen, load: Load) -> None:
        day = today(seen, load, self.zone)
        self._today.show(day_labels(day), day_series(day))
        assert self._today_side is not None
        self._today_side.show(day.words)


def _figures() -> dict[str, Text]:
    made: dict[str, Text] = {}
    with box("figures"):
        for key, name, path in FIGURES:
            with ui.element("a" if path else "div").classes("figure") as figure:
                if path:
                    figure.props["href"] = path
                text("span", name)
                made[key] = Text("b", "–")
    made["scheduler"].classes("words")
    return made


def _next_row(row: Scheduled, seen: Seen) -> dict[str, Cell]:
    return {
        "key": row.id,
        "href": schedule_path(row.id),
        "due": time_cell(row.due),
        "event": link_cell(row.event, schedule_path(row.id), "the schedule"),
        "when": when_text(row),
        "pico": link_cell(seen.names[row.pico_id], pico_path(row.pico_id)),
        "rule": row.made_by,
    }


def _last_rows(seen: Seen) -> list[dict[str, Cell]]:
    made: list[dict[str, Cell]] = []
    for fire, row in seen.last:
        event = "–" if row is None else f"{row.domain}:{row.type}"
        made.append(
            {
                "key": f"{fire.id} {time_cell(fire.nominal)}",
                "href": None if fire.eid is None else event_path(fire.eid),
                "fired": time_cell(fire.fired),
                "event": event if fire.eid is None else link_cell(event, event_path(fire.eid), "its turn"),
                "outcome": badge_cell(fire.outcome.value, fire.why),
                "late": late_cell(fire),
                "pico": link_cell(seen.names[fire.pico_id], pico_path(fire.pico_id)),
            }
        )
    return made
