"""A due event that kills the process does so three times, and has failed then; all else comes once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from crash.poisoned import RULESET
from postgres_server import Server

from picosched import Engine, Store, Turn, VirtualClock
from picosched.due.begun import FIRST, MOST_TAKEN_BACK, Begun
from picosched.store.faults import StoreError
from picosched.turns.pieces import RaiseDue

pytestmark = pytest.mark.slow

POISONED = Path(__file__).with_name("poisoned.py")
WHY = "the process ended twice while this event was being raised"


def run(path: Path | str, what: str, how: str) -> int:
    return subprocess.run([sys.executable, POISONED, path, what, how], timeout=60, check=False).returncode


@pytest.mark.parametrize("how", ["turn", "repeat", "asks", "source", "among"])
def test_a_due_event_that_kills_the_process_fails_and_all_others_come(tmp_path: Path, how: str) -> None:
    fails_and_others_come(tmp_path / "picos.db", how)


def test_so_it_is_on_postgres(postgres: Server) -> None:
    fails_and_others_come(postgres.emptied_database(), "turn")


def test_it_kills_three_of_several_machines_and_has_failed_then(postgres: Server) -> None:
    """Each that dies leaves it to the next; and the others are careful before they take it."""
    address = postgres.emptied_database()
    assert run(address, "plan", "turn") == 0
    machines = [subprocess.Popen([sys.executable, POISONED, address, "share", "turn"]) for _ in range(5)]
    ends = sorted(machine.wait(60) for machine in machines)
    assert ends == [-signal.SIGKILL] * 3 + [0] * 2
    check(address, "turn")


def fails_and_others_come(path: Path | str, how: str) -> None:
    assert run(path, "plan", how) == 0
    ends = []
    for _ in range(4):
        ends.append(run(path, "raise", how))
        assert run(path, "look", how) == 0  # which ends cleanly, and has raised nothing of what was due
    assert ends == [-signal.SIGKILL] * 3 + [0]
    check(path, how)


def check(path: Path | str, how: str) -> None:
    with Engine(path, VirtualClock("2026-03-01T12:00:30Z"), granularity=1, min_period=0) as engine:
        assert engine.next_due() is None
        fires = engine.history()
        failed = [fire for fire in fires if fire.outcome == "failed"]
        paused = {"repeat": "; the schedule is paused", "source": "; the source is paused"}
        assert [fire.why for fire in failed] == [WHY + paused.get(how, "")]
        assert [row.status for row in engine.scheduled()] == (["paused"] if how == "repeat" else [])
        rang = {name: engine.pico(name).query("poisoned", "rang") for name in map("pico {}".format, range(6))}
        assert rang == {name: 0 if name == "pico 2" and how != "source" else 1 for name in rang}
        assert len(fires) == len({(fire.id, fire.nominal) for fire in fires}) == (7 if how == "source" else 6)


def test_an_engine_whose_database_is_closed_already_closes(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock("2026-03-01T12:00:00Z"), granularity=1) as engine:
        engine.root.install(RULESET)
        engine.root.raise_event("poisoned", "plan", {"at": "2026-03-01T12:00:00Z", "how": "well"})
        assert engine.run_due() == 1
        engine.store.close()


def test_a_process_that_ends_in_order_leaves_no_mark(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    for _ in range(2):
        assert run(path, "plan", "well") == 0
        assert run(path, "raise", "well") == 0
        with Engine(path, readonly=True) as engine:
            assert engine.store.picos.meta("raising") is None
            assert engine.store.begun.all() == {}


def test_what_a_process_begins_again_itself_counts_once(tmp_path: Path) -> None:
    """As where the disk is full: the mark is written, the turn is not."""
    with Engine(tmp_path / "picos.db", VirtualClock("2026-03-01T12:00:00Z")) as engine:
        engine.write(lambda: engine.store.picos.set_meta("raising", "1"))
        begun = Begun(engine.store, engine._commits, most=2)
        begun.take_up()
        for _ in range(3):
            assert begun.number("row") == 1
            assert isinstance(begun.alone(full, 1, RaiseDue("row", "pico", [])), StoreError)
            assert engine.store.begun.all() == {"row": 1}
        assert begun.over(2) is None
        assert begun.over(3) is not None


def test_each_unclean_end_doubles_how_many_are_begun_alone(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    for ends in range(4):
        with Engine(path, VirtualClock("2026-03-01T12:00:00Z")) as engine:
            begun = Begun(engine.store, engine._commits, most=2)
            begun.take_up()
            alone = 0
            while begun.marks_next():
                begun.number("row")
                alone += 1
            assert alone == (FIRST * 2 ** (ends - 1) if ends else 0)
            engine._begun = Begun(engine.store, engine._commits, most=2)  # which takes no note away
    with Engine(path, VirtualClock("2026-03-01T12:00:00Z")) as engine:
        begun = Begun(engine.store, engine._commits, most=2)
        begun.take_up()
        begun.marks_next()
        begun.caught_up(begun.takeovers)
        assert engine.store.picos.meta("raising") == "1"
        begun.end()
        assert engine.store.picos.meta("raising") is None


def test_what_another_process_left_counts_with_those_before_it(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock("2026-03-01T12:00:00Z")) as engine:
        engine.write(lambda: engine.store.picos.set_meta("raising other", "3"))
        begun = Begun(engine.store, engine._commits, most=2)
        begun.died("other")
        engine.read(begun.take_over)
        alone = 0
        while begun.marks_next():
            begun.number("row")
            alone += 1
        assert alone == FIRST * 2**2
        assert engine.read(engine.store.picos.notes, "raising") == {"raising": "4"}


class Flapping(Store):
    """A store whose session is ended while a turn is written that has the directive `turn`."""

    cuts: Iterator[object] = iter(())

    def write(self, turn: Turn, *rest: Any, **more: Any) -> None:
        if any(each.name == "turn" for each in turn.directives):
            next(self.cuts, None)
        super().write(turn, *rest, **more)


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize(
    ("times", "outcome", "cut"),
    [(MOST_TAKEN_BACK, "fired", MOST_TAKEN_BACK), (100, "failed", MOST_TAKEN_BACK + 1)],
)
def test_a_session_that_is_cut_is_no_death_unless_the_row_cuts_it_again_and_again(
    postgres: Server, times: int, outcome: str, cut: int, between: bool
) -> None:
    """Each is looked for with a count in which the one before is not taken back yet.

    `between` two times, another process may have the row, and this one nothing that is due.
    """
    address, done = postgres.emptied_database(), count()
    store = Flapping(address)
    with Engine(store, VirtualClock("2026-03-01T12:00:20Z"), granularity=1, min_period=0) as engine:
        engine.root.install(RULESET)
        engine.root.raise_event("poisoned", "plan", {"at": "2026-03-01T12:00:20Z", "how": "turn"})
        store.cuts = (postgres.end_sessions(address) for _ in range(times) if next(done) is not None)
        while not engine.history():
            if between:
                engine._begun.take_back()
                engine._begun.caught_up(engine._begun.takeovers)
            engine.read(engine._begun.take_over)  # as another process has died
            with suppress(StoreError):
                engine.run_due()
        assert [fire.outcome for fire in engine.history()] == [outcome]
        assert engine.root.query("poisoned", "rang") == (outcome == "fired")
        assert engine.store.begun.all() == {}
    assert next(done) == cut + (between and outcome == "failed")  # the last count was taken back in time
    store.close()


def full(piece: RaiseDue) -> None:
    raise StoreError("the disk is full", "internal")


BEATS = """ruleset beats {
  meta { shares count }
  global { count = function() { ent:beats } }
  rule plan {
    select when beats plan
    fired {
      schedule beats event "beat" repeat "* * * * * *"
      schedule beats event "poison" at event:attrs{"at"}
    }
  }
  rule beat { select when beats beat always { ent:beats := ent:beats.defaultsTo(0) + 1 } }
  rule poison { select when beats poison always { ent:poison := 1 } }
}"""
ENDS_ITS_SESSION = """CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF new.name = 'poison' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RETURN new;
    END $$;
    CREATE TRIGGER ends BEFORE INSERT ON entity FOR EACH ROW EXECUTE FUNCTION ends()"""


def test_a_row_that_ends_its_session_delays_no_other(postgres: Server) -> None:
    address = postgres.new_database()
    clock = VirtualClock("2026-03-01T12:00:00Z")
    with Engine(address, clock, granularity=1, min_period=0) as engine:
        picos = [engine.new_pico(f"pico {number}") for number in range(4)]
        for number, pico in enumerate(picos):
            pico.install(BEATS)
            at = "2026-03-01T12:00:02Z" if number == 1 else "2126-01-01T00:00:00Z"
            pico.raise_event("beats", "plan", {"at": at})
        postgres.ask(ENDS_ITS_SESSION, address)
        for _ in range(6):
            clock.advance(seconds=1)
            for _ in range(3):
                with suppress(StoreError):
                    engine.run_due()
        assert [pico.query("beats", "count") for pico in picos] == [6] * 4
