"""`why`: for each link of the chain, a ruleset, what happened, and the text that says which link broke."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from picosched import Engine, VirtualClock
from picosched.clock import format_time, parse_time
from picosched.engine.known_rules import MOST_RULESETS, rules_of
from picosched.engine.why_turn import Latest
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
    lines = re.sub(r"\n {9}", " ", "\n".join(engine.why(what, at).lines())).split("\n")
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
    assert broke is not None and broke.text == (
        "waiting: its event expression waits for reminder:confirmed (part 2 of 2), since 2026-03-02T08:30:00Z"
    )
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
        "Monday 2026-03-02 09:29:00 in Europe/Rome (UTC+01:00) is none of its times: "
        "Monday and hour 9 match; minute 29 does not (30)\n"
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


def test_what_is_looked_through_is_bounded_in_text_too(engine: Engine) -> None:
    for number in range(7):
        engine.root.raise_event("large", "text", {"n": number, "text": "x" * 990_000})
    assert [each.handled[0]["attrs"]["n"] for each in Latest(engine, None)] == [6, 5, 4, 3, 2]
    assert "the latest 5 turns of the journal" in text(engine, "nothing:such")


def test_a_time_that_a_zone_has_not_is_no_fault(engine: Engine) -> None:
    wanted(engine, level=3)
    assert "outside the years" in text(engine, "standup", "9999-12-31T23:59:59Z")


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


def fitting(rule: str, why: str, **attrs: object) -> str | None:
    """What is suggested for a rule that an event t:go with these attributes did not make fire."""
    known = "w = 4 longer = function(n) { n.length() > w }"
    ruleset = compile_ruleset(f"ruleset a {{ global {{ {known} }} rule r {{ select when t go {rule} }} }}")
    return smallest_change(ruleset.tree.rules[0], ruleset, ("t", "go"), attrs, f"its {why}")


@pytest.mark.parametrize(
    ("condition", "why", "change"),
    [
        ("ent:x > 5", "ent:x was 3", "`ent:x` 6 (it was 3)"),
        ("ent:x >= 5", "ent:x was 3", "`ent:x` 5 (it was 3)"),
        ("app:x < 5", "app:x was 9", "`app:x` 4 (it was 9)"),
        ('ent:x == "a, y was b"', 'ent:x was "c"', '`ent:x` "a, y was b" (it was "c")'),
        ("not ent:x", "ent:x was true", "`ent:x` false (it was true)"),
        (
            "ent:x > 5 && ent:y",
            "ent:x was 3, ent:y was not reached",
            "`ent:x` 6 (it was 3), and `ent:y` true (it was not reached)",
        ),
        ("ent:x > 5 && ent:y > 7", "ent:x was 6, ent:y was 2", "`ent:y` 8 (it was 2)"),
        ("ent:x > 5 && ent:x < 5", "ent:x was 6", None),
        ("ent:x > ent:y", "ent:x was 3, ent:y was 4", "`ent:x` 5 (it was 3)"),
        ("ent:x > 5", "ent:z was 3", None),
        ('not (ent:x >< "Fern")', "ent:x was an Array of 1", None),
        ("ent:x > w", "ent:x was 3, w was 4", "`ent:x` 5 (it was 3)"),
        ("ent:x.length() > 2", "ent:x.length() was 1", None),
        ('ent:x.length() > 2 && ent:x == "a"', "ent:x.length() was 0, ent:x was not reached", None),
        ("time:now() < ent:x", 'time:now() was "2026", ent:x was "2025"', None),
        ('event:type == "zzz"', 'event:type was "go"', None),
        ("longer(ent:x) && ent:x > 5", "longer(ent:x) was true, ent:x was 3", None),
        ("longer == ent:x", "longer was a Function, ent:x was 3", None),
    ],
)
def test_the_smallest_change_is_one_that_makes_the_condition_true(
    condition: str, why: str, change: str | None
) -> None:
    assert fitting(f"if {condition} then noop()", f"condition on line 1 is false: {why}") == change


@pytest.mark.parametrize(
    ("rule", "why", "change"),
    [
        ('if event:attrs{"lvl"} > 5 && event:attr("lvl") < 9 then noop()', "condition", 6),
        ('if event:attrs{"lvl"} > 5 && event:attr("lvl") < 4 then noop()', "condition", None),
        ('if event:attrs{"lvl"} > 5 && event:attrs["lvl"] < 4 then noop()', "condition", None),
        ('if event:attrs{"lvl"} > 5 && event:attrs.get("lvl") < 4 then noop()', "condition", None),
        ('if event:attrs{"lvl"} > 5 && event:attrs{"lvl"} + 0 < 4 then noop()', "condition", None),
        ('if event:attrs{"lvl"} > 5 && event:attrs.length() > 30 then noop()', "condition", None),
        ('if event:attrs{"lvl"} % 2 > 5 then noop()', "condition", None),
        ('pre { x = event:attrs{"lvl"} } if x > 5 && event:attrs{"lvl"} < 9 then noop()', "condition", 6),
        ('pre { x = event:attrs{"lvl"} } if x > 5 && event:attrs{"lvl"} < 4 then noop()', "condition", None),
        ("where lvl > 5", "`where`", 6),
        ('where lvl > 5 if event:attrs{"lvl"} > 8 then noop()', "`where`", 9),
        ('where event:attrs{"lvl"} == 7 if event:attrs{"lvl"} == 8 then noop()', "`where`", None),
        ('where lvl < 5 if event:attrs{"lvl"} == 8 then noop()', "condition", None),
        ("where longer(lvl) && lvl > 5", "`where`", None),
        (r"lvl re#^\d$# where lvl > 5", "`where`", 6),
        (r"lvl re#^\d$# where lvl > 50", "`where`", None),
        (r"lvl re#^(\d)$# setting(k) where k > 5", "`where`", None),
        (r"lvl re#^(\d)$# setting(k) if k > 5 then noop()", "condition", None),
        ("foreach [1, 2] setting(q) if q > 5 then noop()", "condition", None),
        ('foreach event:attrs{"lvl"} setting(q) if event:attrs{"lvl"} > 5 then noop()', "condition", None),
    ],
)
def test_the_whole_rule_has_to_hold_with_a_change(rule: str, why: str, change: int | None) -> None:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z")) as engine:
        acts = "" if "noop" in rule else "noop()"
        longer = "global { longer = function(n) { n.length() == 0 } }"
        engine.root.install(f"ruleset a {{ {longer} rule r {{ select when t go {rule} {acts} }} }}")
        engine.root.raise_event("t", "go", {"lvl": 3})
        answer = engine.why("a.r")
        assert answer.broke is not None and f"its {why} on line 1 is false" in answer.broke.text
        assert (answer.instead is None) == (change is None), answer.instead
        if change is not None:
            assert answer.instead is not None and f"` {change} (it was 3)" in answer.instead
            assert "r" in engine.root.raise_event("t", "go", {"lvl": change}).fired[0]


def test_the_story_of_the_docs() -> None:
    page = (Path(__file__).parent.parent / "docs" / "foresight.md").read_text(encoding="utf-8")
    ruleset, *_ = re.findall(r"```krl\n(.*?)```", page, re.DOTALL)
    answers = re.findall(r"```text\n\$ picosched why (\S+)(?: --at (\S+))?\n(.*?)```", page, re.DOTALL)
    assert len(answers) == 2
    with Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z")) as engine:
        engine.root.install(ruleset)
        wanted(engine, level=3)
        engine.run_until("2026-03-02T09:00:00Z")
        for what, at, shown in answers:
            lines = "\n".join(engine.why(what, at or None).lines()) + "\n"
            assert re.sub(r"\b[0-9a-f]{32}\b", "ID", lines) == re.sub(r"\b[0-9a-f]{32}\b", "ID", shown)


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


def test_between_two_times_each_occurrence_has_an_answer(engine: Engine) -> None:
    wanted(engine, level=7, times=4)
    (row,) = engine.agenda.scheduled()
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    engine.run_until("2026-03-02T09:00:00Z")
    clock.set("2026-03-05T07:00:00Z")
    engine.run_due()
    engine.agenda.pause(row.id)
    clock.set("2026-03-06T07:00:00Z")
    engine.agenda.resume(row.id)
    engine.run_until("2026-03-09T09:00:00Z")
    found = engine.why_between("standup", "2026-03-01T00:00:00Z", "2026-03-10T12:00:00Z")
    assert [(each.what[-20:], each.broke and each.broke.name) for each in found] == [
        ("2026-03-02T08:30:00Z", None),
        ("2026-03-03T08:30:00Z", None),
        ("2026-03-04T08:30:00Z", None),
        ("2026-03-05T08:30:00Z", "paused"),
        ("2026-03-06T08:30:00Z", None),
        ("2026-03-09T08:30:00Z", None),
        ("2026-03-10T08:30:00Z", "ended"),
    ]
    assert "it stands for 2 occurrences" in found[2].links[2].text
    (none,) = engine.why_between("standup", "2026-03-07T00:00:00Z", "2026-03-07T12:00:00Z")
    assert none.broke is not None and none.broke.name == "timetable"


def test_between_two_times_each_event_has_an_answer(engine: Engine) -> None:
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    for hour in (9, 10, 11):
        clock.set(f"2026-03-01T{hour:02}:00:00Z")
        engine.root.raise_event("reminder", "due", {"level": hour - 5})
    for what in ("reminder:due", "reminders.remind"):
        found = engine.why_between(what, "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z")
        assert ["2026-03-01T10" in found[0].links[0].text, len(found)] == [True, 2]
    (none,) = engine.why_between("reminder:due", "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z")
    assert none.broke is not None and "up to 2026-03-01T13:00:00Z" in none.broke.text
    assert text(engine, "reminder:due", "2026-03-01T09:30:00Z").splitlines()[1] == (
        "held raised: at 2026-03-01T09:00:00Z, as the event ID"
    )


def test_between_refuses_what_has_one_time_or_too_many(engine: Engine) -> None:
    turn = engine.root.raise_event("reminder", "due", {"level": 9})
    engine.root.install(
        """ruleset ticks { rule plan { select when tick wanted
      fired { schedule tick event "due" repeat "* * * * *" attributes {"_name": "tick"} } } }"""
    )
    engine.root.raise_event("tick", "wanted")
    for what, since, until, code in (
        (turn.eid, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "invalid"),
        ("tick", "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z", "invalid"),
        ("tick", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", "too_large"),
        ("nosuch", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", "not_found"),
    ):
        with pytest.raises(PicoschedError) as raised:
            engine.why_between(what, since, until)
        assert raised.value.code == code


def test_the_journal_is_read_up_to_a_time_by_halving(engine: Engine) -> None:
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    journal = engine.store.journal
    assert journal.place_at(clock.now()) == 0
    for minute in range(1, 40):
        clock.set(f"2026-03-01T09:{minute:02}:00Z")
        engine.root.raise_event("reminder", "due", {"level": minute})
    with engine.store.transaction():
        engine.store._database.run("DELETE FROM journal WHERE seq % 3 = 0")
    entries = engine.journal()
    for minute in range(41):
        time = parse_time(f"2026-03-01T09:{minute:02}:30Z")
        upto = [each.seq for each in entries if each.at <= time]
        assert [each.seq for each in entries if each.seq <= journal.place_at(time)] == upto


@pytest.mark.parametrize(
    ("select", "events", "waits"),
    [
        ("a b before c d", "a:b", "waits for c:d (part 2 of 2), since 0"),
        ("a b before c d", "c:d", "has not begun: it waits for a:b (part 1 of 2)"),
        ("a b and c d and e f", "c:d", "waits for a:b, then e:f, since 0"),
        ("any 2 (a b, c d, e f)", "c:d", "waits for 1 of a:b, e:f, since 0"),
        (
            "(a b before c d) or (a b before e f)",
            "a:b",
            "waits for c:d (part 2 of 2) or e:f (part 2 of 2), since 0",
        ),
        ("count 3 (a b)", "a:b a:b", "waits for a:b (2 of 3 came), since 0"),
        ("a b not between (c d, e f)", "c:d", "waits for e:f without a:b before it, since 0"),
        ("a b not between (c d, e f)", "e:f", "has not begun: it waits for c:d"),
        ("(a b or c d) before e f", "e:f", "has not begun: it waits for a:b or c:d (part 1 of 2)"),
        ("any 2 (a b before c d, e f)", "e:f a:b", "waits for c:d (part 2 of 2), since 0"),
        (
            "a b before (c d before e f within 5 minutes)",
            "a:b c:d",
            "waits for e:f (part 2 of 2) (part 2 of 2), since 0, until 2026-03-01T08:06:00Z",
        ),
        ("a b before c d where n > 2", "a:b c:d", "waits for c:d (part 2 of 2), since 0"),
    ],
)
def test_an_event_expression_says_which_part_waits_for_what_and_since_when(
    engine: Engine, select: str, events: str, waits: str
) -> None:
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    engine.root.install(f"ruleset waits {{ rule r {{ select when {select} noop() }} }}")
    for event in events.split():
        engine.root.raise_event(*event.split(":"), {"n": 1})
        clock.advance(minutes=1)
    broke = engine.why("waits.r").broke
    assert broke is not None
    assert broke.text.endswith(
        f"its event expression {waits.replace('since 0', 'since 2026-03-01T08:00:00Z')}"
    )


def test_on_the_day_of_a_clock_change_the_timetable_says_what_the_clocks_do(engine: Engine) -> None:
    engine.root.install(
        """ruleset night { rule plan { select when night wanted
      fired { schedule night event "due" repeat "30 2 * * *"
        attributes {"_name": "night", "_timezone": "Europe/Rome"} } } }"""
    )
    engine.root.raise_event("night", "wanted")
    engine.run_until("2026-03-30T09:00:00Z")
    times = engine.why("night", "2026-03-29T01:00:00Z").links[1]
    assert (times.held, times.text) == (
        True,
        "at 02:30 every day, Europe/Rome time; Sunday 2026-03-29 03:00:00 in Europe/Rome (UTC+02:00), "
        "where the clocks go from 02:00 to 03:00",
    )
    assert engine.why("night", "2026-03-30T00:30:00Z").links[1].text == "at 02:30 every day, Europe/Rome time"


def test_before_history_begins_it_says_since_when_is_known(engine: Engine) -> None:
    wanted(engine, level=7)
    engine.run_until("2026-05-04T09:00:00Z")
    engine.prune()
    days = engine.settings.history_days
    begins = engine.journal()[-1].at
    for what in ("reminder:wanted", "reminders.remind"):
        broke = engine.why(what, "2026-03-02T08:30:00Z").broke
        assert broke is not None and (broke.name, broke.text) == (
            "record",
            f"what happened is known since {format_time(begins)}: turns are kept for {days} days",
        )
        (answer,) = engine.why_between(what, "2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z")
        assert answer.broke == broke
    broke = engine.why("standup", "2026-03-02T08:30:00Z").broke
    assert broke is not None and broke.name == "record"
    since = format_time(engine.now() - timedelta(days=days))
    assert broke.text == f"what fired is known since {since}: records are kept for {days} days"


def test_rules_beyond_those_that_are_read_are_found_by_name_and_nothing_is_said_of_all(
    engine: Engine,
) -> None:
    assert "selected" in [each.name for each in engine.why("nothing:such").links]
    for number in range(MOST_RULESETS):
        engine.root.install(f"ruleset z{number:03} {{ rule r {{ select when z e{number} }} }}")
    last = f"z{MOST_RULESETS - 1:03}.r"
    assert last not in rules_of(engine).rules
    assert f"no event z:e{MOST_RULESETS - 1} reached it" in text(engine, last)
    assert [each.name for each in engine.why("nothing:such").links] == ["scheduled"]


def test_between_two_times_only_the_turns_between_are_looked_through(engine: Engine) -> None:
    wanted(engine, level=3)
    engine.run_until("2026-03-04T09:00:00Z")
    since, until = parse_time("2026-03-02T12:00:00Z"), parse_time("2026-03-02T13:00:00Z")
    (why,) = engine.why_between("reminders.remind", since, until)
    assert why.broke is not None and why.broke.text == (
        "no event reminder:due reached it in the journal "
        "since 2026-03-02T12:00:00Z up to 2026-03-02T13:00:00Z"
    )


def test_a_time_off_that_of_an_event_that_came_once_names_it(engine: Engine) -> None:
    engine.root.raise_event("reminder", "once")
    engine.run_until("2026-03-02T14:00:00Z")
    found = engine.why("lunch", "2026-03-02T13:00:00Z")
    assert found.broke is not None
    assert found.broke.text.endswith("it came once, 1 h earlier, at 2026-03-02T12:00:00Z")


def test_a_time_that_was_moved_away_is_not_what_would_have_been(engine: Engine) -> None:
    made = engine.root.schedule("tea", "due", repeat="0 10 * * *", attributes={"_name": "nine"})
    engine.agenda.move([made.id], timedelta(hours=1))
    engine.agenda.move([made.id], timedelta(hours=1))
    assert engine.why("nine", "2026-03-01T12:30:00Z").instead == "30 min earlier, at 2026-03-01T12:00:00Z"
    assert engine.why("nine", "2026-03-01T10:00:00Z").instead == "not moved, at 2026-03-01T10:00:00Z"


def test_who_cancelled_an_occurrence_is_said_once(engine: Engine) -> None:
    made = engine.root.schedule("tea", "due", repeat="0 10 * * *", attributes={"_name": "nine"})
    engine.agenda.cancel([made.id])
    assert text(engine, "nine").endswith(
        "BROKE cancelled: the occurrence of 2026-03-01T10:00:00Z, at 2026-03-01T08:00:00Z by Python"
    )


def test_a_further_try_is_not_called_moved(engine: Engine) -> None:
    engine.root.install("""ruleset shaky {
      rule fail { select when shaky due fired { schedule shaky event "never" at "never" } }
    }""")
    given = {"_name": "shaky", "_retry": 3}
    engine.root.schedule("shaky", "due", repeat="0 9 * * *", attributes=given)
    engine.run_until("2026-03-01T09:00:00Z")
    row = engine.agenda.load(engine.root.scheduled()[0].id)
    assert row.tries == 1
    assert "; its next is try 2 of 2026-03-01T09:00:00Z" in text(engine, "shaky")
