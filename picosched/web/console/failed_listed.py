"""The list of failures on the overview: each place and cause once, with what can be done about it."""

from __future__ import annotations

from nicegui import ui

from picosched.store.journal import Entry
from picosched.web.console.again import raise_again
from picosched.web.console.failures import Failed, Failures, Group, LastFailures
from picosched.web.console.frame import Console, notify
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    Text,
    link_cell,
    pico_path,
    ruleset_path,
    show_either,
    text,
    time_cell,
    turn_path,
)
from picosched.web.console.schedule_page import schedule_path

SHOWN = 12

COLUMNS = (
    Column("count", "Count", "number"),
    Column("place", "Where", "mono"),
    Column("cause", "Why", "prose"),
    Column("trend", "Last 24 h"),
    Column("last", "Last", "time"),
    Column("event", "Event", "mono"),
    Column("pico", "Pico"),
    Column("acts", "Do", "actions"),
)
AGAIN = {
    "name": "again",
    "text": "Raise again…",
    "title": "raise the last event that failed so once more",
    "needs": "raised",
}


class FailedListed:
    """The panel; `show` replaces what it tells."""

    def __init__(self, console: Console, failures: LastFailures) -> None:
        self._console, self._failures = console, failures
        with ui.element("section").classes("panel").props("id=failures"):
            with ui.element("header"):
                text("h2", "Failures")
                self._side = Text("span", "").classes("side")
            self._list = Listing("Failures of the last 24 hours", COLUMNS)
            self._none = text("p", "No rule failed in the last 24 hours.", "muted")
        self._list.on_act(self._act)

    def show(self, failures: Failures) -> None:
        shown = failures.groups[:SHOWN]
        self._list.show([_row(each, failures) for each in shown])
        show_either(self._list, self._none, bool(shown))
        told = "by place and cause, the latest first"
        if len(failures.groups) > SHOWN:
            told = f"the latest {SHOWN} of {len(failures.groups)} places and causes"
        self._side.show(told if failures.whole else f"{told}; still counting")

    async def _act(self, _action: str, key: str) -> None:
        failed = self._failures.find(key)
        entry = None if failed is None else await self._console.run(lambda: self._entry(failed))
        if entry is None:
            notify("The turn that failed is no longer in the journal", "warn")
            return
        await raise_again(self._console, entry, "The event of the last turn that failed here")

    def _entry(self, failed: Failed) -> Entry | None:
        if failed.seq is None:
            return None
        read = self._console.engine.store.pages.journal_since
        found = self._console.engine.read(read, failed.seq - 1, 1)
        return found[0] if found and found[0].seq == failed.seq else None


def _pico(group: Group, failures: Failures) -> Cell:
    """The pico of the last failure, and how many others what a source sent then failed in."""
    name, others = failures.names[group.last.pico_id], group.picos - 1
    shown = name if others < 1 else f"{name} and {others:,} more"
    return link_cell(shown, pico_path(group.last.pico_id))


def _row(group: Group, failures: Failures) -> dict[str, Cell]:
    last, trend = group.last, group.trend(failures.now)
    if last.rid is not None:
        place: Cell = link_cell(last.place, ruleset_path(last.rid, last.pico_id, last.line), "to the line")
    elif last.scheduled is not None:
        place = link_cell(last.place, schedule_path(last.scheduled), "to its schedule")
    else:
        place = last.place
    return {
        "key": group.key,
        "count": group.count,
        "place": place,
        "cause": last.cause,
        "trend": {"bars": trend, "title": f"{trend[-1]:,} in this hour, {max(trend):,} in the worst of 24"},
        "last": time_cell(last.at),
        "event": last.event if last.seq is None else link_cell(last.event, turn_path(last.seq), "its turn"),
        "pico": _pico(group, failures),
        "acts": [] if last.seq is None else [AGAIN],
    }
