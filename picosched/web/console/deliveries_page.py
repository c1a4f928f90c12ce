"""Deliveries: events on their way to other engines, and dead letters, to be retried or dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from picosched.engine.engine import Engine
from picosched.pico.delivery import Delivery
from picosched.web.console.frame import Console, notify
from picosched.web.console.list_page import ListPage, Section, add_list
from picosched.web.console.parts import Cell, Column, confirmed, empty, link_cell, time_cell

HERE = "/deliveries"
MOST = 200
"""Deliveries shown of each kind."""

COMMON = (
    Column("to", "Goes to", "mono"),
    Column("from", "From"),
    Column("created", "Sent", "time"),
)
PENDING = (
    *COMMON,
    Column("due", "Next try", "time"),
    Column("tries", "Tries", "number"),
    Column("error", "Last error", "prose"),
    Column("do", "Actions", "actions"),
)
DEAD = (
    *COMMON,
    Column("dead", "Given up", "time"),
    Column("tries", "Tries", "number"),
    Column("error", "Why", "prose"),
    Column("do", "Actions", "actions"),
)
ACTIONS = (
    {"name": "retry", "text": "Retry now", "tone": "", "needs": "retried"},
    {"name": "drop", "text": "Drop", "tone": "danger", "needs": "dropped"},
)


def add_pages(console: Console) -> None:
    """The lists of pending deliveries and dead letters."""
    pending = Section(
        "On their way", "Pending deliveries", PENDING, partial(_deliveries, dead=False), _row, _nothing, _told
    )
    dead = Section("Given up", "Dead letters", DEAD, partial(_deliveries, dead=True), _row, _nothing, _told)
    add_list(console, HERE, "Deliveries", pending, dead, act=_act)


def _deliveries(engine: Engine, *, dead: bool) -> list[Delivery]:
    return engine.deliveries(dead=dead, limit=MOST)


def _told(found: Sequence[Delivery]) -> str:
    return f"{len(found)}{'+' if len(found) == MOST else ''}"


def _nothing(_: ListPage) -> None:
    more = "Rules send events to other engines with event:send and a host, sources with a url."
    empty("Nothing is on its way", more)


async def _act(page: ListPage, action: str, id: str) -> None:
    console = page.console
    engine = console.engine
    step = engine.retry_delivery if action == "retry" else engine.drop_delivery
    with page.home, console.telling_errors():
        if action == "drop":
            sent = await console.run(lambda: engine.delivery(id))
            more = f"The event for {sent.shown_url} is not sent any more."
            if not await confirmed("Drop the delivery?", more, "Drop"):
                return
        done = await console.run(lambda: step(id))
        said = "It is tried now" if action == "retry" else "It is dropped"
        notify(said if done else "It is gone already", "good" if done else "warn")
        await page.refresh()


def _row(delivery: Delivery) -> Mapping[str, Cell]:
    place = f"/picos/{delivery.pico_id}" if delivery.pico_id else f"/sources/{delivery.source_id}"
    return {
        "key": delivery.id,
        "to": delivery.shown_url,
        "from": link_cell(delivery.sender, place),
        "created": time_cell(delivery.created),
        "due": time_cell(delivery.due),
        "dead": time_cell(delivery.dead),
        "tries": f"{delivery.tries:,}",
        "error": delivery.error,
        "do": [*ACTIONS],
    }
