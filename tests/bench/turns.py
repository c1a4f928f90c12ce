"""Durable turns a second: one caller on one pico, and 64 threads on 64 picos, against what the disk allows.

A turn is one event for one rule, with one entity variable written and one directive given back; with it goes
its row of the journal.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from time import perf_counter

from picosched import Engine, PicoRef
from tests.bench.bare import bare_rows, bare_turns
from tests.bench.setup import COUNTER, Setup, asked, counting
from tests.bench.side_by_side import OURS, PEER, Row, rate, side_by_side

CALLERS = 64


def measure(setup: Setup) -> list[Row]:
    times, each = setup.times(2_000), setup.times(50)
    rows = []
    with Engine() as engine:
        engine.root.install(COUNTER)
        rows.append(
            side_by_side(
                "1 caller, in memory",
                "turns/s",
                {OURS: lambda: one_caller(engine.root, times)},
                repeats=setup.repeats,
            )
        )
    with setup.peer() as peer:
        for durability in ("full", "normal"):
            with counting(durability=durability) as engine:
                picos = [engine.new_pico(f"p{number}") for number in range(CALLERS)]
                for pico in picos:
                    pico.install(COUNTER)
                ecis = [pico.new_channel(["bench"]).eci for pico in picos]
                of_many = partial(bare_turns, durability, CALLERS, setup.times(100))
                one_row = partial(bare_rows, durability, 1, times)
                rows += [
                    side_by_side(
                        f"1 caller, durability {durability}",
                        "turns/s",
                        {
                            OURS: partial(one_caller, engine.root, times),
                            "bare SQLite, 1 row a commit": one_row,
                            "bare SQLite, a turn's rows a commit": partial(bare_turns, durability, 1, times),
                            PEER: asked(peer, "events", callers=1, times=setup.times(300)),
                        },
                        repeats=setup.repeats,
                    ),
                    side_by_side(
                        f"{CALLERS} threads, {CALLERS} picos, durability {durability}",
                        "turns/s",
                        {
                            OURS: partial(many_callers, picos, each),
                            "bare SQLite, 1 row a commit": one_row,
                            f"bare SQLite, the rows of {CALLERS} turns a commit": of_many,
                            PEER: asked(peer, "events", callers=CALLERS, times=setup.times(20)),
                        },
                        repeats=setup.repeats,
                    ),
                    side_by_side(
                        f"… turns in one commit, durability {durability}",
                        "turns",
                        {OURS: partial(turns_a_commit, engine, picos, each)},
                        repeats=setup.few(3),
                    ),
                    side_by_side(
                        f"1 thread, {CALLERS} picos, an event of each in a commit, durability {durability}",
                        "turns/s",
                        {
                            OURS: partial(all_in_one_thread, engine, ecis, each),
                            f"bare SQLite, the rows of {CALLERS} turns a commit": of_many,
                        },
                        repeats=setup.repeats,
                    ),
                ]
    return rows


def one_caller(pico: PicoRef, times: int) -> float:
    return rate(lambda: pico.raise_event("counter", "step"), times)


def many_callers(picos: Sequence[PicoRef], times: int) -> float:
    """Turns a second of one thread for each pico, all at once."""
    together = threading.Barrier(len(picos) + 1)

    def call(pico: PicoRef) -> None:
        together.wait()
        for _ in range(times):
            pico.raise_event("counter", "step")

    threads = [threading.Thread(target=call, args=(pico,)) for pico in picos]
    for thread in threads:
        thread.start()
    together.wait()
    begun = perf_counter()
    for thread in threads:
        thread.join()
    return len(picos) * times / (perf_counter() - begun)


def all_in_one_thread(engine: Engine, ecis: Sequence[str], times: int) -> float:
    """Turns a second without threads that hand over to each other."""

    def raise_all() -> None:
        events = [engine.new_event("counter", "step", eci=eci) for eci in ecis]
        while events:
            events = events[len(engine.raise_some(events)) :]

    return len(ecis) * rate(raise_all, times)


def turns_a_commit(engine: Engine, picos: Sequence[PicoRef], times: int) -> float:
    before = engine.commits
    many_callers(picos, times)
    return len(picos) * times / (engine.commits - before)
