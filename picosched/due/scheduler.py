"""The loop that calls `run_due` when something is due, and sleeps in between.

It does not know the engine, only two functions and a clock. After each tick it waits for the next due time;
`wake` cuts the wait short when something is due sooner. If a tick fails, the error is logged and the loop
continues after a pause that grows with each failure.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from picosched.clock import Clock

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds between failing ticks."""


class Scheduler:
    """A thread that calls `run_due` whenever `next_due` comes."""

    def __init__(
        self, run_due: Callable[[], int], next_due: Callable[[], datetime | None], clock: Clock
    ) -> None:
        self._run_due = run_due
        self._next_due = next_due
        self._clock = clock
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._waits_for: datetime | None = None
        """The time it sleeps until; None while it is awake or nothing is due."""
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def ends(self) -> bool:
        """Whether the calling thread is the scheduler's own and should stop."""
        return self._stopping.is_set() and threading.current_thread() is self._thread

    def start(self) -> None:
        """Start the thread, which ticks at once. Does nothing if it is running."""
        if self.running:
            return
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="picosched scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for its tick to end."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None

    def wake(self, due: datetime | None = None) -> None:
        """Tick now; with `due`, only if that is sooner than the time the thread sleeps until."""
        waits_for = self._waits_for
        if due is None or waits_for is None or due < waits_for:
            self._wake.set()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            self._wake.clear()  # before looking, so that a wake during the look is not lost
            try:
                self._run_due()
                due = self._next_due()
            except Exception:
                log.exception("a tick failed; trying again in %g s", pause)
                self._stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            self._waits_for = due
            self._clock.wait_until(due, self._wake)
            self._waits_for = None
