"""Turns: an event is evaluated in its pico, and what came of it is written, in one open transaction.

A turn comes about in two ways. Somebody raises an event; or a scheduled event is due, and raising it again,
its fire record and its next due time go into the same transaction. Everything here runs inside
a transaction and touches nothing outside it but the picos in memory, which are forgotten if it is undone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from picosched.clock import to_ms
from picosched.errors import PicoschedError
from picosched.pico.evaluate import evaluate
from picosched.pico.event import Event
from picosched.pico.pico import Pico
from picosched.pico.said import Answers, Unanswered
from picosched.pico.turn import Turn
from picosched.pico.windows import load_window
from picosched.schedule.changed import OF_CALENDAR, fired_at_once, live, resumed
from picosched.schedule.fire import Fire
from picosched.schedule.occurrence import Terms, dealt_with
from picosched.schedule.scheduled import Misfire, Outcome, Scheduled, Status
from picosched.settings import Settings
from picosched.store.faults import StoreError
from picosched.store.store import Store, of_turn
from picosched.turns.install import carry_out
from picosched.turns.memory import Loaded


class Raising:
    """Raises events and scheduled events into picos. For one thread at a time, inside a transaction."""

    def __init__(
        self,
        store: Store,
        loaded: Loaded,
        settings: Settings,
        now: Callable[[], datetime],
        came: Callable[[Turn], None],
    ) -> None:
        self._store = store
        self._loaded = loaded
        self._settings = settings
        self._misfire = Misfire(settings.misfire)
        period = timedelta(seconds=settings.min_period)
        self._terms_of_all = Terms(self._misfire, settings.granularity, period)
        self._now = now
        self._came = came
        """Called with each turn that was written."""

    def raise_event(self, pico_id: str, event: Event, answers: Answers | None = None) -> Turn | Unanswered:
        """Evaluate an event in a pico and write the turn; nothing if it needs an answer from outside.

        One that came before, by its key, is not handled again: its turn is an empty one.
        """
        deliveries = self._store.deliveries
        before = None if event.once is None else deliveries.received(pico_id, event.once)
        if before is not None:
            return Turn(before[0], pico_id, before[1], event.eci, repeated=True)
        try:
            turn = self._evaluated(self._loaded.load_pico(pico_id), event, answers)
        except Unanswered as wanted:
            return wanted
        self._keep(turn)
        if event.once is not None:
            deliveries.receive(pico_id, event.once, event.eid, event.time)
        return turn

    def raise_scheduled(
        self, id: str, looks: Sequence[datetime], answers: Answers | None = None
    ) -> tuple[bool, datetime] | Unanswered | None:
        """Raise a row that was due at the last of our looks, and settle it, whatever comes of it.

        Gives whether its event was raised, and when the row was made; None if it is not due any more: an
        earlier turn may have cancelled it. If it needs an answer from outside, it stays due.
        """
        row = self._store.agenda.find(id)
        if row is None or row.status is not Status.PENDING or row.due is None or row.due > looks[-1]:
            return None
        now = self._now() if answers is None else answers.first(self._now())
        due = row.due
        upto = due if (row.misfire or self._misfire) is Misfire.ALL else max(due, now)
        try:
            # Of edges that were missed together the last one counts, unless each is wanted.
            row = row.with_edge(upto)
            dealt = dealt_with(row, due, looks[bisect_left(looks, due)], now, self._terms(row))
        except StoreError:
            raise
        except PicoschedError as error:  # its ruleset, its window or its zone is gone
            settled, stands_for = self._going_on(row, upto)
            failed = Fire(id, row.pico_id, due, now, Outcome.FAILED, why=str(error), stands_for=stands_for)
            self._store.settle(settled, failed)
            return False, row.created
        settled = dealt.row
        record = Fire(id, row.pico_id, due, now, dealt.outcome, why=dealt.why, stands_for=dealt.stands_for)
        if dealt.why is None:
            try:
                raised = self._raised(row, settled, record, answers)
            except Unanswered as wanted:
                return wanted
            if isinstance(raised, Turn):
                return True, row.created
            record = replace(record, outcome=Outcome.FAILED, why=str(raised))
            settled = replace(settled, spaced_from=row.spaced_from)
        self._store.settle(settled, record)
        return False, row.created

    def fail(self, id: str, why: str) -> None:
        """Settle the occurrence of a row that kills the process: it failed.

        A repeat is paused, as its next occurrence may do the same; somebody has to look at it first.
        """
        row = self._store.agenda.find(id)
        if row is None or row.status is not Status.PENDING or row.due is None:
            return
        now = self._now()
        settled, stands_for = self._going_on(row, now)
        if settled.status is Status.PENDING:
            settled, why = replace(settled, status=Status.PAUSED), f"{why}; the schedule is paused"
        self._store.settle(
            settled, Fire(id, row.pico_id, row.due, now, Outcome.FAILED, why=why, stands_for=stands_for)
        )
        self._store.begun.unmark(id)

    def _going_on(self, row: Scheduled, upto: datetime) -> tuple[Scheduled, int]:
        """A row whose occurrence failed, with its next due time, and how many occurrences ended with it.

        It is finished if its next due time cannot be told any more.
        """
        granularity = self._settings.granularity
        try:
            return row.settled(upto, granularity), row.passed(upto, granularity)
        except PicoschedError:
            return replace(row, due=None, status=Status.FINISHED), 1

    def _terms(self, row: Scheduled) -> Terms:
        """What decides about an occurrence of a row; PicoschedError if its window is not there any more."""
        window = spaced_from = None
        if row.window is not None:
            ruleset = self._loaded.load_running(row.pico_id, row.rid).installed[row.rid].ruleset
            window = load_window(ruleset, self._settings.windows, row.window)
        if row.kind == "repeat" and self._terms_of_all.min_period:
            spaced_from = row.spaced_from
            if spaced_from is None and row.fired is not None:  # it was written before that was kept
                last = self._store.agenda.last_raised(row.id)
                spaced_from = None if last is None else last.nominal
        if window is None and spaced_from is None:
            return self._terms_of_all
        return replace(self._terms_of_all, window=window, spaced_from=spaced_from)

    def fire_now(self, id: str, why: str, answers: Answers | None = None) -> Turn | Unanswered:
        """Raise a row's event outside its times, and record it.

        `not_found` if it is not to come; what is wrong with its ruleset or its channel.
        """
        row = self._store.agenda.find(id)
        fired = None if row is None else fired_at_once(row, self._now())
        if row is not None and row.kind == "window" and live(row):
            raise PicoschedError(f"{id} is {OF_CALENDAR}")
        if row is None or fired is None:
            raise PicoschedError(f"nothing that is still to come has the id {id}", "not_found")
        now = self._now() if answers is None else answers.first(self._now())
        nominal = self._store.agenda.free(id, now)
        record = Fire(id, row.pico_id, nominal, nominal, Outcome.FIRED, why=why)
        try:
            raised = self._raised(row, fired, record, answers)
        except Unanswered as wanted:
            return wanted
        if not isinstance(raised, Turn):
            raise raised
        return raised

    def resume(self, id: str, now: datetime) -> bool:
        """Let a paused row go on; False if it is not paused."""
        row = self._store.agenda.find(id)
        changed = None if row is None else resumed(row, now, self._settings.granularity)
        if changed is None:
            return False
        self._store.agenda.take(changed, now)
        return True

    def _target(self, row: Scheduled, record: Fire) -> tuple[Pico, Event]:
        """Where a row's event goes: to the ruleset that made it, or to another pico, mostly by a channel."""
        if row.eci is None and not row.rid:  # by a source, which is trusted
            event = Event(row.domain, row.type, dict(row.attrs), row.id, record.fired)
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

    def _raised(
        self, row: Scheduled, settled: Scheduled, record: Fire, answers: Answers | None
    ) -> Turn | Exception:
        """Raise a row's event and write its turn with the record; the error if that is not possible.

        The rules see this occurrence as done, and the next as to come.
        """
        return self.raise_occurrence(lambda: self._target(row, record), record, answers, settled)

    def raise_occurrence(
        self,
        target: Callable[[], tuple[Pico, Event]],
        record: Fire,
        answers: Answers | None,
        settled: Scheduled | None = None,
        *,
        recorded: bool = True,
        journalled: bool = True,
    ) -> Turn | Exception:
        """Raise an event where `target` tells and write its turn with the record; the error if it cannot be.

        Raises Unanswered, with nothing written, where the turn needs an answer from outside.
        """
        changes = self._store.changes
        try:
            turn = self._evaluated(*target(), answers, settled)
            self._keep(turn, of_turn(record, turn), recorded=recorded, journalled=journalled)
            return turn
        except StoreError:
            raise
        except Exception as error:
            # Whatever is wrong with it, it must not be due for ever. What is half written must not stay.
            if self._store.changes != changes:
                raise
            return error

    def _evaluated(
        self, pico: Pico, event: Event, answers: Answers | None, settled: Scheduled | None = None
    ) -> Turn:
        turn = evaluate(pico, event, self._settings, answers, settled)
        for error in turn.errors:
            if isinstance(error.__cause__, StoreError):  # not the rule's fault, so not its outcome either
                raise error.__cause__
        return turn

    def _keep(
        self, turn: Turn, fire: Fire | None = None, *, recorded: bool = True, journalled: bool = True
    ) -> None:
        if turn.changes:
            self._loaded.forget(turn.pico_id)  # its rulesets, its channels: all is read anew
            with self._store.savepoint():
                self._store.write(turn, fire, recorded=recorded, journalled=journalled)
                carry_out(self._store, self._loaded, turn)
        else:
            self._store.write(turn, fire, recorded=recorded, journalled=journalled)
            self._loaded.load_pico(turn.pico_id).apply(turn)
        self._came(turn)


def eid_of(fire: Fire) -> str:
    """The id of the event that an occurrence raises: always the same, and no other's."""
    return blake2b(f"{fire.id} {to_ms(fire.nominal)}".encode(), digest_size=16).hexdigest()
