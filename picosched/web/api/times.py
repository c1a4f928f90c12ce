"""Explaining timespecs, and simulating rulesets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from picosched.clock import format_time, parse_time
from picosched.engine.rehearsed import Record, TookLongError
from picosched.errors import PicoschedError
from picosched.notation import Input as Raised
from picosched.notation import parse_input, parse_json
from picosched.rehearsal.simulate import simulate
from picosched.timespec.timespec import Timespec
from picosched.web.api.busy import busy
from picosched.web.api.needs import READ
from picosched.web.api.rulesets import LONGEST, checked_ruleset
from picosched.web.api.shapes import TIME, AnEngine, FreeDayShape, Input, Whole

router = APIRouter(prefix="/api", tags=["times"])

MOST_RECORDS = 10_000
SIMULATED_SECONDS = 20.0
"""How long a simulation may take in real time."""


class NextShape(BaseModel):
    """A timespec in words, and when it fires next."""

    timespec: str = Field(description="As given, or with its start if it counts without one.")
    tz: str
    explain: str
    next: list[str]
    left_out: list[FreeDayShape] = Field(
        [], description="Days that its calendars leave out, between the start and the last of these times."
    )
    ending: str | None = Field(None, description="Set if the data of a calendar ends within a year.")


class Simulation(Input):
    """The input of a simulation: ruleset texts, the time span, and events to raise."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    rulesets: list[Annotated[str, Field(max_length=LONGEST)]] = Field(max_length=50)
    start: str = Field(alias="from", description=TIME)
    until: str = Field(description=TIME)
    raised: list[str | dict[str, Any]] = Field(
        [], alias="raise", max_length=10_000, description="`[TIME] domain:type name=value …`, or an object."
    )
    limit: int = Field(1_000, ge=1, le=MOST_RECORDS)


class RecordShape(BaseModel):
    """One event that would be handled."""

    at: str
    pico: str
    event: str
    attrs: Whole[dict[str, Any]]
    scheduled: Whole[dict[str, Any]] | None
    rules: list[str]
    directives: Whole[list[dict[str, Any]]]
    errors: list[str]
    considered: Whole[list[dict[str, Any]]]
    outside: Whole[list[dict[str, str]]] = Field(
        [], description="HTTP requests it tried to make; none were sent."
    )


class Rehearsed(BaseModel):
    """The simulated events. `complete` says whether the end was reached."""

    records: list[RecordShape]
    complete: bool


@router.get("/next", dependencies=[READ])
def next_times(
    engine: AnEngine,
    timespec: Annotated[str, Query(max_length=4_000, description="A text, or a map of time parts as JSON.")],
    tz: Annotated[str, Query(max_length=64)] = "UTC",
    start: Annotated[str | None, Query(alias="from", description=f"{TIME} Without it: now.")] = None,
    n: Annotated[int, Query(ge=0, le=1_000)] = 5,
) -> NextShape:
    """A timespec in words, and when it fires next."""
    value = parse_json(timespec, "timespec") if timespec.lstrip().startswith("{") else timespec
    since = engine.now() if start is None else parse_time(start)
    given = Timespec.parse(value, tz, engine.settings.almanac)
    spec = given.starting(since)
    found = spec.following(since, n)
    left_out = spec.left_out(since, found[-1]) if found else ()
    return NextShape(
        timespec=spec.text if given.open else timespec,
        tz=tz,
        explain=spec.explain(),
        next=[*map(format_time, found)],
        left_out=[FreeDayShape(**each.as_json()) for each in left_out],
        ending=spec.ending(since),
    )


@router.post("/simulate", dependencies=[READ])
def rehearse(what: Simulation, engine: AnEngine) -> Rehearsed:
    """Simulate rulesets in virtual time on a store of their own; nothing is changed."""
    texts = [checked_ruleset(text) for text in what.rulesets]
    start, until = parse_time(what.start), parse_time(what.until)
    inputs = [_input(each) for each in what.raised]
    with busy():
        records = simulate(texts, start, until, inputs, settings=engine.settings, seconds=SIMULATED_SECONDS)
        return _rehearsed(records, what.limit)


def _rehearsed(records: Iterator[Record], limit: int) -> Rehearsed:
    """The first records, within the time limit."""
    found: list[RecordShape] = []
    try:
        found.extend(map(_shape, islice(records, limit)))
        return Rehearsed(records=found, complete=next(records, None) is None)
    except TookLongError:
        return Rehearsed(records=found, complete=False)


def _shape(record: Record) -> RecordShape:
    return RecordShape(**record.as_json(), considered=record.considered)


def _input(raised: str | dict[str, Any]) -> Raised:
    import orjson

    if isinstance(raised, str):
        return parse_input(raised)
    try:
        return parse_input(orjson.dumps(raised).decode())
    except TypeError as cause:
        raise PicoschedError(f"found an event that is not JSON: {cause}") from cause
