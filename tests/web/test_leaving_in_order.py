"""Real servers and workers that are stopped with SIGTERM, one after the other, and the next one goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from postgres_server import Server
from racing import until
from web.served import Served
from web.test_machines_served import ended

from picosched import Engine

PICOS = 12
BEATS = """ruleset beats {
  meta { shares total, ends }
  global { total = function() { ent:total.defaultsTo(0) }  ends = function() { ent:ends.defaultsTo([]) } }
  rule plan { select when beats plan always { schedule beats event "beat" repeat "* * * * * *" } }
  rule beat { select when beats beat always { ent:total := total() + 1 } }
  rule run { select when beats run proc:run("/bin/sleep", ["600"]) }
  rule ran { select when proc finished always { ent:ends := ends().append(event:attr("outcome")) } }
}"""
FIRES = """SELECT count(*), count(DISTINCT (fire.scheduled, nominal)), max(fire.fired - nominal),
        (SELECT sum(1 + (last - first) / 1000) FROM (SELECT min(nominal) AS first, max(nominal) AS last
            FROM fire JOIN scheduled ON scheduled.id = fire.scheduled WHERE type = 'beat'
            GROUP BY fire.scheduled) AS each)
    FROM fire JOIN scheduled ON scheduled.id = fire.scheduled WHERE type = 'beat'"""
OPTIONS = {"granularity": 1, "min_period": 0, "misfire": "all", "proc_allow": ["/bin/sleep"]}
SETTINGS = {"PICOSCHED_MISFIRE": "all", "PICOSCHED_MIN_PERIOD": "0", "PICOSCHED_PROC_ALLOW": "/bin/sleep"}


@pytest.fixture
def start(postgres: Server, tmp_path: Path) -> Iterator[Callable[[str, str], Served]]:
    with ExitStack() as stack:

        def started(command: str, address: str) -> Served:
            words = ["--open"] if command == "serve" else []
            served = Served(tmp_path, *words, "--db", address, command=command, **SETTINGS)
            stack.callback(ended, served)
            return served

        yield started


def test_who_is_stopped_in_order_hands_over_and_nothing_is_late(
    start: Callable[[str, str], Served], postgres: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    address = postgres.emptied_database()
    with Engine(address, **OPTIONS) as engine:  # takes no part

        def shares() -> list[int]:
            return [len(each.shards) for each in engine.machines()]

        def fires() -> int:
            ((number,),) = postgres.ask("SELECT count(*) FROM fire", address)
            return int(number)

        picos = [engine.new_pico(f"p{number}") for number in range(PICOS)]
        for pico in picos:
            pico.install(BEATS)
        machine = start("serve", address)
        until(lambda: shares() == [256], engine.machines)
        for pico in picos:
            pico.raise_event("beats", "plan")
        commands = ["worker", "serve", "serve", "worker", "worker", "serve"]
        for number, command in enumerate(commands):
            picos[number].raise_event("beats", "run")
            until(lambda: engine.read(engine.store.agenda.programs, "running"))
            next_one = start(command, address)
            until(lambda: shares() == [128, 128], engine.machines)
            assert machine.stop() == 0
            until(lambda: shares() == [256], engine.machines)
            before = fires()
            until(lambda: fires() > before + 2 * PICOS)  # noqa: B023
            machine = next_one
        assert machine.stop() == 0
        assert shares() == []
        engine.run_due()
        ((all, distinct, latest, expected),) = postgres.ask(FIRES, address)
        assert all == distinct == expected == sum(pico.query("beats", "total") for pico in picos)
        ends = [pico.query("beats", "ends") for pico in picos]
        assert ends == [["interrupted"]] * len(commands) + [[]] * (PICOS - len(commands))
    with capsys.disabled():
        print(f"\n{len(commands)} handed over in order: {all} fires, the latest after {latest} ms")  # noqa: T201
    assert latest < 4_000  # goal: 1,000, where nothing else uses the processor
