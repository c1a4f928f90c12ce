"""Due scheduled rows: a queue of the tick, and the states of a row. They are one idea: what becomes of a row.

`schedule/occurrence.py` classifies an occurrence, `schedule/changed.py` applies a change to a row and has the
table of states. The record of an occurrence commits with the row's next due time and with the turn, if any.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from picosched.acting import PYTHON, Actor
from picosched.audit import deed_of
from picosched.clock import format_time, to_ms
from picosched.due.alerting import tell_of
from picosched.due.begun import Begun
from picosched.due.line import DueRows
from picosched.due.outcomes import Outcomes
from picosched.due.overlap import GIVEN_UP, WAITED, came_meanwhile, given_up_at, overlapped
from picosched.due.queue import NOTHING, Done, Looked, Tick, Together
from picosched.due.waiting import Waiting
from picosched.due.wired import Wired
from picosched.errors import PicoschedError
from picosched.frozen import replace
from picosched.intervention import BACKFILLED, FIRED, RESUMED
from picosched.outside.processes import CANCELLED, Ended
from picosched.pico.event import Event
from picosched.pico.pico import Pico
from picosched.pico.said import Answers, Unanswered
from picosched.pico.turn import Turn
from picosched.pico.windows import load_window
from picosched.schedule.backfill import NOMINAL, OPEN, reason, still_to_come
from picosched.schedule.changed import OF_CALENDAR, fired_at_once, live, resumed
from picosched.schedule.failing import going_on, having_failed, next_try, tried, which_try
from picosched.schedule.fire import Fire, record_of
from picosched.schedule.occurrence import Terms, dealt_with
from picosched.schedule.provenance import END_OF_PAUSE, ON_FAILURE, Provenance
from picosched.schedule.scheduled import Misfire, Outcome, Overlap, Scheduled, Status
from picosched.store.due import Coming
from picosched.store.faults import StoreError
from picosched.store.left_out import LeftOut
from picosched.store.sources import EntryRow
from picosched.store.store import of_turn
from picosched.turns import sources as declaring
from picosched.turns import windows as edges
from picosched.turns.pieces import RaiseDue, RaiseNow, RaisePast
from picosched.turns.turns import Turns, eid_of

log = logging.getLogger(__name__)

RESUMED_AT_ONCE = 100
"""Rows resumed in one transaction when their pause is over."""


class AgendaQueue:
    """Finds due rows and raises the first of them. For one tick at a time."""

    def __init__(
        self,
        wired: Wired,
        rows: Rows,
        waiting: Waiting,
        begun: Begun,
        end_program: Callable[[str, Ended], None],
    ) -> None:
        self._store, self._commits = wired.store, wired.commits
        self._rows = rows
        self._waiting = waiting
        self._begun = begun
        self._end_program = end_program
        self._line = DueRows(wired.store.due)
        self._together = Together(wired.commits, waiting, begun, rows.raise_due, rows.fail, self._give_up)

    def run_due(self, coming: Coming, tick: Tick) -> Looked:
        now, raised, made_now, done, failing = tick.now, 0, 0, 0, 0
        if coming.pause_ends is not None and coming.pause_ends <= now:
            return self._resume(tick)  # the next look finds them
        if coming.due is None or coming.due > now:
            return Looked()
        for piece, outcome in self._together.outcomes(partial(self._find, tick), tick.look_ahead):
            done += 1
            if isinstance(outcome, Exception):
                tick.stuck[piece.id] = outcome
                failing += getattr(outcome, "code", None) != "conflict"  # which concerns the one row
            else:
                for id in outcome.ends:
                    self._end_program(id, CANCELLED)
                raised += outcome.raised
                made_now += outcome.made is not None and outcome.made >= now
        self._line.raised(done)
        return Looked(raised, made_now, fails=0 < failing == done)

    def _find(self, tick: Tick) -> Sequence[RaiseDue]:
        """The rows to raise next, read ahead. Inside the lock."""
        without, seen = self._waiting.left_out(tick.stuck), tuple(tick.looks)
        due = self._line.next(seen[-1], without, self._begun.marked)
        self._store.agenda.read_ahead([id for id, _ in due])
        return [RaiseDue(id, pico_id, seen) for id, pico_id in due]

    def end_tick(self) -> None:
        self._line.forget()

    def give_up_broken(self, stuck: dict[str, Exception]) -> None:
        """End rows that would never be due, as their due time is damaged, but for those that are stuck."""
        for id, why in self._commits.read(self._store.due.broken):
            if id not in stuck and (error := self._ended(id, PicoschedError(why, "internal"))) is not None:
                stuck[id] = error

    def _resume(self, tick: Tick) -> Looked:
        """Resume rows whose pause is over. One that the database refuses waits, as a due row does."""
        without = LeftOut(frozenset(tick.stuck))
        ids = self._commits.read(self._store.agenda.resumable, tick.now, RESUMED_AT_ONCE, without)
        outcomes = self._commits.perform_all(partial(self._rows.resume, now=tick.now), ids)
        refused = 0
        for id, outcome in zip(ids, outcomes, strict=True):
            if isinstance(outcome, Exception) and (error := self._ended(id, outcome)) is not None:
                tick.stuck[id] = error
                refused += 1
        return Looked(fails=1 < refused == len(ids))

    def _give_up(self, piece: RaiseDue, error: Exception) -> Done | Exception:
        return self._ended(piece.id, error) or NOTHING

    def _ended(self, id: str, error: Exception) -> Exception | None:
        """End a row that cannot be processed; return a database error, for then it stays due."""
        if isinstance(error, StoreError):
            return error
        log.error("giving up the scheduled event %s", id, exc_info=error)
        why = str(error) if isinstance(error, PicoschedError) else f"{type(error).__name__}: {error}"
        (ended,) = self._commits.perform_all(partial(self._rows.give_up, why=why), (id,))
        return ended if isinstance(ended, Exception) else None


class Rows:
    """Decides about due rows and raises their events. For one thread at a time, inside a transaction."""

    def __init__(self, wired: Wired, turns: Turns, outcomes: Outcomes) -> None:
        self._store, self._loaded, self._now = wired.store, wired.loaded, wired.now
        self._turns = turns
        self._outcomes = outcomes
        settings = self._settings = wired.settings
        self._misfire = Misfire(settings.misfire)
        period = timedelta(seconds=settings.min_period)
        self._goes_on = wired.apart.goes_on
        self._terms_of_all = Terms(self._misfire, settings.granularity, period)

    def raise_due(self, piece: RaiseDue) -> Done | Unanswered:
        """Raise and settle a row that was due at the last look.

        Does nothing if it is no longer due: an earlier turn may have cancelled it. It stays due if it needs
        an answer from outside.
        """
        row = self._store.agenda.find(piece.id)
        if row is None or row.status is not Status.PENDING or row.due is None or row.due > piece.looks[-1]:
            return NOTHING
        now, due = piece.answers.first(self._now()), row.due
        upto = due if (row.misfire or self._misfire) is Misfire.ALL else max(due, now)
        try:
            if row.kind == "window" and edges.is_out_of_date(self._loaded, row):
                edges.bring_in_line(self._store, self._loaded, row, now)
                return NOTHING
            # Of window edges missed together only the last counts, unless each is wanted.
            row = row.with_edge(upto)
            looked = piece.looks[bisect_left(piece.looks, due)]
            dealt = dealt_with(row, due, looked, now, self._terms(row))
        except StoreError:
            raise
        except PicoschedError as error:  # its ruleset, its window or its zone is gone
            settled, stands_for = going_on(row, upto, self._settings.granularity)
            failed = record_of(row, now, Outcome.FAILED, str(error), stands_for)
            self._settle(row, having_failed(settled), failed)
            return Done(made=row.created)
        settled = dealt.row
        record = record_of(row, now, dealt.outcome, dealt.why, dealt.stands_for)
        if dealt.why is None and row.overlap is not None:
            if piece.answers.given_up:
                record = replace(record, outcome=Outcome.CANCELLED, fired=self._now(), stands_for=1)
                settled = row.settled(due, self._settings.granularity)
                self._settle(row, settled, replace(record, why=GIVEN_UP))
                return Done(made=row.created)
            if (other := overlapped(self._store, row, now)) is not None:
                if other.skipped is not None:
                    self._skip(row, upto, now, other.skipped)
                return Done(made=row.created, ends=other.ends)
        if dealt.why is None:
            return self._raise_wanted(row, settled, record, piece.answers)
        if row.tries:  # no try is left that could succeed
            why = f"{row.tries} tries failed, and then {dealt.why}"
            settled, record = having_failed(settled), replace(record, outcome=Outcome.FAILED, why=why)
        self._settle(row, settled, record)
        return Done(made=row.created)

    def _raise_wanted(
        self, row: Scheduled, settled: Scheduled, record: Fire, answers: Answers
    ) -> Done | Unanswered:
        """Raise the event of an occurrence that is not to be let go, and settle the row."""
        if row.tries:
            record = replace(record, why=which_try(row.tries, row.retry))
            # The least period counts from when it was first due.
            settled = replace(settled, spaced_from=row.moved_from or row.spaced_from)
        granularity = self._settings.granularity
        again = None if row.retry is None else next_try(row, settled, record.fired, granularity)
        sender = None if row.rid else declaring.sender_of(self._store, row)
        journalled = sender is None or sender.journal
        if row.overlap is not None:
            answers.until = given_up_at(row.overlap, settled.due, record.fired)
        raised = self._raised(
            row, settled, record, answers, tried_again=again is not None, journalled=journalled
        )
        if isinstance(raised, Turn):
            if sender is not None:
                error = raised.errors[0] if raised.errors else None
                self._ended_elsewhere(sender.entry, row, record, error)
            followed = raised.errors or row.failures or row.tries or row.late_after
            if followed or record.outcome is not Outcome.FIRED:
                self._happened(row, raised.settled or settled, of_turn(record, raised))
            if row.overlap is Overlap.SKIP and answers.given:
                done = self._now()
                if (after := came_meanwhile(self._store, row.id, record.fired, done)) is not None:
                    self._skip(after, done, done, WAITED)
            return Done(raised=True, made=row.created)
        if isinstance(raised, Unanswered):
            return raised
        if again is not None:
            self._store.settle(*tried(row, record, raised, again))
            return Done(made=row.created)
        if sender is not None:
            self._ended_elsewhere(sender.entry, row, record, raised)
        why = str(raised) if record.why is None else f"{record.why}: {raised}"
        record = replace(record, outcome=Outcome.FAILED, why=why)
        self._settle(row, having_failed(replace(settled, spaced_from=row.spaced_from)), record)
        return Done(made=row.created)

    def _ended_elsewhere(self, entry: EntryRow, row: Scheduled, record: Fire, error: object) -> None:
        """Tell the source that sent a row what became of it."""
        nominal = row.moved_from or record.nominal
        self._outcomes.ended_elsewhere(entry, nominal, error, tries=row.tries)

    def raise_now(self, piece: RaiseNow) -> Turn | Unanswered:
        """Raise a row's event outside its times, and record it.

        `not_found` if the row is not pending or paused; other errors from its ruleset or channel.
        """
        id = piece.id
        row = self._store.agenda.find(id)
        fired = None if row is None else fired_at_once(row, self._now())
        if row is not None and row.kind == "window" and live(row):
            raise PicoschedError(f"{id} is {OF_CALENDAR}")
        if row is None or fired is None:
            raise PicoschedError(f"nothing that is still to come has the id {id}", "not_found")
        nominal = self._store.agenda.free(id, piece.answers.first(self._now()))
        record = Fire(id, row.pico_id, nominal, nominal, Outcome.FIRED, why=piece.why)
        raised = self._raised_outside(row, fired, record, piece.answers)
        self._note(piece.by, FIRED, row, record, raised)
        return raised

    def _note(
        self, by: Actor | None, what: str, row: Scheduled, record: Fire, raised: Turn | Unanswered
    ) -> None:
        if not isinstance(raised, Turn):
            return
        told = {"id": row.id, "nominal": to_ms(record.nominal)}
        self._store.interventions.add(raised.now, what, str(by or Actor(PYTHON)), told)
        if by is not None:
            self._store.audit.add(deed_of(by, raised.now, what, "schedule", row.id, row.event))

    def raise_past(self, piece: RaisePast) -> Turn | Unanswered | None:
        """Raise a past occurrence of a repeat that nobody got, and record it.

        A record that says it was not raised is replaced. None if it is settled by now, or the row has ended;
        errors from its ruleset.
        """
        id, nominal, now = piece.id, piece.nominal, piece.answers.first(self._now())
        row = self._store.agenda.find(id)
        fired = None if row is None else fired_at_once(row, now)
        before = next(iter(self._store.agenda.records_between(id, nominal, nominal, 1)), None)
        if row is None or fired is None or nominal >= still_to_come(row):
            return None
        if before is not None and before.outcome not in OPEN:
            return None
        record = Fire(id, row.pico_id, nominal, now, Outcome.LATE, why=reason(before))
        event_row = replace(row, attrs={**row.attrs, NOMINAL: format_time(nominal)})
        raised = self._raised_outside(event_row, fired, record, piece.answers, recorded=before is None)
        if isinstance(raised, Turn) and before is not None:
            self._store.agenda.replace_record(of_turn(record, raised))
        self._note(piece.by, BACKFILLED, row, record, raised)
        return raised

    def _raised_outside(
        self, row: Scheduled, fired: Scheduled, record: Fire, answers: Answers, *, recorded: bool = True
    ) -> Turn | Unanswered:
        """Raise a row's event outside its times; its errors. Nobody is told that it is late."""
        raised = self._raised(row, fired, record, answers, recorded=recorded)
        if isinstance(raised, Exception):
            raise raised
        if isinstance(raised, Turn) and (raised.errors or row.failures):
            self._happened(row, raised.settled or fired, of_turn(record, raised), but=("late",))
        return raised

    def fail(self, piece: RaiseDue, why: str) -> Done:
        """Settle the occurrence of a row that killed the process as failed.

        A row that repeats is paused until somebody resumes it, because its next occurrence may do the same.
        """
        row = self._store.agenda.find(piece.id)
        if row is None or row.status is not Status.PENDING or row.due is None:
            return NOTHING
        now = self._now()
        settled, stands_for = going_on(row, now, self._settings.granularity)
        if settled.status is Status.PENDING:
            settled, why = replace(settled, status=Status.PAUSED), f"{why}; the schedule is paused"
        record = record_of(row, now, Outcome.FAILED, why, stands_for)
        self._settle(row, having_failed(settled), record)
        self._store.begun.unmark(piece.id)
        return NOTHING

    def give_up(self, id: str, why: str) -> None:
        """End a row that cannot be processed or read, with its occurrence failed."""
        self._store.agenda.give_up(id, self._now(), why)

    def resume(self, id: str, now: datetime) -> bool:
        """Resume a paused row; False if it is not paused."""
        row = self._store.agenda.find(id)
        if row is not None and self._goes_on(id):
            self._store.agenda.take((replace(row, paused_until=None), None), now)
            return False
        changed = None if row is None else resumed(row, now, self._settings.granularity)
        if changed is None:
            return False
        self._store.agenda.take(changed, now)
        self._store.agenda.note_change(Provenance(id, now, RESUMED, END_OF_PAUSE))
        self._store.interventions.add(now, RESUMED, END_OF_PAUSE, {"ids": [id]})
        return True

    def _skip(self, row: Scheduled, upto: datetime, now: datetime, why: str) -> None:
        """Settle the occurrences of a row up to a time, as the one before them was at work."""
        settled, stands_for = going_on(row, upto, self._settings.granularity)
        self._settle(row, settled, record_of(row, now, Outcome.SKIPPED, why, stands_for))

    def _settle(self, row: Scheduled, settled: Scheduled, record: Fire) -> None:
        """Settle and record an occurrence that caused no turn, and tell the rules."""
        self._store.settle(settled, record)
        self._happened(row, settled, record)

    def _happened(self, row: Scheduled, settled: Scheduled, record: Fire, but: Sequence[str] = ()) -> None:
        """Tell the rules and the alerts what happened to a schedule, and note that it paused itself."""
        if not row.is_schedule:
            return
        if settled.paused and not row.paused:
            change = Provenance(row.id, record.fired, "paused", ON_FAILURE, record.eid)
            self._store.agenda.note_change(change)
        tell_of(self._store, self._loaded, self._settings, row, settled, record, but)

    def _raised(
        self,
        row: Scheduled,
        settled: Scheduled,
        record: Fire,
        answers: Answers,
        *,
        tried_again: bool = False,
        recorded: bool = True,
        journalled: bool = True,
    ) -> Turn | Unanswered | Exception:
        """Raise a row's event and write its turn with the record; the error if that is not possible.

        With `tried_again` a rule's error is returned as well, and its turn dropped.
        """
        try:
            pico, event = self._target(row, record)
        except StoreError:
            raise
        except Exception as error:
            return error
        # The record is of the pico whose rules ran, which for an event sent by `event:send` is the receiver.
        if pico.id != record.pico_id:
            record = replace(record, pico_id=pico.id)
        return self._turns.raise_occurrence(
            pico,
            event,
            record,
            answers,
            settled,
            tried_again=tried_again,
            recorded=recorded,
            journalled=journalled,
        )

    def _target(self, row: Scheduled, record: Fire) -> tuple[Pico, Event]:
        """The target of a row's event: the ruleset that made it, or another pico, usually by channel."""
        if row.eci is None and not row.rid:  # from a source or a person, who are trusted
            eid = eid_of(record) if row.is_schedule else row.id
            event = Event(row.domain, row.type, dict(row.attrs), eid, record.fired)
            return self._loaded.load_pico(row.pico_id), event
        if row.eci is None:
            pico = self._loaded.load_running(row.pico_id, row.rid)
            eid = eid_of(record)
            return pico, Event(row.domain, row.type, dict(row.attrs), eid, record.fired, rids=(row.rid,))
        channel = self._loaded.load_channel(row.eci)
        if channel.kin and channel.kin != row.pico_id:
            raise PicoschedError(f"the channel {row.eci} is for its family only", "refused")
        refusal = channel.events.refusal(row.domain, row.type)
        if refusal:
            raise PicoschedError(f"the event {row.domain}:{row.type} is {refusal}", "refused")
        event = Event(row.domain, row.type, dict(row.attrs), row.id, record.fired, row.eci)
        return self._loaded.load_pico(channel.pico_id), event

    def _terms(self, row: Scheduled) -> Terms:
        """The terms for an occurrence of a row; PicoschedError if its window no longer exists."""
        window = spaced_from = None
        if row.window is not None:
            ruleset = None
            if row.rid:
                ruleset = self._loaded.load_running(row.pico_id, row.rid).installed[row.rid].ruleset
            entity = partial(self._store.entity, row.pico_id, row.rid)
            window = load_window(ruleset, self._settings, row.window, entity, self._loaded.made_windows)
        if row.kind == "repeat" and self._terms_of_all.min_period:
            spaced_from = row.spaced_from
            if spaced_from is None and row.fired is not None:  # written by a version without this field
                last = self._store.agenda.last_raised(row.id)
                spaced_from = None if last is None else last.nominal
        if window is None and spaced_from is None:
            return self._terms_of_all
        return replace(self._terms_of_all, window=window, spaced_from=spaced_from)
