"""Looks at the engine: each in a thread, as the engine may be busy with a turn, and shared by all who ask.

However many ask while one look waits, it is one thread that waits; and nobody waits for it longer than the
look is given time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Look(Generic[T]):
    """What `work` returns, done in a thread once for all who ask meanwhile. For one loop."""

    def __init__(self, work: Callable[[], T], seconds: float) -> None:
        self._work = work
        self._seconds = seconds
        self._task: asyncio.Task[T] | None = None

    async def found(self) -> T:
        """What it found; TimeoutError if it takes too long, and the next who asks waits for the same look."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(asyncio.to_thread(self._work))
        await asyncio.wait((self._task,), timeout=self._seconds)
        if not self._task.done():
            raise TimeoutError
        return self._task.result()
