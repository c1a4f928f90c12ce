"""Machines of two versions on one PostgreSQL: who does not know its tables does nothing with them.

The newer version is this one with a migration more; the older one is a real process.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from postgres_server import Server
from racing import until
from web.served import Served
from web.test_leaving_in_order import BEATS, FIRES, OPTIONS, SETTINGS
from web.test_machines_served import ended

from picosched import Engine, PicoschedError
from picosched.store.postgres import schema

LATER = ("9999_later", ("ALTER TABLE machine ADD later bigint",))
VERSION = len(schema.MIGRATIONS)
REFUSED = 1


@pytest.fixture
def address(postgres: Server) -> str:
    address = postgres.new_database()
    with Engine(address, **OPTIONS) as engine:
        engine.root.install(BEATS)
        engine.root.raise_event("beats", "plan")
    return address


@pytest.fixture
def older(address: str, tmp_path: Path) -> Iterator[Callable[[], Served]]:
    with ExitStack() as stack:

        def started() -> Served:
            served = Served(tmp_path, "--db", address, command="worker", **SETTINGS)
            stack.callback(ended, served)
            return served

        yield started


@pytest.fixture
def newer(address: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Engine]:
    def opened() -> Engine:
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:VERSION], LATER))
        return Engine(address, **OPTIONS)

    return opened


def test_a_newer_one_waits_until_the_older_ones_are_stopped(
    older: Callable[[], Served], newer: Callable[[], Engine], postgres: Server, address: str
) -> None:
    def fires() -> int:
        ((number,),) = postgres.ask("SELECT count(*) FROM fire", address)
        return int(number)

    worker = older()
    until(fires)
    with pytest.raises(
        PicoschedError, match=f"another picosched has .*picosched {worker.process.pid} on"
    ) as caught:
        newer()
    assert caught.value.code == "conflict"
    assert postgres.ask("SELECT version FROM picosched", address) == [(VERSION,)]
    before = fires()
    until(lambda: fires() > before)  # nothing has happened to it
    assert worker.stop() == 0
    with newer() as engine:
        assert postgres.ask("SELECT version FROM picosched", address) == [(VERSION + 1,)]
        late = older()
        assert late.ended() == REFUSED and "written by a newer picosched" in "".join(late.errors)
        engine.run_due()
        ((all, distinct, _, expected),) = postgres.ask(FIRES, address)
        assert all == distinct == expected == engine.root.query("beats", "total")


def test_an_older_one_that_was_cut_off_meanwhile_does_nothing_any_more(
    older: Callable[[], Served], newer: Callable[[], Engine], postgres: Server, address: str
) -> None:
    worker = older()
    until(lambda: postgres.ask("SELECT 1 FROM fire LIMIT 1", address))
    worker.process.send_signal(signal.SIGSTOP)
    postgres.end_sessions(address)
    with newer() as engine:
        engine.start()
        until(
            lambda: [len(each.shards) for each in engine.machines() if each.alive] == [256], engine.machines
        )
        worker.process.send_signal(signal.SIGCONT)
        assert worker.told("written by a newer picosched")
        until(lambda: len(engine.machines()) == 1, engine.machines)
        before = engine.root.query("beats", "total")
        until(lambda: engine.root.query("beats", "total") > before + 2)
        assert len(engine.machines()) == 1
        engine.stop()
        worker.stop(signal.SIGKILL)
        ((all, distinct, _, expected),) = postgres.ask(FIRES, address)
        assert all == distinct == expected == engine.root.query("beats", "total")
