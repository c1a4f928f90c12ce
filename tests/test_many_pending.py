"""A turn costs what it does, however much there is to come; and how much there may be is bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched import Engine, PicoRef, PicoschedError, Store, VirtualClock
from picosched.clock import format_time
from picosched.pico.scheduled import ASKED
from picosched.schedule.changed import ended
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Scheduled
from picosched.turns.pieces import RaiseDue

pytestmark = pytest.mark.slow

START = "2026-03-01T00:00:00Z"

MANY = """
ruleset many {
  meta { shares listed, found  window day from "0 8 * * *" to "0 18 * * *" }
  global {
    listed = function() { event:get_list().length() }
    found = function(filter) { event:find(filter).map(function(each) { each{"name"} }) }
  }
  rule fill {
    select when many fill
    foreach 1.range(event:attrs{"n"}) setting(i)
    fired { schedule many event "x" at "2030-01-01T00:00:00Z" with _name = <<fill #{i}>> }
  }
  rule all {
    select when many all
    foreach event:attrs{"ops"} setting(op)
    fired { raise many event op{"do"} attributes op }
  }
  rule at {
    select when many at
    fired { schedule many event "x" at event:attrs{"when"}
              with _name = event:attrs{"name"} and _if_exists = event:attrs{"how"} setting(id);
            ent:last := id }
  }
  rule repeat {
    select when many repeat
    fired { schedule many event "x" repeat event:attrs{"when"}
              with _name = event:attrs{"name"} and _if_exists = event:attrs{"how"} }
  }
  rule failing {
    select when many failing
    event:delete_all({"name": event:attrs{"name"}})
    fired { schedule many event "x" at event:attrs{"when"} with _name = event:attrs{"name"};
            schedule many event "x" at "never" }
  }
  rule delete { select when many delete event:delete_all({"name": event:attrs{"name"}}) }
  rule pause { select when many pause event:pause_all({"name": event:attrs{"name"}}) }
  rule steer {
    select when many steer
    every {
      event:pause(ent:last)
      event:resume(ent:last)
      event:move(ent:last, "2026-05-01T00:00:00Z")
      event:reschedule(ent:last, "0 0 1 1 *")
      event:fire_now(ent:last)
      event:remove_scheduled(ent:last)
    }
    fired { ent:told := [event:show(ent:last), event:fires(ent:last), event:find({"name": "fill 1"})] }
  }
  rule send {
    select when many send
    foreach 1.range(event:attrs{"n"}) setting(i)
    event:send({"eci": event:attrs{"eci"}, "domain": "many", "type": "x"})
  }
  rule twice {
    select when many twice
    foreach [1, 2] setting(i)
    event:send({"eci": event:attrs{"eci"}, "domain": "many", "type": "twice", "attrs": event:attrs})
  }
  rule opened { select when window opened name re#day# }
  rule x { select when many x }
}
"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(clock=VirtualClock(START), min_period=0, seed=1) as engine:
        engine.root.install(MANY)
        yield engine


def connection_of(engine: Engine) -> sqlite3.Connection:
    return engine.store._database._connection


def said(pico: PicoRef, type: str, **attrs: Any) -> dict[str, Scheduled]:
    """Raise an event of which no rule may fail; what it made."""
    turn = pico.raise_event("many", type, attrs)
    assert turn.errors == []
    return turn.scheduled


def fill(engine: Engine, number: int) -> None:
    """Have so many to come, and as many that are over."""
    for _ in range(2):
        said(engine.root, "fill", n=number)
        if engine.agenda.count() == number + 1:  # the window's edge is one
            engine.store._database.run("UPDATE scheduled SET status = 'finished', due = NULL")
            engine.root.install(MANY)


# ---- what it costs ------------------------------------------------------------------------------------


def instructions(engine: Engine, work: Callable[[], object]) -> int:
    """How many instructions SQLite carried out for some work."""
    counted = 0

    def count() -> None:
        nonlocal counted
        counted += 1

    connection_of(engine).set_progress_handler(count, 1)
    work()
    connection_of(engine).set_progress_handler(None, 0)
    return counted


def named(how: str | None, do: str = "repeat", when: str = "0 9 * * *") -> list[dict[str, Any]]:
    return [{"do": do, "when": when, "name": f"r{number}", "how": how} for number in range(20)]


def costs(number: int) -> dict[str, int]:
    """What turns and ticks cost with so many to come, and as many that are over."""
    with Engine(clock=VirtualClock(START), min_period=0, seed=1) as engine:
        root = engine.root
        root.install(MANY)
        if number:
            fill(engine, number)
        root.install(MANY.replace("ruleset many", "ruleset few").replace("many", "few"))
        eci = root.new_channel(["x"], ["*:*"], ["*:*"]).eci
        works: dict[str, Callable[[], object]] = {
            "made": lambda: said(root, "all", ops=named(None)),
            "kept": lambda: said(root, "all", ops=named("keep", "at", "2026-04-01")),
            "replaced": lambda: said(root, "all", ops=named("replace")),
            "paused, deleted": lambda: said(
                root, "all", ops=[{"do": "pause", "name": "r1"}, {"do": "delete", "name": "r1"}]
            ),
            "one made": lambda: said(root, "at", when="2026-04-01", name="one"),
            "steered": lambda: said(root, "steer"),
            "sent": lambda: said(root, "send", n=20, eci=eci),
            "due": engine.run_due,
            "found by name": lambda: root.query("many", "found", {"filter": {"name": "r2"}}),
            "installed": lambda: root.install(MANY + " "),
            "uninstalled": lambda: root.uninstall("few"),
        }
        return {what: instructions(engine, work) for what, work in works.items()}


@pytest.mark.files
def test_a_list_costs_the_same_with_two_thousand_that_are_over(engine: Engine) -> None:
    said(engine.root, "fill", n=10)
    few = instructions(engine, lambda: engine.root.query("many", "listed"))
    said(engine.root, "fill", n=2_000)
    engine.agenda.cancel(Filter())
    said(engine.root, "fill", n=10)
    many = instructions(engine, lambda: engine.root.query("many", "listed"))
    assert engine.root.query("many", "listed") == 10
    assert many < 1.2 * few


def test_a_rule_pays_for_a_list() -> None:
    store, clock = Store(), VirtualClock(START)
    with Engine(store, clock, min_period=0) as engine:
        engine.root.install(MANY)
        said(engine.root, "fill", n=1000)
    with Engine(store, clock, min_period=0, max_steps=20_000) as engine:
        assert engine.root.query("many", "found", {"filter": {"name": "fill 7"}}) == ["fill 7"]
        with pytest.raises(PicoschedError, match="more than 20000 steps"):
            engine.root.query("many", "found", {"filter": {"text": "nothing has it"}})


def test_a_list_without_rows_is_paid_for_as_well(engine: Engine) -> None:
    engine.root.uninstall("many")
    engine.root.install(MANY.replace('window day from "0 8 * * *" to "0 18 * * *"', ""))
    for name, args in (("listed", {}), ("found", {"filter": {"kind": "at"}})):
        assert not engine.root.query("many", name, args)
        assert engine.loaded.budget.taken >= ASKED


@pytest.mark.files
def test_a_turn_costs_the_same_with_two_thousand_to_come() -> None:
    few, many = costs(0), costs(2_000)
    for what, cost in many.items():
        assert cost < 1.2 * few[what] + 200, f"{what}: {cost:,} instead of {few[what]:,}"


# ---- names, against an oracle that looks at every row -------------------------------------------------

DAYS = [f"2026-04-{day:02}T00:00:00Z" for day in range(1, 29)]


class Named:
    """What is to come by name, as one list."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []
        """Due time, name, and "at" or the timespec."""

    def do(self, op: dict[str, Any]) -> None:
        name = op["name"]
        of_name = sorted(row for row in self.rows if row[1] == name)
        if op["do"] == "delete":
            self.rows = [row for row in self.rows if row[1] != name]
        elif op["do"] in ("at", "repeat"):
            kind, due = "at", op["when"]
            if op["do"] == "repeat":
                kind, due = op["when"], f"2026-03-01T{int(op['when'].split()[1]):02}:00:00Z"
            how = op["how"]
            if how == "replace":
                self.rows = [row for row in self.rows if row[1] != name]
            elif (how == "keep" and of_name) or (
                how is None and kind != "at" and any(row[2] != "at" for row in of_name)
            ):
                return
            self.rows.append((due, name, kind))


names = st.sampled_from("abc")
ops = st.one_of(
    st.fixed_dictionaries(
        {
            "do": st.just("at"),
            "name": names,
            "when": st.sampled_from(DAYS),
            "how": st.sampled_from([None, "keep", "replace"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "do": st.just("repeat"),
            "name": names,
            "when": st.integers(1, 23).map(lambda hour: f"0 {hour} * * *"),
            "how": st.sampled_from([None, "keep", "replace"]),
        }
    ),
    st.fixed_dictionaries(
        {"do": st.sampled_from(["delete", "failing"]), "name": names, "when": st.sampled_from(DAYS)}
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(ops, max_size=8), max_size=5))
def test_a_name_is_found_whether_this_turn_or_an_earlier_one_made_it(
    turns: list[list[dict[str, Any]]],
) -> None:
    oracle = Named()
    with Engine(clock=VirtualClock(START), min_period=0, seed=1) as engine:
        engine.root.install(MANY)
        for turn in turns:
            engine.root.raise_event("many", "all", {"ops": turn})
            for op in turn:
                oracle.do(op)
        found = [
            (format_time(row.due), row.name, row.timespec or "at")
            for row in engine.scheduled()
            if row.due and row.kind != "window"
        ]
    assert sorted(found) == sorted(oracle.rows)


# ---- how much there may be ----------------------------------------------------------------------------


def test_a_turn_may_schedule_so_much_and_the_setting_is_named() -> None:
    with Engine(clock=VirtualClock(START), max_scheduled=50) as engine:
        engine.root.install(MANY)
        said(engine.root, "fill", n=50)
        turn = engine.root.raise_event("many", "fill", {"n": 51})
        (error,) = turn.errors
        assert error.code == "too_large" and error.span is not None
        assert "more than 50 events (max_scheduled)" in error.message
        assert turn.scheduled == {}
        engine.root.install(MANY.replace("ruleset many", "ruleset more"))
        (error, *_) = engine.root.raise_event("many", "fill", {"n": 30}).errors  # both rulesets together
        assert error.code == "too_large"


def test_a_pico_may_have_so_much_to_come_and_the_setting_is_named() -> None:
    with Engine(clock=VirtualClock(START), max_pending=50) as engine:
        root, other = engine.root, engine.new_pico("other")
        for pico in (root, other):
            pico.install(MANY)
        said(root, "fill", n=49)  # the edge of its window is one as well
        eci = other.new_channel(["x"]).eci
        for type, attrs in (("fill", {"n": 1}), ("send", {"n": 1, "eci": eci})):
            (error,) = root.raise_event("many", type, attrs).errors
            assert error.code == "too_large"
            assert error.message == (
                "found 50 pending events of this pico, scheduled and sent, wanted fewer than 50 (max_pending)"
            )
        replacing = {"do": "at", "when": "2026-04-01", "name": "fill 7", "how": "replace"}
        said(root, "all", ops=[replacing, replacing, {"do": "delete", "name": "fill 8"}, replacing])
        said(root, "fill", n=1)
        assert root.raise_event("many", "fill", {"n": 1}).errors
        said(other, "fill", n=49)
        root.uninstall("many")
        root.install(MANY)
        said(root, "fill", n=49)


def test_a_flood_of_messages_ends_at_the_bound_and_is_on_record() -> None:
    with Engine(clock=VirtualClock(START), max_pending=40) as engine:
        root = engine.root
        root.install(MANY)
        eci = root.new_channel(["x"], ["*:*"], ["*:*"]).eci
        root.raise_event("many", "twice", {"eci": eci})
        most = 0
        for _ in range(12):
            for id, _ in engine.store.due.first(engine.now(), 20):
                engine.write(engine._rows.raise_due, RaiseDue(id, "", [engine.now()]))
                most = max(most, engine.store.agenda.coming(root.id))
        assert most == 40
        failed = [fire for fire in engine.history(limit=1_000) if fire.outcome == "failed"]
        assert failed and "max_pending" in str(failed[0].why)


def counted(engine: Engine) -> dict[str, int]:
    sql = "SELECT pico, count(*) FROM scheduled WHERE status IN ('pending', 'paused') GROUP BY pico"
    return dict(engine.store._database.ask(sql))


def test_the_count_of_what_is_to_come_is_right_whatever_happens(engine: Engine) -> None:
    child = engine.new_pico("child")
    for pico in (engine.root, child):
        pico.install(MANY)
        said(pico, "fill", n=30)
        said(pico, "all", ops=named(None))
        said(
            pico,
            "all",
            ops=[{"do": "delete", "name": "fill 3"}, {"do": "pause", "name": "fill 4"}, *named("replace")],
        )

    def check() -> None:
        found = counted(engine)
        for pico in (engine.root, child):
            assert engine.store.agenda.coming(pico.id) == found.get(pico.id, 0)

    said(child, "all", ops=named("keep", "at", "2026-03-02T12:00:00Z"))
    check()
    engine.run_until("2026-03-03T00:00:00Z")
    check()
    engine.root.uninstall("many")
    check()
    assert engine.store.agenda.coming(child.id) > 0
    child.delete()
    check()
    assert [*engine.store._database.ask("SELECT pico, events FROM coming")] == [(engine.root.id, 0)]


def test_ending_all_at_once_is_ending_each(engine: Engine) -> None:
    said(engine.root, "fill", n=5)
    said(engine.root, "all", ops=[*named(None)[:3], {"do": "pause", "name": "r1"}])
    said(engine.root, "send", n=1, eci=engine.root.new_channel(["x"]).eci)
    rows = engine.scheduled()
    engine.agenda.move(rows[0].id, timedelta(hours=1))
    rows, now = engine.scheduled(), engine.now()
    engine.root.uninstall("many")
    reason = "the ruleset many was uninstalled"
    wanted = [ended(row, now, reason=reason) for row in rows]
    found = [engine.agenda.load(row.id) for row in rows]
    kept_until = {row.keep_until for row in found}
    assert kept_until == {now + timedelta(days=30)}
    fires = [fire for fire in reversed(engine.history()) if fire.outcome == "cancelled"]
    assert fires == [each[1] for each in wanted if each is not None]
    assert [row.due for row in found] == [None] * len(rows)
    assert {row.status.value for row in found} == {"cancelled"}
    assert [(row.paused_until, row.moved_from) for row in found] == [(None, None)] * len(rows)
    assert engine.store.agenda.coming(engine.root.id) == 1  # what was sent comes
