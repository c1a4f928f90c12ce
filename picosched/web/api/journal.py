"""The journal: turns, newest first, and as they happen.

Live followers read the journal itself, so slow clients miss nothing: each message has the turn's `seq` as
its id, and a reconnecting client sends the last one it saw (`Last-Event-ID`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.web.api.busy import busy
from picosched.web.api.needs import READ
from picosched.web.api.shapes import (
    TIME,
    After,
    AnEngine,
    AnyPico,
    EntryShape,
    Limit,
    Names,
    PageShape,
    entry_shape,
    page_of,
    pico_of,
)
from picosched.web.caller import caller
from picosched.web.errors import BusyError

router = APIRouter(prefix="/api", tags=["journal"])

LOOK_SECONDS = 0.25
"""How often the journal is polled for followers."""

ALIVE_SECONDS = 15.0
"""After this time without turns, a comment keeps the connection alive."""

AT_ONCE = 20
"""Turns read at a time, because each may be large."""

MOST_FOLLOWERS = 100

READING = 4
"""Threads in which followers read. They may all be waiting for the current turn."""

T = TypeVar("T")


@router.get("/journal", dependencies=[READ])
def list_journal(
    engine: AnEngine,
    pico: AnyPico = None,
    eid: Annotated[str | None, Query(description="Only the turn of this event.")] = None,
    limit: Limit = 100,
    after: After = None,
) -> PageShape[EntryShape]:
    """Turns, newest first."""
    pico_id = pico_of(engine, pico)
    page = engine.read(lambda: engine.store.pages.journal(after, limit, pico_id=pico_id, eid=eid))
    names = Names(engine)
    return PageShape(**page_of(page, [entry_shape(each, names) for each in page.items]))


class LinkShape(BaseModel):
    """One link of a chain."""

    name: str
    held: bool
    text: str


class WhyShape(BaseModel):
    """Why something fired or not."""

    what: str
    links: list[LinkShape]
    broke: str | None = Field(description="The name of the first link that broke.")
    instead: str | None = Field(description="The smallest change with which it would have come.")


What = Annotated[
    str, Query(min_length=1, max_length=200, description="A schedule, an event or a `rid.rule`.")
]


@router.get("/why", dependencies=[READ])
def why(
    engine: AnEngine,
    what: What,
    at: Annotated[str | None, Query(description=f"{TIME} Default: the last time.")] = None,
) -> WhyShape:
    """Why something fired or not: each link from its schedule to its rules, and which one broke."""
    with busy():
        return WhyShape(**engine.why(what, at).as_json())


@router.get("/why/between", dependencies=[READ])
def why_between(
    engine: AnEngine,
    what: What,
    since: Annotated[str, Query(alias="from", description=TIME)],
    until: Annotated[str, Query(description=TIME)],
) -> list[WhyShape]:
    """Why each occurrence from one time to another fired or not, in order, at most 100."""
    with busy():
        return [WhyShape(**each.as_json()) for each in engine.why_between(what, since, until)]


class StepShape(BaseModel):
    """One step of an event's path."""

    kind: str = Field(
        description="turn, schedule, message, program, occurrence, delivery, source or outside."
    )
    event: str
    pico_id: str | None
    pico: str | None = Field(description="Its name.")
    at: str | None
    outcome: str | None
    told: str
    seq: int | None = Field(description="Of a turn: its number in the journal.")
    id: str | None = Field(description="Of a schedule, message, program or source.")
    unsure: bool = Field(description="Whether another turn of the same millisecond may have made it.")
    more: int = Field(description="How many at least it caused that are not shown.")
    caused: list[StepShape]


class PathShape(BaseModel):
    """What led to a step, the origin first, and the step with all that followed."""

    before: list[StepShape]
    step: StepShape
    cut: bool = Field(description="Whether there is more on record than is shown.")


@router.get("/path", dependencies=[READ])
def path(
    engine: AnEngine,
    what: Annotated[
        str,
        Query(
            min_length=1,
            max_length=200,
            description="The number of a turn, the id of its event, or the id of a schedule.",
        ),
    ],
) -> PathShape:
    """What led to a turn or a schedule, and the tree of all that followed from it."""
    with busy():
        return PathShape(**engine.path(what).as_json())


@router.get(
    "/journal/live",
    dependencies=[READ],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Turns as they happen."}},
)
async def follow_journal(
    request: Request,
    engine: AnEngine,
    pico: AnyPico = None,
    after: Annotated[
        int | None, Query(ge=0, le=10**18, description="Start after this `seq`. Default: now.")
    ] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Turns as they happen: server-sent events `turn`, whose data is an entry of the journal."""
    following: Following = request.app.state.following
    pico_id = await following.read(partial(pico_of, engine, pico))
    seq = _begin(after, last_event_id)
    if seq is None:
        seq = await following.read(partial(engine.read, engine.store.pages.last_turn))
    news = _news(engine, following, seq, pico_id, request.app.state.stopping)
    return Followed(news, following)


class Following:
    """The followers of the journal: their number, and the threads in which they read."""

    def __init__(self) -> None:
        self._count = 0
        self._threads = CapacityLimiter(READING)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Count a follower during the block; BusyError if there are too many."""
        if self._count >= MOST_FOLLOWERS:
            raise BusyError(f"the journal has {MOST_FOLLOWERS} followers already")
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    async def read(self, work: Callable[[], T]) -> T:
        """Run `work` in one of the followers' threads, not those of other requests, and return its result."""
        return await to_thread.run_sync(work, limiter=self._threads)


class Followed(StreamingResponse):
    """Server-sent events for one follower, who is counted while they are sent."""

    def __init__(self, news: AsyncIterator[str], following: Following) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(news, media_type="text/event-stream", headers=headers)
        self._following = following

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._following.place():
            await super().__call__(scope, receive, send)


async def _news(
    engine: Engine, following: Following, seq: int, pico_id: str | None, stopping: asyncio.Event
) -> AsyncIterator[str]:
    names, quiet, seen = Names(engine), 0.0, -1

    def read() -> list[EntryShape]:
        found = engine.read(lambda: engine.store.pages.journal_since(seq, AT_ONCE, pico_id=pico_id))
        return [entry_shape(each, names) for each in found]

    yield "retry: 1000\n\n"
    still = caller().still
    while not stopping.is_set() and still():
        commits = engine.commits
        entries = [] if commits == seen else await following.read(read)
        for entry in entries:
            seq = entry.seq
            yield f"id: {seq}\nevent: turn\ndata: {entry.model_dump_json()}\n\n"
        if entries:
            quiet = 0.0
            continue
        seen = commits  # nothing new until the next commit
        try:
            await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)
        except TimeoutError:
            quiet += LOOK_SECONDS
        if quiet >= ALIVE_SECONDS:
            quiet = 0.0
            yield ": still here\n\n"


def _begin(after: int | None, last_event_id: str | None) -> int | None:
    """The `seq` to start after; `Last-Event-ID` takes precedence."""
    if last_event_id is None:
        return after
    if not (last_event_id.isascii() and last_event_id.isdecimal() and len(last_event_id) <= 18):
        raise PicoschedError(f"found the Last-Event-ID {last_event_id[:40]!r}, wanted the `seq` of a turn")
    return int(last_event_id)
