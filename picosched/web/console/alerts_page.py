"""Alerts: who is told of what happens to schedules, and what became of the last of each; making them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.schedule.alert import AlertState
from picosched.web.console.alert_dialog import ask_alert
from picosched.web.console.frame import Console, notify
from picosched.web.console.list_page import ListPage, Section, add_list
from picosched.web.console.parts import (
    Cell,
    Column,
    badge_cell,
    box,
    button,
    confirmed,
    empty,
    link_cell,
    time_cell,
)

HERE = "/alerts"

COLUMNS = (
    Column("name", "Alert"),
    Column("to", "Tells", "mono"),
    Column("on", "Of"),
    Column("after", "After", "number"),
    Column("what", "Told last"),
    Column("became", "It was"),
    Column("at", "When", "time"),
    Column("waiting", "On the way", "number"),
    Column("dead", "Given up", "number"),
    Column("by", "Made by"),
    Column("do", "Actions", "actions"),
)
TEST = {"name": "test", "text": "Test", "tone": "", "needs": "tested"}
CHANGE = {"name": "change", "text": "Change…", "tone": "", "needs": "changed"}
REMOVE = {"name": "remove", "text": "Remove…", "tone": "danger", "needs": "removed"}


def add_pages(console: Console) -> None:
    """The list of alerts, and the dialog that makes one."""
    section = Section("Who is told", "Alerts", COLUMNS, Engine.alerts, _row, _nobody)
    add_list(console, HERE, "Alerts", section, act=_act, head=_head)


def _head(page: ListPage) -> None:
    button("New alert…", partial(_make, page), "primary", needs="added")


def _nobody(page: ListPage) -> None:
    more = (
        "An alert tells of schedules and sources that fail or are missed: by a request, a mail or an event."
    )
    with empty("Nobody is told", more), box("line"):
        button("Make an alert…", partial(_make, page), "primary", needs="added")


async def _make(page: ListPage) -> None:
    await page.make(ask_alert, "The alert is made")


async def _act(page: ListPage, action: str, name: str) -> None:
    engine = page.console.engine
    with page.home, page.console.telling_errors():
        if action == "test":
            await page.console.run(lambda: engine.test_alert(name))
            notify("A test is on its way")
        elif action == "remove":
            more = "Nobody is told by it any more. What is on its way is still delivered."
            if await confirmed(f"Remove the alert {name}?", more, "Remove it"):
                if not await page.console.run(lambda: engine.remove_alert(name)):
                    raise PicoschedError(f"there is no alert {name}", "not_found")
                notify("The alert is removed")
        else:
            found = await page.console.run(engine.alerts)
            old = next((each for each in found if each.name == name), None)
            if old is None:
                raise PicoschedError(f"there is no alert {name}", "not_found")
            if await ask_alert(page.console, old):
                notify("The alert is changed")
        await page.refresh()


def _row(alert: AlertState) -> Mapping[str, Cell]:
    last = alert.last
    became = {"text": "nothing yet", "tone": "quiet"} if last is None else badge_cell(last.became)
    return {
        "key": alert.name,
        "name": alert.name,
        "to": {"text": alert.to, "more": "signed" if alert.signed else None},
        "on": ", ".join(alert.on),
        "after": {"text": alert.after, "title": "failures in a row"},
        "what": None if last is None else last.what,
        "became": {**became, "more": alert.fault or (last and last.why)},
        "at": None if last is None else time_cell(last.at),
        "waiting": _deliveries(alert.waiting),
        "dead": _deliveries(alert.dead),
        "by": alert.made_by or "the settings",
        "do": [TEST] if alert.configured else [TEST, CHANGE, REMOVE],
    }


def _deliveries(count: int) -> Cell:
    return link_cell(f"{count:,}", "/deliveries") if count else "0"
