"""Where the time of a durable turn goes: a stopwatch around each of its parts, one caller, durability full.

A stopwatch costs less than a profiler, and every part the same; the turn without any is measured beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any
from unittest.mock import patch

from picosched import PicoRef
from picosched.engine import wiring
from picosched.krl.running import Instance
from picosched.store import store
from picosched.store.sqlite.database import SQLiteDatabase
from picosched.turns import turns
from picosched.turns.commit import GroupCommit
from tests.bench.setup import Setup, counting
from tests.bench.side_by_side import OURS, Row

BEGIN, COMMIT, SQL = (
    "SQLite: BEGIN IMMEDIATE",
    "SQLite: COMMIT, the wait for the disk in it",
    "SQLite: the rows",
)
WHOLE = "the turn in all"
REST = "the engine around it: event, id, locks, transaction"
PARTS: list[tuple[str, Any, str]] = [
    ("attributes: checked and copied", wiring, "json_object"),
    ("evaluate: the turn's loop, what is considered and why", turns, "evaluate"),
    ("evaluate: the rule itself, compiled", Instance, "run"),
    ("evaluate: its event expression", Instance, "select"),
    ("the turn as rows: JSON and parameters", store, "_rows_of"),
    (SQL, SQLiteDatabase, "_flush"),
    ("waking those who wait", GroupCommit, "_release"),
]


class Stopwatches:
    """Seconds spent in each part and not in one inside it."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def around(self, part: Callable[..., str], work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, its time put down to the part that `part` names for its arguments."""

        def timed(*args: Any, **named: Any) -> Any:
            self._inside.append(0.0)
            begun = perf_counter()
            try:
                return work(*args, **named)
            finally:
                took = perf_counter() - begun
                self.spent[part(*args)] += took - self._inside.pop()
                if self._inside:
                    self._inside[-1] += took

        return timed


def measure(setup: Setup) -> list[Row]:
    times = setup.times(2_000)
    samples: defaultdict[str, list[float]] = defaultdict(list)
    with counting() as running:
        root = running.root
        root.raise_event("counter", "step")
        for _ in range(setup.repeats):
            begun = perf_counter()
            raised(root, times)
            samples["… without any stopwatch"].append((perf_counter() - begun) / times)
            watches = Stopwatches()
            with watched(watches):
                begun = perf_counter()
                raised(root, times)
                took = perf_counter() - begun
            for part, spent in watches.spent.items():
                samples[part].append(spent / times)
            samples[REST].append((took - sum(watches.spent.values())) / times)
            samples[WHOLE].append(took / times)
    ordered = sorted(samples, key=lambda part: -sum(samples[part]))
    return [Row(part, "µs", {OURS: [each * 1e6 for each in samples[part]]}) for part in ordered]


@contextmanager
def watched(watches: Stopwatches) -> Iterator[None]:
    originals = [(place, name, getattr(place, name)) for _, place, name in PARTS]
    originals.append((SQLiteDatabase, "run", SQLiteDatabase.run))
    named = [(lambda *_, part=part: part) for part, _, _ in PARTS]
    patches = [
        patch.object(place, name, watches.around(part, original))
        for (place, name, original), part in zip(originals, [*named, statement], strict=True)
    ]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def statement(_: SQLiteDatabase, sql: str, *values: Any) -> str:
    return {"BEGIN IMMEDIATE": BEGIN, "COMMIT": COMMIT}.get(sql, SQL)


def raised(pico: PicoRef, times: int) -> None:
    for _ in range(times):
        pico.raise_event("counter", "step")
