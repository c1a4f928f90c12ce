"""A rehearsal: rulesets and their schedules run through virtual time, on a store of their own.

The engine is the real one. It stands on a virtual clock and on a fresh store in memory, or on a copy of
a store, so nothing outside is touched; and it is seeded, so the same input gives the same records, ids
included. A record describes one event: from outside, due, or raised by a rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from picosched.clock import VirtualClock, format_time
from picosched.engine.engine import Engine
from picosched.engine.rehearsed import Record, Rehearsal, Silence
from picosched.errors import PicoschedError
from picosched.notation import Input
from picosched.settings import Settings
from picosched.store.store import Store

NAME = "simulated"
"""The pico created if there is no store to copy."""


def simulate(
    rulesets: Sequence[str | Path],
    start: datetime,
    until: datetime,
    inputs: Iterable[Input] = (),
    *,
    store: Store | None = None,
    pico: str | None = None,
    config: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    seed: int | str = 0,
    let_go: Counter[str] | None = None,
    seconds: float | None = None,
) -> Iterator[Record]:
    """Install rulesets and let time pass from `start` to `until`, both included; a record for each event.

    With a `store` it is a copy of that one that time passes over, and the rulesets go to its root. `pico`
    names another. `config` configures the rulesets. Inputs are raised at their times, behind what is due at
    the same time. `let_go` counts the occurrences that are throttled or skipped, of which there is no record.
    TookLongError if it takes more than `seconds` of real time.
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
            rehearsal = Rehearsal(engine, clock, silence, let_go, seconds)
            for ruleset in rulesets:
                target.install(ruleset, config)
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
