"""The scheduler: its state, and a preview of missed occurrences."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from picosched.engine.engine import Engine
from picosched.rehearsal.catch_up import overdue, rehearse_catch_up
from picosched.web.api.needs import OPERATE, READ
from picosched.web.api.shapes import AnEngine, FireShape, Input, fire_shapes

router = APIRouter(prefix="/api", tags=["scheduler"])


class Scheduler(BaseModel):
    """`running`: whether due events are raised. `overdue`: the number of overdue events."""

    running: bool
    overdue: int


class Wanted(Input):
    """The wanted state."""

    running: bool


class CatchUp(BaseModel):
    """The records that overdue occurrences would get, in order; `fires` has the first of `total`."""

    total: int
    fires: list[FireShape]


MOST_SHOWN = 1_000


@router.get("/scheduler", dependencies=[READ])
def show_scheduler(engine: AnEngine) -> Scheduler:
    """Whether the scheduler is running, and how many events are overdue."""
    return _told(engine)


@router.put("/scheduler", dependencies=[OPERATE])
def set_scheduler(wanted: Wanted, engine: AnEngine) -> Scheduler:
    """Start or stop the scheduler. `serve --catch-up rehearse` may leave it stopped."""
    if wanted.running:
        engine.permit("started")
        if not engine.running:
            engine.start()
            engine.write(engine.note, "started", "scheduler", "scheduler")
    else:
        engine.permit("stopped")
        if engine.running:
            engine.write(engine.note, "stopped", "scheduler", "scheduler")
            engine.stop()
    return _told(engine)


@router.get("/catch-up", dependencies=[READ])
def rehearse(engine: AnEngine) -> CatchUp:
    """What would happen to the overdue events. Runs on a copy; nothing is raised."""
    would = rehearse_catch_up(engine)
    return CatchUp(total=len(would), fires=fire_shapes(engine, [each.fire for each in would[:MOST_SHOWN]]))


def _told(engine: Engine) -> Scheduler:
    return Scheduler(running=engine.running, overdue=overdue(engine))
