"""How long a query takes, alone and beside a thread that raises events; what it takes from that thread."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from picosched import PicoRef
from tests.bench.setup import COUNTER, Setup, asked, counting
from tests.bench.side_by_side import OURS, PEER, Row, side_by_side

T = TypeVar("T")

SHARES = (("median", 0.5), ("99 of 100", 0.99))


def measure(setup: Setup) -> list[Row]:
    times, few, long = setup.times(10_000), setup.times(1_000), max(0.02, setup.scale)
    rows = []
    with counting() as engine, setup.peer() as peer:
        root, writing = engine.root, engine.new_pico("writing")
        root.raise_event("counter", "step")
        writing.install(COUNTER)
        query = partial(root.query, "counter", "steps")
        connection = sqlite3.connect(Path(engine.store.name))
        sql = "SELECT value FROM entity WHERE pico = ? AND rid = 'counter' AND name = 'count'"
        select = partial(lambda: connection.execute(sql, (root.id,)).fetchone())
        for name, share in SHARES:
            rows.append(
                side_by_side(
                    f"one query after the other, {name}",
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
            slowly = partial(latency, query, few, share, pause=0.001)
            rows.append(
                side_by_side(
                    f"a query each millisecond while a thread raises events, {name}",
                    "µs",
                    {OURS: partial(asked_beside, writing, slowly)},
                    repeats=setup.repeats,
                )
            )
        connection.close()
    with counting(durability="normal") as engine:
        writing = engine.new_pico("writing")
        writing.install(COUNTER)
        query = partial(engine.root.query, "counter", "steps")
        for name, pause in (("each millisecond", 0.001), ("without a pause", 0)):
            rows.append(
                side_by_side(
                    f"events of a thread, durability normal, a query {name} beside it",
                    "turns/s",
                    {
                        OURS: partial(raised_beside, writing, partial(for_so_long, query, long, pause)),
                        "with no query beside it": partial(raised_beside, writing, partial(time.sleep, long)),
                    },
                    repeats=setup.few(3),
                )
            )
    return rows


def latency(work: Callable[[], object], times: int, share: float, pause: float = 0) -> float:
    """The slowest of the fastest `share` of calls, in µs."""
    found = []
    for _ in range(times):
        if pause:
            time.sleep(pause)
        begun = perf_counter()
        work()
        found.append(perf_counter() - begun)
    return sorted(found)[int(times * share)] * 1e6


def for_so_long(work: Callable[[], object], seconds: float, pause: float) -> None:
    end = perf_counter() + seconds
    while perf_counter() < end:
        work()
        if pause:
            time.sleep(pause)


def asked_beside(pico: PicoRef, sample: Callable[[], float]) -> float:
    return beside_a_writer(pico, sample)[0]


def raised_beside(pico: PicoRef, work: Callable[[], None]) -> float:
    return beside_a_writer(pico, work)[1]


def beside_a_writer(pico: PicoRef, sample: Callable[[], T]) -> tuple[T, float]:
    """A sample taken while a thread raises one event after the other; and how many it raised a second."""
    ended = threading.Event()
    raised = 0

    def write() -> None:
        nonlocal raised
        while not ended.is_set():
            pico.raise_event("counter", "step")
            raised += 1

    writer = threading.Thread(target=write)
    begun = perf_counter()
    writer.start()
    try:
        found = sample()
    finally:
        ended.set()
        writer.join()
    return found, raised / (perf_counter() - begun)
