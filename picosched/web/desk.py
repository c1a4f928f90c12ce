"""The desk between the event loop and the engine: what waits is done together.

Requests come in on one loop; the engine is synchronous. One thread takes all that waits: it answers the
queries, evaluates the events and commits them at once, and hands all answers back to the loop with one
call. While it is busy with the disk the next requests gather: the more clients, the fewer commits for each.
The loop itself never waits for the disk or for a rule, so it can always say that the server lives.

What needs an answer from the world outside goes to threads of its own, and nobody waits for it but who
asked.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from picosched.background import PATIENCE_SECONDS, Crew
from picosched.engine import Engine
from picosched.errors import PicoschedError
from picosched.incoming import checked_key, checked_text, json_object
from picosched.pico.effects import Unanswered
from picosched.pico.event import Event, Query
from picosched.pico.turn import Turn
from picosched.web.errors import BusyError

log = logging.getLogger(__name__)

AT_ONCE = 256
"""Requests done together."""

MOST_WAITING = 10_000
"""Requests that may wait; one more is refused with 503."""

ASKING = 32
"""Threads for turns and queries that ask the world outside."""


class Passing(NamedTuple):
    """The question whether a channel lets an event or a query pass, before anything else of it is known."""

    eci: str
    event: tuple[str, str] | None
    query: tuple[str, str] | None


Wanted = Event | Query | Passing


class Piece(NamedTuple):
    """What somebody waits for."""

    wanted: Wanted
    future: asyncio.Future[Any]


class Desk:
    """Has events raised and queries answered for coroutines of one loop: `listen` there, `start`, `stop`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._most_bytes = engine.settings.limits.max_attrs_bytes
        self._pieces: SimpleQueue[Piece | None] = SimpleQueue()
        self._asking = Crew(ASKING, "picosched web asking")
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
        self._pieces.put(None)
        self._thread.join()
        self._asking.dismiss(seconds)

    @property
    def waiting(self) -> int:
        """Requests that nobody has taken up yet."""
        return self._pieces.qsize() + self._to_ask

    def event(
        self,
        eci: str,
        domain: str,
        type: str,
        attrs: Mapping[str, Any],
        eid: str | None = None,
        once: str | None = None,
    ) -> Event:
        """An event to be done, checked as by `Engine.raise_event`. For any thread, as it may be large."""
        return Event(
            checked_text(domain, "domain of an event"),
            checked_text(type, "type of an event"),
            json_object(attrs, "attributes", self._most_bytes),
            self.engine.new_id() if eid is None else checked_text(eid, "id of an event"),
            self.engine.now(),
            eci,
            once=checked_key(once),
        )

    def query(self, eci: str, rid: str, name: str, args: Mapping[str, Any]) -> Query:
        """A query to be done, checked as by `Engine.query`. For any thread."""
        return Query(rid, name, json_object(args, "arguments", self._most_bytes), eci)

    def done(self, wanted: Wanted) -> asyncio.Future[Any]:
        """The turn of an event, the value of a query, None for what may pass.

        The errors are those of `Engine.raise_event` and `Engine.query`; BusyError if too much waits.
        """
        if self.waiting >= MOST_WAITING:
            raise BusyError(f"{MOST_WAITING:,} requests wait already")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pieces.put(Piece(wanted, future))
        return future

    # In the thread

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            batch, ends = self._gathered(piece)
            reads = [each for each in batch if not isinstance(each.wanted, Event)]
            if reads:
                self._answer(reads, [self._read(each.wanted) for each in reads])  # type: ignore[arg-type]
            events = [each for each in batch if isinstance(each.wanted, Event)]
            if events:
                self._answer(events, self._raised([each.wanted for each in events]))  # type: ignore[misc]
            if ends:
                return

    def _gathered(self, first: Piece) -> tuple[list[Piece], bool]:
        """All that waits and was not cancelled, up to a number; and whether that was the end."""
        batch = [] if first.future.done() else [first]
        try:
            while len(batch) < AT_ONCE:
                piece = self._pieces.get_nowait()
                if piece is None:
                    return batch, True
                if not piece.future.done():
                    batch.append(piece)
        except Empty:
            pass
        return batch, False

    def _raised(self, events: Sequence[Event]) -> Sequence[Turn | BaseException]:
        try:
            return self.engine.raise_events(events)
        except Exception as error:
            return [error] * len(events)

    def _read(self, wanted: Query | Passing) -> Any:
        try:
            if isinstance(wanted, Query):
                return self.engine.read(lambda: self.engine.try_query(wanted))
            channel = self.engine.channel(wanted.eci)
            if wanted.event is not None:
                channel.check_event(*wanted.event)
            if wanted.query is not None:
                channel.check_query(*wanted.query)
            return None
        except (Exception, Unanswered) as error:
            return error

    def _answer(self, pieces: Sequence[Piece], outcomes: Sequence[Any]) -> None:
        """Hand the outcomes to the loop, all with one call."""
        done: list[tuple[asyncio.Future[Any], Any]] = []
        for piece, outcome in zip(pieces, outcomes, strict=True):
            if isinstance(outcome, Unanswered):
                with self._mutex:
                    self._to_ask += 1
                self._asking.submit(partial(self._ask, piece))
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
            assert not isinstance(wanted, Passing)
            if isinstance(wanted, Event):
                outcome = engine.raise_event(
                    wanted.eci or "",
                    wanted.domain,
                    wanted.type,
                    wanted.attrs,
                    eid=wanted.eid,
                    once=wanted.once,
                )
            else:
                outcome = engine.query(wanted.eci or "", wanted.rid, wanted.name, wanted.args)
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
