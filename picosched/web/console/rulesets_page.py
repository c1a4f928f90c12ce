"""The installed rulesets, their versions, and the number of picos that have each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from nicegui import ui

from picosched.engine.engine import Engine
from picosched.store.pages import InstalledText
from picosched.web.console.example import try_example
from picosched.web.console.frame import Console
from picosched.web.console.list_page import ListPage, Section, add_list
from picosched.web.console.parts import Cell, Column, link_cell, ruleset_path

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
    section = Section("Installed", "Installed rulesets", COLUMNS, _rulesets, _row, _nothing, _told)
    add_list(console, HERE, "Rulesets", section, head=_new, seconds=5.0)


def _new(_page: ListPage) -> None:
    ui.link("New ruleset", "/edit").classes("button primary")


def _rulesets(engine: Engine) -> list[InstalledText]:
    return engine.read(lambda: engine.store.pages.rulesets(MOST))


def _told(found: Sequence[InstalledText]) -> str:
    return f"{len(found)}{'+' if len(found) == MOST else ''}"


def _nothing(page: ListPage) -> None:
    try_example(page.console, "No ruleset is installed", "Write one here, or begin with an example.")


def _row(each: InstalledText) -> Mapping[str, Cell]:
    return {
        "key": each.hash + each.rid,
        "href": ruleset_path(each.rid, each.pico_id),
        "rid": link_cell(each.rid, ruleset_path(each.rid, each.pico_id)),
        "picos": f"{each.picos:,}",
        "origin": each.origin,
        "hash": {"text": each.hash[:10], "title": "prefix of the hash of its text"},
        "schedules": link_cell("its schedules", f"/schedules?{urlencode({'rid': each.rid})}"),
    }
