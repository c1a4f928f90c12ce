"""The desk between the event loop and the engine: what waits is done together, each channel in its turn.

Requests come in on one loop; the engine is synchronous. One thread takes what waits: it answers queries, or
evaluates events and commits them at once, and hands all answers back to the loop with one call. While it is
busy with the disk the next requests gather: the more clients, the fewer commits for each. The loop itself
never waits for the disk or for a rule, so it can always say that the server lives.

Each channel has a line of its own, and a round takes one request of each, then the second of each. A round
begins no more work once it has taken a while; what it has not begun goes back to the front of its line. So a
channel whose events take long, or come by the thousand, holds up another by one of them.

What needs an answer from the world outside goes to threads of its own, and nobody waits for it but who
asked.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from picosched.clock import ticks
from picosched.due.background import PATIENCE_SECONDS, Crew
from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.pico.event import Event, Query
from picosched.pico.said import Unanswered
from picosched.pico.turn import Turn
from picosched.turns.commit import SECONDS
from picosched.turns.pieces import AskPassing
from picosched.web.errors import BusyError

log = logging.getLogger(__name__)

AT_ONCE = 256
"""Requests done together."""

MOST_WAITING = 10_000
"""Requests that may wait; one more is refused with 503."""

ASKING = 32
"""Threads for turns and queries that ask the world outside."""

ASKING_OF_ONE = 8
"""Of them, for one channel."""


Wanted = Event | Query | AskPassing


class Piece(NamedTuple):
    """What somebody waits for."""

    wanted: Wanted
    future: asyncio.Future[Any]

    @property
    def eci(self) -> str:
        return self.wanted.eci or ""


class Lines:
    """What waits, by channel. Anybody puts; one thread takes."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        """Guards all that follows."""
        self._lines: dict[str, deque[Piece]] = {}
        """First the channel whose turn it is."""
        self._ends = False
        self.waiting = 0

    def put(self, piece: Piece) -> None:
        """To the end of its channel's line."""
        with self._change:
            self._lines.setdefault(piece.eci, deque()).append(piece)
            self.waiting += 1
            self._change.notify()

    def put_back(self, pieces: Sequence[Piece]) -> None:
        """To the front, in the order they were taken."""
        with self._change:
            fronts: dict[str, deque[Piece]] = {}
            for piece in pieces:
                fronts.setdefault(piece.eci, deque()).append(piece)
            for eci, front in fronts.items():
                front.extend(self._lines.pop(eci, ()))
            self._lines = {**fronts, **self._lines}
            self.waiting += len(pieces)

    def take(self, most: int) -> list[Piece] | None:
        """Wait for pieces, and take those that were not cancelled: one of each line, then the second of each.

        None once nothing waits after the end.
        """
        with self._change:
            self._change.wait_for(lambda: self._lines or self._ends)
            if not self._lines:
                return None
            taken: list[Piece] = []
            while self._lines and len(taken) < most:
                eci = next(iter(self._lines))
                line = self._lines.pop(eci)
                piece = line.popleft()
                if line:
                    self._lines[eci] = line
                self.waiting -= 1
                if not piece.future.done():
                    taken.append(piece)
            return taken

    def end(self) -> None:
        """Nothing more comes."""
        with self._change:
            self._ends = True
            self._change.notify()


class Desk:
    """Has events raised and queries answered for coroutines of one loop: `listen` there, `start`, `stop`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lines = Lines()
        self._asking = Crew(ASKING, "picosched web asking", ASKING_OF_ONE)
        self._mutex = threading.Lock()
        self._to_ask = 0
        """Requests that wait for a thread in which to ask the world outside; changed inside the mutex."""
        self._thread = threading.Thread(target=self._work, name="picosched desk", daemon=True)
        self._loop: asyncio.AbstractEventLoop

    def listen(self) -> None:
        """Take requests of the loop that runs; they are done from `start` on."""
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Take up what waits."""
        self._thread.start()

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Do what still waits, and end; answers from outside are waited for no longer than `seconds`."""
        self._lines.end()
        self._thread.join()
        self._asking.dismiss(seconds)

    @property
    def waiting(self) -> int:
        """Requests that nobody has taken up yet."""
        return self._lines.waiting + self._to_ask

    def done(self, wanted: Wanted) -> asyncio.Future[Any]:
        """The turn of an event, the value of a query, None for what may pass.

        The errors are those of `Engine.raise_event` and `Engine.query`; BusyError if too much waits.
        """
        if self.waiting >= MOST_WAITING:
            raise BusyError(f"{MOST_WAITING:,} requests wait already")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._lines.put(Piece(wanted, future))
        return future

    # In the thread

    def _work(self) -> None:
        while (batch := self._lines.take(AT_ONCE)) is not None:
            if batch:
                self._do_first(batch)

    def _do_first(self, batch: Sequence[Piece]) -> None:
        """Do the first pieces: queries or events, whichever comes first. The others go back in line."""
        events = isinstance(batch[0].wanted, Event)
        alike = [piece for piece in batch if isinstance(piece.wanted, Event) is events]
        wanted: Any = [piece.wanted for piece in alike]
        outcomes = self._raised(wanted) if events else self._answers(wanted)
        done = alike[: len(outcomes)]
        begun = {id(piece) for piece in done}
        self._lines.put_back([piece for piece in batch if id(piece) not in begun])
        self._answer(done, outcomes)

    def _raised(self, events: Sequence[Event]) -> Sequence[Turn | BaseException]:
        try:
            return self.engine.raise_some(events)
        except Exception as error:
            return [error] * len(events)

    def _answers(self, queries: Sequence[Query | AskPassing]) -> list[Any]:
        """The answers to the first queries, as many as there is time for."""
        until, outcomes = ticks() + SECONDS, list[Any]()
        for query in queries:
            outcomes.append(self._read(query))
            if ticks() > until:
                break
        return outcomes

    def _read(self, wanted: Query | AskPassing) -> Any:
        try:
            if isinstance(wanted, Query):
                return self.engine.try_query(wanted)
            self.engine.check_passing(wanted)
            return None
        except Exception as error:
            return error

    def _answer(self, pieces: Sequence[Piece], outcomes: Sequence[Any]) -> None:
        """Hand the outcomes to the loop, all with one call."""
        done: list[tuple[asyncio.Future[Any], Any]] = []
        for piece, outcome in zip(pieces, outcomes, strict=True):
            if isinstance(outcome, Unanswered):
                with self._mutex:
                    self._to_ask += 1
                try:
                    self._asking.submit(partial(self._ask, piece), piece.eci)
                except RuntimeError as error:  # there is no thread for it
                    with self._mutex:
                        self._to_ask -= 1
                    done.append((piece.future, error))
            else:
                done.append((piece.future, outcome))
        if done:
            self._tell(done)

    def _tell(self, done: list[tuple[asyncio.Future[Any], Any]]) -> None:
        try:
            self._loop.call_soon_threadsafe(_settle, done)
        except RuntimeError:  # the loop is closed: nobody waits any more
            log.warning("%d answers came after the end", len(done))

    def _ask(self, piece: Piece) -> None:
        """Do a piece that waits for the world outside, in a thread that may."""
        with self._mutex:
            self._to_ask -= 1
        if piece.future.done():  # the client has gone
            return
        wanted, engine = piece.wanted, self.engine
        outcome: Any
        try:
            assert not isinstance(wanted, AskPassing)
            outcome = engine.raise_one(wanted) if isinstance(wanted, Event) else engine.answer_to(wanted)
        except Exception as error:
            outcome = error
        self._tell([(piece.future, outcome)])


def _settle(done: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    """On the loop: give those who still wait their outcomes."""
    for future, outcome in done:
        if future.done():  # the client has gone
            continue
        if isinstance(outcome, PicoschedError):
            future.set_exception(outcome)
        elif isinstance(outcome, Exception):
            log.error("a request failed", exc_info=outcome)
            future.set_exception(
                PicoschedError(f"picosched failed: {type(outcome).__name__}: {outcome}", "internal")
            )
        else:
            future.set_result(outcome)
