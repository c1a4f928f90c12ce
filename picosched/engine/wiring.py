"""The wiring of an engine: its parts, and the only entry point for events and queries.

Input from Python, the server, the console and the command line is checked and made an `Event` or a `Query`
here. From here a piece of work goes into the queue of `turns/commit.py`. A piece that needs an answer from
outside returns `Unanswered`, waits for it without any lock (`due/waiting.py`), and is queued again.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from picosched.acting import PYTHON, Role
from picosched.checked import checked_event, json_object
from picosched.clock import Clock, SystemClock, VirtualClock, to_ms, whole_ms
from picosched.due.agenda import AgendaQueue, Rows
from picosched.due.background import PATIENCE_SECONDS, stop_all
from picosched.due.begun import Begun
from picosched.due.deliveries import DeliveriesQueue
from picosched.due.entries import Entries
from picosched.due.outcomes import Outcomes
from picosched.due.placement import Part, Placement
from picosched.due.programs import ProgramsQueue
from picosched.due.pruning import Pruning
from picosched.due.scheduler import Scheduler
from picosched.due.snapshots import Snapshots
from picosched.due.sources import SourcesQueue
from picosched.due.tick import Dues, Ticks
from picosched.due.waiting import Ask, Waiting
from picosched.due.wired import AT_WORK, Apart, Wired
from picosched.engine.acting import Acting
from picosched.engine.questions import Questions
from picosched.engine.recovery import opened, take_up
from picosched.krl.requests import EventQuery, EventQueryAnswer
from picosched.outside import Outside
from picosched.pico.chance import Chance, id_from
from picosched.pico.event import Event, Query
from picosched.pico.said import Unanswered
from picosched.pico.turn import Turn
from picosched.settings import Settings, load_settings, with_settings
from picosched.store.machines import Heartbeat, Machine
from picosched.store.shards import shard_of
from picosched.store.store import Store
from picosched.turns.commit import SECONDS, GroupCommit
from picosched.turns.memory import Loaded
from picosched.turns.pieces import AskPassing, AskQuery, Later, MakeSchedule, RaiseEvent, RaiseNow, RaisePast
from picosched.turns.reach import Reach
from picosched.turns.turns import Turns
from picosched.turns.windows import LOOK, Sweep

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from picosched.schedule.new_schedule import NewSchedule

SECRET_KEY = "machines"
"""The key in the store of the secret by which servers know each other."""

T = TypeVar("T")
P = ParamSpec("P")

Outcome = Turn | Exception | Unanswered | Later
"""Of raising an event."""


class Wiring(Acting):
    """The parts of an engine. Its arguments are those of `Engine`."""

    def __init__(
        self,
        store: Store | str | Path,
        clock: Clock | None,
        settings: Settings | None,
        seed: int | str | None,
        readonly: bool,
        outside: Ask | None,
        tracer_provider: TracerProvider | None,
        options: Mapping[str, Any],
        apart: Apart = AT_WORK,
    ) -> None:
        self.settings = (
            load_settings(None, os.environ, **options)
            if settings is None
            else with_settings(settings, options, "the engine's arguments")
        )
        self._most_bytes = self.settings.limits.max_attrs_bytes
        self.clock: Clock = clock or SystemClock(min(60.0, self.settings.granularity))
        by_hand = isinstance(self.clock, VirtualClock)
        # Before anything is open, as they may refuse a setting.
        ask = outside or Outside(self.settings).fetch
        self._traces = None
        if not readonly and (tracer_provider is not None or (self.settings.otlp and not by_hand)):
            from picosched.turns.traces import Traces  # late: few engines are traced

            self._traces = Traces(tracer_provider, self.settings.otlp, self.now)
        self._began, self._queries = to_ms(self.now()), count(1)
        """A query's id is the time of the start and a counter, as it need not be unguessable."""
        self._owns_store = not isinstance(store, Store)
        self.store, of_turns, of_callers = opened(store, self.settings, readonly, seed)
        self._of_callers = apart.draws_from(of_callers)
        # On a virtual clock no time passes, so that simulations are reproducible.
        ticks, seconds = (lambda: 0.0, None) if by_hand else (self.clock.ticks, SECONDS)
        self.loaded = Loaded(self.store, self.settings, Chance(apart.draws_from(of_turns)), ticks)
        self._dues = Dues(lambda due: self._scheduler.wake(due), self._traces)
        shards = self.store.shards
        reach = None if shards is None else Reach(shards, self.store.agenda, self.loaded)
        self._commits = GroupCommit(
            self.store, self._dues.committed, self._undone, seconds, reach, apart.deadline
        )
        self.turns = Turns(self.store, self.loaded, self.settings, self.now, self._dues.came, self._traces)
        self._questions = Questions(self.new_event, self.raise_one, self.new_query, self.answer_to)
        wired = Wired(self.store, self._commits, self.settings, self.loaded, self.now, self.look_again, apart)
        self._waiting = Waiting(wired, ask, self._ask_pico)
        self.machine_id = "" if self.store.machines is None else token_hex(8)
        """The id of this process among those that write the database."""
        self._begun = Begun(self.store, self._commits, self.settings.max_begun, self.machine_id)
        self._scheduler = Scheduler(self.run_due, self._next_tick, self.clock)
        self._wire_queues(wired, ask, rehearsed=outside is not None)
        self._sweep = Sweep(self.store, self._commits, self.loaded)
        self._pruning = Pruning(self.store, self._commits, self.clock)
        self._snapshots = Snapshots(wired, wanted=outside is None)
        self._placement = self._placed()
        self._switch = threading.Lock()
        """Held while starting or stopping the background threads."""
        try:
            if not self.store.readonly:
                known = self.store, self._commits, self.loaded, self.settings, self._begun
                take_up(*known, self._programs.interrupt, self.new_id, self.now)
        except BaseException:
            self.close()
            raise

    def _wire_queues(self, wired: Wired, ask: Ask, *, rehearsed: bool) -> None:
        outcomes = self.outcomes = Outcomes(wired)
        self._rows = Rows(wired, self.turns, outcomes)
        self._deliveries = DeliveriesQueue(wired, outcomes, ask)
        self._programs = ProgramsQueue(wired, self.machine_id, rehearsed=rehearsed)
        self._sounding = Entries(wired, self.turns, outcomes)
        asking = self._waiting, self._begun
        sources = SourcesQueue(wired, self._sounding, *asking, self._programs.end)
        agenda = AgendaQueue(wired, self._rows, *asking, self._programs.end)
        queues = sources, self._deliveries, self._programs, agenda
        self._ticks = Ticks(wired, *queues, *asking, self._scheduler.ends, self._scheduler.calls)

    def _placed(self) -> Placement | None:
        """Its part in the work on a database, if there are others."""
        machines = self.store.machines
        if machines is None:
            return None

        def died(machine: Machine) -> None:
            self._begun.died(machine.id)

        def changed() -> None:
            self._sweep.unfinished = True  # another may have died in the midst of one
            self.look_again()
            self._programs.interrupt()

        def news() -> None:
            self.store.due.look_anew()
            self.look_again()

        return Placement(
            machines, self._commits, self._heartbeat, self._secret, died, self._begun.take_over, changed, news
        )

    @property
    def secret(self) -> str | None:
        """By which the servers of one database know each other; None while it takes no part."""
        return None if self._placement is None else self._placement.secret

    def server_of(self, eci: str) -> str | None:
        """The URL of the server that has a channel's pico; None if unknown or this one. For any thread."""
        pico_id = None if self._placement is None else self.loaded.known_pico_of(eci)
        return self._placement.servers.get(shard_of(pico_id)) if self._placement and pico_id else None

    def is_at_work(self, url: str) -> bool:
        """Whether the server with a URL has shards, as far as this one knows. For any thread."""
        return self._placement is not None and url in self._placement.servers.values()

    def _secret(self) -> str:
        """The secret of the database, made by the first that takes part."""
        self.store.need("")
        kept = self.store.picos.meta(SECRET_KEY)
        if kept is None:
            kept = token_hex(16)
            self.store.picos.set_meta(SECRET_KEY, kept)
        return kept

    def _heartbeat(self) -> Heartbeat:
        """What this process tells the others of itself."""
        host = socket.gethostname()
        name, url = f"{os.getpid()} on {host}", self.settings.machine_url or self.loaded.address
        return Heartbeat(self.machine_id, name, host, url, self._began, self._ticks.raised, self._ticks.lag)

    @property
    def part(self) -> Part | None:
        """Its part in the work on a database that has other machines; None if it takes none."""
        return None if self._placement is None else self._placement.part

    def close(self) -> None:
        """Stop the scheduler, let the current turn end, close the store. A second call does nothing."""
        self._commits.refuse_inside()
        with self._switch:
            self._stop()
            if not self.store.readonly:
                self._begun.end()
            if self._owns_store:
                self._commits.read(self.store.close)
        if self._traces is not None:
            self._traces.close()

    def now(self) -> datetime:
        """The clock's time, in whole milliseconds."""
        return whole_ms(self.clock.now())

    def new_id(self) -> str:
        """An unguessable id, for callers in any thread; with a seed, the next of a fixed sequence."""
        return id_from(self._of_callers)

    def write(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Run `work` in a transaction and return its result after the commit."""
        return self._commits.run(work, *args, **named)

    def read(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Run `work` while nobody writes, and return its result."""
        return self._commits.read(work, *args, **named)

    def look_again(self) -> None:
        """Wake the scheduler because due times changed."""
        self._scheduler.wake()

    # The door

    def new_event(
        self,
        domain: str,
        type: str,
        attrs: Mapping[str, Any] | None = None,
        *,
        eci: str | None = None,
        eid: str | None = None,
        once: str | None = None,
        host: str | None = None,
        trace: str | None = None,
        fresh: bool = False,
    ) -> Event:
        """Check input and make an event, with the current time; `invalid` or `too_large`. For any thread.

        `host` is the base URL of the HTTP request that brings it, `trace` its `traceparent`. Attributes that
        are `fresh`, just read from JSON for this event, are not copied.
        """
        copy = checked_event(domain, type, attrs, eid, once, self._most_bytes, fresh=fresh)
        drawn = id_from(self._of_callers)
        now = whole_ms(self.clock.now())
        if eid is None:
            return Event(domain, type, copy, drawn, now, eci, None, once, host, trace=trace)
        return Event(domain, type, copy, eid, now, eci, None, once, host, drawn, trace)

    def new_query(
        self,
        rid: str,
        name: str,
        args: Mapping[str, Any] | None = None,
        *,
        eci: str | None = None,
        host: str | None = None,
        fresh: bool = False,
    ) -> Query:
        """Check input and make a query; errors and `fresh` as for `new_event`. For any thread."""
        copy = json_object(args, "arguments", self._most_bytes, fresh=fresh)
        return Query(rid, name, copy, eci, f"{self._began:012x}{next(self._queries):020x}", host)

    def raise_one(self, event: Event, pico_id: str | None = None) -> Turn:
        """Raise an event in the pico of its channel, or in `pico_id`; returns its turn, once durable.

        `refused` if the role of whoever acts does not cover it.
        """
        if self.by.role is not Role.AUTHOR:
            self.permit_event(event.domain)
        piece = RaiseEvent(event, pico_id, by=None if self.by.surface == PYTHON else self.by)
        turn = self._raise(piece)
        if isinstance(turn, Unanswered):
            turn = self._waiting.done(self._raise, piece, turn)
        turn.entities, turn.waiting = {}, {}  # the pico's memory is not shared with callers
        return turn

    def raise_some(self, events: Sequence[Event], *, light: bool = False) -> list[Outcome]:
        """Raise the first of some events through their channels, as many as one batch has time for.

        Returns the turn or error of each, after the commit. For an event that needs an answer from outside
        it is `Unanswered`: nothing was written, and `raise_one` waits for the answer. With `light` this
        neither waits nor takes long: the last outcome may be `Later`, and then nothing was written either.
        """
        pieces = [RaiseEvent(each, light=light) for each in events]
        if not light:
            return self._commits.perform_some(self.turns.raise_event, pieces)
        return self._commits.perform_now(self.turns.raise_event, pieces) or [Later.BUSY]

    def answer_to(self, query: Query, pico_id: str | None = None) -> Any:
        """The answer to a query of the pico of its channel, or of `pico_id`."""
        piece = AskQuery(query, pico_id)
        answer = self._answer(piece)
        return self._waiting.done(self._answer, piece, answer) if isinstance(answer, Unanswered) else answer

    def try_query(self, query: Query, *, light: bool = False) -> Any:
        """As `answer_to` through a channel, but returns Unanswered instead of waiting.

        With `light` this neither waits nor takes long, and may return `Later`.
        """
        read = self._commits.read_now if light else self._commits.read
        return read(self.turns.answer, AskQuery(query, light=light))

    def check_passing(self, piece: AskPassing, *, light: bool = False) -> Later | None:
        """`not_found` if there is no such channel, `refused` by its policy; `light` as for `try_query`."""
        read = self._commits.read_now if light else self._commits.read
        return read(self.turns.check_passing, piece)

    def make_schedule(self, piece: MakeSchedule) -> NewSchedule:
        """Make a schedule for somebody outside; returns it, once durable."""
        return self._commits.perform(self.turns.make_schedule, piece)

    def raise_now(self, piece: RaiseNow) -> Turn:
        """Raise a row's event outside its times; returns its turn, once durable."""
        turn = self._raise_now(piece)
        return self._waiting.done(self._raise_now, piece, turn) if isinstance(turn, Unanswered) else turn

    def raise_past(self, piece: RaisePast) -> Turn | None:
        """Raise a past occurrence; returns its turn, once durable, or None if it was settled meanwhile."""
        turn = self._raise_past(piece)
        return self._waiting.done(self._raise_past, piece, turn) if isinstance(turn, Unanswered) else turn

    def _ask_pico(self, request: EventQuery, trace: str | None) -> EventQueryAnswer:
        return self._questions.answer(request, trace)

    def _raise(self, piece: RaiseEvent) -> Turn | Unanswered:
        return cast("Turn | Unanswered", self._commits.perform(self.turns.raise_event, piece))

    def _answer(self, piece: AskQuery) -> Any:
        return self._commits.read(self.turns.answer, piece)

    def _raise_now(self, piece: RaiseNow) -> Turn | Unanswered:
        return self._commits.perform(self._rows.raise_now, piece)

    def _raise_past(self, piece: RaisePast) -> Turn | Unanswered | None:
        return self._commits.perform(self._rows.raise_past, piece)

    # Due items

    def next_due(self) -> datetime | None:
        """The next due time; None if there is none."""
        return self._ticks.next_due()

    def run_due(self) -> int:
        """Process all that is due now and return how many events were raised; errors: `Ticks.run_due`."""
        raised = self._ticks.run_due()
        self._pruning.look()
        if self._snapshots.wanted:
            self._snapshots.look()
        if (self._sweep.unfinished or self._sweep.shared) and self._sweep.look():
            self.look_again()
        return raised

    def _stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        if self._placement is not None:
            self._placement.leave()
        self._programs.end_all()
        self._scheduler.stop()
        if self._placement is not None:
            under_way = self._waiting.owners | self._deliveries.owners
            self._placement.hand_over({shard_of(each) for each in under_way})
        stop_all(seconds, self._waiting, self._deliveries, self._programs, self._snapshots)
        if self._placement is not None:
            self._placement.stop()

    def _next_tick(self) -> datetime | None:
        """When the scheduler next has something to do."""
        sweeps = self._sweep.unfinished or self._sweep.shared
        looks = self._pruning.next_look, self._snapshots.next_look
        times = (self._ticks.next_tick(), *looks, self.now() + LOOK if sweeps else None)
        return min((time for time in times if time is not None), default=None)

    def _undone(self) -> None:
        self._dues.forget()
        self.loaded.forget_all()
        self._scheduler.wake()  # if a commit is in doubt, due times may have changed
