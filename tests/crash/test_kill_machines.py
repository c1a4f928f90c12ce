"""Several machines on one PostgreSQL: killed, stopped for seconds, cut off. Nothing is lost, nothing doubled.

Each machine is a process that is killed again and again, while the others go on. What is compared in the end,
in one moment, are the picos' variables, the record of fires, the journal, and what the machines were told.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from crash.killing import said_until_killed
from crash.machine import OPTIONS
from postgres_server import Server
from racing import until

from picosched import Engine

FEW, ALL = 1, 28
"""Databases in `make test`, and with --all-kills."""

MACHINES, PICOS, BEATS, KILLS, ENDS = 3, 9, 12, 4, 12
FOLDER = Path(__file__).parent
FIRES = """SELECT type, count(*), count(DISTINCT (fire.scheduled, nominal)), count(DISTINCT fire.scheduled),
        count(*) FILTER (WHERE outcome IN ('fired', 'late', 'coalesced'))
    FROM fire JOIN scheduled ON scheduled.id = fire.scheduled GROUP BY type"""
EXPECTED = """SELECT sum(1 + (last - first) / 1000)::bigint FROM (
    SELECT min(nominal) AS first, max(nominal) AS last
    FROM fire JOIN scheduled ON scheduled.id = fire.scheduled
    WHERE type = 'beat' GROUP BY fire.scheduled) AS each"""

PENDING = """SELECT count(*) FROM scheduled
    WHERE status = 'pending' AND (type = 'ended' OR domain = 'proc' OR kind IN ('proc', 'running'))"""


@pytest.fixture
def machines() -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, str(FOLDER / "machine.py")]
    found = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(MACHINES)
    ]
    yield found
    for each in found:
        each.kill()
        each.wait()
        for stream in (each.stdin, each.stdout):
            assert stream is not None
            stream.close()


class Life(threading.Thread):
    """The lives of one machine, one after the other; each ends with a kill."""

    def __init__(self, process: subprocess.Popen[str], address: str, seconds: Sequence[float]) -> None:
        """`seconds` is how long each life lasts."""
        super().__init__(daemon=True)
        self._process, self._address, self._seconds = process, address, seconds
        self.told: set[str] = set()
        self.pid = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for seconds in self._seconds:
                for line in said_until_killed(self._process, f"{self._address} after {seconds:.3f}"):
                    word, _, rest = line.strip().partition(" ")
                    if word == "told":
                        self.told.add(rest)
                    elif word == "ready":
                        self.pid = int(rest)
        except BaseException as error:
            self.error = error


def planted(address: str, beats: int = BEATS, ends: int = ENDS) -> None:
    with Engine(address, **OPTIONS) as engine:
        picos = [engine.new_pico(f"field {number}") for number in range(PICOS)]
        for pico in picos:
            pico.install(FOLDER / "field.krl")
        ecis = [pico.new_channel().eci for pico in picos]
        for pico, eci in zip(picos, [*ecis[1:], ecis[0]], strict=True):
            pico.raise_event("field", "plan", {"to": eci, "beats": beats, "count": ends})
        engine.add_source({"type": "metronome", "name": "m", "interval": 100, "to": {"pico": picos[0].id}})


def troubled(
    lives: list[Life], postgres: Server, address: str, chance: random.Random
) -> tuple[int, int, int]:
    """Stop machines for seconds, cut sessions, restart PostgreSQL, until all lives are over.

    It sleeps between the disturbances and during one, and waits for nothing.
    """
    stops = cuts = restarts = 0
    while any(life.is_alive() for life in lives):
        time.sleep(chance.uniform(0.3, 0.8))
        life = chance.choice(lives)
        if chance.random() < 0.5 and life.pid:
            with suppress(ProcessLookupError):
                os.kill(life.pid, signal.SIGSTOP)
                time.sleep(chance.uniform(0.5, 4.5))
                os.kill(life.pid, signal.SIGCONT)
                stops += 1
        elif chance.random() < 0.8:
            postgres.end_sessions(address, "random() < 0.5")
            cuts += 1
        else:
            postgres.restart()
            restarts += 1
    return stops, cuts, restarts


def one(postgres: Server, address: str, sql: str) -> Any:
    ((value,),) = postgres.ask(sql, address)
    return value


def catch_up(postgres: Server, address: str) -> None:
    """Raise what is due, until the repeats with an end have ended and no program runs."""
    with Engine(address, **OPTIONS) as engine:

        def caught_up() -> bool:
            engine.run_due()
            return not one(postgres, address, PENDING)

        until(caught_up)


def check(postgres: Server, address: str, told: set[str], ends: int = ENDS) -> dict[str, int]:
    """Compare variables, fires, journal and what was told; with nobody at work."""
    with Engine(address, **OPTIONS) as engine:
        counts: dict[str, int] = {}
        for pico in engine.picos():
            if pico.name.startswith("field"):
                for name, number in pico.query("field", "counts").items():
                    counts[name] = number if name == "all" else counts.get(name, 0) + number
    fires = {type: rest for type, *rest in postgres.ask(FIRES, address)}
    for type, name in (("beat", "beats"), ("ended", "ended"), ("got", "got")):
        all, distinct, _, raised = fires[type]
        assert all == distinct == raised == counts[name], (type, fires[type], counts)
    assert fires["beat"][0] == one(postgres, address, EXPECTED)
    assert counts["ended"] == PICOS * ends
    messages = one(postgres, address, "SELECT count(*) FROM scheduled WHERE kind = 'send' AND type = 'got'")
    waiting = "SELECT count(*) FROM scheduled WHERE kind = 'send' AND status = 'pending'"
    assert counts["sent"] == messages == counts["got"] + one(postgres, address, waiting)
    raised = one(postgres, address, "SELECT raised FROM source")
    assert counts["ticks"] == raised == one(postgres, address, "SELECT fires FROM source_entry")
    handled = "SELECT handled FROM journal WHERE scheduled IS NULL AND handled LIKE '%told%'"
    keys = [re.findall(r'"key":"([^"]+)"', text)[0] for (text,) in postgres.ask(handled, address)]
    assert len(keys) == len({*keys}) == counts["told"] == counts["all"]
    assert told <= {*keys}, f"answered and lost: {told - {*keys}}"
    turns = one(postgres, address, "SELECT count(*) FROM journal WHERE scheduled IS NOT NULL")
    assert turns == counts["beats"] + counts["ended"] + counts["got"] + counts["ran"]
    assert counts["ran"] == counts["ended"]  # each program has ended once, however it did
    assert one(postgres, address, "SELECT count(*) FROM pico WHERE parent IS NULL") == 1
    return counts


def test_nothing_is_lost_or_doubled_by_machines_that_die_stop_and_are_cut_off(
    database: int,
    machines: list[subprocess.Popen[str]],
    postgres: Server,
    capsys: pytest.CaptureFixture[str],
) -> None:
    address = postgres.new_database()
    planted(address)
    chance = random.Random(database)
    lives = [Life(machine, address, [chance.uniform(0.5, 3.5) for _ in range(KILLS)]) for machine in machines]
    for life in lives:
        life.start()
    stops, cuts, restarts = troubled(lives, postgres, address, chance)
    assert [life.error for life in lives if life.error] == []
    told = {key for life in lives for key in life.told}
    catch_up(postgres, address)
    counts = check(postgres, address, told)
    assert counts["beats"] > 100 and len(told) > 100
    with capsys.disabled():
        print(  # noqa: T201 (the counts are what the test is for)
            f"\n{MACHINES} machines, {KILLS * MACHINES} kills, {stops} stops, {cuts} cuts, "
            f"{restarts} restarts of PostgreSQL: "
            f"{counts}; 0 lost, 0 doubled"
        )
