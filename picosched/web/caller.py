"""Who sent the request that is being answered.

`site.Site` finds the caller of each request and WebSocket and sets it, so that all that answers it works for
that caller: threads, too, and what a page of the console does later. Nobody is set by default.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from picosched.acting import Actor
from picosched.web.request import Message, Receive, Scope, Send


class Caller(NamedTuple):
    """Who acts, and whether its token is still valid: for what goes on after the request was let in."""

    actor: Actor
    still: Callable[[], bool]


LOOK_SECONDS = 0.5
"""How often an open WebSocket looks whether its token is still valid."""

_CALLER: ContextVar[Caller] = ContextVar("caller")
_KEPT = "picosched.caller"


def caller() -> Caller:
    """The caller; LookupError outside of requests."""
    return _CALLER.get()


def answering(found: Caller, scope: Scope) -> None:
    """From here on, in this task and what it starts, this is the caller; the scope keeps who it was."""
    _CALLER.set(found)
    scope[_KEPT] = found


def caller_of(scope: Mapping[str, Any]) -> Caller:
    """Who sent the request of this scope, which may have been answered long ago."""
    found: Caller = scope[_KEPT]
    return found


def while_valid(found: Caller, receive: Receive, send: Send) -> Receive:
    """A `receive` that ends a WebSocket once the token it was opened with is not valid any more."""

    async def receive_while_valid() -> Message:
        coming = asyncio.ensure_future(receive())
        try:
            while not coming.done() and found.still():
                await asyncio.wait((coming,), timeout=LOOK_SECONDS)
            if found.still():
                return coming.result()
            await send({"type": "websocket.close", "code": 1008})
            return {"type": "websocket.disconnect", "code": 1008}
        finally:
            coming.cancel()

    return receive_while_valid
