"""`plan`: two rehearsals side by side say what a change would do, and nothing else is run or touched."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_influence import families, rules, text_of

from picosched import Engine, VirtualClock
from picosched.clock import format_time, parse_time
from picosched.engine.planned import Plan, read_plan
from picosched.engine.rehearsed import nobody
from picosched.errors import KrlError, PicoschedError

NOW = "2026-03-01T08:00:00Z"

REMINDERS = """ruleset reminders {
  rule plan {
    select when reminder wanted
    fired { schedule reminder event "due" repeat "30 9 * * 1-5"
      attributes {"_name": "standup", "level": event:attrs{"level"}} }
  }
  rule remind {
    select when reminder due
    if event:attrs{"level"} > 5 then send_directive("remind")
    fired { ent:reminded := ent:reminded.defaultsTo(0) + 1 }
  }
}
"""
LOUDER = REMINDERS.replace("> 5", "> 2")
BEATS = """ruleset beats {
  rule beat { select when clock tick or crononome trigger
    always { ent:beats := ent:beats.defaultsTo(0) + 1 } }
  rule hourly { select when clock hour
    fired { schedule clock event "hour" at time:add(time:now(), {"hours": 1}) } }
}
"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(":memory:", clock=VirtualClock(NOW), seed=1) as engine:
        engine.root.install(REMINDERS)
        engine.root.raise_event("reminder", "wanted", {"level": 3})
        yield engine


def counts(plan: Plan, pico: str = "root") -> dict[str, tuple[int, int]]:
    found = next(each for each in plan.picos if each.pico == pico)
    return {each.what: (each.before, each.after) for each in found.counts}


def everything(engine: Engine) -> list[Any]:
    """All that a plan must leave as it is."""
    tables = (
        "entity",
        "scheduled",
        "fire",
        "journal",
        "delivery",
        "installed",
        "source",
        "source_entry",
        "pico",
    )
    return [[*engine.store._database.ask(f"SELECT * FROM {table}")] for table in tables]


def test_what_fires_and_what_does_not_before_and_after(engine: Engine) -> None:
    before = everything(engine)
    plan = engine.plan([LOUDER])
    assert everything(engine) == before
    assert counts(plan) == {
        "directive remind": (0, 21),
        "event reminder:due": (21, 21),
        "rule reminders.remind fired": (0, 21),
        "rule reminders.remind notfired": (21, 0),
    }
    (root,) = plan.picos
    assert root.state == ("reminders.reminded: null → 21",)
    assert not root.schedules
    (difference,) = plan.differences
    assert (difference.count, difference.event) == (21, "reminder:due level=3")
    assert difference.lines == (
        '- reminders.remind notfired: its condition is false: event:attrs{"level"} was 3',
        "+ reminders.remind fired",
        "+ directive remind {}",
    )
    assert (plan.fires_before, plan.fires_after, plan.status) == (21, 21, 2)


def test_other_lines_and_other_ids_are_no_change(engine: Engine) -> None:
    plan = engine.plan(["\n\n" + REMINDERS.replace("rule remind", "\n  rule remind")])
    assert [each.rid for each in plan.deployed] == ["reminders"]
    assert (plan.picos, plan.differences, plan.status) == ((), (), 0)
    assert "nothing changes" in "\n".join(plan.lines())


ALARM = """ruleset alarm {
  rule plan { select when alarm wanted
    fired { schedule alarm event "due" repeat "0 9 * * *" with _name = "alarm" } }
  rule ring { select when alarm due where event:attrs{"quiet"} != " on line 1"
    send_directive("call", {"to": "0123456789abcdef0123456789abcdef", "text": "at 10:30:45: on line 4"})
    fired { ent:text := "meet 10:30:45: x"
      raise alarm event "rung" with drawn = random:uuid() and at = "a on line 3"
      ent:made := schedule:list()[0]{"id"} } }
  rule rung { select when alarm rung if event:attrs{"drawn"} == event:attrs{"at"} then noop() }
  rule broken { select when alarm due pre { x = http:get(4) } noop() }
  rule told { select when system error or schedule failed send_directive("told") }
}"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"0123456789abcdef0', '"0123456789abcdef1'),
        ("at 10:30:45: on", "at 10:31:45: on"),
        ("45: on line 4", "45: on line 5"),
        ("meet 10:30", "meet 10:31"),
        ("a on line 3", "a on line 5"),
    ],
)
def test_what_only_looks_like_an_id_or_a_line_counts(old: str, new: str) -> None:
    with Engine(":memory:", clock=VirtualClock(NOW)) as engine:
        engine.root.install(ALARM)
        engine.root.raise_event("alarm", "wanted")
        assert engine.plan([ALARM.replace(old, new)], days=1).status == 2


def test_other_draws_and_another_path_are_no_change(tmp_path: Path) -> None:
    with Engine(":memory:", clock=VirtualClock(NOW)) as engine:
        engine.root.install(ALARM)
        engine.root.raise_event("alarm", "wanted")
        drawing = "\n\n" + ALARM.replace("pre { x", "pre { _y = random:number() x")
        (tmp_path / "other.krl").write_text(drawing)
        plan = engine.plan([tmp_path / "other.krl"], days=2)
        assert (plan.raised, plan.picos, plan.status) == (8, (), 0)


def test_the_installed_text_is_not_rehearsed(engine: Engine) -> None:
    plan = engine.plan([REMINDERS])
    assert (plan.deployed, plan.raised, plan.status) == ((), 0, 0)
    assert [*plan.lines()] == ["nothing to deploy: these rulesets are installed as they are"]


def test_a_metronome_beside_is_left_out(engine: Engine) -> None:
    clock = engine.new_pico("clock")
    clock.install(BEATS)
    clock.raise_event("clock", "hour")
    tick = {
        "type": "metronome",
        "name": "tick",
        "interval": 250,
        "event": "clock:tick",
        "to": {"pico": "clock"},
    }
    engine.add_source(tick)
    engine.add_source({**tick, "name": "unheard", "to": {"pico": "root"}})
    plan = engine.plan([LOUDER])
    assert plan.raised == 2 * 21  # and not ten million
    assert plan.left_out == ("the source tick", "the source unheard", "clock")
    assert plan.cut is None


@pytest.mark.slow
def test_what_runs_beside_it_in_the_same_pico_is_left_out(engine: Engine) -> None:
    engine.root.install(BEATS)
    engine.root.raise_event("clock", "hour")
    entry = {"name": "a", "expr": "* * * * * *"}
    engine.add_source({"type": "crononome", "name": "tick", "to": {"pico": "root"}, "entries": [entry]})
    plan = engine.plan([LOUDER])
    assert plan.raised == 2 * 21
    assert plan.left_out == ("the source tick", "beats on root")
    reads = LOUDER.replace("rule remind {", "rule late { select when schedule late noop() } rule remind {")
    plan = engine.plan([reads], days=1, most=100)
    assert not plan.left_out  # for an occurrence of the other ruleset might be late


@pytest.mark.slow
@given(families, rules, st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_what_is_left_out_would_change_nothing(family: list[Any], new: list[Any], place: int) -> None:
    with Engine(clock=VirtualClock(NOW), seed=0) as engine:
        picos = [engine.new_pico(f"p{number}") for number in range(len(family))]
        ecis = [pico.new_channel().eci for pico in picos]
        beside = [*family[1:], family[0]]
        for pico, (own, roots), (other, _) in zip(picos, family, beside, strict=True):
            pico.install(text_of(pico.name, own, ecis))
            pico.install(text_of(f"beside_{pico.name}", other, ecis).replace(" t ", " u "))
            for type in sorted(roots):
                pico.raise_event("t", type)
                pico.raise_event("u", type)
        rid = picos[place % len(picos)].name
        text = text_of(rid, new, ecis)
        plan = engine.plan([text], days=1)
        found = {
            (each.pico, counted.what): (counted.before, counted.after)
            for each in plan.picos
            for counted in each.counts
            if counted.what.startswith("rule ") and counted.before != counted.after
        }
        before, after = (rules_of(engine, rid, each) for each in (None, text))
        keys = {key for key in {*before, *after} if before[key] != after[key]}
        assert found == {key: (before[key], after[key]) for key in keys}


def rules_of(engine: Engine, name: str, text: str | None) -> Counter[tuple[str, str]]:
    """How often each rule of each pico came to what, if everything goes on for a day."""
    with (
        closing(engine.store.copy()) as copy,
        Engine(copy, VirtualClock(NOW), seed=0, outside=nobody) as twin,
    ):
        before = max((each.seq for each in twin.journal(limit=1)), default=0)
        if text is not None:
            twin.pico(name).install(text)
        twin.run_until(parse_time(NOW) + timedelta(days=1))
        names = {each.id: each.name for each in twin.picos()}
        return Counter(
            (names[entry.pico_id], f"rule {each['rid']}.{each['rule']} {each['outcome']}")
            for entry in twin.journal(limit=1_000_000, after=before)
            for handled in entry.handled
            for each in handled["considered"]
        )


def test_what_the_change_sends_to_others_is_rehearsed_there(engine: Engine) -> None:
    clock = engine.new_pico("clock")
    clock.install(BEATS)
    eci = clock.new_channel().eci
    sends = LOUDER.replace(
        'send_directive("remind")',
        f'event:send({{"eci": "{eci}", "domain": "clock", "type": "tick"}})',
    )
    plan = engine.plan([sends], days=7)
    assert counts(plan, "clock") == {"event clock:tick": (0, 5), "rule beats.beat fired": (0, 5)}
    (beats,) = (each for each in plan.picos if each.pico == "clock")
    assert beats.state == ("beats.beats: null → 5",)


OUTSIDE = """
  rule poll { select when reminder due
    pre { answer = http:get("http://127.0.0.1:9/poll") }
    http:post("http://127.0.0.1:9/told", body = "x") }
  rule other { select when reminder due
    event:send({"eci": "abcdefghijkl", "domain": "a", "type": "b", "host": "http://127.0.0.1:9"}) }
"""


def test_requests_are_told_and_not_made(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock(NOW), http_allow=["127.0.0.1"]) as engine:
        engine.root.install(REMINDERS)
        engine.root.raise_event("reminder", "wanted", {"level": 3})
        plan = engine.plan([REMINDERS.replace("  rule remind", f"{OUTSIDE}  rule remind")], days=7)
        asked = {what: both for what, both in counts(plan).items() if what.startswith("request")}
    assert len(asked) == 3
    assert all(both == (0, 5) for both in asked.values()), asked
    assert [each.new for each in plan.deployed] == [False]


def test_schedules_and_occurrences_that_are_let_go(engine: Engine) -> None:
    text = REMINDERS.replace(
        "rule plan {",
        """rule pause { select when reminder due
      if event:attrs{"level"} == 3 then noop()
      fired { schedule reminder event "again" repeat "0 12 * * *" attributes {"_name": "again"} } }
  rule plan {""",
    )
    plan = engine.plan([text], days=3)
    (root,) = plan.picos
    assert root.schedules == ("+ reminder:again (again) repeat 0 12 * * * UTC, due 2026-03-04T12:00:00Z",)
    assert plan.fires_after > plan.fires_before == 2


def test_an_assertion_that_does_not_hold_is_a_fault(engine: Engine) -> None:
    plan = engine.plan([LOUDER], asserted=["no more than 1 fires/min", "at most 4 fires per day"])
    assert (plan.broken, plan.status) == ((), 2)
    plan = engine.plan([REMINDERS], asserted=["no more than 0 fires/hour"])
    assert plan.broken == ("no more than 0 fires/hour: found 1 in the hour of 2026-03-02T09:00:00Z",)
    assert plan.status == 1
    with pytest.raises(
        PicoschedError, match="found the assertion 'few fires', wanted no more than N fires/UNIT"
    ):
        engine.plan([LOUDER], asserted=["few fires"])


DOUBLES = """
  rule more { select when reminder due or more again
    fired {
      schedule more event "again" at time:add(time:now(), {"seconds": 1})
      schedule more event "again" at time:add(time:now(), {"seconds": 1})
    } }
  rule remind"""
AT_ONCE = DOUBLES.replace('time:add(time:now(), {"seconds": 1})', "time:now()")


@pytest.mark.slow
def test_a_run_that_explodes_ends_at_a_bound(engine: Engine) -> None:
    plan = engine.plan([REMINDERS.replace("  rule remind", DOUBLES)], most=300)
    assert plan.cut == "300 events were raised"
    assert plan.until < plan.since.replace(day=3)
    assert 300 <= plan.raised < 1_500
    plan = engine.plan([REMINDERS.replace("  rule remind", AT_ONCE)], most=300)
    assert plan.cut is not None
    assert plan.cut.startswith("with the change, more than 300 events were made and raised at")
    assert plan.raised < 2_000
    assert "cut: " in "\n".join(plan.lines())


@pytest.mark.slow
def test_a_bound_holds_within_an_instant(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    many = """
  rule more { select when reminder due foreach 1.range(1500) setting(_n)
    fired { schedule more event "again" at time:add(time:now(), {"minutes": 1}) } }
  rule again { select when more again pre { x = 1.range(1) } fired { ent:x := x } }
  rule remind"""
    plan = engine.plan([REMINDERS.replace("  rule remind", many)], most=100)
    assert plan.cut == "with the change, 100 events were raised before all of 2026-03-02T09:31:00Z was"
    assert format_time(plan.until) == "2026-03-02T09:30:59.999Z"
    assert plan.raised < 1_500
    monkeypatch.setattr("picosched.engine.plan.SECONDS", 1.0)
    slow = many.replace("1.range(1)", "1.range(9999).map(function(each) { each * each }).length()")
    plan = engine.plan([REMINDERS.replace("  rule remind", slow)], most=100_000)
    assert plan.cut is not None
    assert re.fullmatch(r"with the change, it took 1 s before all of 2026-03-\d\dT09:31:00Z was", plan.cut)


@pytest.mark.slow
def test_many_differences_are_counted_and_the_first_told(engine: Engine) -> None:
    text = LOUDER.replace('send_directive("remind")', 'send_directive("remind", {"at": time:now()})')
    plan = engine.plan([text], days=366)
    assert len(plan.differences) == 100
    assert sum(each.count for each in plan.differences) + plan.more == 261


def test_it_goes_to_each_pico_that_has_it_or_to_the_one_named(engine: Engine) -> None:
    kitchen = engine.new_pico("kitchen")
    kitchen.install(REMINDERS)
    kitchen.raise_event("reminder", "wanted", {"level": 4})
    assert {each.pico for each in engine.plan([LOUDER], 7).picos} == {"root", "kitchen"}
    plan = engine.plan([LOUDER], 7, "kitchen")
    assert [each.pico for each in plan.picos] == ["kitchen"]
    assert plan.left_out == ("root",)


def test_bad_input_is_refused(engine: Engine) -> None:
    with pytest.raises(KrlError, match="wanted"):
        engine.plan(["ruleset broken { rule }"])
    with pytest.raises(PicoschedError, match="found 0 days, wanted 1 to 366"):
        engine.plan([LOUDER], 0)
    with pytest.raises(PicoschedError, match="found 0 rulesets, wanted 1 to 50"):
        engine.plan([])
    with pytest.raises(PicoschedError, match="found the ruleset reminders twice"):
        engine.plan([LOUDER, REMINDERS])
    with pytest.raises(PicoschedError, match="there is no pico nobody"):
        engine.plan([LOUDER], pico="nobody")
    with pytest.raises(KrlError, match="nothere"):
        engine.plan(["ruleset a { meta { use module nothere } rule r { select when a b noop() } }"])


def test_a_plan_is_data_and_markdown_shows_it_as_it_is(engine: Engine) -> None:
    plan = engine.plan([LOUDER], asserted=["no more than 0 fires/day"])
    assert read_plan(json.loads(json.dumps(plan.as_json()))) == plan
    shown = "\n".join(plan.markdown())
    assert shown.count("```") == 4
    assert "- BROKEN: no more than 0 fires/day" in shown
    hostile = LOUDER.replace('send_directive("remind")', 'send_directive("```\\n# <b>x</b>")')
    lines = [*engine.plan([hostile]).markdown()]
    fences = [line for line in lines if re.match("`{3,}", line)]
    assert fences == ["````diff", "````", "````diff", "````"]
    assert not any(line.startswith("#") for line in lines)


def test_the_story_of_the_docs(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "foresight.md").read_text(encoding="utf-8")
    ruleset, *_ = re.findall(r"```krl\n(.*?)```", page, re.DOTALL)
    (shown,) = re.findall(r"```text\n\$ picosched plan \S+\n(.*?)```", page, re.DOTALL)
    ((old, new),) = re.findall(r"changes `(.*?)` to `(.*?)`", page)
    assert old in ruleset
    with Engine(tmp_path / "picos.db", clock=VirtualClock(NOW)) as engine:
        engine.root.install(ruleset)
        engine.root.raise_event("reminder", "wanted", {"level": 3})
        engine.run_until("2026-03-02T09:00:00Z")
        assert "\n".join(engine.plan([ruleset.replace(old, new)]).lines()) + "\n" == shown
