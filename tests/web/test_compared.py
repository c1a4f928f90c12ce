"""Two rehearsals beside each other: what is the same, changed, gone and new, as far as both are known."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from picosched.clock import VirtualClock
from picosched.engine.concerned import concerned_by, leave_out
from picosched.engine.engine import Engine
from picosched.engine.rehearsed import Cause, Record
from picosched.notation import parse_input
from picosched.rehearsal.simulate import simulate
from picosched.store.picos import hash_of
from picosched.web.console import compared
from picosched.web.console.compared import Comparison, Rehearsal, Run, compare

START = datetime(2026, 3, 1, tzinfo=UTC)


def record(day: int, type: str = "due", said: str | None = None, id: str = "1") -> Record:
    at = START + timedelta(days=day)
    directives: list[dict[str, Any]] = [] if said is None else [{"name": "say", "options": {"text": said}}]
    return Record(at, "root", "d", type, {}, Cause(id, None, at), [], directives, [])


def told(found: Comparison) -> str:
    return " ".join(f"{pair.record.at.day}{pair.record.type}:{pair.how}" for pair in found.pairs)


CASES = [
    ([record(1), record(2)], [record(1), record(2)], "2due:same 3due:same"),
    ([record(1)], [record(1, id="another")], "2due:same"),  # an id is none of what it does
    ([record(1, said="a")], [record(1, said="b")], "2due:changed"),
    ([record(1)], [], "2due:gone"),
    ([], [record(1)], "2due:new"),
    ([record(1), record(3)], [record(2), record(3)], "2due:gone 3due:new 4due:same"),
    ([record(1, "a"), record(1, "b")], [record(1, "b"), record(1, "a")], "2a:same 2b:same"),
    ([record(1), record(1)], [record(1)], "2due:same 2due:gone"),
]


@pytest.mark.parametrize(("before", "after", "wanted"), CASES)
def test_events_of_one_time_and_name_are_compared(
    before: list[Record], after: list[Record], wanted: str
) -> None:
    found = compare(Run(before), Run(after))
    assert told(found) == wanted and found.cut is None


def test_nothing_is_said_of_the_time_behind_a_cut() -> None:
    found = compare(
        Run([record(1), record(2), record(3)]), Run([record(1), record(2)], START + timedelta(days=2))
    )
    assert told(found) == "2due:same" and found.cut == START + timedelta(days=2)


RULESET = """
ruleset digest {
  rule wanted {
    select when digest wanted
    always { schedule notification event "due" repeat "0 7 * * *" }
  }
  rule due { select when notification due send_directive("say", {"text": "news"}) }
}
"""


def rehearse(engine: Engine, *texts: str | None, days: int = 3, raised: str = "digest:wanted") -> Comparison:
    store = engine.read(engine.store.copy)
    try:
        until = START + timedelta(days=days)
        inputs = [parse_input(raised)]
        what = Rehearsal(store, engine.root.id, START, until, inputs, engine.settings)
        return compare(*(what.run(text, threading.Event(), lambda done: None) for text in texts))
    finally:
        store.close()


def test_the_same_text_does_the_same_and_another_shows_what_differs() -> None:
    with Engine(clock=VirtualClock(START), granularity=1) as engine:
        engine.root.install(RULESET)
        same = rehearse(engine, RULESET, RULESET)
        assert len(same.pairs) == 4 and same.count("same") == 4
        other = rehearse(engine, RULESET, RULESET.replace('"news"', '"other"'))
        assert (other.count("same"), other.count("changed")) == (1, 3)
        later = rehearse(engine, RULESET, RULESET.replace("0 7", "0 8"))
        assert (later.count("same"), later.count("gone"), later.count("new")) == (1, 3, 3)
        assert engine.scheduled() == [], "a rehearsal touches nothing"


def test_a_text_that_is_new_is_compared_with_nothing() -> None:
    with Engine(clock=VirtualClock(START), granularity=1) as engine:
        found = rehearse(engine, None, RULESET)
        assert (found.count("changed"), found.count("new")) == (1, 3)
        assert found.pairs[0].before is not None and found.pairs[0].before.rules == []


def test_a_run_is_bounded_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    with Engine(clock=VirtualClock(START), granularity=1, min_period=0) as engine:
        often = RULESET.replace("0 7 * * *", "* * * * *")
        monkeypatch.setattr(compared, "MOST_RECORDS", 50)
        found = rehearse(engine, often, often)
        assert len(found.pairs) == 50 and found.cut == START + timedelta(minutes=50)
        stopped = threading.Event()
        store = engine.read(engine.store.copy)
        what = Rehearsal(
            store,
            engine.root.id,
            START,
            START + timedelta(days=1),
            [parse_input("digest:wanted")],
            engine.settings,
        )
        run = what.run(often, stopped, lambda done: stopped.set() if done > 0.01 else None)
        assert run.cut is not None and 0 < len(run.records) < 50
        store.close()


COUNTED = """
ruleset counted {
  rule begin { select when counted begin always { schedule counted event "hour" repeat "0 * * * *" } }
  rule hour { select when counted hour always { ent:hours := ent:hours.defaultsTo(0) + 1 } }
  rule asked {
    select when counted asked
    pre { eci = event:attrs{"eci"} }
    event:send({"eci": eci, "domain": "digest", "type": "wanted", "attrs": {"hours": ent:hours}})
  }
}
"""


def test_what_comes_in_another_pico_is_left_out_unless_an_event_that_is_raised_there_tells_of_it() -> None:
    with Engine(clock=VirtualClock(START), granularity=1) as engine:
        engine.root.install(RULESET)
        other = engine.new_pico("other")
        other.install(COUNTED)
        other.raise_event("counted", "begin")
        deployed = {engine.root.id: {hash_of(RULESET): RULESET}}
        with closing(engine.read(engine.store.copy)) as copy:
            asked = [(other.id, "counted", "asked")]
            assert concerned_by(copy, deployed, asked).left_out == ()
            concerned = concerned_by(copy, deployed)
            assert concerned.left_out == ((other.id, "counted"),)
            leave_out(copy, concerned)
            until = START + timedelta(days=30)
            kept = [*simulate([], START, until, [parse_input("digest:wanted")], store=copy)]
        assert len(kept) == 31 and {each.pico for each in kept} == {engine.root.name}
