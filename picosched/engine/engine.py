"""The engine: has an event evaluated and its turn committed, and raises again what rules have scheduled.

It is the first face of the wiring. It is safe to use from many threads. From inside a turn or a query of
its own it is not to be called, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any

from picosched.checked import checked_text
from picosched.clock import Clock, VirtualClock, format_time, parse_time
from picosched.due.background import PATIENCE_SECONDS
from picosched.due.waiting import Ask
from picosched.engine.agenda import Agenda
from picosched.engine.export import document_of, put_in
from picosched.engine.pico import PicoRef
from picosched.engine.sources import Sourced
from picosched.errors import PicoschedError
from picosched.pico.channel import Channel
from picosched.pico.turn import Turn
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings
from picosched.store.journal import Entry
from picosched.store.picos import PicoRow
from picosched.store.store import Store

LOOK_SECONDS = 0.25
"""How often the journal is looked at for one who follows it."""

AT_ONCE = 200
"""Turns read in one look."""


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
        super().__init__(store, clock, settings, seed, readonly, outside, options)
        self.agenda = Agenda(self)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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

    def export_pico(self, name: str, *, history: bool = False) -> dict[str, Any]:
        """The document of the pico of that id or name, as one moment has it; the engine may be readonly."""
        return document_of(self, self.pico(name), history=history)

    def import_pico(
        self,
        document: Mapping[str, Any],
        parent: PicoRef | str | None = None,
        name: str | None = None,
        *,
        keep_ecis: bool = False,
    ) -> PicoRef:
        """Make a pico of a document, under `parent` (the root without one), by the name it had or another.

        It gets a new id, and its channels new ecis unless they are kept. Scheduled events keep their ids; one
        whose id is known here gets a new one. PicoschedError: `invalid` says what is wrong with the document,
        `conflict` for a name or an eci that is taken; KrlError for a ruleset that does not run here. Nothing
        is changed then.
        """
        under = parent.id if isinstance(parent, PicoRef) else self.root.id if parent is None else parent
        return put_in(self, document, under, name, keep_ecis=keep_ecis)

    def channel(self, eci: str) -> Channel:
        """The channel of an eci; `not_found` if there is none."""
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
        """Raise an event through a channel; its turn, once that is durable.

        `once` is a key: an event that comes to a pico again with the same one is answered by an empty turn
        that is `repeated`, with the `eid` of the first. `not_found` without such a channel, `refused` by its
        policy, `invalid` or `too_large` attributes.
        """
        return self.raise_one(self.new_event(domain, type, attrs, eci=eci, eid=eid, once=once))

    def query(self, eci: str, rid: str, name: str, args: Mapping[str, Any] | None = None) -> Any:
        """The JSON value of a shared function, asked through a channel; errors as for `raise_event`."""
        return self.answer_to(self.new_query(rid, name, args, eci=eci))

    # Schedules

    def scheduled(self, which: Filter | None = None) -> list[Scheduled]:
        """What is still to come, paused ones too, soonest first; or what a filter means."""
        return self.agenda.scheduled(which)

    def history(self, pico_id: str | None = None, id: str | None = None, limit: int = 100) -> list[Fire]:
        """What became of occurrences, newest first; of one pico or all, of one scheduled event or all."""
        return self.read(self.store.agenda.fires, pico_id=pico_id, id=id, limit=limit)

    def journal(
        self, pico_id: str | None = None, limit: int = 100, *, eid: str | None = None, after: int = 0
    ) -> list[Entry]:
        """The turns of one pico or of all, newest first."""
        return self.read(self.store.journal.entries, pico_id, eid=eid, after=after, limit=limit)

    def follow(self, after: int, pico_id: str | None = None) -> Iterator[Entry]:
        """The turns behind a `seq`, oldest first, then each as it happens, without end.

        The engine may be readonly, beside a picosched that writes.
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
            self._waiting.start()
            self._programs.start()
            self._deliveries.start()
            self._ticks.forget()
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

    def _reference(self, row: PicoRow) -> PicoRef:
        return PicoRef(row.id, row.name, self)
