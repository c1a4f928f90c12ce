"""Sources as rules change them: with the turn or not at all, and only those of the root pico."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from picosched import Engine, PicoRef, Turn, VirtualClock
from picosched.engine.standard import install_standard
from picosched.standard import SOURCES

START = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

KEEPER = """ruleset keeper {
  meta { shares listed, ticks }
  global {
    listed = function(){ source:list() }
    ticks = function(){ ent:ticks.defaultsTo(0) }
  }
  rule tick { select when metronome tick always { ent:ticks := ticks() + 1 } }
  rule stop { select when metronome tick where ticks() >= event:attrs{"most"}.defaultsTo(1000)
    source:remove("tick") }
  rule add { select when keep add every { source:add(event:attrs) setting(id)
    send_directive("kept", {"id": id, "seen": source:list().map(function(each){ each{"name"} })}) }
    always { ent:id := id } }
  rule add_and_fail { select when keep fail source:add({"type": "metronome", "name": "gone", "interval": 1000,
      "to": {"pico": "root"}})
    always { schedule x event "y" at "no time" } }
  rule remove { select when keep remove every { source:remove(event:attrs{"id"}) setting(done)
    send_directive("done", {"done": done, "seen": source:list().length()}) } }
  rule pause { select when keep pause every {
    source:pause(event:attrs{"id"}, event:attrs{"until"}) setting(done)
    send_directive("done", {"done": done, "paused": source:list()[0]{"paused"}}) } }
  rule resume { select when keep resume every { source:resume(event:attrs{"id"}) setting(done)
    send_directive("done", {"done": done}) } }
}"""

TICK = {"type": "metronome", "name": "tick", "interval": 1000, "to": {"pico": "root"}}


@pytest.fixture
def root() -> Iterator[PicoRef]:
    with Engine(clock=VirtualClock(START), seed=1) as engine:
        engine.root.install(KEEPER)
        yield engine.root


def told(turn: Turn) -> dict[str, Any]:
    assert turn.errors == []
    (directive,) = turn.directives
    options: dict[str, Any] = directive.options
    return options


def error_of(turn: Turn) -> str:
    (error,) = turn.errors
    return error.message


def test_a_rule_adds_a_source_with_its_turn(root: PicoRef) -> None:
    kept = told(root.raise_event("keep", "add", TICK))
    (source,) = root.engine.sources()
    assert (source.id, source.name, source.due) == (kept["id"], "tick", START + SECOND)
    assert kept["seen"] == ["tick"]
    root.engine.run_until(START + 3 * SECOND)
    assert root.query("keeper", "ticks") == 3
    (shown,) = root.query("keeper", "listed")
    assert (shown["id"], shown["fires"], shown["entries"][0]["due"]) == (source.id, 3, "2026-03-01T00:00:04Z")


def test_a_rule_that_fails_adds_nothing(root: PicoRef) -> None:
    assert len(root.raise_event("keep", "fail").errors) == 1
    assert root.engine.sources() == []


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({**TICK, "interval": 1}, 'the source "tick", interval: found 1, wanted a whole number'),
        (
            {"type": "crontab", "to": {"pico": "root"}, "file": "/etc/passwd"},
            "the source, file: only picosched.toml",
        ),
        ({}, 'the source: the key "type" is missing'),
    ],
)
def test_a_fault_in_a_declaration_is_the_rules(
    root: PicoRef, declaration: dict[str, Any], message: str
) -> None:
    assert message in error_of(root.raise_event("keep", "add", declaration))
    assert root.engine.sources() == []


def test_a_name_that_is_taken_is_refused_in_the_rule(root: PicoRef) -> None:
    root.raise_event("keep", "add", TICK)
    assert 'there is a source "tick" already' in error_of(root.raise_event("keep", "add", TICK))


def test_rules_pause_resume_and_remove(root: PicoRef) -> None:
    engine = root.engine
    root.raise_event("keep", "add", TICK)
    assert told(root.raise_event("keep", "pause", {"id": "tick"})) == {"done": True, "paused": True}
    assert engine.run_until(START + 5 * SECOND) == 0
    assert told(root.raise_event("keep", "resume", {"id": "tick"})) == {"done": True}
    assert told(root.raise_event("keep", "resume", {"id": "tick"})) == {"done": False}
    assert engine.run_until(START + 7 * SECOND) == 2
    until = "2026-03-01T00:01:00Z"
    assert told(root.raise_event("keep", "pause", {"id": "tick", "until": until}))["done"]
    assert engine.run_until("2026-03-01T00:01:02Z") == 2
    assert told(root.raise_event("keep", "remove", {"id": "tick"})) == {"done": True, "seen": 0}
    assert told(root.raise_event("keep", "remove", {"id": "tick"})) == {"done": False, "seen": 0}
    assert engine.sources() == []


def test_a_source_may_be_removed_by_the_event_it_raises(root: PicoRef) -> None:
    root.raise_event("keep", "add", {**TICK, "journal": True})
    root.install(KEEPER.replace("defaultsTo(1000)", "defaultsTo(3)"))
    assert root.engine.run_until(START + 10 * SECOND) == 3
    assert (root.engine.sources(), root.query("keeper", "ticks")) == ([], 3)


def test_only_the_root_pico_may(root: PicoRef) -> None:
    kitchen = root.engine.new_pico("kitchen")
    kitchen.install(KEEPER)
    wanted = "only rules of the root pico can see and change sources; this is kitchen"
    for type in ("add", "remove", "pause", "resume"):
        assert error_of(kitchen.raise_event("keep", type, {**TICK, "id": "tick"})) == wanted


def test_a_source_of_the_configuration_is_not_removed_by_a_rule(root: PicoRef) -> None:
    from picosched.sources.reading import read_source

    root.engine.bring_sources([read_source(TICK)])
    assert "is configured in picosched.toml" in error_of(root.raise_event("keep", "remove", {"id": "tick"}))
    assert told(root.raise_event("keep", "pause", {"id": "tick"}))["done"]


# ---- the standard ruleset ---------------------------------------------------------------------------


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(clock=VirtualClock(START), seed=1) as engine:
        install_standard(engine)
        yield engine


ASKING = """ruleset asking {
  meta { shares ticks } global { ticks = function(){ ent:ticks.defaultsTo(0) } }
  rule tick { select when metronome tick always { ent:ticks := ticks() + 1 } }
  rule ask { select when ask source
    event:send({"eci": event:attrs{"eci"}, "domain": "source", "type": event:attrs{"what"},
      "attrs": event:attrs{"with"}}) }
}"""


def test_any_pico_has_sources_made_by_the_root(engine: Engine) -> None:
    kitchen = engine.new_pico("kitchen")
    kitchen.install(ASKING)
    eci = engine.root.query(SOURCES, "eci")
    source = {**TICK, "to": {"pico": kitchen.id}}
    kitchen.raise_event("ask", "source", {"eci": eci, "what": "new", "with": source})
    engine.run_until(START + 3 * SECOND)
    assert kitchen.query("asking", "ticks") == 3
    kitchen.raise_event("ask", "source", {"eci": eci, "what": "pause", "with": {"id": "tick"}})
    assert engine.run_until(START + 10 * SECOND) == 1  # that event itself
    kitchen.raise_event("ask", "source", {"eci": eci, "what": "resume", "with": {"name": "tick"}})
    engine.run_until(START + 12 * SECOND)
    assert kitchen.query("asking", "ticks") == 5
    kitchen.raise_event("ask", "source", {"eci": eci, "what": "remove", "with": {"id": "tick"}})
    engine.run_due()
    assert engine.root.query(SOURCES, "sources") == []
    assert {fire.outcome for fire in engine.history()} == {"fired"}


@pytest.mark.slow
def test_the_root_hears_what_was_added_and_removed(engine: Engine) -> None:
    eci = engine.root.query(SOURCES, "eci")
    added = engine.raise_event(eci, "source", "new", {**TICK, "_headers": {"a": "b"}})
    assert [(each.type, each.attrs) for each in added.handled[1:]] == [
        ("added", {"id": engine.sources()[0].id, "name": "tick"})
    ]
    removed = engine.raise_event(eci, "source", "remove", {"id": "tick"})
    assert [(each.type, each.attrs) for each in removed.handled[1:]] == [("removed", {"id": "tick"})]
    again = engine.raise_event(eci, "source", "remove", {"id": "tick"})
    assert [each.type for each in again.handled[1:]] == ["error"]
    assert [logged.value for logged in again.log] == ["there is no source tick"]
    assert again.errors == []


def test_the_channel_is_for_sources_alone(engine: Engine) -> None:
    eci = engine.root.query(SOURCES, "eci")
    with pytest.raises(Exception, match="not allowed by the channel's policy"):
        engine.raise_event(eci, "wrangler", "new_child_request", {"name": "x"})


@pytest.mark.slow
def test_children_have_no_ruleset_for_sources(engine: Engine) -> None:
    engine.root.raise_event("wrangler", "new_child_request", {"name": "kid"})
    engine.run_due()
    (kid,) = engine.root.children()
    assert SOURCES not in kid.rulesets()
