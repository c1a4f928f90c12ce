"""Work that takes a while, done by threads beside the engine: rows that wait for the world outside, programs.

A `Crew` is a small pool of threads, its hands. A hand that waits for an outside answer declares it
(`with away():`): it holds no locks then, so `dismiss` waits for it only for a limited time. A hand that
returns later finds that the crew is gone and ends without touching anything; its row is still due. Hands
are daemons, so they do not keep the process alive.

A crew works for several owners (picos, sources) in turn, and only some of its hands work for one owner. A
bounded number of each owner's rows waits here; the rest stays in the database. So an owner whose host never
answers, or whose programs never end, does not delay the others.

Without a background scheduler there are no threads: the caller of `run_due` waits for each row.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Set
from contextlib import contextmanager

from picosched.clock import ticks
from picosched.errors import PicoschedError
from picosched.store.left_out import NOTHING, LeftOut

log = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0
"""Maximum seconds a thread waits after a failure before its row is due again."""

PATIENCE_SECONDS = 10.0
"""How long a dismissal waits for hands that are away."""

Hold = Callable[[], Set[str]]
"""Gives rows that are left out of due queries besides: in a replay, until their turn comes."""


class DismissedError(PicoschedError):
    """An outside answer came after the crew was dismissed. Nothing was changed."""

    def __init__(self) -> None:
        super().__init__("picosched stopped while waiting for an answer from outside", "conflict")


class Hand(threading.Thread):
    """A thread of a crew."""

    def __init__(self, crew: Crew, name: str) -> None:
        super().__init__(target=crew.work, name=name, daemon=True)
        self.crew = crew


class Crew:
    """At most `at_once` threads, started when needed; at most `of_one` of them work for one owner."""

    def __init__(self, at_once: int, name: str, of_one: int | None = None) -> None:
        self._at_once = at_once
        self._of_one = at_once if of_one is None else of_one
        self._name = name
        self._change = threading.Condition()
        """Guards the fields below."""
        self._lines: dict[str, deque[Callable[[], object]]] = {}
        """Owner → its waiting work; the owner whose turn it is comes first."""
        self._busy: Counter[str] = Counter()
        """Owner → number of hands working for it."""
        self._waiting = self._hands = self._idle = self._away = 0
        self._dismissed = self._left = False

    def submit(self, work: Callable[[], object], owner: str = "") -> None:
        """Have a hand run `work`, which must not raise. Ignored after `dismiss`.

        RuntimeError if the crew has no hand and cannot start a thread.
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
            log.warning("%s continues with %d threads: %s", self._name, self._hands, error)

    def dismiss(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Start no more work and wait for all hands, but at most `seconds` for hands that are away."""
        with self._change:
            self._dismissed = True
            self._lines.clear()
            self._change.notify_all()
            self._change.wait_for(lambda: self._hands == 0, seconds)
            self._left = True
            self._change.wait_for(lambda: self._hands == self._away)

    def work(self) -> None:
        """The loop of a hand, until the crew is dismissed."""
        try:
            while (taken := self._next()) is not None:
                owner, work = taken
                try:
                    work()
                finally:
                    self._done(owner)
                del taken, work  # may be large, and the next may be long in coming
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
        """The next owner to work for."""
        return next((owner for owner in self._lines if self._busy[owner] < self._of_one), None)

    def _done(self, owner: str) -> None:
        with self._change:
            self._busy[owner] -= 1
            if not self._busy[owner]:
                del self._busy[owner]
            self._change.notify_all()

    @property
    def dismissed(self) -> bool:
        return self._dismissed

    def pause(self, seconds: float) -> None:
        """Sleep in the calling hand, until the crew is dismissed at the latest."""
        with self._change:
            self._change.wait_for(lambda: self._dismissed, seconds)

    @contextmanager
    def without(self) -> Iterator[None]:
        """Inside, the calling hand is away. DismissedError if `dismiss` stopped waiting for it."""
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
    """Inside, this thread waits for an outside answer and holds nothing that others need."""
    hand = threading.current_thread()
    if not isinstance(hand, Hand):
        yield
        return
    with hand.crew.without():
        yield


def refuse_dismissed() -> None:
    """DismissedError in a thread of a crew that is to end, for work that takes several steps."""
    hand = threading.current_thread()
    if isinstance(hand, Hand) and hand.crew.dismissed:
        raise DismissedError


def pause(seconds: float) -> None:
    """Sleep if this is a thread of a crew, until the crew is dismissed at the latest."""
    hand = threading.current_thread()
    if isinstance(hand, Hand):
        hand.crew.pause(seconds)


def stop_all(seconds: float, *backgrounds: Background) -> None:
    """Stop each, waiting `seconds` in total."""
    until = ticks() + seconds
    for each in backgrounds:
        each.stop(max(0.0, until - ticks()))


class WaitingRows:
    """The rows being processed in the background since one `start`, by owner."""

    def __init__(self) -> None:
        self.ids: dict[str, set[str]] = {}
        """Owner → ids."""
        self.full: set[str] = set()
        """Owners that reached their limit of rows here."""


class Background:
    """Processes rows in a crew, and calls `done` after each row.

    For one owner at most `of_one` threads work, and at most `line` of its rows are here: beyond that, all
    its rows are left out of due queries until half of these are done.
    """

    def __init__(
        self,
        name: str,
        done: Callable[[], None],
        *,
        at_once: int,
        of_one: int,
        line: int,
        hold: Hold | None = None,
    ) -> None:
        self._name = name
        self._done = done
        self._at_once = at_once
        self._of_one = of_one
        self._line = line
        self._crew: Crew | None = None
        self._mutex = threading.Lock()
        """Guards the crew and the waiting rows; held briefly."""
        self._waiting_rows = WaitingRows()
        self._hold = hold
        self._failed = 0
        """Consecutive failures: while the database fails, each makes its thread pause for longer."""

    def start(self) -> None:
        """Accept rows for the background from now on."""
        with self._mutex:
            if self._crew is None:
                self._crew = Crew(self._at_once, self._name, self._of_one)

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Start no other row and wait as `Crew.dismiss` does; the rest stays due."""
        with self._mutex:
            crew, self._crew = self._crew, None
        if crew is not None:
            crew.dismiss(seconds)
            with self._mutex:
                self._waiting_rows = WaitingRows()

    def left_out(self, stuck: Collection[str] = ()) -> LeftOut:
        """What a due query leaves out: rows that are `stuck` or being processed here, and full owners."""
        held = () if self._hold is None else self._hold()
        if not stuck and not self._waiting_rows.ids and not held:
            return NOTHING
        with self._mutex:
            ids = frozenset(stuck).union(held, *self._waiting_rows.ids.values())
            return LeftOut(ids, frozenset(self._waiting_rows.full))

    @property
    def owners(self) -> set[str]:
        """Whose rows are being processed in the background."""
        with self._mutex:
            return {*self._waiting_rows.ids}

    @property
    def is_idle(self) -> bool:
        """Whether no row is being processed in the background."""
        with self._mutex:
            return not self._waiting_rows.ids

    def in_background(self, id: str, owner: str, run: Callable[[], object]) -> bool:
        """Have a thread process a row; False if there are no threads and the caller has to do it.

        If its owner is at its limit the row stays due, and comes again once there is room.
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
                log.exception("processing %s failed; trying again in %g s", id, seconds)
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
