"""Rows that take a while, each in a thread of its own: they hold up nobody, and are not looked at meanwhile.

Without a scheduler in the background there are no threads: then whoever raises what is due waits for each.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)


class Background:
    """At most `at_once` threads; `done` is called when a row has been dealt with."""

    def __init__(self, at_once: int, name: str, done: Callable[[], None]) -> None:
        self._at_once = at_once
        self._name = name
        self._done = done
        self._threads: ThreadPoolExecutor | None = None
        self._mutex = threading.Lock()
        """Guards the threads and who waits for them; held for moments."""
        self._waiting: set[str] = set()

    def start(self) -> None:
        """From now on rows may wait in the background."""
        with self._mutex:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._at_once, self._name)

    def stop(self) -> None:
        """Let those that wait have their turn, and end."""
        with self._mutex:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=True)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The ids of rows that are dealt with in the background."""
        with self._mutex:
            return tuple(self._waiting)

    def in_background(self, id: str, run: Callable[[], object]) -> bool:
        """Have a row dealt with by a thread; False if there are none: the caller has to."""

        def work() -> None:
            try:
                outcome = run()
                if isinstance(outcome, Exception):
                    raise outcome
            except Exception:
                log.exception("the scheduled event %s could not be raised", id)
            finally:
                with self._mutex:
                    self._waiting.discard(id)
                self._done()

        with self._mutex:
            if self._threads is None:
                return False
            if id not in self._waiting:
                self._threads.submit(work)
                self._waiting.add(id)
        return True
