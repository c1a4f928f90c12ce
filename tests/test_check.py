"""What check says of a ruleset, code by code; docs/checks.md has an example of each."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from picosched.check import CODES, Finding, check, explanation
from picosched.check.outline import outline_of
from picosched.check.whole import check_whole
from picosched.errors import PicoschedError
from picosched.settings import Settings

pytestmark = pytest.mark.files

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^### ([EW]\d{3}) ([^\n]*)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^```(?:krl|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = {code: (name, text) for code, name, text in SECTION.findall(PAGE)}

GENERATED = {
    "E003": "ruleset deep { meta { shares s } global { s = %s } }" % " + ".join(["1"] * 1_200),
    "E004": "ruleset many { rule many { select when t many %s } }"
    % " ".join(f"foreach [1] setting(_{place})" for place in range(21)),
    "W507": "ruleset large { %s }"
    % " ".join(
        f'rule r{place} {{ select when t a fired {{ raise t event "a" if ent:on }} }}' for place in range(230)
    ),
}
"""Examples that are too long for a page."""

OUTSIDE = {"W509": ["tea:ordered"]}
"""What comes from outside, for examples that need it."""


LATER = datetime(2100, 1, 1, tzinfo=UTC)
"""A year before the holidays end that the package knows."""

MEANT = {
    "unfinished": {"W108", "W109", "W110", "W111", "W112"},
    "a16x9": {"W109", "W113", "W114", "W205", "W305"},
    "forms": {"W302", "W303"},
    "veteran": {"W207", "W208"},
}
"""Rulesets of tests about these warnings."""


def whole_of(text: str) -> str:
    """A fragment as the ruleset it stands in."""
    if text.startswith("ruleset "):
        return text
    if text.startswith(("rule ", "global ", "meta ")):
        return f"ruleset example {{\n{text}}}\n"
    return f"ruleset example {{ rule example {{ select when t a always {{\n{text}}} }} }}\n"


def codes(text: str) -> list[str]:
    return [each.code for each in check(text)]


def in_rule(statement: str) -> str:
    """A ruleset with this statement on the fifth line."""
    return f"""\
ruleset checked {{
  rule first {{
    select when explicit go
    fired {{
      {statement}
    }}
  }}
  rule second {{ select when explicit done or tea done }}
}}
"""


def of_expression(expression: str) -> list[str]:
    """The codes for an expression in a shared function of one parameter, a."""
    return codes("ruleset checked { meta { shares f } global { f = function(a) { %s } } }" % expression)


# ---- codes and their page -----------------------------------------------------------------------------


def test_the_page_has_every_code_by_its_name_and_in_order() -> None:
    assert {code: name for code, (name, _) in SECTIONS.items()} == CODES
    assert list(SECTIONS) == list(CODES)


@pytest.mark.parametrize("code", CODES)
def test_the_example_of_a_code_brings_that_code_and_no_other(code: str) -> None:
    example = EXAMPLE.search(SECTIONS[code][1])
    assert (example is None) == (code in GENERATED)
    text = GENERATED[code] if example is None else whole_of(example[1])
    often = Settings(min_period=0) if code == "W412" else None
    found = check(text, now=LATER if code == "W409" else None, classic=code == "W401", settings=often)
    if code.startswith("W5"):
        found += check_whole([outline_of(text)], OUTSIDE.get(code))
    assert [each.code for each in found] == [code], [str(each) for each in found]
    assert found[0].severity == ("error" if code[0] == "E" else "warning")


def test_a_code_is_explained_by_its_section() -> None:
    assert explanation("w204").startswith("W204 continued on a later line\n\nA line break ends nothing.")
    assert '\n\n    raise event "brewed"\n\nWrite' in explanation("E301")
    with pytest.raises(PicoschedError, match="there is no code W999; there are E001"):
        explanation("W999")


@pytest.mark.parametrize("path", sorted((ROOT / "rulesets").glob("*.krl")), ids=lambda path: path.stem)
def test_the_rulesets_that_ship_are_clean(path: Path) -> None:
    assert check(path.read_text(encoding="utf-8"), path.name) == []


def test_rulesets_of_the_tests_bring_only_what_is_meant() -> None:
    """One of them schedules an event every second."""
    for path in sorted((ROOT / "tests").glob("*/*.krl")):
        found = {each.code for each in check(path.read_text(encoding="utf-8"), path.name)}
        assert found <= {"W402", "W403"} | MEANT.get(path.stem, set()), path


# ---- faults, all at once ------------------------------------------------------------------------------


def test_findings_come_in_the_order_of_the_text_with_their_places() -> None:
    found = check("ruleset two {\n  global {\n    a = nosuch\n\tb = [1].nothing()\n  }\n}\n", "two.krl")
    assert [str(each.span) for each in found] == ["two.krl:3:5", "two.krl:3:9", "two.krl:4:2", "two.krl:4:10"]
    assert [each.code for each in found] == ["W102", "E101", "W102", "E103"]
    assert (found[1].span.end_line, found[1].span.end_column) == (3, 15)


def rules(*bodies: str) -> str:
    each = [
        f"  rule r{place} {{\n    select when t r{place}\n    {body}\n  }}\n"
        for place, body in enumerate(bodies)
    ]
    return f"ruleset several {{\n{''.join(each)}}}\n"


def lines(found: list[Finding]) -> list[tuple[str, int]]:
    return [(each.code, each.span.line) for each in found]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (rules("noop(", "noop() )", "nop()"), [("E001", 5), ("E001", 8), ("E105", 12)]),
        (rules("pre { a = ", "nop()"), [("E001", 5), ("E105", 8)]),  # told where the next rule begins
        (rules("noop() }", "nop()"), [("E001", 6), ("E105", 8)]),
        (rules("nop()", "pre { a = "), [("E105", 4), ("E001", 9)]),
        (rules("nop()", "noop() }"), [("E105", 4), ("E001", 10)]),
        ("ruleset g { global { a = } rule r { select when t r noop( } }", [("E001", 1), ("E001", 1)]),
        ("ruleset m { meta { nmae 1 } rule r { select when t r nop() } }", [("E001", 1)]),
        ("rule r { select when t r }", [("E001", 1)]),
        ("", [("E001", 1)]),
        ("ruleset r { rule r { select when t r } } }", [("E001", 1)]),
        ("ruleset r { rule r { select when t r }", [("E001", 1)]),
        ("ruleset r { rule q { select when t q } global { a = 1 } rule r { select when t a noop(a) } }",
         [("E001", 1)]),
        ("ruleset r { meta { } global { f = function() { 5 // end } } }", [("E001", 1)]),
        ('ruleset r {\n rule r { select when t r pre { a = "x } noop() }\n}\n', [("E001", 2)]),
        ("ruleset r {\n rule q { select when t }\n rule r { select when t r pre { a = <<x } }",
         [("E001", 2), ("E001", 3)]),
    ],
)  # fmt: skip
def test_a_syntax_error_does_not_hide_those_of_other_rules(text: str, wanted: list[tuple[str, int]]) -> None:
    assert lines(check(text)) == wanted


def test_what_stands_behind_last_in_a_postlude_is_said_to_be_unreachable() -> None:
    assert lines(check(in_rule("last\n ent:x := 1\n ent:y := 2"))) == [("W302", 6)]
    assert lines(check(in_rule('error error "no"\n ent:x := 1'))) == [("W302", 6)]
    assert lines(check(in_rule('last if ent:y\n error warn "no"\n ent:x := 1\n last'))) == []


def test_there_are_no_warnings_while_a_part_is_unread() -> None:
    text = rules("noop(", 'fired { schedule x event "y" at "never" }')
    assert lines(check(text)) == [("E001", 5), ("E303", 8)]


def test_a_quote_that_is_missing_is_told_where_it_shows_as_well() -> None:
    text = """ruleset r {
      rule r { select when t r send_directive("a) }
      rule s { select when t s send_directive("b") }
    }"""
    assert lines(check(text)) == [("E001", 3), ("E001", 3)]


@pytest.mark.parametrize("name", ["tea event", "event"])
def test_only_who_asks_hears_of_domains_outside_the_classic_engine(name: str) -> None:
    type = "done" if name == "tea event" else "tea:done"
    text = in_rule(f'schedule {name} "{type}" at time:now()')
    assert codes(text) == codes(text.replace("checked", "a16x9")) == []
    (found,) = check(text, classic=True)
    assert found.code == "W401" and found.message == (
        'schedules an event of the domain "tea", outside those of the classic engine: explicit, http, '
        "system, notification, pds, error"
    )
    assert check(text.replace("tea", "pds"), classic=True) == check(text.replace("tea", "pds"))


def test_a_classic_ruleset_has_its_dialect_and_hears_nothing_more_of_rules_that_cannot_run() -> None:
    text = """ruleset a16x9 {
      rule page { select when web pageview pre { unused = "#{tea}" } notify("tea", "#{tea}") }
      rule own { select when t go pre { tea = 1 } send_directive("say", {"text": "#{tea}"}) } }"""
    assert lines(check(text)) == [("W305", 2)]


def test_members_of_the_standard_rulesets_are_known() -> None:
    text = """ruleset r {
      meta { use module io.picolabs.wrangler alias wrangler use module io.picolabs.subscription alias subs
        use module my.own alias own }
      rule r { select when t r
        pre { a = wrangler:childs() b = wrangler:children().subs:established() c = subs:nosuch() d = own:x() }
        send_directive("a", [a, b, c, d]) } }"""
    assert [(each.code, each.message) for each in check(text)] == [
        ("W108", "unknown member wrangler:childs; near it: children"),
        (
            "W108",
            "unknown member subs:nosuch: io.picolabs.subscription provides "
            "established, inbound, outbound, wellKnown_Rx, autoAcceptConfig",
        ),
    ]


def test_many_errors_come_to_an_end() -> None:
    assert len(check(rules(*["noop("] * 50))) == 20


# ---- schedules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "code", "column", "said"),
    [
        ('schedule explicit event "other" at time:now()', "W303", 7, "no rule of checked selects"),
        ('schedule explicit event "done" repeat "0 0 9 * * *"', "W402", 45, "the first field"),
        ('schedule explicit event "done" repeat "*/5 * * * *"', "W403", 45, "no more often than every 599 s"),
        ('schedule explicit event "done" at time:now() with _name = "x"', "W404", 7, "alone does not keep"),
        ('schedule explicit event "done" at "tomorrow"', "E303", 41, "is not an ISO 8601 time"),
        ('schedule explicit event "done" at "2026-02-30T00:00:00Z"', "E303", 41, "is not an ISO 8601 time"),
        ('schedule explicit event "done" at 0', "E303", 41, "needs a time"),
        ('schedule explicit event "done" repeat "* * * *"', "E304", 45, "found 4 fields"),
        ('schedule explicit event "done" repeat "61 * * * *"', "E304", 45, 'minute: found "61"'),
        ('schedule explicit event "done" repeat "0 0 30 2 *"', "E304", 45, "never"),
        ('schedule explicit event "done" repeat 5', "E304", 45, "found a timespec that is not a string"),
        ('schedule explicit event "done" repeat "0 9 * * *" with _timezone = "Mars"', "E305", 74, "zone"),
        ('schedule explicit event "done" repeat "0 9 * * *" with _timezone = 5', "E305", 74, "zone"),
        ('schedule explicit event "done" repeat {"hours": [9, 24]}', "E304", 45, 'hours: found "24"'),
        ('schedule explicit event "done" repeat {"hors": 9}', "E304", 45, "hors"),
        ('schedule explicit event "done" repeat [9]', "E304", 45, "found a timespec that is not a string"),
        ('schedule explicit event "done" repeat "@daily" with _count = 0', "E306", 68, "found 0 as _count"),
        ('schedule explicit event "done" repeat "@daily" with _count = "3"', "E306", 68, "_count"),
        ('schedule explicit event "done" repeat "@daily" with _until = "soon"', "E306", 68, "_until"),
        ('schedule explicit event "done" repeat "@daily" with _jitter = -1', "E306", 69, "found -1"),
        ('schedule explicit event "done" repeat "@daily" with _misfire = "no"', "E306", 70, '"once", "skip"'),
        ('schedule explicit event "done" repeat "@daily" with _overlap = "wait"', "E306", 70, "_overlap"),
        ('schedule explicit event "done" at time:now() with _overlap = "skip"', "E306", 68, "_overlap"),
        ('schedule explicit event "done" repeat "@daily" with _if_exists = "keep"', "E306", 72, "_name"),
        ('schedule explicit event "done" repeat "@daily" with _name = 5', "E306", 67, "found 5 as _name"),
        ('schedule explicit event "done" repeat "@daily" with _description = {}', "E306", 74, "_description"),
        ('schedule explicit event "done" at time:now() with _count = 3', "E306", 66, "with a repeat only"),
        ('schedule explicit event "done" at time:now() with _until = 1', "E306", 66, "with a repeat only"),
        ('schedule explicit event "done" repeat "@daily" with _nmae = "x"', "W405", 67, "is _name meant?"),
        ('schedule explicit event "done" at time:now() with _descripton = "x"', "W405", 71, "_description"),
        ('schedule explicit event "done" at tiem:now()', "W109", 41, "unknown module tiem"),
        ('schedule explicit event "done" at time:now() if nosuch', "E101", 55, "unknown name nosuch"),
        ('raise explicit event "nothing" for checked', "W303", 7, "no rule of checked selects"),
        ('raise explicit event "nothing" for meta:rid', "W303", 7, "no rule of checked selects"),
        ("raise explicit event 5", "E301", 28, "found no name of an event"),
        ('raise event "done"', "E301", 19, 'wanted "domain:type"'),
    ],
)  # fmt: skip
def test_a_statement_is_looked_at_from_all_sides(statement: str, code: str, column: int, said: str) -> None:
    (found,) = check(in_rule(statement))
    assert (found.code, found.span.line, found.span.column) == (code, 5, column), found
    assert said in found.message


@pytest.mark.parametrize(
    "statement",
    [
        'schedule explicit event "done" at time:now()',
        'schedule explicit event "done" at "2026-07-01T13:50:05Z" with a = 1 and b = "two" setting(_id)',
        'schedule explicit event "done" at 1782913805000',
        'schedule explicit event "done" repeat "5 0 * * *" with _name = "just_one"',
        'schedule explicit event "done" repeat "5 0 * * *" attributes {"_timezone": "Europe/Rome"}',
        'schedule explicit event event:type() repeat event:attrs{"when"}',
        'schedule explicit event "done" repeat {"hours": [9, 17], "minutes": 0, "days_of_week": "mon"}',
        'schedule explicit event "done" repeat {"hours": event:attrs{"hours"}, "minutes": 99}',
        'schedule explicit event "done" repeat "0 9 * * 1-5 except 2026-12-25"',
        'schedule explicit event "done" repeat "last day of month at 18:00"',
        'schedule explicit event "done" at time:now() with _name = "x" and _if_exists = "keep"',
        'schedule explicit event "done" at time:now() with _misfire = "skip" and _jitter = 30',
        'schedule explicit event "done" repeat "@daily" with _count = event:attrs{"n"} and _until = null',
        'schedule explicit event "done" repeat "@daily" with _name = event:type and _if_exists = "keep"',
        'schedule explicit event "done" repeat "@daily" with _id = 5 and _tags = [] and name = "x"',
        'raise explicit event "nothing" for other',
        'raise other event "nothing"',
        "raise explicit event done attributes null",
    ],
)
def test_nothing_is_said_of_what_is_well(statement: str) -> None:
    assert check(in_rule(statement)) == []


def test_a_time_that_a_name_stands_for_is_tried_too() -> None:
    text = """ruleset named {
      global { SPEC = "0 9 30 2 *"  HOURS = [9, 30]  N = -1 }
      rule r {
        select when explicit go
        pre { spec = SPEC  at = "now" }
        fired {
          schedule explicit event "go" repeat spec
          schedule explicit event "go" at at
          schedule explicit event "go" repeat {"hours": HOURS}
          schedule explicit event "go" repeat "@daily" with _count = N
        }
      }
    }"""
    assert lines(check(text)) == [("E304", 7), ("E303", 8), ("E304", 9), ("E306", 10)]


def test_a_map_that_holds_itself_is_no_timespec_to_try() -> None:
    text = """ruleset endless {
      global { a = {"hours": a} }
      rule r { select when explicit go fired { schedule explicit event "go" repeat a } }
    }"""
    assert codes(text) == ["E102"]


def test_an_inactive_rule_is_left_alone_and_reads_what_others_bind() -> None:
    text = """ruleset off {
      global { used = 1 }
      rule r is inactive { select when x y pre { a = used } fired { schedule x event "z" at "no" } }
    }"""
    assert check(text) == []


# ---- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        "select when t r foreach ent:m setting(v, k) noop() fired { ent:x{k} := 1 }",  # v stands before k
        "select when t r n re#(.)(.)# setting(a, b) send_directive(b)",
        "select when t r pre { a = function(n) { n => a(n - 1) | 0 }; b = a(1) } send_directive(b)",
        "select when t r setting(_a)",
        "select when t r pre { k = 1 } fired { k = k + 1; ent:k := k }",
        "select when t r fired { x = 1 if ent:a; ent:x := x }",
        "select when t r fired { x = 1 } else { x = 2 } finally { ent:x := x }",
        "select when t a n re#(.)# setting(n) or t b n re#(.)# setting(n) send_directive(n)",
        "select when count 2 (t a n re#(.)# setting(n)) max(m) send_directive(m + n)",
        "select when t r k re#(.)# setting(k) pre { k = k + 1 } send_directive(k)",
        "select when t r event:send({}) setting(id) fired { ent:id := id }",
        "select when t r pre { f = function(v, k) { k } } send_directive(ent:m.map(f))",
        "select when t r send_directive(ent:m.map(function(v, k) { k }))",
        "select when t r where event:attrs{\"n\"} > 4",
        "select when t r n re#(.)# setting(n) where n > 4",
        "select when t r choose (ent:x) { a => noop() b => noop() }",
    ],
)  # fmt: skip
def test_names_that_are_read_are_no_finding(rule: str) -> None:
    assert check(f"ruleset names {{ rule r {{ {rule} }} }}") == []


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("select when t r foreach ent:m setting(v, k) send_directive(v)", ["W101"]),
        ("select when t r n re#(.)(.)# setting(a, b) send_directive(a)", ["W101"]),
        ("select when t r event:send({}) setting(id)", ["W101"]),
        ("select when t r fired { schedule web event x at time:now() setting(id) }", ["W303", "W101"]),
        ("select when t r fired { x = 1 }", ["W101"]),
        ("select when count 2 (t a n re#(.)# setting(_n)) max(m)", ["W101"]),
        ("select when t r pre { a = function(n) { a(n) } }", ["W101"]),
        ("select when t r fired { x = ent:y  x = x  ent:z := x }", ["W104"]),
        ("select when t r fired { ent:x{1} := ent:x{1}  set ent:y (ent:y) }", ["W104", "W104"]),
        ("select when t r where colour == size", ["W105", "W105"]),
        ('select when schedule failed where failures >= 3 && event:attr("why")', []),
        ("select when schedule failed or schedule late where lateness > number", []),
        ("select when schedule failed where failurs >= 3", ["W105"]),
        ("select when t r where failures >= 3 or schedule failed", ["W105"]),
        ("select when schedule fialed", ["W306"]),
        ("select when t r or (schedule recover before schedule mised)", ["W306", "W306"]),
        ("select when schedule fired or schedule opened or schedul failed", []),
        ('select when schedule lated fired { raise schedule event "lated" }', []),
        ('select when schedule lated fired { raise event "schedule:lated" }', []),
        ("select when t r n re#(.)# setting(a, b) send_directive(a + b)", ["W106"]),
    ],
)
def test_names_that_nobody_reads_are_told(rule: str, wanted: list[str]) -> None:
    assert codes(f"ruleset names {{ rule r {{ {rule} }} }}") == wanted


def test_the_place_of_a_name_in_setting_is_that_name() -> None:
    text = "ruleset r { rule r { select when t r n re#(.)# setting(n) foreach [1] setting(v) } }"
    assert [text[each.span.column - 1 : each.span.end_column - 1] for each in check(text)] == ["n", "v"]


# ---- expressions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ('a.length() == "1"', ["W202"]),
        ("a.length() == 1", []),
        ('a == 1 || a == "1"', []),
        ('a => "1" != 1 | 0', ["W202"]),
        ('(a + "x") == 5', ["W202"]),
        ("a.isnull() == true", []),
        ("a == null", []),
        ("a.isnull() == null", []),
        ('a.typeof() == "array"', ["W202"]),
        ('a.typeof() == "Array"', []),
        ('a => "x" | a', []),
        ("true => a | 1", ["W203"]),
        ('{"a": a, "b": 1, "a": 2}', ["W201"]),
        ('{"1": a, 1: 2}', ["W201"]),
        ("{a: 1, a: 2}", []),
        ("a\n[0]", ["W204"]),
        ("a // why\n{[0]}", ["W204"]),
        ("a.map\n(1)", ["W204"]),
        ("(a)\n(1)", ["W204"]),
        ("(a)[\n0]{\n0}", []),
        ("a\n.map(function(x) { x })\n.length()", []),
        ("[\n1,\n[a]]", []),
        ("{}.put({\n  \"a\": a\n})", []),
        ('a + "#{a}"', ["W205"]),
        ('a + "# {a}"', []),
        ("<<#{a} #{a{\"x\"}\n}>>", []),
        (r'a + "\n"', ["W206"]),
        (r'a + "\\n"', []),
        (r'a.match("\n") && a.extract(re#\n#)', []),
        (r'''"{\"x\":\"\n\"}".decode(){a}''', []),
        (r'a.split("\n")', ["W206"]),
        ("a.uc(1)", ["W208"]),
        ("uc(a, 1)", ["W208"]),
        ("a.append(1, 2, 3, 4, 5, 6)", []),
        ("a.substr(len = 1, start = 0)", []),
        ("a.substr(lenght = 1)", ["W207"]),
        ("time:add(a, {}, 1)", ["W208"]),
        ("time:now({\"tz\": a})", []),
        ("http:get(a, qz = {})", ["W207"]),
        ("f(a, 2)", ["W208"]),
        ("f(b = a)", ["W207"]),
        ("g = function(x, y = 1) { x + y }; g(1, y = a)", []),
        ("g = a{\"f\"}; g(1, 2, 3)", []),
    ],
)  # fmt: skip
def test_expressions(expression: str, wanted: list[str]) -> None:
    assert of_expression(expression) == wanted


def test_strings_of_the_classic_dialect_hold_beestings() -> None:
    text = 'ruleset c { meta { dialect classic shares f } global { f = function(a) { "#{a\n[0]} #{a}" } } }'
    assert codes(text) == []


def test_an_action_is_held_to_its_parameters() -> None:
    text = """ruleset acts {
      global { pour = defaction(kind) { send_directive("pour", {"kind": kind}) } }
      rule r {
        select when t r
        every {
          pour("black", "green")
          pour() with knd = "black"
          send_directive("any") with a = 1 and b = 2
          noop(1, 2, x = 3)
          http:post("http://x.org") with params = {} and autoraise = "x"
        }
      }
    }"""
    assert lines(check(text)) == [("W208", 6), ("W207", 7)]


def test_what_a_module_of_ones_own_takes_is_not_known() -> None:
    text = """ruleset u {
      meta { use module other alias time }
      rule r { select when t r time:now(1, 2, 3, x = 4) }
    }"""
    assert codes(text) == []


def test_a_global_function_reads_anew_and_a_plain_global_once() -> None:
    text = """ruleset g {
      meta { shares a, b, c, d }
      global {
        a = function() { ent:a }
        b = {"f": function() { event:attrs }, "x": 1}
        c = [app:c]
        d = event:attrs{"d"}
      }
    }"""
    assert lines(check(text)) == [("W209", 6), ("W209", 7)]


# ---- events -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("select when t a always { last }", "select when t a", ["W302"]),
        ("select when t a or t b always { last }", "select when t b", ["W302"]),
        ("select when t a always { last }", "select when t b before t a", ["W302"]),
        ("select when t a always { last }", "select when t a or t b", []),
        ("select when t a always { last }", "select when any 1 (t a, t b)", []),
        ("select when t a always { last }", "select when t b not between(t c, t d)", []),
        ("select when t a noop() fired { last }", "select when t a", ["W302"]),
        ("select when t a fired { error error 1 }", "select when t a", ["W302"]),
        ("select when t a fired { error warn 1 }", "select when t a", []),
        ("select when t a if ent:x then noop() fired { last }", "select when t a", []),
        ("select when t a always { last if ent:x }", "select when t a", []),
        ("select when t a n re#1# always { last }", "select when t a", []),
        ("select when t a foreach ent:x setting(_v) always { last }", "select when t a", []),
        ("select when t a and t b always { last }", "select when t a", []),
        ("select when t b where false", "select when t a", ["W301"]),
        ("select when t b where false or t c", "select when t a", []),
        ("select when t b before t c n re#^1$# n re#^2$#", "select when t a", ["W301"]),
        ("select when t b n re#^1$# n re#^1$# m re#^2$#", "select when t a", []),
        ('select when t a fired { raise t event "no word" }', "select where ent:x", []),
        ('select when t a fired { schedule web event "b" at time:now() }', "select where ent:x", []),
    ],
)
def test_rules_that_no_event_can_select(first: str, second: str, wanted: list[str]) -> None:
    assert codes(f"ruleset events {{ rule first {{ {first} }} rule second {{ {second} }} }}") == wanted


@pytest.mark.slow
def test_a_text_as_deep_as_may_be_is_checked_in_a_fresh_process() -> None:
    """Where nothing has been compiled before, Python's own limit on recursion is the low one."""
    text = "ruleset deep { meta { shares a } global { a = %s } }" % " + ".join(["1"] * 900)
    done = subprocess.run(
        [sys.executable, "-c", f"from picosched.check import check; print(check({text!r}))"],
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
