"""kill -9 while sources tick: what they raised, what they counted and what is on record stay the same."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.killing import killed

TICKING = Path(__file__).with_name("ticking.py")
BY_STATEMENT = 75
MOST = 300
"""Kills, if the machine is so busy that little happens between them."""
BY_TIME = 25


@pytest.fixture
def ticking() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(TICKING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def check(path: Path) -> tuple[int, int, int]:
    """Compare variables, counts, records and journal; how many ticks, seconds and round trips there were."""
    connection = sqlite3.connect(path)

    def one(sql: str) -> int:
        row = connection.execute(sql).fetchone()
        return int((row and row[0]) or 0)

    def entity(name: str) -> int:
        row = connection.execute("SELECT value FROM entity WHERE name = ?", (name,)).fetchone()
        return int(json.loads(row[0])) if row else 0

    if not one("SELECT count(*) FROM sqlite_master WHERE name = 'source_entry'"):
        connection.close()
        return 0, 0, 0
    fires = dict(connection.execute("SELECT name, fires FROM source_entry"))
    raised = dict(connection.execute("SELECT name, raised FROM source"))
    ticks, seconds, trips = fires.get("m", 0), fires.get("s", 0), fires.get("r", 0)
    assert (raised.get("m", 0), raised.get("c", 0), raised.get("r", 0)) == (ticks, seconds, trips)
    of_source = "FROM journal WHERE scheduled = (SELECT id FROM source_entry WHERE name = '{}')"
    for name, told, counted in (("m", "ticks", ticks), ("s", "seconds", seconds)):
        journalled = one(f"SELECT count(*) {of_source.format(name)}")
        assert journalled == one(f"SELECT count(DISTINCT nominal) {of_source.format(name)}")
        assert entity(told) == counted == journalled
    assert entity("last") == max(0, ticks - 1)
    record = "FROM fire WHERE scheduled = (SELECT id FROM source_entry WHERE name = 's')"
    assert one(f"SELECT count(*) {record} AND eid IS NOT NULL") == seconds
    skipped = one(f"SELECT sum(stands_for) {record} AND outcome = 'skipped'")
    assert skipped == one("SELECT missed FROM source_entry WHERE name = 's'")
    assert one("SELECT count(*) FROM scheduled WHERE kind = 'send'") == trips
    assert entity("trips") == one(
        "SELECT count(*) FROM scheduled WHERE kind = 'send' AND status = 'finished'"
    )
    connection.close()
    return ticks, seconds, trips


def test_no_tick_is_lost_or_doubled_through_100_kills(
    ticking: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "killed.db"
    chance = random.Random(20260301)
    orders = [f"{path} statement {number}" for number in range(1, BY_STATEMENT + 1)]
    orders += [f"{path} after {chance.uniform(0.02, 0.3):.3f}" for _ in range(BY_TIME)]
    ticks = seconds = trips = 0
    for order in orders:
        killed(ticking, order)
        if path.exists():
            ticks, seconds, trips = check(path)
    # A busy machine does less between two kills: then there are more of them.
    while not (ticks > BY_TIME and seconds and trips > BY_TIME):
        assert len(orders) < MOST, (ticks, seconds, trips)
        orders.append(f"{path} after {chance.uniform(0.1, 0.4):.3f}")
        killed(ticking, orders[-1])
        ticks, seconds, trips = check(path)
    with capsys.disabled():
        print(  # noqa: T201 (the counts are what the test is for)
            f"\n{len(orders)} kills; {ticks} ticks, {seconds} seconds, {trips} rounds; 0 lost, 0 doubled"
        )
