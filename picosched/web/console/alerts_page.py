"""Alerts: whom the settings tell of what happens to schedules, and what became of the last of each."""

from __future__ import annotations

from collections.abc import Mapping

from picosched.schedule.alert import AlertState
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    badge_cell,
    box,
    empty,
    link_cell,
    panel,
    show_either,
    text,
    time_cell,
)

HERE = "/alerts"

COLUMNS = (
    Column("name", "Alert"),
    Column("to", "Tells", "mono"),
    Column("on", "Of"),
    Column("signed", "Signed"),
    Column("what", "Told last"),
    Column("became", "It was"),
    Column("at", "When", "time"),
    Column("why", "Why"),
    Column("waiting", "On the way", "number"),
    Column("dead", "Given up", "number"),
)
EXAMPLE = '[alert.ops]\nto = "https://ops.example.org/hook"\non = ["failed", "missed"]\nafter = 3'


def add_pages(console: Console) -> None:
    """The list of alerts."""

    @console.page(HERE)
    async def alerts() -> None:
        with frame(console, "Alerts", HERE):
            with box("head"):
                text("h1", "Alerts")
            page = _List(console)
            with console.telling_errors():
                await page.refresh()
        every(console, 1.0, page.refresh)


class _List:
    def __init__(self, console: Console) -> None:
        self._console = console
        with panel("In the settings"):
            self._list = Listing("Alerts", COLUMNS)
            self._nothing = empty(
                "Nobody is told",
                "An alert is a table in picosched.toml, which is read when the server starts.",
                EXAMPLE,
            )

    async def refresh(self) -> None:
        found = await self._console.run(self._console.engine.alerts)
        self._list.show([_row(each) for each in found])
        show_either(self._list, self._nothing, bool(found))


def _row(alert: AlertState) -> Mapping[str, Cell]:
    last = alert.last
    after = f", after {alert.after:,} in a row" if alert.after > 1 else ""
    return {
        "key": alert.name,
        "name": alert.name,
        "to": alert.to,
        "on": f"{', '.join(alert.on)}{after}",
        "signed": "yes" if alert.signed else None,
        "what": None if last is None else last.what,
        "became": {"text": "nothing yet", "tone": "quiet"} if last is None else badge_cell(last.became),
        "at": None if last is None else time_cell(last.at),
        "why": None if last is None else last.why,
        "waiting": _deliveries(alert.waiting),
        "dead": _deliveries(alert.dead),
    }


def _deliveries(count: int) -> Cell:
    return link_cell(f"{count:,}", "/deliveries") if count else "0"
