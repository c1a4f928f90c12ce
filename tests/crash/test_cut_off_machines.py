"""Two machines with a network of their own, of which one is cut off from PostgreSQL and comes back.

Nothing tells either end that the network is cut. The other machine ends the silent session and takes the
shards. The one that comes back finds its session gone; what it had begun is undone, and it takes part anew.
The work and what is compared in the end are those of `test_kill_machines`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from crash.test_kill_machines import FOLDER, Life, catch_up, check, planted
from postgres_server import Server
from racing import until

from picosched.clock import ticks
from picosched.store.postgres.machines import SHARD_KEY

pytestmark = pytest.mark.slow

FEW, ALL = 1, 12
"""Databases in `make test`, and with --all-kills."""

BEATS, ENDS = 4, 5
"""Of each pico: fewer than where machines die often, so that it does not take as long."""
LONG = 600.0
"""Seconds after which a machine would end by itself."""
SHARES = f"""SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE locktype = 'advisory' AND granted AND classid = {SHARD_KEY} AND datname = current_database()
    GROUP BY pid ORDER BY 1"""


@pytest.fixture
def machines(postgres: Server) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, str(FOLDER / "apart.py"), str(postgres.folder)]
    found = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        for _ in range(2)
    ]
    yield found
    for each in found:
        os.killpg(each.pid, signal.SIGKILL)
        each.communicate()


def test_a_machine_that_is_cut_off_loses_its_shards_and_nothing_else(
    database: int,
    machines: list[subprocess.Popen[str]],
    postgres: Server,
    capsys: pytest.CaptureFixture[str],
) -> None:
    address = postgres.new_database()
    name = address.partition("?")[0].rpartition("/")[2]
    planted(address, BEATS, ENDS)
    lives = [Life(machine, f"postgresql://picos@127.0.0.1/{name}", [LONG]) for machine in machines]
    for life in lives:
        life.start()

    def shared_as(*shards: int) -> Callable[[], bool]:
        return lambda: [number for (number,) in postgres.ask(SHARES, address)] == [*shards]

    def taking(*shards: int) -> float:
        """Seconds until the machines have so many."""
        began = ticks()
        until(shared_as(*shards), lambda: postgres.ask(SHARES, address))
        return ticks() - began

    taking(128, 128)
    until(lambda: all(life.told for life in lives))
    cut = machines[database % 2]
    cut.send_signal(signal.SIGUSR1)
    taken = taking(256)
    cut.send_signal(signal.SIGUSR2)
    back = taking(128, 128)
    for life in lives:
        os.kill(life.pid, signal.SIGKILL)
    for life in lives:
        life.join()
    assert [life.error for life in lives if life.error] == []
    catch_up(postgres, address)
    counts = check(postgres, address, {key for life in lives for key in life.told}, ENDS)
    assert counts["beats"] > 100
    assert taken < 8  # goal: 4, where nothing else uses the processor
    with capsys.disabled():
        print(  # noqa: T201 (the counts are what the test is for)
            f"\n2 machines, one cut off: its shards were taken after {taken:.1f} s, it was back {back:.1f} s "
            f"after its network was: {counts}; 0 lost, 0 doubled"
        )
