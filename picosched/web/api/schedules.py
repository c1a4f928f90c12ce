"""Scheduled events, changes to them, and their history."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from picosched.clock import format_time, parse_time
from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.notation import parse_duration
from picosched.schedule.scheduled import Outcome, Scheduled, Status
from picosched.web.api.needs import OPERATE, READ
from picosched.web.api.shapes import (
    TIME,
    After,
    AnEngine,
    AnyPico,
    FireShape,
    FreeDayShape,
    Input,
    Limit,
    Names,
    PageShape,
    ScheduledShape,
    TurnShape,
    Wanted,
    fire_shapes,
    page_of,
    pico_of,
    scheduled_shape,
)

router = APIRouter(prefix="/api", tags=["schedules"])

Id = Annotated[str | None, Query(description="Only this scheduled event.")]

REASON = "Why, for its history: at most 1,000 characters."

MOST_CHANGED = 1_000
MOST_IDS = 1_000


class Pause(Input):
    """The end of a pause."""

    until: str | None = Field(None, description=f"{TIME} Default: until it is resumed.")


class Move(Input):
    """The new time: one of the two."""

    to: str | None = Field(None, description=TIME)
    by: str | None = Field(None, description="A duration such as 90s, 5m, 1h30m.")


class Reschedule(Input):
    """The new timespec."""

    timespec: str = Field(max_length=4_000)
    tz: str | None = Field(None, description="Default: its old zone.")


class Backfill(Input):
    """The time whose occurrences to raise, both ends included."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    since: str = Field(alias="from", description=TIME)
    until: str = Field(description=TIME)
    dry_run: bool = Field(False, description="Return what would be raised, and raise nothing.")


class PastShape(BaseModel):
    """One due time of a backfill."""

    nominal: str
    left: str | None = Field(description="Why it is left alone.")
    outcome: Outcome | None = Field(description="Once it was raised: late or failed.")
    error: str | None


class Change(Input):
    """A change to several events: `reason` is for cancel, `until` for pause, `to` or `by` for move, the rest
    for reschedule.
    """

    ids: list[str] = Field(max_length=MOST_CHANGED)
    change: Literal["cancel", "pause", "resume", "move", "reschedule"]
    reason: str | None = Field(None, description=REASON)
    until: str | None = Field(None, description=TIME)
    to: str | None = Field(None, description=TIME)
    by: str | None = Field(None, description="A duration such as 90s, 5m, 1h30m.")
    timespec: str | None = Field(None, max_length=4_000)
    tz: str | None = None
    dry_run: bool = Field(False, description="Return the rows that would change, and change nothing.")


class ScheduledPage(PageShape[ScheduledShape]):
    """A page of scheduled events."""

    total: int | None = Field(description="The total number, if requested.")


class Times(BaseModel):
    """The next due times, and the timespec in words."""

    next: list[str]
    explain: str
    left_out: list[FreeDayShape] = Field(
        description="The first days of the coming year that its calendars leave out."
    )
    ending: str | None = Field(description="Set if the data of a calendar ends within a year.")
    shut: str | None = Field(description="Why its window stays closed, if nothing says when that opens.")


@router.get("/scheduled", dependencies=[READ])
def list_scheduled(
    engine: AnEngine,
    which: Wanted,
    status: Annotated[list[Status] | None, Query(description="Default: pending and paused.")] = None,
    count: Annotated[bool, Query(description="Return the number of all matches in `total`.")] = False,
    limit: Limit = 100,
    after: After = None,
) -> ScheduledPage:
    """Scheduled events, soonest first; by default all pending and paused ones."""
    if status:
        which = replace(which, status=tuple(dict.fromkeys(status)))
    page, names = engine.read(lambda: engine.store.pages.scheduled(which, after, limit)), Names(engine)
    items = _with_shut(engine, [(row, scheduled_shape(row, names)) for row in page.items])
    return ScheduledPage(items=items, next=page.next, total=engine.agenda.count(which) if count else None)


@router.get("/ids", dependencies=[READ])
def list_ids(
    engine: AnEngine,
    beginning: Annotated[str, Query(min_length=1, max_length=64)],
    live: Annotated[bool, Query(description="Only events that have not ended.")] = False,
) -> list[str]:
    """The ids of scheduled events with this prefix, including those only in the history."""
    return engine.agenda.ids_like(beginning, live=live)[:MOST_IDS]


@router.post("/changes", dependencies=[OPERATE])
def change(wanted: Change, engine: AnEngine) -> list[ScheduledShape]:
    """Change several events; returns the changed ones in their new state. Ended ones are omitted."""
    agenda, names, ids, dry = engine.agenda, Names(engine), wanted.ids, wanted.dry_run
    match wanted.change:
        case "cancel":
            done = agenda.cancel(ids, wanted.reason, dry_run=dry)
        case "pause":
            until = None if wanted.until is None else parse_time(wanted.until)
            done = agenda.pause(ids, until, dry_run=dry)
        case "resume":
            done = agenda.resume(ids, dry_run=dry)
        case "move":
            done = agenda.move(ids, _target(Move(to=wanted.to, by=wanted.by)), dry_run=dry)
        case "reschedule":
            if wanted.timespec is None:
                raise PicoschedError('wanted "timespec"')
            done = agenda.reschedule(ids, wanted.timespec, wanted.tz, dry_run=dry)
    return [scheduled_shape(row, names) for row in done]


@router.get("/scheduled/{id}", dependencies=[READ])
def show_scheduled(id: str, engine: AnEngine) -> ScheduledShape:
    """One scheduled event, also if it has ended, while its record is kept."""
    row = engine.agenda.load(id)
    (shape,) = _with_shut(engine, [(row, scheduled_shape(row, Names(engine)))])
    return shape


@router.get("/scheduled/{id}/next", dependencies=[READ])
def next_times(id: str, engine: AnEngine, n: Annotated[int, Query(ge=1, le=10_000)] = 5) -> Times:
    """The next times it will be raised; none if it is paused or has ended."""
    explained = engine.agenda.explained(id)
    return Times(
        next=[format_time(each) for each in engine.agenda.next_times(id, n)],
        explain=explained.words,
        left_out=[FreeDayShape(**each.as_json()) for each in explained.left_out],
        ending=explained.ending,
        shut=explained.shut,
    )


@router.delete("/scheduled/{id}", dependencies=[OPERATE])
def cancel(
    id: str, engine: AnEngine, reason: Annotated[str | None, Query(description=REASON)] = None
) -> ScheduledShape:
    """Cancel it; returns its new state. 409 if it has ended."""
    return _changed(engine, id, engine.agenda.cancel(id, reason))


@router.post("/scheduled/{id}/pause", dependencies=[OPERATE])
def pause(id: str, engine: AnEngine, how: Pause | None = None) -> ScheduledShape:
    """Pause it, until a time or until it is resumed."""
    until = None if how is None or how.until is None else parse_time(how.until)
    return _changed(engine, id, engine.agenda.pause(id, until))


@router.post("/scheduled/{id}/resume", dependencies=[OPERATE])
def resume(id: str, engine: AnEngine) -> ScheduledShape:
    """Resume it. 409 if it is not paused."""
    return _changed(engine, id, engine.agenda.resume(id))


@router.post("/scheduled/{id}/move", dependencies=[OPERATE])
def move(id: str, where: Move, engine: AnEngine) -> ScheduledShape:
    """Move its next occurrence."""
    return _changed(engine, id, engine.agenda.move(id, _target(where)))


@router.post("/scheduled/{id}/reschedule", dependencies=[OPERATE])
def reschedule(id: str, how: Reschedule, engine: AnEngine) -> ScheduledShape:
    """Give it another timespec from now on."""
    return _changed(engine, id, engine.agenda.reschedule(id, how.timespec, how.tz))


@router.post("/scheduled/{id}/fire", dependencies=[OPERATE])
def fire(id: str, engine: AnEngine) -> TurnShape:
    """Raise its event now, outside its schedule: an `at` is then finished, a repeat continues as before."""
    return TurnShape.of(engine.agenda.fire_now(id), Names(engine))


@router.post("/scheduled/{id}/backfill", dependencies=[OPERATE])
def backfill(id: str, how: Backfill, engine: AnEngine) -> list[PastShape]:
    """Raise the occurrences in a past time that were never raised, each once, with its nominal time."""
    since, until = parse_time(how.since), parse_time(how.until)
    done = engine.agenda.backfill(id, since, until, dry_run=how.dry_run)
    return [PastShape(**each.as_json()) for each in done]


@router.get("/history", dependencies=[READ])
def list_history(
    engine: AnEngine,
    pico: AnyPico = None,
    id: Id = None,
    outcome: Annotated[Outcome | None, Query(description="Only this outcome.")] = None,
    limit: Limit = 100,
    after: After = None,
) -> PageShape[FireShape]:
    """Fires, newest first."""
    pico_id = pico_of(engine, pico)
    pages, wanted = engine.store.pages, None if outcome is None else outcome.value
    page = engine.read(lambda: pages.fires(after, limit, pico_id=pico_id, id=id, outcome=wanted))
    return PageShape(**page_of(page, fire_shapes(engine, page.items)))


def _with_shut(engine: Engine, shapes: list[tuple[Scheduled, ScheduledShape]]) -> list[ScheduledShape]:
    shut = engine.agenda.shut([row for row, _ in shapes])
    return [shape.model_copy(update={"shut": shut.get(row.id)}) for row, shape in shapes]


def _target(where: Move) -> datetime | timedelta:
    if (where.to is None) == (where.by is None):
        raise PicoschedError('wanted either "to", a time, or "by", a duration')
    if where.to is not None:
        return parse_time(where.to)
    assert where.by is not None
    sign = -1 if where.by.startswith("-") else 1
    return sign * parse_duration(where.by.removeprefix("-"))


def _changed(engine: Engine, id: str, done: list[Scheduled]) -> ScheduledShape:
    """The changed row; `conflict` with its status if it was not changed."""
    if not done:
        row = engine.agenda.load(id)
        raise PicoschedError(f"the scheduled event {id} is {row.status.value}", "conflict")
    return scheduled_shape(done[0], Names(engine))
