"""The desk between the event loop and the engine: processes waiting requests in batches, channels in turn.

Requests arrive on one loop; the engine is synchronous. What is ready when the loop has read its sockets is
processed **on the loop**, together and lightly: queries are answered, events are evaluated and committed in
one transaction. Another thread would have to win the interpreter's lock back from the loop at each statement,
which costs more than all of that. A light try neither waits nor takes long: a request that takes more than
some milliseconds is given up before anything is written, and goes to **the thread**, as all do while somebody
else uses the store or the disk is slow. So the loop can always answer health checks: a rule delays it by one
light try at most, a slow disk by one commit a second.

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
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from picosched.clock import ticks
from picosched.due.background import PATIENCE_SECONDS, Crew, DismissedError
from picosched.engine.engine import Engine
from picosched.engine.wiring import Outcome
from picosched.errors import PicoschedError
from picosched.pico.event import Event, Query
from picosched.pico.said import Unanswered
from picosched.turns.commit import LIGHT_SECONDS, SECONDS
from picosched.turns.pieces import AskPassing, Later
from picosched.web.errors import BusyError
from picosched.web.lines import Lines, Piece, Wanted

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

SLOW_FOR, SLOW_FOR_LONG = 1.0, 60.0
"""Seconds for which all requests go to the thread then; twice as long after each slow round in a row."""

HEAVY_FOR = 60.0
"""Seconds for which those of a channel do after one that takes long."""


Answered = list[tuple[asyncio.Future[Any], Any]]
"""Futures and their outcomes."""


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
        self._slow_for = SLOW_FOR / 2
        self._slow_until = 0.0
        """Until when all do, because the disk is slow."""
        self._called = self._started = False
        """Whether the loop will call `_round`; whether `start` was called."""
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

    def at_once(self, query: Query) -> Any:
        """The answer to a query, without a round; `Later` if it has to wait for one.

        Only one while the loop reads its sockets, and only if the last round had no more: several are
        cheaper together. Errors as for `Engine.query`.
        """
        eci = query.eci or ""
        if self._called or self._last > 1 or not self._started or self._goes_apart(eci):
            return Later.BUSY
        self._call_round()
        began = ticks()
        answer = self.engine.try_query(query, light=True)
        self._note_time(began)
        if answer is Later.HEAVY:
            self._remember(eci)
        return Later.BUSY if isinstance(answer, Unanswered) else answer

    def _goes_apart(self, eci: str) -> bool:
        """Whether a request of this channel goes to the thread at once."""
        if eci in self._with_thread:
            return True
        if eci in self._heavy and self._heavy[eci] < ticks():
            del self._heavy[eci]
        return eci in self._heavy or (self._slow_until > 0.0 and ticks() < self._slow_until)

    # On the loop

    def _call_round(self) -> None:
        """Let the loop call `_round` once it has read its sockets."""
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
            self._note_time(began)
        if self._ready.waiting:
            self._call_round()

    def _note_time(self, began: float) -> None:
        """Let the thread do all for a while if what began then took so long that the disk must be slow."""
        now = ticks()
        if now - began > SLOW_SECONDS:
            self._slow_for = min(2 * self._slow_for, SLOW_FOR_LONG)
            self._slow_until = now + self._slow_for
            self._give_away(self._ready.take(MOST_WAITING))
        else:
            self._slow_for = SLOW_FOR / 2

    def _do_lightly(self, batch: Sequence[Piece]) -> None:
        done, outcomes = self._first_done(batch, light=True)
        postponed = outcomes[-1] if isinstance(outcomes[-1], Later) else None
        if postponed is None:
            self._ready.put_back(batch_without(batch, done))
        else:
            piece = done.pop()
            outcomes = outcomes[:-1]
            rest = batch_without(batch, done)
            if postponed is Later.HEAVY:
                self._remember(piece.eci)
                self._put_aside(piece.eci, rest)
            else:  # nobody's turn comes soon
                self._ready.put_back(rest)
                self._give_away(self._ready.take(MOST_WAITING))
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
        """Process queries or events of a batch, like its first piece, as many as time allows.

        Returns the pieces begun, and their outcomes. No piece goes before one of its channel.
        """
        events = isinstance(batch[0].wanted, Event)
        alike: list[Piece] = []
        waits: set[str] = set()
        for piece in batch:
            if isinstance(piece.wanted, Event) is not events:
                waits.add(piece.eci)
            elif piece.eci not in waits:
                alike.append(piece)
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
        except DismissedError:
            outcome = BusyError("picosched is stopping")
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
