"""kill -9 while occurrences of sources fail and are tried again: nothing is raised, tried or told twice."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from crash.killing import killed

TRYING = Path(__file__).with_name("trying.py")
BY_STATEMENT = 80
LEAST, MOST = 100, 400
RETRY = 3
HOUR = 3_600_000
ENOUGH = 5


@pytest.fixture
def trying() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(TRYING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


class Kept:
    """What a database has, read by other means than ours."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    def number(self, sql: str, *values: str) -> int:
        return int(self.rows(sql, *values)[0][0] or 0)

    def entity(self, name: str) -> int:
        return sum(
            json.loads(value) for (value,) in self.rows("SELECT value FROM entity WHERE name = ?", name)
        )


def check(path: Path) -> Counter[str]:
    """Compare variables, counts and records; how many fires, failures, tries and alerts there were."""
    with closing(sqlite3.connect(path)) as connection:
        kept = Kept(connection)
        if not kept.rows("SELECT 1 FROM pragma_table_info('source_entry') WHERE name = 'failures'"):
            return Counter()
        found: Counter[str] = Counter()
        for name, *entry in kept.rows("SELECT name, id, fires, failed, failures FROM source_entry"):
            found += check_entry(kept, name, *entry)
        # Each event for many picos is one row, and each that ended was counted once, failed or not.
        assert kept.number(f"SELECT count(*) {SENT}") == found["fires of many"]
        ended = kept.number(f"SELECT count(*) {SENT} AND status = 'finished'")
        assert kept.entity("done") == found["fires of one"] + ended
        heard = kept.number(
            "SELECT count(*) FROM scheduled WHERE domain = 'schedule' AND status = 'finished'"
        )
        assert kept.entity("heard") == heard
        return found


SENT = "FROM scheduled WHERE domain = 'table'"
TOLD = "FROM scheduled WHERE domain = 'schedule'"
RECORDS = "SELECT nominal, outcome, stands_for FROM fire WHERE scheduled = ? ORDER BY nominal"


def check_entry(kept: Kept, name: str, id: str, fires: int, failed: int, failures: int) -> Counter[str]:
    records = kept.rows(
        "SELECT nominal, outcome, stands_for FROM fire WHERE scheduled = ? ORDER BY nominal", id
    )
    last = [(nominal // HOUR, outcome == "failed") for nominal, outcome, stands_for in records if stands_for]
    assert all(following == hour + 1 for (hour, _), (following, _) in pairwise(last))
    assert (fires, failed) == (len(last), sum(was for _, was in last))
    told = streak = 0
    for _, was in last:
        told += was != (streak > 0)
        streak = streak + 1 if was else 0
    alerts = kept.number(
        "SELECT count(*) FROM scheduled WHERE domain = 'schedule' AND attrs ->> 'id' = ?", id
    )
    tries = len(records) - len(last)
    if name == "one":
        assert (alerts, failures) == (told, streak)
        assert tries <= RETRY * (len(last) + 1)
    else:  # the last may still be on its way
        assert (alerts in (told, told - 1), tries) == (True, 0)
    return Counter({f"fires of {name}": fires, "failed": failed, "tries": tries, "alerts": alerts})


def is_enough(found: Counter[str]) -> bool:
    return min(found[each] for each in ("fires of many", "failed", "tries", "alerts")) > ENOUGH


def test_no_try_and_no_alert_is_lost_or_doubled_through_100_kills_or_more(
    trying: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine that is busy does less until each kill, and so more are needed."""
    path = tmp_path / "killed.db"
    chance = random.Random(20260301)
    found: Counter[str] = Counter()
    for number in range(1, MOST + 1):
        after = number > BY_STATEMENT
        killed(
            trying, f"{path} after {chance.uniform(0.1, 0.5):.3f}" if after else f"{path} statement {number}"
        )
        if path.exists():
            found = check(path)
        if number >= LEAST and is_enough(found):
            break
    assert is_enough(found), found
    with capsys.disabled():
        print(f"\n{number} kills; {dict(found)}; 0 lost, 0 doubled")  # noqa: T201 (the counts count)
