"""kill -9 between any two statements loses nothing and doubles nothing.

One database lives through all the kills. After each, what is on disk is compared: entity variables, the
schedule, the waiting rule, the record of fires and the journal must tell the same story, and every event that
was answered must be in it once.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.killing import killed

WORKER = Path(__file__).with_name("worker.py")
BY_STATEMENT = 120
BY_TIME = 100
CHAINS = ("c0", "c1", "c2", "c3")


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def keys_answered(worker: subprocess.Popen[str], order: str) -> list[str]:
    """Run one child until it is killed; the keys of the events that it had answered."""
    return [line.split()[1] for line in killed(worker, order) if line.startswith("told")]


class Disk:
    """What is on disk, as any SQLite program sees it."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)

    def number(self, sql: str, *values: object) -> int:
        found: int = self.connection.execute(sql, values).fetchone()[0]
        return found

    def entity(self, name: str) -> object:
        row = self.connection.execute("SELECT value FROM entity WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None


def check(disk: Disk, told: set[str]) -> None:
    """Compare state, schedule, fires and journal."""
    ticks = disk.entity("ticks") or {}
    assert isinstance(ticks, dict)
    for chain in CHAINS:
        counted = ticks.get(chain, 0)
        of_chain = "SELECT count(*) FROM scheduled WHERE json_extract(attrs, '$.chain') = ?"
        made = disk.number(of_chain, chain)
        pending = disk.number(f"{of_chain} AND status = 'pending'", chain)
        begun = disk.number(
            "SELECT count(*) FROM journal WHERE scheduled IS NULL AND handled LIKE ?", f'%begin%"{chain}"%'
        )
        assert begun <= 1
        assert pending == begun, f"{chain}: {pending} pending"
        assert made == counted + begun, f"{chain}: {made} made, {counted} counted"
    fired = disk.number("SELECT count(*) FROM fire WHERE outcome IN ('fired', 'late', 'coalesced')")
    turns = disk.number("SELECT count(*) FROM journal WHERE scheduled IS NOT NULL")
    seconds = disk.entity("seconds") or 0
    assert fired == turns == sum(ticks.values()) + seconds
    assert disk.number("SELECT count(*) FROM fire WHERE outcome = 'failed'") == 0
    events = [
        key
        for (handled,) in disk.connection.execute(
            "SELECT handled FROM journal WHERE scheduled IS NULL AND handled LIKE '%told%'"
        )
        for key in re.findall(r'"key":"([^"]+)"', handled)[:1]
    ]
    assert len(events) == len(set(events)), "an event was kept twice"
    assert told <= set(events), f"answered and lost: {told - set(events)}"
    assert (disk.entity("told") or 0) == (disk.entity("heard") or 0) == len(events)
    assert (disk.entity("pairs") or 0) == len(events) // 2
    assert disk.number("SELECT count(*) FROM waiting") == len(events) % 2


def test_nothing_is_lost_or_doubled_through_220_kills(
    worker: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "killed.db"
    randomness = random.Random(20260301)
    orders = [f"{path} statement {number}" for number in range(1, BY_STATEMENT + 1)]
    orders += [f"{path} after {randomness.uniform(0.01, 0.25):.3f}" for _ in range(BY_TIME)]
    told: set[str] = set()
    kills = 0
    for order in orders:
        told |= set(keys_answered(worker, order))
        kills += 1
        if path.exists():
            disk = Disk(path)
            if disk.number("SELECT count(*) FROM sqlite_master WHERE name = 'journal'"):
                check(disk, told)
            disk.connection.close()
    disk = Disk(path)
    assert disk.number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1
    ticks = disk.entity("ticks")
    assert isinstance(ticks, dict)
    assert min(ticks.values()) > BY_TIME
    with capsys.disabled():
        print(  # noqa: T201 (the counts are what the test is for)
            f"\n{kills} kills; {sum(ticks.values())} scheduled events fired, {len(told)} events answered; "
            "0 lost, 0 doubled"
        )
