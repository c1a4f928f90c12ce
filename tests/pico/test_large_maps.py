"""A large map that is changed by key is what a dict would be, whatever is done to it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from picosched import Engine, PicoRef, PicoschedError, VirtualClock
from picosched.krl.large_map import LONGEST_KEY, MANY

START = "2026-03-01T00:00:00Z"
RULESET = """ruleset maps {
  meta { shares m, at, inside, number, first, kept, nothing }
  global {
    first = ent:m
    m = function() { ent:m }
    at = function(k) { ent:m{k} }
    inside = function(k, j) { ent:m{[k, j]} }
    number = function() { ent:m.length() }
    kept = function() { ent:kept }
    nothing = function() { null }
  }
  rule change {
    select when maps change
    foreach event:attrs{"steps"} setting(step)
    pre {
      does = step{"does"} path = step{"path"} value = step{"value"}
      before = does == "keep" => ent:m | null
    }
    fired {
      ent:m{path} := value if does == "set"
      ent:m{path[0]} := nothing if does == "function"
      clear ent:m{path} if does == "clear"
      ent:m := value if does == "whole"
      ent:kept := before if does == "keep"
      ent:m{path} := value if does == "fail"
      ent:kept := [1].map("x") if does == "fail"
      raise maps event "change" attributes {"steps": value} if does == "raise"
      schedule maps event path[0].decode() at time:now() if does == "refused"
    }
  }
}"""

Steps = list[dict[str, Any]]

HALF = '"\\ud800"'
REFUSED = {"steps": [{"does": "set", "path": ["k0"], "value": -1}, {"does": "refused", "path": [HALF]}]}
"""A turn whose schedule cannot be written."""

KEYS = [f"k{number}" for number in range(MANY + 6)]
keys = st.sampled_from([*KEYS[:4], KEYS[-1], "new", "earlier", "a", "é\u0000", "x" * (LONGEST_KEY + 1)])
paths = st.lists(keys, min_size=1, max_size=2)
values = st.one_of(st.none(), st.integers(0, 9), st.dictionaries(keys, st.integers(0, 9), max_size=2))
large = st.integers(0, 9).map(lambda number: dict.fromkeys(KEYS, number))
step = st.one_of(
    st.fixed_dictionaries({"does": st.sampled_from(["set", "clear"]), "path": paths, "value": values}),
    st.fixed_dictionaries({"does": st.sampled_from(["set", "clear"]), "path": paths, "value": values}),
    st.fixed_dictionaries({"does": st.just("function"), "path": paths}),
    st.fixed_dictionaries({"does": st.just("whole"), "value": st.one_of(values, large)}),
    st.fixed_dictionaries({"does": st.just("keep")}),
    st.fixed_dictionaries({"does": st.just("fail"), "path": paths, "value": values}),
)
turns = st.lists(st.lists(step, min_size=1, max_size=4), min_size=1, max_size=3)
"""Steps by rule: each list but the first belongs to an event that the one before it raises."""
actions = st.lists(
    st.one_of(turns, st.sampled_from(["reopen", "refused", "global", "look"])), min_size=2, max_size=8
)


def done(m: Any, steps: Steps, kept: Any) -> tuple[Any, Any]:
    """What a rule makes of the map and of what is kept, as a dict does it."""
    after, keeps = m, kept
    for each in steps:
        does, path, value = each["does"], each.get("path"), each.get("value")
        if does == "fail":
            return m, kept  # a rule is all or nothing
        if does == "whole":
            after = value
        elif does == "keep":
            keeps = after
        elif does == "set":
            after = with_path(after, path, value)
        elif does == "function":  # it is no JSON, so its key vanishes
            after = without_path(with_path(after, path[:1], 0), path[:1])
        else:
            after = without_path(after, path)
    return after, keeps


def with_path(m: Any, path: list[str], value: Any) -> dict[str, Any]:
    m = {**m} if isinstance(m, dict) else {}
    m[path[0]] = with_path(m.get(path[0]), path[1:], value) if path[1:] else value
    return m


def without_path(m: Any, path: list[str]) -> Any:
    if not isinstance(m, dict) or path[0] not in m:
        return m
    if path[1:]:
        return {**m, path[0]: without_path(m[path[0]], path[1:])}
    return {key: item for key, item in m.items() if key != path[0]}


def raised(turn: list[Steps]) -> dict[str, Any]:
    """The attributes of the event that does all of a turn."""
    attrs: Steps = []
    for steps in reversed(turn):
        attrs = [*steps, {"does": "raise", "value": attrs}] if attrs else steps
    return {"steps": attrs}


def failed(steps: Steps) -> bool:
    return any(each["does"] == "fail" for each in steps)


NEW = [[[{"does": "set", "path": [key], "value": 1}]] for key in ("new", "earlier", "a")]
"""Turns that add elements not in the order of the alphabet."""


@settings(max_examples=100, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(actions, st.booleans())
@example(NEW, False)
def test_a_large_map_is_what_a_dict_would_be(actions: list[Any], has_global: bool) -> None:
    ruleset = RULESET if has_global else RULESET.replace("first = ent:m", "first = null")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picos.db"
        engine = Engine(path, VirtualClock(START), durability="normal")
        pico = engine.root
        pico.install(ruleset)
        m: Any = dict.fromkeys(KEYS, 0)
        kept: Any = None
        first: Any = None
        pico.raise_event("maps", "change", {"steps": [{"does": "whole", "value": m}]})
        for action in actions:
            if action == "reopen":
                engine.close()
                engine = Engine(path, VirtualClock(START), durability="normal")
                pico, first = engine.root, m
            elif action == "global":
                pico.install(ruleset + " ")
                first = m
                pico.install(ruleset)
            elif action == "refused":
                steps = [
                    {"does": "set", "path": ["k0"], "value": -1},
                    {"does": "refused", "path": [HALF]},
                ]
                with pytest.raises(PicoschedError, match="half a character"):
                    pico.raise_event("maps", "change", {"steps": steps})
            elif action != "look":
                pico.raise_event("maps", "change", raised(action))
                for steps in action:
                    m, kept = done(m, steps, kept)
                    if failed(steps):
                        break  # with its other effects, the event that it raised is dropped
            check_elements(pico, m)
            if action == "look":
                check_whole(pico, m, kept, first if has_global else None)
        check_whole(pico, m, kept, first if has_global else None)
        engine.close()


def check_elements(pico: PicoRef, m: Any) -> None:
    for key in (*KEYS[:3], "new", "none", "é\u0000"):
        item = m.get(key) if isinstance(m, dict) else None
        assert pico.query("maps", "at", {"k": key}) == item
        inner = item.get(KEYS[0]) if isinstance(item, dict) else None
        assert pico.query("maps", "inside", {"k": key, "j": KEYS[0]}) == inner


def check_whole(pico: PicoRef, m: Any, kept: Any, first: Any) -> None:
    assert in_order(pico.query("maps", "m")) == in_order(m)
    assert in_order(pico.query("maps", "kept")) == in_order(kept)
    assert in_order(pico.query("maps", "first")) == in_order(first)


def in_order(value: Any) -> Any:
    return [(key, in_order(item)) for key, item in value.items()] if isinstance(value, dict) else value
