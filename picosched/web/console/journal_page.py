"""The live journal with filters, and the page of one turn: why each rule fired or not."""

from __future__ import annotations

from nicegui import ui

from picosched.store.journal import Entry
from picosched.web.console.elsewhere import missing
from picosched.web.console.following import Wanted
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.offers import all_picos
from picosched.web.console.parts import badge, box, link_cell, panel, path_path, pico_path, text
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


def add_pages(console: Console) -> None:
    @console.page("/journal")
    async def journal(pico: str = ANY, event: str = "", outcome: str = ANY, eid: str = "") -> None:
        with frame(console, "Journal", "/journal"), console.telling_errors():
            rows = await console.run(lambda: all_picos(console.engine))
            names = {ANY: "any", **{each.id: each.name for each in rows}}
            text("h1", "Journal", "only-read")
            with panel("Turns", "") as side:
                with box("line"):
                    which = ui.select(
                        names, label="pico", value=pico if pico in names else ANY, with_input=True
                    )
                    part = ui.input("event", value=event, placeholder="domain:type").classes(
                        "filter mono grow"
                    )
                    became = ui.select(
                        {ANY: "any", **{each: each for each in OUTCOMES}},
                        label="a rule was",
                        value=outcome if outcome in OUTCOMES else ANY,
                    )
                    only = ui.input("id of the event", value=eid).classes("mono grow")
                    for field in (which, became):
                        field.style("min-width: 130px")
                text("p", f"From: a schedule, a channel, or trusted: {TRUSTED}.", "muted small")
                turns = TurnsListed(console)
            assert side is not None

            async def follow() -> None:
                wanted = Wanted(
                    which.value or None,
                    only.value.strip() or None,
                    part.value.strip() or None,
                    became.value or None,
                )
                with console.telling_errors():
                    await turns.follow(wanted)
                    side.show(f"{turns.told} · live")

            async def refresh() -> None:
                await turns.refresh()
                side.show(f"{turns.told} · live")

            for each in (which, part, became, only):
                each.on_value_change(follow)
            await follow()
            every(console, SECONDS, refresh)

    @console.page("/journal/{seq}")
    async def turn(seq: str) -> None:
        entry, name = await console.run(lambda: _find(console, seq))
        if entry is None:
            missing(console, "There is no such turn.", "Old turns are deleted after some time.", "/journal")
            return
        event = event_name(entry.handled)
        with frame(console, event, "/journal"):
            with box("head"):
                text("h1", event, "mono")
                badge(outcome_of(entry.handled))
            with panel("Turn", summary(entry.handled, len(entry.directives), len(entry.errors))):
                show_fields(
                    (
                        ("pico", link_cell(name, pico_path(entry.pico_id))),
                        ("at", entry.at),
                        ("event", entry.eid),
                        ("through", entry.eci),
                        ("scheduled", entry.scheduled),
                        ("due", entry.nominal),
                    )
                )
            with panel("Why"):
                show_told(Told.of_entry(entry))
            with box("line"):
                ui.link("← previous turn", f"/journal/{entry.seq - 1}")
                ui.link("next turn →", f"/journal/{entry.seq + 1}")
                ui.link("its path", path_path(str(entry.seq))).props(
                    'title="what led here, and what came of it"'
                )


def _find(console: Console, seq: str) -> tuple[Entry | None, str]:
    """The turn with that number, and the name of its pico."""
    if not (seq.isascii() and seq.isdecimal() and 0 < len(seq) < 18):
        return None, ""
    store = console.engine.store

    def work() -> tuple[Entry | None, str]:
        found = store.pages.journal_since(int(seq) - 1, 1)
        if not found or found[0].seq != int(seq):
            return None, ""
        row = store.picos.find_pico(found[0].pico_id)
        return found[0], found[0].pico_id if row is None else row.name

    return console.engine.read(work)
