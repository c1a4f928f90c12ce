"""What was used last stays in memory, by number or by weight; what is compiled does not add up for ever."""

from __future__ import annotations

import gc
import weakref

import pytest

from picosched import Engine
from picosched.krl.ruleset import Ruleset
from picosched.turns.memory import MOST_TEXT, Recent


def test_the_values_used_last_stay() -> None:
    recent: Recent[str, str] = Recent(2)
    for key in "abc":
        recent.put(key, key)
    assert [recent.find(key) for key in "abc"] == [None, "b", "c"]
    recent.find("b")
    recent.put("d", "d")
    assert [recent.find(key) for key in "bcd"] == ["b", None, "d"]


def test_what_weighs_more_leaves_less_room() -> None:
    recent: Recent[str, str] = Recent(10, len)
    recent.put("a", "four")
    recent.put("b", "four")
    recent.put("b", "five!")
    recent.put("c", "x")
    assert [recent.find(key) for key in "abc"] == ["four", "five!", "x"]
    recent.put("d", "yy")
    assert [recent.find(key) for key in "abcd"] == [None, "five!", "x", "yy"]
    recent.forget("b")
    recent.put("e", "seven..")
    assert [recent.find(key) for key in "cde"] == ["x", "yy", "seven.."]
    recent.put("f", "more than ten")
    assert [recent.find(key) for key in "cdef"] == [None, None, None, "more than ten"]
    recent.clear()
    recent.put("a", "ten tens..")
    recent.put("b", "")
    assert recent.find("a") is not None


@pytest.mark.slow
def test_texts_that_are_installed_one_after_the_other_do_not_stay_in_memory() -> None:
    each, compiled = MOST_TEXT // 4, weakref.WeakSet[Ruleset]()
    with Engine() as engine:
        for number in range(8):
            comment = f"// {number} " + "x" * each
            compiled.add(engine.root.install(f"{comment}\nruleset tea {{ }}\n"))
        gc.collect()
        assert len(compiled) <= 5  # four in the cache, one on the pico
