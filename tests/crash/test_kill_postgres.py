"""kill -9 of the process, cut sessions and restarts of PostgreSQL lose nothing and double nothing.

As in `test_kill.py`, one database lives through it all. After each, a copy of its tables in an SQLite file is
compared in the same way.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from crash.killing import said_until_killed
from crash.test_kill import Disk, check, keys_answered, worker
from postgres_server import Server

from picosched import PicoschedError, Store

__all__ = ["worker"]

BY_STATEMENT = range(1, 96, 2)
BY_TIME = 14
TROUBLES = 4


def compared(address: str, path: Path, told: set[str]) -> Disk | None:
    """Compare what is committed; None if there are no tables yet."""
    path.unlink(missing_ok=True)
    try:
        store = Store(address, readonly=True)
    except PicoschedError as error:
        assert error.code == "not_found"
        return None
    store.copy(path).close()
    store.close()
    disk = Disk(path)
    check(disk, told)
    return disk


def answered(lines: Iterator[str], number: int) -> set[str]:
    """Read on until so many more events were answered; their keys."""
    keys: set[str] = set()
    for line in lines:
        if line.startswith("told"):
            keys.add(line.split()[1])
            if len(keys) == number:
                return keys
    raise AssertionError("the child ended")


def test_nothing_is_lost_or_doubled_through_kills_cut_sessions_and_restarts(
    worker: subprocess.Popen[str], postgres: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address, path = postgres.new_database(), tmp_path / "copy.db"
    randomness = random.Random(20260301)
    orders = [f"statement {number}" for number in BY_STATEMENT]
    orders += [f"after {randomness.uniform(0.2, 0.6):.3f}" for _ in range(BY_TIME)]
    randomness.shuffle(orders)
    told: set[str] = set()
    for order in orders:
        told |= set(keys_answered(worker, f"{address} {order}"))
        compared(address, path, told)
    for trouble in (partial(postgres.end_sessions, address), postgres.restart):
        lines = said_until_killed(worker, f"{address} after 600")
        pid = int(next(line for line in lines if line.startswith("ready")).split()[1])
        for _ in range(TROUBLES):
            told |= answered(lines, 5)
            trouble()
        told |= answered(lines, 5)
        os.kill(pid, signal.SIGKILL)
        told |= {line.split()[1] for line in lines if line.startswith("told")}
        disk = compared(address, path, told)
    assert disk is not None
    ticks = disk.entity("ticks")
    assert isinstance(ticks, dict) and len(told) > 100
    with capsys.disabled():
        print(  # noqa: T201 (the counts are what the test is for)
            f"\n{len(orders) + 2} kills, {TROUBLES} times sessions cut, {TROUBLES} restarts of PostgreSQL; "
            f"{sum(ticks.values())} scheduled events fired, {len(told)} events answered; 0 lost, 0 doubled"
        )
