"""kill -9 while picos with a ledger do all that picos can do: the books are right after each.

What is done meanwhile: events raised; schedules made by rules, also by a `foreach` whose events schedule
more, with `_count`, `_until` and `_name`; messages through several picos and back; children made, sent to and
deleted while they have something to come; schedules paused, resumed, moved, rescheduled, fired and cancelled
from outside; rulesets installed, replaced and taken off while they have something to come; sources that tick,
are paused and go on; rules that fail; programs run.

After each kill the file is read as any SQLite program reads it, and

- the entity variables, the schedule, the record of fires and the journal tell the same story: what that means
  stands at the head of `tests/soak/books.py`
- every event that was answered has taken effect, and no serial came twice (`tests/soak/record.py`)
- no program ran twice

and at the end, once a child has raised what was left, nothing is owed and nothing is to come.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.killing import said_until_killed
from tests.soak.books import closing_reader, entered, faults_of, left_over
from tests.soak.record import Lane

ROOT = Path(__file__).parent.parent.parent
FEW, ALL = 2, 6
"""Databases, one after the other: without and with `--all-kills`."""

BY_STATEMENT = 30
BY_TIME = 20
"""Kills of each database."""

FOR_EVER = 10**15
"""Milliseconds since 1970: later than anything may be due."""

Lanes = dict[tuple[str, str], Lane]


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.crash.keeping"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def killed(worker: subprocess.Popen[str], order: str, lanes: Lanes) -> int:
    """Run one child until it is killed, and take down what it had answered; how many events that were."""
    answered = 0
    for line in said_until_killed(worker, order):
        word, *rest = line.split()
        assert word != "failed", line
        if word == "told":
            pico, name, serial = rest
            lane = lanes.setdefault((pico, name), Lane(pico, name))
            lane.sent = int(serial)
            answered += 1
    return answered


def check(path: Path, lanes: Lanes) -> None:
    assert faults_of(path) == []
    with closing_reader(path) as connection:
        for lane in lanes.values():
            last, missing = entered(connection, lane.pico, lane.name)
            lane.sent = max(lane.sent, last)  # one more may have been kept than was answered
            assert lane.faults(last, missing) == []
    programs = Path(f"{path}.programs")
    ran = programs.read_text().splitlines() if programs.exists() else []
    assert len(ran) == len(set(ran)), "a program ran twice"


@pytest.mark.slow
def test_the_books_are_right_after_each_of_50_kills(
    worker: subprocess.Popen[str], tmp_path: Path, database: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "killed.db"
    chance = random.Random(f"books {database}")
    orders = [f"{path} statement {round(10 ** chance.uniform(1, 3.4))}" for _ in range(BY_STATEMENT)]
    orders += [f"{path} after {chance.uniform(0.05, 0.3):.3f}" for _ in range(BY_TIME)]
    chance.shuffle(orders)
    lanes: Lanes = {}
    answered = 0
    for order in orders:
        answered += killed(worker, order, lanes)
        if path.exists():
            check(path, lanes)
    killed(worker, f"{path} rest 0", lanes)
    check(path, lanes)
    assert left_over(path, FOR_EVER) == []
    assert answered > 5 * BY_TIME
    with closing_reader(path) as connection:
        (fired,) = connection.execute("SELECT count(*) FROM fire WHERE eid IS NOT NULL").fetchone()
    with capsys.disabled():
        print(  # noqa: T201 (the counts are what the test is for)
            f"\n{len(orders)} kills; {answered} events answered, {fired} raised again; 0 lost, 0 doubled"
        )
