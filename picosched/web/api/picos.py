"""Picos and their channels; events and queries without a policy."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field, StrictFloat, StrictInt

from picosched.clock import format_time
from picosched.engine.pico import PicoRef
from picosched.errors import PicoschedError
from picosched.krl.keys import without_config_keys
from picosched.store.picos import InstalledRow, PicoRow
from picosched.web.api.needs import AUTHOR, OPERATE, READ
from picosched.web.api.shapes import (
    TIME,
    After,
    AnEngine,
    AskedHost,
    AskedTrace,
    ChannelShape,
    Input,
    InstalledShape,
    Limit,
    Names,
    PageShape,
    PicoShape,
    ScheduledShape,
    TurnShape,
    Whole,
    load,
    page_of,
    scheduled_shape,
)

router = APIRouter(prefix="/api", tags=["picos"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="With the same key a pico gets one schedule only, within `history_days`.",
    ),
]


class NewPico(Input):
    """A pico to create."""

    name: str = Field(min_length=1, max_length=200)
    parent: str | None = Field(None, description="By name or id; the root without it.")
    unique: bool = Field(True, description="Refuse a name that another pico has.")


class NewChannel(Input):
    """A channel to create."""

    tags: list[str] = Field([])
    allow_events: list[str] = Field(["*:*"])
    deny_events: list[str] = Field([])
    allow_queries: list[str] = Field(["*:*"])
    deny_queries: list[str] = Field([])


class NewSchedule(Input):
    """An event to schedule: `at` a time, or to `repeat`."""

    domain: str = Field(min_length=1)
    type: str = Field(min_length=1)
    attrs: dict[str, Any] = Field({}, description="Those such as `_name` steer the schedule, as for rules.")
    at: str | StrictInt | StrictFloat | None = Field(None, description=f"{TIME} Or milliseconds since 1970.")
    repeat: str | dict[str, Any] | None = Field(None, description="A timespec.")


class NewScheduleShape(ScheduledShape):
    """A schedule that was wanted."""

    new: bool = Field(description="False if it was there: by its name, or by the key of the request.")
    warnings: list[str] = Field(description="What there is to say of its timespec.")


class WholePico(PicoShape):
    """A pico with its children, rulesets and channels."""

    children: list[PicoShape]
    rulesets: list[InstalledShape]
    channels: list[ChannelShape]


class NewEvent(Input):
    """An event to raise."""

    domain: str = Field(min_length=1)
    type: str = Field(min_length=1)
    attrs: dict[str, Any] = Field({})


class NewQuery(Input):
    """A query to run."""

    rid: str
    name: str
    args: dict[str, Any] = Field({})


class AnswerShape(BaseModel):
    """The answer to a query."""

    value: Whole[Any]


@router.get("/picos", dependencies=[READ])
def list_picos(engine: AnEngine, limit: Limit = 100, after: After = None) -> PageShape[PicoShape]:
    """All picos, in order of creation."""
    page, names = engine.read(lambda: engine.store.pages.picos(after, limit)), Names(engine)
    return PageShape(**page_of(page, [_shape(row, names) for row in page.items]))


@router.post("/picos", dependencies=[AUTHOR], status_code=201)
def make_pico(new: NewPico, engine: AnEngine) -> PicoShape:
    """Make a pico. 409 if there is one of that name, unless that is allowed."""
    parent = None if new.parent is None else load(engine, new.parent)
    return shape_of(engine.new_pico(new.name, parent, unique=new.unique))


@router.get("/picos/{pico}", dependencies=[READ])
def show_pico(pico: str, engine: AnEngine) -> WholePico:
    """One pico, by name or id, with its children, rulesets and channels."""
    found = load(engine, pico)
    shape = shape_of(found)
    return WholePico(
        **shape.model_dump(),
        children=[
            PicoShape(id=each.id, name=each.name, parent=found.name, parent_id=found.id)
            for each in found.children()
        ],
        rulesets=[installed_shape(each) for each in found.rulesets().values()],
        channels=[ChannelShape.of(each, found.name) for each in found.channels()],
    )


@router.delete("/picos/{pico}", dependencies=[AUTHOR], status_code=204)
def delete_pico(pico: str, engine: AnEngine) -> None:
    """Delete a pico with its descendants; their schedules are cancelled. 403 for the root."""
    load(engine, pico).delete()


@router.post("/picos/{pico}/raise", dependencies=[OPERATE])
def raise_event(
    pico: str, new: NewEvent, engine: AnEngine, asked: AskedHost, trace: AskedTrace = None
) -> TurnShape:
    """Raise an event in a pico, without a policy; answers once the turn is durable."""
    event = engine.new_event(new.domain, new.type, new.attrs, host=asked, trace=trace)
    return TurnShape.of(engine.raise_one(event, load(engine, pico).id), Names(engine))


@router.post("/picos/{pico}/query", dependencies=[READ])
def query(pico: str, new: NewQuery, engine: AnEngine, asked: AskedHost) -> AnswerShape:
    """Run a query in a pico, without a policy."""
    wanted = engine.new_query(new.rid, new.name, new.args, host=asked)
    return AnswerShape(value=engine.answer_to(wanted, load(engine, pico).id))


@router.post("/picos/{pico}/scheduled", dependencies=[OPERATE], status_code=201)
def schedule(
    pico: str, new: NewSchedule, engine: AnEngine, answer: Response, key: IdempotencyKey = None
) -> NewScheduleShape:
    """Schedule an event in a pico, for all of its rulesets. 200 if the schedule was there."""
    made = load(engine, pico).schedule(
        new.domain, new.type, at=new.at, repeat=new.repeat, attributes=new.attrs, once=key
    )
    if not made.is_new:
        answer.status_code = 200
    shape = scheduled_shape(made.row, Names(engine)).model_dump()
    return NewScheduleShape(**shape, new=made.is_new, warnings=[*made.warnings])


@router.get("/picos/{pico}/channels", dependencies=[READ])
def list_channels(pico: str, engine: AnEngine) -> list[ChannelShape]:
    """The channels of a pico."""
    found = load(engine, pico)
    return [ChannelShape.of(each, found.name) for each in found.channels()]


@router.post("/picos/{pico}/channels", dependencies=[AUTHOR], status_code=201)
def make_channel(pico: str, new: NewChannel, engine: AnEngine) -> ChannelShape:
    """Create a channel."""
    found = load(engine, pico)
    channel = found.new_channel(
        new.tags, new.allow_events, new.allow_queries, new.deny_events, new.deny_queries
    )
    return ChannelShape.of(channel, found.name)


@router.delete("/picos/{pico}/channels/{eci}", dependencies=[AUTHOR], status_code=204)
def delete_channel(pico: str, eci: str, engine: AnEngine) -> None:
    """Delete a channel."""
    found = load(engine, pico)
    if not found.delete_channel(eci):
        raise PicoschedError(f"the pico {found.name} has no channel {eci}", "not_found")


@router.post("/channels/{eci}/raise", dependencies=[OPERATE])
def raise_through(
    eci: str, new: NewEvent, engine: AnEngine, asked: AskedHost, trace: AskedTrace = None
) -> TurnShape:
    """Raise an event through a channel, subject to its policy."""
    event = engine.new_event(new.domain, new.type, new.attrs, eci=eci, host=asked, trace=trace)
    return TurnShape.of(engine.raise_one(event), Names(engine))


@router.post("/channels/{eci}/query", dependencies=[READ])
def query_through(eci: str, new: NewQuery, engine: AnEngine, asked: AskedHost) -> AnswerShape:
    """Run a query through a channel, subject to its policy."""
    wanted = engine.new_query(new.rid, new.name, new.args, eci=eci, host=asked)
    return AnswerShape(value=engine.answer_to(wanted))


def installed_shape(row: InstalledRow) -> InstalledShape:
    return InstalledShape(
        rid=row.rid,
        hash=row.hash,
        origin=row.origin,
        config=without_config_keys(row.config),
        flushed=None if row.flushed is None else format_time(row.flushed),
    )


def _shape(row: PicoRow, names: Names) -> PicoShape:
    parent = None if row.parent_id is None else names.of(row.parent_id)
    return PicoShape(id=row.id, name=row.name, parent=parent, parent_id=row.parent_id)


def shape_of(pico: PicoRef) -> PicoShape:
    parent = pico.parent
    return PicoShape(
        id=pico.id,
        name=pico.name,
        parent=None if parent is None else parent.name,
        parent_id=None if parent is None else parent.id,
    )
