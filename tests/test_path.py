"""The path of an event, against what the events themselves say of where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched import Engine, PicoschedError, VirtualClock
from picosched.engine.path import Step

RULESET = """
ruleset trail {
  global { those = function(how) { event:attrs{"plan"}.filter(function(each) { each{"how"} == how }) } }
  rule later {
    select when it goes
    foreach those("later") setting(each)
    always {
      schedule it event "goes" at time:add(time:now(), {"minutes": each{"minutes"}})
        attributes {"plan": each{"plan"}, "parent": event:eid}
    }
  }
  rule sends {
    select when it goes
    foreach those("send") setting(each)
    event:send({"eci": each{"to"}, "domain": "it", "type": "goes",
      "attrs": {"plan": each{"plan"}, "parent": event:eid}})
  }
  rule often {
    select when it begins
    always { schedule it event "beats" repeat "* * * * *" attributes {"parent": event:eid} }
  }
  rule beats { select when it beats always { ent:beats := ent:beats.defaultsTo(0) + 1 } }
}
"""
TARGETS = ("first", "second")
PLANS: st.SearchStrategy[Any] = st.recursive(
    st.just([]),
    lambda plans: st.lists(
        st.fixed_dictionaries(
            {
                "how": st.sampled_from(["later", "send"]),
                "to": st.sampled_from(TARGETS),
                "minutes": st.integers(1, 5),
                "plan": plans,
            }
        ),
        max_size=3,
    ),
    max_leaves=8,
)


def started() -> Engine:
    engine = Engine(":memory:", VirtualClock("2026-03-01T09:00:00Z"), granularity=60, min_period=0)
    engine.root.install(RULESET)
    return engine


def addressed(plan: list[dict[str, Any]], ecis: dict[str, str]) -> list[dict[str, Any]]:
    return [{**each, "to": ecis[each["to"]], "plan": addressed(each["plan"], ecis)} for each in plan]


def turns_below(step: Step) -> Iterator[Step]:
    """The turns that a step caused, through schedules and messages."""
    for each in step.caused:
        if each.kind == "turn":
            yield each
        else:
            yield from turns_below(each)


def all_below(step: Step) -> Iterator[Step]:
    yield step
    for each in step.caused:
        yield from all_below(each)


@given(st.lists(st.tuples(st.sampled_from(TARGETS), PLANS), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_each_turn_stands_where_its_attributes_say(plans: list[tuple[str, Any]]) -> None:
    with started() as engine:
        picos = {"first": engine.root, "second": engine.new_pico("second")}
        picos["second"].install(RULESET)
        ecis = {name: pico.new_channel(["trail"]).eci for name, pico in picos.items()}
        for name, plan in plans:
            picos[name].raise_event("it", "goes", {"plan": addressed(plan, ecis), "parent": None})
            engine.run_until(engine.now() + timedelta(minutes=1))
        engine.run_until(engine.now() + timedelta(hours=1))
        entries = engine.journal(limit=1_000)
        assert not any(each.errors for each in entries)
        eids = {each.seq: each.eid for each in entries}
        parents = {each.seq: each.handled[0]["attrs"]["parent"] for each in entries}
        for entry in entries:
            path = engine.path(str(entry.seq))
            assert path.step.seq == entry.seq and not path.cut
            assert path.before[0].kind == "outside"
            # Turns of one pico and millisecond in which the same rule fired cannot be told apart.
            before = [each for each in path.before if each.kind == "turn"]
            for step, child in zip(before, [*before, path.step][1:], strict=True):
                assert step.unsure or eids[step.seq or 0] == parents[child.seq or 0]
            if not before:
                assert parents[entry.seq] is None
            found = {each.seq for each in turns_below(path.step)}
            wanted = {seq for seq, parent in parents.items() if parent == entry.eid}
            assert found >= wanted
            assert found == wanted or any(each.unsure for each in all_below(path.step))


def test_a_schedule_leads_back_to_its_turn_and_on_to_its_latest_occurrences() -> None:
    with started() as engine:
        made = engine.root.raise_event("it", "begins", {})
        (row,) = engine.root.scheduled()
        engine.run_until(engine.now() + timedelta(minutes=30))
        path = engine.path(row.id)
        assert [each.kind for each in path.before] == ["outside", "turn"]
        assert engine.path(made.eid).step.seq == path.before[1].seq
        assert path.step.kind == "schedule" and path.step.outcome == "pending"
        assert [(each.kind, each.outcome) for each in path.step.caused] == [("turn", "fired")] * 5
        times = [each.at for each in path.step.caused if each.at]
        assert times == sorted(times) and times[-1] == engine.now()
        assert (path.step.more, path.cut) == (25, True)
        (below,) = engine.path(made.eid).step.caused
        assert below.id == row.id and len(below.caused) == 5


@pytest.mark.parametrize(("bound", "most"), [("MOST_STEPS", 7), ("DEPTH", 2), ("MOST_BEFORE", 3)])
def test_a_path_is_cut_where_it_gets_long(bound: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with started() as engine:
        plan: list[dict[str, Any]] = []
        for _ in range(9):
            plan = [{"how": "later", "minutes": minutes, "plan": plan * (minutes == 1)} for minutes in (1, 2)]
        first = engine.root.raise_event("it", "goes", {"plan": plan, "parent": None})
        engine.run_until(engine.now() + timedelta(hours=1))
        last = next(each for each in engine.journal(limit=1_000) if each.handled[0]["attrs"]["plan"] == [])
        whole = engine.path(first.eid)
        assert not whole.cut and len([*all_below(whole.step)]) == 1 + 2 * 2 * 9
        monkeypatch.setattr(f"picosched.engine.path.{bound}", most)
        if bound == "MOST_BEFORE":
            path = engine.path(str(last.seq))
            assert path.cut and len(path.before) == most
        else:
            path = engine.path(first.eid)
            steps = [*all_below(path.step)]
            assert path.cut and any(each.more for each in steps) and len(steps) <= 7


def test_what_is_not_on_record_has_no_path() -> None:
    with started() as engine:
        for what in ("", "0", "9", "x", "9" * 30):
            with pytest.raises(PicoschedError, match="wanted the number of a turn"):
                engine.path(what)
