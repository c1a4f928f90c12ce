"""A schedule that a person makes in a pico: it comes as one that a rule makes, and says who made it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched import Engine, Filter, PicoRef, PicoschedError, VirtualClock
from picosched.acting import HTTP, Actor, Role
from picosched.clock import parse_time
from picosched.schedule.scheduled import Scheduled, Status
from picosched.schedule.window import Window
from picosched.store.opening import examine
from picosched.timespec.timespec import Timespec

START = "2026-03-01T08:00:00Z"
DAILY = Timespec.parse("0 9 * * *", "Europe/Berlin")

RULES = """ruleset tea {
  meta { shares cups, listed, got, nodes, found, told }
  global {
    cups = function() { ent:cups.defaultsTo([]) }
    listed = function() { event:list_scheduled() }
    got = function() { event:get_list() }
    nodes = function() { schedule:list() }
    found = function(filter) { event:find(filter) }
    told = function(id) { [event:show(id){"created_by"}, event:get_history(id), event:next_times(id, 2)] }
  }
  rule at { select when tea at
    fired { schedule tea event "due" at event:attrs{"when"} attributes event:attrs{"attributes"} } }
  rule repeat { select when tea repeat
    fired { schedule tea event "due" repeat event:attrs{"when"} attributes event:attrs{"attributes"} } }
  rule due { select when tea due
    fired { ent:cups := cups().append([event:attrs]) } }
  rule spoil { select when tea spoil
    pre { id = event:attrs{"id"} }
    if event:delete(id) == 0 then every {
      event:pause(id) setting(paused)
      event:move(id, "2026-03-01T08:30:00Z") setting(moved)
      event:reschedule(id, "0 9 * * *") setting(again)
      event:fire_now(id) setting(fired)
      event:resume(id) setting(resumed)
      event:remove_scheduled(id) setting(removed)
      schedule:remove(id) setting(also)
      event:pause_all({}) setting(all_paused)
      event:resume_all({}) setting(all_resumed)
      event:delete_all({}, true) setting(would)
      event:delete_all({}) setting(all_gone)
      schedule:clear()
      send_directive("tried", {"tried": [paused, moved, again, fired, resumed, removed, also],
        "all": [all_paused, all_resumed, would, all_gone]})
    }
  }
  rule itself { select when tea itself
    send_directive("itself", {"listed": event:list_scheduled(), "named": event:find({"name": "own"})}) }
}"""
OTHER = """ruleset other { meta { shares heard } global { heard = function() { ent:heard } }
  rule due { select when tea due fired { ent:heard := ent:heard.defaultsTo(0) + 1 } } }"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", VirtualClock(START), seed=1) as engine:
        engine.root.install(RULES)
        yield engine


@pytest.fixture
def anna(engine: Engine) -> Engine:
    return engine.acting(Actor(HTTP, "anna", Role.OPERATE))


# ---- the same as a rule's -------------------------------------------------------------------------------

ITS_OWN = ("id", "pico_id", "rid", "rule", "line", "trace")


def fields(row: Scheduled) -> dict[str, Any]:
    """All that is the same, whoever makes it."""
    return {name: getattr(row, name) for name in Scheduled.__dataclass_fields__ if name not in ITS_OWN}


def by_rule(pico: PicoRef, kind: str, when: Any, attributes: dict[str, Any]) -> str | Scheduled:
    turn = pico.raise_event("tea", kind, {"when": when, "attributes": attributes})
    if turn.errors:
        return turn.errors[0].message
    (row,) = turn.scheduled.values()
    return row


def by_person(pico: PicoRef, kind: str, when: Any, attributes: dict[str, Any]) -> str | Scheduled:
    try:
        return pico.schedule("tea", "due", attributes=attributes, **{kind: when}).row
    except PicoschedError as error:
        return error.message


TIMES = st.sampled_from(
    [
        "2026-03-01T08:07:30Z",
        "2026-03-02",
        "2026-02-01T00:00:00Z",
        1772355600000,
        "soon",
        -1,
        "9999-12-31T23:59:59Z",
    ]
)
TIMESPECS = st.sampled_from(
    [
        "*/20 * * * *",
        "every 2 hours",
        "weekdays at 9:00",
        "every 3 days at 9:00",
        {"minutes": [0, 30]},
        "nonsense",
        "2025-01-01T09:00",
        "sunday at 2:30",
        "",
    ]
)
STEERING = st.fixed_dictionaries(
    {},
    optional={
        "cups": st.integers(0, 3),
        "_name": st.sampled_from(["morning", "", 7]),
        "_if_exists": st.sampled_from(["keep", "replace", "both"]),
        "_timezone": st.sampled_from(["Europe/Berlin", "Mars/Base"]),
        "_start": st.sampled_from(["2026-03-01T12:00:00Z", "2026-03-02", "never"]),
        "_misfire": st.sampled_from(["once", "skip", "all", "some"]),
        "_until": st.sampled_from(["2026-03-02T00:00:00Z", "2026-02-01T00:00:00Z"]),
        "_count": st.sampled_from([1, 3, 0, 1.5]),
        "_window": st.sampled_from(["office", "nosuch"]),
        "_description": st.just("words"),
        "_retry": st.sampled_from([2, 101]),
        "_on_failure": st.sampled_from(["pause after 2", "stop"]),
        "_late_after": st.sampled_from([30, -1]),
        "_overlap": st.sampled_from(["queue", "skip", "leap"]),
    },
)


@settings(max_examples=150)
@given(
    st.one_of(st.tuples(st.just("at"), TIMES), st.tuples(st.just("repeat"), TIMESPECS)), STEERING, st.data()
)
def test_what_a_person_schedules_comes_as_what_a_rule_schedules(
    when: tuple[str, Any], attributes: dict[str, Any], data: st.DataObject
) -> None:
    """The same row or the same error, and the same record, through a downtime as well."""
    asleep = data.draw(st.sampled_from([0, 5, 30]), "hours asleep")
    clock = VirtualClock(START)
    office = (Window.parse("office", "0 8 * * *", "0 18 * * *", "UTC"),)
    with Engine(":memory:", clock, seed=1, windows=office) as engine:
        rules, person = engine.new_pico("rules"), engine.new_pico("person")
        for pico in (rules, person):
            pico.install(RULES)
        made = by_rule(rules, *when, attributes)
        mine = by_person(person, *when, attributes)
        if isinstance(made, str) or isinstance(mine, str):
            assert mine == made
            assert engine.scheduled() == []
            return
        assert fields(mine) == fields(made)
        engine.run_until("2026-03-01T11:00:00Z")
        clock.advance(hours=asleep)
        engine.run_until(engine.now() + timedelta(days=2))
        record = [
            [(each.nominal, each.fired, each.outcome, each.stands_for, each.why) for each in pico.history()]
            for pico in (rules, person)
        ]
        assert record[0] == record[1]
        assert rules.query("tea", "cups") == person.query("tea", "cups")
        assert fields(engine.agenda.load(mine.id)) == fields(engine.agenda.load(made.id))


# ---- whose it is ----------------------------------------------------------------------------------------


def test_all_rulesets_of_the_pico_get_it_and_it_outlives_them(engine: Engine) -> None:
    pico = engine.new_pico("kitchen")
    pico.install(RULES)
    pico.install(OTHER)
    row = pico.schedule("tea", "due", repeat="every 30 minutes", attributes={"cup": 1})
    engine.run_until("2026-03-01T09:00:00Z")
    assert pico.query("tea", "cups") == [{"cup": 1}] * 2 and pico.query("other", "heard") == 2
    assert engine.root.query("tea", "cups") == []
    assert [each.rules for each in pico.history(row.id)] == [("tea.due", "other.due")] * 2
    pico.uninstall("tea")
    engine.run_until("2026-03-01T09:30:00Z")
    assert pico.query("other", "heard") == 3
    pico.uninstall("other")
    engine.run_until("2026-03-01T10:00:00Z")  # nobody selects it, and it comes
    assert engine.history(limit=1)[0].rules == () and engine.agenda.load(row.id).status is Status.PENDING
    pico.delete()
    assert engine.agenda.load(row.id).status is Status.CANCELLED


def test_rules_see_it_and_do_not_change_it(engine: Engine) -> None:
    engine.root.install(OTHER)
    made = engine.root.schedule("tea", "due", repeat="0 * * * *", attributes={"_name": "hourly"})
    (own,) = engine.root.raise_event(
        "tea", "repeat", {"when": "30 * * * *", "attributes": {"_name": "own"}}
    ).scheduled.values()
    ids = {made.id, own.id}
    for name in ("listed", "nodes"):
        assert {each["id"] for each in engine.root.query("tea", name)} == ids
    assert {each[0]: each[3] for each in engine.root.query("tea", "got")} == {made.id: "", own.id: "tea"}
    assert {each["id"] for each in engine.root.query("tea", "found", {"filter": {"domain": "tea"}})} == ids
    (named,) = engine.root.query("tea", "found", {"filter": {"name": "hourly"}})
    assert named["created_by"] == "Python"
    by, history, times = engine.root.query("tea", "told", {"id": made.id})
    assert (by, history["next"], times[0]) == ("Python", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00.000Z")
    before = engine.agenda.load(made.id)
    turn = engine.root.raise_event("tea", "spoil", {"id": made.id})
    assert turn.errors == []
    (tried,) = [each.options for each in turn.directives]
    assert tried["tried"] == [False] * 7
    assert tried["all"] == [[own.id]] * 4
    assert engine.agenda.load(made.id) == before


def test_the_rules_it_is_raised_for_see_it_as_done(engine: Engine) -> None:
    engine.root.schedule("tea", "itself", at="2026-03-01T09:00:00Z", attributes={"_name": "own"})
    engine.run_until("2026-03-01T09:00:00Z")
    (shown,) = engine.journal(limit=1)[0].directives
    assert shown["options"] == {"listed": [], "named": []}


def test_its_name_is_apart_from_the_names_of_rulesets(engine: Engine) -> None:
    own = by_rule(engine.root, "repeat", "0 9 * * *", {"_name": "morning"})
    assert isinstance(own, Scheduled)
    mine = engine.root.schedule("tea", "due", repeat="0 8 * * *", attributes={"_name": "morning"})
    again = engine.root.schedule("tea", "due", repeat="0 7 * * *", attributes={"_name": "morning"})
    assert (again.row, again.is_new, mine.is_new) == (mine.row, False, True) and mine.id != own.id
    instead = engine.root.schedule(
        "tea", "due", repeat="0 6 * * *", attributes={"_name": "morning", "_if_exists": "replace"}
    )
    assert engine.agenda.load(mine.id).status is Status.CANCELLED
    assert {each.id for each in engine.scheduled()} == {own.id, instead.id}
    anew = by_rule(engine.root, "repeat", "0 5 * * *", {"_name": "morning", "_if_exists": "replace"})
    assert isinstance(anew, Scheduled)
    assert {each.id for each in engine.scheduled()} == {anew.id, instead.id}
    (change,) = engine.agenda.changes_of(mine.id)
    assert (change.what, change.by, change.eid) == ("cancelled", "Python", None)


# ---- what becomes of it ---------------------------------------------------------------------------------


def test_it_says_who_made_it_and_takes_all_changes(engine: Engine, anna: Engine, tmp_path: Path) -> None:
    id = anna.root.schedule("tea", "due", repeat="0 * * * *", attributes={"_name": "hourly"}).id
    row = engine.agenda.load(id)
    assert (row.rid, row.rule, row.made_by, row.by_person) == ("", 'HTTP as "anna"', 'HTTP as "anna"', True)
    assert engine.why("hourly").links[0].text == 'by HTTP as "anna" at 2026-03-01T08:00:00Z'
    anna.agenda.move(id, "2026-03-01T08:20:00Z")
    engine.run_until("2026-03-01T09:00:00Z")
    anna.agenda.fire_now(id)
    anna.agenda.pause(id)
    engine.run_until("2026-03-01T11:30:00Z")
    anna.agenda.resume(id)
    past = anna.agenda.backfill(id, "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z")
    assert [each.left for each in past] == [None, None]
    anna.agenda.reschedule(id, "0 9 * * *", "Europe/Rome")
    anna.agenda.cancel(id)
    assert len(engine.root.query("tea", "cups")) == 4  # moved, by hand, and two that were missed
    assert {each.by for each in engine.agenda.changes_of(id)} == {'HTTP as "anna"'}
    first = engine.audit()[-1]
    assert (first.what, first.kind, first.on) == ("scheduled", "schedule", id)
    assert (
        first.told == f"tea:due (hourly) in the pico root ({engine.root.id})" and first.by == 'HTTP as "anna"'
    )
    story = engine.path(id)
    assert not story.before and story.step.told.startswith('by HTTP as "anna"')
    if (tmp_path / "picos.db").exists():
        assert examine(tmp_path / "picos.db") == []


def test_a_window_of_the_settings_is_its_window(tmp_path: Path) -> None:
    office = (Window.parse("office", "0 10 * * *", "0 18 * * *", "UTC"),)
    with Engine(tmp_path / "picos.db", VirtualClock(START), windows=office) as engine:
        engine.root.install(RULES)
        row = engine.root.schedule("tea", "due", repeat="0 * * * *", attributes={"_window": "office"})
        assert engine.agenda.next_times(row.id, 1) == [datetime.fromisoformat("2026-03-01T10:00:00Z")]
        engine.run_until("2026-03-01T10:00:00Z")
        assert [str(each.outcome) for each in engine.history()] == [
            "fired",
            "skipped",
        ]
        with pytest.raises(PicoschedError, match="there is no window night; there is office"):
            engine.root.schedule("tea", "due", repeat="0 * * * *", attributes={"_window": "night"})


def test_it_moves_with_its_pico(engine: Engine, anna: Engine) -> None:
    engine.new_pico("kitchen").install(RULES)
    made = anna.pico("kitchen").schedule("tea", "due", repeat="0 * * * *")
    document = engine.export_pico("kitchen")
    with Engine(":memory:", VirtualClock(START)) as other:
        moved = other.import_pico(document)
        (row,) = moved.scheduled()
        assert fields(row) == fields(made.row) and row.made_by == 'HTTP as "anna"' and row.by_person
        other.run_until("2026-03-01T10:00:00Z")
        assert moved.query("tea", "cups") == [{}, {}]
        times = json.dumps({"from": "0 8 * * *", "to": "0 18 * * *"})
        document["scheduled"][0] |= {"kind": "window", "timespec": times, "name": "office"}
        with pytest.raises(PicoschedError, match="wanted a ruleset of the document"):  # which its edges need
            other.import_pico(document)


def test_a_replay_raises_it_again(engine: Engine) -> None:
    """What was made before the backup comes by itself; what was made since is made again."""
    engine.root.schedule("tea", "due", repeat="0 * * * *")
    with closing(engine.store.copy()) as backup:
        engine.root.schedule("tea", "due", at="2026-03-01T09:30:00Z", attributes={"late": True})
        engine.run_until("2026-03-01T10:00:00Z")
        found = engine.replay(backup=backup)
    assert (found.turns, found.outside, found.redone, found.lost) == (3, 0, 1, 0)
    assert (found.differences, found.unsure) == ([], [])


def test_a_plan_sees_what_a_change_does_to_it(engine: Engine) -> None:
    engine.root.schedule("tea", "due", repeat="0 0 * * *")
    same = engine.plan([RULES + "\n// the same"], days=3)
    assert (same.fires_before, same.fires_after, same.differences) == (3, 3, ())
    changed = engine.plan([RULES.replace("select when tea due", "select when tea poured")], days=3)
    assert [(each.lines, each.count) for each in changed.differences] == [(("- tea.due fired",), 3)]


def test_nothing_calls_its_rule_unreachable(engine: Engine) -> None:
    """Its event is nearly that of one which no rule selects, and so would be taken for it mistyped."""
    engine.root.install("""ruleset mill {
      rule go { select when mill go fired { raise mill event "grinds" } }
      rule grind { select when mill grind noop() }
    }""")
    assert "mill:grind" in str([each.message for each in engine.whole().found])
    engine.root.schedule("mill", "grind", repeat="0 * * * *")
    assert "nothing reaches grind" not in str([each.message for each in engine.whole().found])


def test_its_attributes_count_among_those_that_its_rule_is_given(engine: Engine) -> None:
    """What is raised gives a text; a schedule may give a number, as here."""
    engine.root.install("""ruleset t {
      rule begin { select when t begin fired { raise t event "level" attributes {"level": "high"} } }
      rule level { select when t level where level > 5 noop() }
    }""")
    assert [each.code for each in engine.whole().found] == ["W508"]
    engine.root.schedule("t", "level", repeat="0 9 * * *", attributes={"level": 7})
    assert engine.whole().found == ()


# ---- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "found neither at nor repeat, wanted one of them"),
        ({"at": "2026-03-02", "repeat": "0 9 * * *"}, "found both at and repeat, wanted one"),
        ({"at": datetime(2026, 3, 2)}, "without a zone"),
        ({"at": timedelta.max}, "wanted the years 1 to 9999"),
        ({"at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))}, "in the years 1 to 9999"),
        ({"at": datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))}, "in the years 1 to 9999"),
        ({"at": float("nan")}, "found nan as the time"),
        ({"at": float("inf")}, "found inf as the time"),
        ({"at": 10**400}, "the time of a schedule"),
        ({"at": ""}, "found '' as the time"),
        ({"at": True}, "found True as the time"),
        ({"at": "09:00"}, 'found "09:00" as the time of a schedule, wanted a date with it'),
        ({"at": " T0900Z"}, "wanted a date with it"),
        ({"at": "2026"}, 'found "2026" as the time of a schedule, wanted a date with it'),
        ({"at": "2026-03"}, "wanted a date with it"),
        ({"at": "2026-W10"}, "wanted a date with it"),
        ({"at": "\u00a009:00"}, "wanted a date with it"),
        ({"at": "2026-0105"}, "wanted a date with it"),
        ({"at": "2026-1-5"}, 'found "2026-1-5" as the time of a schedule, wanted ISO 8601 such as'),
        ({"at": "25:00"}, 'found "25:00" as the time of a schedule, wanted ISO 8601 such as'),
        ({"attributes": {"_start": "09:00"}}, 'found "09:00" as _start, wanted a date with it'),
        ({"attributes": {"_until": "2026"}}, 'found "2026" as _until, wanted a date with it'),
        ({"at": b"2026"}, "as the time of a schedule"),
        ({"at": "2026-03-02T08:00\0Z"}, "as the time of a schedule"),
        ({"at": "1" * 10_000_000}, "as the time of a schedule"),
        ({"repeat": 7}, "found 7 as a timespec"),
        ({"repeat": {"minutes": object()}}, "wanted JSON"),
        ({"repeat": {"minutes": ["x" * 2_000_000]}}, "max_attrs_bytes"),
        ({"repeat": "0 9 * * *\0"}, "0 9"),
        ({"repeat": "x " * 5_000_000}, "at most 4096"),
        ({"attributes": {"_name": "a\0b"}}, "NUL"),
        ({"attributes": {"_description": "a\0b"}}, "NUL"),
        ({"attributes": {"_name": "\ud800"}}, "half a character"),
        ({"attributes": {"a": ["\ud800"]}}, "half a character"),
        ({"attributes": {"\ud800": 1}}, "half a character"),
        ({"repeat": {"\ud800": 1}}, "half a character"),
        ({"attributes": {"_jitter": float("inf")}}, "_jitter"),
        ({"attributes": {"_name": "x" * 1_001}}, "at most 1000 characters"),
        ({"attributes": {"a": "x" * 2_000_000}}, "max_attrs_bytes"),
        ({"attributes": {"a": object()}}, "wanted JSON"),
        ({"attributes": ["a"]}, "found list as attributes, wanted a JSON object"),
        ({"repeat": DAILY, "attributes": [1]}, "found list as attributes, wanted a JSON object"),
        ({"repeat": DAILY, "attributes": ""}, "found str as attributes, wanted a JSON object"),
        ({"domain": "te\0a"}, "NUL"),
        ({"type": ""}, "empty type"),
        ({"domain": "tea:due", "type": ""}, 'wanted two texts: "tea", "due"'),
        ({"once": "k" * 256}, "found a key of 256 characters"),
    ],
)
def test_what_it_cannot_be(engine: Engine, given: dict[str, Any], wanted: str) -> None:
    if not given.keys() & {"at", "repeat"} and given:
        given = {"repeat": "0 9 * * *", **given}
    given = {"domain": "tea", "type": "due", **given}
    with pytest.raises(PicoschedError) as refused:
        engine.acting(HTTP).root.schedule(given.pop("domain"), given.pop("type"), **given)
    assert wanted in str(refused.value) and refused.value.code in ("invalid", "too_large")
    assert engine.scheduled() == [] and engine.audit() == []
    engine.root.schedule("tea", "due", at=timedelta(minutes=1))  # and the pico goes on
    engine.run_until("2026-03-01T08:02:00Z")
    assert engine.root.query("tea", "cups") == [{}]


def test_its_times_are_given_in_every_form(engine: Engine) -> None:
    at = datetime.fromisoformat("2026-03-01T10:00:30+01:00")
    rows = [
        engine.root.schedule("tea", "due", at=each) for each in (at, at.isoformat(), at.timestamp() * 1000)
    ]
    rows.append(engine.root.schedule("tea", "due", at=at - engine.now()))
    past = [engine.root.schedule("tea", "due", at=each).row.due for each in (0, 0.0, -1)]
    assert past == [engine.now()] * 3
    assert {(each.row.due, each.row.asked) for each in rows} == {(at + timedelta(seconds=30), at)}
    spec = rows[0].row.read("every day at 9:00", "Europe/Rome")
    assert engine.root.schedule("tea", "due", repeat=spec).row.tz == "Europe/Rome"


def test_what_names_a_day_is_a_time_and_rules_need_none(engine: Engine) -> None:
    days = ("2026-03-02", "20260302", "2026-061", "2026061", "2026-W10-1", "2026W101", "2026-03-02T00:00Z")
    rows = [engine.root.schedule("tea", "due", at=each).row for each in days]
    assert {each.due for each in rows} == {parse_time("2026-03-02T00:00:00Z")}
    for when, wanted in (("09:00", "2026-03-01T09:00:00Z"), ("2027", "2027-01-01T00:00:00Z")):
        row = by_rule(engine.root, "at", when, {})
        assert isinstance(row, Scheduled) and row.due == parse_time(wanted)


def test_a_pico_has_so_many_and_no_more(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock(START), max_pending=3) as engine:
        for _ in range(3):
            engine.root.schedule("tea", "due", at="2026-03-02")
        with pytest.raises(PicoschedError, match="wanted fewer than 3 \\(max_pending\\)") as refused:
            engine.root.schedule("tea", "due", at="2026-03-02")
        assert refused.value.code == "too_large" and engine.agenda.count(Filter()) == 3


def test_what_nobody_may(engine: Engine, anna: Engine) -> None:
    reader = engine.acting(Actor(HTTP, "bo", Role.READ))
    with pytest.raises(PicoschedError, match="wanted operate"):
        reader.root.schedule("tea", "due", at="2026-03-02")
    with pytest.raises(PicoschedError, match="wanted author: events of wrangler"):
        anna.root.schedule("wrangler", "install_ruleset_request", at="2026-03-02")
    gone = engine.new_pico("gone")
    gone.delete()
    with pytest.raises(PicoschedError) as refused:
        gone.schedule("tea", "due", at="2026-03-02")
    assert refused.value.code == "not_found" and engine.scheduled() == []


def test_a_key_makes_it_once(engine: Engine, anna: Engine) -> None:
    made = anna.root.schedule("tea", "due", at="2026-03-02", once="k")
    again = anna.root.schedule("tea", "due", at="2026-03-03", once="k")
    assert (
        (again.row, again.is_new) == (made.row, False)
        and len(engine.scheduled()) == 1
        and len(engine.audit()) == 1
    )
    event = engine.new_event("tea", "due", once="k")  # the keys of events are others
    assert not engine.raise_one(event, engine.root.id).repeated
    other = engine.new_pico("kitchen").schedule("tea", "due", at="2026-03-03", once="k")
    assert other.id != made.id


def test_a_zone_that_an_at_ignores_is_told(engine: Engine) -> None:
    given = {"at": "2126-03-02T09:00", "attributes": {"_timezone": "Europe/Rome"}}
    made = engine.root.schedule("tea", "due", **given)
    assert made.row.due == parse_time("2126-03-02T09:00:00Z")
    assert made.warnings == [
        "found _timezone with an at, which ignores it: a time without an offset is in UTC"
    ]
    assert not engine.root.schedule("tea", "due", at="2126-03-02T09:00").warnings


def test_an_attribute_that_only_nearly_steers_is_told(engine: Engine) -> None:
    given = {"_nam": "x", "_widow": "office", "_tz": "Europe/Rome", "_retries": 3, "_own": 1, "name": 2}
    made = engine.root.schedule("tea", "due", repeat="0 9 * * *", attributes=given)
    assert made.row.attrs == given and made.row.name is None
    assert made.warnings == [
        "found _nam, which is passed to the event as it is: is _name meant?",
        "found _widow, which is passed to the event as it is: is _window meant?",
        "found _tz, which is passed to the event as it is: is _timezone meant?",
        "found _retries, which is passed to the event as it is: is _retry meant?",
    ]
    many = {f"_nam{n}{'x' * n}": n for n in range(10_000, 10_000 + 20)} | {f"_{n}": n for n in range(1_000)}
    assert not engine.root.schedule("tea", "due", repeat="0 9 * * *", attributes=many).warnings


@pytest.mark.parametrize(
    "at", ["2026-03-02", "20260302T09", "2026-061", "2026061", "2026-W10-1T09:00", "\u00a02026-03-02 09:00 "]
)
def test_each_way_to_write_a_date_is_one(engine: Engine, at: str) -> None:
    made = engine.root.schedule("tea", "due", at=at)
    assert made.row.due is not None and f"{made.row.due:%F}" == "2026-03-02"


def test_a_window_that_never_lets_it_come_is_told(engine: Engine) -> None:
    engine.add_window("evening", "0 20 * * *", "0 22 * * *")

    def warnings(**when: Any) -> list[str]:
        return [*engine.root.schedule("tea", "due", attributes={"_window": "evening"}, **when).warnings]

    closed = "the window evening is closed at each of its next times: as it is, it will not be raised"
    assert warnings(repeat="daily at 12:00") == [closed]
    assert warnings(repeat="daily at 21:00") == warnings(repeat="0 * * * *") == []
    assert warnings(at="2026-03-02T12:00:00Z") == []  # it waits for the window


def test_an_event_that_no_rule_selects_is_told(engine: Engine) -> None:
    def warnings(event: str) -> list[str]:
        made = engine.root.schedule(*event.split(":"), at="2026-03-02", attributes={"_name": event})
        assert made.is_new
        return [*made.warnings]

    warning = "no rule of the pico root selects tea:duw so far"
    assert warnings("tea:duw") == [warning] and warnings("tea:due") == []
    engine.root.install("""ruleset odd {
      rule off is inactive { select when tea off }
      rule pair { select when tea warm and tea poured }
    }""")
    assert warnings("tea:poured") == [] and len(warnings("tea:off")) == 1
    (own,) = [each for each in engine.scheduled() if each.name == "tea:duw"]
    assert own.due == parse_time("2026-03-02T00:00:00Z")  # a rule that selects it may come before
    engine.root.install("ruleset any { rule all { select where true } }")
    assert warnings("tea:tea") == []


def test_it_has_the_warnings_of_a_rule(engine: Engine) -> None:
    (warning,) = engine.root.schedule("tea", "due", repeat="* * * * *").warnings
    turn = engine.root.raise_event("tea", "repeat", {"when": "* * * * *", "attributes": {}})
    assert turn.warnings == [warning] and "min_period" in warning
