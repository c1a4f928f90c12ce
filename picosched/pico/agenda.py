"""Lets rules schedule events, and change those that their own ruleset scheduled in this pico.

Who schedules one from outside comes here as well (`pico/outsider.py`), with the rid "": the same is checked,
and it counts for the same limits.

A change is a function of `schedule.changed`, applied to the row's current state: that of the store, with the
changes of the turn's earlier rules and of this rule. The result is part of the turn.

The events that one turn may schedule and change, and that a pico may have pending, are limited. All of
it is one idea: what a rule can do with a schedule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from picosched.clock import rounded_up
from picosched.errors import KrlError, PicoschedError
from picosched.krl.allowed import allowed_as
from picosched.krl.large_map import whole_of
from picosched.krl.moments import iso
from picosched.krl.scope import Program, ScheduledEvent, Value
from picosched.krl.text import json_text, json_value, measured, of_text
from picosched.krl.values import described, number, shown
from picosched.pico.reading import read_filter, read_time, read_timespec, texts_of
from picosched.pico.said import Said, Speaking
from picosched.pico.scheduled import SoFar
from picosched.pico.turn import WARNING, Turn
from picosched.pico.windows import READ, load_window
from picosched.schedule.changed import (
    Change,
    cancelled,
    fired_at_once,
    live,
    moved,
    paused,
    repeated,
    resumed,
)
from picosched.schedule.coming import coming
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.provenance import change_of
from picosched.schedule.scheduled import COMING, Next, Outcome, Scheduled
from picosched.schedule.shown import shown_fire, shown_row
from picosched.schedule.steering import KEEP, REPLACE, STEERING, read_steering
from picosched.timespec.almanac import how_often_named
from picosched.timespec.timespec import MAX_LENGTH, Timespec

REPLACED = "another took its name"

WRITTEN, NEXT = 400, 100
"""Steps for making or changing a row, including the write; for computing a next time."""
PERIOD, CALENDAR = 20_000, 10_000
"""Steps per part of a timespec for its period; for each calendar or time of the sun."""
ROW = 1_000
"""Bytes of a row besides its texts and attributes."""


class PicoAgenda:
    """The scheduled events of a pico for its rules: each changes only those of its own ruleset."""

    def __init__(self, effects: Speaking) -> None:
        self._effects = effects
        self._pico = effects.pico
        self.begin_turn()

    def begin_turn(self) -> None:
        self._done = 0
        """The number of events this turn scheduled, sent and changed so far."""
        self._coming: int | None = None
        """Events the pico had pending before this turn; None until needed."""
        self._by_name: dict[tuple[str, str], set[str]] = {}
        """(rid, name) → ids of rows with that name that any rule of this turn made or changed."""
        self._paid: set[tuple[str, ...]] = set()
        """Costs already charged to this turn that are charged only once."""

    # Making

    def schedule(
        self, domain: str, type: str, attrs: Value, line: int | None, when: Value, repeats: bool
    ) -> str:
        said, turn = self._speaking("schedule an event")
        attributes, size = measured(attrs)
        self._say(size + of_text(domain) + of_text(type))
        try:
            # Not the JSON copy: JSON has no infinity, and as null it would be ignored.
            steering = read_steering(
                attrs, repeat=repeats, time_of=lambda value, name: read_time(value, turn.now, name)
            )
        except PicoschedError as error:
            raise KrlError(error.message, code=error.code) from error
        made = Scheduled(
            id=self._effects.new_id(),
            pico_id=self._pico.id,
            rid=said.rid,
            domain=domain,
            type=type,
            attrs={key: value for key, value in attributes.items() if key not in STEERING},
            kind="repeat" if repeats else "at",
            due=None,
            created=turn.now,
            rule=said.rule,
            line=line,
            almanac=self._effects.settings.almanac,
            **steering.policy,
        )
        self._check_window(made.window)
        if repeats:
            made = self._repeating(made, self._timespec(when, steering.tz), steering.start)
        else:
            made = replace(made, **self._due(when, turn.now, made.put_off)._asdict())
        if made.name is not None and (repeats or steering.if_exists):
            if steering.if_exists == REPLACE:
                for each in self._so_far.found(Filter(name=made.name)):
                    if each.rid == made.rid:
                        self._cancel(each.id, REPLACED)
            else:
                # By default the first repeat of a name wins, as in the classic engine.
                kinds = ("at", "repeat") if steering.if_exists == KEEP else ("repeat",)
                if (first := self._so_far.first_named(made.name, kinds)) is not None:
                    return first.id
        return self._make(said, turn, made)

    def _make(self, said: Said, turn: Turn, made: Scheduled) -> str:
        """Add a row to the rule's effects; returns its id."""
        self._count()
        if self._coming is None:
            self._coming = self._pico.state.coming(self._pico.id)
        most = self._effects.settings.limits.max_pending
        if self._coming + len(turn.scheduled) + len(said.scheduled) >= most:
            self._check_room(said, turn, self._coming, most)
        said.scheduled[made.id] = made
        if made.name is not None:
            self._note_name(made)
        return made.id

    def _count(self) -> None:
        """Count one more event made or changed by this turn."""
        self._done += 1
        most = self._effects.settings.limits.max_scheduled
        if self._done > most:
            raise KrlError(
                f"the turn scheduled, sent or changed more than {most:,} events (max_scheduled); "
                "does a loop do it again and again?",
                code="too_large",
            )

    def _check_room(self, said: Said, turn: Turn, coming: int, most: int) -> None:
        """KrlError if the pico has reached its limit of pending events, without those ended in this turn."""
        new, changed = turn.scheduled.keys() | said.scheduled.keys(), self._so_far.changed()
        self._so_far.charge(len(changed))
        coming += sum((row.status in COMING) - (id not in new) for id, row in changed.items())
        if coming >= most:
            raise KrlError(
                f"found {coming:,} pending events of this pico, scheduled and sent, "
                f"wanted fewer than {most:,} (max_pending)",
                code="too_large",
            )

    def _check_window(self, name: str | None) -> None:
        if name is not None:
            rid, settings = self._effects.rid, self._effects.settings
            ruleset = self._pico.installed[rid].ruleset if rid else None
            entity, made = (
                lambda each: whole_of(self._pico.variable(rid, each)),
                self._pico.world.made_windows,
            )
            load_window(ruleset, settings, name, entity, made)

    def _due(self, at: Value, now: datetime, put_off: timedelta = timedelta()) -> Next:
        """The due time for `at` plus `put_off`; a time that has passed is due now."""
        time = read_time(at, now)
        try:
            due = (now if time <= now else rounded_up(time, self._effects.settings.granularity)) + put_off
        except OverflowError as cause:
            said = f"found {shown(at)} as the time of a schedule, which is past the last year, 9999"
            raise KrlError(said) from cause
        return Next(due, time if due != time > now else None)

    def _repeating(self, made: Scheduled, timespec: Timespec, start: datetime | None) -> Scheduled:
        if timespec.open:
            self._pico.budget.charge(_cost(timespec.text))  # it is read again, with its start
        try:
            changed = repeated(made, timespec, made.created, self._effects.settings.granularity, start)
        except PicoschedError as error:
            raise KrlError(error.message, code=error.code) from error
        assert changed is not None
        self._warn_of(timespec, made.created)
        return changed[0]

    def _warn_of(self, timespec: Timespec, now: datetime) -> None:
        """Warn in the turn's log about a timespec that repeats faster than `min_period`, or whose calendars
        end."""
        if ending := timespec.ending(now):
            self._effects.log(WARNING, f'the timespec "{timespec}": {ending}')
        least = timedelta(seconds=self._effects.settings.min_period)
        if least:
            self._pay_once((timespec.text, timespec.tz, "period"), PERIOD * (timespec.parts - 1))
        period = timespec.period() if least else None
        if period is not None and period < least:
            self._effects.log(
                WARNING,
                f'the timespec "{timespec}" comes every {period.total_seconds():g} s: what comes less than '
                f"{least.total_seconds():g} s (min_period) after the last fire is throttled",
            )

    # Changing

    def cancel(self, id: str) -> bool:
        return self._cancel(id)

    def _cancel(self, id: str, reason: str | None = None) -> bool:
        said, turn = self._speaking("cancel a scheduled event")
        if id not in said.scheduled and id not in turn.scheduled:
            return self._change(id, "cancelled", lambda row: cancelled(row, turn.now, turn.cause, reason))
        if self._so_far.coming(id) is None:
            return False
        # Made and cancelled in one turn, so it leaves no trace.
        self._count()
        said.scheduled.pop(id, None)
        said.unmade.add(id)
        return True

    def pause(self, id: str, until: Value = None) -> bool:
        _, turn = self._speaking("pause a scheduled event")
        time = None if until is None else read_time(until, turn.now, "the end of a pause")
        return self._change(id, "paused", lambda row: paused(row, time))

    def resume(self, id: str) -> bool:
        _, turn = self._speaking("resume a scheduled event")
        granularity = self._effects.settings.granularity
        return self._change(id, "resumed", lambda row: resumed(row, turn.now, granularity))

    def move(self, id: str, to: Value) -> bool:
        _, turn = self._speaking("move a scheduled event")
        due, asked = self._due(to, turn.now)
        granularity = self._effects.settings.granularity
        return self._change(
            id, "moved", lambda row: moved(row, asked or due or turn.now, turn.now, granularity)
        )

    def reschedule(self, id: str, timespec: Value, tz: Value = None) -> bool:
        _, turn = self._speaking("reschedule an event")
        if tz is not None and not isinstance(tz, str):
            raise KrlError(f"found {described(tz)} as a time zone, wanted a String")
        found = self._so_far.coming(id)
        spec = self._timespec(timespec, tz or (found.tz if found is not None else "UTC"))
        granularity = self._effects.settings.granularity
        done = self._change(id, "rescheduled", lambda row: repeated(row, spec, turn.now, granularity))
        if done:
            self._warn_of(spec, turn.now)
        return done

    def fire_now(self, id: str) -> bool:
        """Raise its event in this turn, outside its times."""
        said, turn = self._speaking("fire a scheduled event")
        found = self._so_far.coming(id)
        fired = None if found is None else fired_at_once(found, turn.now)
        if fired is None:
            return False
        why = f"the rule {said.rid}.{said.rule} fired it outside its times"
        record = Fire(id, fired.pico_id, turn.now, turn.now, Outcome.FIRED, turn.eid, why=why)
        self._effects.raise_event(fired.domain, fired.type, dict(fired.attrs), (fired.rid,))
        self._put(fired)
        said.records.append(record)
        return True

    def _change(self, id: str, what: str, change: Change) -> bool:
        """Apply a change to one of this ruleset's rows; False if there is none or it does not apply."""
        said, turn = self._speaking("change what is scheduled")
        self._say(0)
        found = self._so_far.coming(id)
        try:
            changed = None if found is None else change(found)
        except PicoschedError as error:
            raise KrlError(error.message, code=error.code) from error
        if found is None or changed is None:
            return False
        row, record = changed
        self._put(row)
        said.provenance.append(change_of(found, row, turn.now, what, said.by, turn.cause))
        if record is not None:
            said.records.append(record)
        return True

    def _put(self, row: Scheduled) -> None:
        said, turn = self._speaking("change what is scheduled")
        self._count()
        new = row.id in said.scheduled or row.id in turn.scheduled
        (said.scheduled if new else said.rescheduled)[row.id] = row
        if row.name is not None:
            self._note_name(row)

    def _note_name(self, row: Scheduled) -> None:
        self._by_name.setdefault((row.rid, row.name or ""), set()).add(row.id)

    # Sending

    def send(self, eci: str, domain: str, type: str, attrs: Value) -> str:
        said, turn = self._speaking("send an event")
        copy, size = measured(attrs)
        self._say(size + of_text(eci) + of_text(domain) + of_text(type))
        self._effects.check_eci(eci)
        made = Scheduled(
            id=self._effects.new_id(),
            pico_id=self._pico.id,
            rid=said.rid,
            domain=domain,
            type=type,
            attrs=copy,
            kind="send",
            due=turn.now,
            created=turn.now,
            rule=said.rule,
            eci=eci,
        )
        return self._make(said, turn, made)

    def run(self, program: Program) -> str:
        said, turn = self._speaking("run a program")
        try:
            allowed_as(program, self._effects.settings.proc_allow)
        except PicoschedError as error:
            raise KrlError(error.message, code=error.code) from error
        attrs = asdict(program)
        self._say(sum(map(of_text, texts_of(attrs))))
        made = Scheduled(
            id=self._effects.new_id(),
            pico_id=self._pico.id,
            rid=said.rid,
            domain="proc",
            type="finished",
            attrs=attrs,
            kind="proc",
            due=None,
            created=turn.now,
            rule=said.rule,
            name=program.name,
            started_by=turn.works_for,
        )
        return self._make(said, turn, made)

    # Reading

    def pending(self) -> Sequence[ScheduledEvent]:
        return self._so_far.found(Filter())

    def made(self) -> Sequence[ScheduledEvent]:
        return self._so_far.made()

    def matching(self, which: Value) -> Sequence[ScheduledEvent]:
        return self._so_far.found(read_filter(which, self._pico.now))

    def find(self, id: str) -> ScheduledEvent | None:
        return self._so_far.find(id)

    def show(self, id: str) -> Mapping[str, Value] | None:
        found = self._so_far.find(id)
        return None if found is None else _plain(shown_row(found, iso))

    def next_times(self, id: str, count: int) -> Sequence[datetime]:
        found = self._so_far.find(id)
        if found is None or not live(found):
            return []
        self._pico.budget.charge(count * (NEXT + 2 * len(found.timespec or "")))
        return [*islice(coming(found, self._effects.settings.granularity), count)]

    def fires(self, id: str, limit: int) -> Sequence[Mapping[str, Value]]:
        if self._so_far.find(id) is None:
            return []
        found = self._pico.state.fires(self._pico.id, id, limit)
        self._so_far.charge(len(found))
        return [_plain(shown_fire(each, iso)) for each in found]

    @property
    def _so_far(self) -> SoFar:
        pico, effects = self._pico, self._effects
        return SoFar(pico.state, pico.budget, pico.id, effects.rid, effects.said, effects.turn, self._by_name)

    def _timespec(self, value: Value, tz: str) -> Timespec:
        plain = read_timespec(value)
        text = plain if isinstance(plain, str) else json_text(plain)
        self._pay_once((text, tz), _cost(text))
        try:
            return Timespec.parse(plain, tz, self._effects.settings.almanac)
        except PicoschedError as error:
            raise KrlError(error.message, code=error.code) from error

    def _pay_once(self, what: tuple[str, ...], steps: int) -> None:
        """Charge steps for work whose result is cached."""
        if what not in self._paid:
            self._pico.budget.charge(steps)
            self._paid.add(what)

    def _say(self, size: int) -> None:
        """Charge for making or changing a row, including the write."""
        self._effects.say(ROW + size, steps=WRITTEN)

    def _speaking(self, verb: str) -> tuple[Said, Turn]:
        said, turn = self._effects.speaking(verb), self._effects.turn
        assert turn is not None
        return said, turn


def _cost(text: str) -> int:
    """Steps for reading a timespec."""
    return READ * min(len(text), MAX_LENGTH) + CALENDAR * how_often_named(text)


def _plain(shown: Mapping[str, Any]) -> dict[str, Value]:
    """A copy of a map for rules, with numbers as in KRL."""
    numbers = {key: number(value) for key, value in shown.items() if isinstance(value, float)}
    return {**json_value(dict(shown)), **numbers}
