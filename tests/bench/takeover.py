"""How long it takes until the picos of a machine that dies fire again, on the others."""

from __future__ import annotations

import signal
import statistics
import subprocess
from time import time

from picosched.store.postgres.machines import SHARD_KEY
from picosched.store.shards import shard_of
from tests.bench.setup import Setup
from tests.bench.side_by_side import OURS, Row, in_a_process_of_its_own
from tests.bench.workers import (
    ON_DISK,
    SETTINGS,
    pause,
    plan,
    plant,
    shared_by,
    until,
    worker,
    working,
)
from tests.postgres_server import Server

KILLS, STOPS = 11, 5
PICOS, BEAT_MS, BEATS = 30, 100, 1_200
"""Picos, the time between two events of each, and how many of them there are."""

BEATS_OF_EACH = """WITH each AS (
        SELECT id, row_number() OVER (PARTITION BY pico ORDER BY seq) AS place FROM scheduled)
    UPDATE scheduled SET due = {first} + each.place * {between}
    FROM each WHERE each.id = scheduled.id"""
AGAIN = f"SELECT pico, min({ON_DISK}) - {{began}} FROM fire WHERE nominal >= {{began}} GROUP BY pico"
HELD_BY = f"""SELECT objid::bigint % 512 FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND classid = {SHARD_KEY}
        AND application_name LIKE 'picosched {{process}} on %'"""


def measure(setup: Setup) -> list[Row]:
    server = Server(SETTINGS)
    try:
        return taken_over(setup, server)
    finally:
        server.remove()


def taken_over(setup: Setup, server: Server) -> list[Row]:
    """How long until all picos of a machine fire again, once it was killed, and once it was stopped."""
    address = server.new_database()
    beats = max(250, setup.times(BEATS))
    in_a_process_of_its_own(plant, address, PICOS, PICOS * beats)
    rows = []
    with working(server, address, 3) as workers:
        first = plan(server, address, BEATS_OF_EACH, PICOS * beats, between=BEAT_MS)
        pause(first / 1_000 - time())
        for what, how, number in (("killed", signal.SIGKILL, KILLS), ("stopped", signal.SIGSTOP, STOPS)):
            found = sorted(again_after(server, address, workers, how) for _ in range(setup.times(number)))
            told = f"a machine of 3 is {what}, all its picos fire again after"
            rows += [
                Row(f"{told}, p50 of {len(found)}", "s", {OURS: [statistics.median(found)]}),
                Row(f"{told}, max", "s", {OURS: [found[-1]]}),
            ]
    return rows


def again_after(
    server: Server, address: str, workers: list[subprocess.Popen[bytes]], how: signal.Signals
) -> float:
    """Seconds from the end of the first worker until each of its picos has fired once more; replaces it."""
    victim = workers.pop(0)
    held = {shard for (shard,) in server.ask(HELD_BY.format(process=victim.pid), address)}
    picos = {pico for (pico,) in server.ask("SELECT id FROM pico WHERE parent IS NOT NULL", address)}
    wanted = {pico for pico in picos if shard_of(pico) in held}
    assert wanted
    began = time() * 1_000
    victim.send_signal(how)

    def again() -> dict[str, float]:
        return dict(server.ask(AGAIN.format(began=began), address))

    until(lambda: wanted <= again().keys(), every=0.05)
    took = max(ms for pico, ms in again().items() if pico in wanted)
    victim.kill()
    victim.wait()
    workers.append(worker(address))
    until(lambda: shared_by(server, address, len(workers)))
    return took / 1_000
