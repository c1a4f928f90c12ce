"""What is to come: as a calendar that other programs read, and the load of each hour."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from picosched.clock import parse_time
from picosched.schedule.forecast import MOST_DAYS, MOST_EVENTS, USUAL_DAYS
from picosched.web.api.busy import busy
from picosched.web.api.needs import READ
from picosched.web.api.shapes import TIME, AnEngine, Wanted

router = APIRouter(prefix="/api", tags=["forecast"])

Id = Annotated[str, Field(description="Of a schedule, or of an entry of a source.")]
Of = Annotated[str, Field(description="The name of its pico, or of its source.")]


class HourShape(BaseModel):
    """An hour in which events come."""

    at: str
    count: int


class WhatShape(BaseModel):
    """What comes in a minute, and how often."""

    id: Id
    event: str
    of: Of
    count: int


class FullShape(BaseModel):
    """One of the fullest minutes."""

    at: str
    count: int
    what: list[WhatShape]


class SteadyShape(BaseModel):
    """What comes at least once a minute, at an even distance, at any time, and is not counted."""

    id: Id
    event: str
    of: Of
    per_minute: float


class SuggestionShape(BaseModel):
    """Where a timespec meets the fewest other events."""

    timespec: str
    tz: str
    others: int = Field(description="Events in the fullest of its minutes.")
    at: str
    shift: int = Field(description="By how many minutes to shift it.")
    shifted: str | None = Field(description="The shifted timespec, if it can be written for you.")
    shifted_others: int
    jitter: int = Field(description="Seconds.")
    jitter_others: float = Field(description="Events in the minutes of the jitter, on average.")


class LoadShape(BaseModel):
    """How many events come in each hour."""

    model_config = ConfigDict(populate_by_name=True)

    since: str = Field(alias="from")
    until: str
    complete: str = Field(description="Up to which time it was counted.")
    total: int
    hours: list[HourShape]
    fullest: list[FullShape]
    steady: list[SteadyShape]
    suggestion: SuggestionShape | None


@router.get(
    "/calendar.ics",
    dependencies=[READ],
    response_class=Response,
    responses={200: {"content": {"text/calendar": {}}, "description": "The calendar."}},
)
def calendar(
    engine: AnEngine,
    which: Wanted,
    days: Annotated[int, Query(description=f"How far ahead, at most {MOST_DAYS}.")] = USUAL_DAYS,
    limit: Annotated[int, Query(description=f"Number of events, at most {MOST_EVENTS}.")] = MOST_EVENTS,
    # Read by web/site.py; here for the documentation.
    token: Annotated[str | None, Query(description="The token, instead of a header.", max_length=200)] = None,
) -> Response:
    """What pending schedules will raise, as an iCalendar for calendar programs."""
    with busy():
        return Response(engine.ics(which, days, limit), media_type="text/calendar")


class NotFiringShape(BaseModel):
    """Occurrences that will not be raised, for one reason."""

    at: str = Field(description="The first of them.")
    id: str
    event: str
    name: str | None
    pico: str = Field(description="The name of its pico.")
    pico_id: str
    outcome: str = Field(description="skipped, throttled, paused, failed, left out, ended or unknown.")
    why: str
    occurrences: int = Field(description="At most 10,000 are counted.")


@router.get("/not-firing", dependencies=[READ])
def not_firing(
    engine: AnEngine,
    which: Wanted,
    days: Annotated[int, Query(description=f"How far ahead, at most {MOST_DAYS}.")] = USUAL_DAYS,
    limit: Annotated[int, Query(description=f"Number of entries, at most {MOST_EVENTS}.")] = MOST_EVENTS,
) -> list[NotFiringShape]:
    """What will not be raised of schedules, and why: skips, throttles, pauses, days left out, ends.

    With the entries of sources that will fail, as their window is gone; `pico` is empty for many picos.
    """
    with busy():
        found = engine.not_firing(which, days, limit)
        names = engine.agenda.names(found)
        return [NotFiringShape(**each.as_json(), pico=names[each.pico_id]) for each in found]


@router.get("/load", dependencies=[READ])
def load(
    engine: AnEngine,
    since: Annotated[str | None, Query(alias="from", description=f"{TIME} Default: now.")] = None,
    until: Annotated[str | None, Query(description=f"{TIME} Default: seven days later.")] = None,
    suggest: Annotated[str | None, Query(max_length=4_000, description="A timespec.")] = None,
    tz: Annotated[str, Query(max_length=64, description="Its zone.")] = "UTC",
) -> LoadShape:
    """How many events schedules and sources will raise in each hour, and in the fullest minutes."""
    start, end = (None if each is None else parse_time(each) for each in (since, until))
    with busy():
        return LoadShape(**engine.load(start, end, suggest, tz).as_json())
