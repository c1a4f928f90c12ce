"""What is to come: as a calendar that other programs read."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from picosched.clock import parse_time
from picosched.engine.agenda import MOST_DAYS, MOST_EVENTS
from picosched.schedule.filter import Filter
from picosched.web.api.shapes import TIME, AnEngine, AnyPico, pico_of

router = APIRouter(prefix="/api", tags=["forecast"])

Text = Annotated[str | None, Query(max_length=200)]


@router.get(
    "/calendar.ics",
    response_class=Response,
    responses={200: {"content": {"text/calendar": {}}, "description": "The calendar."}},
)
def calendar(
    engine: AnEngine,
    pico: AnyPico = None,
    rid: Text = None,
    name: Text = None,
    domain: Text = None,
    type: Text = None,
    kind: Literal["at", "repeat", "window"] | None = None,
    since: Annotated[str | None, Query(description=f"Events at this time or later. {TIME}")] = None,
    until: Annotated[str | None, Query(description=f"Events at this time or earlier. {TIME}")] = None,
    text: Annotated[str | None, Query(description="Searched for in all its texts.", max_length=200)] = None,
    days: Annotated[int, Query(description=f"How far ahead, at most {MOST_DAYS}.")] = 31,
    limit: Annotated[int, Query(description=f"Number of events, at most {MOST_EVENTS}.")] = MOST_EVENTS,
    token: Annotated[str | None, Query(description="The token, instead of a header.", max_length=200)] = None,
) -> Response:
    """What pending schedules will raise, as an iCalendar for calendar programs."""
    which = Filter(
        pico_id=pico_of(engine, pico),
        rid=rid,
        name=name,
        domain=domain,
        type=type,
        kind=kind,
        since=None if since is None else parse_time(since),
        until=None if until is None else parse_time(until),
        text=text,
    )
    return Response(engine.agenda.calendar(which, days, limit), media_type="text/calendar")
