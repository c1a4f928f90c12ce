"""The Node engine's paths: events and queries through channels, answered without a framework.

These paths carry most of the load, so each request is kept cheap: the path is parsed once, the desk does
the work, and the answer is written in one piece. Anyone who knows an eci may call from anywhere (CORS `*`),
subject to the channel's policy.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, TypeVar

import orjson

from picosched.krl.text import tree_text
from picosched.pico.event import Query
from picosched.pico.turn import Turn
from picosched.turns.pieces import AskPassing, Later
from picosched.web.desk import Desk
from picosched.web.directed import directed
from picosched.web.errors import Headers, HttpError
from picosched.web.forwarding import Forwarding
from picosched.web.limits import Held
from picosched.web.lines import Wanted
from picosched.web.origins import METHODS, Origins
from picosched.web.request import (
    KEY,
    MULTIPART,
    SMALL,
    URLENCODED,
    Receive,
    Scope,
    has_body,
    host_of,
    kind_of,
    parameters,
    read_body,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-headers", b"Origin, X-Requested-With, Content-Type, Accept, Idempotency-Key"),
]
JSON_TYPE = (b"content-type", b"application/json; charset=utf-8")
JSON: Headers = [*CORS, JSON_TYPE]
TEXTS = {"html": b"text/html; charset=utf-8", "txt": b"text/plain; charset=utf-8"}

SANDBOX = (
    b"content-security-policy",
    b"sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"
    b" allow-top-navigation-by-user-activation",
)
"""A ruleset's page gets an origin of its own, so that its scripts cannot use the reader's access."""

BODY_MARGIN = 65_536
"""Bytes of a body in addition to the attributes: spaces, field names."""

LARGE_AT_ONCE = 8
"""Large bodies being parsed, or parsed and not yet answered."""

PIECE = 262_144
"""Larger answers are sent in pieces of this many bytes."""

MOST_REPORTED, LONGEST_REPORTED = 3, 500
"""Errors of a turn that are logged, and characters of each."""

LEFT_OUT = "the directives were left out of the answer: too many bytes are on their way to other clients"


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: Headers
    body: bytes
    instead: bytes | None = None
    """A replacement if the body is too large to send now; for events, which have taken effect anyway."""


class Call(NamedTuple):
    """A parsed path. `path` is its template, for the metrics."""

    path: str
    eci: str
    event: tuple[str, str] | None = None
    """Domain and type."""
    query: tuple[str, str] | None = None
    """Rid and name."""
    eid: str | None = None
    waits: bool = True

    @property
    def asks(self) -> tuple[str, str] | None:
        """Rid and name of the query, without the suffix."""
        return None if self.query is None else (self.query[0], self.query[1].partition(".")[0])


def find_call(parts: list[str]) -> Call | None:
    """Parse the segments of a path; None if it is not one of the Node engine's."""
    match parts:
        case ["c", eci, "event-wait", domain, type]:
            return Call("/c/:eci/event-wait/:domain/:type", eci, event=(domain, type))
        case ["c", eci, "query", rid, name]:
            return Call("/c/:eci/query/:rid/:name", eci, query=(rid, name))
        case ["c", eci, "event", domain, type]:
            return Call("/c/:eci/event/:domain/:type", eci, event=(domain, type), waits=False)
        case ["c", eci, "event", domain, type, "query", rid, name]:
            path = "/c/:eci/event/:domain/:type/query/:rid/:name"
            return Call(path, eci, event=(domain, type), query=(rid, name))
        case ["sky", "event", eci, eid, domain, type]:
            return Call("/sky/event/:eci/:eid/:domain/:type", eci, event=(domain, type), eid=eid)
        case ["sky", "cloud" | "query" as word, eci, rid, name]:
            return Call(f"/sky/{word}/:eci/:rid/:name", eci, query=(rid, name))
    return None


class Sky:
    """Answers calls. `own` removes our token from the headers passed to events."""

    def __init__(
        self,
        desk: Desk,
        own: Callable[[Mapping[str, str]], Mapping[str, str]],
        bodies: Held,
        origins: Origins,
        forwarding: Forwarding | None = None,
    ) -> None:
        self._desk = desk
        self._forwarding = forwarding
        self._origins = origins
        self._engine = desk.engine
        self._own = own
        self._bodies = bodies
        self._most_attrs = desk.engine.settings.limits.max_attrs_bytes
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._thread = ThreadPoolExecutor(1, "picosched web texts")

    async def answer(
        self, call: Call, scope: Scope, headers: Mapping[str, str], receive: Receive, *, suspect: bool = False
    ) -> Answer:
        """The answer to a call. The caller handles PicoschedError and HttpError.

        The channel's policy is checked before a large body is read, or first of all if the client is
        `suspect`.
        """
        method = scope["method"]
        if method == "OPTIONS":
            if self._origins.allow(headers):
                return Answer(200, self._origins.preflight(headers), b"")
            allowed = [(b"allow", METHODS), (b"access-control-allow-methods", METHODS)]
            return Answer(200, [*CORS, *allowed], b"")
        if method not in ("GET", "POST"):
            raise HttpError(405, f"found the method {method}, wanted GET or POST", [(b"allow", METHODS)])
        if suspect:
            await self._passes(call)
        query: bytes = scope["query_string"]
        host = host_of(scope, headers)
        if not has_body(headers):
            if self._forwarding and (answer := await self._elsewhere(call, scope, headers, b"")) is not None:
                return answer
            return await self._done(call, self._wanted(call, query, b"", headers, host))
        with self._bodies.hold() as hold:
            passes = None if suspect else partial(self._passes, call)
            body = await read_body(headers, receive, self._most_body(headers), hold.take, passes)
            if self._forwarding and (answer := await self._elsewhere(call, scope, headers, body)) is not None:
                return answer
            if len(body) <= SMALL:
                return await self._done(call, self._wanted(call, query, body, headers, host))
            # Parsed values take many times the bytes of their text, so only a few may be processed at once.
            async with self._large:
                wanted = await self._apart(self._wanted, call, query, body, headers, host)
                return await self._done(call, wanted)

    async def _elsewhere(
        self, call: Call, scope: Scope, headers: Mapping[str, str], body: bytes
    ) -> Answer | None:
        """The answer of another machine to an event of its pico; None if it is to be handled here."""
        if call.event is None or self._forwarding is None:
            return None
        answer = await self._forwarding.answer(call.eci, scope, headers, body)
        return None if answer is None else Answer(*answer)

    async def _apart(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run `work` in a thread, because it would block the loop, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _passes(self, call: Call) -> Awaitable[None]:
        """PicoschedError `not_found` or `refused` if the channel does not let the call pass."""
        return self._desk.done(AskPassing(call.eci, call.event, call.asks))

    def _most_body(self, headers: Mapping[str, str]) -> int:
        """The limit for a body; its content is measured again later. Percent-encoding may triple a form."""
        factor = 3 if kind_of(headers) in (URLENCODED, MULTIPART) else 1
        return factor * self._most_attrs + BODY_MARGIN

    def _wanted(
        self, call: Call, query: bytes, body: bytes, headers: Mapping[str, str], host: str | None
    ) -> list[Wanted]:
        """The event and query of a call, in order. Call it in a thread if the body is large."""
        named = parameters(query, body, headers)
        named["_headers"] = self._own(headers)
        wanted: list[Wanted] = []
        if call.event is not None:
            eid = None if call.eid in (None, "none") else call.eid
            if eid is not None:
                named.setdefault("__eid", eid)
            once = headers.get(KEY)
            new_event, alone = self._engine.new_event, call.asks is None
            wanted.append(
                new_event(*call.event, named, eci=call.eci, eid=eid, once=once, host=host, fresh=alone)
            )
        if call.asks is not None:
            wanted.append(self._engine.new_query(*call.asks, named, eci=call.eci, host=host, fresh=True))
        return wanted

    async def _done(self, call: Call, wanted: list[Wanted]) -> Answer:
        for each in wanted:
            outcome = self._desk.at_once(each) if isinstance(each, Query) else Later.BUSY
            if isinstance(outcome, Later):
                outcome = await self._desk.done(each)
            if isinstance(outcome, Turn) and outcome.errors:
                _report(outcome)
                break  # as in the Node engine, no query follows an event that failed
        if is_light(outcome):
            return _answered(call, outcome)
        return await self._apart(_answered, call, outcome)


def is_light(outcome: Any) -> bool:
    """Whether an answer is small enough to serialize on the loop."""
    if not isinstance(outcome, Turn):
        return room_beside(outcome, SMALL) > 0
    room = SMALL
    for each in outcome.directives:
        room = room_beside(each.options, room_beside(each.name, room)) - 100
    return room > 0


def room_beside(value: Any, room: int) -> int:
    """Roughly, `room` minus the bytes of a value as JSON; stops once that is not positive."""
    kind = type(value)
    if kind is str:
        return room - len(value)
    if kind is dict:
        for key, item in value.items():
            room = room_beside(item, room - len(key))
            if room <= 0:
                break
    elif kind is list:
        for item in value:
            room = room_beside(item, room)
            if room <= 0:
                break
    return room - 4


def _report(turn: Turn) -> None:
    """Log the errors of a turn: whoever watches the server may not see its answer."""
    for error, (event, rule) in zip(turn.errors[:MOST_REPORTED], turn.failed, strict=False):
        told = str(error)[:LONGEST_REPORTED]
        log.warning(
            "the event %s (%s) failed on the pico %s in %s: %s", event, turn.eid, turn.pico_id, rule, told
        )


def _answered(call: Call, outcome: Any) -> Answer:
    """The answer to a call, from its query's value or else its event's turn."""
    if call.query is not None and not (isinstance(outcome, Turn) and outcome.errors):
        form = call.query[1].partition(".")[2]
        if form not in TEXTS:
            return Answer(200, JSON, _json(outcome))
        text = outcome if isinstance(outcome, str) else tree_text(outcome)
        headers = [*CORS, (b"content-type", TEXTS[form]), (b"x-content-type-options", b"nosniff"), SANDBOX]
        return Answer(200, headers, text.encode("utf-8", "replace"))
    turn: Turn = outcome
    if not call.waits:
        return Answer(200, JSON, _json(turn.eid))
    status, headers = 200, JSON
    errors: list[str] = []
    if call.eid is not None:
        status, more, errors = directed(turn)
        headers = [*JSON, *more]
    meta = turn.eid
    told: dict[str, Any] = {
        "eid": turn.eid,
        "directives": [
            {
                "type": "directive",
                "name": each.name,
                "options": each.options,
                "meta": {"rid": each.rid, "rule_name": each.rule, "txnId": meta},
            }
            for each in turn.directives
        ],
    }
    if turn.errors:
        told["error"] = str(turn.errors[0])  # by which clients of the Node engine notice that it failed
    if turn.errors or errors:
        errors = [*map(str, turn.errors), *errors]
        told["errors"] = errors
    body = _json(told)
    instead = None
    if len(body) > PIECE:
        left_out = {**told, "directives": [], "errors": [*errors[:100], LEFT_OUT]}
        instead = _json(left_out)
    return Answer(status, headers, body, instead)


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # integers of more than 64 bits, lone surrogates
        return tree_text(value).encode()
