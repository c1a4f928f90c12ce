"""kill -9 while picos with a ledger do all that picos can do: the books are right after each.

What is done meanwhile: events raised; schedules made by rules, also by a `foreach` whose events schedule more,
with `_count`, `_until` and `_name`; messages through several picos and back; children made, sent to and deleted
while they have something to come; schedules paused, resumed, moved, rescheduled, fired and cancelled from
outside; rulesets installed, replaced and taken off while they have something to come; sources that tick, are
paused and go on; rules that fail.

After each kill the file is read as any SQLite program reads it, and

- the entity variables, the schedule, the record of fires and the journal tell the same story: what that means
  is at the head of `tests/soak/books.py`
- every event that was answered has taken effect, and no serial came twice (`tests/soak/record.py`)

and at the end, once a child has raised what was left, nothing is owed and nothing is to come.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.books import closing_reader, faults_of, left_over
from tests.soak.record import Lane
from tests.soak.run import entered

KEEPING = Path(__file__).with_name("keeping.py")
DATABASES = 6
BY_STATEMENT = 30
BY_TIME = 20
"""Kills of each database."""


@pytest.fixture
def keeping() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(KEEPING)],
        env={**os.environ, "PYTHONPATH": str(KEEPING.parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def killed(process: subprocess.Popen[str], order: str, lanes: dict[tuple[str, str], Lane]) -> int:
    """Run one child until it is killed, and take down what it had answered; how many events that were."""
    assert process.stdin and process.stdout
    process.stdin.write(f"{order}\n")
    process.stdin.flush()
    answered = 0
    for line in process.stdout:
        word, *rest = line.split()
        if word == "told":
            pico, name, serial = rest
            lane = lanes.setdefault((pico, name), Lane(pico, name))
            lane.sent = int(serial)
            answered += 1
        elif word == "killed":
            return answered
        assert word not in ("died", "failed"), line
    raise AssertionError("the worker ended")


def check(path: Path, lanes: dict[tuple[str, str], Lane]) -> None:
    assert faults_of(path) == []
    with closing_reader(path) as connection:
        for lane in lanes.values():
            last, missing = entered(connection, lane.pico, lane.name)
            lane.sent = max(lane.sent, last)  # one more may have been kept than was answered
            assert lane.faults(last, missing) == []


@pytest.mark.parametrize("number", range(DATABASES))
def test_books_are_right_after_each_of_50_kills(
    keeping: subprocess.Popen[str], tmp_path: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "killed.db"
    chance = random.Random(f"books {number}")
    orders = [f"{path} statement {round(10 ** chance.uniform(1, 3.4))}" for _ in range(BY_STATEMENT)]
    orders += [f"{path} after {chance.uniform(0.05, 0.3):.3f}" for _ in range(BY_TIME)]
    chance.shuffle(orders)
    lanes: dict[tuple[str, str], Lane] = {}
    answered = 0
    for order in orders:
        answered += killed(keeping, order, lanes)
        if path.exists():
            check(path, lanes)
    killed(keeping, f"{path} rest 0", lanes)
    check(path, lanes)
    assert left_over(path, round(time.time() * 1_000) + 10**12) == []
    assert answered > 10 * BY_TIME
    with closing_reader(path) as connection:
        (fired,) = connection.execute("SELECT count(*) FROM fire WHERE eid IS NOT NULL").fetchone()
    with capsys.disabled():
        print(  # noqa: T201 (the counts are what the test is for)
            f"\n{len(orders)} kills; {answered} events answered, {fired} occurrences raised; 0 lost, 0 doubled"
        )
