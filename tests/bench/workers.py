"""Workers on a PostgreSQL that is started for a measurement, with fsync, on the same cores.

A machine is a process `picosched worker` with the settings as they come.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import perf_counter, time

from picosched import Engine, VirtualClock
from picosched.store.postgres.machines import CHANNEL, SHARD_KEY
from picosched.store.shards import SHARDS
from tests.bench.setup import COUNTER
from tests.postgres_server import Server

SETTINGS = """fsync = on
shared_buffers = 256MB
max_wal_size = 4GB
track_commit_timestamp = on
"""
LONGEST = 120.0
"""Seconds after which what does not come is an error."""
PLAN = 5_000
"""Events of which PostgreSQL can change the due time within a second, with room."""

ON_DISK = "(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::double precision"
"""When a row was committed, in ms."""
POSITION = "SELECT (pg_current_wal_lsn() - '0/0')::double precision"
"""How many bytes of the write-ahead log were written so far."""
SHARES = f"""SELECT pid, count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = {SHARD_KEY} GROUP BY pid ORDER BY 2"""
NEWS = f"""SELECT pg_notify({CHANNEL}, string_agg(shard::text, ' '))
    FROM generate_series(0, {SHARDS - 1}) AS shard"""


def plant(database: str, picos: int, fires: int) -> None:
    """Schedule so many events, later, on so many picos."""
    with Engine(database, VirtualClock("2030-01-01T00:00:00Z")) as engine:
        for number in range(picos):
            pico = engine.new_pico(f"p{number}")
            pico.install(COUNTER)
            here = fires // picos + (number < fires % picos)
            pico.raise_event("counter", "plan_many", {"at": "2030-12-31T00:00:00Z", "number": here})


def plan(server: Server, address: str, sql: str, events: int, **given: int) -> int:
    """Make so many events come due, beginning soon, and tell the machines; the first due time, in ms."""
    first = round((time() + 0.3 + events / PLAN) * 1_000)
    server.ask(sql.format(first=first, **given), address)
    server.ask(NEWS, address)
    assert time() * 1_000 < first, f"{events:,} events took too long to plan"
    return first


@contextmanager
def working(server: Server, address: str, number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many machines at work, which have shared the shards out."""
    workers: list[subprocess.Popen[bytes]] = []
    try:
        workers += [worker(address) for _ in range(number)]
        until(lambda: shared_by(server, address, number))
        yield workers
    finally:
        for each in workers:
            each.kill()
            each.wait()


def worker(address: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from picosched.cli.main import main; main()", "worker", "--db", address]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def shared_by(server: Server, address: str, number: int) -> bool:
    shards = [shards for _, shards in server.ask(SHARES, address)]
    return len(shards) == number and sum(shards) == SHARDS and shards[-1] - shards[0] <= 1


def cpu(processes: Iterable[int]) -> float:
    """CPU seconds that processes have taken, with those of their children that ended."""
    ticks = 0
    for each in processes:
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def cpu_of(server: Server) -> float:
    """That of a server, whose processes come and go; those that ended are counted in the first."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    while True:
        try:
            return cpu([server.pid, *map(int, children.read_text().split())])
        except (FileNotFoundError, ProcessLookupError):  # one has just ended
            continue


def until(come: Callable[[], bool], every: float = 0.02) -> None:
    """Return once something has come; asked seldom, since to ask costs CPU, too."""
    end = perf_counter() + LONGEST
    while not come():
        assert perf_counter() < end, f"it did not come in {LONGEST:g} s"
        pause(every)


def pause(seconds: float) -> None:
    Event().wait(max(0.0, seconds))
