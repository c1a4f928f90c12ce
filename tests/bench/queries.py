"""How long a query takes: alone, and while another thread writes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

from picosched import Engine
from tests.bench.setup import Setup, asked, counting
from tests.bench.side_by_side import OURS, PEER, Row, side_by_side

SHARES = (("median", 0.5), ("99 of 100", 0.99))


def measure(setup: Setup) -> list[Row]:
    times, few = setup.times(10_000), setup.times(1_000)
    rows = []
    with counting() as engine, setup.peer() as peer:
        root = engine.root
        root.raise_event("counter", "step")
        query = partial(root.query, "counter", "steps")
        connection = sqlite3.connect(Path(engine.store.name))
        sql = "SELECT value FROM entity WHERE pico = ? AND rid = 'counter' AND name = 'count'"
        select = partial(lambda: connection.execute(sql, (root.id,)).fetchone())
        for name, share in SHARES:
            rows.append(
                side_by_side(
                    f"one caller, {name}",
                    "µs",
                    {
                        OURS: partial(latency, query, times, share),
                        "bare SQLite, SELECT of the row": partial(latency, select, times, share),
                        PEER: asked(peer, "latency", 1e6, times=few, share=share),
                    },
                    repeats=setup.repeats,
                )
            )
        for name, share in SHARES:
            rows.append(
                side_by_side(
                    f"while another thread raises events, {name}",
                    "µs",
                    {OURS: partial(beside_a_writer, engine, partial(latency, query, few, share))},
                    repeats=setup.repeats,
                )
            )
        connection.close()
    return rows


def latency(work: Callable[[], object], times: int, share: float) -> float:
    """The slowest of the fastest `share` of calls, in µs."""
    found = []
    for _ in range(times):
        begun = perf_counter()
        work()
        found.append(perf_counter() - begun)
    return sorted(found)[int(times * share)] * 1e6


def beside_a_writer(engine: Engine, sample: Callable[[], float]) -> float:
    """A sample taken while a thread raises one event after the other in another pico."""
    pico = engine.new_pico()
    pico.install(engine.root.rulesets()["counter"].origin or "")
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            pico.raise_event("counter", "step")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        return sample()
    finally:
        ended.set()
        writer.join()
