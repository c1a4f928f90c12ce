"""Work that takes a while, done by threads beside the engine: rows that wait for the world outside, programs.

A `Crew` is a few threads that do what they are given. A hand that waits for the world outside says so
(`with away():`): it holds nothing then, so whoever dismisses the crew waits for it only so long. A hand that
comes back later finds itself dismissed and ends without touching anything; its row is still due. Hands
are daemons, so a process that ends does not wait for them either.

Without a scheduler in the background there are no threads: then whoever raises what is due waits for each.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from picosched.clock import ticks
from picosched.errors import PicoschedError

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0
"""How long a dismissal waits for hands that are away."""


class DismissedError(PicoschedError):
    """The world outside answered after the crew was dismissed. Nothing happened."""

    def __init__(self) -> None:
        super().__init__("picosched stopped while the answer from outside was awaited", "conflict")


class Hand(threading.Thread):
    """A thread of a crew."""

    def __init__(self, crew: Crew, name: str) -> None:
        super().__init__(target=crew.work, name=name, daemon=True)
        self.crew = crew


class Crew:
    """At most `at_once` threads, made as they are needed."""

    def __init__(self, at_once: int, name: str) -> None:
        self._at_once = at_once
        self._name = name
        self._change = threading.Condition()
        """Guards all that follows."""
        self._works: deque[Callable[[], object]] = deque()
        self._hands = self._idle = self._away = 0
        self._dismissed = self._left = False

    def submit(self, work: Callable[[], object]) -> None:
        """Have a hand do `work`, which raises nothing. A crew that is dismissed does not."""
        with self._change:
            if self._dismissed:
                return
            self._works.append(work)
            self._change.notify_all()
            if len(self._works) > self._idle and self._hands < self._at_once:
                self._hands += 1
                Hand(self, self._name).start()

    def dismiss(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Begin nothing more, and wait for all hands, but no longer than so for those that are away."""
        with self._change:
            self._dismissed = True
            self._works.clear()
            self._change.notify_all()
            self._change.wait_for(lambda: self._hands == 0, seconds)
            self._left = True
            self._change.wait_for(lambda: self._hands == self._away)

    def work(self) -> None:
        """What a hand does until it is dismissed."""
        try:
            while (work := self._next()) is not None:
                work()
                del work  # it may be large, and the next may not come for long
        finally:
            with self._change:
                self._hands -= 1
                self._change.notify_all()

    def _next(self) -> Callable[[], object] | None:
        with self._change:
            self._idle += 1
            self._change.wait_for(lambda: self._works or self._dismissed)
            self._idle -= 1
            return None if self._dismissed else self._works.popleft()

    @contextmanager
    def without(self) -> Iterator[None]:
        """Inside, the hand that calls is away. DismissedError if nobody waits for it any more."""
        with self._change:
            self._away += 1
            self._change.notify_all()
        try:
            yield
        finally:
            with self._change:
                self._away -= 1
                left = self._left
        if left:
            raise DismissedError


@contextmanager
def away() -> Iterator[None]:
    """Inside, this thread waits for the world outside and holds nothing that others need."""
    hand = threading.current_thread()
    if not isinstance(hand, Hand):
        yield
        return
    with hand.crew.without():
        yield


def stop_all(seconds: float, *backgrounds: Background) -> None:
    """Stop each; `seconds` are for all of them together."""
    until = ticks() + seconds
    for each in backgrounds:
        each.stop(max(0.0, until - ticks()))


class Background:
    """Deals with rows by a crew; `done` is called when a row has been dealt with."""

    def __init__(self, at_once: int, name: str, done: Callable[[], None]) -> None:
        self._at_once = at_once
        self._name = name
        self._done = done
        self._crew: Crew | None = None
        self._mutex = threading.Lock()
        """Guards the threads and who waits for them; held for moments."""
        self._waiting: set[str] = set()

    def start(self) -> None:
        """From now on rows may wait in the background."""
        with self._mutex:
            if self._crew is None:
                self._crew = Crew(self._at_once, self._name)

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Begin with no other row, wait as `Crew.dismiss` does, and leave the rest as it is: still due."""
        with self._mutex:
            crew, self._crew = self._crew, None
        if crew is not None:
            crew.dismiss(seconds)
            with self._mutex:
                self._waiting = set()

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
            except DismissedError:
                log.info("the scheduled event %s stays due: its answer from outside did not come in time", id)
            except Exception:
                log.exception("the scheduled event %s could not be raised", id)
            finally:
                with self._mutex:
                    waiting.discard(id)
                self._done()

        with self._mutex:
            crew, waiting = self._crew, self._waiting
            if crew is None:
                return False
            if id not in waiting:
                crew.submit(work)
                waiting.add(id)
        return True
