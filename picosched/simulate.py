"""A rehearsal: rulesets and their schedules run through virtual time, on a store of their own.

The engine is the real one. It stands on a virtual clock and on a fresh store in memory, or on a copy of
a store, so nothing outside is touched; and it is seeded, so the same input gives the same records, ids
included. A record tells one event: one that came in, one that came due, or one that a rule raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from picosched.clock import VirtualClock, format_time
from picosched.engine import Engine
from picosched.errors import PicoschedError
from picosched.krl.scope import HttpRequest, HttpResponse
from picosched.notation import Input
from picosched.settings import Settings
from picosched.store.journal import Entry
from picosched.store.store import Store

NAME = "simulated"
"""The pico that is made where there is no store to copy."""

UNBOUND = 1_000_000_000
"""The journal gives the newest entries first, up to a limit; here all are wanted."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The scheduled event that came due."""

    id: str
    name: str | None
    nominal: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """One event, handled: what rules fired, and what they and their faults came to."""

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
) -> Iterator[Record]:
    """Install rulesets and let time pass from `start` to `until`, both included; a record for each event.

    With a `store` it is a copy of that one that time passes over, and the rulesets go to its root. `pico`
    names another. Inputs are raised at their times, behind what is due at the same time.
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
        with Engine(copy, clock, settings=settings or Settings(), seed=seed, outside=nobody) as engine:
            if store is None:
                target = engine.new_pico(pico or NAME)
            else:
                target = engine.root if pico is None else engine.pico(pico)
            rehearsal = Rehearsal(engine, clock)
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
    """The answer to every HTTP request: a rehearsal neither asks nor changes the world outside."""
    return HttpResponse(0, "nobody is asked on virtual time")


class Rehearsal:
    """An engine on a virtual clock, and how far its journal has been told."""

    def __init__(self, engine: Engine, clock: VirtualClock) -> None:
        self._engine = engine
        self._clock = clock
        self._told = max((entry.seq for entry in engine.journal(limit=1)), default=0)
        self._names: dict[str, str] = {}

    def let_pass(self, until: datetime) -> Iterator[Record]:
        """Let time pass; what comes due on the way is told as it happens."""
        while (due := self._engine.next_due()) is not None and due <= until:
            self._engine.run_until(max(due, self._clock.now()))
            yield from self.news()
        self._engine.run_until(until)

    def news(self) -> Iterator[Record]:
        """What was handled since last asked."""
        entries = self._engine.journal(limit=UNBOUND, after=self._told)
        for entry in reversed(entries):
            self._told = entry.seq
            yield from self._records(entry)

    def _records(self, entry: Entry) -> Iterator[Record]:
        errors = iter(entry.errors)
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
            )

    def _cause(self, entry: Entry) -> Cause | None:
        if entry.scheduled is None or entry.nominal is None:
            return None
        row = self._engine.read(lambda: self._engine.store.agenda.find(str(entry.scheduled)))
        return Cause(entry.scheduled, None if row is None else row.name, entry.nominal)

    def _name(self, pico_id: str) -> str:
        if pico_id not in self._names:
            self._names |= {each.id: each.name for each in self._engine.picos()}
        return self._names.setdefault(pico_id, pico_id)  # of one that is gone there is the id alone
