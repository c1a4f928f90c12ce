"""A tick: process everything that is due, look by look.

Each look asks the queues in turn, and each processes some of the items due by then: as many in one
transaction as there is time for. The tick ends when nothing is left that was due when it began. An item that
fails because of the database stays due and does not delay the others (`putting_off.py`). An item that fails
for any other reason, such as a bug of ours or damage, is ended: it must not stay due forever.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from picosched.clock import format_time, to_ms
from picosched.due.agenda import AgendaQueue
from picosched.due.background import Background
from picosched.due.begun import Begun
from picosched.due.deliveries import DeliveriesQueue
from picosched.due.programs import ProgramsQueue
from picosched.due.putting_off import PutOff
from picosched.due.queue import Queue, Tick
from picosched.due.sources import SourcesQueue
from picosched.due.waiting import Waiting
from picosched.due.wired import Wired
from picosched.errors import PicoschedError
from picosched.pico.turn import Turn
from picosched.store.due import NEVER, Coming
from picosched.store.faults import StoreError
from picosched.store.left_out import LeftOut
from picosched.turns.seen import Seen

if TYPE_CHECKING:
    from picosched.turns.traces import Traces

log = logging.getLogger(__name__)

OnEvent = Callable[[Mapping[str, Any]], None]
"""Is called with the attributes of an event."""

INSTANT = 100_000
"""Events that may be made and raised at one instant of a clock that does not advance."""


class Dues:
    """Collects what a batch's turns bring, and tells of it after the commit.

    Due times that they add or change go to `wake`: the soonest, or None for any. Calls on
    events are made then. For one thread at a time, inside a transaction.
    """

    def __init__(self, wake: Callable[[datetime | None], None], traces: Traces | None) -> None:
        self._wake = wake
        self._traces = traces
        self._soonest: datetime | None = None
        self._changed = False
        self._calls: dict[tuple[str, str], OnEvent] = {}
        self._told: list[tuple[OnEvent, Mapping[str, Any]]] = []

    def on_event(self, domain: str, type: str, call: OnEvent) -> None:
        """Have `call` called with the attributes of each such event once its turn is durable.

        It must be quick. `conflict` if there is one for such events already.
        """
        if (domain, type) in self._calls:
            raise PicoschedError(f"something is called on {domain}:{type} already", "conflict")
        self._calls[domain, type] = call

    def came(self, turn: Turn) -> None:
        """A turn was written: remember whether it changed due times."""
        for row in turn.scheduled.values():
            if row.due is not None and (self._soonest is None or row.due < self._soonest):
                self._soonest = row.due
            self._changed |= row.kind == "proc"
        self._changed |= bool(turn.rescheduled or turn.changes or turn.deliveries)
        if self._calls:
            for each in turn.handled:
                call = self._calls.get((each.domain, each.type))
                if call is not None:
                    self._told.append((call, each.attrs))

    def committed(self) -> None:
        if self._changed or self._soonest is not None:
            self._wake(None if self._changed else self._soonest)
        if self._traces is not None:
            self._traces.committed()
        told = self._told
        self.forget()
        for call, attrs in told:
            call(attrs)

    def forget(self) -> None:
        self._soonest, self._changed = None, False
        if self._traces is not None:
            self._traces.forget()
        if self._told:
            self._told = []


class Look(NamedTuple):
    """What one read of all queues found."""

    coming: tuple[Coming, ...]
    """Of each queue."""
    soonest: datetime | None
    """When any queue next has something to do."""
    broken: bool
    """Whether a row would never be due because its due time is damaged."""


class Ticks:
    """Processes the due items of all queues."""

    def __init__(
        self,
        wired: Wired,
        sources: SourcesQueue,
        deliveries: DeliveriesQueue,
        programs: ProgramsQueue,
        agenda: AgendaQueue,
        waiting: Waiting,
        begun: Begun,
        ends: Callable[[], bool],
        by_scheduler: Callable[[], bool],
    ) -> None:
        self._store, self._commits, self._now = wired.store, wired.commits, wired.now
        self._programs = programs
        self._agenda = agenda
        self._queues: tuple[Queue, ...] = (sources, deliveries, programs, agenda)
        self._backgrounds: tuple[Background, ...] = (waiting, deliveries, programs, waiting)
        """Where the items of each queue wait."""
        self._waiting = waiting
        self._begun = begun
        self.raised = 0
        """Events raised so far."""
        self._ends = wired.apart.ends or ends
        """Whether to leave the remaining due items for another tick."""
        self._by_scheduler = by_scheduler
        """Whether the scheduler ticks: then items that failed wait for their next try."""
        self._put_off = PutOff()
        self._most_made = wired.apart.most_made
        self._seen = Seen(wired.store, wired.commits, self._read)
        self._one = threading.Lock()
        """Held during a tick: two at once would not keep the order of messages between picos."""

    def next_due(self) -> datetime | None:
        """The next due time, ignoring rows that wait for an answer; None if there is none."""
        return self._look(()).soonest

    def next_tick(self) -> datetime | None:
        """When the scheduler next has something to do; None if never. Items that failed wait longer."""
        waiting = self._put_off.waiting(self._now()) if self._put_off.failed else {}
        soonest = self._look(waiting).soonest
        again = self._put_off.next_try if waiting else None
        return min((time for time in (soonest, again) if time is not None), default=None)

    @property
    def lag(self) -> int:
        """For how many milliseconds the first due item has been waiting."""
        last = self._seen.last
        soonest = None if last is None else last.soonest
        return 0 if soonest is None else max(0, to_ms(self._now()) - to_ms(soonest))

    def forget(self) -> None:
        """Look anew, as something else than the store has changed."""
        self._seen.forget()

    def run_due(self) -> int:
        """Process all that is due now and return how many events were raised.

        An item that cannot be settled because the database fails stays due; the others are processed, then
        this raises the error. The scheduler is told only if the whole database seems to fail, and such an
        item waits for its next try. `conflict` from inside a turn.
        """
        self._commits.refuse_inside()
        with self._one:
            try:
                return self._run_due()
            finally:
                for queue in self._queues:
                    queue.end_tick()

    def _run_due(self) -> int:
        if self._begun.cut:
            self._begun.take_back()
        if self._programs.looks_again is not None:
            self._programs.look_again()
        began = self._now()
        takeovers = self._begun.takeovers
        waited = self._put_off.waiting(began) if self._put_off.failed and self._by_scheduler() else {}
        stuck = dict(waited)
        tick = Tick([began], stuck, partial(self._look_ahead, stuck))
        raised = made_now = 0
        mended = fails = False
        while not self._ends():
            looked_at = self._look(stuck)
            if looked_at.broken and not mended:
                self._agenda.give_up_broken(stuck)
                mended = True
                continue
            if looked_at.soonest is None or looked_at.soonest > began:
                break
            now = self._now()
            if now > tick.now:
                tick.looks.append(now)
            fails = False
            for queue, coming in zip(self._queues, looked_at.coming, strict=True):
                if coming is NEVER:
                    continue
                looked = queue.run_due(coming, tick)
                raised += looked.raised
                self.raised += looked.raised
                made_now += looked.made_now
                fails |= looked.fails
            if fails:
                break
            most = INSTANT if self._most_made is None else min(self._most_made, INSTANT)
            if made_now > most:
                raise PicoschedError(
                    f"more than {most:,} events were made and raised at {format_time(tick.now)} alone; "
                    "does a rule schedule itself for the time it is?",
                    "too_large",
                )
        if stuck or self._put_off.failed:
            self._put_off.tried(self._now(), waited, stuck, whole=not fails and not self._ends())
        if stuck:
            self._tell({id: error for id, error in stuck.items() if id not in waited})
            return raised
        if not self._ends() and self._waiting.is_idle:
            self._begun.caught_up(takeovers)
        return raised

    def _tell(self, failed: Mapping[str, Exception]) -> None:
        """Raise the first error of items that failed in a tick; if the scheduler goes on, log each."""
        for id, error in failed.items():
            if not self._by_scheduler() or self._put_off.full:
                raise error
            log.error("%s stays due, and waits for its next try: %s", id, error)

    def _look(self, stuck: Collection[str]) -> Look:
        return self._seen.look(self._without(stuck))

    def _look_ahead(self, stuck: Collection[str]) -> None:
        """Read what comes next, inside the lock; if the database fails, the next look says so."""
        with suppress(StoreError):
            self._seen.look_inside(self._without(stuck))

    def _without(self, stuck: Collection[str]) -> tuple[LeftOut, ...]:
        """What a look leaves out of each queue: items that are `stuck` or wait for an answer."""
        return tuple([each.left_out(stuck) for each in self._backgrounds])

    def _read(self, without: tuple[LeftOut, ...]) -> Look:
        _, _, programs_without, _ = without
        entries, deliveries, programs, rows, broken = self._store.due.soonest(*without)
        coming = (entries, deliveries, self._programs.coming(programs, programs_without), rows)
        times = [time for each in coming if each is not NEVER for time in each if time is not None]
        return Look(coming, min(times, default=None), broken)
