"""Several rulesets checked together: what is found, and what is left alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from picosched.check.cycles import cycles
from picosched.check.graph import Graph, dot_of
from picosched.check.outline import outline_of
from picosched.check.whole import check_whole

pytestmark = pytest.mark.files

ROOT = Path(__file__).parent.parent


def found(*rules: str, outside: list[str] | None = None) -> list[str]:
    """The findings for rulesets of one rule after another, each with its place."""
    texts = [f"ruleset r{number} {{\n{each}\n}}" for number, each in enumerate(rules)]
    outlines = [outline_of(text, f"r{number}") for number, text in enumerate(texts)]
    return [
        f"{each.span.file}:{each.span.line}:{each.span.column} {each.code} {each.message}"
        for each in check_whole(outlines, outside)
    ]


@pytest.mark.parametrize("folder", ["rulesets", "picosched/standard"])
def test_the_rulesets_that_ship_are_clean(folder: str) -> None:
    paths = sorted((ROOT / folder).glob("*.krl"))
    outlines = [outline_of(path.read_text(encoding="utf-8"), path.name) for path in paths]
    assert outlines
    assert check_whole(outlines) == []
    for each in outlines:
        assert check_whole([each]) == []


def raising(attributes: str) -> str:
    return f'rule a {{ select when t a fired {{ raise t event "b" attributes {attributes} }} }}'


@pytest.mark.parametrize(
    ("attributes", "select", "why"),
    [
        (
            '{"level": 0}',
            'where event:attrs{"level"} > 1',
            'its `where` on line 2 is false: event:attrs{"level"} is 0',
        ),
        ('{"level": 0}', "where level > 1", "its `where` on line 2 is false: level is 0"),
        (
            '{"level": 0}',
            'where event:attr("level") > 1 && ent:on',
            'its `where` on line 2 is false: event:attr("level") is 0',
        ),
        ('{"level": 0}', "level re#([1-9])# setting(n)", "the attribute level does not match re#([1-9])#"),
        ('{"levl": 2}', "level re#([1-9])# setting(n)", "the attribute level is not given"),
        (
            '{"level": "a5"}',
            'level re#(\\d)# setting(n) where n == "6"',
            'its `where` on line 2 is false: n is "5"',
        ),
        ('{"level": 2}', 'where event:attrs{"level"} > 1', None),
        ('{"level": ent:level}', 'where event:attrs{"level"} > 1', None),
        ('{"level": 0}', 'where event:attrs{"level"} > 1 || ent:on', None),
        ('{"level": 0}', 'where event:attrs{"level"} > ent:least', None),
        ("event:attrs", "level re#([1-9])# setting(n)", None),
        ('event:attrs.put({"level": 0})', "where level > 1", "its `where` on line 2 is false: level is 0"),
        ('{"level": 3}.put("level", 0)', "where level > 1", "its `where` on line 2 is false: level is 0"),
        ('ent:x.put({"level": 0})', "where level > 1", None),
        ('{"level": 0}', "pre { debug = 0 } if debug > 1 then noop()", None),
        ('{"level": 0}', "where 1 == 0", None),
        ('{"level": 0}.put(ent:x)', "where level > 1", None),
        (
            '{"level": 0}',
            'if event:attr("level") > 1 then noop()',
            'its condition on line 2 is false: event:attr("level") is 0',
        ),
        (
            '{"level": 0}',
            'pre { n = event:attrs{"level"} } if n > 1 then noop()',
            "its condition on line 2 is false: n is 0",
        ),
        ('{"level": 0}', 'if event:attr("level") > 1 then noop() notfired { ent:n := 1 }', None),
        ('{"level": 0}', 'and t c if event:attr("level") > 1 then noop()', None),
    ],
)
def test_attributes_are_tried_as_far_as_they_are_known(attributes: str, select: str, why: str | None) -> None:
    selecting = f"rule b {{ select when t b {select} }}"
    wanted = f"r0:2:34 W503 raises t:b, but no rule accepts it: for b, {why}"
    assert found(raising(attributes), selecting) == ([] if why is None else [wanted])
    assert found(raising(attributes), selecting, "rule c { select when t b }") == []


def test_with_the_events_from_outside_known_a_rule_is_reached_by_them_or_by_reached_rules() -> None:
    chain = [
        'rule a { select when t a fired { raise t event "b" } }',
        'rule b { select when t b or t x fired { raise t event "c" } }',
        "rule c { select when t c and t d }",
    ]
    assert found(*chain, outside=["t:a", "t:d"]) == []
    assert found(*chain, outside=["t:*"]) == []
    assert found(*chain) == []
    assert found(*chain, outside=["t:a"]) == [
        "r2:2:6 W501 nothing reaches c: nothing that can happen raises t:d"
    ]
    assert [each[:11] for each in found(*chain, outside=[])] == ["r0:2:6 W501", "r1:2:6 W501", "r2:2:6 W501"]
    computed = 'rule e { select when t e fired { raise t event event:attrs{"type"} } }'
    assert [each[:11] for each in found(*chain, computed, outside=["t:e"])] == []


def test_a_mistyped_event_is_seen_from_both_sides() -> None:
    assert found(
        'rule a { select when t a fired { raise tea event "brewed" } }', "rule b { select when tea brewd }"
    ) == [
        "r0:2:34 W502 raises tea:brewed, which no rule here selects",
        "r1:2:6 W501 nothing reaches b: nothing that can happen raises tea:brewd; "
        "raised, but selected by no rule: tea:brewed",
    ]


def test_loops_without_a_condition() -> None:
    assert found(
        'rule a { select when t a fired { raise t event "b" } }',
        'rule b { select when t b fired { raise t event "a" } }',
    ) == ["r0:2:34 W504 r0.a → r1.b → r0.a, at once and each time: this never ends"]
    hot = 'rule a { select when t a fired { schedule t event "a" at time:now() } }'
    assert [each[:12] for each in found(hot)] == ["r0:2:34 W504"]
    for harmless in (
        hot.replace("time:now()", 'time:add(time:now(), {"minutes": 4})'),
        hot.replace("time:now()", "time:now() if ent:on"),
        hot.replace("t a fired", "t a where ent:on fired"),
        hot.replace("fired", "if ent:on then noop() fired"),
        hot.replace("fired", "foreach ent:all setting(_x) fired"),
    ):
        assert found(harmless) == []


def test_loops_that_multiply() -> None:
    later = 'schedule t event "{}" at time:add(time:now(), {{"minutes": 4}})'
    b, c, a = (later.format(type) for type in "bca")
    two = [
        f"rule a {{ select when t a fired {{ {b}; {c} }} }}\n"
        f"rule b {{ select when t b fired {{ {a} }} }}\nrule c {{ select when t c fired {{ {a} }} }}"
    ]
    assert [each[:12] for each in found(*two)] == ["r0:2:34 W505"]
    assert found(two[0].replace(c, f"{c} if ent:on")) == []
    named = two[0].replace("4})", '4}) attributes {"_name": "one"}')
    assert [each[:12] for each in found(named)] == ["r0:2:34 W505"]
    assert found(named.replace('"one"', '"one", "_if_exists": "keep"')) == []
    asking = two[0].replace("t a fired", 't a http:get("http://a.b") fired')
    assert [each.split()[1] for each in found(asking)] == ["W505"]
    assert found(asking.replace("http:get(", "schedule:remove(")) == []
    clearing = two[0].replace("t a fired", "t a clear() fired")
    assert found(f"global {{ clear = defaction() {{ schedule:clear() }} }}\n{clearing}") == []
    repeat = 'rule a { select when t a fired { schedule t event "a" repeat "0 9 * * *" } }'
    assert [each[:12] for each in found(repeat)] == ["r0:2:34 W505"]
    assert found(repeat.replace('* *"', '* *" with _name = "daily"')) == []


def test_a_graph_of_a_ruleset_of_the_largest_size_takes_less_than_a_second() -> None:
    rules = "\n".join(
        f'rule r{n} {{ select when t e{n} fired {{ raise t event "e{(n + 1) % 1_000}" }} }}'
        for n in range(1_000)
    )
    outline = outline_of(f"ruleset large {{\n{rules}\n}}")
    began = time.thread_time()
    (loop,) = check_whole([outline])
    assert time.thread_time() - began < 1
    named = " → ".join(f"r{n}" for n in range(9))
    assert (loop.code, loop.message) == (
        "W504",
        f"{named} → … 991 more … → r0, at once and each time: this never ends",
    )


def test_the_loop_that_is_named_is_one_that_begins_where_it_says() -> None:
    one, two = (f'rule {each} {{ select when t {each} fired {{ raise t event "b" }} }}' for each in "ac")
    back = 'rule b { select when t b fired { raise t event "c"; raise t event "a" } }'
    (loop,) = found(f"{one}\n{back}\n{two}")
    assert loop.startswith("r0:2:34 W504 a → b → a, at once")


def test_the_graph_is_drawn_with_its_events() -> None:
    outline = outline_of(
        'ruleset tea { rule start { select when tea wanted fired { raise tea event "poured" } }'
        " rule drink { select when tea poured } }"
    )
    drawn = dot_of(Graph([outline]))
    assert '"tea/start" -> "tea/drink" [label="tea:poured"];' in drawn
    assert '"tea:wanted" -> "tea/start";' in drawn


def test_cycles_are_found_however_long() -> None:
    edges = {str(n): [str(n + 1)] for n in range(20_000)} | {"20000": ["5"], "x": ["x"], "y": ["x"]}
    assert sorted(map(len, cycles(edges))) == [1, 19_996]
