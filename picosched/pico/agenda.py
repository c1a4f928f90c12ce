"""What a rule says of what is scheduled: make it, and change what its own ruleset has made in this pico.

A change is a step of `schedule.changed`, taken on the row as this turn has it so far: as the store has it,
then as the turn's rules before this one left it, then as this rule did. The turn carries the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from picosched.errors import KrlError, PicoschedError
from picosched.krl.library.time import iso
from picosched.krl.scope import Program, ScheduledEvent, Value
from picosched.krl.text import json_text, json_value, measured, of_text
from picosched.krl.values import described, number, shown
from picosched.pico.reading import read_filter, read_time, read_timespec, texts_of
from picosched.pico.turn import WARNING, Turn
from picosched.pico.windows import load_window
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
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome, Scheduled, coming, rounded_up
from picosched.schedule.shown import shown_fire, shown_row
from picosched.schedule.steering import KEEP, REPLACE, STEERING, UNTIL, read_steering
from picosched.schedule.timespec import MAX_LENGTH, Timespec

if TYPE_CHECKING:
    from picosched.pico.effects import PicoEffects, Said

REPLACED = "another took its name"

WRITTEN, LOOK, LISTED, NEXT = 400, 60, 30, 100
"""Steps of a row made or changed, with writing it; of one looked up; of one in a list; of a next time."""
READ, PERIOD = 60, 20_000
"""Steps of each character of a timespec that is read, and of each part of one whose period is found."""
ROW = 1_000
"""Bytes of a row besides its texts and attributes."""


class PicoAgenda:
    """What is scheduled, as the rules of a pico see it: each only what its own ruleset made."""

    def __init__(self, effects: PicoEffects) -> None:
        self._effects = effects
        self._pico = effects.pico
        self.paid: set[tuple[str, ...]] = set()
        """What the turn at hand has paid for, and needs to pay for once."""

    # Making

    def schedule(
        self, domain: str, type: str, attrs: Value, line: int, *, at: Value = None, repeat: Value = None
    ) -> str:
        said, turn = self._speaking("schedule an event")
        attributes, size = measured(attrs)
        self._say(size + of_text(domain) + of_text(type))
        try:
            steering = read_steering(
                attributes, repeat=repeat is not None, time_of=lambda value: read_time(value, turn.now, UNTIL)
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
            kind="at" if repeat is None else "repeat",
            due=None,
            created=turn.now,
            rule=said.rule,
            line=line,
            name=steering.name,
            misfire=steering.misfire,
            until=steering.until,
            count=steering.count,
            jitter=steering.jitter,
            window=self._window(steering.window),
            description=steering.description,
        )
        if repeat is None:
            made = replace(made, due=self._due(at, turn.now) + made.put_off)
        else:
            made = self._repeating(made, self._timespec(repeat, steering.tz))
        if made.name is not None and (repeat is not None or steering.if_exists):
            already = [each for each in self._pending() if each.name == made.name]
            if steering.if_exists == REPLACE:
                for each in already:
                    self._cancel(each.id, REPLACED)
            else:
                # Without a word, the first repeat of a name wins, as in the classic engine.
                kept = (each for each in already if steering.if_exists == KEEP or each.kind == "repeat")
                if (first := next(kept, None)) is not None:
                    return first.id
        said.scheduled[made.id] = made
        return made.id

    def _window(self, name: str | None) -> str | None:
        if name is not None:
            rid = self._effects.rid
            load_window(self._pico.installed[rid].ruleset, self._effects.settings.windows, name)
        return name

    def _due(self, at: Value, now: datetime) -> datetime:
        """The due time of `at`; what has passed is due now."""
        time = read_time(at, now)
        try:
            return now if time <= now else rounded_up(time, self._effects.settings.granularity)
        except OverflowError as cause:
            raise KrlError(
                f"found {shown(at)} as the time of a schedule, which is past the last year, 9999"
            ) from cause

    def _repeating(self, made: Scheduled, timespec: Timespec) -> Scheduled:
        try:
            changed = repeated(made, timespec, made.created, self._effects.settings.granularity)
        except PicoschedError as error:
            raise KrlError(error.message, code=error.code) from error
        assert changed is not None
        self._warn_of(timespec)
        return changed[0]

    def _warn_of(self, timespec: Timespec) -> None:
        """Say in the turn's log that a timespec is faster than one schedule may fire."""
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
        self._pico.budget.charge(LOOK)
        if id not in said.scheduled and id not in turn.scheduled:
            return self._change(id, lambda row: cancelled(row, turn.now, turn.eid, reason))
        if self._coming(id) is None:
            return False
        # Made and cancelled in one turn: it never was.
        said.scheduled.pop(id, None)
        said.unmade.add(id)
        return True

    def pause(self, id: str, until: Value = None) -> bool:
        _, turn = self._speaking("pause a scheduled event")
        time = None if until is None else read_time(until, turn.now, "the end of a pause")
        return self._change(id, lambda row: paused(row, time))

    def resume(self, id: str) -> bool:
        _, turn = self._speaking("resume a scheduled event")
        return self._change(id, lambda row: resumed(row, turn.now, self._effects.settings.granularity))

    def move(self, id: str, to: Value) -> bool:
        _, turn = self._speaking("move a scheduled event")
        due = self._due(to, turn.now)
        return self._change(id, lambda row: moved(row, due, turn.now, 1))

    def reschedule(self, id: str, timespec: Value, tz: Value = None) -> bool:
        _, turn = self._speaking("reschedule an event")
        if tz is not None and not isinstance(tz, str):
            raise KrlError(f"found {described(tz)} as a time zone, wanted a String")
        found = self._coming(id)
        spec = self._timespec(timespec, tz or (found.tz if found is not None else "UTC"))
        granularity = self._effects.settings.granularity
        done = self._change(id, lambda row: repeated(row, spec, turn.now, granularity))
        if done:
            self._warn_of(spec)
        return done

    def fire_now(self, id: str) -> bool:
        """Raise its event in this turn, as one that fired outside its times."""
        said, turn = self._speaking("fire a scheduled event")
        found = self._coming(id)
        fired = None if found is None else fired_at_once(found, turn.now)
        if fired is None:
            return False
        why = f"the rule {said.rid}.{said.rule} fired it outside its times"
        record = Fire(id, fired.pico_id, turn.now, turn.now, Outcome.FIRED, turn.eid, why=why)
        self._effects.raise_event(fired.domain, fired.type, dict(fired.attrs), (fired.rid,))
        self._put(fired)
        said.records.append(record)
        return True

    def _change(self, id: str, change: Change) -> bool:
        """Take a step with one of this ruleset's rows; False where there is no such row or no such step."""
        said, _ = self._speaking("change what is scheduled")
        self._say(0)
        found = self._coming(id)
        try:
            changed = None if found is None else change(found)
        except PicoschedError as error:
            raise KrlError(error.message, code=error.code) from error
        if changed is None:
            return False
        row, record = changed
        self._put(row)
        if record is not None:
            said.records.append(record)
        return True

    def _put(self, row: Scheduled) -> None:
        said, turn = self._speaking("change what is scheduled")
        (said.scheduled if row.id in said.scheduled or row.id in turn.scheduled else said.rescheduled)[
            row.id
        ] = row

    # Sending

    def send(self, eci: str, domain: str, type: str, attrs: Value) -> str:
        said, turn = self._speaking("send an event")
        copy, size = measured(attrs)
        self._say(size + of_text(eci) + of_text(domain) + of_text(type))
        id = self._effects.new_id()
        said.scheduled[id] = Scheduled(
            id=id,
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
        return id

    def run(self, program: Program) -> str:
        said, turn = self._speaking("run a program")
        if program.path not in self._effects.settings.proc_allow:
            raise KrlError(
                f"found the program {program.path}, wanted one that proc_allow names", code="refused"
            )
        attrs = asdict(program)
        self._say(sum(map(of_text, texts_of(attrs))))
        id = self._effects.new_id()
        said.scheduled[id] = Scheduled(
            id=id,
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
        )
        return id

    # Reading

    def pending(self) -> Sequence[ScheduledEvent]:
        return self._pending()

    def matching(self, which: Value) -> Sequence[ScheduledEvent]:
        wanted = read_filter(which, self._pico.now)
        self._pico.budget.charge(LOOK)
        return [each for each in self._pending(windows=wanted.kind == "window") if wanted.means(each)]

    def find(self, id: str) -> ScheduledEvent | None:
        return self._mine(id)

    def show(self, id: str) -> Mapping[str, Value] | None:
        found = self._mine(id)
        return None if found is None else _plain(shown_row(found, iso))

    def next_times(self, id: str, count: int) -> Sequence[datetime]:
        found = self._coming(id)
        if found is None:
            return []
        self._pico.budget.charge(count * (NEXT + 2 * len(found.timespec or "")))
        return [*islice(coming(found, self._effects.settings.granularity), count)]

    def fires(self, id: str, limit: int) -> Sequence[Mapping[str, Value]]:
        found = [] if self._mine(id) is None else self._pico.state.fires(self._pico.id, id, limit)
        return [_plain(shown_fire(each, iso)) for each in found]

    def _mine(self, id: str) -> Scheduled | None:
        """One that this ruleset made, whatever its status, as this turn and this rule have it so far."""
        turn, said = self._effects.turn, self._effects.said
        self._pico.budget.charge(LOOK + (len(id) >> 6))
        if said is not None and id in said.unmade:
            return None
        parts = (each for each in (said, turn) if each is not None)
        made = [rows for each in parts for rows in (each.scheduled, each.rescheduled)]
        if turn is not None and turn.settled is not None:
            made.append({turn.settled.id: turn.settled})
        found = next((each[id] for each in made if id in each), None) or self._pico.state.find_scheduled(id)
        if found is None or not found.is_schedule:
            return None
        return found if (found.pico_id, found.rid) == (self._pico.id, self._effects.rid) else None

    def _coming(self, id: str) -> Scheduled | None:
        """One of them that is still to come."""
        found = self._mine(id)
        return found if found is not None and live(found) else None

    def _pending(self, *, windows: bool = False) -> list[Scheduled]:
        """What is to come for this ruleset, with what this turn and this rule made of it; soonest first.

        Edges of windows, which no rule made, are left out unless they are asked for.
        """
        last = datetime.max.replace(tzinfo=self._pico.now.tzinfo)
        found = (each for each in self._known() if live(each) and (windows or each.kind != "window"))
        return sorted(found, key=lambda each: each.due or last)

    def _known(self) -> list[Scheduled]:
        rid, turn, said = self._effects.rid, self._effects.turn, self._effects.said
        found = {each.id: each for each in self._pico.state.pending(self._pico.id, rid)}
        if turn is not None:
            made = {**turn.scheduled, **turn.rescheduled}
            if turn.settled is not None:
                made.setdefault(turn.settled.id, turn.settled)
            found |= {id: each for id, each in made.items() if each.rid == rid}
        if said is not None:
            found |= said.scheduled | said.rescheduled
            found = {id: each for id, each in found.items() if id not in said.unmade}
        self._pico.budget.charge(LISTED * len(found))
        return list(found.values())

    def _timespec(self, value: Value, tz: str) -> Timespec:
        plain = read_timespec(value)
        text = plain if isinstance(plain, str) else json_text(plain)
        self._pay_once((text, tz), READ * min(len(text), MAX_LENGTH))
        try:
            return Timespec.parse(plain, tz)
        except PicoschedError as error:
            raise KrlError(error.message, code=error.code) from error

    def _pay_once(self, what: tuple[str, ...], steps: int) -> None:
        """Pay for what is remembered once it is worked out."""
        if what not in self.paid:
            self._pico.budget.charge(steps)
            self.paid.add(what)

    def _say(self, size: int) -> None:
        """Pay for a row that is made or changed: to say it, and to write it."""
        self._effects.say(ROW + size, steps=WRITTEN)

    def _speaking(self, verb: str) -> tuple[Said, Turn]:
        said, turn = self._effects.speaking(verb), self._effects.turn
        assert turn is not None
        return said, turn


def _plain(shown: Mapping[str, Any]) -> dict[str, Value]:
    """A map for rules to have: with numbers as KRL keeps them, and nothing shared that could change."""
    numbers = {key: number(value) for key, value in shown.items() if isinstance(value, float)}
    return {**json_value(dict(shown)), **numbers}
