"""Turns: evaluates an event in its pico and writes the result, in the open transaction.

A turn starts when somebody raises an event or when something is due (`due/`), whose record is written in the
same transaction. The channel of an event or query and its policy are checked here and nowhere else. All code
here runs inside the store's lock and touches nothing else except the picos in memory, which are discarded if
the transaction is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from picosched.audit import deed_of
from picosched.clock import to_ms
from picosched.errors import PicoschedError
from picosched.frozen import replace
from picosched.hashed import id_of
from picosched.intervention import ENGINE, SCHEDULED, TRIED
from picosched.krl.budget import Postponed
from picosched.pico.evaluate import answer, evaluate
from picosched.pico.event import Event
from picosched.pico.pico import Pico
from picosched.pico.said import Answers, Unanswered
from picosched.pico.turn import Turn
from picosched.schedule.failing import having_failed
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings
from picosched.store.faults import StoreError
from picosched.store.store import Store, of_turn
from picosched.turns import windows as edges
from picosched.turns.install import carry_out
from picosched.turns.memory import Loaded
from picosched.turns.pieces import AskPassing, AskQuery, Later, MakeSchedule, RaiseEvent

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset
    from picosched.schedule.new_schedule import NewSchedule
    from picosched.turns.traces import Traces

SCHEDULE_KEY = "schedule\n"
"""What keys of schedules begin with, among those of events: no header has a line break."""


class Turns:
    """Evaluates events and queries in picos. For one thread at a time; events inside a transaction."""

    def __init__(
        self,
        store: Store,
        loaded: Loaded,
        settings: Settings,
        now: Callable[[], datetime],
        came: Callable[[Turn], None],
        traces: Traces | None = None,
    ) -> None:
        self._store = store
        self._loaded = loaded
        self._settings = settings
        self._now = now
        self._came = came
        """Called with each written turn."""
        self._traces = traces

    def raise_event(self, piece: RaiseEvent) -> Turn | Unanswered | Later:
        """Evaluate an event in its pico and write the turn; write nothing if it needs an outside answer.

        `Later` if a light try would take too long: nothing is written, and it can be tried again without
        `light`. An event whose key the pico has seen is not handled again: its turn is empty. `not_found` if
        there is no such channel, `refused` by its policy.
        """
        event, pico_id = piece.event, piece.pico_id
        if pico_id is None:
            channel = self._loaded.load_channel(event.eci or "")
            channel.check_event(event.domain, event.type)
            pico_id = channel.pico_id
        if event.once is not None:
            before = self._store.deliveries.received(pico_id, event.once)
            if before is not None:
                return Turn(before[0], pico_id, before[1], event.eci, repeated=True)
        if piece.light and not self._loaded.at_hand(pico_id):
            return Later.HEAVY
        pico = self._loaded.load_pico(pico_id)
        try:
            turn = self._evaluated(pico, event, piece.answers, light=piece.light)
        except Unanswered as wanted:
            return wanted
        except Postponed:
            return Later.HEAVY
        if piece.light and turn.changes:
            self._loaded.forget(pico_id)  # the rules saw the changes already
            return Later.HEAVY
        self._keep(pico, turn)
        if piece.by is not None:
            told = f"{event.domain}:{event.type} in the pico {pico.name} ({pico_id})"
            self._store.audit.add(deed_of(piece.by, turn.now, "raised", "event", event.eid, told))
        if event.once is not None:
            self._store.deliveries.receive(pico_id, event.once, event.eid, event.time)
        return turn

    def make_schedule(self, piece: MakeSchedule) -> NewSchedule:
        """Schedule an event for somebody outside. `not_found` if there is no such pico; KrlError as a rule's.

        With a key that the pico has seen nothing is done: the schedule is the one that was made then.
        """
        from picosched.pico.outsider import schedule  # late: few commands do
        from picosched.schedule.new_schedule import NewSchedule

        event, pico_id, agenda = piece.event, piece.pico_id, self._store.agenda
        key = None if event.once is None else f"{SCHEDULE_KEY}{event.once}"
        before = None if key is None else self._store.deliveries.received(pico_id, key)
        if before is not None:
            row = agenda.find(before[0])
            if row is None:
                raise PicoschedError(f"the schedule {before[0]}, made with this key, is gone", "not_found")
            return NewSchedule(row, is_new=False)
        pico = self._loaded.load_pico(pico_id)
        known = event, piece.when, piece.maker, self._settings, piece.drawn
        turn, id = schedule(pico, *known, repeats=piece.repeats)
        self._store.write(turn, journalled=False)
        self._came(turn)
        if key is not None:
            self._store.deliveries.receive(pico_id, key, id, event.time)
        row = agenda.find(id)
        assert row is not None
        if id in turn.scheduled:
            told = {"id": id, "before": [*turn.cancelled], **_arguments(piece)}
            self._store.interventions.add(turn.now, SCHEDULED, piece.maker, told)
        if piece.by is not None and id in turn.scheduled:
            instead = f", instead of {', '.join(turn.cancelled)}" if turn.cancelled else ""
            named = "" if row.name is None else f" ({row.name})"
            shown = f"{row.event}{named} in the pico {pico.name} ({pico_id}){instead}"
            self._store.audit.add(deed_of(piece.by, turn.now, "scheduled", "schedule", id, shown))
        return NewSchedule(row, id in turn.scheduled, turn.warnings)

    def answer(self, piece: AskQuery) -> Any:
        """The answer to a query. Unanswered, `Later` and errors as for `raise_event`."""
        if self._store.shards is None:
            return self._answer(piece)
        with self._store.snapshot():  # others write meanwhile
            return self._answer(piece)

    def _answer(self, piece: AskQuery) -> Any:
        query, pico_id = piece.query, piece.pico_id
        if pico_id is None:
            channel = self._loaded.load_channel(query.eci or "")
            channel.check_query(query.rid, query.name)
            pico_id = channel.pico_id
        if piece.light and not self._loaded.at_hand(pico_id, query.rid):
            return Later.HEAVY
        pico = self._loaded.load_running(pico_id, query.rid)
        now, asked = piece.answers.first(self._now()), self._loaded.asked
        try:
            value = answer(pico, query, now, piece.answers, light=piece.light)
        except Unanswered as wanted:
            return wanted
        except Postponed:
            return Later.HEAVY
        except PicoschedError as error:
            asked.add(pico_id, query, now, error.message)
            raise
        asked.add(pico_id, query, now)
        return value

    def check_passing(self, piece: AskPassing) -> None:
        """`not_found` if there is no such channel, `refused` by its policy."""
        channel = self._loaded.load_channel(piece.eci)
        if piece.event is not None:
            channel.check_event(*piece.event)
        if piece.query is not None:
            channel.check_query(*piece.query)

    def raise_occurrence(
        self,
        pico: Pico,
        event: Event,
        record: Fire,
        answers: Answers,
        settled: Scheduled | None = None,
        *,
        tried_again: bool = False,
        recorded: bool = True,
        journalled: bool = True,
        entry: str | None = None,
    ) -> Turn | Unanswered | Exception:
        """Evaluate the event of an occurrence and write its turn with the record, or return the error.

        Unanswered, with nothing written, if the turn needs an answer from outside. The rules see the row as
        `settled`: with this occurrence done and the next one pending. If it is to be `tried_again`, a turn in
        which a rule fails is dropped, and that error returned.
        """
        changes = self._store.changes
        try:
            turn = self._evaluated(pico, event, answers, settled, entry=entry)
            if turn.errors and tried_again:
                self._loaded.forget(pico.id)  # the rules may have seen changes to their pico
                if turn.inputs:
                    told = {"id": record.id, "nominal": to_ms(record.nominal), "inputs": turn.inputs}
                    self._store.interventions.add(turn.now, TRIED, ENGINE, told)
                return turn.errors[0]
            if settled is not None and (turn.errors or settled.failures):
                _count_failure(turn, settled)
            self._keep(pico, turn, of_turn(record, turn), recorded=recorded, journalled=journalled)
            return turn
        except Unanswered as wanted:
            return wanted
        except StoreError:
            raise
        except Exception as error:
            # It must not stay due forever, so return the error; unless something is written, which must
            # be rolled back.
            if self._store.changes != changes:
                raise
            return error

    def _evaluated(
        self,
        pico: Pico,
        event: Event,
        answers: Answers,
        settled: Scheduled | None = None,
        *,
        light: bool = False,
        entry: str | None = None,
    ) -> Turn:
        if self._traces is not None:
            self._traces.begin(pico, event, answers, settled)
        turn = evaluate(pico, event, self._settings, answers, settled, light=light, entry=entry)
        for error in turn.errors:
            if isinstance(error.__cause__, StoreError):  # not the rule's fault, so not its outcome
                raise error.__cause__
        return turn

    def _keep(
        self,
        pico: Pico,
        turn: Turn,
        fire: Fire | None = None,
        *,
        recorded: bool = True,
        journalled: bool = True,
    ) -> None:
        if self._traces is not None:
            self._traces.mark(turn)
        changed: list[Ruleset] = []  # those with windows that depend on variables which it changed
        for rid, name in turn.entities:
            each = pico.installed.get(rid)
            if each is not None and name in each.ruleset.window_variables and each.ruleset not in changed:
                edges.warn_of(pico, turn, each.ruleset)
                changed.append(each.ruleset)
        if turn.changes:
            self._loaded.forget(turn.pico_id)  # its rulesets and channels are read again
            with self._store.savepoint():
                self._store.write(turn, fire, recorded=recorded, journalled=journalled)
                carry_out(self._store, self._loaded, turn)
        else:
            self._store.write(turn, fire, recorded=recorded, journalled=journalled)
            pico.apply(turn)
        for ruleset in changed:
            edges.follow(self._store, self._loaded, turn.pico_id, ruleset, turn.now)
        if self._traces is not None:
            self._traces.write(turn, fire)
        self._came(turn)


def _count_failure(turn: Turn, settled: Scheduled) -> None:
    """Count in the row of a turn, which its rules may have changed, whether the occurrence failed."""
    turn.settled = having_failed(settled) if turn.errors else replace(settled, failures=0)
    changed = turn.rescheduled.get(settled.id)
    if changed is not None:
        turn.rescheduled[settled.id] = replace(changed, failures=turn.settled.failures)


def eid_of(fire: Fire) -> str:
    """The id of the event that an occurrence raises: deterministic and unique."""
    return id_of(f"{fire.id} {to_ms(fire.nominal)}")


def _arguments(piece: MakeSchedule) -> dict[str, Any]:
    """What it takes to make a schedule again."""
    event = piece.event
    raised = {"pico": piece.pico_id, "domain": event.domain, "type": event.type, "attrs": event.attrs}
    return {**raised, "when": piece.when, "repeats": piece.repeats, "drawn": piece.drawn}
