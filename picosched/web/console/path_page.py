"""The path of an event: what led to a turn or a schedule, and the tree of what followed."""

from __future__ import annotations

from nicegui import ui

from picosched.engine.path import EventPath, Step
from picosched.errors import PicoschedError
from picosched.web.console.elsewhere import missing
from picosched.web.console.frame import Console, frame
from picosched.web.console.parts import badge, box, long_name, moment, panel, pico_path, text, turn_path
from picosched.web.console.schedule_page import schedule_path

HERE = "/journal"
MADE = ("schedule", "message", "program")
"""Kinds of steps that are rows."""


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
                _draw(found)


def _find(console: Console, what: str) -> EventPath | None:
    try:
        return console.engine.path(what)
    except PicoschedError as error:
        if error.code != "not_found":
            raise
        return None


def _draw(path: EventPath) -> None:
    with ui.element("ul").classes("trail"):
        for depth, step in enumerate(path.before):
            _draw_step(step, depth)
        _draw_tree(path.step, len(path.before), here=True)


def _draw_tree(step: Step, depth: int, *, here: bool = False) -> None:
    _draw_step(step, depth, here=here)
    for each in step.caused:
        _draw_tree(each, depth + 1)
    if step.more:
        with _item(depth + 1):
            text("span", f"and {step.more:,} more", "muted")


def _draw_step(step: Step, depth: int, *, here: bool = False) -> None:
    with _item(depth) as item:
        if here:
            item.classes("here").props('aria-current="step"')
        with box("line"):
            text("span", step.kind, "tag")
            href = _href(step)
            if href is None:
                long_name("span", step.event, "mono")
            else:
                long_name("a", step.event, "mono", href)
            if step.outcome is not None:
                badge(step.outcome)
            if step.pico_id is not None:
                with ui.element("span"):
                    text("span", "in ", "muted small")
                    long_name("a", step.pico or step.pico_id, href=pico_path(step.pico_id))
            if step.at is not None:
                with ui.element("span"):
                    if step.kind in MADE:
                        text("span", "made ", "muted small")
                    moment(step.at)
        if step.told:
            text("p", step.told, "muted small")
        if step.unsure:
            text("p", "or another turn of the same pico and millisecond", "warn-text small")


def _item(depth: int) -> ui.element:
    return ui.element("li").style(f"--depth: {min(depth, 24)}")


def _href(step: Step) -> str | None:
    if step.seq is not None:
        return turn_path(step.seq)
    if step.id is not None and step.kind in ("schedule", "source"):
        return schedule_path(step.id) if step.kind == "schedule" else f"/sources/{step.id}"
    return None
