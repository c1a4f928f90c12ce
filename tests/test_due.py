"""What is due is raised once, whatever happens to the clock, the ruleset or the disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from picosched import Engine, PicoRef, PicoschedError, Store, SystemClock, VirtualClock
from picosched.clock import parse_time
from picosched.due import line as due
from picosched.due import tick

START = "2026-03-01T00:00:00Z"
NOON = "2026-03-01T12:00:00Z"

TIMER = """
ruleset timer {
  meta { shares log }
  global { log = function() { ent:log.defaultsTo([]) } }
  rule at {
    select when timer at
    fired { schedule timer event "rang" at event:attrs{"at"} attributes event:attrs.defaultsTo({}) setting(id)
            ent:id := id }
  }
  rule every {
    select when timer every
    fired { schedule timer event event:attrs{"type"}.defaultsTo("rang") repeat event:attrs{"spec"} }
  }
  rule rang {
    select when timer rang
    fired { ent:log := log().append([time:now()]) }
  }
  rule broken {
    select when timer broken
    pre { x = "a" - 1 }
    fired { ent:log := ["never"] }
  }
  rule again {
    select when timer again
    fired { schedule timer event "again" at time:now() }
  }
  rule chain {
    select when timer chain
    fired { schedule timer event "rang" at time:now() }
  }
  rule cancel {
    select when timer cancel
    always { ent:gone := event:delete(event:attrs{"id"}) }
  }
}
"""


def at(text: str) -> datetime:
    return parse_time(text)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", clock, min_period=0, seed=1) as engine:
        engine.root.install(TIMER)
        yield engine


def every(pico: PicoRef, spec: str, type: str = "rang") -> str:
    """Make a repeating schedule; its id."""
    turn = pico.raise_event("timer", "every", {"spec": spec, "type": type})
    assert turn.errors == []
    (id,) = turn.scheduled
    return id


def once(pico: PicoRef, time: str) -> str:
    """Make a single schedule; its id."""
    turn = pico.raise_event("timer", "at", {"at": time})
    assert turn.errors == []
    (id,) = turn.scheduled
    return id


def rung(pico: PicoRef) -> list[str]:
    return [time[:16] for time in pico.query("timer", "log")]


def outcomes(pico: PicoRef, id: str | None = None) -> list[tuple[str, str]]:
    """Nominal time of day and outcome, oldest first."""
    return [(f"{fire.nominal:%H:%M}", str(fire.outcome)) for fire in reversed(pico.history(id))]


@pytest.mark.parametrize(
    "time",
    ["2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", "2026-03-01T11:59:59.250001Z", "20260301T120000Z"],
)
def test_the_time_may_be_written_in_any_way(engine: Engine, time: str) -> None:
    once(engine.root, time)
    assert engine.root.scheduled()[0].due == at(NOON)


def test_an_event_for_later_is_raised_once_and_is_then_history(engine: Engine) -> None:
    pico = engine.root
    id = once(pico, NOON)
    (pending,) = pico.scheduled()
    assert (pending.id, pending.due, pending.rule) == (id, at(NOON), "at")
    assert engine.next_due() == at(NOON)
    assert engine.run_due() == 0
    assert engine.run_until("2026-03-01T11:59:59Z") == 0
    assert engine.run_until(NOON) == 1
    assert rung(pico) == ["2026-03-01T12:00"]
    assert engine.run_due() == 0
    assert pico.scheduled() == []
    assert engine.next_due() is None
    (fire,) = pico.history(id)
    assert (fire.nominal, fire.fired, fire.outcome, fire.lateness) == (at(NOON), at(NOON), "fired", 0.0)
    assert fire.rules == ("timer.rang",)
    assert [entry.eid for entry in pico.journal(1)] == [fire.eid]


def test_run_until_goes_from_due_time_to_due_time_and_ends_there(engine: Engine, clock: VirtualClock) -> None:
    other = engine.new_pico("other")
    other.install(TIMER)
    every(engine.root, "0 * * * *")
    every(other, "30 * * * *")
    assert engine.run_until("2026-03-01T03:10:00Z") == 6
    assert rung(engine.root) == ["2026-03-01T01:00", "2026-03-01T02:00", "2026-03-01T03:00"]
    assert rung(other) == ["2026-03-01T00:30", "2026-03-01T01:30", "2026-03-01T02:30"]
    assert clock.now() == at("2026-03-01T03:10:00Z")
    with pytest.raises(PicoschedError, match="still to come"):
        engine.run_until(START)


def test_only_a_virtual_clock_can_be_run() -> None:
    with Engine() as engine, pytest.raises(PicoschedError, match="virtual clock"):
        engine.run_until("2100-01-01T00:00:00Z")


def test_the_event_goes_to_the_ruleset_that_made_it_and_no_other(engine: Engine) -> None:
    engine.root.install(TIMER.replace("ruleset timer", "ruleset listener"))
    engine.new_pico("other").install(TIMER)
    engine.root.uninstall("timer")
    engine.root.install(TIMER)
    listener_id = engine.root.raise_event("timer", "at", {"at": NOON}).scheduled  # both make one
    assert len(listener_id) == 2
    engine.run_until(NOON)
    assert len(engine.root.query("timer", "log")) == 1
    assert len(engine.root.query("listener", "log")) == 1


def test_what_is_due_survives_a_restart(tmp_path: Path, clock: VirtualClock) -> None:
    path = tmp_path / "picos.db"
    with Engine(path, clock) as engine:
        engine.root.install(TIMER)
        once(engine.root, NOON)
    clock.set("2026-03-01T15:00:00Z")
    with Engine(path, clock) as engine:
        assert engine.run_due() == 1
        assert outcomes(engine.root) == [("12:00", "late")]
        assert engine.root.history()[0].lateness == 3 * 3600
    with Engine(path, clock) as engine:
        assert engine.run_due() == 0


def test_a_little_late_is_in_time(engine: Engine, clock: VirtualClock) -> None:
    every(engine.root, "0 * * * *")
    clock.set("2026-03-01T01:01:01Z")
    engine.run_due()
    clock.set("2026-03-01T02:01:02Z")
    engine.run_due()
    assert outcomes(engine.root) == [("01:00", "fired"), ("02:00", "late")]


# Missed occurrences


@pytest.mark.parametrize(
    ("misfire", "wanted"),
    [
        ("once", [("01:00", "coalesced"), ("06:00", "fired")]),
        ("skip", [("01:00", "skipped"), ("06:00", "fired")]),
        ("all", [(f"0{hour}:00", "late") for hour in range(1, 6)] + [("06:00", "fired")]),
    ],
)
def test_missed_repeats_go_by_the_policy(
    tmp_path: Path, clock: VirtualClock, misfire: str, wanted: list[tuple[str, str]]
) -> None:
    with Engine(tmp_path / "picos.db", clock, misfire=misfire, min_period=0) as engine:
        every(installed(engine), "0 * * * *")
        clock.set("2026-03-01T05:30:00Z")
        assert engine.run_due() == len(wanted) - 1 - (misfire == "skip")
        assert engine.run_due() == 0
        assert engine.run_until("2026-03-01T06:00:00Z") == 1
        assert outcomes(engine.root) == wanted


def test_a_missed_single_event_is_let_go_only_by_skip(tmp_path: Path, clock: VirtualClock) -> None:
    with Engine(tmp_path / "picos.db", clock, misfire="skip") as engine:
        once(installed(engine), NOON)
        clock.set("2026-03-01T13:00:00Z")
        assert engine.run_due() == 0
        assert outcomes(engine.root) == [("12:00", "skipped")]
        assert engine.next_due() is None


def installed(engine: Engine) -> PicoRef:
    engine.root.install(TIMER)
    return engine.root


def test_what_comes_too_soon_after_the_last_is_throttled_and_lives_on(
    tmp_path: Path, clock: VirtualClock
) -> None:
    with Engine(tmp_path / "picos.db", clock, min_period=0) as engine:
        every(installed(engine), "*/10 * * * *")
    with Engine(tmp_path / "picos.db", clock, min_period=1200) as engine:
        assert engine.run_until("2026-03-01T01:00:00Z") == 3
        assert outcomes(engine.root) == [
            ("00:10", "fired"),
            ("00:20", "throttled"),
            ("00:30", "fired"),
            ("00:40", "throttled"),
            ("00:50", "fired"),
            ("01:00", "throttled"),
        ]


def test_a_fire_that_was_a_little_late_does_not_cost_the_next(tmp_path: Path, clock: VirtualClock) -> None:
    with Engine(tmp_path / "picos.db", clock, min_period=599) as engine:
        every(installed(engine), "*/10 * * * *")
        clock.set("2026-03-01T00:10:45Z")
        engine.run_due()
        engine.run_until("2026-03-01T00:20:00Z")
        assert outcomes(engine.root) == [("00:10", "fired"), ("00:20", "fired")]


def test_a_fire_that_came_late_by_an_outage_does_not_cost_the_next(
    tmp_path: Path, clock: VirtualClock
) -> None:
    with Engine(tmp_path / "picos.db", clock, min_period=599) as engine:
        every(installed(engine), "0 * * * *")
        clock.set("2026-03-01T01:55:00Z")
        engine.run_due()
        engine.run_until("2026-03-01T03:00:00Z")
        assert outcomes(engine.root) == [("01:00", "late"), ("02:00", "fired"), ("03:00", "fired")]


# The clock


def test_a_clock_set_back_raises_nothing_twice(engine: Engine, clock: VirtualClock) -> None:
    every(engine.root, "0 * * * *")
    engine.run_until("2026-03-01T03:00:00Z")
    clock.set("2026-02-28T00:00:00Z")
    assert engine.run_due() == 0
    assert engine.next_due() == at("2026-03-01T04:00:00Z")
    engine.run_until("2026-03-01T04:00:00Z")
    assert outcomes(engine.root) == [(f"0{hour}:00", "fired") for hour in range(1, 5)]


def test_a_clock_set_far_forward_raises_once(engine: Engine, clock: VirtualClock) -> None:
    every(engine.root, "* * * * *")
    clock.set("2027-03-01T00:00:30Z")
    assert engine.run_due() == 1
    assert engine.next_due() == at("2027-03-01T00:01:00Z")


def test_the_system_clock_may_be_moved_by_a_test(tmp_path: Path) -> None:
    with freeze_time("2026-03-01 00:00:00") as frozen, Engine(tmp_path / "picos.db", SystemClock()) as engine:
        every(installed(engine), "0 * * * *")
        assert engine.run_due() == 0
        frozen.tick(timedelta(hours=1))
        assert engine.run_due() == 1
        frozen.move_to("2026-03-02 00:30:00")
        assert engine.run_due() == 1
        frozen.move_to("2026-03-01 00:00:00")
        assert engine.run_due() == 0
        assert engine.next_due() == datetime(2026, 3, 2, 1, tzinfo=UTC)


# What goes wrong


def test_a_rule_that_fails_settles_its_schedule(engine: Engine) -> None:
    id = every(engine.root, "0 * * * *", "broken")
    assert engine.run_until("2026-03-01T02:00:00Z") == 2
    assert outcomes(engine.root) == [("01:00", "failed"), ("02:00", "failed")]
    fire = engine.root.history(id)[0]
    assert fire.eid is not None
    assert fire.error is not None
    assert fire.error == engine.root.journal(1)[0].errors[0]
    assert engine.root.query("timer", "log") == []


@pytest.mark.parametrize(
    "text",
    [
        "ruleset timer { rule }",
        'ruleset timer { global { a = "a" - 1 } rule rang { select when timer rang } }',
    ],
)
@pytest.mark.slow
def test_a_ruleset_that_cannot_run_any_more_fails_its_schedules_and_no_other(
    tmp_path: Path, text: str
) -> None:
    path, clock = tmp_path / "picos.db", VirtualClock(START)
    with Engine(path, clock, min_period=0) as engine:
        id = every(installed(engine), "0 * * * *")
        other = engine.new_pico("other")
        other.install(TIMER + "// another")
        every(other, "0 * * * *")
    store = Store(path)
    with store.transaction():
        store._database.run("UPDATE ruleset SET text = ? WHERE text = ?", (text, TIMER))
    store.close()
    with Engine(path, clock, min_period=0) as engine:
        engine.run_until("2026-03-01T02:00:00Z")
        fires = engine.root.history(id)
        assert [fire.outcome for fire in fires] == ["failed", "failed"]
        assert rung(engine.pico("other")) == ["2026-03-01T01:00", "2026-03-01T02:00"]
        engine.root.install(TIMER)
        assert engine.run_until("2026-03-01T03:00:00Z") == 2
        assert engine.root.history(id)[0].outcome == "fired"


def test_a_schedule_whose_pico_is_gone_is_settled(engine: Engine) -> None:
    other = engine.new_pico("other")
    other.install(TIMER)
    id = once(other, NOON)
    with engine.store.transaction():  # as no picosched would do it
        engine.store.picos.delete_pico(other.id)
    engine.loaded.forget_all()
    assert engine.run_until("2026-03-01T13:00:00Z") == 0
    (fire,) = engine.history(id=id)
    assert (fire.outcome, fire.eid) == ("failed", None)
    assert fire.error is not None and "there is no pico" in fire.error


def test_a_timespec_that_cannot_be_read_any_more_ends_its_schedule(engine: Engine) -> None:
    id = every(engine.root, "0 * * * *")
    with engine.store.transaction():
        engine.store._database.run("UPDATE scheduled SET tz = 'Mars/Olympus'")
    engine.run_until("2026-03-01T02:00:00Z")
    (fire,) = engine.root.history(id)
    assert fire.outcome == "failed"
    assert fire.error is not None and "Mars/Olympus" in fire.error
    assert engine.next_due() is None


def test_a_timespec_that_cannot_be_read_any_more_ends_its_schedule_after_an_outage_too(
    engine: Engine, clock: VirtualClock
) -> None:
    id = every(engine.root, "0 * * * *")
    with engine.store.transaction():
        engine.store._database.run("UPDATE scheduled SET tz = 'Mars/Olympus'")
    clock.set("2026-03-01T05:30:00Z")
    assert engine.run_due() == 0
    assert outcomes(engine.root, id) == [("01:00", "failed")]
    assert engine.next_due() is None


@pytest.mark.files
def test_while_the_disk_is_full_everything_stays_due_and_is_raised_later(
    engine: Engine, clock: VirtualClock
) -> None:
    every(engine.root, "0 * * * *")
    once(engine.root, NOON)
    clock.set(NOON)
    pages = next(engine.store._database.ask("PRAGMA page_count"))
    assert pages is not None
    engine.store._database.run(f"PRAGMA max_page_count = {pages[0]}")
    large = "x" * 200_000
    with pytest.raises(PicoschedError, match="disk is full"):
        engine.root.raise_event("timer", "at", {"at": NOON, "large": large})
    for id in range(200):  # use up what room there is
        try:
            engine.root.raise_event("timer", "nothing", {"id": id, "fill": "x" * 900})
        except PicoschedError:
            break
    with pytest.raises(PicoschedError, match="disk is full"):
        while engine.run_due():
            every(engine.root, "0 * * * *")
    engine.store._database.run("PRAGMA max_page_count = 1000000")
    due = len(engine.store.due.first(engine.now(), 100))
    assert due > 0
    assert engine.run_due() == due
    assert len(rung(engine.root)) == len([fire for fire in engine.history() if fire.eid])


def test_an_occurrence_that_is_on_record_is_never_raised_again(engine: Engine, clock: VirtualClock) -> None:
    doubled = every(engine.root, "0 * * * *")
    every(engine.root, "0 * * * *")
    engine.run_until("2026-03-01T01:00:00Z")
    with engine.store.transaction():  # as no picosched would do it
        engine.store._database.run(
            "UPDATE scheduled SET due = (SELECT max(nominal) FROM fire) WHERE id = ?", (doubled,)
        )
    clock.set("2026-03-01T02:00:00Z")
    with pytest.raises(PicoschedError) as caught:
        engine.run_due()
    assert caught.value.code == "conflict"
    assert len(rung(engine.root)) == 3  # the other was raised
    assert [fire.outcome for fire in engine.root.history(doubled)] == ["fired"]


def test_a_rule_that_schedules_itself_for_now_for_ever_is_stopped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick, "INSTANT", 50)
    engine.root.raise_event("timer", "again")
    with pytest.raises(PicoschedError, match="does a rule schedule itself"):
        engine.run_due()


def test_what_is_made_for_now_while_running_is_raised_in_the_same_run(engine: Engine) -> None:
    every(engine.root, "0 * * * *", "chain")
    assert engine.run_until("2026-03-01T01:00:00Z") == 2
    assert rung(engine.root) == ["2026-03-01T01:00"]


# Changing what is to come


def test_a_cancelled_event_does_not_come(engine: Engine) -> None:
    id = once(engine.root, NOON)
    assert not engine.new_pico("other").cancel(id)
    assert engine.root.cancel(id)
    assert not engine.root.cancel(id)
    assert engine.root.scheduled() == []
    assert engine.run_until("2026-03-02T00:00:00Z") == 0
    assert outcomes(engine.root, id) == [("12:00", "cancelled")]


def test_an_event_may_be_cancelled_by_one_that_is_due_with_it(engine: Engine) -> None:
    first, second = made_together(engine.root, NOON)
    engine.run_until(NOON)
    assert outcomes(engine.root, first) == [("12:00", "fired")]
    assert outcomes(engine.root, second) == [("12:00", "cancelled")]


KILLER = """
ruleset pair {
  rule make {
    select when pair make
    fired {
      schedule pair event "first" at event:attrs{"at"} setting(first);
      schedule pair event "second" at event:attrs{"at"} setting(second);
      ent:second := second
    }
  }
  rule first {
    select when pair first
    always { ent:gone := event:delete(ent:second) }
  }
  rule second {
    select when pair second
    fired { ent:ran := true }
  }
}
"""


def made_together(pico: PicoRef, time: str) -> list[str]:
    pico.install(KILLER)
    turn = pico.raise_event("pair", "make", {"at": time})
    assert turn.errors == []
    return list(turn.scheduled)


def test_uninstalling_cancels_and_a_deleted_pico_takes_its_schedules_along(engine: Engine) -> None:
    other = engine.new_pico("other")
    other.install(TIMER)
    mine, theirs = once(engine.root, NOON), once(other, NOON)
    engine.root.uninstall("timer")
    other.delete()
    assert engine.run_until("2026-03-02T00:00:00Z") == 0
    (fire,) = engine.history(id=mine)
    assert (fire.outcome, fire.why) == ("cancelled", "the ruleset timer was uninstalled")
    (fire,) = engine.history(id=theirs)
    assert (fire.outcome, fire.why) == ("cancelled", "the pico was deleted")


def test_a_paused_repeat_lets_its_occurrences_pass_and_goes_on(engine: Engine) -> None:
    id = every(engine.root, "0 * * * *")
    assert engine.root.pause(id)
    assert engine.root.scheduled()[0].paused
    assert engine.run_until("2026-03-01T02:30:00Z") == 0
    assert engine.root.resume(id)
    assert not engine.root.resume(id)
    assert engine.run_until("2026-03-01T04:00:00Z") == 2
    assert outcomes(engine.root, id) == [("01:00", "paused"), ("03:00", "fired"), ("04:00", "fired")]
    assert engine.root.history(id)[-1].stands_for == 2


def test_a_paused_single_event_is_due_when_it_is_resumed(engine: Engine) -> None:
    id = once(engine.root, "2026-03-01T01:00:00Z")
    engine.root.pause(id)
    assert engine.run_until("2026-03-01T02:00:00Z") == 0
    engine.root.resume(id)
    assert engine.run_due() == 1


def test_a_pause_may_end_by_itself(engine: Engine) -> None:
    id = every(engine.root, "0 * * * *")
    engine.root.pause(id, "2026-03-01T02:30:00Z")
    (paused,) = engine.root.scheduled()
    assert (paused.paused, paused.paused_until) == (True, at("2026-03-01T02:30:00Z"))
    assert engine.run_until("2026-03-01T04:00:00Z") == 2
    assert outcomes(engine.root, id) == [("01:00", "paused"), ("03:00", "fired"), ("04:00", "fired")]
    assert engine.root.history(id)[-1].stands_for == 2
    (going,) = engine.root.scheduled()
    assert (going.paused, going.paused_until) == (False, None)


def test_what_is_over_cannot_be_paused(engine: Engine) -> None:
    id = once(engine.root, "2026-03-01T01:00:00Z")
    engine.run_until("2026-03-01T01:00:00Z")
    assert not engine.root.pause(id)
    assert not engine.root.resume(id)
    assert not engine.root.pause("none")


def test_what_is_due_is_taken_in_batches(engine: Engine) -> None:
    engine.root.install(TIMER)
    for number in range(due.AT_ONCE + 50):
        once(engine.root, f"2026-03-01T12:{number % 3:02}:00Z")
    before = engine.commits
    assert engine.run_until("2026-03-01T13:00:00Z") == due.AT_ONCE + 50
    # One that notes that due rows are raised, and one for each due time.
    assert engine.commits - before == 1 + 3
    assert len(rung(engine.root)) == due.AT_ONCE + 50
    assert rung(engine.root) == sorted(rung(engine.root))


def test_history_that_is_older_than_is_kept_goes(tmp_path: Path, clock: VirtualClock) -> None:
    with Engine(tmp_path / "picos.db", clock, history_days=1) as engine:
        every(installed(engine), "0 0 * * *")
        engine.run_until("2026-03-10T00:00:00Z")
        # What was kept for a day yesterday: the time it is counts from tomorrow on.
        assert [f"{fire.nominal:%d}" for fire in engine.history()] == ["10", "09", "08"]
        assert len(engine.journal()) == 3
        assert len(rung(engine.root)) == 9


def test_a_simulation_repeats_to_the_byte(tmp_path: Path) -> None:
    def run(name: str) -> list[Any]:
        with Engine(tmp_path / name, VirtualClock(START), seed="x", min_period=0) as engine:
            pico = engine.new_pico("a")
            pico.install(TIMER)
            every(pico, "*/15 * * * *")
            once(pico, NOON)
            engine.run_until("2026-03-01T13:00:00Z")
            return [engine.journal(limit=1000), engine.history(limit=1000)]

    assert run("a.db") == run("b.db")


def test_half_a_character_in_an_error_is_on_record_as_it_can_be_written(
    engine: Engine, clock: VirtualClock
) -> None:
    engine.root.install(
        """ruleset half {
          rule plan { select when half plan always { schedule half event "x" repeat "0 * * * *" } }
          rule x { select when half x pre { t = "\\ud800(" y = t.match(t) } noop() }
          rule other { select when half x always { ent:n := ent:n.defaultsTo(0) + 1 } }
        }"""
    )
    engine.root.raise_event("half", "plan")
    clock.set("2026-03-01T02:30:00Z")
    engine.run_due()
    (row,) = engine.root.scheduled("half")
    assert row.status == "pending"
    fire = engine.root.history(row.id)[0]
    assert fire.outcome == "failed"
    assert "\\ud800" in (fire.why or "")
