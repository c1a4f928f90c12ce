"""100,000 missed events caught up on while new ones come in: how long these wait, beside an idle engine.

The missed ones are raised in parts, and callers get their turn between two of them.
"""

from __future__ import annotations

import statistics
import threading
from time import perf_counter

from picosched import Engine, VirtualClock
from tests.bench.scheduling import plan
from tests.bench.setup import Setup, counting
from tests.bench.side_by_side import OURS, Row

BEFORE = "2029-12-31T23:00:00Z"
IDLE = "idle"


def measure(setup: Setup) -> list[Row]:
    missed = setup.times(100_000)
    clock = VirtualClock(BEFORE)
    with counting(clock=clock) as engine:
        plan(engine.root, missed)
        idle = [waited(engine) for _ in range(setup.times(2_000))]
        clock.set("2030-01-02T00:00:00Z")
        fired: list[int] = []
        catching_up = threading.Thread(target=lambda: fired.append(engine.run_due()))
        begun = perf_counter()
        catching_up.start()
        busy = [waited(engine)]
        while catching_up.is_alive():
            busy.append(waited(engine))
        catching_up.join()
        took = perf_counter() - begun
        assert fired == [missed]
        assert engine.root.query("counter", "steps") == missed + len(idle) + len(busy)
    rows = [
        Row(f"{missed:,} missed, with a caller all the while", "fires/s", {OURS: [missed / took]}),
        Row("… events of that caller answered meanwhile", "turns/s", {OURS: [len(busy) / took]}),
    ]
    for name, quantile in (("median", 50), ("99th of 100", 99)):
        waits = {OURS: [_quantile(busy, quantile)], IDLE: [_quantile(idle, quantile)]}
        rows.append(Row(f"… the caller waits, {name}", "ms", waits))
    rows.append(Row("… the caller waits, longest", "ms", {OURS: [max(busy)], IDLE: [max(idle)]}))
    return rows


def waited(engine: Engine) -> float:
    """Milliseconds until an event is answered."""
    begun = perf_counter()
    engine.root.raise_event("counter", "step")
    return (perf_counter() - begun) * 1_000


def _quantile(samples: list[float], percent: int) -> float:
    return statistics.quantiles(samples, n=100)[percent - 1] if len(samples) > 1 else samples[0]
