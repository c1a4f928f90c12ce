"""Exports a pico as one JSON document, and imports it into another engine, where it continues.

The document holds what belongs to the pico alone: ruleset texts with their configuration, entity variables
and waiting event expressions, its channels, and its schedules. Anything shared between picos is left out:
`app:` variables, channels to parent and children, messages to other picos, waiting or running programs. With
history it includes the record of fires and the journal; without, only the last fire of each repeat, which
limits how soon the next may come.

An import is one transaction. Events that became due meanwhile are due then, and misfire policies apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from picosched.checked import checked_text
from picosched.clock import format_time
from picosched.engine.exported import FORMAT, VERSION, Moved, MovedRuleset, read_moved
from picosched.engine.pico import PicoRef
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.intervention import PICO_IMPORTED
from picosched.krl.waiting import KEYS, may_wait
from picosched.pico.channel import Channel
from picosched.pico.evaluate import start
from picosched.pico.turn import Turn
from picosched.schedule.filter import Filter
from picosched.schedule.shown import shown_fire, shown_row
from picosched.store.journal import Entry
from picosched.store.picos import InstalledRow, PicoRow, RulesetRow, hash_of
from picosched.store.port import MEMORY
from picosched.store.store import Store
from picosched.turns.windows import follow
from picosched.versions import Version

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset

ALL = 1_000_000_000


def document_of(engine: Wiring, pico: PicoRef, *, history: bool) -> dict[str, Any]:
    """The document of a pico, a consistent snapshot; works on a readonly engine."""
    now, store = engine.now(), engine.store
    if store.readonly or store.name == MEMORY:
        return engine.read(lambda: _document(store, pico, now, history))
    beside = Store(store.address, readonly=True)  # its own connection, which blocks nobody
    try:
        return _document(beside, pico, now, history)
    finally:
        beside.close()


def put_in(
    engine: Wiring, document: Mapping[str, Any], under: str, name: str | None, *, keep_ecis: bool
) -> PicoRef:
    """Make a pico from a document under the pico with the id `under`; see `Engine.import_pico`."""
    moved = read_moved(document, engine.settings.limits.max_attrs_bytes, engine.settings.almanac)
    called = checked_text(moved.name if name is None else name, "name of a pico")
    id = engine.new_id()

    def work() -> PicoRef:
        engine.loaded.load_pico(under)
        engine.store.need("")  # so that no other process makes one of that name meanwhile
        if engine.store.picos.named(called):
            raise PicoschedError(f"there is a pico {called} already", "conflict")
        pico = PicoRow(id, called, under, engine.now())
        with engine.store.savepoint():  # an error here must not affect others in this transaction
            engine.store.picos.new_pico(pico)
            _Arrival(engine, moved, pico).put(keep_ecis)
            engine.note("imported", "pico", pico.id, called)
            engine.keep(PICO_IMPORTED, engine.now(), id=pico.id, name=called)
        return PicoRef(pico.id, pico.name, engine)

    made = engine.write(work)
    engine.look_again()
    return made


# Writing


def _document(store: Store, pico: PicoRef, now: datetime, history: bool) -> dict[str, Any]:
    with store.snapshot():
        scheduled = store.agenda.matching(Filter(pico_id=pico.id, status=()))
        if history:
            fires = store.agenda.fires(pico_id=pico.id, limit=ALL)[::-1]
        else:
            repeats = (row.id for row in scheduled if row.timespec is not None)
            fires = [fire for fire in map(store.agenda.last_raised, repeats) if fire is not None]
        entries = store.journal.entries(pico.id, limit=ALL)[::-1] if history else []
        return {
            "format": FORMAT,
            "version": VERSION,
            "exported": format_time(now),
            "name": pico.name,
            "rulesets": [_told_ruleset(store, pico.id, each) for each in store.picos.installed(pico.id)],
            "channels": [
                _told(each) for each in store.picos.channels(pico.id) if each.kin in (None, pico.id)
            ],
            "scheduled": [_without(shown_row(row), "pico") for row in scheduled],
            "fires": [{"id": fire.id, **shown_fire(fire)} for fire in fires],
            "journal": [_told_entry(entry) for entry in entries],
        }


def _told_ruleset(store: Store, pico_id: str, installed: InstalledRow) -> dict[str, Any]:
    kept = store.picos.find_ruleset(installed.hash)
    if kept is None:
        raise PicoschedError(f"the text of the ruleset {installed.rid} is lost", "internal")
    return {
        "rid": installed.rid,
        "text": kept.text,
        "origin": installed.origin,
        "config": dict(installed.config),
        "variables": store.picos.entities(pico_id, installed.rid),
        "waiting": store.picos.waiting(pico_id, installed.rid),
    }


def _told(channel: Channel) -> dict[str, Any]:
    return {
        "eci": channel.eci,
        "tags": [*channel.tags],
        "events": {name: [*patterns] for name, patterns in asdict(channel.events).items()},
        "queries": {name: [*patterns] for name, patterns in asdict(channel.queries).items()},
        "own": channel.kin is not None,
    }


def _told_entry(entry: Entry) -> dict[str, Any]:
    nominal = None if entry.nominal is None else format_time(entry.nominal)
    return {
        **_without(asdict(entry), "seq", "pico_id"),
        "at": format_time(entry.at),
        "nominal": nominal,
    }


def _without(map: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in map.items() if name not in names}


# Putting in


class _Arrival:
    """Writes an imported pico, inside the transaction that makes it."""

    def __init__(self, engine: Wiring, moved: Moved, pico: PicoRow) -> None:
        self._engine, self._store, self._moved, self._pico = engine, engine.store, moved, pico
        self._ids: dict[str, str] = {}
        """Old id of a scheduled event → its id here."""
        self._ecis: dict[str, str] = {}

    def put(self, keep_ecis: bool) -> None:
        now = self._engine.now()
        rulesets = [self._put_ruleset(each) for each in self._moved.rulesets]
        self._put_channels(keep_ecis, now)
        self._put_state(now)
        self._put_history()
        self._start(rulesets, now)

    def _put_ruleset(self, each: MovedRuleset) -> Ruleset:
        ruleset = self._engine.loaded.compiled(each.text, each.origin)
        if ruleset.rid != each.rid:
            raise PicoschedError(f"found the ruleset {ruleset.rid} in the text of {each.rid}")
        expressions = {rule.name: rule.select for rule in ruleset.rules}
        for rule, state in each.waiting.items():
            if rule not in expressions:
                raise PicoschedError(f"the ruleset {each.rid}: found a state of the rule {rule}, it has none")
            if not may_wait(expressions[rule], state):
                raise PicoschedError(
                    f"the ruleset {each.rid}: found no state of the event expression of {rule}, "
                    f"wanted a map of {', '.join(sorted(KEYS))}, as this expression waits"
                )
        hash = hash_of(each.text)
        known = self._store.picos.find_ruleset(hash)  # keep the origin that this text has here
        row = known or RulesetRow(hash, each.rid, each.text, each.origin, self._engine.now())
        self._store.picos.install(self._pico.id, row, each.config)
        by, now = str(self._engine.by), self._engine.now()
        self._store.picos.note_version(Version(self._pico.id, row.rid, hash, row.origin, now, by))
        return ruleset

    def _put_channels(self, keep_ecis: bool, now: datetime) -> None:
        for each in self._moved.channels:
            eci = checked_text(each.eci, "eci") if keep_ecis else self._engine.new_id()
            if self._store.picos.find_channel(eci) is not None:
                raise PicoschedError(f"there is a channel {eci} already", "conflict")
            self._ecis[each.eci] = eci
            kin, of_kin = (None, None) if each.kin is None else (self._pico.id, eci)
            channel = replace(each, eci=eci, pico_id=self._pico.id, kin=kin, eci_of_kin=of_kin)
            self._store.picos.new_channel(channel, now)

    def _put_state(self, now: datetime) -> None:
        """Write variables, waiting expressions and schedules, as one turn."""
        turn = Turn(self._engine.new_id(), self._pico.id, now)
        for each in self._moved.rulesets:
            turn.entities |= {(each.rid, name): value for name, value in each.variables.items()}
            turn.waiting |= {(each.rid, rule): state for rule, state in each.waiting.items()}
        for row in self._moved.scheduled:
            id = self._id(row.id)
            turn.scheduled[id] = replace(row, id=id, pico_id=self._pico.id)
        self._store.write(turn, journalled=False)

    def _put_history(self) -> None:
        for fire in self._moved.fires:
            self._store.agenda.record(replace(fire, id=self._id(fire.id), pico_id=self._pico.id))
        for entry in self._moved.journal:
            scheduled = None if entry.scheduled is None else self._id(entry.scheduled)
            eci = None if entry.eci is None else self._ecis.get(entry.eci, entry.eci)
            self._store.journal.add(replace(entry, pico_id=self._pico.id, scheduled=scheduled, eci=eci))

    def _start(self, rulesets: list[Ruleset], now: datetime) -> None:
        """Evaluate the globals of all rulesets, as an install does, and follow this engine's windows."""
        loaded = self._engine.loaded
        pico = loaded.read_pico(self._pico.id)
        for ruleset in rulesets:
            pico.budget.begin()
            start(pico, ruleset.rid)
            follow(self._store, loaded, self._pico.id, ruleset, now)

    def _id(self, id: str) -> str:
        """The id of a scheduled event here: its own, unless that is taken."""
        if id not in self._ids:
            agenda = self._store.agenda
            taken = agenda.find(id) is not None or agenda.last_nominal(id) is not None
            self._ids[id] = self._engine.new_id() if taken else id
        return self._ids[id]
