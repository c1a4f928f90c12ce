"""A replay settles the occurrences of sources as they were settled: raised, sent on, late or let go."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from picosched import Engine, VirtualClock

START = "2026-03-01T00:00:00Z"
RULES = """ruleset h {
  rule tick { select when a tick
    send_directive("tick", {"n": ent:n}) fired { ent:n := ent:n.defaultsTo(0) + 1 } }
  rule go { select when a go send_directive("go", {"n": ent:n, "at": time:now()}) }
}"""


def source(kind: str, to: str, misfire: str | None = None) -> dict[str, Any]:
    steered = {} if misfire is None else {"misfire": misfire}
    given = {"type": kind, "name": "s", "to": {to: "root" if to == "pico" else "h"}, **steered}
    if kind == "metronome":
        return {**given, "interval": 420_000, "event": "a:tick"}
    return {**given, "entries": [{"name": "each", "when": "*/7 * * * *", "event": "a:tick"}]}


SOURCES = [
    source("crontab", "pico", "skip"),
    source("crontab", "pico", "all"),
    source("crontab", "rid"),
    source("crontab", "rid", "skip"),
    source("metronome", "pico"),
    source("metronome", "pico", "once"),
    source("metronome", "rid"),
    source("metronome", "rid", "once"),
    source("metronome", "rid", "all"),
]


@pytest.mark.parametrize("given", SOURCES, ids=lambda each: "-".join(map(str, [each["type"], *each["to"]])))
def test_what_passed_while_nothing_ran(given: dict[str, Any]) -> None:
    with Engine(":memory:", VirtualClock(START)) as engine:
        engine.root.install(RULES)
        engine.add_source(given)
        engine.root.raise_event("a", "go")
        with closing(engine.store.copy()) as backup:
            engine.run_until("2026-03-01T00:10:00Z")
            engine.clock.advance(minutes=20, seconds=3)
            engine.run_due()
            engine.root.raise_event("a", "go")
            engine.run_until("2026-03-01T00:40:00Z")
            found = engine.replay(backup=backup)
    assert (found.differences, found.unsure, found.lost) == ([], [], 0), found.lines()
    assert found.turns >= 3


def test_what_people_pause_passes_again() -> None:
    repeat = """ruleset r { rule begin { select when a begin
        fired { schedule a event "go" repeat "*/5 * * * *" attributes {"_name": "r"} } } }"""
    for each in (source("crontab", "pico"), source("crontab", "rid"), source("metronome", "pico")):
        with Engine(":memory:", VirtualClock(START)) as engine:
            engine.root.install(RULES)
            engine.root.install(repeat)
            engine.add_source(each)
            engine.root.raise_event("a", "begin")
            (row,) = engine.agenda.scheduled()
            with closing(engine.store.copy()) as backup:
                for minute, pause in (("10", True), ("31", False), ("40", True)):
                    engine.run_until(f"2026-03-01T00:{minute}:00Z")
                    (engine.pause_source if pause else engine.resume_source)("s")
                    (engine.agenda.pause if pause else engine.agenda.resume)(row.id)
                engine.add_source({**source("crontab", "pico"), "name": "new"})
                engine.run_until("2026-03-01T01:10:00Z")
                engine.root.raise_event("a", "go")
                found = engine.replay(backup=backup)
                assert (found.differences, found.unsure, found.lost) == ([], [], 0), found.lines()
                engine.agenda.resume(row.id)
                engine.agenda.move(row.id, timedelta(minutes=1))
                engine.run_until("2026-03-01T01:30:00Z")
                found = engine.replay(backup=backup)
                assert (found.differences, found.unsure, found.redone) == ([], [], 9), found.lines()
                with engine.store.transaction():  # as if an older picosched had run
                    engine.store._database.run("DELETE FROM intervention")
                found = engine.replay(backup=backup)
                assert found.differences == []
                assert {each.unsure for each in found.unsure} == {"people changed a schedule of it since"}


def test_a_source_that_is_paused_in_a_replay_or_plan_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    fails = 'ruleset h { rule t { select when a tick pre { x = "a" - 1 } noop() } }'
    with Engine(":memory:", VirtualClock(START)) as engine:
        engine.root.install(fails)
        engine.add_source({**source("crontab", "pico"), "on_failure": "pause after 2"})
        engine.root.raise_event("a", "go")
        with closing(engine.store.copy()) as backup:
            engine.run_until("2026-03-01T00:07:00Z")
            engine.plan([fails + " "], days=1)
            assert caplog.messages == []
            engine.run_until("2026-03-01T00:20:00Z")
            (told,) = caplog.messages
            assert told.startswith("the source s is paused")
            assert engine.replay(backup=backup).differences == []
        assert caplog.messages == [told]


@pytest.mark.parametrize("misfire", ["skip", "once", "all"])
def test_when_fast_ticks_came_is_not_known(misfire: str) -> None:
    fast = {**source("metronome", "pico", misfire), "interval": 500}
    rules = RULES.replace("ent:n.defaultsTo(0) + 1", 'ent:n.defaultsTo(0) + event:attrs{"id"}')
    with Engine(":memory:", VirtualClock(START)) as engine:
        engine.root.install(rules)
        engine.add_source(fast)
        engine.root.raise_event("a", "go")
        with closing(engine.store.copy()) as backup:
            engine.run_until("2026-03-01T00:00:40Z")
            engine.root.raise_event("a", "go")
            found = engine.replay(backup=backup)
            assert (found.differences, found.unsure) == ([], []), found.lines()
            engine.clock.advance(seconds=40)
            engine.root.raise_event("a", "go")  # before the ticks that are late
            engine.run_due()
            engine.root.raise_event("a", "go")
            found = engine.replay(backup=backup)
    assert found.differences == []
    assert [each.unsure for each in found.unsure] == ["when the ticks of the source s came is not on record"]


@pytest.mark.parametrize("misfire", ["skip", "once", "all"])
@pytest.mark.parametrize("more", [{}, {"journal": True}, {"interval": 1_000, "journal": False}], ids=str)
@pytest.mark.parametrize("to", ["pico", "rid"])
def test_ticks_of_any_number_are_not_kept_one_by_one(to: str, more: dict[str, Any], misfire: str) -> None:
    with Engine(":memory:", VirtualClock(START)) as engine:
        engine.root.install(RULES)
        engine.add_source({**source("metronome", to, misfire), "interval": 250, **more})
        before = engine.store.interventions.last()
        for _ in range(10):
            engine.clock.advance(seconds=3)
            engine.run_due()
        assert engine.sources()[0].raised > 0
        assert engine.store.interventions.last() == before


steps = st.lists(st.sampled_from(["go", "down 5s", "down 400s", "down 2000s", "up 700s"]), max_size=12)


@hypothesis_settings(max_examples=40, deadline=None)
@example([source("crontab", "rid", "skip")], 0, ["down 3600s"])  # the last one is just in time
@example([source("crontab", "rid")], 0, ["up 419.5s", "go", "up 700s"])  # half a second before
@example([source("metronome", "rid", "once")], 1, ["down 2000s", "go", "down 400s"])
@example([source("metronome", "rid")], 0, ["up 700s", "down 2000s", "go", "up 700s"])
@given(st.lists(st.sampled_from(SOURCES), min_size=1, max_size=2), st.integers(0, 1), steps)
def test_any_history_with_sources(sources: list[dict[str, Any]], also: int, steps: list[str]) -> None:
    with Engine(":memory:", VirtualClock(START)) as engine:
        engine.root.install(RULES)
        for _ in range(also):
            engine.new_pico("other").install(RULES)
        for number, each in enumerate(sources):
            engine.add_source({**each, "name": f"s{number}"})
        engine.root.raise_event("a", "go")
        with closing(engine.store.copy()) as backup:
            for each in steps:
                if each == "go":
                    engine.root.raise_event("a", "go")
                elif each.startswith("up"):
                    engine.run_until(engine.now() + timedelta(seconds=float(each[3:-1])))
                else:
                    engine.clock.advance(seconds=float(each[5:-1]))
                    engine.run_due()
            found = engine.replay(backup=backup)
    assert (found.differences, found.unsure, found.lost) == ([], [], 0), found.lines()
