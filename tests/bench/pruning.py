"""Old history on PostgreSQL: deleted in slices, as it is, beside partitions by day that are dropped.

Both have a fire and its turn, some of each day of the last weeks, with the same columns and indexes; as
PostgreSQL demands it, the unique keys of the partitioned tables also have the time by which these are
divided. The VACUUM that a deletion makes necessary is part of its CPU time and its write-ahead log.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import psycopg

from picosched import Store
from picosched.clock import from_ms, parse_time, to_ms
from tests.bench.setup import Setup
from tests.bench.side_by_side import OURS, Row
from tests.bench.workers import POSITION, SETTINGS, cpu_of
from tests.postgres_server import Server

KEPT, OLD = 30, 5
"""Days."""
A_DAY = 5_000
"""Fires."""
LOOKS = 2_000
"""How many records are looked up."""
DAY_MS = 86_400_000
NOW = to_ms(parse_time("2026-03-01T00:00:00Z"))
FIRST = NOW - (KEPT + OLD) * DAY_MS
DIVIDED = "dropping partitions"

AT = "{first} + n::bigint * {a_day_ms} / {a_day}"
FIRE = f"""INSERT INTO {{table}}
        (scheduled, nominal, pico, fired, lateness, outcome, eid, rules, stands_for{{seq}})
    SELECT md5((n % 1000)::text), {AT}, md5((n % 100)::text), {AT}, 3, 'fired', md5(n::text),
        '["bell.rang"]', 1{{n}}
    FROM generate_series(0, {{number}} - 1) AS n"""
JOURNAL = f"""INSERT INTO {{table}}
        (eid, pico, at, scheduled, nominal, handled, directives, errors, log{{seq}})
    SELECT md5(n::text), md5((n % 100)::text), {AT}, md5((n % 1000)::text), {AT}, repeat('x', 150),
        '[]', '[]', '[]'{{n}}
    FROM generate_series(0, {{number}} - 1) AS n"""
BY_DAY = (
    "CREATE TABLE fire_by_day (LIKE fire) PARTITION BY RANGE (fired)",
    "CREATE UNIQUE INDEX ON fire_by_day (scheduled, nominal, fired)",
    "CREATE UNIQUE INDEX ON fire_by_day (seq, fired)",
    "CREATE INDEX ON fire_by_day (pico, seq)",
    "CREATE TABLE journal_by_day (LIKE journal) PARTITION BY RANGE (at)",
    "CREATE UNIQUE INDEX ON journal_by_day (seq, at)",
    "CREATE INDEX ON journal_by_day (pico, seq)",
)
DAY = "CREATE TABLE {table}_{day} PARTITION OF {table}_by_day FOR VALUES FROM ({first}) TO ({last})"
LOOK = "SELECT outcome FROM {table} WHERE scheduled = %s AND nominal = %s"


def measure(setup: Setup) -> list[Row]:
    server = Server(SETTINGS)
    try:
        address, a_day = server.new_database(), setup.times(A_DAY)
        Store(address).close()
        fill(server, address, a_day)
        looked = {
            name: [looked_up(address, table, a_day, setup.times(LOOKS))]
            for name, table in ((OURS, "fire"), (DIVIDED, "fire_by_day"))
        }
        found = {
            name: gone(server, address, work, OLD * a_day) for name, work in ((OURS, delete), (DIVIDED, drop))
        }
    finally:
        server.remove()
    what = f"{OLD * a_day:,} fires of {(KEPT + OLD) * a_day:,} go, with their turns"
    figures = (
        (what, "µs a fire"),
        ("… longest transaction", "ms"),
        ("… CPU of PostgreSQL", "µs a fire"),
        ("… write-ahead log", "bytes a fire"),
    )
    rows = [
        Row(figure, unit, {name: [each[place]] for name, each in found.items()})
        for place, (figure, unit) in enumerate(figures)
    ]
    return [*rows, Row(f"a record is found by schedule and time, in {KEPT + OLD} days", "µs", looked)]


def fill(server: Server, address: str, a_day: int) -> None:
    """Write the same rows into the tables as they are, and into partitioned ones."""
    for statement in BY_DAY:
        server.ask(statement, address)
    for day in range(KEPT + OLD):
        first = FIRST + day * DAY_MS
        for table in ("fire", "journal"):
            server.ask(DAY.format(table=table, day=day, first=first, last=first + DAY_MS), address)
    given = {"first": FIRST, "a_day_ms": DAY_MS, "a_day": a_day, "number": (KEPT + OLD) * a_day}
    for text, table in ((FIRE, "fire"), (JOURNAL, "journal")):
        server.ask(text.format(table=table, seq="", n="", **given), address)
        server.ask(text.format(table=f"{table}_by_day", seq=", seq", n=", n", **given), address)
    server.ask("VACUUM (ANALYZE) fire, journal, fire_by_day, journal_by_day", address)


def gone(
    server: Server, address: str, work: Callable[[str], list[float]], fires: int
) -> tuple[float, float, float, float]:
    """µs of each fire, ms of the longest transaction; of each fire, µs of CPU and bytes of the log."""
    ((before,),), theirs = server.ask(POSITION), cpu_of(server)
    took = work(address)
    ((after,),) = server.ask(POSITION)
    theirs = cpu_of(server) - theirs
    return sum(took) / fires * 1e6, max(took) * 1_000, theirs / fires * 1e6, (after - before) / fires


def delete(address: str) -> list[float]:
    """The seconds of each transaction, without the VACUUM after them, which holds up nobody."""
    store, took = Store(address), list[float]()
    while store.prunable(from_ms(NOW)):
        begun = perf_counter()
        with store.transaction():
            store.prune(from_ms(NOW))
        took.append(perf_counter() - begun)
    store.close()
    with psycopg.connect(address, autocommit=True) as session:
        session.execute("VACUUM fire, journal")
    return took


def drop(address: str) -> list[float]:
    """The seconds of each transaction, which is one for the tables of a day."""
    took = []
    with psycopg.connect(address, autocommit=True) as session:
        for day in range(OLD):
            begun = perf_counter()
            session.execute(f"DROP TABLE fire_{day}, journal_{day}".encode())
            took.append(perf_counter() - begun)
    return took


def looked_up(address: str, table: str, a_day: int, number: int) -> float:
    """The median of the µs it takes to find one of the newest records."""
    newest = (KEPT + OLD) * a_day - 1
    with psycopg.connect(address, autocommit=True) as session:
        took = []
        for n in range(max(0, newest - number), newest):
            key = session.execute("SELECT md5(%s)", (str(n % 1000),)).fetchone()
            assert key is not None
            begun = perf_counter()
            found = session.execute(
                LOOK.format(table=table).encode(), (key[0], FIRST + n * DAY_MS // a_day), prepare=True
            ).fetchall()
            took.append(perf_counter() - begun)
            assert found == [("fired",)]
    return sorted(took)[len(took) // 2] * 1e6
