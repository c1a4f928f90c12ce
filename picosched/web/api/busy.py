"""Few long computations at a time: each keeps the interpreter busy and delays events."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from picosched.web.errors import BusyError

WAIT_SECONDS = 1.0
"""How long one waits for others to end. Short, because it occupies a thread."""

_busy = threading.Semaphore(2)
"""Limits concurrent simulations, plans, replays and the like."""


@contextmanager
def busy() -> Iterator[None]:
    """Take one of the few places for long computations; BusyError if none becomes free in time."""
    if not _busy.acquire(timeout=WAIT_SECONDS):
        raise BusyError("other long computations, such as simulations or plans, are running already")
    try:
        yield
    finally:
        _busy.release()
