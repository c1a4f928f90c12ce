"""How late scheduled events are on disk while 10,000, 100,000 and 1,000,000 others wait, by the real clock.

The waiting ones are on a hundred picos, and due from an hour from now on. Those that come due are on one
more, at times as chance has them, 100 a second. Late is the time from when an event is due until its turn is
on disk, as in `sources`: until the scheduler waits again.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
import threading
from bisect import bisect_left
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from picosched import Engine, Scheduled, Store
from picosched.clock import SystemClock
from tests.bench.setup import COUNTER, Setup
from tests.bench.side_by_side import OURS, Row, in_a_process_of_its_own
from tests.bench.sources import Noting, part

WAITING = (10_000, 100_000, 1_000_000)
PICOS = 100
EVENTS, PER_SECOND = 300, 100
LEAD = timedelta(seconds=0.5)
"""Time to open the engine before the first is due."""
SHARES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))

MORE = """WITH RECURSIVE given (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM given WHERE n < ?)
    INSERT INTO scheduled (id, pico, rid, domain, type, attrs, kind, due, created, tz, status, fires)
    SELECT printf('%s%07d', id, n), (SELECT id FROM pico WHERE pico.rowid = 2 + n % ?), rid, domain, type,
        attrs, kind, due + n * 1000, created, tz, status, fires
    FROM given CROSS JOIN (SELECT * FROM scheduled WHERE id = 'waits')"""
COMING = """INSERT OR REPLACE INTO coming SELECT pico, count(*) FROM scheduled GROUP BY pico"""


def measure(setup: Setup) -> list[Row]:
    events = max(3, setup.times(EVENTS))
    late: dict[int, list[list[float]]] = {setup.times(number): [] for number in WAITING}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        paths = {number: Path(folder) / f"{number}.db" for number in late}
        for number, path in paths.items():
            fill(path, number)
        for _ in range(setup.few(5)):
            for number, path in paths.items():
                late[number].append(in_a_process_of_its_own(lateness, path, events))
    most, *fewer = sorted(late, reverse=True)
    return [
        Row(
            f"late with {most:,} pending, {name}",
            "ms",
            {
                OURS if number == most else f"{number:,} pending": [
                    part(found, share) for found in late[number]
                ]
                for number in (most, *fewer)
            },
        )
        for name, share in SHARES
    ]


def fill(path: Path, number: int) -> None:
    """A database in which so many events wait."""
    with Engine(path) as engine:
        engine.root.install(COUNTER)
        for each in range(PICOS):
            engine.new_pico(f"pico {each}").install(COUNTER)
        root = engine.root.id
    due = datetime.now(UTC) + timedelta(hours=1)
    waits = Scheduled("waits", root, "counter", "counter", "step", {}, "at", due, datetime.now(UTC))
    add(path, [waits])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA cache_size = -200000")
        connection.execute(MORE, (number - 1, PICOS))
        connection.execute(COMING)


def add(path: Path, rows: list[Scheduled]) -> None:
    store = Store(path)
    with store.transaction():
        for row in rows:
            store.agenda.add(row)
    store.close()


def lateness(path: Path, number: int) -> list[float]:
    """How late each of so many events is on disk, in milliseconds, sorted."""
    store = Store(path)
    root = store.picos.find_root()
    store.close()
    assert root is not None
    begin = datetime.now(UTC) + LEAD
    seconds = number / PER_SECOND
    chance = random.Random(number)
    dues = [begin + timedelta(milliseconds=round(chance.uniform(0, seconds) * 1_000)) for _ in range(number)]
    row = Scheduled("", root.id, "counter", "counter", "step", {}, "at", begin, begin)
    add(path, [replace(row, id=f"{each:%s%f}-{place}", due=each) for place, each in enumerate(dues)])
    clock = Noting()
    with Engine(path, clock=clock, granularity=1) as engine:
        engine.start()
        SystemClock().wait_until(max(dues) + LEAD, threading.Event())
        engine.stop()
        fires = engine.root.history(limit=number)
    assert len(fires) == number
    return sorted(
        (clock.done[bisect_left(clock.done, fire.fired)] - fire.nominal) / timedelta(milliseconds=1)
        for fire in fires
    )
