"""What of a schedule will not fire in the coming month, and why: as `scheduled --not-firing` predicts."""

from __future__ import annotations

from nicegui import ui

from picosched.engine.engine import Engine
from picosched.schedule.filter import Filter
from picosched.schedule.forecast import USUAL_DAYS
from picosched.schedule.not_firing import NotFiring
from picosched.web.console.parts import Column, Listing, badge_cell, text, time_cell

MOST = 50
"""Entries."""

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
    Listing("What will not fire", COLUMNS).show(
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
    if len(found) == MOST:
        ui.label(f"the first {MOST}").classes("muted small")
