"""NUL, which PostgreSQL takes in no text: refused in names whatever the store, and kept in JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from picosched import Engine, PicoschedError, VirtualClock
from picosched.pico.turn import Turn
from picosched.schedule.scheduled import Outcome

NUL = "a\0b"
RULES = """ruleset nuls {
  meta { shares n, kept }
  global {
    n = function() { ent:n.defaultsTo(0) }
    kept = function() { [ent:kept, ent:named] }
    later = function() { time:add(time:now(), {"hours": 1}) }
  }
  rule up { select when count up always { ent:n := n() + 1 } }
  rule keep {
    select when nul keep
    send_directive(event:attrs{"n"}, {}.put([event:attrs{"n"}], 1))
    always { ent:kept := event:attrs{"n"}; ent:named{event:attrs{"n"}} := 1; log info event:attrs{"n"} }
  }
  rule plan { select when nul plan always { schedule nul event "keep" at time:now() attributes event:attrs } }
  rule doom { select when nul doom always { schedule nul event "fail" at time:now() attributes event:attrs } }
  rule fail { select when nul fail always { ent:x := time:add(event:attrs{"n"}, {"hours": 1}) } }
  rule name {
    select when nul name
    always { schedule nul event "keep" at later() attributes {"_name": event:attrs{"n"}} }
  }
  rule described {
    select when nul described
    always { schedule nul event "keep" at later() attributes {"_description": event:attrs{"n"}} }
  }
  rule type { select when nul type always { schedule nul event event:attrs{"n"} at later() } }
  rule child { select when nul child ctx:newPico([], event:attrs{"n"}) }
}"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(clock=VirtualClock("2026-03-01T00:00:00Z")) as engine:
        engine.root.install(RULES)
        yield engine


def raised(engine: Engine, type: str) -> Turn:
    return engine.root.raise_event("nul", type, {"n": NUL})


@pytest.mark.parametrize(
    "attempt",
    [
        lambda engine: raised(engine, "name"),
        lambda engine: raised(engine, "described"),
        lambda engine: raised(engine, "type"),
        lambda engine: raised(engine, "child"),
        lambda engine: engine.root.raise_event(NUL, "x"),
        lambda engine: engine.root.raise_event("x", NUL),
        lambda engine: engine.root.raise_event("x", "y", eid=NUL),
        lambda engine: engine.new_pico(NUL),
        lambda engine: engine.root.install(f'ruleset q {{ rule r {{ select when a b noop("{NUL}") }} }}'),
        lambda engine: engine.add_source(
            {"type": "metronome", "interval": 3_600_000, "to": {"pico": "root"}, "name": NUL}
        ),
        lambda engine: engine.add_source({"type": "metronome", "interval": 3_600_000, "to": {"pico": NUL}}),
    ],
)
def test_it_is_refused_in_names_and_nothing_else_suffers(
    engine: Engine, attempt: Callable[[Engine], object]
) -> None:
    with pytest.raises(PicoschedError, match="NUL") as caught:
        attempt(engine)
    assert caught.value.code == "invalid" and "\0" not in caught.value.message
    for number in (1, 2):
        engine.root.raise_event("count", "up")
        assert engine.root.query("nuls", "n") == number
    assert engine.root.scheduled() == []


def test_it_is_kept_in_attributes_and_variables_and_escaped_in_errors(engine: Engine) -> None:
    for type in ("keep", "plan", "doom"):
        assert raised(engine, type).errors == []
    (failed,) = raised(engine, "fail").errors
    assert "a\\u0000b" in str(failed)
    assert engine.run_due() == 2
    assert engine.root.query("nuls", "kept") == [NUL, {NUL: 1}]
    assert {fire.outcome for fire in engine.history()} == {Outcome.FIRED, Outcome.FAILED}
    assert {entry.handled[0]["attrs"]["n"] for entry in engine.store.journal.entries()} == {NUL}
