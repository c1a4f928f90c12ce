"""The whole graph of the installed rulesets: which rule raises, schedules and sends what to which.

The counts on the arrows are those of the journal, and the warnings those of `picosched check --whole --db`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from nicegui import ui
from nicegui.element import Element

from picosched import standard
from picosched.check.drawn import MOST_RULES, Drawn
from picosched.check.svg import STYLE
from picosched.engine.whole import Found, Whole
from picosched.errors import PicoschedError
from picosched.web.api.busy import busy
from picosched.web.console.frame import Console, frame
from picosched.web.console.parts import box, empty, long_name, panel, ruleset_path, text

HERE = "/graph"
ALL = ""
MOST_PICOS = 200
"""Picos offered; others can be named in the URL."""

LEGEND = (
    ("—", "", "raises, or is selected by"),
    ("– –", "", "schedules"),
    ("· ·", "", "sends to a pico"),
    ("· ·", "bad-text", "the rule accepts none of these events"),
    ("▢", "warn-text", "there is a warning about the rule"),
    ("▢", "bad-text", "no rule selects the event"),
    ("▌", "", "of one colour: the rules of one ruleset"),
    ("3 of 12", "", "the rule fired 3 of the 12 times that the event came"),
)
"""Signs, their colours and what they mean."""


class Picture(Element, component="look/graph.js"):
    """The graph; its rules are links to their lines."""

    def __init__(self, drawn: Drawn) -> None:
        super().__init__()
        boxes = [
            {**each, "href": ruleset_path(each["rid"], None, each["line"]) if each["rid"] else None}
            for each in drawn.as_json()["boxes"]
        ]
        self.props["picture"] = {**drawn.as_json(), "boxes": boxes}
        self.props["label"] = f"A graph of {len(boxes)} rules and events, from left to right"


def add_pages(console: Console) -> None:
    """The page of the graph."""

    @console.page(HERE)
    async def graph(pico: str = ALL) -> None:
        ui.add_css(STYLE)
        with frame(console, "Graph", HERE):
            with box("head"):
                text("h1", "Graph")
                _choose(await console.run(lambda: _names(console)), pico)
            place = ui.element("div").classes("stack")
            with place:
                try:
                    found = await console.run(lambda: _whole(console, pico))
                except PicoschedError as error:
                    with panel("From event to rule to event"):
                        empty("It cannot be drawn", error.message, None, ("All picos", HERE))
                else:
                    _show(found)


def _whole(console: Console, pico: str) -> Whole:
    """Called in a thread."""
    with busy():
        return console.engine.whole(pico or None)


def _names(console: Console) -> list[str]:
    pages = console.engine.store.pages
    page = console.engine.read(lambda: pages.picos(None, MOST_PICOS))
    return [row.name or row.id for row in page.items]


def _choose(names: list[str], pico: str) -> None:
    options = {ALL: "all picos", **{each: f"{each} and its descendants" for each in [*names, pico] if each}}

    def go(event: Any) -> None:
        asked = f"?{urlencode({'pico': event.value})}" if event.value else ""
        ui.navigate.to(f"{HERE}{asked}")

    ui.select(options, label="Picos", value=pico, on_change=go).classes("filter")


def _show(found: Whole) -> None:
    drawn = [each.rid for each in found.picture.boxes if each.kind == "rule"]
    rules, rulesets = len(drawn), len({*drawn})
    side = f"{rules} rule{'s' * (rules != 1)} of {rulesets} ruleset{'s' * (rulesets != 1)}"
    with panel("From event to rule to event", side):
        if rules:
            Picture(found.picture)
            _legend(found)
        elif found.rulesets:
            empty("There is no picture", f"There are more than {MOST_RULES} rules, or none: choose a pico.")
        else:
            empty("No ruleset is installed", "A rule is drawn once its ruleset is installed on a pico.")
        for each in found.left_out:
            text("p", each, "warn-text small")
    with panel("Warnings", str(len(found.found))):
        if not found.found:
            empty(
                "No warnings",
                "Each event that rules raise or schedule reaches a rule, as far as the texts tell.",
            )
        for warning in found.found:
            _warning(warning)


def _legend(found: Whole) -> None:
    with box("line small muted"):
        if {*found.rulesets} & {*standard.ALL} - {each.rid for each in found.picture.boxes}:
            text("span", "Without the standard rulesets.")
        for sign, colour, meaning in LEGEND:
            with ui.element("span"):
                text("b", sign, f"mono {colour}")
                text("span", f" {meaning}")
        text("span", f"Counted in the latest {found.turns:,} turns of the journal.")


def _warning(warning: Found) -> None:
    with box("stack-small"):
        with box("line"):
            text("span", warning.code, "tag")
            place = ruleset_path(warning.rid, None, warning.line)
            long_name("a", f"{warning.rid}:{warning.line}", "mono", place)
        long_name("p", warning.message, "words")
