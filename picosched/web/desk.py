"""The desk between the event loop and the engine: processes waiting requests in batches, channels in turn.

Requests arrive on one loop; the engine is synchronous. One thread takes waiting requests: it answers queries,
or evaluates events and commits them together, and passes all answers to the loop in one call. While it waits
for the disk the next requests accumulate: the more clients, the fewer commits for each. The loop itself never
waits for the disk or a rule, so it can always answer health checks.

Each channel has its own line, and a round takes one request from each, then the second from each. A round
starts no new work after a time limit; the rest goes back to the front of its line. So a channel with slow
events, or thousands of them, delays another by one of them.

Requests that need an answer from outside go to other threads, and delay only their own callers.
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
"""Requests in one round."""

MOST_WAITING = 10_000
"""Requests that may wait; further ones are refused with 503."""

ASKING = 32
"""Threads for turns and queries that need an answer from outside."""

ASKING_OF_ONE = 8
"""Of them, for one channel."""


Wanted = Event | Query | AskPassing


class Piece(NamedTuple):
    """A request and the future of its answer."""

    wanted: Wanted
    future: asyncio.Future[Any]

    @property
    def eci(self) -> str:
        return self.wanted.eci or ""


class Lines:
    """The waiting requests, by channel. Any thread puts; one thread takes."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        """Guards the fields below."""
        self._lines: dict[str, deque[Piece]] = {}
        """The channel whose turn it is comes first."""
        self._ends = False
        self.waiting = 0

    def put(self, piece: Piece) -> None:
        """Add a piece to the end of its channel's line."""
        with self._change:
            self._lines.setdefault(piece.eci, deque()).append(piece)
            self.waiting += 1
            self._change.notify()

    def put_back(self, pieces: Sequence[Piece]) -> None:
        """Return pieces to the front, in the order they were taken."""
        with self._change:
            fronts: dict[str, deque[Piece]] = {}
            for piece in pieces:
                fronts.setdefault(piece.eci, deque()).append(piece)
            for eci, front in fronts.items():
                front.extend(self._lines.pop(eci, ()))
            self._lines = {**fronts, **self._lines}
            self.waiting += len(pieces)

    def take(self, most: int) -> list[Piece] | None:
        """Wait for pieces, and take uncancelled ones: one from each line, then the second from each.

        None once `end` was called and nothing waits.
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
        """No more pieces will be put."""
        with self._change:
            self._ends = True
            self._change.notify()


class Desk:
    """Raises events and answers queries for coroutines of one loop: `listen` there, `start`, `stop`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lines = Lines()
        self._asking = Crew(ASKING, "picosched web asking", ASKING_OF_ONE)
        self._mutex = threading.Lock()
        self._to_ask = 0
        """Requests that wait for a thread to get an answer from outside; changed inside the mutex."""
        self._thread = threading.Thread(target=self._work, name="picosched desk", daemon=True)
        self._loop: asyncio.AbstractEventLoop

    def listen(self) -> None:
        """Accept requests from the running loop; they are processed after `start`."""
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Start the thread that processes requests."""
        self._thread.start()

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Process the waiting requests and end; wait at most `seconds` for answers from outside."""
        self._lines.end()
        self._thread.join()
        self._asking.dismiss(seconds)

    @property
    def waiting(self) -> int:
        """The number of requests not yet begun."""
        return self._lines.waiting + self._to_ask

    def done(self, wanted: Wanted) -> asyncio.Future[Any]:
        """A future of the turn of an event, the value of a query, or None for an AskPassing that may pass.

        Errors as for `Engine.raise_event` and `Engine.query`; BusyError if too many requests wait.
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
        """Process all queries or all events of a batch, like its first piece. The others go back in line."""
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
        """The answers to the first queries, as many as time allows."""
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
        """Pass the outcomes to the loop, all in one call."""
        done: list[tuple[asyncio.Future[Any], Any]] = []
        for piece, outcome in zip(pieces, outcomes, strict=True):
            if isinstance(outcome, Unanswered):
                with self._mutex:
                    self._to_ask += 1
                try:
                    self._asking.submit(partial(self._ask, piece), piece.eci)
                except RuntimeError as error:  # no thread can be started
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
        except RuntimeError:  # the loop is closed, so nobody waits any more
            log.warning("%d answers came after the server had stopped", len(done))

    def _ask(self, piece: Piece) -> None:
        """Process a piece that needs an answer from outside, in a thread of the crew."""
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
    """On the loop: complete the futures that are still waiting."""
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
