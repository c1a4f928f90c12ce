"""Deliveries: events on their way to other engines, and dead letters, to be retried or dropped."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui
from nicegui.element import Element

from picosched.pico.delivery import Delivery
from picosched.web.console.frame import Console, every, frame, notify
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    box,
    confirmed,
    empty,
    link_cell,
    panel,
    text,
    time_cell,
)

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
    Column("error", "Last error"),
    Column("do", "Actions", "actions"),
)
DEAD = (
    *COMMON,
    Column("dead", "Given up", "time"),
    Column("tries", "Tries", "number"),
    Column("error", "Why"),
    Column("do", "Actions", "actions"),
)
ACTIONS = (
    {"name": "retry", "text": "Retry now", "tone": "", "needs": "retried"},
    {"name": "drop", "text": "Drop", "tone": "danger", "needs": "dropped"},
)


def add_pages(console: Console) -> None:
    """The lists of pending deliveries and dead letters."""

    @console.page(HERE)
    async def deliveries() -> None:
        with frame(console, "Deliveries", HERE):
            with box("head"):
                text("h1", "Deliveries")
            page = _Lists(console)
            await page.refresh()
        every(console, 1.0, page.refresh)


class _Lists:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: tuple[list[Delivery], list[Delivery]] | None = None
        self._home = ui.element("div").classes("apart")
        """Parent of messages, because the rest may be redrawn meanwhile."""
        self._empty = ui.element("div")
        self._pending = self._list("On their way", "Pending deliveries", PENDING)
        self._dead = self._list("Given up", "Dead letters", DEAD)

    def _list(self, title: str, caption: str, columns: tuple[Column, ...]) -> tuple[Element, Listing]:
        with ui.element("div") as whole, panel(title):
            found = Listing(caption, columns)
        found.on_act(self._act)
        return whole, found

    async def refresh(self) -> None:
        engine = self._console.engine
        found = await self._console.run(
            lambda: (engine.deliveries(limit=MOST), engine.deliveries(dead=True, limit=MOST))
        )
        if found == self._shown or self._empty.is_deleted:
            return
        self._shown = found
        for (whole, listing), shown in zip((self._pending, self._dead), found, strict=True):
            listing.show([_row(each) for each in shown])
            whole.set_visibility(bool(shown))
        self._empty.clear()
        if not any(found):
            with self._empty, box("panel"):
                empty(
                    "Nothing is on its way",
                    "Rules send events to other engines with event:send and a host, sources with a url.",
                )

    async def _act(self, action: str, id: str) -> None:
        engine = self._console.engine
        step = engine.retry_delivery if action == "retry" else engine.drop_delivery
        with self._home, self._console.telling_errors():
            if action == "drop":
                sent = await self._console.run(lambda: engine.delivery(id))
                more = f"The event for {sent.shown_url} is not sent any more."
                if not await confirmed("Drop the delivery?", more, "Drop"):
                    return
            done = await self._console.run(lambda: step(id))
            said = "It is tried now" if action == "retry" else "It is dropped"
            notify(said if done else "It is gone already", "good" if done else "warn")
            await self.refresh()


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
