"""After downtime each missed occurrence is accounted for, whatever the clock did meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from picosched import Engine, PicoRef, VirtualClock
from picosched.clock import parse_time
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import MOST_COUNTED, Status

START = "2026-03-01T00:00:00Z"

BELL = """
ruleset bell {
  meta { shares count }
  global { count = function() { ent:count.defaultsTo(0) } }
  rule make {
    select when bell make
    fired {
      schedule bell event "rang" repeat event:attrs{"spec"} attributes event:attrs if event:attrs{"spec"};
      schedule bell event "rang" at event:attrs{"at"} attributes event:attrs if event:attrs{"at"}
    }
  }
  rule many {
    select when bell many
    foreach 1.range(event:attrs{"n"}) setting(i)
    fired { schedule bell event "rang" at event:attrs{"at"} with i = i }
  }
  rule rang { select when bell rang fired { ent:count := count() + 1 } }
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
        engine.root.install(BELL)
        yield engine


def make(pico: PicoRef, **attrs: object) -> str:
    turn = pico.raise_event("bell", "make", attrs)
    assert turn.errors == []
    (id,) = turn.scheduled
    return id


def told(pico: PicoRef, id: str) -> list[tuple[str, str, int]]:
    """Nominal hour, outcome, and how many occurrences each record stands for, oldest first."""
    return [
        (f"{fire.nominal:%d %H}", str(fire.outcome), fire.stands_for) for fire in reversed(pico.history(id))
    ]


@pytest.mark.parametrize(
    ("misfire", "records", "rang"),
    [
        ("once", [("01 01", "coalesced", 30), ("02 07", "fired", 1)], 2),
        ("skip", [("01 01", "skipped", 30), ("02 07", "fired", 1)], 1),
        ("all", [*((f"{1 + h // 24:02} {h % 24:02}", "late", 1) for h in range(1, 30)),
                 ("02 06", "late", 1), ("02 07", "fired", 1)], 31),
    ],
)  # fmt: skip
def test_thirty_missed_hours_are_accounted_for_by_the_policy_of_the_schedule(
    engine: Engine, clock: VirtualClock, misfire: str, records: list[tuple[str, str, int]], rang: int
) -> None:
    id = make(engine.root, spec="0 * * * *", _misfire=misfire)
    clock.set("2026-03-02T06:30:00Z")
    engine.run_due()
    engine.run_until("2026-03-02T07:00:00Z")
    assert told(engine.root, id) == records
    assert engine.root.query("bell", "count") == rang
    assert sum(stands_for for *_, stands_for in records) == 31


def test_by_the_policy_skip_what_can_still_be_raised_in_time_is_raised(
    engine: Engine, clock: VirtualClock
) -> None:
    id = make(engine.root, spec="0 * * * *", _misfire="skip")
    clock.set("2026-03-01T04:00:30Z")
    engine.run_due()
    assert told(engine.root, id) == [("01 01", "skipped", 3), ("01 04", "fired", 1)]


def test_one_that_came_already_and_is_rounded_up_to_a_time_to_come_is_not_lost(
    engine: Engine, clock: VirtualClock
) -> None:
    id = make(engine.root, spec="30 */10 * * * *")
    clock.set("2026-03-01T00:20:45Z")  # it came at 00:20:30, and is due at 00:21
    engine.run_due()
    engine.run_until("2026-03-01T00:21:00Z")
    fires = [(f"{fire.nominal:%H:%M}", fire.stands_for) for fire in reversed(engine.root.history(id))]
    assert fires == [("00:01", 2), ("00:21", 1)]


def test_the_reason_stands_in_the_record(engine: Engine, clock: VirtualClock) -> None:
    skipped = make(engine.root, spec="0 * * * *", _misfire="skip")
    paused = make(engine.root, spec="0 * * * *")
    engine.root.pause(paused)
    clock.set("2026-03-01T05:30:00Z")
    engine.run_due()
    engine.root.resume(paused)
    (fire,) = engine.root.history(skipped)
    assert fire.why == "it was missed, and its misfire policy is skip" and fire.error is None
    (fire,) = engine.root.history(paused)
    assert (fire.outcome, fire.why, fire.stands_for) == ("paused", "it was paused", 5)


def test_what_comes_too_soon_is_throttled_with_its_reason_and_lives_on(
    tmp_path: Path, clock: VirtualClock
) -> None:
    with Engine(tmp_path / "picos.db", clock, min_period=600, seed=1) as engine:
        engine.root.install(BELL)
        turn = engine.root.raise_event("bell", "make", {"spec": "*/5 * * * *"})
        assert turn.warnings == [
            'the timespec "*/5 * * * *" comes every 300 s: what comes less than 600 s (min_period) '
            "after the last fire is throttled"
        ]
        engine.run_until("2026-03-01T00:20:00Z")
        fires = [*reversed(engine.root.history())]
        assert [str(fire.outcome) for fire in fires] == ["fired", "throttled", "fired", "throttled"]
        assert fires[1].why == "less than 600 s (min_period) after the occurrence of 2026-03-01T00:05:00Z"
        assert engine.root.scheduled()[0].status is Status.PENDING
        assert engine.root.raise_event("bell", "make", {"spec": "0 * * * *"}).warnings == []


def test_a_repeat_that_ends_while_nobody_looks_accounts_for_no_more_than_it_had(
    engine: Engine, clock: VirtualClock
) -> None:
    id = make(engine.root, spec="0 * * * *", _until="2026-03-01T05:30:00Z")
    clock.set("2026-03-04T00:00:00Z")
    engine.run_due()
    assert told(engine.root, id) == [("01 01", "coalesced", 5)]
    assert engine.root.scheduled() == []


def test_more_than_can_be_counted_is_counted_up_to_a_bound(engine: Engine, clock: VirtualClock) -> None:
    id = make(engine.root, spec="* * * * *")
    clock.advance(days=3650)
    engine.run_due()
    (fire,) = engine.root.history(id)
    assert fire.stands_for == MOST_COUNTED


@pytest.mark.parametrize("start", ["1970-01-01T00:00:00Z", "1969-12-31T23:59:30Z", "2262-04-11T23:47:00Z"])
def test_it_works_at_the_edges_of_time(start: str) -> None:
    with Engine(clock=VirtualClock(start), min_period=0) as engine:
        engine.root.install(BELL)
        make(engine.root, spec="* * * * *")
        make(engine.root, at=start)
        assert engine.run_until(at(start) + timedelta(minutes=3)) == 4


def test_at_the_end_of_time_a_repeat_is_finished() -> None:
    with Engine(clock=VirtualClock("9999-12-31T23:57:00Z"), min_period=0) as engine:
        engine.root.install(BELL)
        id = make(engine.root, spec="* * * * *")
        assert engine.run_until("9999-12-31T23:59:59Z") == 2
        assert (engine.root.scheduled(), engine.next_due()) == ([], None)
        row = engine.agenda.load(id)
        assert row.status is Status.FINISHED
        turn = engine.root.raise_event("bell", "make", {"spec": "* * * * *"})
        assert 'the timespec "* * * * *" never fires again' in str(turn.errors[0])
        (error,) = engine.root.raise_event("bell", "make", {"at": "9999-12-31T23:59:59.5Z"}).errors
        assert "past the last year" in str(error)


def test_a_clock_set_back_by_an_hour_raises_nothing_twice(engine: Engine, clock: VirtualClock) -> None:
    id = make(engine.root, spec="*/30 * * * *")
    engine.run_until("2026-03-01T02:00:00Z")
    clock.set("2026-03-01T01:00:00Z")
    assert engine.run_due() == 0
    engine.run_until("2026-03-01T02:30:00Z")
    fired = [f"{fire.nominal:%H:%M}" for fire in reversed(engine.root.history(id))]
    assert fired == ["00:30", "01:00", "01:30", "02:00", "02:30"]


def test_a_clock_set_forward_by_ten_years_brings_no_storm(engine: Engine, clock: VirtualClock) -> None:
    ids = [make(engine.root, spec=f"*/{step} * * * *") for step in (1, 5, 10, 30)]
    clock.advance(days=3652)
    begun = time.process_time()
    assert engine.run_due() == len(ids)
    assert time.process_time() - begun < 10
    assert [told(engine.root, id)[0][1] for id in ids] == ["coalesced"] * 4
    assert engine.run_due() == 0


@pytest.mark.slow
def test_new_events_are_answered_while_what_was_missed_is_caught_up(tmp_path: Path) -> None:
    """Thousands of missed rows; callers who come meanwhile wait for a part of them only."""
    clock = VirtualClock(START)
    with Engine(tmp_path / "picos.db", clock, min_period=0, seed=1, durability="normal") as engine:
        engine.root.install(BELL)
        for _ in range(4):
            engine.root.raise_event("bell", "many", {"n": 900, "at": "2026-03-01T01:00:00Z"})
        due = engine.agenda.count(Filter())
        clock.advance(days=1)
        catching_up = threading.Thread(target=engine.run_due)
        catching_up.start()
        left: list[int] = []
        while catching_up.is_alive():
            engine.root.raise_event("bell", "rang")
            left.append(engine.agenda.count(Filter()))
        catching_up.join()
        # Answered again and again on the way, not only before the first and behind the last row.
        assert len([each for each in left if 0 < each < due]) >= 5
        assert engine.root.query("bell", "count") == due + len(left)


@pytest.mark.slow
def test_history_that_is_too_old_goes_by_itself(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    with Engine(tmp_path / "picos.db", clock, min_period=0, history_days=7) as engine:
        engine.root.install(BELL)
        make(engine.root, spec="0 */6 * * *")
        engine.run_until("2026-06-01T00:00:00Z")
        oldest = min(fire.fired for fire in engine.history(limit=10_000))
        assert clock.now() - oldest <= timedelta(days=8)
        assert min(entry.at for entry in engine.journal(limit=10_000)) == oldest


def test_times_are_utc(engine: Engine) -> None:
    make(engine.root, spec="0 9 * * *", _timezone="Europe/Berlin")
    (row,) = engine.root.scheduled()
    assert (row.due, row.tz) == (datetime(2026, 3, 1, 8, tzinfo=UTC), "Europe/Berlin")


def test_a_repeat_that_is_moved_accounts_for_those_it_was_moved_past(engine: Engine) -> None:
    later = make(engine.root, spec="0 * * * *")
    sooner = make(engine.root, spec="0 * * * *")
    engine.root.move(later, "2026-03-01T03:30:00Z")
    engine.root.move(sooner, "2026-03-01T00:30:00Z")
    engine.run_until("2026-03-01T04:00:00Z")
    assert told(engine.root, later) == [("01 03", "fired", 3), ("01 04", "fired", 1)]
    assert told(engine.root, sooner) == [
        ("01 00", "fired", 1),
        *((f"01 0{h}", "fired", 1) for h in (2, 3, 4)),
    ]


def test_a_fire_by_hand_throttles_nothing(tmp_path: Path, clock: VirtualClock) -> None:
    with Engine(tmp_path / "picos.db", clock, min_period=599, seed=1) as engine:
        engine.root.install(BELL)
        id = make(engine.root, spec="0 * * * *")
        engine.run_until("2026-03-01T01:55:00Z")
        engine.root.fire_now(id)
        engine.run_until("2026-03-01T02:05:00Z")
        engine.root.fire_now(id)
        engine.run_until("2026-03-01T03:00:00Z")
        assert {str(fire.outcome) for fire in engine.root.history(id)} == {"fired"}
        assert len(engine.root.history(id)) == 5
