"""Programs of several machines on one PostgreSQL: each runs once, and counts as interrupted only when it is.

Sessions are ended while programs run, which a machine survives; and machines are killed, which it does not.
A program says in a file when it begins and when it ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from postgres_server import Server
from racing import until

from picosched import Engine
from picosched.clock import ticks
from picosched.engine.pico import PicoRef

RUNNING = """ruleset running {
  meta { shares outcomes }
  global {
    outcomes = function() { ent:outcomes.defaultsTo([]) }
    program = function() {
      "trap 'echo stopped $0 >> $1; exit' TERM; echo began $0 >> $1; sleep $2; echo ended $0 >> $1" } }
  rule now { select when running now
    proc:run("/bin/sh", ["-c", program(), event:attr("key"), event:attr("file"), event:attr("seconds")]) }
  rule ended { select when proc finished
    always { ent:outcomes := outcomes().append([[event:attr("args")[2], event:attr("outcome")]]) } }
}"""
OPTIONS = {"granularity": 1, "min_period": 0, "proc_allow": ["/bin/sh"]}
PICOS, ROUNDS, CUTS = 8, 10, 4
SECONDS = "0.8"
ENDLESS = "30"
SOON = 10
"""Seconds; goal: 5, where nothing else uses the processor."""


@pytest.fixture
def address(postgres: Server) -> str:
    return postgres.emptied_database()


@pytest.fixture
def opened(address: str) -> Iterator[Callable[[], Engine]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Engine(address, **OPTIONS))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.touch()
    return path


def furnished(engine: Engine) -> list[PicoRef]:
    picos = [engine.new_pico(f"p{number}") for number in range(PICOS)]
    for pico in picos:
        pico.install(RUNNING)
    return picos


def run(pico: PicoRef, log: Path, key: str, seconds: str = SECONDS) -> None:
    pico.raise_event("running", "now", {"key": key, "file": str(log), "seconds": seconds})


def written(log: Path, word: str) -> list[str]:
    return [line.split()[1] for line in log.read_text().splitlines() if line.startswith(word)]


def outcomes(picos: list[PicoRef]) -> dict[str, str]:
    """Key → outcome, of all runs that were reported; each once."""
    told = [each for pico in picos for each in pico.query("running", "outcomes")]
    assert len(told) == len({key for key, _ in told}), told
    return dict(told)


def test_who_loses_its_session_runs_its_programs_on(
    opened: Callable[[], Engine], log: Path, postgres: Server, address: str
) -> None:
    """Sessions are ended at random, those that write and those that watch, and the others take the shards."""
    for engine in (opened(), opened(), opened()):
        engine.start()
    reader = opened()
    picos = furnished(reader)
    for turn in range(ROUNDS):
        for pico in picos:
            run(pico, log, f"{pico.name}-{turn}")
        for _ in range(CUTS):
            began = len(written(log, "began"))
            postgres.end_sessions(address, "random() < 0.5")
            until(lambda: len(written(log, "began")) > began or began == (turn + 1) * PICOS)  # noqa: B023
    until(lambda: len(outcomes(picos)) == PICOS * ROUNDS, lambda: outcomes(picos))
    told = Counter(outcomes(picos).values())
    assert told.keys() <= {"exited", "not_started"}, told  # if a session ends as one begins, none is started
    exited = [key for key, outcome in outcomes(picos).items() if outcome == "exited"]
    assert sorted(exited) == sorted(written(log, "began")) == sorted(written(log, "ended"))
    assert len(exited) > PICOS * ROUNDS // 2


@pytest.fixture
def worker(address: str) -> Iterator[subprocess.Popen[bytes]]:
    """A machine in a process of its own."""
    environment = {**os.environ, "PICOSCHED_PROC_ALLOW": "/bin/sh", "PICOSCHED_GRANULARITY": "1"}
    command = [Path(sys.executable).with_name("picosched"), "worker", "--db", address]
    worker = subprocess.Popen(command, env=environment)
    yield worker
    worker.kill()
    worker.wait()


def begun(opened: Callable[[], Engine], log: Path, seconds: str = ENDLESS) -> list[PicoRef]:
    """The picos whose programs run on the worker, while half of the shards are another machine's by now."""
    reader = opened()
    picos = furnished(reader)
    until(lambda: any(each.state == "up" for each in reader.machines()))
    for pico in picos:
        run(pico, log, pico.name, seconds)
    until(lambda: len(written(log, "began")) == PICOS)
    opened().start()
    until(lambda: [len(each.shards) for each in reader.machines()] == [128, 128], reader.machines)
    assert not outcomes(picos)
    return picos


def interrupted(picos: list[PicoRef]) -> float:
    """Seconds until all count as interrupted."""
    began = ticks()
    until(lambda: len(outcomes(picos)) == PICOS, lambda: outcomes(picos))
    assert {*outcomes(picos).values()} == {"interrupted"}
    return ticks() - began


def test_the_programs_of_who_is_killed_are_interrupted_soon(
    opened: Callable[[], Engine], log: Path, worker: subprocess.Popen[bytes]
) -> None:
    picos = begun(opened, log)
    worker.kill()
    assert interrupted(picos) < SOON


def test_who_was_taken_for_dead_ends_its_programs_when_it_is_back(
    opened: Callable[[], Engine], log: Path, worker: subprocess.Popen[bytes]
) -> None:
    picos = begun(opened, log)
    worker.send_signal(signal.SIGSTOP)
    assert interrupted(picos) < SOON
    assert not written(log, "stopped")
    worker.send_signal(signal.SIGCONT)
    until(lambda: len(written(log, "stopped")) == PICOS, log.read_text)
    assert not written(log, "ended")


def test_what_ended_while_its_machine_was_stopped_is_told_once(
    opened: Callable[[], Engine], log: Path, worker: subprocess.Popen[bytes]
) -> None:
    """The machine finds the ends of its programs when it is back, and others have told of them already."""
    picos = begun(opened, log, "3")
    worker.send_signal(signal.SIGSTOP)
    assert interrupted(picos) < SOON
    until(lambda: len(written(log, "ended")) == PICOS)
    worker.send_signal(signal.SIGCONT)
    reader = opened()
    until(lambda: [each.state for each in reader.machines()] == ["up", "up"], reader.machines)
    for pico in picos:
        run(pico, log, f"{pico.name}-again", "0")
    until(lambda: len(outcomes(picos)) == 2 * PICOS, lambda: outcomes(picos))
    told = outcomes(picos)
    assert Counter(told.values()) == {"interrupted": PICOS, "exited": PICOS}
    assert all(told[pico.name] == "interrupted" for pico in picos)


def test_a_process_that_takes_no_part_sees_what_was_interrupted_too(
    opened: Callable[[], Engine], log: Path, worker: subprocess.Popen[bytes]
) -> None:
    reader = opened()
    picos = furnished(reader)
    until(lambda: any(each.state == "up" for each in reader.machines()))
    for pico in picos:
        run(pico, log, pico.name, ENDLESS)
    until(lambda: len(written(log, "began")) == PICOS)
    worker.kill()
    worker.wait()
    reader.run_due()
    assert not outcomes(picos)  # the machine might come back
    until(lambda: reader.run_due() + len(outcomes(picos)) == PICOS, lambda: outcomes(picos))
