"""A rehearsal: rulesets and their schedules run through virtual time, on a store of their own.

The engine is the real one. It stands on a virtual clock and on a fresh store in memory, or on a copy of
a store, so nothing outside is touched; and it is seeded, so the same input gives the same records, ids
included. A record describes one event: from outside, due, or raised by a rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from picosched.clock import VirtualClock, format_time, shifted
from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.notation import Input
from picosched.settings import Settings
from picosched.store.journal import Entry
from picosched.store.store import Store

NAME = "simulated"
"""The pico created if there is no store to copy."""

UNBOUND = 1_000_000_000
"""The journal returns the newest entries first, up to a limit; here we need all."""

DUE_TIMES, TOGETHER = 100, timedelta(days=1)
"""How many due times, and how much time, may pass before their records are yielded."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The scheduled event that came due."""

    id: str
    name: str | None
    nominal: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """One handled event: the rules that fired, their directives and errors."""

    at: datetime
    pico: str
    domain: str
    type: str
    attrs: dict[str, Any]
    scheduled: Cause | None
    considered: list[dict[str, Any]]
    """Every rule that selects such events: `{rid, rule, outcome, why, line}`."""
    directives: list[dict[str, Any]]
    errors: list[str]
    outside: list[dict[str, str]] = field(default_factory=list)
    """HTTP requests the turn tried to make; none were sent: `{method, url}`, in the turn's first record."""

    @property
    def rules(self) -> list[str]:
        """The names of the rules that fired, in order."""
        return [each["rule"] for each in self.considered if each["outcome"] == "fired"]

    def as_json(self) -> dict[str, Any]:
        cause = self.scheduled
        return {
            "at": format_time(self.at),
            "pico": self.pico,
            "event": f"{self.domain}:{self.type}",
            "attrs": self.attrs,
            "scheduled": cause
            and {"id": cause.id, "name": cause.name, "nominal": format_time(cause.nominal)},
            "rules": self.rules,
            "directives": [{"name": each["name"], "options": each["options"]} for each in self.directives],
            "errors": self.errors,
            **({"outside": self.outside} if self.outside else {}),
        }


def simulate(
    rulesets: Sequence[str | Path],
    start: datetime,
    until: datetime,
    inputs: Iterable[Input] = (),
    *,
    store: Store | None = None,
    pico: str | None = None,
    settings: Settings | None = None,
    seed: int | str = 0,
    let_go: Counter[str] | None = None,
) -> Iterator[Record]:
    """Install rulesets and let time pass from `start` to `until`, both included; a record for each event.

    With a `store` it is a copy of that one that time passes over, and the rulesets go to its root. `pico`
    names another. Inputs are raised at their times, behind what is due at the same time. `let_go` counts the
    occurrences that are throttled or skipped, of which there is no record.
    """
    if until < start:
        raise PicoschedError(f"found the end {format_time(until)} before the start {format_time(start)}")
    inputs = [*inputs]
    for each in inputs:
        if each.at is not None and not start <= each.at <= until:
            raise PicoschedError(
                f"found {each.domain}:{each.type} at {format_time(each.at)}, "
                f"wanted a time from {format_time(start)} to {format_time(until)}"
            )
    clock = VirtualClock(start)
    copy = Store(durability="normal") if store is None else store.copy()
    try:
        silence = Silence()
        with Engine(copy, clock, settings=settings or Settings(), seed=seed, outside=silence) as engine:
            if store is None:
                target = engine.new_pico(pico or NAME)
            else:
                target = engine.root if pico is None else engine.pico(pico)
            rehearsal = Rehearsal(engine, clock, silence, let_go)
            for ruleset in rulesets:
                target.install(ruleset)
            for time, group in groupby(
                sorted(inputs, key=lambda each: each.at or start), lambda each: each.at or start
            ):
                yield from rehearsal.let_pass(time)
                for event in group:
                    other = target if event.pico is None else engine.pico(event.pico)
                    other.raise_event(event.domain, event.type, event.attrs)
                    yield from rehearsal.news()
            yield from rehearsal.let_pass(until)
    finally:
        copy.close()


def nobody(request: HttpRequest) -> HttpResponse:
    """The answer to every HTTP request: a rehearsal makes none."""
    return HttpResponse(0, "nobody is asked on virtual time")


class Silence:
    """Records the HTTP requests of a rehearsal, without sending them."""

    def __init__(self) -> None:
        self.turns: Callable[[], int] = lambda: 0
        """Tells the number of the last turn. A turn that asks is written just after it has."""
        self._asked: list[tuple[int, HttpRequest]] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self._asked.append((self.turns(), request))
        return nobody(request)

    def asked_before(self, turn: int) -> list[dict[str, str]]:
        """The requests of this turn; returned only once."""
        asked = [each for last, each in self._asked if last < turn]
        self._asked = self._asked[len(asked) :]
        return [{"method": each.method, "url": each.url} for each in asked]


class Rehearsal:
    """An engine on a virtual clock, and the position up to which its journal was reported."""

    def __init__(
        self,
        engine: Engine,
        clock: VirtualClock,
        silence: Silence | None = None,
        let_go: Counter[str] | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._silence = silence or Silence()
        self._silence.turns = lambda: max((entry.seq for entry in engine.journal(limit=1)), default=0)
        self._told = max((entry.seq for entry in engine.journal(limit=1)), default=0)
        self._let_go = let_go
        self._counted = engine.read(engine.store.agenda.last_record)
        self._names: dict[str, str] = {}
        self._causes: dict[str, str | None] = {}

    def let_pass(self, until: datetime) -> Iterator[Record]:
        """Let time pass; yield records of events due on the way, in batches of several due times."""
        # Few enough that the history they are read from is not pruned meanwhile.
        most = DUE_TIMES if self._engine.settings.history_days else 1
        while (due := self._engine.next_due()) is not None and due <= until:
            last = min(until, shifted(due, TOGETHER))
            for _ in range(most):
                self._clock.reach(due)
                self._engine.run_due()
                due = self._engine.next_due()
                if due is None or due > last:
                    break
            yield from self.news()
        self._engine.run_until(until)

    def news(self) -> Iterator[Record]:
        """Records of events handled since the last call."""
        if self._let_go is not None:
            kept = self._engine.store.agenda
            self._let_go.update(self._engine.read(lambda: kept.let_go_after(self._counted)))
            self._counted = self._engine.read(kept.last_record)
        entries = self._engine.journal(limit=UNBOUND, after=self._told)
        for entry in reversed(entries):
            self._told = entry.seq
            yield from self._records(entry)

    def _records(self, entry: Entry) -> Iterator[Record]:
        errors = iter(entry.errors)
        outside = self._silence.asked_before(entry.seq)
        for place, handled in enumerate(entry.handled):
            directives = [each for each in entry.directives if each["handled"] == place]
            failed = [each for each in handled["considered"] if each["outcome"] == "failed"]
            yield Record(
                at=entry.at,
                pico=self._name(entry.pico_id),
                domain=handled["domain"],
                type=handled["type"],
                attrs=handled["attrs"],
                scheduled=self._cause(entry) if place == 0 else None,
                considered=handled["considered"],
                directives=directives,
                errors=[next(errors) for _ in failed],
                outside=outside if place == 0 else [],
            )

    def _cause(self, entry: Entry) -> Cause | None:
        if entry.scheduled is None or entry.nominal is None:
            return None
        id = entry.scheduled
        if id not in self._causes:
            row = self._engine.agenda.find(id)
            self._causes[id] = None if row is None else row.name
        return Cause(id, self._causes[id], entry.nominal)

    def _name(self, pico_id: str) -> str:
        if pico_id not in self._names:
            self._names |= {each.id: each.name for each in self._engine.picos()}
        return self._names.setdefault(pico_id, pico_id)  # of one that is gone there is the id alone
