"""The engine: has an event evaluated and its turn committed, and raises again what rules have scheduled.

It owns nothing but the wiring: a store, what of it is in memory (`loaded`), the group commit that lets one
thread at a time into both (`batch`), and the turns themselves (`raising`). It is safe to use from many
threads. From inside a turn or a query of its own it is not to be called, and says so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from picosched.checked import checked_key, checked_text, json_object
from picosched.clock import Clock, SystemClock, VirtualClock, format_time, from_ms, parse_time, to_ms
from picosched.due.background import PATIENCE_SECONDS, stop_all
from picosched.due.begun import Begun
from picosched.due.deliveries import Delivering
from picosched.due.entries import Ringing
from picosched.due.programs import Programs
from picosched.due.pruning import Pruning
from picosched.due.scheduler import Scheduler
from picosched.due.sources import Clockwork
from picosched.due.tick import Dues, Ticks
from picosched.due.waiting import Ask, Asking
from picosched.engine.agenda import Agenda
from picosched.engine.pico import PicoRef
from picosched.engine.recovery import opened, take_up
from picosched.engine.sources import Sourced
from picosched.errors import PicoschedError
from picosched.outside import Outside
from picosched.pico.chance import Chance, id_from
from picosched.pico.channel import Channel
from picosched.pico.evaluate import answer
from picosched.pico.event import Event, Query
from picosched.pico.said import Answers, Unanswered
from picosched.pico.turn import Turn
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings, load_settings, with_settings
from picosched.store.journal import Entry
from picosched.store.picos import PicoRow
from picosched.store.store import Store
from picosched.turns.commit import SECONDS, GroupCommit
from picosched.turns.memory import Loaded
from picosched.turns.turns import Raising

T = TypeVar("T")


class Engine(Sourced):
    """Picos on a store. `Engine("picos.db", clock=VirtualClock(…), granularity=1)`; use it in a `with`.

    `store` is a path, ":memory:", or a Store (which the caller closes). Without `settings` they come from
    the environment; `options` are single settings and win. With a `seed` what rules draw repeats from run to
    run, if the same turns and queries come in the same order; so does the row of ids that callers draw.
    `outside` answers what rules ask by HTTP, in place of the world; no program is run then. What is opened
    `readonly` answers and lists, beside a picosched that writes. PicoschedError as for Store, and `invalid`
    for invalid settings.
    """

    def __init__(
        self,
        store: Store | str | Path = ":memory:",
        clock: Clock | None = None,
        *,
        settings: Settings | None = None,
        seed: int | str | None = None,
        readonly: bool = False,
        outside: Ask | None = None,
        **options: Any,
    ) -> None:
        self.settings = (
            load_settings(None, os.environ, **options)
            if settings is None
            else with_settings(settings, options, "the engine's arguments")
        )
        self.clock: Clock = clock or SystemClock(min(60.0, self.settings.granularity))
        ask = outside or Outside(self.settings).fetch  # before anything is open: it may refuse a setting
        self._owns_store = not isinstance(store, Store)
        self.store, of_turns, self._of_callers = opened(store, self.settings, readonly, seed)
        # On a clock that is moved by hand nothing takes too long, so that simulations repeat.
        by_hand = isinstance(self.clock, VirtualClock)
        ticks, seconds = ((lambda: 0.0), None) if by_hand else (self.clock.ticks, SECONDS)
        self.loaded = Loaded(self.store, self.settings, Chance(of_turns), ticks)
        self._dues = Dues(lambda due: self._scheduler.wake(due))
        self._commits = GroupCommit(self.store, self._dues.committed, self._undone, seconds)
        self.raising = Raising(self.store, self.loaded, self.settings, self.now, self._dues.came)
        self._asking = Asking(ask, self.look_again)
        known = self.store, self._commits, self.loaded, self.settings, self.now, self.look_again
        self._programs = Programs(*known, rehearsed=outside is not None)
        self._delivering = Delivering(self.store, self._commits, ask, self.now, self.look_again)
        ringing = Ringing(self.store, self.loaded, self.raising, self.now)
        self._begun = Begun(self.store, self._commits, self.settings.max_begun)
        clockwork = Clockwork(self.store, self._commits, ringing, self._asking, self._begun)
        beside = (clockwork, self._delivering, self._programs)
        self._ticks = Ticks(
            self.store, self._commits, self.raising, self._asking, self.now, self._begun, beside
        )
        self._pruning = Pruning(self.store, self._commits, self.clock)
        self._scheduler = Scheduler(self.run_due, self._next_tick, self.clock)
        self._switch = threading.Lock()
        """Held by who starts or stops what runs in the background."""
        self._ticks.ends = lambda: self._scheduler.ends
        self.agenda = Agenda(self)
        try:
            if not self.store.readonly:
                take_up(self, self._begun)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the scheduler, let the turn at hand end, close the store. A second time does nothing."""
        self._commits.refuse_inside()
        with self._switch:
            self._stop()
            if not self.store.readonly:
                self._begun.end()
            if self._owns_store:
                self._commits.read(self.store.close)

    def now(self) -> datetime:
        """The clock's time, in whole milliseconds, as everything here keeps it."""
        return from_ms(to_ms(self.clock.now()))

    def new_id(self) -> str:
        """An id nobody can guess, for callers in any thread; with a seed, the next in a row of its own."""
        return id_from(self._of_callers)

    @property
    def commits(self) -> int:
        """Transactions committed since the engine was made."""
        return self._commits.commits

    # Picos

    @property
    def root(self) -> PicoRef:
        """The pico that is there from the start; `not_found` in an empty store that is readonly."""
        row = self.read(self.store.picos.find_root)
        if row is None:
            raise PicoschedError(f"the database {self.store.name} has no picos", "not_found")
        return self._reference(row)

    def picos(self) -> list[PicoRef]:
        """All, in the order they were made; the root is the first."""
        return [self._reference(row) for row in self.read(self.store.picos.picos)]

    def pico(self, name: str) -> PicoRef:
        """The pico of that id or name; `not_found`, or `conflict` if several have the name."""
        row = self.read(lambda: self.store.picos.find_pico(name))
        if row is None:
            named = self.read(lambda: self.store.picos.named(name))
            if not named:
                raise PicoschedError(f"there is no pico {name}", "not_found")
            if len(named) > 1:
                raise PicoschedError(f"{len(named)} picos have the name {name}: use an id", "conflict")
            row = named[0]
        return self._reference(row)

    def new_pico(
        self, name: str = "", parent: PicoRef | str | None = None, *, unique: bool = False
    ) -> PicoRef:
        """Make a pico under `parent` (an id or a PicoRef), under the root without one.

        If its name is to be `unique`, `conflict` where there is a pico of that name.
        """
        parent_id = (parent.id if isinstance(parent, PicoRef) else parent) or self.root.id
        called = checked_text(name, "name of a pico") if name else ""
        row = PicoRow(self.new_id(), called, parent_id, self.now())

        def work() -> PicoRef:
            self.loaded.load_pico(parent_id)
            if unique and self.store.picos.named(name):
                raise PicoschedError(f"there is a pico {name} already", "conflict")
            self.store.picos.new_pico(row)
            return self._reference(row)

        return self.write(work)

    def channel(self, eci: str) -> Channel:
        """The channel of an eci; `not_found` if there is none."""
        return self.read(lambda: self.loaded.load_channel(eci))

    # Events and queries

    def raise_event(
        self,
        eci: str,
        domain: str,
        type: str,
        attrs: Mapping[str, Any] | None = None,
        *,
        eid: str | None = None,
        once: str | None = None,
    ) -> Turn:
        """Raise an event through a channel; its turn, once that is durable.

        `once` is a key: an event that comes to a pico again with the same one is answered by an empty turn
        that is `repeated`, with the `eid` of the first. `not_found` without such a channel, `refused` by its
        policy, `invalid` or `too_large` attributes.
        """

        def target() -> str:
            channel = self.loaded.load_channel(eci)
            channel.check_event(domain, type)
            return channel.pico_id

        return self.deliver(target, domain, type, attrs, eci=eci, eid=eid, once=once)

    def query(self, eci: str, rid: str, name: str, args: Mapping[str, Any] | None = None) -> Any:
        """The JSON value of a shared function, asked through a channel; errors as for `raise_event`."""

        def target() -> str:
            channel = self.loaded.load_channel(eci)
            channel.check_query(rid, name)
            return channel.pico_id

        return self.ask(target, Query(rid, name, args or {}, eci))

    # Schedules

    def scheduled(self, which: Filter | None = None) -> list[Scheduled]:
        """What is still to come, paused ones too, soonest first; or what a filter means."""
        return self.agenda.scheduled(which)

    def history(self, pico_id: str | None = None, id: str | None = None, limit: int = 100) -> list[Fire]:
        """What became of occurrences, newest first; of one pico or all, of one scheduled event or all."""
        return self.read(lambda: self.store.agenda.fires(pico_id=pico_id, id=id, limit=limit))

    def journal(
        self, pico_id: str | None = None, limit: int = 100, *, eid: str | None = None, after: int = 0
    ) -> list[Entry]:
        """The turns of one pico or of all, newest first."""
        return self.read(lambda: self.store.journal.entries(pico_id, eid=eid, after=after, limit=limit))

    def next_due(self) -> datetime | None:
        """When something is due next; None if nothing is to come."""
        return self._ticks.next_due()

    def run_due(self) -> int:
        """Raise all that is due now; how many events were raised.

        A row that cannot be settled because the database fails stays due; the others go on, then this
        raises why.
        """
        raised = self._ticks.run_due()
        self._pruning.look()
        return raised

    def run_until(self, time: str | datetime) -> int:
        """On a virtual clock, go from due time to due time and end at `time`; how many events were raised."""
        if not isinstance(self.clock, VirtualClock):
            raise PicoschedError("only a virtual clock can be run until a time")
        end = parse_time(time) if isinstance(time, str) else time
        if end < self.clock.now():
            raise PicoschedError(f"found {format_time(end)}, wanted a time that is still to come")
        raised = 0
        while (due := self.next_due()) is not None and due <= end:
            self.clock.reach(due)
            raised += self.run_due()
        self.clock.reach(end)
        return raised

    def prune(self) -> int:
        """Delete what is older by the clock, as it is now, than history is kept; how many rows."""
        return self._pruning.prune(self.now())

    def start(self) -> None:
        """Raise what is due in the background, when it is due. `refused` if the store is readonly."""
        if self.store.readonly:
            raise PicoschedError("an engine that is readonly raises nothing", "refused")
        self._commits.refuse_inside()
        with self._switch:
            self.read(self.store.picos.find_root)  # what is closed is not started
            self._asking.start()
            self._programs.start()
            self._delivering.start()
            self._scheduler.start()

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """End what `start` began, waiting at most `seconds` for the world outside. The rest stays due."""
        self._commits.refuse_inside()
        with self._switch:
            self._stop(seconds)

    @property
    def running(self) -> bool:
        """Whether what is due is raised in the background."""
        return self._scheduler.running

    # For what stands on the engine

    def answered(self, run: Callable[[Answers], T | Unanswered]) -> T:
        """What `run` gives once it has all the answers from outside that it asks for."""
        return self._asking.answered(run)

    def write(self, work: Callable[[], T]) -> T:
        """What `work` returns, run in a transaction, once that is committed."""
        return self._commits.run(work)

    def read(self, work: Callable[[], T]) -> T:
        """What `work` returns, run while nobody writes."""
        return self._commits.read(work)

    def deliver(
        self,
        target: Callable[[], str],
        domain: str,
        type: str,
        attrs: Mapping[str, Any] | None,
        *,
        eci: str | None = None,
        eid: str | None = None,
        once: str | None = None,
    ) -> Turn:
        """Raise an event in the pico whose id `target` tells; it is asked inside the transaction."""
        checked_text(domain, "domain of an event")
        checked_text(type, "type of an event")
        copy = json_object(attrs, "attributes", self.settings.limits.max_attrs_bytes)
        id = self.new_id() if eid is None else checked_text(eid, "id of an event")
        event = Event(domain, type, copy, id, self.now(), eci, once=checked_key(once))
        turn: Turn = self.answered(
            lambda answers: self.write(lambda: self.raising.raise_event(target(), event, answers))
        )
        # What the pico keeps in memory stays with it.
        return replace(turn, entities={}, waiting={})

    def ask(self, target: Callable[[], str], query: Query) -> Any:
        """The answer to a query of the pico whose id `target` tells."""
        args = json_object(query.args, "arguments", self.settings.limits.max_attrs_bytes)

        def work(answers: Answers) -> Any:
            pico = self.loaded.load_running(target(), query.rid)
            try:
                return answer(pico, replace(query, args=args), answers.first(self.now()), answers)
            except Unanswered as wanted:
                return wanted

        return self.answered(lambda answers: self.read(lambda: work(answers)))

    def raise_events(self, events: Sequence[Event]) -> list[Turn | Exception | Unanswered]:
        """Raise the first of checked events through their channels, as many as one batch has time for.

        The turn or the error of each, once they are committed. `Unanswered` is one that needs an answer from
        outside: nothing of it has happened, and `raise_event` waits for it.
        """

        def work(event: Event) -> Turn | Unanswered:
            channel = self.loaded.load_channel(event.eci or "")
            channel.check_event(event.domain, event.type)
            return self.raising.raise_event(channel.pico_id, event)

        return self._commits.run_some([partial(work, each) for each in events])

    def try_query(self, query: Query) -> Any:
        """The answer to a checked query through its channel; Unanswered is raised, `query` waits for it."""
        channel = self.loaded.load_channel(query.eci or "")
        channel.check_query(query.rid, query.name)
        return answer(self.loaded.load_running(channel.pico_id, query.rid), query, self.now())

    def look_again(self) -> None:
        """Tell the scheduler that what is due changed."""
        self._scheduler.wake()

    # Inside

    def _stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        self._programs.end_all()
        self._scheduler.stop()
        stop_all(seconds, self._asking, self._delivering, self._programs)

    def _next_tick(self) -> datetime | None:
        """When the scheduler has something to do next."""
        times = (self.next_due(), self._pruning.next_look)
        return min((time for time in times if time is not None), default=None)

    def _reference(self, row: PicoRow) -> PicoRef:
        return PicoRef(row.id, row.name, self)

    def _undone(self) -> None:
        self._dues.forget()
        self.loaded.forget_all()
        self._scheduler.wake()  # where a commit is in doubt, something may be due that nobody has looked for
