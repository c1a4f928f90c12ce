"""Attributes that steer a schedule, over time and restarts; tests/transcripts/steering.txt has the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from picosched import Engine, VirtualClock
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Scheduled, Status

START = "2026-03-01T00:00:00Z"

STEERED = """
ruleset steered {
  rule at {
    select when steered at
    fired { schedule steered event "came" at event:attrs{"when"} attributes event:attrs.delete("when") }
  }
  rule repeat {
    select when steered repeat
    fired { schedule steered event "came" repeat event:attrs{"when"} attributes event:attrs.delete("when") }
  }
  rule spread {
    select when steered spread
    foreach 1.range(event:attrs{"n"}) setting(_n)
    fired { schedule steered event "came" repeat "0 9 * * *" with _jitter = event:attrs{"seconds"} }
  }
  rule fleeting {
    select when steered fleeting
    fired {
      schedule steered event "came" at time:add(time:now(), {"days": 1}) with n = 1 and _name = "x"
      schedule steered event "came" at time:add(time:now(), {"days": 2})
        with n = 2 and _name = "x" and _if_exists = "replace" setting(second)
      raise steered event "fired_at_once" attributes {"id": second}
    }
  }
  rule fired_at_once {
    select when steered fired_at_once
    event:fire_now(event:attrs{"id"})
  }
  rule endless {
    select when steered endless
    pre { endless = math:exp(1000) }
    fired { schedule steered event "came" repeat "0 9 * * *" attributes {}.put(event:attrs{"name"}, endless) }
  }
  rule came {
    select when steered came
    send_directive("came", event:attrs)
  }
}
"""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", clock, min_period=0, seed=1) as engine:
        engine.root.install(STEERED)
        yield engine


def made(engine: Engine, type: str, when: str, **attrs: Any) -> Scheduled:
    turn = engine.root.raise_event("steered", type, {"when": when, **attrs})
    assert turn.errors == []
    (row,) = turn.scheduled.values()
    return row


def outcomes(engine: Engine, row: Scheduled) -> list[str]:
    """`09:00 fired`, with how many it stands for where that is more than one; oldest first."""
    fires = reversed(engine.history(id=row.id))
    return [
        f"{each.nominal:%d.%H} {each.outcome}" + (f" {each.stands_for}" if each.stands_for > 1 else "")
        for each in fires
    ]


# ---- jitter ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_jitter_is_spread_evenly_and_stays_the_same(engine: Engine) -> None:
    engine.root.raise_event("steered", "spread", {"n": 300, "seconds": 600})
    rows = engine.scheduled()
    assert all(row.due is not None and row.due.day == 1 for row in rows)
    put_off = {row.id: row.put_off.total_seconds() for row in rows}
    assert all(row.due == row.put_off + rows[0].due - rows[0].put_off for row in rows if rows[0].due)
    assert min(put_off.values()) < 30 and 570 < max(put_off.values()) <= 600
    assert 270 < sum(put_off.values()) / len(put_off) < 330
    assert len(set(put_off.values())) > 290
    engine.run_until("2026-03-01T12:00:00Z")
    following = engine.scheduled()
    assert [row.due for row in following] == [row.due and row.due + timedelta(days=1) for row in rows]


def test_jitter_puts_off_an_at_and_never_beyond_the_end_of_a_repeat(engine: Engine) -> None:
    when, latest = "2026-03-01T09:00:00Z", timedelta(seconds=3_600)
    row = made(engine, "at", when, _jitter=3_600)
    assert row.due is not None and timedelta(0) < row.put_off <= latest
    assert f"{row.due - row.put_off:%d.%H:%M:%S}" == "01.09:00:00"
    for _ in range(20):
        repeat = made(engine, "repeat", "0 * * * *", _jitter=3_599, _until="2026-03-01T05:30:00Z")
        late = engine.agenda.next_times(repeat.id, 100)[-1]
        assert f"{late - repeat.put_off:%H:%M}" == (
            "05:00" if repeat.put_off <= timedelta(minutes=30) else "04:00"
        )


def test_jitter_that_puts_an_at_past_the_last_year_is_an_error_of_the_rule() -> None:
    with Engine(clock=VirtualClock("2026-03-01T00:00:00Z"), seed=1) as engine:
        engine.root.install(STEERED)
        when = {"when": "9999-12-31T23:58:00Z", "_jitter": 604_800}
        turn = engine.root.raise_event("steered", "at", when)
        (error,) = turn.errors
        assert "past the last year, 9999" in error.message and turn.scheduled == {}


# ---- misfire --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        (None, ["01.09 coalesced 3", "04.09 fired"]),
        ("once", ["01.09 coalesced 3", "04.09 fired"]),
        ("skip", ["01.09 skipped 3", "04.09 fired"]),
        ("all", ["01.09 late", "02.09 late", "03.09 late", "04.09 fired"]),
    ],
)
def test_a_schedule_may_have_a_policy_of_its_own(
    engine: Engine, clock: VirtualClock, policy: str | None, wanted: list[str]
) -> None:
    row = made(engine, "repeat", "0 9 * * *", _misfire=policy)
    clock.set("2026-03-03T12:00:00Z")  # nobody was there
    engine.run_due()
    engine.run_until("2026-03-04T12:00:00Z")
    assert outcomes(engine, row) == wanted


@pytest.mark.parametrize("policy", ["once", "skip", "all"])
def test_the_policy_of_the_schedule_wins_over_that_of_the_engine(
    tmp_path: Path, clock: VirtualClock, policy: str
) -> None:
    with Engine(tmp_path / "picos.db", clock, misfire=policy) as engine:
        engine.root.install(STEERED)
        rows = [made(engine, "at", "2026-03-01T09:00:00Z", _misfire=own) for own in ("once", "skip", "all")]
        clock.set("2026-03-03T12:00:00Z")
        engine.run_due()
        assert [outcomes(engine, row) for row in rows] == [["01.09 late"], ["01.09 skipped"], ["01.09 late"]]
        assert engine.scheduled() == []


@pytest.mark.parametrize("policy", ["once", "skip", "all"])
def test_what_was_missed_counts_as_often_as_it_fired(
    engine: Engine, clock: VirtualClock, policy: str
) -> None:
    row = made(engine, "repeat", "0 9 * * *", _misfire=policy, _count=2)
    clock.set("2026-03-01T12:00:00Z")
    engine.run_due()
    engine.run_until("2026-03-09T00:00:00Z")
    assert (
        outcomes(engine, row)
        == {
            "once": ["01.09 late", "02.09 fired"],
            "skip": ["01.09 skipped", "02.09 fired", "03.09 fired"],
            "all": ["01.09 late", "02.09 fired"],
        }[policy]
    )
    assert engine.agenda.load(row.id).status is Status.FINISHED


# ---- the end, and names ---------------------------------------------------------------------------------


def test_occurrences_behind_the_end_do_not_count_as_missed(engine: Engine, clock: VirtualClock) -> None:
    row = made(engine, "repeat", "0 9 * * *", _until="2026-03-02T12:00:00Z")
    clock.set("2026-03-09T00:00:00Z")
    engine.run_due()
    assert outcomes(engine, row) == ["01.09 coalesced 2"]
    assert engine.agenda.load(row.id).status is Status.FINISHED


def test_one_that_lost_its_name_to_another_says_so(engine: Engine) -> None:
    old = made(engine, "repeat", "0 9 * * *", _name="bell", _description="the old one")
    new = made(engine, "repeat", "0 10 * * *", _name="bell", _if_exists="replace", _description="the new one")
    assert [each.description for each in engine.scheduled()] == ["the new one"]
    (fire,) = engine.history(id=old.id)
    assert (fire.outcome, fire.why) == ("cancelled", "another took its name")
    assert engine.agenda.load(old.id).status is Status.CANCELLED
    assert engine.agenda.scheduled(Filter(name="bell")) == [new]


def test_names_are_those_of_one_pico_and_ruleset(engine: Engine) -> None:
    other = engine.new_pico("other")
    for pico, rid in ((engine.root, "another"), (other, "steered")):
        pico.install(STEERED.replace("ruleset steered", f"ruleset {rid}"))
        pico.raise_event("steered", "repeat", {"when": "0 9 * * *", "_name": "bell", "_if_exists": "replace"})
    assert sorted(row.rid for row in engine.scheduled()) == ["another", "steered", "steered"]


def test_what_is_made_and_ended_in_one_turn_is_not_kept_for_ever(engine: Engine, clock: VirtualClock) -> None:
    turn = engine.root.raise_event("steered", "fleeting")
    assert turn.errors == []
    assert [(each.name, each.options) for each in turn.directives] == [("came", {"n": 2})]
    (row,) = engine.agenda.scheduled(Filter(status=()))  # the first never was, the second has fired
    assert (row.status, row.fires, row.attrs) == (Status.FINISHED, 1, {"n": 2})
    clock.advance(days=31)
    engine.prune()
    assert engine.agenda.find(row.id) is None


HOSTILE = (2**53 + 1, 2**63, 2**64, 10**400, -(2**63) - 1, -1, 0, 1e308, 0.5, True, [], {}, "x" * 2000)
NUMBERS = ("_jitter", "_count", "_until")


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_without_end_steers_nothing(engine: Engine, name: str) -> None:
    (error,) = engine.root.raise_event("steered", "endless", {"name": name}).errors
    assert error.code == "invalid" and f"as {name}, wanted" in error.message
    assert engine.scheduled() == []


@pytest.mark.parametrize("name", [*NUMBERS, "_name", "_timezone", "_misfire", "_window", "_description"])
@pytest.mark.slow
def test_whatever_steers_it_is_a_schedule_or_an_error_of_the_rule(engine: Engine, name: str) -> None:
    for value in HOSTILE:
        # A large number beside it makes the attributes go through the reader that takes any number.
        attrs = {"when": "0 9 * * *", name: value, "large": 2**70}
        errors = engine.root.raise_event("steered", "repeat", attrs).errors
        assert [error.code for error in errors] in ([], ["invalid"], ["too_large"], ["not_found"])
    for row in engine.scheduled():
        assert engine.next_due() is not None and engine.agenda.next_times(row.id, 1)
