"""The load of the time to come, shared by the viewers of a page.

Counting it looks at each pending schedule, so it rests after each count; and a page that would have to wait
for one is shown without it, and asks again once the browser has connected.
"""

from __future__ import annotations

import threading
from datetime import timedelta

from picosched.clock import shifted, ticks
from picosched.engine.engine import Engine
from picosched.schedule.load import Load

REST = 50
"""The pause after a count that was not quick, as a multiple of the time it took."""
QUICK = 0.1
"""Seconds of a count that pages wait for."""


class SharedLoad:
    """Counts what is to come; thread-safe."""

    def __init__(self, engine: Engine, ahead: timedelta, least_rest: float) -> None:
        """For some time `ahead`; after a count it rests for some seconds at least."""
        self._engine, self._ahead, self._least_rest = engine, ahead, least_rest
        self._lock = threading.Lock()
        self._load: Load | None = None
        self._took = 0.0
        self._again = 0.0

    @property
    def is_quick(self) -> bool:
        """Whether `look` does not keep a page waiting, as far as one can know."""
        return self._load is not None and (self._took < QUICK or ticks() < self._again)

    def look(self) -> Load:
        """The load from now on, some seconds old at most if it is quickly counted.

        While another thread counts, it is the last one, so that pages do not queue in the pool of threads.
        """
        if self._load is not None and self._lock.locked():
            return self._load
        with self._lock:
            began = ticks()
            if self._load is None or began >= self._again:
                self._load = self._engine.load(until=shifted(self._engine.now(), self._ahead))
                ended = ticks()
                self._took = ended - began
                self._again = ended + max(self._least_rest, REST * self._took if self._took > QUICK else 0)
            return self._load
