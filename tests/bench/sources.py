"""Metronomes and a crononome by the real clock: how many ticks come, how late each, and whether they drift.

A tick is late twice: when the scheduler wakes, and when its turn is on disk. Both are told from the clock's
side: a tick has been dealt with when the scheduler waits for the next one.
"""

from __future__ import annotations

import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from picosched import Engine, SystemClock
from picosched.clock import Wake
from tests.bench.setup import Setup
from tests.bench.side_by_side import OURS, Row, in_a_process_of_its_own

COUNTING = """ruleset counting {
  rule tick { select when metronome tick or crononome trigger
    always { ent:ticks := ent:ticks.defaultsTo(0) + 1 } }
}"""

SECONDS = 12


class Noting(SystemClock):
    """The clock of the machine; it notes when it woke the scheduler, and when that was done."""

    def __init__(self) -> None:
        super().__init__()
        self.woken: list[tuple[datetime, datetime]] = []
        """The time that was waited for, and when it was over."""
        self.done: list[datetime] = []

    def wait_until(self, time: datetime | None, wake: Wake) -> None:
        if self.woken:
            self.done.append(self.now())
        super().wait_until(time, wake)
        if time is not None and not wake.is_set():
            self.woken.append((time, self.now()))


def measure(setup: Setup) -> list[Row]:
    seconds = max(1.0, SECONDS * setup.scale)
    rows: list[Row] = []
    for interval in (100, 10):
        source = {"type": "metronome", "interval": interval, "to": {"pico": "root"}}
        rows += told(f"metronome {interval} ms", seconds, source, interval)
    every_second = {"name": "s", "expr": "* * * * * *"}
    source = {"type": "crononome", "to": {"pico": "root"}, "entries": [every_second]}
    return rows + told("crononome every second", max(seconds, 3.0), source, 1_000)


def told(what: str, seconds: float, source: dict[str, Any], interval: int) -> list[Row]:
    found = in_a_process_of_its_own(ticked, seconds, source, interval)
    return [Row(f"{what}, {seconds:g} s: {name}", unit, {OURS: [value]}) for name, unit, value in found]


def ticked(seconds: float, source: dict[str, Any], interval: int) -> list[tuple[str, str, float]]:
    clock = Noting()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Engine(Path(folder) / "picos.db", clock=clock) as engine,
    ):
        engine.root.install(COUNTING)
        engine.start()
        engine.add_source(source)
        SystemClock().wait_until(datetime.now(UTC) + timedelta(seconds=seconds), threading.Event())
        engine.stop()
        (state,) = engine.sources()
    late = sorted((woke - due) / timedelta(milliseconds=1) for due, woke in clock.woken)
    pairs = zip(clock.woken, clock.done, strict=False)
    durable = sorted((done - due) / timedelta(milliseconds=1) for (due, _), done in pairs)
    span = clock.woken[-1][1] - clock.woken[0][1]
    steps = round(span / timedelta(milliseconds=interval))
    return [
        ("ticks raised", "", state.fires),
        ("of those due", "%", 100 * state.fires / (state.fires + state.missed)),
        ("drift, first tick to last", "ms", abs(span / timedelta(milliseconds=1) - steps * interval)),
        *((f"woken late, {name}", "ms", part(late, share)) for name, share in SHARES),
        *((f"on disk after, {name}", "ms", part(durable, share)) for name, share in SHARES),
    ]


SHARES = (("p50", 0.5), ("p99", 0.99), ("max", 1.0))


def part(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]
