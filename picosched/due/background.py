"""Work that takes a while, done by threads beside the engine: rows that wait for the world outside, programs.

A `Crew` is a few threads that do what they are given. A hand that waits for the world outside says so
(`with away():`): it holds nothing then, so whoever dismisses the crew waits for it only so long. A hand that
comes back later finds itself dismissed and ends without touching anything; its row is still due. Hands
are daemons, so a process that ends does not wait for them either.

A crew works for several owners (picos, sources), each in its turn, and for one of them with some of its hands
only; of one owner a bounded number of rows waits here, and the rest stays in the database. So an owner whose
host never answers, or whose programs never end, has the others wait for nothing.

Without a scheduler in the background there are no threads: then whoever raises what is due waits for each.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from picosched.clock import ticks
from picosched.errors import PicoschedError
from picosched.store.left_out import LeftOut

log = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0
"""Seconds that a thread waits after a failure, before its row is due again."""

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
    """At most `at_once` threads, made as they are needed; `of_one` of them for one owner."""

    def __init__(self, at_once: int, name: str, of_one: int | None = None) -> None:
        self._at_once = at_once
        self._of_one = at_once if of_one is None else of_one
        self._name = name
        self._change = threading.Condition()
        """Guards all that follows."""
        self._lines: dict[str, deque[Callable[[], object]]] = {}
        """Owner → what waits for a hand; first the owner whose turn it is."""
        self._busy: Counter[str] = Counter()
        """Owner → hands that work for it."""
        self._waiting = self._hands = self._idle = self._away = 0
        self._dismissed = self._left = False

    def submit(self, work: Callable[[], object], owner: str = "") -> None:
        """Have a hand do `work`, which raises nothing. A crew that is dismissed does not.

        RuntimeError if there is no hand, and the system gives none.
        """
        with self._change:
            if self._dismissed:
                return
            if self._waiting >= self._idle and self._hands < self._at_once:
                self._add_hand()
            self._lines.setdefault(owner, deque()).append(work)
            self._waiting += 1
            self._change.notify_all()

    def _add_hand(self) -> None:
        self._hands += 1
        try:
            Hand(self, self._name).start()
        except RuntimeError as error:
            self._hands -= 1
            if not self._hands:
                raise
            log.warning("%s goes on with %d threads: %s", self._name, self._hands, error)

    def dismiss(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Begin nothing more, and wait for all hands, but no longer than so for those that are away."""
        with self._change:
            self._dismissed = True
            self._lines.clear()
            self._change.notify_all()
            self._change.wait_for(lambda: self._hands == 0, seconds)
            self._left = True
            self._change.wait_for(lambda: self._hands == self._away)

    def work(self) -> None:
        """What a hand does until it is dismissed."""
        try:
            while (taken := self._next()) is not None:
                owner, work = taken
                try:
                    work()
                finally:
                    self._done(owner)
                del taken, work  # it may be large, and the next may not come for long
        finally:
            with self._change:
                self._hands -= 1
                self._change.notify_all()

    def _next(self) -> tuple[str, Callable[[], object]] | None:
        with self._change:
            self._idle += 1
            self._change.wait_for(lambda: self._dismissed or self._turn() is not None)
            self._idle -= 1
            owner = self._turn()
            if self._dismissed or owner is None:
                return None
            line = self._lines.pop(owner)
            work = line.popleft()
            if line:
                self._lines[owner] = line  # at the end
            self._waiting -= 1
            self._busy[owner] += 1
            return owner, work

    def _turn(self) -> str | None:
        """The owner whose work is next."""
        return next((owner for owner in self._lines if self._busy[owner] < self._of_one), None)

    def _done(self, owner: str) -> None:
        with self._change:
            self._busy[owner] -= 1
            if not self._busy[owner]:
                del self._busy[owner]
            self._change.notify_all()

    def pause(self, seconds: float) -> None:
        """Have the hand that calls wait, but not longer than the crew is there."""
        with self._change:
            self._change.wait_for(lambda: self._dismissed, seconds)

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


def pause(seconds: float) -> None:
    """Have this thread of a crew wait, but not longer than its crew is there."""
    hand = threading.current_thread()
    if isinstance(hand, Hand):
        hand.crew.pause(seconds)


def stop_all(seconds: float, *backgrounds: Background) -> None:
    """Stop each; `seconds` are for all of them together."""
    until = ticks() + seconds
    for each in backgrounds:
        each.stop(max(0.0, until - ticks()))


class WaitingRows:
    """The rows of one start that are dealt with in the background, by their owners."""

    def __init__(self) -> None:
        self.ids: dict[str, set[str]] = {}
        """Owner → ids."""
        self.full: set[str] = set()
        """The owners that had a row put off, since they have as many here as they may have."""


class Background:
    """Deals with rows by a crew; `done` is called when a row has been dealt with.

    For one owner `of_one` threads work at a time, and `line` of its rows wait here at the most: once more
    come, all its rows are left out of what is due until half of these are dealt with.
    """

    def __init__(self, name: str, done: Callable[[], None], *, at_once: int, of_one: int, line: int) -> None:
        self._name = name
        self._done = done
        self._at_once = at_once
        self._of_one = of_one
        self._line = line
        self._crew: Crew | None = None
        self._mutex = threading.Lock()
        """Guards the crew and the rows that wait; held for moments."""
        self._waiting_rows = WaitingRows()
        self._failed = 0
        """Failures in a row: as long as the database fails, each makes its thread pause for longer."""

    def start(self) -> None:
        """From now on rows may wait in the background."""
        with self._mutex:
            if self._crew is None:
                self._crew = Crew(self._at_once, self._name, self._of_one)

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Begin with no other row, wait as `Crew.dismiss` does, and leave the rest as it is: still due."""
        with self._mutex:
            crew, self._crew = self._crew, None
        if crew is not None:
            crew.dismiss(seconds)
            with self._mutex:
                self._waiting_rows = WaitingRows()

    def left_out(self, stuck: Collection[str] = ()) -> LeftOut:
        """What is not due meanwhile: rows that are `stuck` or dealt with here, and owners that are full."""
        with self._mutex:
            return LeftOut(
                frozenset(stuck).union(*self._waiting_rows.ids.values()), frozenset(self._waiting_rows.full)
            )

    @property
    def is_idle(self) -> bool:
        """Whether no row is dealt with in the background."""
        with self._mutex:
            return not self._waiting_rows.ids

    def in_background(self, id: str, owner: str, run: Callable[[], object]) -> bool:
        """Have a row dealt with by a thread, now or later; False if there are none: the caller has to.

        It stays due if its owner has too many here; then its rows are due again once there is room.
        """

        def work() -> None:
            try:
                outcome = run()
                if isinstance(outcome, Exception):
                    raise outcome
                self._failed = 0
            except DismissedError:
                log.info("%s stays due: its answer from outside did not come in time", id)
            except Exception:
                seconds = min(LONGEST_PAUSE, 2.0**self._failed)
                self._failed += 1
                log.exception("%s could not be dealt with, and is tried again in %g s", id, seconds)
                pause(seconds)
            finally:
                self._remove(rows, id, owner)
                self._done()

        with self._mutex:
            crew, rows = self._crew, self._waiting_rows
            if crew is None:
                return False
            ids = rows.ids.setdefault(owner, set())
            if len(ids) >= self._line:
                rows.full.add(owner)
            elif id not in ids:
                try:
                    crew.submit(work, owner)
                except RuntimeError:  # there is no thread for it
                    if not ids:
                        del rows.ids[owner]
                    return False
                ids.add(id)
        return True

    def _remove(self, rows: WaitingRows, id: str, owner: str) -> None:
        with self._mutex:
            ids = rows.ids[owner]
            ids.discard(id)
            if len(ids) <= self._line // 2:
                rows.full.discard(owner)
            if not ids:
                del rows.ids[owner]
