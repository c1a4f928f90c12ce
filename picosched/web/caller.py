"""Who sent the request that is being answered.

`site.Site` finds the caller of each request and WebSocket and sets it, so that all that answers it works for
that caller: threads, too, and what a page of the console does later. Nobody is set by default.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple

from picosched.acting import Actor


class Caller(NamedTuple):
    """Who acts, and whether its token is still valid: for what goes on after the request was let in."""

    actor: Actor
    still: Callable[[], bool]


_CALLER: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """The caller; LookupError outside of requests."""
    return _CALLER.get()


def answering(found: Caller) -> None:
    """From here on, in this task and what it starts, this is the caller."""
    _CALLER.set(found)
