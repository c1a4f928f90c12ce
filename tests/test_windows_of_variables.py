"""Windows whose times are entity variables, against fixed windows of what the variables are at each time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched import Engine, KrlError, VirtualClock
from picosched.check import check
from picosched.clock import format_time, parse_time
from picosched.schedule.scheduled import Outcome
from picosched.schedule.window import Window

START = parse_time("2026-03-27T00:00:00Z")
HOUR = timedelta(hours=1)
DESK = """
ruleset desk {
  meta {
    shares open, list
    window own from ent:on to ent:off in ent:zone
  }
  global {
    open = function() { window:open("own") }
    list = function() { window:list() }
  }
  rule hours {
    select when desk hours
    always { ent:on := event:attrs{"on"}  ent:off := event:attrs{"off"}  ent:zone := event:attrs{"zone"} }
  }
  rule half { select when desk half  always { ent:on := event:attrs{"on"} } }
  rule failing {
    select when desk failing
    always { ent:on := "* * * * *"  ent:on := "x" - "y" }
  }
  rule every {
    select when desk every
    always { schedule desk event "rang" repeat "0 * * * *" with _window = "own" }
  }
  rule once {
    select when desk once
    always { schedule desk event "rang" at event:attrs{"at"} with _window = "own" }
  }
  rule rang { select when desk rang  always { ent:rang := ent:rang.defaultsTo(0) + 1 } }
  rule edge {
    select when window opened or window closed
    send_directive(event:type, event:attrs)
    always { ent:edges := ent:edges.defaultsTo([]).append([[event:type, event:attrs{"at"}]]) }
  }
}
"""


NOT_SET = "the window own is not set: ent:on is null"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with opened(tmp_path / "picos.db") as found:
        yield found


def opened(path: Path | None = None, **options: Any) -> Engine:
    engine = Engine(path or ":memory:", clock=VirtualClock(START), min_period=0, **options)
    engine.root.install(DESK)
    return engine


def clock_of(engine: Engine) -> VirtualClock:
    assert isinstance(engine.clock, VirtualClock)
    return engine.clock


def hours(engine: Engine, on: Any, off: Any, zone: str | None = None) -> Any:
    return engine.root.raise_event("desk", "hours", {"on": on, "off": off, "zone": zone})


def edges(engine: Engine) -> list[str]:
    return [
        f"{row.type} {format_time(row.due)}"
        for row in engine.agenda.scheduled()
        if row.kind == "window" and row.due
    ]


def is_open(engine: Engine) -> Any:
    return engine.root.query("desk", "open")


times = st.integers(0, 23).map("daily at {}:00".format)
changes = st.lists(
    st.tuples(st.integers(1, 40), times, times, st.sampled_from(["UTC", "Europe/Berlin", "Asia/Tokyo"])),
    min_size=1,
    max_size=5,
)


@given(changes)
@settings(max_examples=25, deadline=None)
def test_occurrences_and_edges_are_those_of_the_window_that_there_is_at_the_time(
    changes: list[tuple[int, str, str, str]],
) -> None:
    """Berlin's clocks are set forward on 29 March 2026, within the time that is looked at."""
    with opened() as engine:
        hours(engine, "daily at 8:00", "daily at 18:00")
        engine.root.raise_event("desk", "every")
        window, wanted, raised = Window.parse("own", "daily at 8:00", "daily at 18:00"), list[list[str]](), []
        now = START
        for after, on, off, zone in [*changes, (30, "", "", "")]:
            for _ in range(after):
                before, now = now, clock_of(engine).advance(hours=1)
                while engine.run_due():
                    pass
                if window.open_at(now):
                    raised.append(now)
                wanted += [[each.type, format_time(each.at)] for each in passed(window, before, now)]
                assert is_open(engine) == window.open_at(now)
            if on and on != off:
                hours(engine, on, off, zone)
                window = Window.parse("own", on, off, zone)
        (row,) = [each for each in engine.agenda.scheduled() if each.kind == "repeat"]
        fires = engine.agenda.history(id=row.id, limit=1_000)
        assert sorted(each.nominal for each in fires if each.outcome is Outcome.FIRED) == raised
        skipped = [each for each in fires if each.outcome is Outcome.SKIPPED]
        assert len(fires) == len(raised) + len(skipped)
        assert all("the window own " in (each.why or "") for each in skipped)
        found = engine.read(engine.store.entity, engine.root.id, "desk", "edges") or []
        assert found == wanted


def passed(window: Window, after: datetime, until: datetime) -> Iterator[Any]:
    edge = window.next_edge(after)
    while edge is not None and edge.at <= until:
        yield edge
        edge = window.next_edge(edge.at)


def test_a_window_that_is_not_set_is_closed_and_has_no_edges(engine: Engine) -> None:
    assert is_open(engine) is False
    assert engine.root.query("desk", "list") == [
        {"name": "own", "open": False, "opens": None, "closes": None, "tz": "UTC", "why": NOT_SET}
    ]
    engine.root.raise_event("desk", "every")
    assert edges(engine) == []
    clock_of(engine).advance(hours=1)
    engine.run_due()
    (fire,) = engine.agenda.history()
    assert (fire.outcome, fire.why) == (Outcome.SKIPPED, NOT_SET)
    assert hours(engine, "daily at 8:00", "daily at 18:00").warnings == []
    assert edges(engine) == ["opened 2026-03-27T08:00:00Z"]
    (row,) = [each for each in engine.agenda.scheduled() if each.window]
    assert engine.agenda.shut([row]) == {}
    hours(engine, None, None)
    assert edges(engine) == []
    assert engine.agenda.shut([row]) == {row.id: NOT_SET}
    assert engine.agenda.explained(row.id).lines() == [NOT_SET]


def test_what_is_no_timespec_is_told_in_the_turn_and_fails_what_depends_on_it(engine: Engine) -> None:
    engine.root.raise_event("desk", "every")
    (warning,) = hours(engine, "blursday", "daily at 18:00").warnings
    assert warning.startswith('the window own of ent:off, ent:on, ent:zone: timespec "blursday", column 1')
    with pytest.raises(KrlError, match='timespec "blursday"'):
        is_open(engine)
    assert [(each["open"], each["why"]) for each in engine.root.query("desk", "list")] == [(False, warning)]
    assert [*engine.agenda.shut(engine.agenda.scheduled()).values()] == [warning]
    clock_of(engine).advance(hours=1)
    engine.run_due()
    (fire,) = engine.agenda.history()
    assert engine.agenda.next_times(fire.id) == []
    assert fire.outcome is Outcome.FAILED
    assert "blursday" in (fire.why or "")
    assert [format_time(each.due) for each in engine.agenda.scheduled() if each.due] == [
        "2026-03-27T02:00:00Z"
    ]
    for wrong in (7, ["x"], {"hour": "x"}, "1 " * 5_000, True):
        assert len(hours(engine, wrong, "daily at 18:00").warnings) == 1
    assert len(hours(engine, "daily at 8:00", "daily at 18:00", "Mars").warnings) == 1
    assert hours(engine, {"hours": 8, "minutes": 0}, "daily at 18:00").warnings == []
    assert edges(engine) == ["opened 2026-03-27T08:00:00Z"]


def test_a_window_that_closes_whenever_it_opens_is_closed(engine: Engine) -> None:
    hours(engine, "daily at 8:00", "hourly")
    assert is_open(engine) is False
    assert edges(engine) == []


def test_a_failing_rule_changes_no_window(engine: Engine) -> None:
    hours(engine, "daily at 8:00", "daily at 18:00")
    turn = engine.root.raise_event("desk", "failing", {"on": "x"})
    assert len(turn.errors) == 1
    assert edges(engine) == ["opened 2026-03-27T08:00:00Z"]
    engine.root.raise_event("desk", "half", {"on": "daily at 7:00"})
    assert edges(engine) == ["opened 2026-03-27T07:00:00Z"]


def test_a_single_event_waits_for_the_window_that_there_was_when_it_was_due(engine: Engine) -> None:
    hours(engine, "daily at 8:00", "daily at 18:00")
    engine.root.raise_event("desk", "once", {"at": "2026-03-27T02:00:00Z"})
    clock_of(engine).advance(hours=2)
    engine.run_due()
    (row,) = [each for each in engine.agenda.scheduled() if each.kind == "at"]
    assert format_time(row.due) == "2026-03-27T08:00:00Z"
    hours(engine, "daily at 9:00", "daily at 18:00")
    clock_of(engine).advance(hours=6)
    engine.run_due()
    assert format_time(engine.agenda.load(row.id).due) == "2026-03-27T09:00:00Z"
    assert engine.agenda.next_times(row.id) == [parse_time("2026-03-27T09:00:00Z")]


def test_each_pico_has_its_own(engine: Engine) -> None:
    other = engine.new_pico("other")
    other.install(DESK)
    hours(engine, "daily at 8:00", "daily at 18:00")
    other.raise_event("desk", "hours", {"on": "daily at 10:00", "off": "daily at 11:00"})
    clock_of(engine).set("2026-03-27T09:00:00Z")
    assert (is_open(engine), other.query("desk", "open")) == (True, False)


def test_a_copy_of_a_pico_follows_its_own_variables(engine: Engine) -> None:
    hours(engine, "daily at 8:00", "daily at 18:00")
    copy = engine.import_pico(engine.export_pico(engine.root.id), name="copy")
    assert edges(engine) == ["opened 2026-03-27T08:00:00Z"] * 2
    copy.raise_event("desk", "half", {"on": "daily at 7:00"})
    assert edges(engine) == ["opened 2026-03-27T07:00:00Z", "opened 2026-03-27T08:00:00Z"]


META = 'ruleset r { meta { window w from %s to "0 18 * * *" in %s } rule r { select when window opened } }'


@pytest.mark.parametrize(
    ("opens", "zone", "wanted"),
    [
        ("ent:on", "ent:zone", []),
        ('ent:on.defaultsTo("0 8 * * *")', 'ent:zone.defaultsTo("Europe/Berlin")', []),
        ('(ent:on).defaultsTo({"hours": 8})', '"UTC"', []),
        ('ent:on.defaultsTo("0 8 * *")', '"UTC"', ["E304"]),
        ("ent:on.defaultsTo(8)", '"UTC"', ["E304"]),
        ("ent:on.defaultsTo(ent:other)", '"UTC"', ["E304"]),
        ("ent:on.uc()", '"UTC"', ["E304"]),
        ("app:on", '"UTC"', ["E304"]),
        ('ent:on + "0 8 * * *"', '"UTC"', ["E304"]),
        ("ent:on", 'ent:zone.defaultsTo("Mars")', ["E305"]),
        ("ent:on", "ent:zone.defaultsTo(1)", ["E305"]),
    ],
)
def test_what_may_stand_in_a_window(opens: str, zone: str, wanted: list[str]) -> None:
    assert [each.code for each in check(META % (opens, zone))] == wanted
