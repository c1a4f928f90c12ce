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


def test_readonly_it_is_read_as_it_is_and_says_what_was_not_recorded(path: Path) -> None:
    before = path.read_bytes()
    with Engine(path, VirtualClock("2026-11-21T14:40:00Z"), readonly=True) as engine:
        rows = engine.agenda.scheduled()
        assert {row.name: row.overlap for row in rows} == {"hourly": None, "held": None}
        assert Counter(fire.outcome for fire in engine.history()) == {"fired": 3}
        assert engine.pico("kitchen").query("kept", "count") == 3
        assert [source.name for source in engine.sources()] == ["bell"]
        assert engine.why("hourly").broke is None
        broke = engine.why("held").broke
        assert broke is not None and broke.text == (
            "until it is resumed; who did it is not on record: the last 20 changes are, "
            "and an older picosched kept none"
        )
    assert path.read_bytes() == before


def test_a_file_of_today_gets_nothing_put_beside_it(tmp_path: Path) -> None:
    with Engine(tmp_path / "new.db") as engine:
        engine.new_pico("kitchen")
    with Engine(tmp_path / "new.db", readonly=True) as engine:
        assert [*engine.store._database.ask("SELECT name FROM sqlite_temp_master")] == []
