"""What rules are told of schedules: missed, late, throttled. What fails is in transcripts/failing.txt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from picosched import Engine, VirtualClock
from picosched.schedule.happenings import ATTRIBUTES

START = "2026-03-01T00:00:00Z"
FAULTY = Path(__file__).parent / "rulesets" / "faulty.krl"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", clock, min_period=600, seed=1) as engine:
        engine.root.install(FAULTY)
        yield engine


def plan(engine: Engine, kind: str, when: str, **attrs: Any) -> None:
    assert engine.root.raise_event("plan", kind, {"when": when, **attrs}).errors == []


def heard(engine: Engine) -> list[str]:
    found = engine.root.query("faulty", "heard")
    assert isinstance(found, list)
    return found


def told(engine: Engine) -> dict[str, Any]:
    found = engine.root.query("faulty", "told")
    assert isinstance(found, dict)
    return found


def test_one_late_event_tells_of_those_it_stands_for(engine: Engine, clock: VirtualClock) -> None:
    plan(engine, "repeat", "0 * * * *", _name="hourly")
    clock.advance(hours=5, minutes=1)
    engine.run_due()
    assert heard(engine) == ["missed", "late"]
    late = told(engine)
    assert {*late, "id", "why"} == {*ATTRIBUTES}
    assert (late["nominal"], late["lateness"], late["number"]) == ("2026-03-01T01:00:00Z", 14_460, 5)


def test_what_is_skipped_was_missed(engine: Engine, clock: VirtualClock) -> None:
    plan(engine, "repeat", "0 * * * *", _name="hourly", _misfire="skip")
    clock.advance(hours=5, minutes=3)
    engine.run_due()
    assert heard(engine) == ["missed"]
    assert told(engine)["number"] == 5


def test_what_is_late_by_its_own_measure(engine: Engine, clock: VirtualClock) -> None:
    plan(engine, "at", "2026-03-01T01:00:00Z", _late_after=5)
    plan(engine, "at", "2026-03-01T01:00:00Z", _late_after=36_000)
    clock.advance(hours=1, seconds=6)
    engine.run_due()
    assert heard(engine) == ["late"]
    assert told(engine)["lateness"] == 6


def test_what_comes_too_soon_is_throttled(engine: Engine, clock: VirtualClock) -> None:
    plan(engine, "repeat", "*/5 * * * *", _name="often", _until="2026-03-01T00:10:00Z")
    for _ in range(2):
        clock.advance(minutes=5)
        engine.run_due()
    assert heard(engine) == ["throttled"]


def test_what_no_rule_selects_is_not_raised(tmp_path: Path, clock: VirtualClock) -> None:
    deaf = tmp_path / "deaf.krl"
    deaf.write_text("""ruleset deaf {
      rule at { select when plan at fired { schedule x event "y" at event:attrs{"when"} } }
    }""")
    with Engine(clock=clock) as engine:
        engine.root.install(deaf)
        plan(engine, "at", "2026-03-01T01:00:00Z")
        clock.advance(hours=5)
        assert engine.run_due() == 1
        assert [fire.outcome for fire in engine.history()] == ["late"]


def test_what_fails_when_it_is_fired_by_hand_is_told(engine: Engine) -> None:
    assert engine.root.raise_event("plan", "broken", {"until": "2026-03-02T00:00:00Z"}).errors == []
    plan(engine, "repeat", "0 0 1 * *", _name="rare")
    (row,) = engine.scheduled()
    assert len(engine.root.fire_now(row.id).errors) == 1
    engine.run_due()
    assert heard(engine) == ["failed"]
    assert told(engine)["failures"] == 1


def test_what_was_missed_is_told_also_if_the_first_try_fails(engine: Engine, clock: VirtualClock) -> None:
    assert engine.root.raise_event("plan", "broken", {"until": "2026-03-01T05:30:20Z"}).errors == []
    plan(engine, "repeat", "0 * * * *", _name="hourly", _misfire="once", _retry=3)
    clock.advance(hours=5, minutes=30)
    engine.run_until("2026-03-01T05:50:00Z")
    assert heard(engine) == ["missed", "late"]
    assert (told(engine)["nominal"], told(engine)["number"]) == ("2026-03-01T01:00:00Z", 5)


def test_nothing_is_missed_behind_the_last_of_a_count(engine: Engine, clock: VirtualClock) -> None:
    assert engine.root.raise_event("plan", "broken", {"until": "2026-12-01T00:00:00Z"}).errors == []
    plan(engine, "repeat", "0 * * * *", _name="twice", _count=2, _retry=20)
    engine.run_until("2026-03-02T00:00:00Z")
    ends = [each for each in engine.history(limit=200) if each.outcome == "failed" and each.stands_for]
    assert [each.stands_for for each in ends] == [1, 1]
    assert heard(engine) == ["late", "failed", "late", "failed"]


def test_the_hundredth_try_has_a_time(engine: Engine, clock: VirtualClock) -> None:
    """The waits grow no further than an hour."""
    assert engine.root.raise_event("plan", "broken", {"until": "2026-12-01T00:00:00Z"}).errors == []
    plan(engine, "at", "2026-03-01T01:00:00Z", _name="often", _retry=100)
    engine.run_until("2026-03-10T00:00:00Z")
    assert [each.outcome for each in engine.history(limit=200)].count("failed") == 101
    assert heard(engine) == ["late", "failed"]


def test_nobody_is_told_once_the_pico_is_deleted(engine: Engine) -> None:
    child = engine.new_pico("child")
    child.install(FAULTY)
    assert child.raise_event("plan", "broken", {"until": "2026-03-02T00:00:00Z"}).errors == []
    plan_of_child = {"when": "0 0 1 * *", "_name": "rare"}
    assert child.raise_event("plan", "repeat", plan_of_child).errors == []
    (row,) = engine.scheduled()
    assert len(child.fire_now(row.id).errors) == 1  # what tells of that is due now
    child.delete()
    assert engine.run_due() == 0
    assert [each.outcome for each in engine.history()].count("failed") == 1
