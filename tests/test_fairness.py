"""Nobody starves: due rows come of each pico in its turn, and no batch goes on for long."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from racing import until

from picosched import Engine, PicoRef, Store, VirtualClock
from picosched.clock import format_time, parse_time
from picosched.due.line import AT_ONCE, DueRows
from picosched.schedule.scheduled import Scheduled, Status
from picosched.store.left_out import NOTHING, LeftOut
from picosched.turns.commit import GroupCommit

pytestmark = pytest.mark.slow

START = "2026-03-01T00:00:00Z"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

MANY = """
ruleset many {
  meta { shares rang }
  global { rang = function() { ent:rang.defaultsTo(0) } }
  rule plan {
    select when many plan
    foreach 1.range(event:attrs{"n"}) setting(i)
    fired { schedule many event "x" at event:attrs{"at"} with _misfire = event:attrs{"misfire"} }
  }
  rule twice {
    select when many twice
    foreach [1, 2] setting(i)
    event:send({"eci": event:attrs{"eci"}, "domain": "many", "type": "twice", "attrs": event:attrs})
  }
  rule rang { select when many x always { ent:rang := rang() + 1 } }
  rule trigger { select when crononome trigger always { ent:rang := rang() + 1 } }
}
"""


def plan(pico: PicoRef, number: int, at: str | datetime, misfire: str | None = None) -> None:
    when = at if isinstance(at, str) else format_time(at)
    turn = pico.raise_event("many", "plan", {"n": number, "at": when, "misfire": misfire})
    assert turn.errors == []


def new(engine: Engine, name: str) -> PicoRef:
    pico = engine.new_pico(name)
    pico.install(MANY)
    return pico


def raised(engine: Engine) -> list[str]:
    """The names of the picos in the order in which their rows were raised."""
    names = {pico.id: pico.name for pico in engine.picos()}
    return [names[fire.pico_id] for fire in reversed(engine.history(limit=10_000))]


# ---- rows ---------------------------------------------------------------------------------------------


def test_a_pico_with_a_thousand_rows_due_holds_up_nobody() -> None:
    clock = VirtualClock(START)
    with Engine(clock=clock, min_period=0, seed=1) as engine:
        plan(new(engine, "flood"), 1_000, "2026-03-01T01:00:00Z")
        for name in ("a", "b"):
            plan(new(engine, name), 2, "2026-03-01T01:30:00Z")
        clock.set("2026-03-01T02:00:00Z")
        assert engine.run_due() == 1_004
        order = raised(engine)
        assert Counter(order) == {"flood": 1_000, "a": 2, "b": 2}
        assert max(index for index, name in enumerate(order) if name != "flood") < AT_ONCE


def test_what_fits_into_a_batch_comes_in_the_order_of_its_due_times() -> None:
    clock = VirtualClock(START)
    with Engine(clock=clock, min_period=0, seed=1) as engine:
        first, second = new(engine, "first"), new(engine, "second")
        plan(first, 30, "2026-03-01T01:00:00Z")
        plan(second, 30, "2026-03-01T01:01:00Z")
        plan(first, 30, "2026-03-01T01:02:00Z")
        clock.set("2026-03-01T02:00:00Z")
        engine.run_due()
        assert raised(engine) == ["first"] * 30 + ["second"] * 30 + ["first"] * 30


def test_a_pico_that_sends_two_messages_for_each_starves_nobody(tmp_path: Path) -> None:
    """By the real clock. What is counted is how many turns came in between, whatever the time they took."""
    with Engine(tmp_path / "picos.db", granularity=1, min_period=0, durability="normal") as engine:
        flood, calm = new(engine, "flood"), new(engine, "calm")
        eci = flood.new_channel(["x"], ["*:*"], ["*:*"]).eci
        flood.raise_event("many", "twice", {"eci": eci})
        engine.start()
        until(lambda: engine.read(engine.store.pages.pending) >= 1_000)
        plan(calm, 1, engine.now())
        planned = engine.journal(calm.id, limit=1)[0].seq
        until(lambda: calm.query("many", "rang"))
        # Half a batch is its share, and another may be under way.
        assert engine.journal(calm.id, limit=1)[0].seq - planned <= 4 * AT_ONCE


class Passing:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self._now = parse_time(START)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def ticks(self) -> float:
        return 0.0

    def elapsed(self) -> float:
        return 0.0

    def wait_until(self, time: datetime | None, wake: object) -> None: ...


def test_what_only_waits_for_others_is_not_missed(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", Passing(), granularity=1, min_period=0) as engine:
        pico = new(engine, "pico")
        plan(pico, 3 * AT_ONCE, engine.now() + timedelta(seconds=2), "skip")
        engine.run_due()
        assert {str(fire.outcome) for fire in pico.history(limit=1_000)} <= {"fired", "late"}
        assert pico.query("many", "rang") == 3 * AT_ONCE


# ---- the line -----------------------------------------------------------------------------------------


class Rows:
    """Due rows in a store, raised as a tick does it, but without events."""

    def __init__(self, at_once: int) -> None:
        self.store = Store()
        self.line = DueRows(self.store.due, at_once)
        self.made = 0
        self.given: list[tuple[str, datetime, int]] = []
        """Pico, due time and number of each row that was raised."""

    def add(self, pico: str, due: datetime) -> None:
        self.made += 1
        id = f"{self.made}"
        with self.store.transaction():
            self.store.agenda.add(Scheduled(id, pico, "r", "d", "t", {}, "at", due, NOW))

    def look(self, now: datetime, stops_after: int, floods: dict[str, int]) -> int:
        """Raise a batch, or the beginning of it; how many rows that were. Floods make rows for each."""
        ids = self.line.next(now, NOTHING)[:stops_after]
        for id, _ in ids:
            row = self.store.find_scheduled(id)
            assert row is not None and row.due is not None and row.due <= now
            assert row.status is Status.PENDING
            self.given.append((row.pico_id, row.due, int(id)))
            with self.store.transaction():
                self.store.agenda.settle(row.settled(now, 1, fired=now), now)
            for _ in range(floods.get(row.pico_id, 0)):
                self.add(row.pico_id, now)
        self.line.raised(len(ids))
        return len(ids)

    def waiting(self, now: datetime) -> set[str]:
        """The picos that have rows due."""
        return {pico for _, pico in self.store.due.first(now, 10_000)}


picos = st.sampled_from(["a", "b", "c", "d", "e"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(picos, st.integers(-300, 60), st.integers(1, 25)), max_size=12),
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 9)), min_size=5, max_size=40),
    st.dictionaries(picos, st.just(1), max_size=2),
)
def test_each_pico_has_its_turn_and_its_rows_in_their_order(
    made: list[tuple[str, int, int]], looks: list[tuple[int, int]], floods: dict[str, int]
) -> None:
    """Rows of some picos, batches that are cut short, and picos that make a new row for each."""
    at_once, now = 8, NOW
    rows = Rows(at_once)
    for pico, seconds, number in made:
        for _ in range(number):
            rows.add(pico, NOW + timedelta(seconds=seconds))
    passed_over: dict[str, Counter[str]] = defaultdict(Counter)
    for stops_after, passes in looks:
        waiting, before = rows.waiting(now), len(rows.given)
        rows.look(now, stops_after, floods)
        of_batch = Counter(pico for pico, *_ in rows.given[before:])
        assert bool(of_batch) == bool(waiting)
        for pico in "abcde":
            passed_over[pico] += of_batch
            if pico in of_batch or pico not in waiting:
                passed_over[pico].clear()
            assert max(passed_over[pico].values(), default=0) <= 2 * at_once
        now += timedelta(seconds=passes)
    while rows.look(now, at_once, {}):  # all the rest, and nobody makes more
        pass
    assert not rows.waiting(now)
    assert len({number for *_, number in rows.given}) == len(rows.given)
    for pico in "abcde":
        of_pico = [(due, number) for name, due, number in rows.given if name == pico]
        assert of_pico == sorted(of_pico)


steps = st.one_of(
    st.tuples(st.just("add"), picos, st.integers(-30, 30)),
    st.tuples(st.just("settle"), st.integers(0, 30), st.integers(-30, 30)),
    st.tuples(st.just("look"), st.frozensets(picos), st.frozensets(st.integers(0, 30), max_size=3)),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(steps, max_size=40))
def test_what_is_left_out_hides_nothing_else(steps: list[tuple[str, Any, Any]]) -> None:
    """Picos are left out for a while, then not, while rows are written that are due before others."""
    store, made = Store(), dict[str, tuple[str, datetime]]()
    for verb, first, second in steps:
        if verb == "add":
            id, due = str(len(made)), NOW + timedelta(seconds=second)
            made[id] = (first, due)
            with store.transaction():
                store.agenda.add(Scheduled(id, first, "r", "d", "t", {}, "at", due, NOW))
        elif verb == "settle" and str(first) in made:
            id, due = str(first), NOW + timedelta(seconds=second)
            row = store.find_scheduled(id)
            assert row is not None
            made[id] = (row.pico_id, due)
            with store.transaction():
                store.agenda.settle(replace(row, due=due), NOW)
        elif verb == "look":
            without = LeftOut(frozenset(map(str, second)), first)
            wanted = sorted(
                (due, int(id), pico)
                for id, (pico, due) in made.items()
                if pico not in without.owners and id not in without.ids
            )
            assert store.due.soonest(scheduled=without).rows.due == (wanted[0][0] if wanted else None)
            due_now = [(str(id), pico) for due, id, pico in wanted if due <= NOW]
            assert store.due.first(NOW, 100, without) == due_now


# ---- batches ------------------------------------------------------------------------------------------


def test_a_batch_begins_no_more_once_its_time_is_over() -> None:
    store = Store()
    commits = GroupCommit(store, lambda: None, lambda: None, seconds=0)
    assert commits.perform_some(abs, [*range(5)]) == [0]
    assert commits.commits == 1
    assert commits.perform_all(abs, [*range(5)]) == [0, 1, 2, 3, 4]
    assert commits.commits == 6


def test_work_that_a_batch_does_not_come_to_is_of_the_next_one() -> None:
    """Many threads, of which each has several works, and batches that have time for one."""
    store = Store()
    commits = GroupCommit(store, lambda: None, lambda: None, seconds=0)
    found: dict[int, list[int | Exception]] = {}

    def call(caller: int) -> None:
        found[caller] = commits.perform_all(lambda n: caller * 10 + n, [*range(5)])

    threads = [threading.Thread(target=call, args=(caller,)) for caller in range(8)]
    with commits._held:
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(10)
    assert found == {caller: [caller * 10 + n for n in range(5)] for caller in range(8)}
    assert commits.commits == 40


def test_on_virtual_time_a_batch_takes_all_it_is_given(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    with Engine(tmp_path / "picos.db", clock, min_period=0) as engine:
        plan(new(engine, "pico"), AT_ONCE, "2026-03-01T01:00:00Z")
        clock.set("2026-03-01T02:00:00Z")
        before = engine.commits
        engine.run_due()
        assert engine.commits - before == 1 + 1  # the first notes that due rows are raised


# ---- sources ------------------------------------------------------------------------------------------


def crononome(pico: str, entries: int) -> dict[str, object]:
    """A source whose entries are all due at one o'clock."""
    return {
        "type": "crononome",
        "to": {"pico": pico},
        "entries": [{"name": f"e{number}", "expr": "0 0 1 * * *"} for number in range(entries)],
        "journal": True,
    }


def test_entries_of_sources_and_rows_take_turns() -> None:
    clock = VirtualClock(START)
    with Engine(clock=clock, min_period=0, seed=1) as engine:
        engine.root.install(MANY)
        calm = new(engine, "calm")
        engine.add_source(crononome("root", 3 * AT_ONCE))
        plan(calm, 1, "2026-03-01T01:00:00Z")
        last = engine.journal(limit=1)[0].seq
        clock.set("2026-03-01T01:00:00Z")
        assert engine.run_due() == 3 * AT_ONCE + 1
        assert engine.root.query("many", "rang") == 3 * AT_ONCE
        assert engine.journal(calm.id, limit=1)[0].seq - last <= AT_ONCE + 1


def test_an_entry_that_is_far_behind_holds_up_no_other() -> None:
    clock = VirtualClock(START)
    with Engine(clock=clock, min_period=0, seed=1) as engine:
        engine.root.install(MANY)
        behind = {"type": "metronome", "interval": 1_000, "misfire": "all", "to": {"pico": "root"}}
        engine.add_source({**behind, "journal": True})
        clock.set("2026-03-01T00:58:00Z")
        engine.add_source(crononome("root", 1))
        clock.set("2026-03-01T01:00:00Z")
        engine.run_due()
        turns = [entry.handled[0]["type"] for entry in reversed(engine.journal(limit=10_000))]
        assert Counter(turns) == {"tick": 3_600, "trigger": 1}
        assert turns.index("trigger") < 5


def test_a_source_does_not_fill_picos_beyond_their_bound() -> None:
    clock = VirtualClock(START)
    with Engine(clock=clock, min_period=0, seed=1, max_pending=3) as engine:
        full, free = new(engine, "full"), new(engine, "free")
        plan(full, 3, "2026-03-02T00:00:00Z")
        engine.add_source({**crononome("root", 1), "name": "c", "to": {"rid": "many"}})
        engine.run_until("2026-03-01T02:00:00Z")
        (entry,) = engine.source("c").entries
        why = "sent to 1 pico, and not to 1 pico with 3 pending events (max_pending)"
        assert (entry.outcome, entry.error) == ("failed", why)
        assert (full.query("many", "rang"), free.query("many", "rang")) == (0, 1)
