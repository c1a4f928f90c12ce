"""What outlives a PostgreSQL server: its standby, and a dump. Each event is raised once all the same."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from postgres_server import NOBODY, Server
from racing import until

from picosched import Engine, PicoschedError, VirtualClock
from picosched.store.faults import StoreError

pytestmark = pytest.mark.slow

START = "2026-03-01T00:00:30Z"
SHIFT = """ruleset shift {
  meta { shares seen }
  global { seen = function() { ent:seen.defaultsTo([]) } }
  rule plan { select when shift plan always { schedule shift event "rang" repeat "0 * * * *" } }
  rule rang { select when shift rang always { ent:seen := seen().append(time:now()) } }
}"""


class Standby:
    """A standby of a server, which waits for it with every commit."""

    def __init__(self, server: Server) -> None:
        self.folder = server.folder / "standby"
        where = ["-h", server.folder, "-U", "picos", "-D", self.folder]
        copy = [server.binaries / "pg_basebackup", *where, "-R", "-X", "stream", "-c", "fast"]
        subprocess.run(copy, check=True, cwd=server.folder, **server.user)
        sockets = self.folder / "sockets"
        sockets.mkdir()
        if server.user:
            os.chown(sockets, NOBODY, NOBODY)
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write(f"\nunix_socket_directories = '{sockets}'\n")
        start = [server.binaries / "postgres", "-D", self.folder]
        self._process = subprocess.Popen(start, cwd=server.folder, stderr=subprocess.DEVNULL, **server.user)
        self.host = str(sockets)
        until_it_holds(lambda: self.ask("SELECT pg_is_in_recovery()") == [(True,)])
        server.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        server.ask("SELECT pg_reload_conf()")
        until_it_holds(lambda: server.ask("SELECT sync_state FROM pg_stat_replication") == [("sync",)])

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        url = f"postgresql://picos@/postgres?host={self.host}&connect_timeout=2"
        with psycopg.connect(url, autocommit=True) as session:
            return session.execute(sql.encode()).fetchall()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)


def until_it_holds(holds: Callable[[], bool]) -> None:
    """Ask again and again until it holds; a server that cannot answer yet is asked again."""

    def held() -> bool:
        with suppress(psycopg.OperationalError, PicoschedError):
            return holds()
        return False

    until(held)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of this test's own, as it loses it."""
    made = Server()
    yield made
    made.remove()


def pass_hours(engine: Engine, clock: VirtualClock, hours: int) -> None:
    for _ in range(hours):
        clock.advance(hours=1)
        engine.run_due()


def test_it_goes_on_with_the_standby_that_was_promoted(server: Server) -> None:
    standby = Standby(server)
    try:
        name = server.new_database().partition("?")[0]
        hosts = f"{server.folder},{standby.host}"
        clock = VirtualClock(START)
        with Engine(f"{name}?host={hosts}&target_session_attrs=read-write", clock) as engine:
            engine.root.install(SHIFT)
            engine.root.raise_event("shift", "plan")
            pass_hours(engine, clock, 5)
            server.stop()
            clock.advance(hours=1)
            for _ in range(2):
                with pytest.raises(StoreError, match=r"was lost|cannot be reached"):
                    engine.run_due()
            standby.ask("SELECT pg_promote(wait => true)")
            until_it_holds(lambda: engine.run_due() == 1)
            pass_hours(engine, clock, 2)
            seen = engine.root.query("shift", "seen")
            assert len(seen) == len({*seen}) == 5 + 1 + 2
            assert len(engine.store.agenda.fires()) == 8
    finally:
        standby.stop()


def test_a_dump_is_restored_and_goes_on(server: Server, tmp_path: Path) -> None:
    clock = VirtualClock(START)
    old, new = server.new_database(), server.new_database()
    with Engine(old, clock) as engine:
        engine.root.install(SHIFT)
        engine.root.raise_event("shift", "plan")
        pass_hours(engine, clock, 3)
        dump = subprocess.run(
            [server.binaries / "pg_dump", "--format=plain", old], check=True, capture_output=True, cwd="/"
        )
        pass_hours(engine, clock, 2)
    restore = [server.binaries / "psql", "--quiet", "--set=ON_ERROR_STOP=1", new]
    subprocess.run(restore, input=dump.stdout, check=True, capture_output=True, cwd="/")
    with Engine(new, clock) as engine:
        engine.run_due()
        fires = [(fire.outcome, fire.stands_for) for fire in engine.store.agenda.fires()]
        assert fires == [("coalesced", 2), *[("fired", 1)] * 3]
        pass_hours(engine, clock, 1)
        assert len(engine.root.query("shift", "seen")) == 3 + 1 + 1
