"""The path of an event: what led to a turn or a schedule, and the tree of what followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nicegui.element import Element

from picosched.engine.path import EventPath, Step
from picosched.errors import PicoschedError
from picosched.web.console.elsewhere import missing
from picosched.web.console.frame import Console, frame
from picosched.web.console.parts import (
    TONES,
    box,
    link_cell,
    long_name,
    panel,
    pico_path,
    text,
    time_cell,
    turn_path,
)
from picosched.web.console.schedule_page import schedule_path

HERE = "/journal"
MADE = ("schedule", "message", "program")
"""Kinds of steps that are rows."""
DEEPEST = 24
"""Further steps are not indented more."""


class Trail(Element, component="look/trail.js"):
    """The steps as a list: one element, as there may be hundreds of them."""

    def __init__(self, path: EventPath) -> None:
        super().__init__()
        self.props["steps"] = [*_rows(path)]


def add_pages(console: Console) -> None:
    @console.page("/path/{what}")
    async def path(what: str) -> None:
        found = await console.run(lambda: _find(console, what))
        if found is None:
            missing(console, f"Nothing on record is called “{what[:100]}”", "Old records are deleted.", HERE)
            return
        with frame(console, f"Path of {found.step.event}", HERE):
            with box("head"):
                long_name("h1", f"Path of {found.step.event}", "mono")
            if found.cut:
                text(
                    "p",
                    "There is more on record than is shown: where it was cut stands “and more”.",
                    "warn-text",
                )
            with panel("The path", "each step was caused by the one above it"):
                Trail(found)


def _find(console: Console, what: str) -> EventPath | None:
    try:
        return console.engine.path(what)
    except PicoschedError as error:
        if error.code != "not_found":
            raise
        return None


def _rows(path: EventPath) -> Iterator[dict[str, Any]]:
    for depth, step in enumerate(path.before):
        yield _row(step, depth)
    yield from _tree(path.step, len(path.before), here=True)


def _tree(step: Step, depth: int, *, here: bool = False) -> Iterator[dict[str, Any]]:
    yield _row(step, depth) | {"here": here}
    for each in step.caused:
        yield from _tree(each, depth + 1)
    if step.more:
        yield {"depth": min(depth + 1, DEEPEST), "more": step.more}


def _row(step: Step, depth: int) -> dict[str, Any]:
    pico = step.pico_id and link_cell(step.pico or step.pico_id, pico_path(step.pico_id))
    return {
        "depth": min(depth, DEEPEST),
        "kind": step.kind,
        "event": step.event,
        "href": _href(step),
        "outcome": step.outcome,
        "tone": TONES.get(step.outcome or "", ""),
        "pico": pico,
        "made": step.kind in MADE,
        "at": time_cell(step.at),
        "told": step.told,
        "unsure": step.unsure,
    }


def _href(step: Step) -> str | None:
    if step.seq is not None:
        return turn_path(step.seq)
    if step.id is not None and step.kind in ("schedule", "source"):
        return schedule_path(step.id) if step.kind == "schedule" else f"/sources/{step.id}"
    return None
