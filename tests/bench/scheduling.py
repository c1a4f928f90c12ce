"""10,000 events on one pico: scheduled, due all at once, and waiting while the engine restarts.

Each sample is of a process of its own, for its memory and so that nothing is left of the one before.
"""

from __future__ import annotations

import resource
import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter

from picosched import Engine, PicoRef, VirtualClock
from tests.bench.bare import bare_rows
from tests.bench.setup import COUNTER, Setup, asked, counting
from tests.bench.side_by_side import OURS, PEER, Row, in_a_process_of_its_own, side_by_side

LATER = "2030-01-01T00:00:00Z"


def measure(setup: Setup) -> list[Row]:
    many, some, repeats = setup.times(10_000), setup.times(1_000), setup.few(3)
    own = partial(partial, in_a_process_of_its_own)
    with setup.peer() as peer:
        rows = [
            side_by_side(
                f"{many:,} `at` in as many turns",
                "turns/s",
                {
                    OURS: own(planned_a_second, many),
                    "bare SQLite, 1 row a commit": partial(bare_rows, "full", 1, some * 2),
                },
                repeats=repeats,
                warm=False,
            ),
            side_by_side(
                f"{some:,} `at` in as many turns",
                "s",
                {
                    OURS: lambda: some / in_a_process_of_its_own(planned_a_second, some),
                    PEER: asked(peer, "plan", number=some, together=False),
                },
                repeats=repeats,
                warm=False,
            ),
            side_by_side(
                f"{some:,} `at` in one turn",
                "s",
                {OURS: own(planned_together, some), PEER: asked(peer, "plan", number=some, together=True)},
                repeats=repeats,
                warm=False,
            ),
        ]
        if peer is not None:
            rows.append(
                side_by_side(
                    f"{some:,} due at once, until the last is handled",
                    "s",
                    {
                        OURS: lambda: some / in_a_process_of_its_own(due_at_once, some)[0],
                        PEER: asked(peer, "due", number=some),
                    },
                    repeats=repeats,
                    warm=False,
                )
            )
    due = [in_a_process_of_its_own(due_at_once, many) for _ in range(repeats)]
    restarts = [in_a_process_of_its_own(restarted, many) for _ in range(repeats)]
    rows += [
        Row(f"{many:,} due at once", "fires/s", {OURS: [each[0] for each in due]}),
        Row("… memory before, peak", "MB", {OURS: [each[1] for each in due]}),
        Row("… memory after, peak", "MB", {OURS: [each[2] for each in due]}),
        Row(f"restart with {many:,} pending: open", "ms", {OURS: [each[0] for each in restarts]}),
        Row("… then tell when the next is due", "ms", {OURS: [each[1] for each in restarts]}),
        Row("… then raise the first event", "ms", {OURS: [each[2] for each in restarts]}),
    ]
    return rows


def planned_a_second(number: int) -> float:
    with counting() as engine:
        root = engine.root
        root.raise_event("counter", "step")
        begun = perf_counter()
        for each in range(number):
            root.raise_event("counter", "plan", {"at": LATER, "number": each})
        return number / (perf_counter() - begun)


def planned_together(number: int) -> float:
    with counting() as engine:
        engine.root.raise_event("counter", "step")
        begun = perf_counter()
        plan(engine.root, number)
        return perf_counter() - begun


def due_at_once(number: int) -> tuple[float, float, float]:
    """Fires a second, and the most memory before and after, in MB."""
    clock = VirtualClock("2029-12-31T23:00:00Z")
    with counting(clock=clock) as engine:
        plan(engine.root, number)
        before = most_memory()
        clock.set(LATER)
        begun = perf_counter()
        fired = engine.run_due()
        took = perf_counter() - begun
        assert fired == number == engine.root.query("counter", "steps")
        return fired / took, before, most_memory()


def restarted(number: int) -> tuple[float, float, float]:
    """Milliseconds to open a store with so many pending, to tell the next due time, to raise an event."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "picos.db"
        with Engine(path, clock=VirtualClock()) as engine:
            engine.root.install(COUNTER)
            plan(engine.root, number)
        times = [perf_counter()]
        with Engine(path, clock=VirtualClock()) as engine:
            times.append(perf_counter())
            assert engine.next_due() is not None
            times.append(perf_counter())
            engine.root.raise_event("counter", "step")
            times.append(perf_counter())
        opened, told, raised = ((after - before) * 1_000 for before, after in pairwise(times))
        return opened, told, raised


def plan(pico: PicoRef, number: int) -> None:
    """Schedule so many events, at most a thousand in a turn."""
    for first in range(0, number, 1_000):
        pico.raise_event("counter", "plan_many", {"at": LATER, "number": min(1_000, number - first)})


def most_memory() -> float:
    """The most memory that this process has had, in MB; on Linux without that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
