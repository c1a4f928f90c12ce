"""Reads of the engine that run in a thread, because the engine may be busy, and are shared by all callers.

Concurrent callers share one thread, and each waits only for a limited time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Look(Generic[T]):
    """The result of `work`, run in a thread once for all concurrent callers. For one event loop."""

    def __init__(self, work: Callable[[], T], seconds: float) -> None:
        self._work = work
        self._seconds = seconds
        self._task: asyncio.Task[T] | None = None

    async def found(self) -> T:
        """The result; TimeoutError if it takes too long, in which case the next caller waits for the same
        run."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(asyncio.to_thread(self._work))
        await asyncio.wait((self._task,), timeout=self._seconds)
        if not self._task.done():
            raise TimeoutError
        return self._task.result()
