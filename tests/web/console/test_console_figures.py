"""What pages are made from: the last hour in figures, the tree of picos, turns that are followed."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from racing import race

from picosched.clock import EPOCH, VirtualClock, parse_time, to_ms
from picosched.engine.engine import Engine
from picosched.store.pages import Minute
from picosched.store.picos import PicoRow
from picosched.web.console.charts import hour_words, lateness
from picosched.web.console.failures import LastFailures
from picosched.web.console.following import Following, Wanted
from picosched.web.console.last_day import LastDay
from picosched.web.console.picos_page import tree
from picosched.web.console.shared_load import SharedLoad
from picosched.web.console.today import AHEAD, today

SHAKY = Path(__file__).parents[2] / "rulesets" / "shaky.krl"
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


def test_the_last_day_is_what_the_history_says_however_often_it_was_looked_at(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picosched.web.console.last_day.SAME_SECONDS", 0)
    with engine:
        hour = LastDay(engine)
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


FAILING = """
ruleset failing {
  rule first {
    select when it fails
    send_directive("x", {"t": time:add(event:attrs{"n"}, {"days": 1})})
  }
  rule second { select when it fails or it ends send_directive("x", {"n": 1 / event:attrs{"n"}}) }
  rule tried {
    select when it begin
    always {
      schedule it event "ends" at time:add(time:now(), {"minutes": 1}) attributes {"n": 0, "_retry": 1}
    }
  }
}
"""


@given(
    st.lists(st.tuples(st.sampled_from(["fails", "ends", "begin"]), st.integers(0, 2), st.integers(0, 500)))
)
@settings(max_examples=15, deadline=None)
def test_failures_are_those_of_the_journal_and_the_record_however_often_they_are_looked_at(
    steps: list[tuple[str, int, int]],
) -> None:
    with Engine(":memory:", VirtualClock("2026-03-01T09:00:00Z"), granularity=1) as engine:
        engine.root.install(FAILING)
        failures = LastFailures(engine)
        for type, n, minutes in steps:
            engine.root.raise_event("it", type, {"n": n})
            engine.run_until(engine.now() + timedelta(minutes=minutes))
            failures.look()
        now = engine.now()
        first = to_ms(now) // 3_600_000 - 23
        turns = Counter(
            f"{each['rid']}.{each['rule']}:{each['line']}"
            for entry in engine.journal(limit=10_000)
            for handled in entry.handled
            for each in handled["considered"]
            if each["outcome"] == "failed" and to_ms(entry.at) // 3_600_000 >= first
        )
        untold = sum(
            fire.outcome == "failed" and fire.eid is None and to_ms(fire.fired) // 3_600_000 >= first
            for fire in engine.history(limit=10_000)
        )
        for looked in (failures.look(), LastFailures(engine).look()):
            found: Counter[str] = Counter()
            for group in looked.groups:
                found[group.last.place] += group.count
                assert sum(group.trend(now)) == group.count
            assert looked.whole
            assert looked.count == found.total() == turns.total() + untold
            assert found == turns + Counter({"it:ends": untold} if untold else {})


@pytest.mark.parametrize("retry", [0, 2])
@pytest.mark.parametrize("looks", [1, 9])
def test_what_a_source_sent_to_many_picos_counts_once(retry: int, looks: int) -> None:
    """However many of them it fails in, and however often each tries it."""
    with Engine(":memory:", VirtualClock("2026-03-01T09:00:00Z"), granularity=1) as engine:
        picos = [engine.new_pico(f"p{number}") for number in range(3)]
        for pico in picos:
            pico.install(SHAKY)
            pico.raise_event("shaky", "broken", {"until": "2026-03-01T10:30:00.000Z" if retry else "2027"})
        entry = {"name": "line", "when": "0 * * * *", "event": "table:line"}
        source = {"type": "crontab", "name": "t", "to": {"rid": "shaky"}, "entries": [entry]}
        engine.add_source({**source, "retry": retry} if retry else source)
        failures = LastFailures(engine)
        for _ in range(looks):
            engine.run_until(engine.now() + timedelta(hours=4) / looks)
            looked = failures.look()
        (group,) = looked.groups
        assert (group.count, group.picos) == (1 if retry else 4, 3)


def test_causes_that_differ_in_values_are_one_and_there_are_only_so_many(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine:
        engine.root.install(FAILING)
        for n in ("soon", "later"):
            engine.root.raise_event("it", "fails", {"n": n})
        first, second = sorted(LastFailures(engine).look().groups, key=lambda each: each.last.place)
        assert (first.last.place, first.count) == ("failing.first:5", 2)
        assert first.last.cause == 'time:add: "later" is not an ISO 8601 time'
        assert (second.last.place, second.count) == ("failing.second:7", 2)
        monkeypatch.setattr("picosched.web.console.failures.MOST_GROUPS", 1)
        assert [each.count for each in LastFailures(engine).look().groups] == [2, 2]


@pytest.mark.parametrize(
    ("zone", "hours", "first"),
    [
        ("UTC", 24, "2026-03-29T00:00Z"),
        ("Europe/Berlin", 23, "2026-03-28T23:00Z"),
        ("Asia/Kolkata", 25, None),
    ],
)
def test_today_is_the_day_of_the_reader(
    tmp_path: Path, zone: str, hours: int, first: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picosched.web.console.last_day.SAME_SECONDS", 0)
    clock = VirtualClock("2026-03-28T12:00:00Z")  # Berlin's clocks go forward the day after
    with Engine(tmp_path / "picos.db", clock, granularity=1, min_period=0) as engine:
        engine.root.install(RULESET)
        engine.root.raise_event("often", "begin")
        engine.run_until(parse_time("2026-03-29T10:30:00Z"))
        day = today(LastDay(engine).look(), SharedLoad(engine, AHEAD, 0).look(), ZoneInfo(zone))
        assert len(day.hours) == hours
        start = min(day.hours)
        assert first is None or start == parse_time(first)
        # Every hour has 20 events that fire and 3 that fail.
        assert day.hours[parse_time("2026-03-29T09:00Z")] == Counter({"fired": 20, "failed": 3, "to come": 0})
        assert day.hours[parse_time("2026-03-29T11:00Z")]["to come"] == 23
        passed = (parse_time("2026-03-29T10:00Z") - start) // timedelta(hours=1)
        assert day.totals["failed"] == 3 * passed + 2  # at 10:00, 10:20
        assert zone in day.words


class Counted(VirtualClock):
    """A clock that keeps waiting whoever reads it, between `held` and `free`."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.read, self.free = threading.Event(), threading.Event(), threading.Event()

    def now(self) -> datetime:
        if self.held.is_set():
            self.read.set()
            assert self.free.wait(30)
        return super().now()


def test_while_one_counts_what_comes_the_others_have_the_last_load() -> None:
    clock = Counted()
    with Engine(":memory:", clock) as engine, ThreadPoolExecutor(1) as pool:
        shared = SharedLoad(engine, AHEAD, 0)
        first = shared.look()
        clock.held.set()
        counting = pool.submit(shared.look)
        assert clock.read.wait(30)
        clock.held.clear()
        assert shared.look() is first and not counting.done()
        clock.free.set()
        assert counting.result() is not first


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
        (Wanted(hidden=("often:come", "often:begin")), ["often:wrong", "often:nothing"]),
        (Wanted(outcome="failed", hidden=("system:error",)), ["often:wrong"]),  # it began no turn
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


def test_only_what_was_raised_counts_as_raised_and_late() -> None:
    now = parse_time("2026-03-01T09:00:00Z")
    minute = to_ms(now) // 60_000
    minutes = [
        Minute(minute, outcome, fires, fires * late, late)
        for outcome, fires, late in (("fired", 2, 10), ("failed", 1, 40), ("paused", 5, 6_000))
    ]
    assert hour_words(minutes) == "2 raised, 1 failed, 5 not raised; per minute"
    assert hour_words([]) == "0 raised; per minute"
    assert [each.values[-1] for each in lateness(minutes, now)] == [40, 20]
