"""What the whole graph leaves out has no influence: the kept picos have the same turns without it."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from picosched.check.apart import parts_of
from picosched.check.influence import ANY, Member, influenced, influencing
from picosched.check.outline import outline_of
from picosched.clock import VirtualClock
from picosched.engine.engine import Engine

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOST = 5
"""As often the rules of a pico run: what raises itself comes to an end."""

TYPES = ("a", "b", "c")
STATEMENTS = (
    "raise t event {type!r}",
    "raise t event {type!r} if ent:n % 2 == 0",
    'schedule t event {type!r} at time:add(time:now(), {{"minutes": 7}})',
    "ent:n := ent:n.defaultsTo(0) + 1",
)
ACTIONS = (
    'event:send({{"eci": {eci!r}, "domain": "t", "type": {type!r}}})',
    'event:send({{"eci": {eci!r}, "domain": "t", "type": [{type!r}].head()}})',
    'send_directive("said", {{"n": ent:n, "who": event:attrs}})',
    'ctx:event({eci!r}, "t", {type!r})',
)
one_type = st.sampled_from(TYPES)
rules = st.lists(
    st.tuples(
        one_type,
        st.integers(0, 3),
        st.integers(0, 3),
        one_type,
        st.lists(st.tuples(st.sampled_from(STATEMENTS), one_type), max_size=2),
    ),
    min_size=1,
    max_size=3,
)
families = st.lists(st.tuples(rules, st.sets(one_type, max_size=1)), min_size=3, max_size=4)


def text_of(rid: str, rules: list[Any], ecis: list[str]) -> str:
    parts = []
    for number, (selects, action, to, type, statements) in enumerate(rules):
        said = ACTIONS[action].format(eci=ecis[to % len(ecis)], type=type).replace("'", '"')
        done = "; ".join(each.format(type=of).replace("'", '"') for each, of in statements)
        counted = "ent:k := ent:k.defaultsTo(0) + 1"
        select = f"select when t {selects} where ent:k.defaultsTo(0) < {MOST}"
        parts.append(
            f"rule r{number} {{ {select} {said} always {{ {done}; {counted} }} }}".replace("{ ;", "{")
        )
    return f"ruleset {rid} {{ {' '.join(parts)} }}"


def turns(family: list[Any], kept: Collection[str] | None) -> dict[str, list[Any]]:
    """What the rules of each pico did in half an hour; picos that are not kept have no rulesets."""
    clock = VirtualClock(NOON)
    with Engine(clock=clock, seed=0) as engine:
        picos = [engine.new_pico(f"p{number}") for number in range(len(family))]
        ecis = [pico.channels()[0].eci if pico.channels() else pico.new_channel().eci for pico in picos]
        for pico, (rules, _) in zip(picos, family, strict=True):
            if kept is None or pico.name in kept:
                pico.install(text_of(pico.name, rules, ecis))
        for pico, (_, roots) in zip(picos, family, strict=True):
            if kept is None or pico.name in kept:
                for type in sorted(roots):
                    pico.raise_event("t", type)
        engine.run_until(NOON + timedelta(minutes=30))
        return {
            pico.name: [
                (
                    entry.at,
                    [(each["type"], each["attrs"], each["considered"]) for each in entry.handled],
                    entry.directives,
                )
                for entry in pico.journal(limit=100_000)
                if any(each["considered"] for each in entry.handled)
            ]
            for pico in picos
        }


@given(families)
@settings(max_examples=150, deadline=None)
def test_what_is_left_out_changes_no_turn_of_what_is_kept(family: list[Any]) -> None:
    names = [f"p{number}" for number in range(len(family))]
    texts = {name: text_of(name, rules, names) for name, (rules, _) in zip(names, family, strict=True)}
    outlines = {name: outline_of(text) for name, text in texts.items()}
    members = [
        Member(name, frozenset([name]), frozenset(("t", type) for type in roots))
        for name, (_, roots) in zip(names, family, strict=True)
    ]
    whole = turns(family, None)
    for kept in {influencing(outlines, members, [name]) for name in names} - {frozenset(names)}:
        part = turns(family, kept)
        assert {name: part[name] for name in kept} == {name: whole[name] for name in kept}


QUIET = """ruleset quiet { rule r { select when t a always {
  schedule t event "a" at time:add(time:now(), {"hours": 1}); ent:n := 1 } } }"""
LOUD = """ruleset loud { rule r { select when t b
  event:send({"eci": event:attrs{"to"}, "domain": "t", "type": "a"}) } }"""
COMPUTED = """ruleset computed { rule r { select when t c always { raise t event event:attrs{"type"} } } }"""
READS = """ruleset reads { rule r { select when t c
  pre { all = ctx:query(event:attrs{"eci"}, "quiet", "n") } send_directive("n", {"n": all}) } }"""
CHOSEN = """ruleset chosen { rule r { select when t c ctx:event(event:attrs{"eci"}, "t", "a") } }"""
APP = """ruleset app_of { rule r { select when t c always { app:n := 1 } } }"""
OUTLINES = {each.rid: each for each in map(outline_of, (QUIET, LOUD, COMPUTED, READS, CHOSEN, APP))}


def member(id: str, rids: str, *roots: str) -> Member:
    return Member(id, frozenset(rids.split()), frozenset(("t", each) for each in roots))


def test_a_pico_that_sends_what_another_selects_influences_it() -> None:
    family = [member("sender", "loud", "b"), member("target", "quiet", "a"), member("other", "quiet", "a")]
    assert influencing(OUTLINES, family, ["target"]) == {"sender", "target"}
    assert influencing(OUTLINES, family, ["sender"]) == {"sender"}


def test_a_rule_that_nothing_raises_influences_nobody_until_something_may_raise_it() -> None:
    family = [member("sender", "loud quiet", "a"), member("target", "quiet", "a")]
    assert influencing(OUTLINES, family, ["target"]) == {"target"}
    family = [member("sender", "loud computed", "c"), member("target", "quiet", "a")]
    assert influencing(OUTLINES, family, ["target"]) == {"sender", "target"}
    family = [Member("sender", frozenset(["loud"]), frozenset([ANY])), member("target", "quiet", "a")]
    assert influencing(OUTLINES, family, ["target"]) == {"sender", "target"}


def test_who_reads_other_picos_is_influenced_by_all() -> None:
    family = [member("reader", "reads", "c"), member("one", "quiet"), member("two", "quiet", "a")]
    assert influencing(OUTLINES, family, ["reader"]) == {"reader", "one", "two"}


def test_who_may_change_any_pico_influences_all() -> None:
    for rid in ("chosen", "app_of"):
        family = [member("one", rid, "c"), member("two", "quiet"), member("three", rid)]
        assert influencing(OUTLINES, family, ["two"]) == {"one", "two", "three"}
        assert influencing(OUTLINES, family[1:], ["two"]) == {"two"}


def test_ten_thousand_picos_of_a_kind_are_looked_at_once() -> None:
    family = [member(f"p{number}", "quiet", "a") for number in range(10_000)]
    began = time.thread_time()
    assert influencing(OUTLINES, family, ["p7"]) == {"p7"}
    assert time.thread_time() - began < 1


def test_two_texts_of_one_ruleset_do_what_either_does() -> None:
    texts = {"old": outline_of(QUIET), "new": outline_of(LOUD.replace("loud", "quiet").replace("t b", "t a"))}
    family = [
        Member("changed", frozenset(["old", "new"]), frozenset([("t", "a")])),
        Member("target", frozenset(["old"]), frozenset()),
        Member("deaf", frozenset(), frozenset([("t", "a")])),
    ]
    assert influenced(texts, family, ["changed"]) == {"changed", "target"}
    assert influencing(texts, family, ["target"]) == {"changed", "target"}


def test_what_a_change_influences_is_what_has_the_change_among_its_influences() -> None:
    family = [member("sender", "loud", "b"), member("target", "quiet", "a"), member("other", "reads", "c")]
    for changed in ("sender", "target", "other"):
        found = {each.id for each in family if changed in influencing(OUTLINES, family, [each.id])}
        assert influenced(OUTLINES, family, [changed]) == found


DEAF = """ruleset deaf { rule r { select when u a always { raise u event "b" for deaf } } }"""
HEARS = """ruleset hears { rule r { select when u b noop() } }"""
RAISES = """ruleset raises { rule r { select when v a always { raise u event "b" } } }"""
ASKS = """ruleset asks { rule r { select when w a http:get("http://a.test/") } }"""
TOLD = """ruleset told { rule r { select when schedule failed noop() } }"""
USES = """ruleset uses { meta { use module deaf } rule r { select when x a noop() } }"""


def test_rulesets_of_a_pico_are_apart_unless_a_turn_can_have_both() -> None:
    outlines = {each.rid: each for each in map(outline_of, (DEAF, HEARS, RAISES, ASKS, TOLD, USES))}

    def parts(*rids: str) -> set[frozenset[str]]:
        return {*parts_of(outlines, rids)}

    def apart(*rids: str) -> bool:
        return len(parts(*rids)) == len(rids)

    assert apart("deaf", "hears")  # what it raises is for itself
    assert not apart("raises", "hears")
    assert apart("raises", "deaf")
    assert not apart("asks", "deaf")  # an answer may be raised as any event
    assert not apart("told", "deaf")  # the engine tells it of the rows of others
    assert not apart("uses", "deaf")
    assert parts("deaf", "raises", "hears") == {frozenset(["deaf"]), frozenset(["hears", "raises"])}
