"""The scheduler's loop: it ticks when something is due, when it is woken, and goes on after a fault."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from picosched import Engine, SystemClock, VirtualClock
from picosched.due import scheduler as scheduler_module
from picosched.due.scheduler import Scheduler

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PATIENCE = 10.0


class Agenda:
    """Due times; a tick takes those that have come."""

    def __init__(self, clock: VirtualClock, *dues: datetime) -> None:
        self.clock = clock
        self.dues = list(dues)
        self.ticks: list[datetime] = []
        self.ticked = threading.Semaphore(0)
        self.fault: Callable[[], None] = lambda: None

    def run_due(self) -> int:
        now = self.clock.now()
        self.ticks.append(now)
        try:
            self.fault()
            came = [due for due in self.dues if due <= now]
            self.dues = [due for due in self.dues if due > now]
            return len(came)
        finally:
            self.ticked.release()

    def next_due(self) -> datetime | None:
        return min(self.dues, default=None)

    def wait_for_tick(self) -> None:
        assert self.ticked.acquire(timeout=PATIENCE)


def test_it_ticks_at_once_and_then_when_something_is_due() -> None:
    clock = VirtualClock(START)
    agenda = Agenda(clock, START, START + 5 * MINUTE)
    scheduler = Scheduler(agenda.run_due, agenda.next_due, clock)
    scheduler.start()
    scheduler.start()
    agenda.wait_for_tick()
    clock.advance(minutes=5)
    agenda.wait_for_tick()
    assert scheduler.running
    scheduler.stop()
    assert agenda.ticks == [START, START + 5 * MINUTE]
    assert agenda.dues == []
    assert not scheduler.running


def test_what_is_due_sooner_wakes_it_and_what_is_due_later_does_not() -> None:
    clock = VirtualClock(START)
    agenda = Agenda(clock, START + 5 * MINUTE)
    scheduler = Scheduler(agenda.run_due, agenda.next_due, clock)
    scheduler._waits_for = START + 5 * MINUTE
    scheduler.wake(START + 6 * MINUTE)
    assert not scheduler._wake.is_set()
    scheduler.wake(START + 4 * MINUTE)
    assert scheduler._wake.is_set()
    scheduler._wake.clear()
    scheduler.wake()
    assert scheduler._wake.is_set()


def test_a_wake_while_it_looks_is_not_lost() -> None:
    clock = VirtualClock(START)
    agenda = Agenda(clock)
    scheduler = Scheduler(agenda.run_due, agenda.next_due, clock)

    def once() -> None:
        agenda.fault = lambda: None
        scheduler.wake(START + MINUTE)  # something was committed after it had looked

    agenda.fault = once
    scheduler.start()
    agenda.wait_for_tick()
    agenda.wait_for_tick()
    scheduler.stop()


def test_a_tick_that_fails_is_logged_and_the_loop_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scheduler_module, "FIRST_PAUSE", 0.01)
    clock = VirtualClock(START)
    agenda = Agenda(clock, START)
    left = [OSError("first"), ValueError("second")]

    def twice() -> None:
        if left:
            raise left.pop(0)

    agenda.fault = twice
    scheduler = Scheduler(agenda.run_due, agenda.next_due, clock)
    with caplog.at_level(logging.ERROR):
        scheduler.start()
        for _ in range(3):
            agenda.wait_for_tick()
        scheduler.stop()
    assert agenda.dues == []
    assert [record.getMessage() for record in caplog.records] == [
        "a tick failed; trying again in 0.01 s",
        "a tick failed; trying again in 0.02 s",
    ]


def test_it_can_be_started_again_and_stopped_before_it_was_started() -> None:
    clock = VirtualClock(START)
    agenda = Agenda(clock)
    scheduler = Scheduler(agenda.run_due, agenda.next_due, clock)
    scheduler.stop()
    scheduler.start()
    agenda.wait_for_tick()
    scheduler.stop()
    scheduler.start()
    agenda.wait_for_tick()
    scheduler.stop()


REMINDER = """
ruleset reminder {
  meta { shares rung }
  global { rung = function() { ent:rung.defaultsTo(0) } }
  rule set {
    select when reminder set
    fired { schedule reminder event "ring" at event:attrs{"at"} }
  }
  rule ring {
    select when reminder ring
    fired { ent:rung := rung() + 1 }
  }
}
"""


class Ringing(Engine):
    """An engine that tells when something was raised."""

    def run_due(self) -> int:
        raised = super().run_due()
        if raised:
            self.rang.release()
        return raised

    rang: threading.Semaphore


def test_an_engine_raises_in_the_background_what_comes_due(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    with Ringing(tmp_path / "picos.db", clock, granularity=1) as engine:
        engine.rang = threading.Semaphore(0)
        engine.root.install(REMINDER)
        engine.start()
        engine.root.raise_event("reminder", "set", {"at": "2026-03-01T01:00:00Z"})
        engine.root.raise_event("reminder", "set", {"at": "2026-03-01T00:00:10Z"})  # sooner
        clock.advance(seconds=10)
        assert engine.rang.acquire(timeout=PATIENCE)
        assert engine.root.query("reminder", "rung") == 1
        clock.advance(hours=1)
        assert engine.rang.acquire(timeout=PATIENCE)
        engine.stop()
        assert engine.root.query("reminder", "rung") == 2


@pytest.mark.slow
def test_on_the_system_clock_what_is_due_now_is_raised_now(tmp_path: Path) -> None:
    with Ringing(tmp_path / "picos.db", SystemClock(), granularity=1) as engine:
        engine.rang = threading.Semaphore(0)
        engine.root.install(REMINDER)
        engine.start()
        for number in range(1, 4):
            at = datetime.now(UTC).isoformat()
            engine.root.raise_event("reminder", "set", {"at": at})
            assert engine.rang.acquire(timeout=PATIENCE)
            assert engine.root.query("reminder", "rung") == number
