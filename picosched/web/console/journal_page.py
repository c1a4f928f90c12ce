"""The live journal with filters, and the page of one turn: why each rule fired or not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from urllib.parse import urlencode

from nicegui import ui

from picosched.errors import PicoschedError
from picosched.schedule.scheduled import Scheduled
from picosched.store.journal import Entry
from picosched.web.console.again import raise_again
from picosched.web.console.elsewhere import missing
from picosched.web.console.filters import remember
from picosched.web.console.following import Wanted
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.offers import all_picos
from picosched.web.console.parts import (
    badge,
    box,
    button,
    filter_bar,
    link_cell,
    long_name,
    panel,
    path_path,
    pico_path,
    text,
)
from picosched.web.console.schedule_page import schedule_path
from picosched.web.console.steps import Steps
from picosched.web.console.turn_shown import (
    OUTCOMES,
    Told,
    event_name,
    outcome_of,
    show_fields,
    show_told,
    summary,
)
from picosched.web.console.turns_listed import TRUSTED, TurnsListed

SECONDS = 1.0
ANY = ""
MOST_HIDDEN = 20


def add_pages(console: Console) -> None:
    @console.page("/journal")
    async def journal(
        pico: str = ANY, event: str = "", outcome: str = ANY, eid: str = "", hide: str = "", paused: str = ""
    ) -> None:
        with frame(console, "Journal", "/journal"), console.telling_errors():
            rows = await console.run(lambda: all_picos(console.engine))
            names = {ANY: "any", **{each.id: each.name or each.id for each in rows}}
            if pico not in names:  # more than are offered, a name, or one that is gone
                pico, names[pico] = await console.run(lambda: _named(console, pico))
            with box("head"):
                text("h1", "Journal")
            page = _Journal(console, names, pico, event, outcome, eid)
            page.hidden = [each for each in hide.split("\n") if each][:MOST_HIDDEN]
            page.paused = bool(paused)
            await page.follow()
            every(console, SECONDS, page.refresh)

    @console.page("/journal/{seq}")
    async def turn(seq: str) -> None:
        entry, name, row = await console.run(lambda: _find(console, seq))
        if entry is None:
            missing(
                console,
                f"There is no turn “{seq[:20]}”",
                "Old turns are deleted after some time.",
                "/journal",
            )
            return
        event = event_name(entry.handled)
        with frame(console, event, "/journal"):
            with box("head"):
                long_name("h1", event, "mono")
                badge(outcome_of(entry.handled))
                button(
                    "Raise again…",
                    lambda: raise_again(console, entry, "The event of this turn"),
                    "small",
                    needs="raised",
                )
                if row is not None and row.is_schedule:
                    button(
                        "Retry its schedule…",
                        lambda: Steps(console, _nothing).fire(row),
                        "small",
                        needs="fired",
                    )
            with panel("Turn", summary(entry.handled, len(entry.directives), len(entry.errors))):
                show_fields(
                    (
                        ("Pico", link_cell(name, pico_path(entry.pico_id))),
                        ("At", entry.at),
                        ("Event", entry.eid),
                        ("Through", entry.eci and console.engine.shown_eci(entry.eci)),
                        ("Schedule", _schedule(entry, row)),
                        ("Due", entry.nominal),
                    )
                )
            with panel("Why"):
                show_told(Told.of_entry(entry))
            with box("line"):
                ui.link("← Previous turn", f"/journal/{entry.seq - 1}")
                ui.link("Next turn →", f"/journal/{entry.seq + 1}")
                ui.link("Its path", path_path(str(entry.seq))).props(
                    'title="what led here, and what came of it"'
                )


class _Journal:
    """The list with its filters, which stand in the URL."""

    def __init__(
        self, console: Console, names: dict[str, str], pico: str, event: str, outcome: str, eid: str
    ) -> None:
        self._console = console
        self.hidden: list[str] = []
        """Events that are left out."""
        self.paused = False
        """Whether new turns wait."""
        with panel("Turns", "") as side:
            with filter_bar(bool(pico or event or outcome or eid)):
                self._pico = ui.select(
                    names, label="Pico", value=pico if pico in names else ANY, with_input=True
                )
                self._event = ui.input("Event", value=event, placeholder="domain:type")
                self._event.classes("filter mono grow")
                self._outcome = ui.select(
                    {ANY: "any", **{each: each for each in OUTCOMES}},
                    label="A rule was",
                    value=outcome if outcome in OUTCOMES else ANY,
                )
                self._eid = ui.input("Id of the event", value=eid).classes("mono grow")
                for field in (self._pico, self._outcome):
                    field.style("min-width: 130px")
                self._pause = button("Pause", self._switch)
            self._shown_hidden = ui.element("div").classes("line")
            text("p", f"From: a schedule, a channel, or trusted: {TRUSTED}.", "muted small")
            self._turns = TurnsListed(console, hide=self._hide)
        assert side is not None
        self._side = side
        for each in (self._pico, self._event, self._outcome, self._eid):
            each.on_value_change(self.follow)

    async def follow(self) -> None:
        """Show what the filters want, from now on."""
        given = {
            "pico": self._pico.value or "",
            "event": self._event.value.strip(),
            "outcome": self._outcome.value or "",
            "eid": self._eid.value.strip(),
            "hide": "\n".join(self.hidden),
            "paused": "yes" if self.paused else "",
        }
        remember("/journal", urlencode({name: value for name, value in given.items() if value}))
        wanted = Wanted(
            given["pico"] or None,
            given["eid"] or None,
            given["event"] or None,
            given["outcome"] or None,
            tuple(self.hidden),
        )
        self._draw_hidden()
        with self._console.telling_errors():
            await self._turns.follow(wanted)
        self._tell()

    async def refresh(self) -> None:
        """Add new turns, unless it is paused: then nothing moves under the pointer."""
        if not self.paused:
            await self._turns.refresh()
            self._tell()

    def _tell(self) -> None:
        self._pause.show("Go on" if self.paused else "Pause")
        self._side.show(f"{self._turns.told} · {'paused' if self.paused else 'live'}")

    async def _switch(self) -> None:
        self.paused = not self.paused
        await self.follow()

    async def _hide(self, event: str) -> None:
        if event and event not in self.hidden and len(self.hidden) < MOST_HIDDEN:
            self.hidden.append(event)
            await self.follow()

    def _draw_hidden(self) -> None:
        self._shown_hidden.clear()
        self._shown_hidden.set_visibility(bool(self.hidden))
        with self._shown_hidden:
            text("span", "Hidden:", "muted small")
            for event in self.hidden:
                button(event, partial(self._show_again, event), "small mono").props["title"] = "show it again"

    async def _show_again(self, event: str) -> None:
        self.hidden.remove(event)
        await self.follow()


def _named(console: Console, pico: str) -> tuple[str, str]:
    """The id and the name of a pico that is asked for by either; if there is none, words that say so."""
    try:
        found = console.engine.pico(pico)
    except PicoschedError:
        return pico, f"no pico “{pico[:100]}”"
    return found.id, found.name or found.id


def _schedule(entry: Entry, row: Scheduled | None) -> str | Mapping[str, str] | None:
    """What a turn came from, with a link if that is a schedule."""
    if entry.scheduled is None or row is None or not row.is_schedule:
        return entry.scheduled
    return {"text": row.event, "href": schedule_path(row.id)}


async def _nothing() -> None:
    """A turn does not change when its schedule does."""


def _find(console: Console, seq: str) -> tuple[Entry | None, str, Scheduled | None]:
    """The turn with that number, the name of its pico, and the schedule that it came from."""
    if not (seq.isascii() and seq.isdecimal() and 0 < len(seq) < 18):
        return None, "", None
    store = console.engine.store

    def work() -> tuple[Entry | None, str, Scheduled | None]:
        found = store.pages.turn(int(seq))
        if found is None:
            return None, "", None
        pico = store.picos.find_pico(found.pico_id)
        row = store.agenda.find(found.scheduled) if found.scheduled else None
        return found, found.pico_id if pico is None else pico.name, row

    return console.engine.read(work)
