"""Several machines on one PostgreSQL: due at once, callers and lateness, beside SQLite and other schedulers.

When a fire is on disk is told by PostgreSQL, by the time at which it committed. CPU times are those of all
workers, and of all processes of the server, from when the events are due until the last has fired. The last
rows compute from them what larger servers could do if all their cores were busy.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, time

from picosched import Engine, VirtualClock
from tests.bench.queued import PEERS, rate_of
from tests.bench.setup import COUNTER, Setup
from tests.bench.side_by_side import OURS, Row, in_a_process_of_its_own
from tests.bench.sources import part
from tests.bench.turns import many_callers, one_caller
from tests.bench.workers import (
    ON_DISK,
    POSITION,
    SETTINGS,
    cpu,
    cpu_of,
    pause,
    plan,
    plant,
    until,
    working,
)
from tests.postgres_server import Server

FIRES, PICOS = 20_000, 400
MACHINES = (1, 2, 4)
CALLERS = 64
RATES, SECONDS = (1_000, 500, 250, 100), 10
LATEST = 0.05
"""A rate is held if no event is later on disk than a second and this part of the time they come due in."""
SHARES_OF_LATE = (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
CORES = (4, 8, 16)
SQLITE = "SQLite, 1 process"

PLANTED = """WITH each AS (SELECT id, row_number() OVER (ORDER BY (seq * 7919) % 20011, seq) - 1 AS place
        FROM scheduled)
    UPDATE scheduled SET due = {first} + each.place * 1000 / {a_second}
    FROM each WHERE each.id = scheduled.id"""
FIRED = "SELECT count(*) FROM fire"
LATE = f"SELECT {ON_DISK} - nominal FROM fire ORDER BY 1"
LAST = f"SELECT max({ON_DISK}) FROM fire"


def measure(setup: Setup) -> list[Row]:
    server = Server(SETTINGS)
    try:
        rates = rates_of(setup, server)
        return [
            *rates,
            *turns_of(setup, server),
            *late(setup, server),
            *larger(rates),
        ]
    finally:
        server.remove()


# Due at once


def rates_of(setup: Setup, server: Server) -> list[Row]:
    fires, picos, machines = setup.times(FIRES), setup.times(PICOS), MACHINES[: setup.times(len(MACHINES))]
    samples: dict[int, list[Sequence[float]]] = {number: [] for number in machines}
    beside: dict[str, list[float]] = {SQLITE: [], **{name: [] for name in PEERS}}
    for _ in range(setup.few(3)):
        for number in machines:
            samples[number].append(at_once(server, number, picos, fires))
        beside[SQLITE].append(in_a_process_of_its_own(on_sqlite, picos, fires))
        for name in PEERS:
            address = server.new_database()
            beside[name].append(in_a_process_of_its_own(rate_of, name, address, max(10, fires // 10)))
    rows = []
    for number in machines:
        a_second, client, theirs, wal = (list(each) for each in zip(*samples[number], strict=True))
        others = beside if number == 1 else {"1 machine": [each[0] for each in samples[1]]}
        several = f"{number} machine{'s' * (number > 1)}"
        rows += [
            Row(f"{fires:,} due at once, {several}", "fires/s", {OURS: a_second, **others}),
            Row(f"… CPU of a fire, {several}", "µs", {OURS: client}),
            Row("… CPU of a fire, PostgreSQL", "µs", {OURS: theirs}),
            Row("… write-ahead log of a fire", "bytes", {OURS: wal}),
        ]
    return rows


def at_once(server: Server, machines: int, picos: int, fires: int) -> tuple[float, float, float, float]:
    """Fires a second; of each, µs of CPU of the machines and of the server, and bytes of its log."""
    address = server.new_database()
    in_a_process_of_its_own(plant, address, picos, fires)
    with working(server, address, machines) as workers:
        due = plan(server, address, PLANTED, fires, a_second=10**9)
        pause(due / 1_000 - time() - 0.2)
        client, theirs = cpu(each.pid for each in workers), cpu_of(server)
        ((written,),) = server.ask(POSITION)
        until(lambda: server.ask(FIRED, address) == [(fires,)], every=0.2)
        client, theirs = cpu(each.pid for each in workers) - client, cpu_of(server) - theirs
        ((after,),) = server.ask(POSITION)
        ((last,),) = server.ask(LAST, address)
    a_fire = 1e6 / fires
    return 1_000 * fires / (last - due), client * a_fire, theirs * a_fire, (after - written) / fires


def on_sqlite(picos: int, fires: int) -> float:
    """Fires a second of one process on a file."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = str(Path(folder) / "picos.db")
        plant(path, picos, fires)
        with Engine(path, VirtualClock("2031-01-01T00:00:00Z")) as engine:
            begun = perf_counter()
            assert engine.run_due() == fires
            return fires / (perf_counter() - begun)


# Callers


def turns_of(setup: Setup, server: Server) -> list[Row]:
    one: dict[str, list[float]] = {OURS: [], SQLITE: []}
    many: dict[str, list[float]] = {OURS: [], SQLITE: []}
    for _ in range(setup.few(3)):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            for name, where in ((OURS, server.new_database()), (SQLITE, f"{folder}/picos.db")):
                of_one, of_many = in_a_process_of_its_own(
                    turns, where, setup.times(1_000), max(2, setup.times(30))
                )
                one[name].append(of_one)
                many[name].append(of_many)
    return [
        Row("durable turns, 1 caller", "turns/s", one),
        Row(f"durable turns, {CALLERS} callers, {CALLERS} picos", "turns/s", many),
    ]


def turns(database: str, times: int, each: int) -> tuple[float, float]:
    """Turns a second of one caller, and of many."""
    with Engine(database) as engine:
        picos = [engine.new_pico(f"p{number}") for number in range(CALLERS)]
        for pico in picos:
            pico.install(COUNTER)
        engine.start()
        one_caller(picos[0], 20)
        return one_caller(picos[0], times), many_callers(picos, each)


# Late


def late(setup: Setup, server: Server) -> list[Row]:
    """The highest rate that two machines hold, and how late fires are then on disk."""
    seconds = max(1, setup.times(SECONDS))
    for a_second in RATES[-setup.times(len(RATES)) :]:
        address = server.new_database()
        fires = a_second * seconds
        in_a_process_of_its_own(plant, address, setup.times(PICOS), fires)
        with working(server, address, 2):
            plan(server, address, PLANTED, fires, a_second=a_second)
            until(lambda: server.ask(FIRED, address) == [(fires,)], every=0.2)  # noqa: B023
        found = [ms for (ms,) in server.ask(LATE, address)]
        if part(found, 1.0) < 1_000 * (seconds * LATEST + 1) or a_second == RATES[-1]:
            break
    what = f"2 machines, {a_second:,} due a second, on disk after"
    return [Row(f"{what}, {name}", "ms", {OURS: [part(found, share)]}) for name, share in SHARES_OF_LATE]


# Larger servers


def larger(rates: Sequence[Row]) -> list[Row]:
    """What a server with more cores could do if its CPU were all that bounds it, from the figures of the most
    machines."""
    *_, client = (row.median() for row in rates if re.match(r"… CPU of a fire, \d", row.what))
    *_, theirs = (row.median() for row in rates if row.what == "… CPU of a fire, PostgreSQL")
    *_, wal = (row.median() for row in rates if row.unit == "bytes")
    rows: list[Row] = []
    for cores in CORES if theirs else ():  # of a run too short to be measured there is none
        a_second = cores * 1e6 / theirs
        rows += [
            Row(f"model: a server with {cores} cores of its own, all busy", "fires/s", {OURS: [a_second]}),
            Row("… machines with a core each that do this", "machines", {OURS: [a_second * client / 1e6]}),
            Row("… write-ahead log", "MB/s", {OURS: [a_second * wal / 1e6]}),
        ]
    return rows
