"""The peer's paths: events and queries through channels, answered without a framework.

This is where requests are many, so each costs as little as can be: the path is taken apart once, the desk
does the work, and the answer is written in one piece. Whoever knows an eci may call from anywhere (CORS
`*`); what may pass, the channel's policy decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from picosched.errors import PicoschedError
from picosched.krl.text import tree_text
from picosched.pico.turn import Turn
from picosched.web.desk import Desk
from picosched.web.errors import Headers, HttpError
from picosched.web.request import Receive, Scope, parameters

CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-headers", b"Origin, X-Requested-With, Content-Type, Accept, Idempotency-Key"),
]
KEY = "idempotency-key"
METHODS = b"POST, GET, OPTIONS"
JSON_TYPE = (b"content-type", b"application/json; charset=utf-8")
TEXTS = {"html": b"text/html; charset=utf-8", "txt": b"text/plain; charset=utf-8"}

SANDBOX = (
    b"content-security-policy",
    b"sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"
    b" allow-top-navigation-by-user-activation",
)
"""A ruleset's page is not ours: it gets an origin of its own, lest its scripts use the reader's access."""

URL = "%/:?#[]@!$&'()*+,;=~-._"
"""What may stand in a Location as it is."""


class Answer(NamedTuple):
    """What goes back."""

    status: int
    headers: Headers
    body: bytes


class Call(NamedTuple):
    """What a path asks for. `path` is its template, for the metrics."""

    path: str
    eci: str
    event: tuple[str, str] | None = None
    """Domain and type."""
    query: tuple[str, str] | None = None
    """Rid and name."""
    eid: str | None = None
    waits: bool = True


def find_call(parts: list[str]) -> Call | None:
    """What the parts of a path ask for; None if that is no path of the peer's."""
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
    """Answers calls. `own` leaves out of the headers that an event gets what is for us alone."""

    def __init__(self, desk: Desk, own: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        self._desk = desk
        self._own = own
        # Percent signs may triple a form, blanks may double JSON; what is in it is measured anew.
        self._most_body = 3 * desk.engine.settings.limits.max_attrs_bytes + 65_536

    async def answer(self, call: Call, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Answer:
        """The answer to a call. PicoschedError and HttpError are for the caller to show."""
        method = scope["method"]
        if method == "OPTIONS":
            allowed = [(b"allow", METHODS), (b"access-control-allow-methods", METHODS)]
            return Answer(200, [*CORS, *allowed], b"")
        if method not in ("GET", "POST"):
            raise HttpError(405, f"found the method {method}, wanted GET or POST", [(b"allow", METHODS)])
        named = await parameters(scope, headers, receive, self._most_body)
        named["_headers"] = self._own(headers)
        if call.event is None:
            return await self._queried(call, named)
        eid = None if call.eid in (None, "none") else call.eid
        if eid is not None:
            named.setdefault("__eid", eid)
        once = headers.get(KEY)
        turn = await self._desk.raise_event(call.eci, *call.event, named, eid, once)
        if call.query is not None:
            return await self._queried(call, named)
        if not call.waits:
            return _json(turn.eid)
        return _answered(turn, directed=call.eid is not None)

    async def _queried(self, call: Call, named: Mapping[str, Any]) -> Answer:
        assert call.query is not None
        rid, (name, _, form) = call.query[0], call.query[1].partition(".")
        value = await self._desk.query(call.eci, rid, name, named)
        if form not in TEXTS:
            return _json(value)
        text = value if isinstance(value, str) else tree_text(value)
        headers = [*CORS, (b"content-type", TEXTS[form]), (b"x-content-type-options", b"nosniff"), SANDBOX]
        return Answer(200, headers, text.encode("utf-8", "replace"))


def _answered(turn: Turn, *, directed: bool) -> Answer:
    """The directives of a turn; with `directed`, cookies and a redirection among them are obeyed."""
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
        told["errors"] = [str(error) for error in turn.errors]
    answer = _json(told)
    return _directed(turn, answer) if directed else answer


def _directed(turn: Turn, answer: Answer) -> Answer:
    headers, status = answer.headers, answer.status
    for each in turn.directives:
        options = each.options if isinstance(each.options, dict) else {}
        if each.name == "_cookie" and isinstance(cookie := options.get("cookie"), str):
            if not cookie.isprintable():
                raise PicoschedError(
                    f"{each.rid}.{each.rule}: found {cookie!r} as a cookie, wanted it on one line", "internal"
                )
            headers = [*headers, (b"set-cookie", cookie.encode())]
        elif each.name == "_redirect" and isinstance(url := options.get("url"), str) and status == 200:
            status, headers = 302, [*headers, (b"location", quote(url, safe=URL).encode())]
    return Answer(status, headers, answer.body)


def _json(value: Any) -> Answer:
    try:
        body = orjson.dumps(value)
    except TypeError:  # integers of more than 64 bits, half characters
        body = tree_text(value).encode()
    return Answer(200, [*CORS, JSON_TYPE], body)
