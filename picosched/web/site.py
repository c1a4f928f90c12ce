"""The ASGI application on the socket: it checks access, answers the Node engine's paths, and passes the
rest to FastAPI.

Every request is checked here for host, rate, size and token, and is counted and logged.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote

from picosched.acting import CONSOLE, HTTP, Role
from picosched.clock import ticks
from picosched.errors import PicoschedError
from picosched.web.access import ENTER, SAFE, Access, nobody
from picosched.web.caller import Caller, answering, while_valid
from picosched.web.desk import Desk
from picosched.web.errors import BusyError, Headers, HttpError, body_of, status_of
from picosched.web.forwarding import SECRET, Forwarding
from picosched.web.limits import Held, Rate, too_often
from picosched.web.metrics import Metrics
from picosched.web.origins import Origins
from picosched.web.request import (
    Message,
    Receive,
    Scope,
    Send,
    again,
    has_body,
    headers_of,
    parameters,
    read_body,
    segments_of,
)
from picosched.web.sky import CORS, JSON_TYPE, PIECE, Answer, Call, Sky, find_call
from picosched.web.whole import written_whole

log = logging.getLogger(__name__)

App = Callable[[Scope, Receive, Send], Awaitable[None]]
AccessLog = Callable[[str, str, int, float, str], None]
"""Called for each request: method, path, status, seconds, address."""

MOST_BODY = 10_000_000
"""Bytes of a body, except on the Node engine's paths."""

MOST_OPEN_BODY = 16_384
"""Bytes of a body on paths that require no token."""

MOST_HELD = 32_000_000
"""Total bytes of bodies received and not answered yet."""

MOST_GOING = 64_000_000
"""Total bytes of large answers on the Node engine's paths that clients have not read yet."""

SHORT = 200
"""Bytes of a path up to which it is remembered how it was read."""

MOST_SOCKETS = 200
"""WebSockets at once; a page of the console has one."""

REFUSED = (400, 401, 403, 404, 405, 408, 413)
"""Statuses that count as refusals if given here, before FastAPI or a rule has seen the request."""

STOPPED = "picosched is stopping; it is not known whether this took effect"

OPEN = frozenset(
    ("/health", "/ready", "/api/health", "/api/ready", "/api/session", "/login", "/logout", ENTER)
)
"""Paths that require no token."""

ENDED = HttpError(401, "the token is not valid any more")

LOGINS = frozenset((("POST", "/login"), ("POST", "/api/session"), ("GET", ENTER)))
"""Requests that try a token or a key."""

UI_CONTEXT = "/api/ui-context"

CALENDAR = "/api/calendar.ics"
"""The path whose URL may have the token, because calendar programs send no headers."""

OPEN_HERE = frozenset((UI_CONTEXT, "/metrics"))
"""Paths that require no token on a loopback host."""

OTHER = "(other)"
"""The path in metrics for requests without a template."""

ECI = re.compile(r"^(/+(?:api/(?:.*/)?channels|c|sky(?:/+[^/]+)?)/+)([^/]{8})[^/]+", re.IGNORECASE)
"""Also in paths that lead nowhere: a client may have mistyped the rest."""

POLICY = b"; ".join(
    (
        b"default-src 'self'",
        b"script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # NiceGUI's pages need inline scripts
        b"style-src 'self' 'unsafe-inline'",
        b"img-src 'self' data:",
        b"font-src 'self' data:",
        b"object-src 'none'",
        b"base-uri 'self'",
        b"form-action 'self'",
        b"frame-ancestors 'none'",
    )
)
"""Our own pages may load and contact only this server."""

SECURITY: Headers = [
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]


class Site:
    """The whole server, as an ASGI application."""

    def __init__(
        self,
        desk: Desk,
        access: Access,
        metrics: Metrics,
        rest: App,
        *,
        rate: Rate | None = None,
        refusals: Rate | None = None,
        origins: Origins | None = None,
        access_log: AccessLog | None = None,
    ) -> None:
        self._access = access
        self._metrics = metrics
        self._rest = rest
        self._rate = rate
        self._refusals = refusals
        self._log = access_log
        self.bodies = Held(MOST_HELD, "bodies")
        self.going = Held(MOST_GOING, "answers")
        self._origins = origins or Origins()
        self.forwarding = None if desk.engine.store.machines is None else Forwarding(desk.engine)
        self._sky = Sky(desk, self._own, self.bodies, self._origins, self.forwarding)
        self._sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, path, call = ticks(), OTHER, None
        headers = headers_of(scope)
        wait = self._refusals.wait(_address(scope)) if self._refusals else 0.0
        try:
            fellow = self.forwarding is not None and self.forwarding.is_fellow(headers)
            if not fellow:
                self._access.check_host(headers)
            if self._rate is not None and not fellow:
                self._rate.check(_address(scope))
            raw: bytes = scope["raw_path"]
            if raw.startswith((b"/c/", b"/sky/")):
                call = _remembered_call(raw) if len(raw) <= SHORT else _call(raw)
                path = call.path
                answer = await self._sky.answer(call, scope, headers, receive, suspect=wait > 0)
            elif scope["path"] == UI_CONTEXT and self._preflight(scope, headers):
                answer, path = Answer(200, self._origins.preflight(headers), b""), UI_CONTEXT
            else:
                status, path = await self._ours(scope, headers, receive, send)
                self._done(scope, path, status, ticks() - start)
                return
        except (PicoschedError, HttpError) as error:
            answer = _login(scope, headers, error) or _refusal(scope, self._counted(scope, error, wait))
        except asyncio.CancelledError:  # the server is stopping and cannot wait longer
            answer = _refusal(scope, HttpError(503, STOPPED))
        except Exception as error:
            log.exception("%s %s failed", scope["method"], scope["path"])
            answer = _refusal(scope, PicoschedError(f"picosched failed: {type(error).__name__}", "internal"))
        if len(answer.body) > PIECE:
            answer = await self._send_large(scope, answer, send)
        elif not written_whole(answer.status, answer.headers, answer.body, send):
            await _send(answer, send)
        seconds = ticks() - start
        if call is not None and call.event is not None and answer.status < 400:
            self._metrics.turned(seconds)
        self._done(scope, path, answer.status, seconds)

    def _own(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers without our token and our secret, which must not reach rules or the journal."""
        headers = self._access.own(headers)
        if SECRET not in headers:
            return headers
        return {name: value for name, value in headers.items() if name != SECRET}

    def _preflight(self, scope: Scope, headers: Mapping[str, str]) -> bool:
        """Whether a browser asks if a page of another origin that we know may send a request."""
        return scope["method"] == "OPTIONS" and self._origins.allow(headers)

    def _counted(
        self, scope: Scope, error: PicoschedError | HttpError, wait: float
    ) -> PicoschedError | HttpError:
        """Count the error if it is a refusal, and replace it by 429 if the client was refused too often
        before.

        So requests that would be accepted are never limited.
        """
        if self._refusals is None or status_of(error) not in REFUSED:
            return error
        if not wait:
            self._refusals.count(_address(scope))
            return error
        return too_often(f"too many refused requests (this one: {error})", wait)

    async def _ours(
        self, scope: Scope, headers: Mapping[str, str], receive: Receive, send: Send
    ) -> tuple[int, str]:
        """Let FastAPI answer; return its status and the path template."""
        path, method = scope["path"], scope["method"]
        surface = HTTP if path.startswith("/api") else CONSOLE
        most, more = MOST_BODY, Headers()
        if path == UI_CONTEXT and self._origins.allow(headers):
            more = self._origins.answer(headers)
            found = nobody(surface) if self._access.loopback else self._access.check(headers, method, surface)
        elif path == UI_CONTEXT and self._access.foreign(headers):
            origin = headers["origin"][:100]
            raise HttpError(
                403,
                f'found the Origin "{origin}", wanted a page of this server, or of an origin that it was '
                f"started with: serve --allow-origin {origin}",
            )
        elif not (path in OPEN or (path in OPEN_HERE and self._access.loopback)):
            token = _token(scope) if path == CALENDAR else None
            found = self._access.check(headers, method, surface, token)
        else:
            role = Role.AUTHOR if path in OPEN_HERE else Role.READ
            most, found = MOST_OPEN_BODY, nobody(surface, role)
            self._access.check_page(headers)
            self._check_logins(scope)
        answering(found, scope)
        told = _Told(send, path.startswith("/api"), more, found if method in SAFE else None)
        with self.bodies.hold() as hold:
            body = await read_body(headers, receive, most, hold.take) if has_body(headers) else b""
            try:
                await self._rest(scope, again(body, receive), told)
            except (Exception, asyncio.CancelledError):
                if not told.begun:
                    raise
                log.exception("%s %s failed", method, path)
        if told.status == 401 and self._refusals is not None:
            self._refusals.count(_address(scope))  # a login that failed
        route = scope.get("route")
        return told.status, getattr(route, "path", OTHER)

    def _check_logins(self, scope: Scope) -> None:
        """429 for a login from an address that was refused too often: no more guesses are looked at."""
        if self._refusals is not None and (scope["method"], scope["path"]) in LOGINS:
            wait = self._refusals.wait(_address(scope))
            if wait:
                raise too_often("too many failed logins or refused requests", wait)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """WebSockets are only for the console: from its pages, with the token."""
        headers = headers_of(scope)
        try:
            self._access.check_host(headers)
            found = self._access.check(headers, "WEBSOCKET", CONSOLE)
            if self._sockets >= MOST_SOCKETS:
                raise BusyError(f"{MOST_SOCKETS} WebSockets are open already")
        except HttpError as error:
            if self._refusals is not None and error.status in REFUSED:
                self._refusals.count(_address(scope))
            log.warning("a websocket was refused: %s", error)
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        answering(found, scope)
        self._sockets += 1
        try:
            await self._rest(scope, while_valid(found, receive, send), send)
        finally:
            self._sockets -= 1

    async def _send_large(self, scope: Scope, answer: Answer, send: Send) -> Answer:
        """Send an answer in pieces as the client reads it, or a replacement if too much is pending; return
        the one sent."""
        with self.going.hold() as hold:
            try:
                hold.take(len(answer.body))
            except BusyError as error:
                if answer.instead is None:
                    answer = _refusal(scope, error)
                else:
                    answer = answer._replace(body=answer.instead)
            await _send(answer, send)
        return answer

    def _done(self, scope: Scope, path: str, status: int, seconds: float) -> None:
        self._metrics.answered(path, status)
        if self._log is not None:
            self._log(scope["method"], shown_path(scope["path"]), status, seconds, _address(scope))


class _Told:
    """A `send` that adds security headers and records the status.

    A `reader` whose token became invalid meanwhile is told 401 and nothing else.
    """

    def __init__(self, send: Send, private: bool, more: Headers, reader: Caller | None) -> None:
        self._send = send
        self._reader = reader
        self._over = False
        self._more = [*SECURITY, *([(b"cache-control", b"no-store")] if private else []), *more]
        self.status = 500
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._reader is not None and not self._reader.still():
                self.status, self.begun, self._over = 401, True, True
                await _send(Answer(401, [JSON_TYPE, *self._more], body_of(ENDED)), self._send)
            if self._over:
                return
            self.status, self.begun = message["status"], True
            given = [*message.get("headers", ())]
            names = {name for name, _ in given}
            message["headers"] = [*given, *(each for each in self._more if each[0] not in names)]
        if not self._over:
            await self._send(message)


def shown_path(path: str) -> str:
    """A path for the log, with ecis shortened, because they are keys."""
    return _remembered_shown(path) if len(path) <= SHORT else ECI.sub(r"\1\2…", path)


def _token(scope: Scope) -> str | None:
    """The token in the query string of a request that only reads."""
    token = parameters(scope["query_string"], b"", {}).get("token") if scope["method"] in SAFE else None
    return token if isinstance(token, str) else None


def _call(raw_path: bytes) -> Call:
    parts = segments_of(raw_path)
    call = None if parts is None else find_call(parts)
    if call is None:
        raise PicoschedError(f"there is nothing at {raw_path.decode('latin-1')[:200]}", "not_found")
    return call


_remembered_call = lru_cache(maxsize=1_000)(_call)
"""Clients ask for the same paths; looking one up is cheaper than parsing it."""


_remembered_shown = lru_cache(maxsize=1_000)(partial(ECI.sub, r"\1\2…"))


def _refusal(scope: Scope, error: PicoschedError | HttpError) -> Answer:
    headers: Headers = [JSON_TYPE, *(error.headers if isinstance(error, HttpError) else ())]
    if scope["raw_path"].startswith((b"/c/", b"/sky/")):
        headers += CORS
    else:
        headers += SECURITY
    return Answer(status_of(error), headers, body_of(error))


def _login(scope: Scope, headers: Mapping[str, str], error: PicoschedError | HttpError) -> Answer | None:
    """The redirect to the login page for a browser without the token; None for other clients."""
    page = scope["method"] == "GET" and not scope["path"].startswith(("/api", "/metrics", "/c/", "/sky/"))
    if not page or status_of(error) != 401 or "text/html" not in headers.get("accept", ""):
        return None
    asked: bytes = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    there = b"/login?next=" + quote(asked, safe="").encode()
    return Answer(303, [(b"location", there), *SECURITY], b"")


async def _send(answer: Answer, send: Send) -> None:
    body = answer.body
    headers = [*answer.headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if len(body) > PIECE:
        for place in range(0, len(body) - PIECE, PIECE):
            await send({"type": "http.response.body", "body": body[place : place + PIECE], "more_body": True})
        body = body[(len(body) - 1) // PIECE * PIECE :]
    await send({"type": "http.response.body", "body": body})


def _address(scope: Scope) -> str:
    client: Any = scope.get("client")
    return client[0] if client else "?"
