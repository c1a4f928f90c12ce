"""The scheduler: whether what is due is raised; and a list of what was missed, before it is."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from picosched.engine.engine import Engine
from picosched.rehearsal.catch_up import overdue, rehearse_catch_up
from picosched.web.api.shapes import AnEngine, FireShape, Input, Names, fire_shape

router = APIRouter(prefix="/api", tags=["scheduler"])


class Scheduler(BaseModel):
    """`running`: what is due is raised. `overdue`: scheduled events that are due already."""

    running: bool
    overdue: int


class Wanted(Input):
    """What it shall do."""

    running: bool


class CatchUp(BaseModel):
    """The records that overdue occurrences would get, in order: at most `shown` of `total`."""

    total: int
    fires: list[FireShape]


MOST_SHOWN = 1_000


@router.get("/scheduler")
def show_scheduler(engine: AnEngine) -> Scheduler:
    """Whether what is due is raised, and how much is overdue."""
    return _told(engine)


@router.put("/scheduler")
def set_scheduler(wanted: Wanted, engine: AnEngine) -> Scheduler:
    """Let it raise what is due, or hold it. Held by `serve --catch-up rehearse`, it waits for this."""
    if wanted.running:
        engine.start()
    else:
        engine.stop()
    return _told(engine)


@router.get("/catch-up")
def rehearse(engine: AnEngine) -> CatchUp:
    """What would become of all that is due now. It happens on a copy; nothing is raised."""
    would = rehearse_catch_up(engine)
    names = Names(engine)
    return CatchUp(total=len(would), fires=[fire_shape(each.fire, names) for each in would[:MOST_SHOWN]])


def _told(engine: Engine) -> Scheduler:
    return Scheduler(running=engine.running, overdue=overdue(engine))
