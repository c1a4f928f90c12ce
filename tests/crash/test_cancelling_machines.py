"""`cancel` on several machines: the next occurrence ends the program before it, wherever that runs.

The machines are processes on one PostgreSQL; some are killed, or have their sessions ended, while programs
run. A program writes when it begins, with the process of its machine, and when it is stopped; it also ends
once its machine is gone. So programs of one pico must never run side by side, although none ends by itself.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres_server import Server
from racing import until

from picosched import Engine
from picosched.clock import format_time, ticks
from picosched.engine.pico import PicoRef
from picosched.store.shards import shard_of

pytestmark = pytest.mark.slow

RULESET = """ruleset cancelling {
  meta { shares outcomes }
  global {
    outcomes = function() { ent:outcomes.defaultsTo([]) }
    program = function() {
      "exec 2>/dev/null; trap 'echo stopped $0 $PPID >> $1; exit' TERM; " +
      "[ $PPID -gt 1 ] || exit; echo began $0 $PPID >> $1; " +
      "while [ -d /proc/$PPID ]; do sleep 0.05; done; echo left $0 $PPID >> $1" } }
  rule plan { select when cancelling plan
    always { schedule cancelling event "due" repeat event:attr("when") attributes event:attrs } }
  rule run { select when cancelling due
    proc:run("/bin/sh", ["-c", program(), event:attr("key"), event:attr("file")]) }
  rule ended { select when proc finished
    always { ent:outcomes := outcomes().append(event:attr("outcome")) } }
}"""
OPTIONS = {"granularity": 1, "min_period": 0, "proc_allow": ["/bin/sh"], "proc_timeout": 1}
SETTINGS = {"PICOSCHED_PROC_ALLOW": "/bin/sh", "PICOSCHED_GRANULARITY": "1", "PICOSCHED_MIN_PERIOD": "0"}
PICOS, KILLS, CUTS = 6, 3, 5
SOON = 10
"""Seconds; goal: 1, where nothing else uses the processor."""


class Machines:
    """Processes that take part in the work on a database, and the log of their programs."""

    def __init__(self, address: str, log: Path) -> None:
        self._address, self.log = address, log
        self.processes: list[subprocess.Popen[bytes]] = []
        log.touch()

    def start(self) -> int:
        """The number of a new process."""
        command = [Path(sys.executable).with_name("picosched"), "worker", "--db", self._address]
        self.processes.append(subprocess.Popen(command, env={**os.environ, **SETTINGS}))
        return self.processes[-1].pid

    def end(self, number: int, how: signal.Signals) -> None:
        process = next(each for each in self.processes if each.pid == number)
        process.send_signal(how)
        process.wait(30)
        self.processes.remove(process)

    def lines(self) -> list[tuple[str, str, int]]:
        """What was written: (began, stopped or left; pico; process of the machine)."""
        words = [line.split() for line in self.log.read_text().splitlines()]
        return [(word, key, int(process)) for word, key, process in words]

    def begun(self, machine: int) -> set[str]:
        """The picos whose programs this machine has begun."""
        return {key for word, key, process in self.lines() if word == "began" and process == machine}


@pytest.fixture
def address(postgres: Server) -> str:
    return postgres.emptied_database()


@pytest.fixture
def machines(address: str, tmp_path: Path) -> Iterator[Machines]:
    found = Machines(address, tmp_path / "log")
    yield found
    for each in found.processes:
        each.kill()
        each.wait()


def planned(engine: Engine, what: str, log: Path, when: str = "* * * * * *") -> list[PicoRef]:
    """Picos with a schedule each, or a source for each; every second, unless `when` says otherwise."""
    picos = [engine.new_pico(f"p{number}") for number in range(PICOS)]
    for pico in picos:
        pico.install(RULESET)
        attrs = {"key": pico.name, "file": str(log)}
        if what == "schedule":
            pico.raise_event("cancelling", "plan", {**attrs, "when": when, "_overlap": "cancel"})
        else:
            entry = {"name": "each", "when": "* * * * * *", "event": "cancelling:due", "attrs": attrs}
            to = {"pico": pico.id}
            engine.add_source(
                {"type": "crontab", "name": pico.name, "to": to, "overlap": "cancel", "entries": [entry]}
            )
    return picos


def end_all(engine: Engine, picos: list[PicoRef], machines: Machines) -> None:
    """Let nothing come due any more, stop the machines, and raise what they left."""
    for pico in picos:
        for row in pico.scheduled():
            engine.agenda.cancel(row.id)
    for source in engine.sources():
        engine.pause_source(source.id)
    for each in [*machines.processes]:
        machines.end(each.pid, signal.SIGTERM)
    until(lambda: engine.run_due() == 0 and not engine.read(engine.store.agenda.programs, "running"))


def shared(engine: Engine, *shards: int) -> Callable[[], bool]:
    return lambda: [len(each.shards) for each in engine.machines() if each.alive] == [*shards]


def check(engine: Engine, picos: list[PicoRef], machines: Machines) -> Counter[str]:
    """No two programs of a pico side by side, and each turn's program ended once; how they ended."""
    for pico in picos:
        lines = [(word, process) for word, key, process in machines.lines() if key == pico.name]
        words = [word for word, _ in lines]
        assert words[::2] == ["began"] * len(words[::2]), (pico.name, lines)
        assert "began" not in words[1::2], (pico.name, lines)
    told = Counter[str]()
    for pico in picos:
        outcomes = pico.query("cancelling", "outcomes")
        fires = engine.history(pico.id, limit=10_000)
        assert len(outcomes) == len([each for each in fires if "cancelling.run" in each.rules])
        told.update(outcomes)
    # What was left for this process to run is out of time; if a session ends as one begins, none is started.
    assert told.keys() <= {"cancelled", "interrupted", "not_started", "timeout"}, told
    begun = Counter(word for word, *_ in machines.lines())["began"]
    assert begun <= sum(told.values()) - told["not_started"]
    return told


def test_a_program_of_another_machine_ends_for_the_next_occurrence(machines: Machines, address: str) -> None:
    with Engine(address, **OPTIONS) as engine:
        one = machines.start()
        until(shared(engine, 256))
        picos = planned(engine, "schedule", machines.log, "0 0 1 1 *")
        schedules = [row for pico in picos for row in pico.scheduled()]
        for row in schedules:
            engine.agenda.fire_now(row.id)
        until(lambda: len(machines.begun(one)) == PICOS, machines.lines)
        two = machines.start()
        until(shared(engine, 128, 128))
        engine.agenda.move([row.id for row in schedules], format_time(engine.now()))
        began = ticks()
        own = next(each.shards for each in engine.machines() if each.name.startswith(f"{two} "))
        its = {pico.name for pico in picos if shard_of(pico.id) in own}
        until(lambda: len(machines.lines()) == 3 * PICOS, machines.lines)
        assert machines.begun(two) == its
        assert ticks() - began < SOON
        end_all(engine, picos, machines)
        assert check(engine, picos, machines) == {"cancelled": PICOS, "interrupted": PICOS}


@pytest.mark.parametrize("what", ["schedule", "source"])
def test_sessions_end_while_programs_are_to_end(
    what: str, machines: Machines, address: str, postgres: Server
) -> None:
    """Shards come and go with them, so each program's successor may be another machine's to start."""
    with Engine(address, **OPTIONS) as engine:
        for _ in range(2):
            machines.start()
        until(shared(engine, 128, 128))
        picos = planned(engine, what, machines.log)
        chance = random.Random(what)
        for _ in range(CUTS):
            before = len(machines.lines())
            postgres.end_sessions(address, "application_name LIKE 'picosched%' AND random() < 0.4")
            until(lambda: len(machines.lines()) >= before + chance.randint(2, 2 * PICOS), machines.lines)  # noqa: B023
        end_all(engine, picos, machines)
        told = check(engine, picos, machines)
        assert told["cancelled"]


@pytest.mark.parametrize("what", ["schedule", "source"])
def test_machines_are_killed_while_their_programs_are_to_end(
    what: str, machines: Machines, address: str
) -> None:
    with Engine(address, **OPTIONS) as engine:
        alive = [machines.start(), machines.start()]
        until(shared(engine, 128, 128))
        picos = planned(engine, what, machines.log)
        until(lambda: len({key for _, key, _ in machines.lines()}) == PICOS, machines.lines)
        chance = random.Random(what)
        for _ in range(KILLS):
            killed = chance.choice(alive)
            before, count = len(machines.lines()), chance.randint(1, 2 * PICOS)
            until(lambda: len(machines.lines()) >= before + count, machines.lines)  # noqa: B023
            machines.end(killed, signal.SIGKILL)
            alive = [each for each in alive if each != killed]
            (left,) = alive
            until(lambda: len(machines.begun(left)) == PICOS, machines.lines)  # noqa: B023
            alive.append(machines.start())
            until(shared(engine, 128, 128), engine.machines)
        end_all(engine, picos, machines)
        told = check(engine, picos, machines)
        assert told["cancelled"] and told["interrupted"] >= 1
