"""`why`: for each link of the chain, a ruleset, what happened, and the text that says which link broke."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from picosched import Engine, VirtualClock
from picosched.errors import PicoschedError
from picosched.krl.ruleset import compile_ruleset
from picosched.krl.supposed import smallest_change

REMINDERS = """ruleset reminders {
  rule plan {
    select when reminder wanted
    fired { schedule reminder event "due" repeat "30 9 * * 1-5"
      attributes {"_name": "standup", "_timezone": "Europe/Rome", "_count": event:attrs{"times"},
        "level": event:attrs{"level"}} }
  }
  rule once {
    select when reminder once
    fired { schedule reminder event "due" at "2026-03-02T12:00:00Z" attributes {"_name": "lunch"} }
  }
  rule stop {
    select when reminder stop
    event:delete_all({"name": "standup"})
  }
  rule remind {
    select when reminder due
    if event:attrs{"level"} > 5 && not ent:quiet then send_directive("remind")
  }
  rule urgent { select when reminder due where level == 7 noop() }
  rule both { select when reminder due before reminder confirmed noop() }
  rule asleep is inactive { select when reminder due noop() }
}"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z"), seed=1) as engine:
        engine.root.install(REMINDERS)
        yield engine


def wanted(engine: Engine, **attrs: object) -> None:
    engine.root.raise_event("reminder", "wanted", attrs)


def text(engine: Engine, what: str, at: str | None = None) -> str:
    """The answer without ids, which are long."""
    lines = engine.why(what, at).lines()
    ids = {each.eid for each in engine.journal()} | {each.id for each in engine.agenda.scheduled()}
    return "\n".join(" ".join("ID" if word in ids else word for word in line.split()) for line in lines)


def test_the_condition_names_its_operands_and_what_would_have_made_it_true(engine: Engine) -> None:
    wanted(engine, level=3)
    engine.run_until("2026-03-02T09:00:00Z")
    assert text(engine, "reminders.remind") == (
        "reminders.remind\n"
        "held raised: reminder:due at 2026-03-02T08:30:00Z, the event ID\n"
        "BROKE reminders.remind: notfired: its condition on line 18 is false: "
        'event:attrs{"level"} was 3, ent:quiet was not reached\n'
        'it would have: `event:attrs{"level"}` 6 (it was 3), and `ent:quiet` false (it was not reached)'
    )
    assert text(engine, "reminders.urgent").endswith(
        "BROKE reminders.urgent: unselected: its `where` on line 20 is false: level was 3\n"
        "it would have: `level` 7 (it was 3)"
    )
    broke = engine.why("reminders.both").broke
    assert broke is not None and broke.text == "waiting: its event expression waits for more"
    broke = engine.why("reminders.asleep").broke
    assert broke is not None and broke.text == "it is inactive in the text of its ruleset"


def test_what_fired_has_a_chain_that_held(engine: Engine) -> None:
    wanted(engine, level=7)
    engine.run_until("2026-03-02T09:00:00Z")
    found = engine.why("standup")
    assert found.broke is None and found.instead is None
    assert [each.name for each in found.links] == [
        "scheduled", "timetable", "raised", "reminders.remind", "reminders.urgent", "reminders.both", "did",
    ]  # fmt: skip
    assert found.links[0].text == "by reminders.plan:4 at 2026-03-01T08:00:00Z"
    assert found.links[2].text.startswith(
        "at 2026-03-02T08:30:00Z, 0 s after 2026-03-02T08:30:00Z, as the event"
    )


def test_a_time_that_is_none_of_its_times_says_when_the_next_is(engine: Engine) -> None:
    wanted(engine, level=7)
    assert text(engine, "standup", "2026-03-02T08:29:00Z") == (
        "reminder:due (standup) at 2026-03-02T08:29:00Z\n"
        "held scheduled: by reminders.plan:4 at 2026-03-01T08:00:00Z\n"
        "BROKE timetable: at 09:30 on Monday to Friday, Europe/Rome time; "
        "Monday 2026-03-02 09:29:00 in Europe/Rome is none of its times\n"
        "it would have: 1 min later, at 2026-03-02T08:30:00Z"
    )


def test_before_it_was_made(engine: Engine) -> None:
    wanted(engine, level=7)
    found = engine.why("standup", "2026-02-27T08:30:00Z")
    assert found.broke is not None and found.broke.name == "scheduled"
    assert found.instead == "at 2026-03-01T08:00:00Z or later: it was not made before"


def test_paused(engine: Engine) -> None:
    wanted(engine, level=7)
    (row,) = engine.agenda.pause([row.id for row in engine.agenda.scheduled()])
    engine.run_until("2026-03-02T09:00:00Z")
    assert text(engine, "standup").endswith(
        "BROKE paused: until it is resumed; paused at 2026-03-01T08:00:00Z by Python\n"
        "it would have: not paused, at 2026-03-03T08:30:00Z"
    )
    engine.agenda.resume(row.id)
    found = engine.why("standup", "2026-03-02T08:30:00Z")
    assert found.broke is not None and found.broke.name == "paused"
    assert found.instead == "not paused, at 2026-03-02T08:30:00Z"


def test_cancelled_by_a_rule_of_a_turn(engine: Engine) -> None:
    wanted(engine, level=7)
    turn = engine.root.raise_event("reminder", "stop")
    broke = engine.why("standup").broke
    assert broke is not None and broke.name == "cancelled"
    assert f"in the turn {turn.eid}, whose rules were reminders.stop" in broke.text


def test_ended_by_its_count(engine: Engine) -> None:
    wanted(engine, level=7, times=1)
    engine.run_until("2026-03-03T09:00:00Z")
    broke = engine.why("standup", "2026-03-03T08:30:00Z").broke
    assert broke is not None and (broke.name, broke.text) == ("ended", "it fired 1 of 1 times")


def test_no_engine_runs_and_then_it_is_late(engine: Engine) -> None:
    engine.root.raise_event("reminder", "once")
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    clock.set("2026-03-02T15:00:00Z")
    assert text(engine, "lunch").endswith(
        "BROKE engine: due since 2026-03-02T12:00:00Z, and no engine has raised it\n"
        "it would have: an engine running: `picosched run` or `serve`"
    )
    engine.run_due()
    raised = engine.why("lunch").links[2]
    assert "10800 s after 2026-03-02T12:00:00Z, because no engine raised it before" in raised.text


def test_a_lateness_of_weeks_is_told_in_figures(engine: Engine) -> None:
    engine.root.raise_event("reminder", "once")
    assert isinstance(engine.clock, VirtualClock)
    engine.clock.advance(days=20)
    engine.run_due()
    assert "1627200 s after 2026-03-02T12:00:00Z" in text(engine, "lunch")


def test_of_schedules_of_one_event_it_is_the_one_that_may_still_fire(engine: Engine) -> None:
    engine.root.raise_event("reminder", "once")
    wanted(engine, level=3)
    engine.root.raise_event("reminder", "stop")
    assert "held to come: it is due 2026-03-02T12:00:00Z" in text(engine, "reminder:due")


def test_an_event_that_reached_nobody_and_one_that_never_was(engine: Engine) -> None:
    engine.root.raise_event("reminder", "dew")
    assert text(engine, "reminder:dew").endswith(
        "BROKE selected: no rule selects reminder:dew: the event reached nobody"
    )
    assert text(engine, "reminder:do") == (
        "reminder:do\n"
        "BROKE scheduled: it was neither raised nor scheduled in the journal since 2026-03-01T08:00:00Z\n"
        "BROKE selected: no rule selects it; near: reminder:due, reminder:stop, reminder:once"
    )
    broke = engine.why("reminders.stop").broke
    assert broke is not None and broke.text.startswith(
        "no event reminder:stop reached it in the journal since"
    )


def test_an_event_by_its_id(engine: Engine) -> None:
    turn = engine.root.raise_event("reminder", "due", {"level": 9})
    assert next((each.name, each.held) for each in engine.why(turn.eid).links) == ("reminders.remind", True)


def test_what_is_unknown_is_refused_with_near_names(engine: Engine) -> None:
    wanted(engine, level=7)
    with pytest.raises(PicoschedError, match=r"'standupp'.*did you mean standup\?") as raised:
        engine.why("standupp")
    assert raised.value.code == "not_found"
    with pytest.raises(PicoschedError, match=r"did you mean reminders\.remind"):
        engine.why("reminders.remindd")


@pytest.mark.parametrize(
    ("condition", "why", "change"),
    [
        ("x > 5", "x was 3", "`x` 6 (it was 3)"),
        ("x >= 5", "x was 3", "`x` 5 (it was 3)"),
        ("x < 5", "x was 9", "`x` 4 (it was 9)"),
        ('x == "a, y was b"', 'x was "c"', '`x` "a, y was b" (it was "c")'),
        ("not x", "x was true", "`x` false (it was true)"),
        ("x > 5 && y", "x was 3, y was not reached", "`x` 6 (it was 3), and `y` true (it was not reached)"),
        ("x > 5 && y > 7", "x was 6, y was 2", "`y` 8 (it was 2)"),
        ("x > 5 && x < 5", "x was 6", None),
        ("x.length() > 2", "x.length() was 1", "`x.length()` 3 (it was 1)"),
        ("x > y", "x was 3, y was 4", "`x` 5 (it was 3)"),
        ("x > 5", "z was 3", None),
        ("not (x >< y)", 'x was an Array of 1, y was "Fern"', None),
    ],
)
def test_the_smallest_change_is_one_that_makes_the_condition_true(
    condition: str, why: str, change: str | None
) -> None:
    ruleset = compile_ruleset(
        f"ruleset a {{ global {{ x = 1 y = 2 }} rule r {{ select when t go if {condition} then noop() }} }}"
    )
    actions = ruleset.tree.rules[0].actions
    assert actions is not None and actions.condition is not None
    assert smallest_change(actions.condition, ruleset.source, f"line 1 is false: {why}") == change


def test_the_story_of_the_docs() -> None:
    page = (Path(__file__).parent.parent / "docs" / "foresight.md").read_text(encoding="utf-8")
    (ruleset,) = re.findall(r"```krl\n(.*?)```", page, re.DOTALL)
    answers = re.findall(r"```text\n\$ picosched why (\S+)(?: --at (\S+))?\n(.*?)```", page, re.DOTALL)
    assert len(answers) == 2
    with Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z")) as engine:
        engine.root.install(ruleset)
        wanted(engine, level=3)
        engine.run_until("2026-03-02T09:00:00Z")
        for what, at, shown in answers:
            lines = "\n".join(engine.why(what, at or None).lines()) + "\n"
            assert re.sub(r"\b[0-9a-f]{32}\b", "ID", lines) == shown


def test_what_the_windows_and_the_misfire_policy_let_go(engine: Engine) -> None:
    engine.root.install(
        """ruleset shop {
      meta { window hours from "0 9 * * *" to "0 17 * * *" }
      rule plan { select when shop wanted
        fired { schedule shop event "poll" repeat "0 20 * * *"
          attributes {"_name": "poll", "_window": "hours"} } }
      rule skips { select when shop skips
        fired { schedule shop event "nag" repeat "0 12 * * *"
          attributes {"_name": "nag", "_misfire": "skip"} } }
      rule poll { select when shop poll or shop nag noop() }
    }"""
    )
    engine.root.raise_event("shop", "wanted")
    engine.root.raise_event("shop", "skips")
    engine.run_until("2026-03-01T21:00:00Z")
    broke = engine.why("poll").broke
    assert broke is not None and broke.name == "skipped" and "window hours" in broke.text
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    clock.set("2026-03-02T19:00:00Z")
    engine.run_due()
    broke = engine.why("nag").broke
    assert broke is not None and "it was missed, and its misfire policy is skip" in broke.text


def test_a_rule_behind_a_last_and_a_foreach_without_a_pass(engine: Engine) -> None:
    engine.root.install(
        """ruleset lists {
      rule each { select when list came foreach event:attrs{"of"} setting (one) noop() }
      rule ends { select when list came noop() fired { last } }
      rule behind { select when list came noop() }
    }"""
    )
    engine.root.raise_event("list", "came", {"of": []})
    for rule, text in (
        ("each", "idle: its foreach has no pass"),
        ("behind", "unreached: the rule ends ended it with `last`"),
    ):
        broke = engine.why(f"lists.{rule}").broke
        assert broke is not None and broke.text == text


def test_a_failing_rule(engine: Engine) -> None:
    engine.root.install(
        """ruleset bad {
      rule falls { select when it falls pre { x = time:add("soon", {"days": 1}) } noop() }
    }"""
    )
    engine.root.raise_event("it", "falls")
    broke = engine.why("bad.falls").broke
    assert broke is not None and broke.text.startswith("failed: ")


def test_a_ruleset_that_no_longer_compiles_hides_no_other(tmp_path: Path) -> None:
    file = tmp_path / "picos.db"
    with Engine(file) as engine:
        for rid in ("broken", "whole"):
            engine.root.install(f"ruleset {rid} {{ rule r {{ select when a b }} }}")
    with Engine(file) as engine:
        with engine.store.transaction():
            engine.store._database.run("UPDATE ruleset SET text = 'ruleset broken {' WHERE rid = 'broken'")
        assert text(engine, "whole.r").startswith("whole.r\nBROKE raised: no event a:b reached it")
        with pytest.raises(PicoschedError, match=r"nothing on record is called 'broken\.r'"):
            engine.why("broken.r")
