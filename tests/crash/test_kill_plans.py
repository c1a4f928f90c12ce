"""kill -9 while somebody schedules events: what was answered is kept, with its audit, and each comes once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.killing import killed
from crash.planning import PLANS

PLANNING = Path(__file__).with_name("planning.py")
KILLS = 40
EVERY = 17
"""SQL statements from one kill to the next."""


@pytest.fixture
def planning() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(PLANNING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def check(path: Path, told: dict[str, str]) -> int:
    """Compare the schedules with what was told, the audit, the record and the variable; returns how many."""
    connection = sqlite3.connect(path)
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit'").fetchone():
        return 0
    made = connection.execute("SELECT id, attrs, rid, rule FROM scheduled WHERE kind = 'at'").fetchall()
    assert {(rid, rule) for _, _, rid, rule in made} <= {("", 'the command line as "joe"')}
    numbers = {str(json.loads(attrs)["n"]): id for id, attrs, _, _ in made}
    assert len(numbers) == len(made) and told.items() <= numbers.items()
    noted = connection.execute("SELECT subject FROM audit WHERE what = 'scheduled'").fetchall()
    assert sorted(noted) == sorted((id,) for id in numbers.values())
    fired = connection.execute("SELECT scheduled FROM fire WHERE outcome IN ('fired', 'late')").fetchall()
    row = connection.execute("SELECT value FROM entity WHERE name = 'times'").fetchone()
    times = json.loads(row[0]) if row else []
    assert sorted(numbers[str(n)] for n in times) == sorted(id for (id,) in fired)
    assert len({*times}) == len(times)
    connection.close()
    return len(made)


def test_no_schedule_is_lost_or_doubled_while_its_maker_is_killed(
    planning: subprocess.Popen[str], tmp_path: Path
) -> None:
    path, told, counts = tmp_path / "killed.db", dict[str, str](), list[int]()
    for number in range(1, KILLS + 1):
        for line in killed(planning, f"{path} statement {EVERY * number}"):
            if line.startswith("told"):
                _, n, id = line.split()
                assert told.setdefault(n, id) == id  # by its key it is the same one again
        if path.exists():
            counts.append(check(path, told))
    assert counts == sorted(counts) and len({*counts}) > 10  # it was killed in between, and went on
    assert "done\n" in killed(planning, f"{path} statement 1000000")
    assert check(path, told) == PLANS
