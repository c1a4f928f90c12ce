"""The desk between the event loop and the engine: processes waiting requests in batches, channels in turn.

Requests arrive on one loop; the engine is synchronous. What is ready when the loop has read its sockets is
processed **on the loop**, together and lightly: queries are answered, events are evaluated and committed in
one transaction. Another thread would have to win the interpreter's lock back from the loop at each statement,
which costs more than all of that. A light try neither waits nor takes long: a request that takes more than
some milliseconds is given up before anything is written, and goes to **the thread**, as all do while somebody
else uses the store or the disk is slow. So the loop can always answer health checks: a rule holds it up by
one light try, the disk by one slow commit a second.

Each channel has its own line, and a round takes one request from each, then the second from each. A round
starts no new work after a time limit; the rest goes back to the front of its line. So a channel with slow
events, or thousands of them, delays another by one of them. Requests of one channel are processed in their
order: while one is with the thread, those after it go there too.

Requests that need an answer from outside go to other threads, and delay only their own callers.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from picosched.clock import ticks
from picosched.due.background import PATIENCE_SECONDS, Crew
from picosched.engine.engine import Engine
from picosched.engine.wiring import Outcome
from picosched.errors import PicoschedError
from picosched.pico.event import Event, Query
from picosched.pico.said import Unanswered
from picosched.turns.commit import LIGHT_SECONDS, SECONDS
from picosched.turns.pieces import AskPassing, Later
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


LOOKS = 3
"""How often a round that has fewer requests than the last looks for more, so that they share a commit."""

SLOW_SECONDS = 0.03
"""A round that took longer had a slow disk."""

SLOW_FOR = 1.0
HEAVY_FOR = 60.0
"""Seconds for which requests go to the thread at once."""

Wanted = Event | Query | AskPassing


Answered = list[tuple[asyncio.Future[Any], Any]]
"""Futures and their outcomes."""


class Piece(NamedTuple):
    """A request and the future of its answer."""

    wanted: Wanted
    future: asyncio.Future[Any]

    @property
    def eci(self) -> str:
        return self.wanted.eci or ""


class Lines:
    """The waiting requests, by channel. Any thread puts; one takes."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        """Guards the fields below."""
        self._change = threading.Condition(self._mutex)
        self._lines: dict[str, deque[Piece]] = {}
        """The channel whose turn it is comes first."""
        self._ends = self._sleeps = False
        self.waiting = 0

    def put(self, pieces: Sequence[Piece]) -> None:
        """Add pieces to the ends of their channels' lines."""
        with self._mutex:
            for piece in pieces:
                self._lines.setdefault(piece.eci, deque()).append(piece)
            self.waiting += len(pieces)
            if self._sleeps:
                self._change.notify()

    def put_back(self, pieces: Sequence[Piece]) -> None:
        """Return pieces to the front, in the order they were taken."""
        with self._mutex:
            fronts: dict[str, deque[Piece]] = {}
            for piece in pieces:
                fronts.setdefault(piece.eci, deque()).append(piece)
            for eci, front in fronts.items():
                front.extend(self._lines.pop(eci, ()))
            self._lines = {**fronts, **self._lines}
            self.waiting += len(pieces)

    def take(self, most: int) -> list[Piece]:
        """Take uncancelled pieces: one from each line, then the second from each."""
        with self._mutex:
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

    def take_all(self, eci: str) -> list[Piece]:
        """Take a whole line."""
        with self._mutex:
            line = self._lines.pop(eci, deque())
            self.waiting -= len(line)
            return [*line]

    def wait(self) -> bool:
        """Wait for pieces; False once `end` was called and nothing waits."""
        with self._change:
            self._sleeps = True
            self._change.wait_for(lambda: self._lines or self._ends)
            self._sleeps = False
            return bool(self._lines)

    def end(self) -> None:
        """No more pieces will be put."""
        with self._change:
            self._ends = True
            self._change.notify()


class Desk:
    """Raises events and answers queries for coroutines of one loop: `listen` there, `start`, `stop`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._ready = Lines()
        """For the loop."""
        self._apart = Lines()
        """For the thread."""
        self._with_thread: Counter[str] = Counter()
        """Channel → requests that the thread has or will get. Only for the loop, like the next three."""
        self._heavy: dict[str, float] = {}
        """Channel → until when its requests go to the thread at once."""
        self._slow_until = 0.0
        """Until when all do, because the disk is slow."""
        self._called = self._started = False
        """Whether a round is called; whether rounds are held."""
        self._last = self._looks = 0
        """How many requests the last round had; how often the next one has looked for as many."""
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
        """Process requests from now on; called on the loop."""
        self._started = True
        self._thread.start()
        self._call_round()

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Process the requests with the thread and end; wait at most `seconds` for answers from outside.

        Called from another thread, once no more requests come.
        """
        self._apart.end()
        self._thread.join()
        self._asking.dismiss(seconds)

    @property
    def waiting(self) -> int:
        """The number of requests not yet begun."""
        return self._ready.waiting + self._apart.waiting + self._to_ask

    def done(self, wanted: Wanted) -> asyncio.Future[Any]:
        """A future of the turn of an event, the value of a query, or None for an AskPassing that may pass.

        Errors as for `Engine.raise_event` and `Engine.query`; BusyError if too many requests wait.
        """
        if self.waiting >= MOST_WAITING:
            raise BusyError(f"{MOST_WAITING:,} requests wait already")
        piece = Piece(wanted, self._loop.create_future())
        if self._goes_apart(piece.eci):
            self._give_away([piece])
        else:
            self._ready.put([piece])
            self._call_round()
        return piece.future

    def _goes_apart(self, eci: str) -> bool:
        """Whether a request of this channel goes to the thread at once."""
        if eci in self._with_thread:
            return True
        if eci in self._heavy and self._heavy[eci] < ticks():
            del self._heavy[eci]
        return eci in self._heavy or (self._slow_until > 0.0 and ticks() < self._slow_until)

    # On the loop

    def _call_round(self) -> None:
        """Hold a round once the loop has read what came."""
        if self._started and not self._called:
            self._called = True
            self._loop.call_soon(self._round)

    def _round(self) -> None:
        """Process some of what is ready; once as much is as the last time, or nothing more comes."""
        self._called = False
        if self._ready.waiting < self._last and self._looks < LOOKS:
            self._looks += 1
            self._call_round()
            return
        self._looks = 0
        batch = self._ready.take(AT_ONCE)
        self._last = len(batch)
        if batch:
            began = ticks()
            self._do_lightly(batch)
            now = ticks()
            if now - began > SLOW_SECONDS:
                self._slow_until = now + SLOW_FOR
                self._give_away(self._ready.take(MOST_WAITING))
        if self._ready.waiting:
            self._call_round()

    def _do_lightly(self, batch: Sequence[Piece]) -> None:
        done, outcomes = self._first_done(batch, light=True)
        postponed = outcomes[-1] if isinstance(outcomes[-1], Later) else None
        if postponed is None:
            self._ready.put_back(batch_without(batch, done))
        else:
            piece = done.pop()
            outcomes = outcomes[:-1]
            if postponed is Later.HEAVY:
                self._remember(piece.eci)
            self._put_aside(piece.eci, batch_without(batch, done))
        _settle(self._answered(done, outcomes))

    def _put_aside(self, eci: str, batch: Sequence[Piece]) -> None:
        """Give all requests of a channel to the thread; the others of a batch are ready again."""
        self._ready.put_back([piece for piece in batch if piece.eci != eci])
        self._give_away([*(piece for piece in batch if piece.eci == eci), *self._ready.take_all(eci)])

    def _remember(self, eci: str) -> None:
        self._heavy.pop(eci, None)
        self._heavy[eci] = ticks() + HEAVY_FOR
        if len(self._heavy) > MOST_WAITING:
            del self._heavy[next(iter(self._heavy))]

    def _give_away(self, pieces: Sequence[Piece]) -> None:
        """Give requests to the thread."""
        for piece in pieces:
            self._with_thread[piece.eci] += 1
            piece.future.add_done_callback(partial(self._come_back, piece.eci))
        self._apart.put(pieces)

    def _come_back(self, eci: str, _: object) -> None:
        self._with_thread[eci] -= 1
        if not self._with_thread[eci]:
            del self._with_thread[eci]

    # In the thread

    def _work(self) -> None:
        while self._apart.wait():
            batch = self._apart.take(AT_ONCE)
            if batch:
                done, outcomes = self._first_done(batch, light=False)
                self._apart.put_back(batch_without(batch, done))
                self._tell(self._answered(done, outcomes))

    # On the loop, or in the thread

    def _first_done(self, batch: Sequence[Piece], *, light: bool) -> tuple[list[Piece], Sequence[Any]]:
        """Process all queries or all events of a batch, like its first piece, as many as time allows.

        Returns the pieces begun, and their outcomes.
        """
        events = isinstance(batch[0].wanted, Event)
        alike = [piece for piece in batch if isinstance(piece.wanted, Event) is events]
        wanted: Any = [piece.wanted for piece in alike]
        outcomes = self._raised(wanted, light) if events else self._answers(wanted, light)
        return alike[: len(outcomes)], outcomes

    def _raised(self, events: Sequence[Event], light: bool) -> Sequence[Outcome]:
        try:
            return self.engine.raise_some(events, light=light)
        except Exception as error:
            return [error] * len(events)

    def _answers(self, queries: Sequence[Query | AskPassing], light: bool) -> list[Any]:
        """The answers to the first queries, as many as time allows."""
        until, outcomes = ticks() + (LIGHT_SECONDS if light else SECONDS), list[Any]()
        for query in queries:
            outcome = self._read(query, light)
            outcomes.append(outcome)
            if isinstance(outcome, Later) or ticks() > until:
                break
        return outcomes

    def _read(self, wanted: Query | AskPassing, light: bool) -> Any:
        try:
            if isinstance(wanted, Query):
                return self.engine.try_query(wanted, light=light)
            return self.engine.check_passing(wanted, light=light)
        except Exception as error:
            return error

    def _answered(self, pieces: Sequence[Piece], outcomes: Sequence[Any]) -> Answered:
        """The pieces to answer, with their outcomes. Those that need an answer from outside get a thread."""
        done: Answered = []
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
        return done

    def _tell(self, done: Answered) -> None:
        """Pass outcomes to the loop, all in one call."""
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


def batch_without(batch: Sequence[Piece], done: Sequence[Piece]) -> list[Piece]:
    """The pieces of a batch that are not done."""
    begun = {id(piece) for piece in done}
    return [piece for piece in batch if id(piece) not in begun]


def _settle(done: Answered) -> None:
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
