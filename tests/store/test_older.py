"""A database that picosched 0.1.0 wrote opens as it is: what was to come comes, and what was is still there.

`older/0_1_0.db.gz` has a pico whose ruleset scheduled an `at` (raised), an hourly repeat (raised twice), a
repeat that is paused, an event expression that waits for its second half, a source, a channel and a child.
"""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from picosched import Engine, VirtualClock

OLDER = Path(__file__).with_name("older") / "0_1_0.db.gz"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "older.db"
    path.write_bytes(gzip.decompress(OLDER.read_bytes()))
    return path


def opened(path: Path, time: str) -> Engine:
    return Engine(path, VirtualClock(time), granularity=1, min_period=0)


def test_what_was_there_is_there(path: Path) -> None:
    with opened(path, "2026-11-21T14:40:00Z") as engine:
        kitchen = engine.pico("kitchen")
        assert [pico.name for pico in engine.picos()] == ["root", "kitchen", "child"]
        assert kitchen.query("kept", "seen") == ["once", "again", "again"]
        assert kitchen.query("kept", "count") == 3
        (channel,) = [each for each in kitchen.channels() if each.tags == ("phone",)]
        assert engine.query(channel.eci, "kept", "count") == 3
        assert {row.name: row.status for row in kitchen.scheduled()} == {
            "hourly": "pending",
            "held": "paused",
        }
        assert Counter(fire.outcome for fire in kitchen.history()) == {"fired": 3}
        assert len(kitchen.journal()) == 5
        assert [source.name for source in engine.sources()] == ["bell"]


def test_what_was_to_come_comes(path: Path) -> None:
    with opened(path, "2026-11-21T14:40:00Z") as engine:
        kitchen = engine.pico("kitchen")
        kitchen.raise_event("kept", "second")  # the other half of what waits
        (held,) = [row for row in kitchen.scheduled() if row.name == "held"]
        engine.run_until("2026-11-22T12:00:00Z")
        assert kitchen.resume(held.id)
    with opened(path, "2026-11-22T12:00:00Z") as engine:
        kitchen = engine.pico("kitchen")
        engine.run_until("2026-11-23T09:30:00Z")
        seen = kitchen.query("kept", "seen")
        assert seen[3] == "pair"
        # 22 hours, and the bell; then 21 hours, and what was held.
        assert Counter(seen[4:]) == {"again": 22 + 1 + 21, "held": 1}
        keys = [(fire.id, fire.nominal) for fire in engine.history(limit=1_000)]
        assert len(keys) == len({*keys})
