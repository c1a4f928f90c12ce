"""The engine of a replay: on a copy of an earlier state it is given what led to each turn on record.

An occurrence with a turn on record is raised when that turn comes, at its place among the turns; one without
a turn is settled when it was settled; what the record does not know, since other rules scheduled it, is
raised when it is due. Each turn gets the time, the random numbers and the answers it had. Nobody outside is
asked, and no program runs: how it ended is on record as the event that reported it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import heappop
from typing import Any

from picosched.clock import EPOCH
from picosched.due.programs import finished
from picosched.due.wired import Apart
from picosched.engine.copied import Copied, New
from picosched.engine.held import AT_ONCE, Held
from picosched.engine.made import BITS, Made
from picosched.engine.redoing import LackingError, Redoing, concerned, occurrence_of
from picosched.engine.rehearsed import counts_as_sent
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.intervention import BACKFILLED, ENGINE, FIRED, PAUSED, Intervention
from picosched.krl.requests import EventQuery, EventQueryAnswer, HttpRequest, HttpResponse, Request, Response
from picosched.outside.processes import Ended
from picosched.pico.event import Event
from picosched.pico.inputs import Inputs, mark_of, read_inputs
from picosched.pico.said import Answers, Unanswered
from picosched.schedule.backfill import still_to_come
from picosched.schedule.changed import resumed
from picosched.schedule.fire import Fire
from picosched.schedule.provenance import END_OF_PAUSE
from picosched.schedule.scheduled import Outcome, Scheduled, Status
from picosched.settings import Settings
from picosched.store.journal import Entry
from picosched.store.store import Store
from picosched.turns import sources as declaring
from picosched.turns.pieces import RaiseDue, RaiseEntry, RaiseEvent, RaiseNow, RaisePast

LOOK = timedelta(seconds=1)
"""How often it is looked for what is due and not on record."""

LATE = (Outcome.LATE, Outcome.COALESCED)
NOBODY = HttpResponse(0, "its answer is not on record")
ENDED = ("outcome", "exit", "signal", "stdout", "stderr", "truncated", "duration", "why")


class Replaying(Copied):
    """An engine on a copy of an earlier state, to which the record is given turn by turn."""

    def __init__(
        self,
        store: Store,
        record: Wiring,
        settings: Settings,
        now: datetime,
        interventions: Sequence[Intervention] = (),
    ) -> None:
        self.made = Made()
        """The ids that were made on record and here."""
        self.held = Held(store, record, lambda: self.now(), interventions)
        self.unsure = self.held.unsure
        """Pico → why it cannot be compared any more."""
        apart = Apart(
            quiet=True,
            draws_from=self.made.noted,
            hold=self.held.hold,
            hold_programs=self._hold_programs,
            goes_on=self.held.goes_on,
            source_goes_on=self.held.source_goes_on,
        )
        super().__init__(store, now, settings, self._ask, apart)
        self._record = record
        self._inputs: Inputs | None = None
        """Of the turn that is driven; None if they were not kept, or none is driven."""
        self._driven, self._of = False, ""
        """Whether a turn is driven, and the id of its pico."""
        self._looked = now - LOOK
        self._told = store.pages.last_turn()
        self.outside = self.lost = self.requests = self.redone = 0
        self.redoing = Redoing(self, record)
        self._raised_again = set[tuple[str, datetime]]()
        """The occurrences that people raised outside their times, and that were raised here."""
        self.not_replayed: list[str] = []
        """What people did that could not be done again, with the reason."""

    # What it is asked

    def _ask(self, request: HttpRequest) -> HttpResponse:
        answer = self._answer_of(request)
        if isinstance(answer, HttpResponse):
            return answer
        if not self._driven and counts_as_sent(request):
            return HttpResponse(200, "not sent")
        self.requests += 1
        return NOBODY

    def _ask_pico(self, request: EventQuery, trace: str | None) -> EventQueryAnswer:
        answer = self._answer_of(request)
        if isinstance(answer, EventQueryAnswer):
            return answer
        if not self._driven:
            return super()._ask_pico(request, trace)
        self.requests += 1
        return EventQueryAnswer(error=PicoschedError("its answer is not on record", "not_found"))

    def _answer_of(self, request: Request) -> Response | None:
        """The answer on record; None if there is none."""
        if not self._driven:
            return None
        if self._inputs is None:
            self._note_unsure("the answers to its requests were not recorded")
            return None
        mark = mark_of(request)
        for place, (asked, answer) in enumerate(self._inputs.given):
            if asked == mark:
                del self._inputs.given[place]
                if answer is None:
                    self._note_unsure("an answer was too large to be recorded (recorded_bytes)")
                if mark in self._inputs.covered:
                    self._note_unsure("an answer is recorded with a key in it covered")
                return answer
        return None  # which other rules ask

    def _note_unsure(self, why: str) -> None:
        """From the turn that is driven on, what differs in its pico may be because something is not known."""
        self.unsure.setdefault(self._of, why)

    # What it is given

    def drive(self, entry: Entry, inputs: str | None) -> bool:
        """Give it what led to a turn on record; False if the turn is lost, as there is no such pico."""
        if entry.scheduled is not None and self.read(self.store.agenda.find, entry.scheduled) is None:
            self._looked = EPOCH  # it may be made now
        self._pass(entry.at)
        self._virtual.reach(max(entry.at, self.now()))
        if self.read(self.store.picos.find_pico, entry.pico_id) is None:
            self.lost += 1
            return False
        self._inputs = read_inputs(inputs)
        drawn = None if self._inputs is None else self._inputs.drawn
        self.made.add_drawn(drawn or [])
        self.made.not_all_known |= drawn is None
        answers = Answers(drawn=[*(drawn or ())], began=entry.at)
        self._driven, self._of = True, entry.pico_id
        try:
            if entry.scheduled is None:
                self._raise_again(entry, answers)
            else:
                self._come_due(entry, entry.scheduled, answers)
        finally:
            self._driven = False
        if drawn is None and any(bits != BITS for bits, _ in answers.drawn):
            self._note_unsure("its random numbers were not recorded")
        return True

    def redo(self, each: Intervention) -> None:
        """Do again what people did, after all that came due before."""
        self._looked = EPOCH
        self._pass(each.at)
        self._virtual.reach(max(each.at, self.now()))
        try:
            raised_again = each.what in (FIRED, BACKFILLED) and occurrence_of(each) in self._raised_again
            done = self.redoing.redo(each) or raised_again
            self.redone += done and each.by not in (END_OF_PAUSE, ENGINE)
        except LackingError as lacking:
            self.not_replayed.append(lacking.message)
            for id in concerned(each):
                self.unsure.setdefault(id, f"not replayed: {lacking.message}")
        self.held.done(each)
        self._looked = EPOCH

    def let_pass(self, until: datetime) -> None:
        """Let what is not on record come due up to a time."""
        self._looked = EPOCH
        self._pass(until)
        self._virtual.reach(max(until, self.now()))

    def news(self) -> Iterator[Entry]:
        """The turns since the last call."""
        while found := self.read(self.store.pages.journal_since, self._told, AT_ONCE):
            self._told = found[-1].seq
            yield from found
            if len(found) < AT_ONCE:
                return

    def stand_in(self, new: New, *, later: bool) -> None:
        """Let a ruleset stand in for each of its rid: those of today, and those that people install later.

        `not_found` if no pico has one today, unless one will have it `later`.
        """
        self.redoing.given[new.rid] = new
        having = self.read(self.store.sources.having, new.rid)
        if not having and not later:
            raise PicoschedError(f"no pico has the ruleset {new.rid}", "not_found")
        for id in having:
            self.install(id, new)

    def _raise_again(self, entry: Entry, answers: Answers, rids: tuple[str, ...] | None = None) -> None:
        """Raise an event that came from outside."""
        self.outside += 1
        first = entry.handled[0]
        event = Event(
            first["domain"], first["type"], first["attrs"], entry.eid, entry.at, entry.eci, rids=rids
        )
        self._done(self._raise, RaiseEvent(event, entry.pico_id, answers))

    def _come_due(self, entry: Entry, id: str, answers: Answers) -> None:
        """Raise what was due, of a schedule, a message or a source."""
        assert entry.nominal is not None
        nominal, row = entry.nominal, self.read(self.store.agenda.find, id)
        record = self.held.record_of(id, nominal)
        late = record is not None and record.outcome in LATE
        looks = (entry.at,) if late else (min(nominal, entry.at), entry.at)
        if row is None:
            self._come_anyway(entry, id, answers)
        elif record is not None and (id, nominal) in self.held.by_hand:
            self._raise_by_hand(row, record, answers, self.held.by_hand[id, nominal])
        elif (row.domain, row.type) == ("proc", "finished"):
            self._finish(row, entry, nominal)
            self._raise_row(id, row.pico_id, looks, answers)
        elif row.status is Status.PENDING and row.due is not None and row.due <= nominal:
            while row is not None and row.due is not None and row.due < nominal:  # settled without a turn
                before = self.held.record_of(id, row.due)
                self._settle(id, row.pico_id, entry.at if before is None else before.fired)
                after = self.read(self.store.agenda.find, id)
                row = None if after is None or after.due == row.due else after
            self._raise_row(id, entry.pico_id, looks, answers)
        elif record is not None and record.why is not None:
            at_once = record.nominal == record.fired or record.outcome is Outcome.FIRED
            self._raise_by_hand(row, record, answers, FIRED if at_once else BACKFILLED)
        elif self.held.changed_by_people(id):
            self._note_unsure("people changed a schedule of it since")
        self.held.ids.discard(id)

    def _come_anyway(self, entry: Entry, id: str, answers: Answers) -> None:
        """Raise what is no row here: the entry of a source, or a schedule of a person.

        An older picosched did not keep how people made schedules; their events come as if from outside.
        """
        source = self.read(self.store.sources.find_entry, id)
        if source is not None:
            if entry.nominal is not None and source.due is not None and source.due < entry.nominal:
                self.write(self.store.sources.set_due, id, entry.nominal)  # let go without a record
            self._done(self._perform_entry, RaiseEntry(id, source.source_id, entry.at, answers))
            return
        made = self._record.read(self._record.store.agenda.find, id)
        if id in self.held.made:
            return  # it has gone another way here
        if made is not None and not made.by_person and (made.rule is not None or made.kind == "window"):
            return  # a rule made it; or it follows a window, under another id
        self._raise_again(entry, answers, (made.rid,) if made is not None and made.rid else None)

    def _finish(self, row: Scheduled, entry: Entry, nominal: datetime) -> None:
        """End the run of a program as it ended."""
        told = entry.handled[0]["attrs"]
        if row.kind == "send":  # it was running when the snapshot was made, and is not any more
            after = replace(row, due=nominal, attrs=told)
        else:
            after = finished(row, Ended(**{name: told[name] for name in ENDED}), nominal)
        self.write(self.store.agenda.become, after, self.now())

    def _raise_by_hand(self, row: Scheduled, record: Fire, answers: Answers, what: str) -> None:
        """Raise a row outside its times, as a person did."""
        why = record.why or ""
        try:
            if what == FIRED:
                self._done(self._raise_now, RaiseNow(row.id, why, answers))
            elif record.nominal < still_to_come(row):
                self._done(self._raise_past, RaisePast(row.id, record.nominal, answers))
            else:
                return
        except PicoschedError:
            return  # it has ended here, so there is no turn
        self._raised_again.add((row.id, record.nominal))

    def _settle(self, id: str, owner: str, fired: datetime) -> None:
        """Settle an occurrence at the time when it was let go, sent on or tried in vain, without a turn."""
        before, due = (self._driven, self._of, self._inputs), self._due_of(id)
        row = self.read(self.store.agenda.find, id)
        kept = None if due is None else self.held.tries.get((id, due))
        inputs = read_inputs(kept) or Inputs([])
        answers = Answers(drawn=[*(inputs.drawn or ())], began=fired)
        if self.write(self._was_paused, id, owner, fired):
            return
        self._driven, self._inputs = True, inputs
        self.made.add_drawn(answers.drawn)
        self.made.not_all_known |= inputs.drawn is None
        try:
            if row is not None:
                self._of = owner
                self._raise_row(id, owner, (fired,), answers)
            else:
                self._of = self.read(self._pico_of_source, owner)
                self._done(self._perform_entry, RaiseEntry(id, owner, fired, answers))
            unknown = answers.given or any(bits != BITS for bits, _ in answers.drawn)
            if unknown and (kept is None or inputs.drawn is None):
                self._note_unsure("a try failed whose random numbers and answers are not recorded")
        finally:
            self._driven, self._of, self._inputs = before

    def _was_paused(self, id: str, owner: str, fired: datetime) -> bool:
        """Whether the occurrence passed while people had paused it; then it has passed here as well."""
        row, entry = self.store.agenda.find(id), self.store.sources.find_entry(id)
        due = row.due if row is not None else None if entry is None else entry.due
        record = None if due is None else self.held.record_of(id, due)
        if record is None or record.outcome is not Outcome.PAUSED:
            return False
        if row is None:
            declaring.pause(self.store, owner, None)
            return declaring.resume(self.store, owner, fired)
        changed = None
        if self.held.changed_by_people(id, PAUSED):
            changed = resumed(replace(row, status=Status.PAUSED), fired, self.settings.granularity)
        if changed is not None:
            self.store.agenda.take(changed, fired)
        return changed is not None

    def _pico_of_source(self, id: str) -> str:
        kept = self.store.sources.find(id)
        target = None if kept is None else declaring.read(kept, self.store.almanac).to
        return "" if target is None else declaring.place_of(self.store, target)

    def _raise_row(self, id: str, owner: str, looks: Sequence[datetime], answers: Answers) -> None:
        self._done(self._perform_due, RaiseDue(id, owner, looks, answers))

    def _perform_due(self, piece: RaiseDue) -> Any:
        return self._commits.perform(self._rows.raise_due, piece)

    def _perform_entry(self, piece: RaiseEntry) -> Any:
        return self._commits.perform(self._sounding.ring, piece)

    def _done(self, perform: Callable[[Any], Any], piece: Any) -> None:
        outcome = perform(piece)
        if isinstance(outcome, Unanswered):
            self._waiting.done(perform, piece, outcome)

    # What comes due meanwhile

    def _pass(self, until: datetime) -> None:
        """Let come what is due up to a time, but for what the record has later."""
        if until - self._looked < LOOK:
            return
        self._looked = until
        while (due := self._soonest()) is not None and due <= until:
            self._virtual.reach(max(due, self.now()))
            if not self.held.let_go or self.held.let_go[0][0] > self.now():
                self._ticks.run_due()
                continue
            fired, id, owner = heappop(self.held.let_go)
            self.held.ids.discard(id)
            before = self._due_of(id)
            self._settle(id, owner, fired)
            if before is not None and self._due_of(id) == before:
                self.held.ids.add(id)  # it went another way here, and must not come again and again

    def _soonest(self) -> datetime | None:
        times = [self._ticks.next_due(), self.held.let_go[0][0] if self.held.let_go else None]
        return min((each for each in times if each is not None), default=None)

    # Inside the lock, so with the store itself

    def _hold_programs(self) -> Set[str]:
        return {row.id for row in self.store.agenda.programs("proc")}

    def _due_of(self, id: str) -> datetime | None:
        row = self.read(self.store.agenda.find, id) or self.read(self.store.sources.find_entry, id)
        return None if row is None else row.due
