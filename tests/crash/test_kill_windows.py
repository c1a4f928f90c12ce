"""kill -9 while a window is changed and followed: each pico gets each edge of the window there is, once."""

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

from picosched import Engine
from picosched.schedule.window import read_window

WINDOWING = Path(__file__).with_name("windowing.py")
BY_STATEMENT = 160
KILLS = 200
PICOS = 8


@pytest.fixture
def windowing() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(WINDOWING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def check(path: Path) -> tuple[int, int]:
    """How many edges and changes there were; AssertionError if an edge was wrong, doubled or lost."""
    with closing(sqlite3.connect(path)) as connection:
        turns = connection.execute("SELECT seq, pico, directives FROM journal ORDER BY seq").fetchall()
        changes = connection.execute(
            "SELECT after_turn, told FROM intervention WHERE what = 'window put' ORDER BY seq"
        ).fetchall()
    heard = Counter[tuple[str, str]]()
    doubled = Counter[tuple[str, str, str]]()
    for seq, pico, directives in turns:
        for each in json.loads(directives):
            told = each["options"]
            given = json.loads([told for after, told in changes if after < seq][-1])
            text = json.dumps({"from": given["opens"], "to": given["closes"]})
            minute = int(told["at"][14:16])
            window = read_window("w", text, "UTC")
            wanted = (window.opens if each["name"] == "opened" else window.closes).text.split()[0]
            assert minute == int(wanted), (told, given)
            heard[each["name"], told["at"]] += 1
            doubled[pico, each["name"], told["at"]] += 1
    assert {*doubled.values()} <= {1}
    complete = [*heard.values()][:-1]  # the last may be under way
    assert {*complete} <= {PICOS}, heard
    return len(heard), len(changes)


def test_each_pico_gets_each_edge_once_through_200_kills(
    windowing: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, chance, found = tmp_path / "killed.db", random.Random(20261129), (0, 0)
    for number in range(1, KILLS + 1):
        after = f"after {chance.uniform(0.05, 0.4):.3f}"
        killed(windowing, f"{path} {after if number > BY_STATEMENT else f'statement {4 * number}'}")
    found = check(path)
    with Engine(path, readonly=True) as engine:
        assert engine.store.picos.find_root() is not None
    assert found[0] > 50 and found[1] > 10
    with capsys.disabled():
        edges, changes = found
        print(f"\n{KILLS} kills; {edges} edges, {changes} changes; 0 wrong, 0 lost, 0 doubled")  # noqa: T201
