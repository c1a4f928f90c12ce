"""Turns and queries that need an answer from the world outside.

A rule that asks stops its turn (`Unanswered`) before anything has happened. The request is made here, while
nobody holds the store, and the turn is evaluated again with the answer; so a slow host delays whoever asks
it and nobody else. What is asked is asked at least once: a process that ends in between asks again.

In the background such rows wait in threads of their own, and are left out of what is due until they are
answered; without a scheduler in the background they are answered one after the other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from picosched.errors import PicoschedError
from picosched.krl.scope import HttpRequest, HttpResponse
from picosched.pico.effects import MOST_ASKED, Answers, Unanswered

T = TypeVar("T")
Ask = Callable[[HttpRequest], HttpResponse]

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Threads that may wait for the world outside."""


class Asking:
    """Asks the world outside for turns and queries that cannot go on without an answer."""

    def __init__(self, ask: Ask, done: Callable[[], None]) -> None:
        self._ask = ask
        self._done = done
        """Called when a row in the background has been dealt with."""
        self._threads: ThreadPoolExecutor | None = None
        self._mutex = threading.Lock()
        self._waiting: set[str] = set()

    def answered(self, run: Callable[[Answers], T | Unanswered]) -> T:
        """What `run` gives once it has all the answers it asks for."""
        answers = Answers()
        for _ in range(2 * MOST_ASKED):
            outcome = run(answers)
            if not isinstance(outcome, Unanswered):
                return outcome
            del answers.given[outcome.place :]
            answers.given.append((outcome.request, self._ask(outcome.request)))
        raise PicoschedError("the event asks something else each time it is tried", "conflict")

    def start(self) -> None:
        """From now on rows may wait in the background."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE, "picosched-asking")

    def stop(self) -> None:
        """Let those that wait have their answers, and end."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=True)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The ids of rows that wait for an answer in the background."""
        with self._mutex:
            return tuple(self._waiting)

    def in_background(self, id: str, run: Callable[[], object]) -> bool:
        """Have a row answered by a thread; False if there are none: the caller has to."""
        threads = self._threads
        if threads is None:
            return False
        with self._mutex:
            if id in self._waiting:
                return True
            self._waiting.add(id)

        def work() -> None:
            try:
                run()
            except Exception:
                log.exception("the scheduled event %s could not be raised", id)
            finally:
                with self._mutex:
                    self._waiting.discard(id)
                self._done()

        threads.submit(work)
        return True
