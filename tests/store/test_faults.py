"""A disk that fails at each of its calls in turn: what was answered is kept, once, and the engine goes on.

`faulty.py` is the process whose disk fails, `faults.c` is the disk. `FAULTS=all` tries every call; otherwise
some of each way are drawn, by a seed that is printed.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from faulty import EVENTS, NOW

from picosched import Engine, VirtualClock
from picosched.store.opening import examine

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent
WRITE, SYNC, OPEN, READ, CHANGE = 1, 2, 4, 8, 16
FAIL, SHORT, CRASH, TORN, CUT = range(5)
SEED = int(os.environ.get("FAULTS_SEED") or 20260301)
DRAWN = os.environ.get("FAULTS") or "5"
"""How many calls of each way to fail are tried, or "all"."""


@dataclass(frozen=True)
class Way:
    """A way for the disk to fail."""

    name: str
    kinds: int
    how: int = FAIL
    error: int = errno.EIO
    times: int = 1
    power: bool = False
    """Whether the power is cut at the end, so that only what is on disk is left."""


WAYS = (
    Way("a write fails", WRITE),
    Way("a write fails and in the end the power is cut", WRITE, power=True),
    Way("the disk is full at a write", WRITE, error=errno.ENOSPC),
    Way("the disk is full from a write on", WRITE, error=errno.ENOSPC, times=60),
    Way("half is written and the disk is full", WRITE, SHORT, errno.ENOSPC),
    Way("an fsync fails", SYNC),
    Way("an fsync fails and in the end the power is cut", SYNC, power=True),
    Way("two fsyncs fail and in the end the power is cut", SYNC, times=2, power=True),
    Way("three fsyncs fail and in the end the power is cut", SYNC, times=3, power=True),
    Way("a file cannot be opened", OPEN, error=errno.EMFILE),
    Way("a file may not be opened", OPEN, error=errno.EACCES),
    Way("a read fails", READ),
    Way("a file cannot be shortened or deleted", CHANGE),
    Way("the disk is gone for a while", WRITE | SYNC | OPEN | READ | CHANGE, times=40),
    Way("the process dies", WRITE | SYNC | OPEN | CHANGE, CRASH),
    Way("the process dies in the middle of a write", WRITE, TORN),
    Way("the power is cut", WRITE | SYNC | OPEN | CHANGE, CUT),
)


class Disk:
    """The process whose disk fails."""

    def __init__(self, library: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(FOLDER / "faulty.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LD_PRELOAD": str(library)},
        )

    def run(self, path: Path, way: Way, number: int) -> list[tuple[str, str]]:
        """What it said of a run in which the call of that number fails: words and the rest of their line."""
        assert self._process.stdin and self._process.stdout
        order = (path, "cut" if way.power else "-", way.kinds, number, way.times, way.how, way.error)
        self._process.stdin.write(" ".join(map(str, order)) + "\n")
        self._process.stdin.flush()
        said = []
        for line in self._process.stdout:
            word, _, rest = line.strip().partition(" ")
            said.append((word, rest))
            if word == "end":
                return said
        raise AssertionError("the process with the faulty disk ended")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def disk(faults_library: Path) -> Iterator[Disk]:
    with closing(Disk(faults_library)) as disk:
        yield disk


def keys(said: list[tuple[str, str]], word: str) -> set[str]:
    return {rest.partition(" ")[0] for each, rest in said if each == word}


def check(path: Path, said: list[tuple[str, str]]) -> None:
    """What is on disk, without faults from now on, against what was said."""
    assert not keys(said, "wrong"), said
    if not path.exists():
        assert not keys(said, "told")
        return
    assert examine(path) == [] or not keys(said, "told")
    clock = VirtualClock(NOW)
    clock.advance(seconds=60)
    with Engine(path, clock, granularity=1) as engine:
        if "faulty" not in engine.root.rulesets():
            assert not keys(said, "told")
            return
        engine.run_due()
        told: dict[str, Any] = engine.root.query("faulty", "told")
        heard: dict[str, Any] = engine.root.query("faulty", "heard")
        assert set(told.values()) <= {1} and told == heard
        assert keys(said, "told") <= told.keys(), "answered and lost"
        assert not keys(said, "lost") & told.keys(), "said to be lost and kept"
        assert told.keys() <= keys(said, "told") | keys(said, "doubt") | unsaid(said)
        fires = engine.history(limit=1_000)
        assert len({(fire.id, fire.nominal) for fire in fires}) == len(fires) == len(told)
        journal = engine.journal(limit=1_000)
        assert sum(entry.scheduled is None for entry in journal if "faulty.told" in entry.fired) == len(told)
        assert sum("faulty.heard" in entry.fired for entry in journal) == len(told)


def unsaid(said: list[tuple[str, str]]) -> set[str]:
    """The event that was raised when the process died, which said nothing of it any more."""
    if said[-1] == ("end", "0") or keys(said, "counted"):
        return set()
    spoken = keys(said, "told") | keys(said, "doubt") | keys(said, "lost")
    return {f"k{len(spoken)}"}


def went_on(way: Way, said: list[tuple[str, str]]) -> None:
    """Whoever serves goes on serving once the disk does its work again."""
    if way.how in (CRASH, TORN, CUT):
        return
    assert keys(said, "counted"), said
    if way.times == 1:
        assert len(keys(said, "told")) >= EVENTS - 1, said
        assert sum(word in ("refused", "failed") for word, _ in said) <= 2, said


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_nothing_is_lost_or_doubled_when(way: Way, disk: Disk, tmp_path: Path) -> None:
    usual = disk.run(tmp_path / "usual.db", way, 10**9)
    assert keys(usual, "told") == {f"k{number}" for number in range(EVENTS)}
    (calls,) = (int(rest) for word, rest in usual if word == "counted")
    drawn = calls if DRAWN == "all" else min(int(DRAWN), calls)
    numbers = sorted(random.Random(f"{SEED} {way.name}").sample(range(1, calls + 1), drawn))
    print(f"\nseed {SEED}: {way.name}, {drawn} of {calls} calls")  # noqa: T201 (shown where it fails, or by -s)
    for number in numbers:
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / "faulty.db"
        said = disk.run(path, way, number)
        try:
            check(path, said)
            went_on(way, said)
        except BaseException:
            print(f"call {number} of {calls}\n" + "\n".join(map(" ".join, said)))  # noqa: T201
            raise
        shutil.rmtree(folder)
