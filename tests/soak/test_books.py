"""The checker finds what it is there to find: what is right has no fault, and each wrong has one."""

from __future__ import annotations

import random
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from picosched import Engine, VirtualClock
from tests.soak.books import MADE_TO_FAIL, faults_of, left_over
from tests.soak.figures import Level, Spread
from tests.soak.household import TEE, Household
from tests.soak.record import Lane

FOR_EVER = 10**15


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which much has come, and something of each kind is to come."""
    path = tmp_path_factory.mktemp("books") / "kept.db"
    clock, chance = VirtualClock("2026-01-01T00:00:00Z"), random.Random(1)
    with Engine(
        path, clock, seed=1, granularity=1, min_period=0, proc_allow=(TEE,), durability="normal"
    ) as engine:
        home = Household(engine, "r", lambda pico, lane, serial: None, path.with_name("programs"))
        home.bring_sources()
        for _ in range(40):
            for act in (home.tell, home.tell, home.steer, home.build):
                act(chance)
            clock.advance(seconds=0.3)
            engine.run_due()
    return path


@pytest.fixture
def copy(kept: Path, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A copy of it to do wrong to."""
    path = tmp_path / "copy.db"
    path.write_bytes(kept.read_bytes())
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.slow
def test_books_that_are_right_have_no_fault(kept: Path) -> None:
    assert faults_of(kept) == []
    assert any("still owed" in each for each in left_over(kept, FOR_EVER))


OWED = "(SELECT id FROM scheduled WHERE status = 'pending' AND type = 'once' LIMIT 1)"
RAISED = "(SELECT rowid FROM fire WHERE eid IS NOT NULL AND scheduled IN (SELECT id FROM scheduled) LIMIT 1)"
SOUND = f"""(SELECT fire.rowid FROM fire JOIN scheduled ON scheduled.id = fire.scheduled
    WHERE fire.eid IS NOT NULL AND kind IN ('at', 'repeat') AND type NOT IN {MADE_TO_FAIL} LIMIT 1)"""
TURN = "(SELECT seq FROM journal WHERE scheduled IN (SELECT id FROM scheduled) LIMIT 1)"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (f"DELETE FROM scheduled WHERE id = {OWED}", "is owed 1 times, and 0 are to come"),
        (
            "UPDATE scheduled SET status = 'pending', due = 1 WHERE id = "
            "(SELECT id FROM scheduled WHERE status = 'finished' AND type = 'once' LIMIT 1)",
            "is owed 0 times, and 1 are to come",
        ),
        (f"DELETE FROM fire WHERE rowid = {RAISED}", "a row's fires are not those on record"),
        (f"DELETE FROM journal WHERE seq = {TURN}", "a record without its turn"),
        (
            "INSERT INTO journal (eid, pico, at, scheduled, nominal, handled, directives, errors, log) "
            "SELECT 'again', pico, at, scheduled, nominal, '[]', '[]', '[]', '[]' FROM journal "
            f"WHERE seq = {TURN}",
            "two turns of one occurrence",
        ),
        (
            "UPDATE journal SET eid = (SELECT eci FROM channel LIMIT 1) WHERE seq = "
            "(SELECT seq FROM journal WHERE scheduled IS NULL LIMIT 1)",
            "an id is used twice",
        ),
        ("UPDATE entity SET value = '1' WHERE name = 'entered'", "entered, and"),
        ("DELETE FROM pico WHERE name = 'hall'", "something of a pico that is gone"),
        ("DELETE FROM installed WHERE rid = 'guest'", "a row of a ruleset that is not there"),
        ("UPDATE source_entry SET fires = fires + 1", "a source's fires are not those on record"),
        (f"UPDATE fire SET outcome = 'failed' WHERE rowid = {SOUND}", "a row failed that was not made to"),
        (
            f"UPDATE journal SET errors = '[\"IndexError\"]' WHERE seq = {TURN}",
            "a turn failed that was not made to",
        ),
        (f"UPDATE scheduled SET status = 'finished' WHERE id = {OWED}", "an end without its record"),
    ],
)
def test_each_wrong_is_found(copy: sqlite3.Connection, tmp_path: Path, wrong: str, told: str) -> None:
    assert copy.execute(wrong).rowcount > 0
    assert any(told in each for each in faults_of(tmp_path / "copy.db"))


def test_a_lane_knows_what_was_lost_and_what_was_refused() -> None:
    lane = Lane("pico", "lane", sent=10, refused={4}, unknown={7, 10})
    assert lane.faults(9, {4, 7}) == []
    assert (lane.came_unanswered(9, {4, 7}), lane.came_unanswered(9, {4}), lane.answered) == (0, 1, 7)
    assert lane.faults(9, {4, 5}) == ["lane: 5 was acknowledged and has no effect"]
    assert lane.faults(8, {4}) == ["lane: 9 was acknowledged and has no effect"]
    assert lane.faults(9, set()) == ["lane: 4 was refused and took effect"]
    assert lane.faults(11, {4}) == ["lane: 11 came, and only 10 were sent"]


def test_a_spread_tells_quantiles_within_its_step() -> None:
    spread = Spread()
    for value in range(1, 1_001):
        spread.add(value)
    assert spread.quantile(0.5) == pytest.approx(500, rel=0.06)
    assert spread.quantile(0.99) == pytest.approx(990, rel=0.06)
    assert (spread.quantile(1), spread.count, Spread().quantile(0.5)) == (1_000, 1_000, 0)


def test_a_level_is_told_by_its_quarters() -> None:
    assert Level([1, 2, 3, 4, 5, 6, 7, 8]).quarter(2) == 4
    assert Level([1] * 50 + [9] * 50).quarter(4) == 9
    assert Level().quarter(4) == 0


@pytest.mark.slow
def test_the_books_are_right_however_threads_and_clocks_are_raced(tmp_path: Path) -> None:
    """All at once: events, changes of schedules and of what there is, a clock, two who raise what is due."""
    path, clock = tmp_path / "raced.db", VirtualClock("2026-01-01T00:00:00Z")
    ended, failed = threading.Event(), list[str]()
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    with Engine(path, clock, granularity=1, min_period=0, proc_allow=(TEE,)) as engine:
        home = Household(engine, "r", lambda pico, lane, serial: None, path.with_name("programs"))

        def advance(chance: random.Random) -> None:
            clock.advance(seconds=chance.choice((0, 0.1, 0.5, 2)))
            ended.wait(0.01)

        def raise_due(chance: random.Random) -> None:
            engine.run_due()
            ended.wait(0.01)

        def again_and_again(act: Callable[[random.Random], None], number: int) -> None:
            chance = random.Random(number)
            try:
                while not ended.is_set():
                    act(chance)
            except Exception as error:
                failed.append(f"{act}: {type(error).__name__}: {error}")
                ended.set()

        acts = (home.tell, home.steer, home.steer, home.build, advance, raise_due)
        threads = [threading.Thread(target=again_and_again, args=(act, n)) for n, act in enumerate(acts)]
        try:
            home.bring_sources()
            engine.start()
            for each in threads:
                each.start()
            ended.wait(1.5)
        finally:
            ended.set()
            for each in threads:
                each.join()
            sys.setswitchinterval(switching)
        assert failed == []
        home.calm_down()
        until = time.monotonic() + 60
        while not home.calm and time.monotonic() < until:
            clock.advance(seconds=1)
            engine.run_due()
    assert faults_of(path) == []
    assert left_over(path, FOR_EVER) == []
