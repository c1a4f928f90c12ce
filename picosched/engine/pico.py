"""A handle to a pico for callers: its id, its name, and its engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from picosched.checked import json_object, ruleset_text
from picosched.engine.agenda import Agenda
from picosched.engine.interventions import channel_told, install_told
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.hashed import SHORT
from picosched.intervention import CHANNEL_DELETED, CHANNEL_MADE, INSTALLED, PICO_DELETED, UNINSTALLED
from picosched.pico.channel import Channel, new_policy, new_tags
from picosched.pico.turn import Turn
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled
from picosched.store.journal import Entry
from picosched.store.picos import InstalledRow
from picosched.timespec.timespec import Timespec
from picosched.turns import install as installing
from picosched.versions import Version, chosen, diff_of

if TYPE_CHECKING:
    from picosched.engine.scheduling import At, Repeat
    from picosched.krl.ruleset import Ruleset
    from picosched.schedule.new_schedule import NewSchedule

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PicoRef:
    """A pico of an engine. Two are equal if they refer to the same pico.

    Every method raises PicoschedError: `not_found` once the pico is deleted, `conflict` from inside a turn.
    """

    id: str
    name: str = field(compare=False)
    engine: Wiring = field(repr=False)

    # Rulesets

    def install(self, ruleset: str | Path, config: Mapping[str, Any] | None = None) -> Ruleset:
        """Install a ruleset from a path, a file: or http(s): URL, or text; or replace its text.

        A replaced ruleset keeps its variables and schedules, and its `config` unless one is given. KrlError
        for errors in the text or its globals; then nothing is changed.
        """
        engine = self.engine
        engine.permit("installed")
        text, origin = ruleset_text(ruleset)
        if config is not None:
            config = json_object(config, "the configuration", engine.settings.limits.max_attrs_bytes)
        return self._put(text, origin, config)

    def _put(self, text: str, origin: str | None, config: Mapping[str, Any] | None) -> Ruleset:
        from picosched.krl.ruleset import compile_ruleset  # late, as `krl.running` explains

        engine, by = self.engine, str(self.engine.by)
        # A long text takes a second or two to compile, so this is done outside the lock.
        compiled = engine.read(engine.loaded.known, text) or compile_ruleset(text, origin)
        now = engine.now()

        def work() -> Ruleset:
            made = installing.install(engine.store, engine.loaded, self.id, compiled, origin, config, now, by)
            engine.note("installed", "ruleset", made.rid, f"on {self.name} ({self.id}), {made.hash[:SHORT]}")
            engine.keep(INSTALLED, now, **install_told(self.id, made, origin, config))
            return made

        installed = engine.write(work)
        engine.look_again()
        return installed

    def uninstall(self, rid: str) -> None:
        """Uninstall a ruleset, with its variables and schedules. `conflict` if another uses it."""
        engine = self.engine
        engine.permit("uninstalled")

        def work() -> None:
            now = engine.now()
            installing.uninstall(engine.store, engine.loaded, self.id, rid, now)
            engine.keep(UNINSTALLED, now, pico=self.id, rid=rid)
            engine.note("uninstalled", "ruleset", rid, f"on {self.name} ({self.id})")

        engine.write(work)
        engine.look_again()

    def rulesets(self) -> dict[str, InstalledRow]:
        """rid → hash, configuration and origin of installed rulesets, in the order of installation."""
        return {row.rid: row for row in self._read(lambda: self.engine.store.picos.installed(self.id))}

    def versions(self, rid: str) -> list[Version]:
        """Which texts of a ruleset it had, newest first: the first is the one installed."""
        found = self._read(lambda: self.engine.store.picos.versions(self.id, rid))
        if not found:
            raise PicoschedError(f"the pico {self.name} has no ruleset {rid}", "not_found")
        return found

    def text_of(self, rid: str, hash: str | None = None) -> str:
        """The text of a version, by its hash or the beginning of one; without it, the one installed."""
        known = self.versions(rid)
        which = known[0] if hash is None else chosen(known, hash)
        kept = self._read(lambda: self.engine.store.picos.find_ruleset(which.hash))
        if kept is None:
            raise PicoschedError(f"the text of {rid} is gone", "not_found")
        return kept.text

    def diff(self, rid: str, text: str | None = None, hash: str | None = None) -> str:
        """What a text, or else a version (by default the last one before), and the installed text differ in.

        A unified diff, empty if they are the same: from the installed to the text, or from the version to the
        installed one.
        """
        known = self.versions(rid)
        if text is not None:
            return diff_of(self.text_of(rid), text, (f"{rid} {known[0].hash[:SHORT]}", f"{rid}, new"))
        was = chosen(known, hash)
        names = f"{rid} {was.hash[:SHORT]}", f"{rid} {known[0].hash[:SHORT]}"
        return diff_of(self.text_of(rid, was.hash), self.text_of(rid), names)

    def go_back(self, rid: str, hash: str | None = None) -> Ruleset:
        """Install a version again, by default the last one before; variables and schedules stay.

        A second time it comes back. Errors as for `install`; `not_found` without such a version.
        """
        self.engine.permit("installed")
        was = chosen(self.versions(rid), hash)
        return self._put(self.text_of(rid, was.hash), was.origin, None)

    # Channels

    def new_channel(
        self,
        tags: Iterable[str] = (),
        allow_events: Iterable[str] = ("*:*",),
        allow_queries: Iterable[str] = ("*:*",),
        deny_events: Iterable[str] = (),
        deny_queries: Iterable[str] = (),
    ) -> Channel:
        """Make a channel. Patterns are `domain:type` for events and `rid:name` for queries, `*` for any."""
        engine, named = self.engine, new_tags(tags)
        engine.permit("made")
        events, queries = new_policy(allow_events, deny_events), new_policy(allow_queries, deny_queries)

        def work() -> Channel:
            engine.loaded.load_pico(self.id)
            channel = Channel(engine.new_id(), self.id, named, events, queries)
            now = engine.now()
            engine.store.picos.new_channel(channel, now)
            engine.keep(CHANNEL_MADE, now, **channel_told(channel))
            engine.note("made", "channel", f"{channel.eci[:SHORT]}…", f"of {self.name} ({self.id})")
            return channel

        return engine.write(work)

    def channels(self) -> list[Channel]:
        """Its channels; for others than authors with the beginnings of their ecis only."""
        found = self._read(lambda: self.engine.store.picos.channels(self.id))
        return [replace(each, eci=self.engine.shown_eci(each.eci)) for each in found]

    def delete_channel(self, eci: str) -> bool:
        """Delete a channel; True if this pico had it."""
        self.engine.permit("deleted")

        def work() -> bool:
            picos = self.engine.store.picos
            channel = picos.find_channel(eci)
            self.engine.loaded.forget_channel(eci)
            if channel is None or channel.pico_id != self.id:
                return False
            self.engine.note("deleted", "channel", f"{eci[:SHORT]}…", f"of {self.name} ({self.id})")
            self.engine.keep(CHANNEL_DELETED, self.engine.now(), pico=self.id, eci=eci)
            return picos.delete_channel(eci)

        return self.engine.write(work)

    # Events and queries

    def raise_event(
        self, domain: str, type: str = "", attrs: Mapping[str, Any] | None = None, *, eid: str | None = None
    ) -> Turn:
        """Raise an event as a trusted caller; returns its turn, once durable."""
        return self.engine.raise_one(self.engine.new_event(domain, type, attrs, eid=eid), self.id)

    def query(self, rid: str, name: str, args: Mapping[str, Any] | None = None) -> Any:
        """The JSON value of a function the ruleset shares, called with arguments by name."""
        return self.engine.answer_to(self.engine.new_query(rid, name, args), self.id)

    # Schedules

    def schedule(
        self,
        domain: str,
        type: str = "",
        *,
        at: At | None = None,
        repeat: Repeat | None = None,
        attributes: Mapping[str, Any] | None = None,
        once: str | None = None,
    ) -> NewSchedule:
        """Schedule an event for all rulesets of this pico, as a rule schedules one for its own.

        Give `at`, a time or a timedelta, or `repeat`, a timespec. The attributes may steer it, as `_name`
        does. One that exists is returned if it has the name, as for rules, or was made with the same key
        `once`. `invalid` for a time or timespec that can never come, or a wrong steering attribute,
        `too_large` beyond `max_pending` or `max_attrs_bytes`, `not_found` without its window.
        """
        from picosched.engine.scheduling import schedule  # late: few commands do

        return schedule(
            self.engine, self.id, domain, type, at=at, repeat=repeat, attributes=attributes, once=once
        )

    def scheduled(self, rid: str | None = None) -> list[Scheduled]:
        """Pending and paused scheduled events, soonest first."""
        return self._read(lambda: self.engine.store.agenda.pending(self.id, rid))

    def cancel(self, id: str) -> bool:
        """Cancel a scheduled event; True if it was pending or paused."""
        return bool(Agenda(self.engine).cancel(self._own(id)))

    def pause(self, id: str, until: str | datetime | None = None) -> bool:
        """Pause a scheduled event until `until`, or until it is resumed; True if it was pending or paused."""
        return bool(Agenda(self.engine).pause(self._own(id), until))

    def resume(self, id: str) -> bool:
        """Resume a paused event; True if it was paused.

        A repeat continues with its next occurrence; an `at` whose time has passed is due at once.
        """
        return bool(Agenda(self.engine).resume(self._own(id)))

    def move(self, id: str, to: str | datetime | timedelta) -> bool:
        """Move its next occurrence to a time or by a timedelta; True if it was pending or paused."""
        return bool(Agenda(self.engine).move(self._own(id), to))

    def reschedule(self, id: str, timespec: Timespec | str, tz: str | None = None) -> bool:
        """Repeat it by another timespec from now on, in its zone or another; True if it was changed."""
        return bool(Agenda(self.engine).reschedule(self._own(id), timespec, tz))

    def fire_now(self, id: str) -> Turn:
        """Raise its event now, outside its times; returns the turn. `not_found` if not pending or paused."""
        if not self._own(id):
            raise PicoschedError(f"the pico {self.name} has nothing scheduled with the id {id}", "not_found")
        return Agenda(self.engine).fire_now(id)

    def next_times(self, id: str, count: int = 5) -> list[datetime]:
        """The next due times of a scheduled event, at most `count`; empty if it is another pico's."""
        return Agenda(self.engine).next_times(id, count) if self._own(id) else []

    def history(self, id: str | None = None, limit: int = 100) -> list[Fire]:
        """The record of occurrences, newest first; of one scheduled event, or of all."""
        return self._read(lambda: self.engine.store.agenda.fires(pico_id=self.id, id=id, limit=limit))

    def journal(self, limit: int = 100, *, eid: str | None = None, after: int = 0) -> list[Entry]:
        """The turns of this pico, newest first; of one event, or with a `seq` greater than `after`."""
        journal = self.engine.store.journal
        return self._read(lambda: journal.entries(self.id, eid=eid, after=after, limit=limit))

    # Family

    @property
    def parent(self) -> PicoRef | None:
        picos = self.engine.store.picos
        row = self.engine.read(picos.find_pico, self.id)
        above = (
            None if row is None or row.parent_id is None else self.engine.read(picos.find_pico, row.parent_id)
        )
        return None if above is None else PicoRef(above.id, above.name, self.engine)

    def children(self) -> list[PicoRef]:
        rows = self._read(lambda: self.engine.store.picos.children(self.id))
        return [PicoRef(row.id, row.name, self.engine) for row in rows]

    def delete(self) -> None:
        """Delete this pico and its descendants; their schedules are cancelled. `refused` for the root."""
        engine = self.engine
        engine.permit("deleted")

        def work() -> None:
            now = engine.now()
            installing.delete_pico(engine.store, engine.loaded, self.id, now)
            engine.keep(PICO_DELETED, now, id=self.id)
            engine.note("deleted", "pico", self.id, self.name)

        engine.write(work)
        engine.look_again()

    def _read(self, work: Callable[[], T]) -> T:
        """Run `work` to read, if the pico still exists."""

        def read() -> T:
            self.engine.loaded.load_pico(self.id)
            return work()

        return self.engine.read(read)

    def _own(self, id: str) -> list[str]:
        """The id, if that scheduled event is this pico's. A row never changes its pico."""
        row = self._read(lambda: self.engine.store.agenda.find(id))
        return [id] if row is not None and row.pico_id == self.id else []
