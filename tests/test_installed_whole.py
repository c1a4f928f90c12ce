"""The whole graph of what is installed: warnings, and counts from the journal on the arrows."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from picosched import Engine, PicoschedError, VirtualClock
from picosched.engine.whole import read_whole

KETTLE = """ruleset kettle {
  rule start { select when tea started
    fired { schedule kettle event "boiled" at time:add(time:now(), {"minutes": 3})
      attributes {"level": 0} } }
  rule boiled { select when kettle boiled
    if event:attrs{"hot"} then noop()
    fired { raise cup event "filled"; raise cup event "spilt" } }
}
"""
CUPS = """ruleset cups {
  rule filled { select when cup filld noop() }
  rule counted { select when cup filled noop() }
}
"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(clock=VirtualClock("2026-03-01T08:00:00Z"), seed=1) as engine:
        engine.root.install(KETTLE)
        child = engine.new_pico("child")
        child.install(CUPS)
        for _ in range(2):
            engine.root.raise_event("tea", "started")
        engine.run_until("2026-03-01T09:00:00Z")
        yield engine


def test_the_arrows_say_how_often_an_event_came_and_the_rule_fired(engine: Engine) -> None:
    whole = engine.whole()
    assert (whole.rulesets, whole.left_out, whole.turns) == (("cups", "kettle"), (), 4)
    lines = [line.strip() for line in whole.dot.splitlines()]
    assert '"tea:started" -> "kettle/start" [label="2×, fired 2×"];' in lines
    assert '"kettle/start" -> "kettle/boiled" [label="kettle:boiled 2×, fired 0×" style=dashed];' in lines, (
        whole.dot
    )
    assert '"kettle/boiled" -> "cups/counted" [label="cup:filled"];' in lines
    assert read_whole(json.loads(json.dumps(whole.as_json()))) == whole


def test_its_warnings_show_the_installed_text(engine: Engine) -> None:
    vain, found = engine.whole().found
    assert vain.message.endswith('for boiled, its condition on line 6 is false: event:attrs{"hot"} is null')
    assert (found.code, found.rid) == ("W502", "kettle")
    assert found.text.startswith(
        f"kettle:{found.line}:{found.column}: W502 raises cup:spilt, which no rule here"
    )
    assert "^^^" in found.text


def test_what_is_wrong_with_a_schedule_alone_is_told_too(engine: Engine) -> None:
    often = 'schedule kettle event "cold" repeat "every 2 seconds"'
    engine.root.install(KETTLE.replace("fired {", f"fired {{ {often};", 1))
    codes = [each.code for each in engine.whole("root").found]
    assert codes == ["W303", "W403", "W503", "W502"]


def test_a_pico_is_looked_at_with_its_descendants(engine: Engine) -> None:
    assert engine.whole("child").rulesets == ("cups",)
    assert engine.whole("child").turns == 0
    assert engine.whole("root").rulesets == ("cups", "kettle")
    with pytest.raises(PicoschedError, match="there is no pico nobody"):
        engine.whole("nobody")


def test_of_several_texts_the_most_common_is_looked_at(engine: Engine) -> None:
    for name in ("a", "b"):
        engine.new_pico(name).install(CUPS.replace("cup filld", "cup washed"))
    whole = engine.whole()
    assert whole.left_out == ("cups: 2 texts, of which the most common is looked at",)
    assert "cup:washed" in whole.dot
    assert "cup:filld" not in whole.dot


def test_an_engine_without_rulesets_has_an_empty_graph() -> None:
    with Engine(clock=VirtualClock("2026-03-01T08:00:00Z")) as engine:
        whole = engine.whole()
    assert (whole.rulesets, whole.found, whole.turns) == ((), (), 0)
    assert whole.dot.startswith("digraph whole {")
