"""History grows old by time that the clock has gone through, not by what somebody sets it to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from racing import race, until

from picosched import Engine, Filter, VirtualClock
from picosched.clock import Wake, parse_time

START = parse_time("2026-03-01T00:00:00Z")
IN_TEN_YEARS = parse_time("2036-03-01T00:00:00Z")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

DAILY = """ruleset daily {
  rule begin { select when daily begin fired { schedule daily event "came" repeat "0 12 * * *" } }
  rule came { select when daily came }
}"""


class Machine:
    """The clock of a machine: it goes, somebody sets it, the machine sleeps or is off for a while."""

    def __init__(self, time: datetime = START) -> None:
        self.time = time
        self.seconds = self.slept = 0.0

    def now(self) -> datetime:
        return self.time

    def ticks(self) -> float:
        return self.seconds

    def elapsed(self) -> float:
        return self.seconds + self.slept

    def wait_until(self, time: datetime | None, wake: Wake) -> None:
        wake.wait()

    def go_on(self, by: timedelta) -> None:
        self.time += by
        self.seconds += by.total_seconds()

    def sleep(self, by: timedelta) -> None:
        self.time += by
        self.slept += by.total_seconds()

    def be_off(self, by: timedelta) -> None:
        self.time += by


Opened = Callable[[], Engine]


@pytest.fixture
def clock() -> Machine:
    return Machine()


@pytest.fixture
def opened(tmp_path: Path, clock: Machine) -> Opened:
    """Opens the engine anew, as each process does."""

    def opened() -> Engine:
        return Engine(tmp_path / "picos.db", clock, durability="normal", min_period=0)

    with opened() as engine:
        engine.root.install(DAILY)
        engine.root.raise_event("daily", "begin")
        let_pass(engine, clock, 20)
        assert len(engine.history()) == 20
    return opened


def let_pass(engine: Engine, clock: Machine, days: int) -> None:
    """Days on which the engine runs and the clock goes on."""
    for _ in range(24 * days):
        clock.go_on(HOUR)
        engine.run_due()


def kept(engine: Engine) -> list[str]:
    """The days of which there is history, oldest first."""
    days = [f"{fire.nominal:%m-%d}" for fire in engine.history(limit=1000)][::-1]
    assert [f"{entry.nominal:%m-%d}" for entry in engine.journal(limit=1000)[::-1] if entry.nominal] == days
    return days


def test_history_goes_day_by_day(opened: Opened, clock: Machine) -> None:
    with opened() as engine:
        let_pass(engine, clock, 40)
        assert len(kept(engine)) == 31


def test_a_clock_that_is_set_far_forward_deletes_nothing(
    opened: Opened, clock: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    with opened() as engine, caplog.at_level(logging.WARNING):
        engine.run_due()
        before = kept(engine)
        clock.time = IN_TEN_YEARS
        for _ in range(23):
            engine.run_due()
            clock.go_on(HOUR)
        assert kept(engine)[:20] == before
        assert "the clock jumped to 2036-03-01T00:00:00Z" in caplog.text
        clock.time = START + timedelta(days=21)
        let_pass(engine, clock, 3)
        assert kept(engine)[:20] == before


def test_nor_does_it_where_it_is_set_again_and_again(opened: Opened, clock: Machine) -> None:
    with opened() as engine:
        before = kept(engine)
        for year in range(2036, 2046):
            clock.time = clock.time.replace(year=year)
            engine.run_due()
            clock.go_on(HOUR)
        assert kept(engine)[:20] == before


def test_nor_does_a_process_that_begins_after_the_jump(opened: Opened, clock: Machine) -> None:
    clock.time = IN_TEN_YEARS
    for _ in range(20):
        with opened() as engine:
            engine.run_due()
            assert kept(engine)[:20] == [f"03-{day:02}" for day in range(1, 21)]
        clock.go_on(HOUR)


def test_what_is_old_by_a_clock_that_goes_on_for_a_day_goes(opened: Opened, clock: Machine) -> None:
    clock.time = IN_TEN_YEARS
    for _ in range(25):
        with opened() as engine:
            engine.run_due()
        clock.go_on(HOUR)
    with opened() as engine:
        assert kept(engine)[0] == "03-21"  # raised late, ten years after


def test_after_forty_days_off_history_stays_for_another_day(opened: Opened, clock: Machine) -> None:
    clock.be_off(timedelta(days=40))
    with opened() as engine:
        let_pass(engine, clock, 1)
        assert kept(engine)[:20] == [f"03-{day:02}" for day in range(1, 21)]
        clock.go_on(HOUR)
        engine.run_due()
        assert kept(engine) == ["03-21", "04-30"]


def test_a_machine_that_sleeps_for_forty_days_is_as_one_that_was_off(opened: Opened, clock: Machine) -> None:
    with opened() as engine:
        engine.run_due()
        clock.sleep(timedelta(days=40))
        let_pass(engine, clock, 1)
        assert len(kept(engine)) > 20


def test_on_a_machine_that_sleeps_for_most_of_the_day_history_goes_as_well(
    opened: Opened, clock: Machine
) -> None:
    with opened() as engine:
        for _ in range(40):
            clock.sleep(20 * HOUR)
            for _ in range(4):
                clock.go_on(HOUR)
                engine.run_due()
        assert len(kept(engine)) in (31, 32)


def test_a_look_deletes_some_and_the_next_one_goes_on_also_in_another_process(
    opened: Opened, clock: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picosched.store.store.PRUNED_AT_ONCE", 2)
    with opened() as engine:
        clock.go_on(timedelta(days=60))
        engine.run_due()
        clock.go_on(25 * HOUR)
        engine.run_due()
        assert len(engine.history(limit=1_000)) == 22 - 2
        assert engine._next_tick() == clock.now()
    with opened() as engine:
        for left in range(18, 2, -2):
            engine.run_due()
            assert len(engine.history(limit=1_000)) == left
        while engine._next_tick() == clock.now():
            engine.run_due()
        assert kept(engine) == ["03-21", "05-20"]


@pytest.mark.slow
def test_processes_that_live_for_a_moment_delete_history_too(opened: Opened, clock: Machine) -> None:
    for _ in range(80):
        with opened() as engine:
            engine.run_due()
        clock.be_off(12 * HOUR)
    with opened() as engine:
        assert len(kept(engine)) in (31, 32)


def test_a_wait_of_many_days_is_no_jump(opened: Opened, clock: Machine) -> None:
    with opened() as engine:
        for _ in range(4):
            clock.go_on(timedelta(days=15))
            engine.run_due()
        assert "03-01" not in kept(engine) and "03-21" in kept(engine)


def test_what_was_written_while_the_clock_was_ahead_keeps_nothing_behind_it(
    opened: Opened, clock: Machine
) -> None:
    with opened() as engine:
        clock.time = IN_TEN_YEARS
        engine.root.raise_event("daily", "begin")
        let_pass(engine, clock, 1)
        clock.time = START + timedelta(days=21)
        engine.agenda.cancel(Filter())  # else it waits for ten years
        engine.root.raise_event("daily", "begin")
        let_pass(engine, clock, 70)
        fired = [fire.fired for fire in engine.history(limit=1000) if fire.fired < IN_TEN_YEARS]
        assert clock.now() - min(fired) <= timedelta(days=32)
        assert len(engine.journal(limit=1000)) <= 36


def test_history_is_deleted_where_nothing_is_ever_due(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    with Engine(tmp_path / "picos.db", clock, history_days=1) as engine:
        engine.root.raise_event("daily", "nothing")
        engine.root.raise_event("daily", "nothing")
        engine.start()
        until(lambda: clock.advance(days=1) and len(engine.journal()) < 2)
        assert [entry.seq for entry in engine.journal()] == [2]


def test_threads_that_raise_what_is_due_delete_history_together(opened: Opened, clock: Machine) -> None:
    with opened() as engine:
        let_pass(engine, clock, 15)
        clock.go_on(25 * HOUR)
        race(*[engine.run_due] * 8)
        assert len(kept(engine)) == 31
        assert engine.running is False


def test_a_number_of_the_journal_or_of_a_record_is_never_given_again() -> None:
    """Whoever follows them waits for numbers greater than the last, also when all else is forgotten."""
    clock = VirtualClock(START)
    with Engine(clock=clock, granularity=1) as engine:
        engine.root.install(DAILY)
        engine.root.raise_event("daily", "begin")
        engine.run_until("2026-03-05T00:00:00Z")
        engine.agenda.cancel([row.id for row in engine.scheduled()])
        (last, *_), marked = engine.journal(), engine.store.agenda.last_record()
        clock.advance(days=100)
        assert engine.prune() > 0
        engine.root.raise_event("daily", "begin")
        (new, *_) = engine.journal()
        assert new.seq == last.seq + 1
        engine.run_until("2026-06-20T00:00:00Z")
        assert engine.store.agenda.records_after(marked)
