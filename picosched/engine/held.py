"""What is due in a replay and has to wait, as the record knows when it came.

What is on record with a turn waits for that turn; what was settled without one, for the time at which it was;
what people changed while it was overdue, until they change it. What the record does not know, since other
rules scheduled it, waits for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence, Set
from datetime import datetime
from heapq import heappush

from picosched.clock import MILLISECOND
from picosched.due.overlap import GIVEN_UP
from picosched.engine.redoing import concerned, edges_of, occurrence_of
from picosched.engine.wiring import Wiring
from picosched.intervention import BACKFILLED, FIRED, PAUSED, RUNG, SCHEDULED, TRIED, Intervention
from picosched.schedule.backfill import RAISED
from picosched.schedule.fire import Fire
from picosched.schedule.provenance import END_OF_PAUSE, ON_FAILURE
from picosched.schedule.scheduled import Outcome, Scheduled, Status
from picosched.sources.source import RID, TAG, URL, Source
from picosched.store.left_out import LeftOut
from picosched.store.sources import SourceRow
from picosched.store.store import Store
from picosched.turns import sources as declaring

AT_ONCE = 500
"""Turns, and what is due, that are read together."""

BY_PEOPLE = (Outcome.PAUSED, Outcome.CANCELLED)
"""Outcomes that may come of what people did."""


class Held:
    """What waits in the store of a replay. `now` is its clock; its methods run inside its lock."""

    def __init__(
        self, store: Store, record: Wiring, now: Callable[[], datetime], interventions: Sequence[Intervention]
    ) -> None:
        self.store, self._record, self.now = store, record, now
        self.ids: set[str] = set()
        """The ids of what waits: rows, and entries of sources."""
        self.let_go: list[tuple[datetime, str, str]] = []
        """Occurrences without a turn, by when they were settled: (time, id, owner), a heap."""
        self.unsure: dict[str, str] = {}
        """Pico → why it cannot be compared any more."""
        self._until_changed: dict[str, str] = {}
        """Of these, what waits until people change it, or its pico or source: id → that."""
        self._ahead = Counter(id for each in interventions for id in concerned(each))
        """The ids of what people change in what is still to come."""
        self._known = {(id, each.at) for each in interventions for id in concerned(each)}
        """The changes by people that are done again: what they were made to, and when."""
        by_hand = [each for each in interventions if each.what in (FIRED, BACKFILLED)]
        self.by_hand = {occurrence_of(each): each.what for each in by_hand}
        """Occurrences that people raised outside their times, and whether by a backfill."""
        self.made = {each.told["id"] for each in interventions if each.what == SCHEDULED}
        """The schedules that people make in what is still to come."""
        tries = [each for each in interventions if each.what == TRIED]
        rung = [each for each in interventions if each.what == RUNG]
        self._rung = {occurrence_of(each): each.at for each in rung}
        """Late occurrences of sources that have neither a record nor a turn, and when they came."""
        self.tries = {occurrence_of(each): str(each.told["inputs"]) for each in tries}
        """Occurrences whose try failed and was followed by another, and what it was given."""

    def done(self, each: Intervention) -> None:
        """What people did is done: what waited for it waits no more."""
        changed = concerned(each)
        self._ahead.subtract(changed)
        for id in [id for id, owner in self._until_changed.items() if id in changed or owner in changed]:
            del self._until_changed[id]
            self.ids.discard(id)

    def hold(self) -> Set[str]:
        """What is due now and on record; asked before each look at what is due."""
        now = self.now()
        while True:
            without = LeftOut(frozenset(self.ids))
            found = [*self.store.due.first(now, AT_ONCE, without), *self.store.sources.due(now, without)]
            new = {id for id, owner in found if self._is_on_record(id, owner)}
            if not new:
                return self.ids
            self.ids |= new

    def _is_on_record(self, id: str, owner: str) -> bool:
        """Whether the record has the occurrence for which something is due; then when it comes is known."""
        row = self.store.agenda.find(id)
        if row is None:
            return self._is_entry_on_record(id, owner)
        if row.due is None:
            return False
        if (row.domain, row.type) == ("proc", "finished"):
            return True
        record = self.record_of(id, row.due)
        of_window = row.kind == "window" and self._ahead[edges_of(row.name)] > 0
        changed = edges_of(row.name) if of_window else owner
        if record is None:
            there = self._record.read(self._record.store.agenda.find, id)
            if there is not None and there.due == row.due and self._is_still_to_come(there):
                return True
            if self._ahead[id] > 0 or of_window:
                return self._wait_until_changed(id, changed)
            if self.changed_by_people(id):
                self.unsure.setdefault(owner, "people changed a schedule of it since")
            return False
        if (
            record.outcome in BY_PEOPLE
            and record.why != GIVEN_UP
            and self._ahead[id] + self._ahead[owner] + of_window > 0
        ):
            return self._wait_until_changed(id, changed)
        if record.outcome is Outcome.CANCELLED and record.why != GIVEN_UP:
            heappush(self.let_go, (record.fired + MILLISECOND, id, owner))  # if nobody cancels it here
        elif record.outcome not in RAISED or record.eid is None:
            heappush(self.let_go, (record.fired, id, owner))
        return True

    def _is_entry_on_record(self, id: str, source_id: str) -> bool:
        """As `_is_on_record`, for an entry of a source.

        One without a turn in the journal becomes rows or deliveries, or is let go, or its source leaves the
        journal alone; ticks of metronomes have no records.
        """
        entry, kept = self.store.sources.find_entry(id), self.store.sources.find(source_id)
        if entry is None or entry.due is None or kept is None:
            return False
        source = declaring.read(kept, self.store.almanac)
        has_turns = source.journal and source.to.kind not in (TAG, RID, URL)
        if not has_turns and not source.timed:
            self._note_not_timed(source)
        record = self.record_of(id, entry.due)
        if (came := self._rung.get((id, entry.due))) is not None:
            heappush(self.let_go, (came, id, source_id))
            return True
        if record is None:
            if self._ahead[source_id] > 0 and source.recorded:
                return self._wait_until_changed(id, source_id)
            there = self._record.read(self._record.store.sources.find_entry, id)
            return has_turns or (source.recorded and there is not None and there.due == entry.due)
        if record.outcome is Outcome.PAUSED and self._ahead[source_id] > 0:
            return self._wait_until_changed(id, source_id)
        if not has_turns or record.outcome not in RAISED or record.eid is None:
            heappush(self.let_go, (record.fired, id, source_id))
        return True

    def _note_not_timed(self, source: Source) -> None:
        """Of ticks whose times are not on record it is not known what was before and after them."""
        to, found = source.to, self.store.sources
        reached = [declaring.place_of(self.store, to)]
        if to.kind == TAG:
            reached = [pico_id for pico_id, _ in found.tagged(declaring.tag_of(to))]
        elif to.kind == RID:
            reached = found.having(to.name)
        why = f"when the ticks of the source {source.label} came is not on record"
        for pico_id in reached:
            self.unsure.setdefault(pico_id, why)

    def _wait_until_changed(self, id: str, owner: str) -> bool:
        """True: people changed it, or all of its pico or source, while it was overdue."""
        self._until_changed[id] = owner
        return True

    def goes_on(self, id: str) -> bool:
        """Whether the pause of a schedule was not over at its time on record, as nothing ran."""
        here, there = self.store.agenda, self._record.store.agenda
        return self._stays_paused(id, here.find(id), self._record.read(there.find, id))

    def source_goes_on(self, id: str) -> bool:
        """The same of a source."""
        here, there = self.store.sources, self._record.store.sources
        return self._stays_paused(id, here.find(id), self._record.read(there.find, id))

    def _stays_paused(
        self, id: str, here: Scheduled | SourceRow | None, there: Scheduled | SourceRow | None
    ) -> bool:
        until = None if here is None else here.paused_until
        return self._ahead[id] > 0 or (there is not None and there.paused and there.paused_until == until)

    def _is_still_to_come(self, there: Scheduled) -> bool:
        """Whether a row on record waits for an occurrence, or would if people had not paused it."""
        return there.status is Status.PENDING or (there.paused and self.changed_by_people(there.id, PAUSED))

    def changed_by_people(self, id: str, what: str | None = None) -> bool:
        """Whether people changed a schedule; with `what`, whether they did the last such change."""
        changes = self._record.read(self._record.store.agenda.changes_of, id)
        wanted = [each for each in changes if what is None or each.what == what][-1 if what else 0 :]
        by_people = [
            each for each in wanted if each.eid is None and each.by not in (ON_FAILURE, END_OF_PAUSE)
        ]
        return any((id, each.at) not in self._known for each in by_people)

    def record_of(self, id: str, nominal: datetime) -> Fire | None:
        found = self._record.read(self._record.store.agenda.records_between, id, nominal, nominal, 1)
        return next(iter(found), None)
