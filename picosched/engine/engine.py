"""The engine: evaluates events, commits their turns, and raises the events that rules have scheduled.

It is safe to use from many threads. A call from inside one of its own turns or queries is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Any

from picosched.checked import checked_text
from picosched.clock import Clock, VirtualClock, format_time, parse_time
from picosched.due.background import PATIENCE_SECONDS
from picosched.due.tick import OnEvent
from picosched.due.waiting import Ask
from picosched.engine.agenda import Agenda
from picosched.engine.alerts import Alerting
from picosched.engine.audit import Audited
from picosched.engine.deliveries import Delivering
from picosched.engine.forecast import Forecast
from picosched.engine.pico import PicoRef
from picosched.engine.recovery import compare_clocks, follow_settings
from picosched.engine.sources import Sourced
from picosched.engine.tokens import Tokened
from picosched.engine.windows import Windowed
from picosched.errors import PicoschedError
from picosched.intervention import PICO_MADE
from picosched.pico.channel import Channel
from picosched.pico.turn import Turn
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings
from picosched.store.journal import Entry
from picosched.store.machines import Machine
from picosched.store.picos import PicoRow
from picosched.store.store import Store

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from picosched.engine.path import EventPath
    from picosched.engine.planned import Plan
    from picosched.engine.replay import Progress
    from picosched.engine.replayed import Replayed
    from picosched.engine.whole import Whole
    from picosched.schedule.chain import Why

LOOK_SECONDS = 0.25
"""How often `follow` reads the journal."""

AT_ONCE = 200
"""Turns read in one look."""


class Engine(Delivering, Alerting, Windowed, Sourced, Tokened, Audited, Forecast):
    """Picos on a store. `Engine("picos.db", clock=VirtualClock(…), granularity=1)`; use it in a `with`.

    `store` is a path, ":memory:", or a Store (which the caller closes). Without `settings` they come from
    the environment; `options` are single settings and win. With a `seed`, random values in rules and
    generated ids are the same from run to run, if the same turns and queries come in the same order.
    `outside` answers the HTTP requests of rules instead of the network; then no programs are run.
    `tracer_provider`, of OpenTelemetry, gets a span for each turn, instead of the setting `otlp`. A
    `readonly` engine answers and lists while another picosched writes. PicoschedError as for Store, and
    `invalid` for invalid settings.
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
        tracer_provider: TracerProvider | None = None,
        **options: Any,
    ) -> None:
        super().__init__(store, clock, settings, seed, readonly, outside, tracer_provider, options)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def agenda(self) -> Agenda:
        """The scheduled events of all picos."""
        return Agenda(self)

    @property
    def commits(self) -> int:
        """Transactions committed since the engine was created."""
        return self._commits.commits

    # Picos

    @property
    def root(self) -> PicoRef:
        """The root pico; `not_found` if a readonly store is empty."""
        row = self.read(self.store.picos.find_root)
        if row is None:
            raise PicoschedError(f"the database {self.store.name} has no picos", "not_found")
        return self._reference(row)

    def picos(self) -> list[PicoRef]:
        """All picos, in the order they were made, the root first."""
        return [self._reference(row) for row in self.read(self.store.picos.picos)]

    def pico(self, name: str) -> PicoRef:
        """The pico with that id or name; `not_found`, or `conflict` if several have the name."""
        row = self.read(self.store.picos.find_pico, name)
        if row is None:
            named = self.read(self.store.picos.named, name)
            if not named:
                raise PicoschedError(f"there is no pico {name}", "not_found")
            if len(named) > 1:
                raise PicoschedError(f"{len(named)} picos have the name {name}: use an id", "conflict")
            row = named[0]
        return self._reference(row)

    def new_pico(
        self, name: str = "", parent: PicoRef | str | None = None, *, unique: bool = False
    ) -> PicoRef:
        """Make a pico under `parent` (an id or a PicoRef; by default the root).

        With `unique`, `conflict` if a pico has that name.
        """
        self.permit("made")
        parent_id = (parent.id if isinstance(parent, PicoRef) else parent) or self.root.id
        called = checked_text(name, "name of a pico") if name else ""
        row = PicoRow(self.new_id(), called, parent_id, self.now())

        def work() -> PicoRef:
            self.loaded.load_pico(parent_id)
            if unique:
                self.store.need("")  # so that no other process makes one of that name meanwhile
            if unique and self.store.picos.named(name):
                raise PicoschedError(f"there is a pico {name} already", "conflict")
            self.store.picos.new_pico(row)
            self.note("made", "pico", row.id, called)
            self.keep(PICO_MADE, row.created, id=row.id, name=row.name, parent=parent_id)
            return self._reference(row)

        return self.write(work)

    def export_pico(self, name: str, *, history: bool = False) -> dict[str, Any]:
        """The document of the pico with that id or name, as a snapshot; the engine may be readonly."""
        from picosched.engine.export import document_of

        self.permit("exported")
        return document_of(self, self.pico(name), history=history)

    def import_pico(
        self,
        document: Mapping[str, Any],
        parent: PicoRef | str | None = None,
        name: str | None = None,
        *,
        keep_ecis: bool = False,
    ) -> PicoRef:
        """Make a pico from a document, under `parent` (by default the root), with its old name or another.

        It gets a new id, and its channels get new ecis unless they are kept. Scheduled events keep their ids
        unless those are taken here. PicoschedError: `invalid` for an error in the document, `conflict` if a
        name or eci is taken; KrlError for a ruleset that does not run here. After an error nothing is
        changed.
        """
        from picosched.engine.export import put_in

        self.permit("imported")
        under = parent.id if isinstance(parent, PicoRef) else self.root.id if parent is None else parent
        return put_in(self, document, under, name, keep_ecis=keep_ecis)

    def channel(self, eci: str) -> Channel:
        """The channel with that eci; `not_found` if there is none."""
        return self.read(self.loaded.load_channel, eci)

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
        """Raise an event through a channel; returns its turn, once durable.

        `once` is an idempotency key: a second event with the same key for a pico gets an empty turn that is
        `repeated`, with the `eid` of the first. `not_found` if there is no such channel, `refused` by its
        policy, `invalid` or `too_large` attributes.
        """
        return self.raise_one(self.new_event(domain, type, attrs, eci=eci, eid=eid, once=once))

    def on_event(self, domain: str, type: str, call: OnEvent) -> None:
        """Have `call` called with the attributes of each such event of any pico once its turn is durable.

        The thread that commits calls it, so it must be quick and must not call the engine. `conflict` if
        there is one for such events already.
        """
        self._dues.on_event(domain, type, call)

    def query(self, eci: str, rid: str, name: str, args: Mapping[str, Any] | None = None) -> Any:
        """The JSON value of a shared function, called through a channel; errors as for `raise_event`."""
        return self.answer_to(self.new_query(rid, name, args, eci=eci))

    # Schedules

    def scheduled(self, which: Filter | None = None) -> list[Scheduled]:
        """All pending and paused scheduled events, or those matching a filter, soonest first."""
        return self.agenda.scheduled(which)

    def history(self, pico_id: str | None = None, id: str | None = None, limit: int = 100) -> list[Fire]:
        """The record of occurrences, newest first; of one pico or all, of one scheduled event or all."""
        return self.read(self.store.agenda.fires, pico_id=pico_id, id=id, limit=limit)

    def why(self, what: str, at: str | datetime | None = None) -> Why:
        """Why something fired or not, last or at a time: each link of the chain, and which one broke.

        `what` is an id or name of a schedule, an event's id or `domain:type`, or a `rid.rule`. `not_found`,
        with near names, for what is not on record.
        """
        from picosched.engine.why import ask_why  # late, as it is rarely wanted

        return ask_why(self, what, parse_time(at) if isinstance(at, str) else at)

    def plan(
        self,
        rulesets: Sequence[str | Path],
        days: int = 30,
        pico: str | None = None,
        *,
        asserted: Sequence[str] = (),
        most: int = 20_000,
    ) -> Plan:
        """What would change in the next days if these rulesets (paths, URLs or texts) were deployed now.

        They go to each pico that has a ruleset of that rid, or else to the root; with `pico`, to that one.
        Two copies of the store are rehearsed, of which each raises at most `most` events; nothing is sent
        outside. `asserted` are sentences such as "no more than 5 fires/min". KrlError for errors in a
        ruleset, `invalid` for other input, `too_large` if more than 1,000 picos have the rulesets.
        """
        from picosched.engine.plan import plan_of  # late, as it is rarely wanted

        self.permit("planned")
        return plan_of(self, rulesets, days, pico and self.pico(pico).id, asserted, most)

    def replay(
        self,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        rulesets: Sequence[str | Path] = (),
        *,
        backup: Store | str | Path | None = None,
        first: bool = False,
        most: int = 100_000,
        progress: Progress | None = None,
    ) -> Replayed:
        """Replay the turns on record and compare each with what it was; nothing outside is touched.

        It starts from the newest snapshot up to `since`, or from a `backup`, and ends at `until`, or with the
        last turn. `rulesets` (paths, URLs or texts) take the place of those with the same rid from `since`
        on. With `first` it ends at the first turn that differs. `progress` is called with the number of turns
        so far, and of all. `not_found` if there is no snapshot or no turn, `invalid` for a backup of another
        store or one that is too old, `too_large` for more than `most` turns or
        interventions, which may be 100,000.
        """
        from picosched.engine.replay import replay_of  # late, as it is rarely wanted

        self.permit("replayed")
        start, end = (parse_time(each) if isinstance(each, str) else each for each in (since, until))
        return replay_of(self, start, end, rulesets, backup, first=first, most=most, progress=progress)

    def why_between(self, what: str, since: str | datetime, until: str | datetime) -> list[Why]:
        """As `why`, for each occurrence from one time to another, both included; at least one answer.

        `too_large` for more than 100 of them.
        """
        from picosched.engine.why import ask_why_between  # late, as it is rarely wanted

        span = [parse_time(each) if isinstance(each, str) else each for each in (since, until)]
        return ask_why_between(self, what, *span)

    def path(self, what: str) -> EventPath:
        """What led to a turn or a schedule, and the tree of all that followed from it.

        `what` is the number of a turn, the id of its event, or the id of a schedule. `not_found`.
        """
        from picosched.engine.path import find_path  # late, as it is rarely wanted

        return find_path(self, what)

    def whole(self, pico: str | None = None) -> Whole:
        """The rulesets of a pico and its descendants, or of all picos, together: warnings and the graph.

        `not_found` for the pico; `too_large` for more than 500 rulesets, or a graph that is too large.
        """
        from picosched.engine.whole import whole_of  # late, as it is rarely wanted

        return whole_of(self, pico and self.pico(pico).id)

    def journal(
        self, pico_id: str | None = None, limit: int = 100, *, eid: str | None = None, after: int = 0
    ) -> list[Entry]:
        """The turns of one pico or of all, newest first."""
        return self.read(self.store.journal.entries, pico_id, eid=eid, after=after, limit=limit)

    def follow(self, after: int, pico_id: str | None = None) -> Iterator[Entry]:
        """The turns after a `seq`, oldest first, then each new one, without end.

        The engine may be readonly, while another picosched writes.
        """
        never = Event()
        while True:
            found = self.read(partial(self.store.pages.journal_since, after, AT_ONCE, pico_id=pico_id))
            for entry in found:
                after = entry.seq
                yield entry
            if not found:
                never.wait(LOOK_SECONDS)

    def run_until(self, time: str | datetime) -> int:
        """On a virtual clock, advance to `time`, raising due events; returns how many were raised."""
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
        """Delete history past its retention, by the current time; returns how many rows."""
        return self._pruning.prune(self.now())

    def start(self) -> None:
        """Raise due events in the background from now on. `refused` if the store is readonly."""
        if self.store.readonly:
            raise PicoschedError("a readonly engine cannot raise events", "refused")
        self._commits.refuse_inside()
        with self._switch:
            self.read(self.store.picos.find_root)  # fails if the store is closed
            self.read(lambda: compare_clocks(self.store, self.clock, self.settings.granularity))
            if self.store.machines is not None:  # else it was done when the store was opened
                follow_settings(self.store, self._commits, self.loaded, self.settings, self.now)
            self._waiting.start()
            self._programs.start()
            self._deliveries.start()
            self._snapshots.start()
            self._ticks.forget()
            if self._placement is not None:
                self._placement.start()
            self._scheduler.start()

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Stop the background threads, waiting at most `seconds` for outside answers. The rest stays due."""
        self._commits.refuse_inside()
        with self._switch:
            self._stop(seconds)

    def machines(self) -> list[Machine]:
        """The processes that work on the database, the oldest first; none if one has it to itself."""
        if self.store.machines is None:
            return []
        watch = self.store.machines.watch()
        try:
            return [*watch.survey().machines]
        finally:
            watch.close()

    @property
    def running(self) -> bool:
        """Whether due events are raised in the background."""
        return self._scheduler.running

    def _reference(self, row: PicoRow) -> PicoRef:
        return PicoRef(row.id, row.name, self)
