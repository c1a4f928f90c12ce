"""The installed rulesets, their versions, and the number of picos that have each."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from nicegui import ui

from picosched.store.pages import InstalledText
from picosched.web.console.example import try_example
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.parts import Cell, Column, Listing, box, link_cell, panel, text
from picosched.web.console.schedule_page import ruleset_path

HERE = "/rulesets"
MOST = 1_000

COLUMNS = (
    Column("rid", "Ruleset", "mono"),
    Column("picos", "Picos", "number"),
    Column("origin", "From"),
    Column("hash", "Text", "mono"),
    Column("schedules", "To come"),
)


def add_pages(console: Console) -> None:
    """The page of the list."""

    @console.page(HERE)
    async def rulesets() -> None:
        with frame(console, "Rulesets", HERE):
            with box("head"):
                text("h1", "Rulesets")
                ui.link("New ruleset", "/edit").classes("button primary")
            with panel("Installed", "") as side:
                listing = Listing("Installed rulesets", COLUMNS)
                nothing = ui.element("div")

            async def refresh() -> None:
                pages = console.engine.store.pages
                found = await console.run(lambda: console.engine.read(lambda: pages.rulesets(MOST)))
                listing.show([_row(each) for each in found])
                listing.set_visibility(bool(found))
                if side is not None:
                    side.show(f"{len(found)}{'+' if len(found) == MOST else ''}")
                nothing.clear()
                nothing.set_visibility(not found)
                if not found:
                    with nothing:
                        try_example(
                            console, "No ruleset is installed", "Write one here, or begin with an example."
                        )

            await refresh()
        every(console, 5.0, refresh)


def _row(each: InstalledText) -> Mapping[str, Cell]:
    return {
        "key": each.hash + each.rid,
        "rid": link_cell(each.rid, ruleset_path(each.rid, each.pico_id)),
        "picos": f"{each.picos:,}",
        "origin": each.origin,
        "hash": {"text": each.hash[:10], "title": "prefix of the hash of its text"},
        "schedules": link_cell("its schedules", f"/schedules?{urlencode({'rid': each.rid})}"),
    }
