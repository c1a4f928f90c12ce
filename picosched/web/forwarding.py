"""Passes events on to the machine that has the pico's shard, where several servers have one database.

Any server may handle any event, under the lock of the shard. But the machine that has the shard is usually at
work in it, with the pico in memory, so that the event waits less there. If the address of that machine is not
known, or it cannot be reached, the event is handled here.

An answer is waited for as long as that machine is at work. One that was stopped or cut off after it had the
event is silent, and the others take its shards. It may have handled the event, or may do so when it wakes. So
that is in doubt, unless the event has a key, by which it is handled once, wherever it is.

A request that is passed on carries a secret of the database, by which the other server knows that it comes
from one of its own: it keeps the request, whatever it knows of shards, and leaves host and rate to the first.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpcore

from picosched.engine.engine import Engine
from picosched.web.errors import Headers, HttpError
from picosched.web.request import KEY, Scope

SECRET = "picosched-machine"
"""The header with the secret."""

CONNECT_SECONDS, ANSWER_SECONDS = 0.5, 60.0
LOOK_SECONDS = 0.2
"""How often to look whether a machine that has not answered is still at work."""
IDLE_SECONDS = 10.0
AT_ONCE = 200
"""Connections to other machines."""

OF_CONNECTION = frozenset(
    (b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer", b"content-length")
)
"""Headers that are not for the other server."""


class Forwarding:
    """The way to other servers of the same database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool: httpcore.AsyncConnectionPool | None = None

    def is_fellow(self, headers: Mapping[str, str]) -> bool:
        """Whether another server of this database passed the request on."""
        given, secret = headers.get(SECRET), self._engine.secret
        if given is None or secret is None:
            return False
        return hmac.compare_digest(given.encode(), secret.encode())  # texts would have to be ASCII

    async def answer(
        self, eci: str, scope: Scope, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Headers, bytes] | None:
        """The answer of the server that has the pico of a channel; None if the event is to be handled here.

        503 if it is not known whether it was handled there.
        """
        there = self._engine.server_of(eci)
        if there is None or SECRET in headers or not self._engine.is_at_work(there):
            return None
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE, keepalive_expiry=IDLE_SECONDS
            )
        raw: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        url = urlsplit(there)
        target = raw + b"?" + query if query else raw
        try:
            asking = self._pool.request(
                scope["method"],
                httpcore.URL(
                    scheme=url.scheme.encode(),
                    host=(url.hostname or "").encode(),
                    port=url.port,
                    target=target,
                ),
                headers=[
                    *((name, value.strip()) for name, value in scope["headers"] if name not in OF_CONNECTION),
                    (b"content-length", b"%d" % len(body)),
                    (SECRET.encode(), (self._engine.secret or "").encode()),
                ],
                content=body,
                extensions={
                    "timeout": {"connect": CONNECT_SECONDS, "pool": CONNECT_SECONDS, "read": ANSWER_SECONDS}
                },
            )
            response = await self._answered(asking, there)
        except (
            httpcore.ConnectError,
            httpcore.ConnectTimeout,
            httpcore.PoolTimeout,
            httpcore.LocalProtocolError,
        ):
            return None  # nothing was sent
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as cause:
            if KEY in headers:
                return None  # by its key it is handled once
            raise HttpError(
                503, f"the machine at {there} did not answer: it is not known whether the event was handled"
            ) from cause
        kept = [(name, value) for name, value in response.headers if name.lower() not in OF_CONNECTION]
        return response.status, kept, response.content

    async def _answered(
        self, asking: Coroutine[Any, Any, httpcore.Response], there: str
    ) -> httpcore.Response:
        """The answer of a machine, as long as it is at work; ReadTimeout once it is not."""
        task = asyncio.ensure_future(asking)
        try:
            while not task.done() and self._engine.is_at_work(there):
                await asyncio.wait((task,), timeout=LOOK_SECONDS)
            if not task.done():
                raise httpcore.ReadTimeout("the machine is silent")
            return task.result()
        finally:
            task.cancel()

    async def close(self) -> None:
        """Close the connections to other servers."""
        if self._pool is not None:
            await self._pool.aclose()
