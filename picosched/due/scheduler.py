"""The loop that calls `run_due` when something is due, and sleeps in between.

It does not know the engine, only two functions and a clock. After each tick it waits for the next due time;
`wake` cuts the wait short when something is due sooner. If a tick fails, the error is logged and the loop
continues after a pause. It grows with each failure, unless the database is away: that ends without a word,
and what is due then should not be later than it has to be.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from picosched.clock import Clock
from picosched.store.faults import StoreError

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

    def calls(self) -> bool:
        """Whether the calling thread is the scheduler's own."""
        return threading.current_thread() is self._thread

    def ends(self) -> bool:
        """Whether the calling thread is the scheduler's own and should stop."""
        return self._stopping.is_set() and self.calls()

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
        pause, failing = FIRST_PAUSE, False
        while not self._stopping.is_set():
            self._wake.clear()  # before looking, so that a wake during the look is not lost
            try:
                self._run_due()
                due = self._next_due()
            except StoreError as error:
                log.error(
                    "the database fails (%s); trying again in %g s", error, FIRST_PAUSE, exc_info=not failing
                )
                failing = True
                self._stopping.wait(FIRST_PAUSE)
                continue
            except Exception:
                log.exception("a tick failed; trying again in %g s", pause)
                self._stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause, failing = FIRST_PAUSE, False
            self._waits_for = due
            self._clock.wait_until(due, self._wake)
            self._waits_for = None
