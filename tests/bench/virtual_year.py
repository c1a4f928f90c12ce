"""A year of `*/10 * * * *` on a virtual clock: 52,560 fires, each a turn, with the settings as they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from time import perf_counter

from croniter import croniter

from picosched import Engine, VirtualClock
from tests.bench.bare import bare_rows
from tests.bench.setup import COUNTER, Setup, counting
from tests.bench.side_by_side import OURS, Row, side_by_side

TIMESPEC = "*/10 * * * *"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def measure(setup: Setup) -> list[Row]:
    days = setup.times(365)
    fires = days * 144
    month = setup.times(30) * 144
    repeats = setup.few(3)
    return [
        side_by_side(
            f"{fires:,} fires in {days} days, in memory",
            "s",
            {OURS: partial(in_memory, days), "croniter alone": partial(croniter_alone, fires)},
            repeats=repeats,
            warm=False,
        ),
        side_by_side(
            f"{month:,} fires in {month // 144} days, on disk, each committed by itself",
            "s",
            {
                OURS: partial(on_disk, month // 144),
                "bare SQLite, 1 row a commit": lambda: month / bare_rows("full", 1, month),
            },
            repeats=repeats,
            warm=False,
        ),
    ]


def in_memory(days: int) -> float:
    with Engine(clock=VirtualClock(BEGIN)) as engine:
        engine.root.install(COUNTER)
        return run(engine, days)


def on_disk(days: int) -> float:
    with counting(clock=VirtualClock(BEGIN)) as engine:
        return run(engine, days)


def run(engine: Engine, days: int) -> float:
    engine.root.raise_event("counter", "tick_every", {"timespec": TIMESPEC})
    begun = perf_counter()
    fired = engine.run_until(BEGIN + timedelta(days=days))
    took = perf_counter() - begun
    assert fired == days * 144
    return took


def croniter_alone(fires: int) -> float:
    """Seconds to ask croniter for as many times, parsed once."""
    begun = perf_counter()
    times = croniter(TIMESPEC, BEGIN)
    for _ in range(fires):
        times.get_next(datetime)
    return perf_counter() - begun
