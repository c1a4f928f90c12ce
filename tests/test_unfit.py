"""W508 and W509: what an attribute surely is, and operators and patterns that cannot take it."""

from __future__ import annotations

import operator

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from picosched import Engine, VirtualClock
from picosched.check.outline import outline_of
from picosched.check.whole import check_whole

ROOM = "<<room #{time:now()}>>"


def ruleset(given: str, rule: str, more: str = "") -> str:
    return f"""ruleset t {{
      rule begin {{ select when t begin
        fired {{ raise t event "level" attributes {{"level": {given}}} {more} }} }}
      rule level {{ select when t level {rule} }}
    }}"""


def found(text: str, outside: list[str] | None = None, coming: tuple[str, ...] = ()) -> list[str]:
    """The messages of W508 and W509."""
    told = check_whole([outline_of(text)], outside, coming)
    return [each.message for each in told if each.code in ("W508", "W509")]


FAULTS = [
    ('"high"', "where level > 5 noop()", "`>` compares it and a number as texts"),
    ('"at " + time:now()', "where 5 <= level noop()", "`<=` compares it and a number as texts"),
    (ROOM, 'pre { x = event:attrs{"level"} - 1 } noop()', "`-` fails"),
    (ROOM, 'pre { l = event:attrs{"level"} x = 2 * l } noop()', "`*` fails"),
    (ROOM, 'if event:attr("level") == 5 then noop()', "always false, as it never equals a number"),
    ('{"a": ent:x}', 'if event:attrs{"level"} != 5 then noop()', "always true, as it never equals a number"),
    ("ent:x > 3", 'if event:attrs{"level"} == "true" then noop()', "always false, as it never equals a text"),
    ("not ent:x", 'if event:attrs{"level"} >< "a" then noop()', "always false, as it has no elements"),
    (ROOM, 'send_directive("x", {"k": event:attrs{"level"}{"kind"}})', "always null, as it has no elements"),
]
SILENT = [
    ("ent:x + 5", 'if event:attrs{"level"} != [5] then noop()'),  # a number or a text
    ('"7"', "where level > 5 noop()"),
    ("<<#{ent:x} rooms>>", "where level > 5 noop()"),
    ("ent:x", 'if event:attrs{"level"} == 5 then noop()'),
    ("ent:x % 3", 'if event:attrs{"level"} == "2" then noop()'),  # which may be null
    (ROOM, 'pre { l = event:attrs{"level"} x = l.typeof() == "Number" => l * 2 | 0 } noop()'),
    (ROOM, 'pre { x = ent:numbers && event:attrs{"level"} - 1 } noop()'),
    (ROOM, 'level re#^\\d+$# pre { x = event:attrs{"level"} - 1 } noop()'),
    (ROOM, 'where ent:numbers pre { x = event:attrs{"level"} - 1 } noop()'),
    (ROOM, 'foreach ent:none setting(one) pre { x = event:attrs{"level"} - 1 } noop()'),
    (ROOM, 'if event:attrs{"level"} == 5 || event:attrs{"level"} == "five" then noop()'),
    (ROOM, 'pre { f = function() { event:attrs{"level"} - 1 } } noop()'),
    ("[1, 2]", 'pre { x = event:attrs{"level"} - 1 } noop()'),  # its length
]


@pytest.mark.parametrize(("given", "rule", "said"), FAULTS)
def test_an_operator_that_an_attribute_does_not_fit(given: str, rule: str, said: str) -> None:
    told = found(ruleset(given, rule))
    assert [each.partition(": ")[2].split("raised here: ")[-1] for each in told] == [said]


@pytest.mark.parametrize(("given", "rule"), SILENT)
def test_what_is_unknown_or_may_be_tested_is_not_reported(given: str, rule: str) -> None:
    assert found(ruleset(given, rule)) == []


def test_only_if_each_statement_gives_it_and_nothing_comes_from_outside() -> None:
    rule = 'pre { x = event:attrs{"level"} - 1 } noop()'
    assert len(found(ruleset('"high"', rule))) == 1
    assert found(ruleset('"high"', rule, 'raise t event "level" attributes {"level": 5}')) == []
    assert found(ruleset('"high"', rule, 'raise t event "level" attributes event:attrs')) == []
    assert found(ruleset('"high"', rule), ["t:begin", "t:level"]) == []
    put = '{"level": "high"}.put("level", ent:x)'
    assert found(ruleset("1", rule).replace('{"level": 1}', put)) == []
    assert len(found(ruleset("1", rule).replace('{"level": 1}', '{"level": 1}.put("level", "a")'))) == 1


def test_a_pattern_that_nothing_matches() -> None:
    text = """ruleset t {
      rule begin { select when t begin fired { raise t event "level" attributes {"kind": "green"} } }
      rule green { select when t level kind re#^green$# noop() }
      rule oolong { select when t level kind re#^oolong$# noop() }
    }"""
    (told,) = found(text, ["t:begin"])
    assert told == "no t:level that comes is accepted: the attribute kind does not match re#^oolong$#"
    assert found(text) == found(text, ["t:*"]) == found(text, ["t:begin"], ("t:level",)) == []
    assert found(text.replace('"green"}', "ent:kind}"), ["t:begin"]) == []


VALUES = [
    "5",
    "0",
    "-1.5",
    '"high"',
    '"7"',
    '""',
    "true",
    "[1]",
    "[]",
    '{"a": 1}',
    '"a" + 1',
    '1 + "a"',
    "1 + 1",
]
VALUES += ["<<a#{1}>>", "<<#{1}>>", "not 1", "1 < 2", "null", "-2", '"5" - 1']
ORDERS = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
OPERATORS = ["-", "*", "/", "%", *ORDERS, "==", "!=", "><"]


@hypothesis_settings(max_examples=150, deadline=None)
@given(st.sampled_from(VALUES), st.sampled_from(OPERATORS), st.sampled_from(VALUES), st.booleans())
def test_what_is_reported_is_what_happens(given: str, sign: str, other: str, first: bool) -> None:
    attribute = 'event:attrs{"level"}'
    sides = (attribute, f"({other})") if first else (f"({other})", attribute)
    compared = f"{sides[0]} {sign} {sides[1]}"
    text = ruleset(given, f'pre {{ x = {compared} }} send_directive("x", {{"x": x}})')
    told = found(text)
    with Engine(":memory:", VirtualClock("2026-03-01T00:00:00Z")) as engine:
        engine.root.install(text)
        turn = engine.root.raise_event("t", "begin")
        values = [each.options["x"] for each in turn.directives]
        for each in told:
            if each.endswith("fails"):
                assert turn.errors and not values
            elif "always" in each:
                assert values == [{"false": False, "true": True}[each.split("always ")[1].split(",")[0]]]
            else:
                assert "as texts" in each
                as_texts = '[{}.as("String"), {}.as("String")]'.format(*sides)
                engine.root.install(ruleset(given, f'send_directive("x", {{"x": {as_texts}}})'))
                (told_again,) = engine.root.raise_event("t", "begin").directives
                assert values == [ORDERS[sign](*told_again.options["x"])]
