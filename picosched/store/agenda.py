"""Scheduled events and the record of their occurrences: the tables `scheduled` and `fire`.

A row is due until its effects are on disk, and never after: the transaction that settles an occurrence writes
its fire record and the row's next due time. The primary key of `fire` refuses a second record of the same
occurrence, and with it the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from picosched.clock import LAST, shifted, to_ms
from picosched.frozen import replace
from picosched.schedule.changed import Changed, cancelled
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.provenance import MOST, Provenance
from picosched.schedule.scheduled import COMING, SCHEDULED, Outcome, Scheduled, Status
from picosched.store import rows
from picosched.store.ahead import Ahead
from picosched.store.due import Due
from picosched.store.journal import oldest
from picosched.store.left_out import NOTHING, LeftOut
from picosched.store.port import Database
from picosched.store.shards import Owners
from picosched.timespec.almanac import PLAIN, Almanac

MILLISECOND = timedelta(milliseconds=1)
LAST_CHARACTER = chr(0x10FFFF)
TABLE = "scheduled"
SETTLED = (
    "due", "status", "fires", "fired", "keep_until", "paused_until", "moved_from", "spaced_from", "tries",
    "failures", "asked", "held", "id",
)  # fmt: skip
"""What `settle_scheduled` sets, and the id."""
ECI = SCHEDULED.columns.index("eci")
settled_values = SCHEDULED.values_of(SETTLED)
ALL = 2**62
"""The limit of a statement that is to give all rows."""


class Agenda:
    """Scheduled events and the record of their fires."""

    def __init__(
        self,
        database: Database,
        history: timedelta,
        due: Due,
        ahead: Ahead,
        owners: Owners,
    ) -> None:
        self._database = database
        self._owners = owners
        """Is told whose rows are written."""
        self._due = due
        """Gets each written row."""
        self._history = history
        """How long finished rows are kept."""
        self._ahead = ahead
        self._to_scheduled = rows.scheduled_with(PLAIN)
        self._settled: list[list[Any]] = []
        """The values of rows to be written that have a next due time."""
        database.check(TABLE, self._part_from_record)

    def use(self, almanac: Almanac) -> None:
        """Read the timespecs of rows with this almanac from now on."""
        self._to_scheduled = rows.scheduled_with(almanac)

    # Reading

    def resumable(self, now: datetime, limit: int, without: LeftOut = NOTHING) -> list[str]:
        """The ids of paused rows whose pause is over, but for those left out."""
        return [id for (id,) in self._database.rows("scheduled_resumable", (to_ms(now), limit), without)]

    def find(self, id: str) -> Scheduled | None:
        """The scheduled event with that id, whatever its status."""
        row = self._ahead.take(id) or self._database.row("find_scheduled", (id,))
        if row is None:
            return None
        self._owners.need(row[1])
        return self._to_scheduled(row)

    def sent_to(self, id: str) -> str | None:
        """The channel that the event of a row is for, if the row was read ahead and has one."""
        row = self._ahead.peek(id)
        return None if row is None else row[ECI]

    def read_ahead(self, ids: Sequence[str]) -> None:
        """Inside a transaction: read rows in one statement, for their next `find`, unless written before."""
        self._ahead.read(ids)

    def programs(self, kind: str, limit: int | None = None, without: LeftOut = NOTHING) -> list[Scheduled]:
        """The rows of programs, waiting ("proc") or "running", in the order they were made."""
        found = self._database.rows("programs", (kind, ALL if limit is None else limit), without)
        return [self._to_scheduled(row) for row in found]

    def ids_like(self, beginning: str, *, live: bool = False) -> list[str]:
        """The ids with this prefix, of rows and records; with `live`, of pending and paused rows only."""
        span = (beginning, beginning + LAST_CHARACTER)
        if live:
            return [id for (id,) in self._database.rows("live_ids_like", span)]
        return [id for (id,) in self._database.rows("ids_like", span)]

    def pending(self, pico_id: str | None = None, rid: str | None = None) -> list[Scheduled]:
        """Pending and paused rows, soonest first; of one pico or ruleset, or all."""
        return self.matching(Filter(pico_id=pico_id, rid=rid))

    def at_work(self, id: str) -> list[Scheduled]:
        """Programs that occurrences of a schedule started, and messages of their ends that are still to be
        raised."""
        return [self._to_scheduled(row) for row in self._database.rows("at_work", (id,))]

    def is_sent_round(self, entry_id: str) -> bool:
        """Whether an event of a source's entry for many picos is still to be raised in one of them."""
        return self._database.row("is_sent_round", (entry_id,)) is not None

    def first_named(
        self, pico_id: str, rid: str, name: str, kinds: Sequence[str], limit: int
    ) -> list[Scheduled]:
        """Pending and paused rows with a name, of some kinds, soonest first."""
        found = [
            self._to_scheduled(row)
            for kind in kinds
            for row in self._database.rows("first_named", (pico_id, rid, name, kind, limit))
        ]
        return sorted(found, key=lambda row: row.due or LAST)[:limit]

    def windows(self, pico_id: str, rid: str) -> list[Scheduled]:
        """The rows of the windows that a ruleset follows in a pico."""
        return [self._to_scheduled(row) for row in self._database.rows("windows", (pico_id, rid))]

    def events_coming(self) -> list[tuple[str, str, str, str]]:
        """(pico, rid, domain, type) of the events of all pending and paused rows, each once.

        It is the pico that receives the event; rid is "" if all of its rulesets do.
        """
        found = self._database.rows("events_coming")
        return [(str(pico), str(rid), str(domain), str(type)) for pico, rid, domain, type in found]

    def coming(self, pico_id: str) -> int:
        """How many pending or paused rows a pico has: schedules, messages it sent, programs."""
        row = self._database.row("coming", (pico_id,))
        return 0 if row is None else int(row[0])

    def matching(self, which: Filter, limit: int | None = None) -> list[Scheduled]:
        """The rows that match a filter, soonest first; rows without a due time last, as they were made."""
        found = self._database.rows("matching", (ALL if limit is None else limit,), which)
        return [self._to_scheduled(row) for row in found]

    def matching_as_made(self, which: Filter, limit: int) -> list[Scheduled]:
        """The first rows that match a filter, in the order they were made."""
        return [self._to_scheduled(row) for row in self._database.rows("matching_as_made", (limit,), which)]

    def how_many(self, which: Filter) -> int:
        row = self._database.row("how_many", where=which)
        return 0 if row is None else int(row[0])

    def fires(self, *, pico_id: str | None = None, id: str | None = None, limit: int = 100) -> list[Fire]:
        """Records of occurrences, newest first; for one scheduled event, by nominal time."""
        which = {"pico": pico_id, "scheduled": id}
        found = self._database.rows("fires" if id is None else "fires_of_event", (limit,), which)
        return [rows.to_fire(row) for row in found]

    def records_between(self, id: str, since: datetime, until: datetime, limit: int) -> list[Fire]:
        """Records of one scheduled event by nominal time, both ends included, in order."""
        values = (id, to_ms(since), to_ms(until), limit)
        return [rows.to_fire(row) for row in self._database.rows("records_between", values)]

    def record_before(self, id: str, time: datetime) -> Fire | None:
        """The last record of one scheduled event with an earlier nominal time."""
        row = self._database.row("record_before", (id, to_ms(time)))
        return None if row is None else rows.to_fire(row)

    def last_record(self) -> int:
        """The mark of the newest record, for `records_after`."""
        row = self._database.row("last_record")
        return 0 if row is None or row[0] is None else int(row[0])

    def records_after(self, mark: int) -> list[Fire]:
        """The records written after the mark, oldest first."""
        return [rows.to_fire(row) for row in self._database.rows("records_after", (mark,))]

    def let_go_after(self, mark: int) -> dict[str, int]:
        """Outcome → number of throttled or skipped occurrences recorded after the mark."""
        return dict(self._database.rows("let_go_after", (mark,)))

    def last_raised(self, id: str) -> Fire | None:
        """The last occurrence of a scheduled event that was raised, ignoring events fired by hand."""
        row = self._database.row("last_raised", (id,))
        return None if row is None else rows.to_fire(row)

    def last_nominal(self, id: str) -> datetime | None:
        """The latest nominal time on record."""
        row = self._database.row("last_nominal", (id,))
        return None if row is None else rows.time(row[0])

    # Writing, inside a transaction

    def add(self, scheduled: Scheduled) -> None:
        """Add a row, also for a pico that is not locked."""
        self._owners.added(scheduled.pico_id)
        self._database.put(TABLE, "add_scheduled", rows.of_scheduled(scheduled))
        self.made(scheduled.pico_id, [scheduled])

    def made(self, pico_id: str, made: Sequence[Scheduled]) -> None:
        """Count rows just written for a pico. A trigger counts the rows that end."""
        number = sum(each.status in COMING for each in made)
        if number:
            self._database.put("coming", "more_coming", (pico_id, number))
        for each in made:
            self._due.see(each)

    def settle(self, settled: Scheduled, now: datetime) -> None:
        """Update a row's due time, status and number of fires."""
        self._owners.need(settled.pico_id)
        if settled.keep_until is None and settled.status not in COMING:
            settled = replace(settled, keep_until=shifted(now, self._history))
        values = settled_values(settled)
        self._database.put(TABLE, "settle_scheduled", values)
        self._ahead.drop(settled.id)
        if settled.due is not None:
            self._settled.append(values)
        self._due.see(settled)
        if settled.started_by is not None and settled.status not in COMING:
            self.let_go_on(settled.pico_id, now)
        if settled.kind == "window":  # the event of any other row is the same each time
            self._put_event(settled)

    def let_go_on(self, pico_id: str, now: datetime) -> None:
        """End the wait of a pico's held rows for which nothing is at work any more; they are due."""
        for row in [*self._database.rows("no_longer_held", (pico_id,))]:
            self.settle(replace(self._to_scheduled(row), status=Status.PENDING, held=False), now)

    def become(self, row: Scheduled, now: datetime) -> None:
        """Update a row that now has another kind and event."""
        self._put_event(row)
        self.settle(row, now)

    def _put_event(self, row: Scheduled) -> None:
        values = row.kind, row.domain, row.type, rows.dump(row.attrs), row.machine, row.id
        self._database.put(TABLE, "set_event", values)

    def change(self, row: Scheduled, now: datetime) -> None:
        """Update a row that somebody changed."""
        self.settle(row, now)
        self._database.put(TABLE, "set_repeat", (row.kind, row.timespec, row.tz, row.id))

    def _part_from_record(self) -> None:
        """Move due times about to be written that equal a time on record.

        This can happen if somebody moved the row, or set the clock back and rescheduled it. The next
        occurrence could never be settled.
        """
        settled, self._settled = self._settled, []
        pairs = rows.dump([[values[-1], values[0]] for values in settled])
        for (index,) in [*self._database.rows("are_on_record", (pairs,))]:
            id, due = settled[index][-1], settled[index][0]
            while self._database.row("is_on_record", (id, due)) is not None:
                due += 1
            settled[index][0] = due

    def note(self, fire: Fire) -> None:
        """Record a change to an occurrence that was not made by the clock."""
        self.record(replace(fire, nominal=self.free(fire.id, fire.nominal)))

    def free(self, id: str, nominal: datetime) -> datetime:
        """The first millisecond from `nominal` on that is neither on record nor the row's due time.

        An event fired by hand may coincide with a settled occurrence or the next one.
        """
        while self._on_record(id, nominal) or self._database.row("is_due_at", (id, to_ms(nominal))):
            nominal += MILLISECOND
        return nominal

    def _on_record(self, id: str, nominal: datetime) -> bool:
        return self._database.row("is_on_record", (id, to_ms(nominal))) is not None

    def record(self, fire: Fire) -> None:
        """Record an occurrence. `conflict` if it is on record already."""
        self._database.put("fire", "record", rows.of_fire(fire))

    def replace_record(self, fire: Fire) -> None:
        """Record an occurrence in place of the record it has."""
        self._database.execute("remove_record", (fire.id, to_ms(fire.nominal)))
        self.record(fire)

    def correct(self, id: str, nominal: datetime, outcome: Outcome, why: str) -> None:
        """Correct the outcome of an occurrence on record."""
        self._database.execute("correct", (outcome.value, why, id, to_ms(nominal)))

    def cancel(self, id: str, now: datetime, eid: str | None = None, *, reason: str | None = None) -> bool:
        """Cancel a pending or paused row with its next occurrence; False if there is none.

        `eid` is the event of the turn that cancelled it.
        """
        scheduled = self.find(id)
        changed = None if scheduled is None else cancelled(scheduled, now, eid, reason)
        if changed is None:
            return False
        self.take(changed, now)
        return True

    def take(self, changed: Changed, now: datetime) -> None:
        """Write a change: the row, and its record if there is one."""
        row, record = changed
        self.change(row, now)
        if record is not None:
            self.note(record)

    def note_change(self, change: Provenance) -> None:
        """Record who changed a row; of each row the last are kept."""
        self._database.put("provenance", "add_provenance", rows.of_provenance(change))
        self._database.put("provenance", "trim_provenance", (change.id, MOST))

    def changes_of(self, id: str) -> list[Provenance]:
        """Who changed a row, oldest first."""
        return [rows.to_provenance(row) for row in self._database.rows("provenance_of", (id,))]

    def hold_back(self, rulesets: Sequence[tuple[str, str]]) -> None:
        """Let no schedule of these rulesets, (pico, rid), come due: pause it until somebody resumes it."""
        self._ahead.clear()
        self._owners.need(*(pico_id for pico_id, _ in rulesets))
        keys = [f"{pico_id} {rid}" for pico_id, rid in rulesets]
        self._database.execute("hold_back", (rows.dump(keys),))

    def cancel_all(self, pico_id: str, rid: str | None, now: datetime, reason: str) -> int:
        """Cancel all pending and paused rows of a pico, or of one ruleset of it; returns how many.

        The same as `ended` for each row, but in two statements, as there may be many.
        """
        which = Filter(pico_id=pico_id, rid=rid)
        self._ahead.clear()
        self._owners.need(pico_id)
        self._database.execute("record_cancelled", (to_ms(now), reason), which)
        keep_until = to_ms(shifted(now, self._history))
        return self._database.execute("cancel_scheduled", (keep_until,), which)

    def give_up(self, id: str, now: datetime, why: str) -> None:
        """End a row that cannot be processed or read, with its occurrence failed."""
        self._ahead.clear()
        if (row := self._database.row("find_scheduled", (id,))) is not None:
            self._owners.need(row[1])
        self._database.execute("record_given_up", (to_ms(now), Outcome.FAILED.value, why, id))
        keep_until = to_ms(shifted(now, self._history))
        self._database.execute("finish_scheduled", (Status.FINISHED.value, keep_until, id))
        self._database.execute("unmark", (id,))
        if row is not None:
            self.let_go_on(row[1], now)

    def prunable(self, before: datetime, now: datetime) -> bool:
        """Whether there is anything to prune; usually there is not."""
        if oldest(self._database, "first_record", before, now) is not None:
            return True
        return self._database.row("is_kept_too_long", (to_ms(now),)) is not None

    def prune(self, before: datetime, now: datetime, limit: int) -> int:
        """Delete records older than `before` and expired rows, `limit` of each; returns how many."""
        fires, first = 0, oldest(self._database, "first_record", before, now)
        if first is not None:
            fires = self._database.execute("prune_records", (to_ms(before), first + limit))
        return fires + self._database.execute("prune_scheduled", (to_ms(now), limit))
