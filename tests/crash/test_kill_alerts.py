"""kill -9 while alerts are made and removed between failures: what fails while there is one is told, once."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from crash.killing import killed

ALERTING = Path(__file__).with_name("alerting.py")
BY_STATEMENT = 120
KILLS = 160
FAILED = """SELECT nominal FROM fire WHERE outcome = 'failed'
    AND scheduled IN (SELECT id FROM scheduled WHERE domain = 'failing')"""
TOLD = "SELECT attrs FROM scheduled WHERE domain = 'schedule' AND eci IS NOT NULL"
HOUR = 3_600_000


@pytest.fixture
def alerting() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(ALERTING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def check(path: Path) -> int:
    """How many failures were told; AssertionError if it is not each that had to be, once."""
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM pragma_table_info('alert')").fetchall():
            return 0
        failed = [nominal // HOUR for (nominal,) in connection.execute(FAILED)]
        told = [json.loads(attrs) for (attrs,) in connection.execute(TOLD)]
    heard = Counter(each["nominal"] for each in told if each["happened"] == "failed")
    assert {*heard.values()} <= {1}
    assert len(heard) == sum(hour % 4 == 1 for hour in failed)
    assert {int(nominal[11:13]) % 4 for nominal in heard} <= {1}
    return len(heard)


def test_what_fails_while_there_is_an_alert_is_told_once_through_160_kills(
    alerting: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, chance, found = tmp_path / "killed.db", random.Random(20260301), 0
    for number in range(1, KILLS + 1):
        after = f"after {chance.uniform(0.05, 0.3):.3f}"
        killed(alerting, f"{path} {after if number > BY_STATEMENT else f'statement {number}'}")
        if path.exists():
            found = check(path)
    assert found > 10
    with capsys.disabled():
        print(f"\n{KILLS} kills; {found} failures told; 0 lost, 0 doubled")  # noqa: T201 (the counts count)
