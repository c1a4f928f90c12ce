"""The store: what must happen together is committed together.

A `Store` is one database. `write` writes a turn to the open transaction: entity variables, waiting event
expressions, new and cancelled schedules, the journal, and the record of the occurrence that caused it. All of
it becomes durable when the transaction commits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from picosched.clock import shifted
from picosched.frozen import replace
from picosched.krl.large_map import ChangedMap, StoredMap, whole_of
from picosched.pico.turn import Turn
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome, Scheduled
from picosched.store import deliveries, journal, rows
from picosched.store.agenda import Agenda
from picosched.store.ahead import Ahead
from picosched.store.audit import Audit
from picosched.store.begun import BegunRows
from picosched.store.deliveries import Deliveries
from picosched.store.due import Due
from picosched.store.interventions import Interventions
from picosched.store.journal import Journal
from picosched.store.machines import Machines
from picosched.store.made import Alerts, Windows
from picosched.store.opening import open_database
from picosched.store.pages import Pages
from picosched.store.picos import APP, Picos
from picosched.store.port import MEMORY, Row
from picosched.store.shards import Shards, shard_of
from picosched.store.sources import Sources
from picosched.store.tokens import Tokens
from picosched.timespec.almanac import PLAIN, Almanac

PRUNED_AT_ONCE = 5_000


class Store:
    """One database: an SQLite file, or ":memory:". For one thread at a time; implements a pico's `State`.

    Opening raises PicoschedError: `invalid` for another program's file, `not_found` without its folder,
    `conflict` while another picosched has it, `refused` if it is not writable. `durability` is "full" or
    "normal"; a `readonly` store takes no lock and refuses to write.
    """

    def __init__(
        self,
        path: str | Path = MEMORY,
        durability: str = "full",
        readonly: bool = False,
        history_days: int = 30,
    ) -> None:
        self._database = open_database(path, durability=durability, readonly=readonly)
        self._history = timedelta(days=history_days)
        ahead = Ahead(self._database)
        self.shards = Shards(self._database) if self._database.machines else None
        """What is locked of a database that several processes write; None if one has it to itself."""
        if self.shards is not None:
            self.shards.on_stale(lambda shards: ahead.clear())
        self.steady = not readonly and self.shards is None
        """Whether all that is written to the database goes through this store."""
        self.picos = Picos(self._database, self)
        self.due = Due(self._database, ahead)
        self.agenda = Agenda(self._database, self._history, self.due, ahead, self)
        self.begun = BegunRows(self._database)
        self.journal = Journal(self._database)
        self.pages = Pages(self._database)
        self.sources = Sources(self._database, self)
        self.deliveries = Deliveries(self._database)
        self.tokens = Tokens(self._database)
        self.audit = Audit(self._database)
        self.alerts = Alerts(self._database)
        self.windows = Windows(self._database)
        self.interventions = Interventions(self._database)
        self.almanac = PLAIN
        """What timespecs are read with."""

    def use(self, almanac: Almanac) -> None:
        """Read timespecs with this almanac from now on: it comes with the settings of an engine."""
        self.almanac = almanac
        self.agenda.use(almanac)
        self.pages.use(almanac)

    def need(self, *owners: str) -> None:
        """Inside a transaction: these picos and sources are used; "" for what all picos share.

        UnlockedError, if several processes write the database and others may write these now.
        """
        if self.shards is not None and self._database.in_transaction:
            self.shards.need(*owners)

    def added(self, owner: str) -> None:
        """Inside a transaction: a row is added for this owner, which need not be locked."""
        if self._database.machines is not None:
            self._database.machines.tell(shard_of(owner))

    def new_owner(self, owner: str) -> None:
        """Inside a transaction: a new pico or source, which nobody else can know yet."""
        if self.shards is not None:
            self.shards.new_owner(owner)

    @property
    def name(self) -> str:
        """What messages call it: the address it was opened with, without passwords."""
        return self._database.name

    @property
    def address(self) -> str:
        """The address that opens it again."""
        return self._database.address

    @property
    def readonly(self) -> bool:
        return self._database.readonly

    @property
    def machines(self) -> Machines | None:
        """The processes that write the database; None if one has it to itself."""
        return self._database.machines

    @property
    def local(self) -> bool:
        """Whether the database is asked without a network, so that no answer is long in coming."""
        return self._database.local

    @property
    def refused(self) -> bool:
        """Whether values that the last transaction had gathered were refused."""
        return self._database.refused

    @property
    def changes(self) -> int:
        """A count that grows with every write since it was opened."""
        return self._database.changes

    @property
    def transactions(self) -> int:
        """Transactions that have ended since it was opened; while this is the same, reads stay valid."""
        return self._database.transactions

    @property
    def in_transaction(self) -> bool:
        return self._database.in_transaction

    @property
    def kept(self) -> bool:
        """Whether the last transaction was committed."""
        return self._database.kept

    def transaction(self) -> AbstractContextManager[None]:
        """All writes inside are kept, or none after an exception.

        After `InDoubtError` it is unknown which. It is the same object each time.
        """
        return self._database.transaction()

    def be_patient(self, patient: bool) -> None:
        """Whether a transaction waits a while for another program that has the database locked."""
        self._database.be_patient(patient)

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside a transaction: on an exception only writes inside this block are undone."""
        return self._database.savepoint()

    def snapshot(self) -> AbstractContextManager[None]:
        """Reads inside see one consistent state."""
        return self._database.snapshot()

    def mend(self, *, wait: bool = True) -> bool:
        """Reopen the database if it failed since it was opened; outside transactions.

        True if it was reopened: nothing read before is valid. Without `wait`, StoreError `conflict` if that
        might take long.
        """
        return self._database.mend(wait=wait)

    def close(self) -> None:
        self._database.close()

    def size(self) -> int:
        """About how many bytes the database takes; 0 in memory."""
        return self._database.size()

    def server_time(self) -> datetime | None:
        """The time by the clock of the server that keeps the database; None if there is none."""
        return rows.time(self._database.server_time())

    def copy(self, path: str | Path = MEMORY) -> Store:
        """A copy of the committed state, as a new store."""
        copy = Store(path, "normal", history_days=self._history.days)
        try:
            self._database.copy_into(copy._database)
            copy.use(self.almanac)
        except BaseException:
            copy.close()
            raise
        return copy

    # Reads of a pico

    def entity(self, pico_id: str, rid: str, name: str) -> Any:
        """The value of an entity variable; None if there is none."""
        return whole_of(self.variable(pico_id, rid, name))

    def variable(self, pico_id: str, rid: str, name: str) -> Any:
        """As `entity`, with a large map as it is kept (`krl/large_map.py`)."""
        self.need("" if rid.startswith(APP) else pico_id)
        return self.picos.variable(pico_id, rid, name)

    def waiting(self, pico_id: str, rid: str) -> dict[str, Any]:
        return self.picos.waiting(pico_id, rid)

    def scheduled(self, which: Filter, limit: int) -> list[Scheduled]:
        return self.agenda.matching(which, limit)

    def scheduled_as_made(self, which: Filter, limit: int) -> list[Scheduled]:
        return self.agenda.matching_as_made(which, limit)

    def first_named(
        self, pico_id: str, rid: str, name: str, kinds: Sequence[str], limit: int
    ) -> list[Scheduled]:
        return self.agenda.first_named(pico_id, rid, name, kinds, limit)

    def coming(self, pico_id: str) -> int:
        return self.agenda.coming(pico_id)

    def on_their_way(self, pico_id: str) -> int:
        return self.deliveries.waiting_of(pico_id)

    def find_scheduled(self, id: str) -> Scheduled | None:
        return self.agenda.find(id)

    def fires(self, pico_id: str, id: str, limit: int) -> list[Fire]:
        return self.agenda.fires(pico_id=pico_id, id=id, limit=limit)

    # Writes of a turn

    def write(
        self, turn: Turn, fire: Fire | None = None, *, recorded: bool = True, journalled: bool = True
    ) -> None:
        """Write a turn to the open transaction, with the occurrence that caused it and its settled row.

        Without `recorded` the occurrence gets no record, without `journalled` the turn is not in the journal.
        """
        if self.shards is not None:  # as for each turn, even the call would cost
            self.need(turn.pico_id)
        put = self._database.put
        for table, statement, values in _rows_of(turn, fire, journalled):
            put(table, statement, values)
        if turn.scheduled:
            self.agenda.made(turn.pico_id, [*turn.scheduled.values()])
        # The occurrence is settled before other changes: a rule may cancel the schedule that raised it.
        if turn.settled is not None:
            self.agenda.settle(turn.settled, turn.now)
        if fire is not None and recorded:
            self.agenda.record(fire)
        for changed in turn.rescheduled.values():
            self.agenda.change(changed, turn.now)
        for change in turn.provenance:
            self.agenda.note_change(change)
        for changed in turn.scheduled.values():
            if changed.due is None:  # fired as soon as made
                self.agenda.change(changed, turn.now)
        for record in turn.records:
            if record.outcome is Outcome.FIRED:  # by one of its rules, so with the outcome of the turn
                record = of_turn(record, turn)
            self.agenda.note(record)

    def settle(self, settled: Scheduled, fire: Fire) -> None:
        """Settle and record an occurrence that caused no turn."""
        self.agenda.settle(settled, fire.fired)
        self.agenda.record(fire)

    def prunable(self, now: datetime) -> bool:
        """Whether any history is past its retention."""
        before = shifted(now, -self._history)
        older = self.agenda.prunable(before, now) or self.journal.prunable(before, now)
        older = older or self.deliveries.prunable(before) or self.tokens.prunable(before)
        return older or self.audit.prunable(before) or self.interventions.prunable(before)

    def prune(self, now: datetime) -> int:
        """Delete some history past its retention; returns how many rows, 0 when done."""
        before = shifted(now, -self._history)
        deleted = self.agenda.prune(before, now, PRUNED_AT_ONCE)
        deleted += self.deliveries.prune(before, PRUNED_AT_ONCE) + self.tokens.prune(before)
        deleted += self.audit.prune(before, PRUNED_AT_ONCE)
        deleted += self.interventions.prune(before, PRUNED_AT_ONCE)
        return deleted + self.journal.prune(before, now, PRUNED_AT_ONCE)


def _rows_of(turn: Turn, fire: Fire | None, journalled: bool) -> list[tuple[str, str, Row]]:
    """What to write of a turn, except for its occurrence and its changes to other rows.

    What may raise is here, before anything is written.
    """
    dump = rows.dump
    found: list[tuple[str, str, Row]] = []
    for (rid, name), value in turn.entities.items():
        whose = "" if rid.startswith(APP) else turn.pico_id
        if value is None:
            found.append(("entity", "delete_entity", (whose, rid, name)))
        elif type(value) is ChangedMap:
            found += [("entity", *each) for each in _changes_of(value, (whose, rid, name))]
        else:
            found.append(("entity", "set_entity", (whose, rid, name, dump(value))))
    for (rid, rule), state in turn.waiting.items():
        if state is None:
            found.append(("waiting", "delete_waiting", (turn.pico_id, rid, rule)))
        else:
            found.append(("waiting", "set_waiting", (turn.pico_id, rid, rule, dump(state))))
    for delivery in turn.deliveries:
        row = rows.checked(deliveries.row_of(delivery))
        found.append(("delivery", "add_delivery", row))
    for each in turn.scheduled.values():
        row = rows.checked(rows.of_scheduled(each))
        found.append(("scheduled", "add_scheduled", row))
    if journalled:
        found.append(("journal", "add_entry", journal.of_turn(turn, fire)))
    return found


def _changes_of(map: ChangedMap, owner: tuple[str, str, str]) -> Iterator[tuple[str, Row]]:
    """The statements that write the changes of a large map, in order.

    They are all for the table `entity`: setting or deleting a whole variable deletes its elements.
    """
    below = map.below
    if isinstance(below, StoredMap):
        elements, first = map.set, below.next_place
        yield from (("delete_element", (*owner, rows.dump(key))) for key in map.removed)
    else:
        elements, first = map.whole(), 0
        yield "set_entity", (*owner, "{}")
    for place, (key, value) in enumerate(elements.items(), first):
        yield "set_element", (*owner, rows.dump(key), rows.dump(value), place)
    yield "measure_entity", (map.size, first + len(elements), *owner)


def of_turn(fire: Fire, turn: Turn) -> Fire:
    """The record of an occurrence whose event this turn handled."""
    rules = tuple(turn.fired)
    if turn.errors:
        why = str(turn.errors[0]) if fire.why is None else f"{fire.why}: {turn.errors[0]}"
        return replace(fire, outcome=Outcome.FAILED, eid=turn.eid, rules=rules, why=why)
    return replace(fire, eid=turn.eid, rules=rules)
