"""What pages are made from: the last hour in figures, the tree of picos, turns that are followed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from racing import race

from picosched.clock import EPOCH, VirtualClock, to_ms
from picosched.engine.engine import Engine
from picosched.store.picos import PicoRow
from picosched.web.console.following import Following, Wanted
from picosched.web.console.last_hour import LastHour
from picosched.web.console.picos_page import tree

RULESET = """
ruleset often {
  rule begin {
    select when often begin
    always {
      schedule often event "come" repeat "*/3 * * * *"
      schedule often event "wrong" repeat "*/20 * * * *"
    }
  }
  rule come { select when often come if event:attrs{"n"} then send_directive("come") }
  rule wrong { select when often wrong send_directive("x", {"t": time:add("soon", {"days": 1})}) }
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path / "picos.db", VirtualClock("2026-03-01T09:00:00Z"), granularity=1, min_period=0)
    made.root.install(RULESET)
    return made


def test_the_last_hour_is_what_the_history_says_however_often_it_was_looked_at(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picosched.web.console.last_hour.SAME_SECONDS", 0)
    with engine:
        hour = LastHour(engine)
        engine.root.raise_event("often", "begin")
        for step in (1, 30, 45, 20, 200, 3):
            end = engine.now() + timedelta(minutes=step)
            engine.run_until(end)
            seen = hour.look()
            since = (to_ms(end) // 60_000 - 60, to_ms(end) // 60_000)
            wanted = Counter(
                (to_ms(fire.fired) // 60_000, fire.outcome.value)
                for fire in engine.history(limit=10_000)
                if since[0] < to_ms(fire.fired) // 60_000 <= since[1]
            )
            assert {(each.minute, each.outcome): each.fires for each in seen.minutes} == wanted
        assert {each.outcome for each in seen.minutes} == {"fired", "failed"}
        assert [f"{row.domain}:{row.type}" for row in seen.next] == ["often:come", "often:wrong"]
        assert (seen.pending, seen.overdue, seen.running) == (2, 0, False)


@given(st.lists(st.integers(0, 30), max_size=30))
def test_in_the_tree_each_pico_stands_once_and_behind_its_parent(parents: list[int]) -> None:
    # Each pico names one made before it as its parent, or one that is not there.
    rows = [
        PicoRow(str(place), "", str(parent), EPOCH) for place, parent in enumerate(parents) if parent != place
    ]
    rows = [
        row
        for row in rows
        if int(row.parent_id or 0) < int(row.id) or int(row.parent_id or 0) >= len(parents)
    ]
    places = {branch.row.id: number for number, branch in enumerate(tree(rows))}
    assert sorted(places) == sorted(row.id for row in rows)
    for row in rows:
        if row.parent_id in places:
            assert places[row.parent_id] < places[row.id]


def test_a_deep_family_is_a_tree_too() -> None:
    rows = [PicoRow(str(depth), "", str(depth - 1) if depth else None, EPOCH) for depth in range(3_000)]
    assert [int(branch.row.id) for branch in tree(rows)] == [*range(3_000)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ["often:wrong", "often:come", "often:come", "often:nothing", "often:begin"]),
        (Wanted(event="COME"), ["often:come", "often:come"]),
        (Wanted(event="system:error"), ["often:wrong"]),  # it was raised within that turn
        (Wanted(outcome="failed"), ["often:wrong"]),
        (Wanted(outcome="notfired"), ["often:come"]),
        (Wanted(outcome="none"), ["often:nothing"]),
        (Wanted(event="come", outcome="fired"), ["often:come"]),
        (Wanted(eid="none"), []),
        (Wanted(pico_id="none"), []),
    ],
)
def test_turns_are_followed_as_they_were_wanted(engine: Engine, wanted: Wanted, found: list[str]) -> None:
    events = [("begin", {}), ("nothing", {}), ("come", {"n": 1}), ("come", {}), ("wrong", {})]
    with engine:
        before = len(engine.journal())
        early = Following(engine, wanted)
        early.look()
        known = len(early.entries)
        for type, attrs in events:
            engine.root.raise_event("often", type, attrs)
        early.look()
        late = Following(engine, wanted)
        late.look()

        def names(following: Following) -> list[str]:
            return [f"{each.handled[0]['domain']}:{each.handled[0]['type']}" for each in following.entries]

        assert names(early)[: len(early.entries) - known] == found
        assert names(late) == names(early)
        assert late.whole
        assert before >= known


def test_turns_are_listed_once_each_whoever_looks_at_the_same_time(engine: Engine) -> None:
    with engine:
        for _ in range(20):
            engine.root.raise_event("often", "come")
        following = [Following(engine, Wanted()) for _ in range(30)]

        def look() -> None:
            for each in following:
                each.look()
                assert all(entry.pico_id in each.names for entry in each.entries)

        race(*[look] * 4)
        for each in following:
            seqs = [entry.seq for entry in each.entries]
            assert seqs == sorted(set(seqs), reverse=True) and len(seqs) == each.looked_at == 20
