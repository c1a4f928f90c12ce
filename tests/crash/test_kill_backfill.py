"""kill -9 while a backfill raises what was missed: each occurrence takes effect once, none is left out."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.filling import DAYS
from crash.killing import killed

FILLING = Path(__file__).with_name("filling.py")
KILLS = 60


@pytest.fixture
def filling() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(FILLING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def check(path: Path) -> int:
    """Compare the variable, the schedule, the record and the journal; how often the rule has fired."""
    connection = sqlite3.connect(path)
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'fire'").fetchone():
        return 0
    row = connection.execute("SELECT value FROM entity WHERE name = 'times'").fetchone()
    times = json.loads(row[0]) if row else 0
    raised = "FROM fire WHERE outcome IN ('fired', 'late')"
    for sql in (
        f"SELECT count(*) {raised}",
        f"SELECT count(DISTINCT nominal) {raised}",
        "SELECT count(*) FROM journal WHERE scheduled IS NOT NULL",
        "SELECT coalesce(max(fires), 0) FROM scheduled",
    ):
        assert connection.execute(sql).fetchone() == (times,), sql
    connection.close()
    return int(times)


def test_no_occurrence_is_lost_or_doubled_while_a_backfill_is_killed(
    filling: subprocess.Popen[str], tmp_path: Path
) -> None:
    path = tmp_path / "killed.db"
    counts = []
    for number in range(1, KILLS + 1):
        killed(filling, f"{path} statement {3 * number}")
        if path.exists():
            counts.append(check(path))
    assert counts == sorted(counts) and counts[-1] > 0
    assert len({*counts}) > 10  # it was killed in between, and went on
    assert "filled\n" in killed(filling, f"{path} statement 1000000")
    assert check(path) == DAYS * 24
