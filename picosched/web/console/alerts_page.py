"""Alerts: whom the settings tell of what happens to schedules, and what became of the last of each."""

from __future__ import annotations

from collections.abc import Mapping

from picosched.engine.engine import Engine
from picosched.schedule.alert import AlertState
from picosched.web.console.frame import Console
from picosched.web.console.list_page import Section, add_list
from picosched.web.console.parts import Cell, Column, badge_cell, empty, link_cell, time_cell

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
    add_list(
        console, HERE, "Alerts", Section("In the settings", "Alerts", COLUMNS, Engine.alerts, _row, _nobody)
    )


def _nobody(console: Console) -> None:
    more = "An alert is a table in picosched.toml, which is read when the server starts."
    empty("Nobody is told", more, EXAMPLE)


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
