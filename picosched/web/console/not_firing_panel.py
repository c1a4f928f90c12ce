"""What of a schedule will not fire in the coming month, and why: as `scheduled --not-firing` predicts."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from picosched.engine.engine import Engine
from picosched.schedule.filter import Filter
from picosched.schedule.forecast import USUAL_DAYS
from picosched.schedule.not_firing import NotFiring
from picosched.web.console.parts import Column, Listing, badge_cell, moment, text, time_cell

MOST, SHOWN = 50, 5
"""Entries, and those that are seen at once."""

COLUMNS = (
    Column("at", "From", "time"),
    Column("outcome", "Will be"),
    Column("why", "Because", "prose"),
    Column("occurrences", "Occurrences", "number"),
)


def will_not_fire(engine: Engine, id: str) -> list[NotFiring]:
    """The first entries of a schedule; called in a thread."""
    return engine.not_firing(Filter(ids=(id,)), USUAL_DAYS, MOST)


def draw_not_firing(found: list[NotFiring]) -> None:
    if not found:
        text("p", f"Everything that comes in the next {USUAL_DAYS} days will be raised.", "muted")
        return
    _list("What will not fire", found[:SHOWN])
    rest = found[SHOWN:]
    if not rest:
        return
    with ui.element("details").classes("stack-small"):
        with ui.element("summary").classes("muted small"):
            text("span", f"and {len(rest)} more{' at least,' if len(found) == MOST else ''} until ")
            moment(rest[-1].at)
        _list("What else will not fire", rest)


def _list(caption: str, found: Sequence[NotFiring]) -> None:
    Listing(caption, COLUMNS).show(
        [
            {
                "key": f"{each.at.isoformat()} {each.outcome}",
                "at": time_cell(each.at),
                "outcome": badge_cell(each.outcome),
                "why": each.why,
                "occurrences": f"{each.occurrences:,}",
            }
            for each in found
        ]
    )
