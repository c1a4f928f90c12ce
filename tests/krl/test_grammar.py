"""The grammar: no conflicts, words that are keywords only in their place, tables that may be lost."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_resolver import wanted_in

from picosched.check import syntax_errors
from picosched.errors import KrlError
from picosched.krl import grammar, syntax
from picosched.krl.grammar import parse, parse_body
from picosched.krl.operators import INFIX, SIGNS
from picosched.krl.source import Source


class Report:
    """Collects what PLY says while it builds tables."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, message: str, *args: object, **_: object) -> None:
        self.lines.append(message % args if args else message)

    debug = warning = error = critical = info


@pytest.mark.slow
@pytest.mark.parametrize("start", ["ruleset", "body"])
def test_the_grammar_has_no_conflict(start: str) -> None:
    report = Report()
    grammar.build(start, report)
    assert report.lines
    assert [line for line in report.lines if "conflict" in line] == []


def test_every_production_has_a_name_of_its_own() -> None:
    modules = (grammar.expressions, grammar.events, grammar.rules, grammar.actions, grammar.statements)
    names = [name for module in modules for name, value in vars(module).items() if name.startswith("p_")]
    own = [
        name
        for module in modules
        for name, value in vars(module).items()
        if name.startswith("p_") and value.__module__ == module.__name__
    ]
    assert len(names) == len(set(names)) == len(own)


def value_of(text: str) -> syntax.Expression:
    return parse_body(Source("text", text)).result


@pytest.mark.parametrize(
    ("loose", "tight"),
    [
        ("9 - 4 - 3", "(9 - 4) - 3"),
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("a || b && c", "a || (b && c)"),
        ("not 1 < 2", "(not 1) < 2"),
        ('-2.as("String")', '-(2.as("String"))'),
        ("a => b | c => d | e", "a => b | (c => d | e)"),
        ("1 < 2 == true", "(1 < 2) == true"),
    ],
)
def test_operators_bind_as_the_language_says(loose: str, tight: str) -> None:
    assert value_of(loose) == value_of(tight)


def test_the_operators_stand_by_level_and_those_of_a_level_group_alike() -> None:
    assert [sign.level for sign in SIGNS] == sorted(sign.level for sign in SIGNS)
    assert len({sign.level for sign in SIGNS}) == len({(sign.level, sign.kind) for sign in SIGNS})


@pytest.mark.parametrize("sign", INFIX)
def test_an_infix_operator_groups_as_its_row_says(sign: str) -> None:
    text = f"a {sign} b {sign} c"
    match INFIX[sign].kind:
        case "left":
            assert value_of(text) == value_of(f"(a {sign} b) {sign} c")
        case "right":
            assert value_of(text) == value_of(f"a {sign} (b {sign} c)")
        case _:
            with pytest.raises(KrlError):
                value_of(text)


@pytest.mark.parametrize(
    "word", ["rule", "if", "fired", "event", "raise", "count", "within", "then", "meta", "at"]
)
def test_a_keyword_is_a_plain_name_inside_an_expression(word: str) -> None:
    assert value_of(f"{word} + 1") == syntax.Infix("+", syntax.Name(word), syntax.Literal(1))
    assert value_of(f"f({word})") == syntax.Call(syntax.Name("f"), (syntax.Argument(syntax.Name(word)),))


def test_keywords_name_rules_events_attributes_and_declarations() -> None:
    text = """ruleset select.rule {
      global { schedule = 1 repeat = function(fired){ fired } }
      rule finally { select when rule select where re#x# setting(at) where at == schedule
        pre { else = at } if else then noop() fired { raise event event event attributes {"if": at} } } }"""
    tree = parse(Source("text", text))
    rule = tree.rules[0]
    assert (tree.rid, rule.name) == ("select.rule", "finally")
    assert isinstance(rule.select, syntax.EventPrimitive)
    assert (rule.select.domain, rule.select.type, rule.select.attributes[0].name) == (
        "rule",
        "select",
        "where",
    )
    assert isinstance(rule.postlude, syntax.Postlude)
    raised = rule.postlude.fired[0]
    assert isinstance(raised, syntax.Raise)
    assert (raised.domain, raised.type) == ("event", syntax.Name("event"))


def test_the_words_of_a_window_are_names_everywhere_else() -> None:
    text = """ruleset window {
      meta { window from from "0 8 * * *" to {"hours": [18]} in "Europe/Berlin" window to from "a" to "b"
        shares window, from, to }
      global { window = 1 from = function(to) { to } to = window in = from(window) }
      rule window { select when window opened name re#from# where window:open(from(to))
        if window:open("from") then noop()
        fired { ent:window := in; ent:from += window from to; schedule window event "to" at window } } }"""
    tree = parse(Source("text", text))
    first, second, _ = tree.meta
    zone = syntax.Literal("Europe/Berlin")
    hours = syntax.Map(((syntax.Literal("hours"), syntax.Array((syntax.Literal(18),))),))
    assert first == syntax.Window("from", syntax.Literal("0 8 * * *"), hours, zone)
    assert second == syntax.Window("to", syntax.Literal("a"), syntax.Literal("b"))
    assert (tree.rid, tree.rules[0].name) == ("window", "window")
    assert isinstance(tree.rules[0].select, syntax.EventPrimitive)
    assert (tree.rules[0].select.domain, tree.rules[0].select.type) == ("window", "opened")


def test_a_chevron_holds_beestings_that_hold_chevrons() -> None:
    tree = value_of('<<a #{ {"k": <<b #{1}>>}{"k"} } \\>> c>>')
    assert isinstance(tree, syntax.Chevron)
    assert tree.parts[0] == "a "
    assert isinstance(tree.parts[1], syntax.Path)


def test_a_line_break_ends_no_expression() -> None:
    assert value_of("one\n[1]") == value_of("one[1]")
    assert value_of("f\n(1)") == value_of("f(1)")


def test_threads_parse_side_by_side() -> None:
    text = "ruleset demo { rule a { select when d t where <<x#{1}y>> == 1 noop() } }"
    with ThreadPoolExecutor(8) as threads:
        trees = list(threads.map(lambda _: parse(Source("text", text)), range(80)))
    assert all(tree == trees[0] for tree in trees)


@pytest.mark.slow
@pytest.mark.parametrize("spoiled", [b"", b"not tables", b"\x00" * 100])
def test_a_spoiled_cache_of_tables_costs_only_time(
    spoiled: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    grammar._parser.cache_clear()
    parse_body(Source("text", "1"))
    kept = list(tmp_path.rglob("grammar-body-*"))
    assert len(kept) == 1
    kept[0].write_bytes(spoiled)
    grammar._parser.cache_clear()
    assert value_of("1 + 1") == syntax.Infix("+", syntax.Literal(1), syntax.Literal(1))
    assert kept[0].read_bytes() != spoiled  # mended
    grammar._parser.cache_clear()


@pytest.mark.slow
@pytest.mark.slow
def test_an_unwritable_cache_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "picosched").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    grammar._parser.cache_clear()
    assert value_of("1") == syntax.Literal(1)
    grammar._parser.cache_clear()


@pytest.mark.parametrize("rest", ["", ' attributes {"a": 1}', " with a = 1", " setting(id)"])
def test_a_schedule_without_a_time_is_told_what_it_lacks(rest: str) -> None:
    text = f'ruleset a {{ rule r {{ select when d t always {{ schedule d event "t"{rest} }} }} }}'
    with pytest.raises(KrlError, match=r"wanted `at`.* `repeat`"):
        parse(Source("text", text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 300 + "1" + ")" * 300, "nested more than"),
        ("<<#{" * 300, "nested more than"),
        ('"abc', "no end to this string"),
        ("/* abc", "no end to this comment"),
        ("re#abc", "no end to this regular expression"),
        ("<<abc", "no end to this chevron"),
        ("1 ~ 2", "no use for"),
        ("1 +", "found the end of the text, wanted an expression"),
        ("re#(#", "re#(#"),
    ],
)
def test_a_text_that_is_not_krl_is_refused_with_its_place(text: str, message: str) -> None:
    from scopes import new_scope

    from picosched.krl.body import evaluate_body

    with pytest.raises(KrlError) as caught:
        evaluate_body(text, new_scope())
    assert message in caught.value.message
    assert caught.value.span is not None


@pytest.mark.parametrize("name", ["rules", "others", "meta"])
def test_a_syntax_error_says_what_was_wanted_there(name: str) -> None:
    path = Path(__file__).parent / "faults" / "syntax" / f"{name}.krl"
    text = path.read_text(encoding="utf-8")
    wanted = wanted_in(text)
    found = [(each.span.line, each.message) for each in syntax_errors(re.sub("###.*", "", text))]
    assert found == wanted


@pytest.mark.parametrize(
    ("sign", "wanted"), [("a ? b : c", "test => this | that"), ("!a", "not"), ("a & b", "&&")]
)
def test_a_character_that_krl_lacks_is_answered_with_what_it_has(sign: str, wanted: str) -> None:
    with pytest.raises(KrlError, match=re.escape(f"wanted `{wanted}`")):
        value_of(sign)


WORDS = st.sampled_from(
    """ruleset demo { } meta global rule select when where if then fired { } ( ) [ ] , ; := = == "x" 1 ent:x
    a d t raise schedule event at repeat attributes with and << >> #{ re#x# foreach setting pre noop() => |
    .map( function before within 5 minutes on final last log error""".split()
)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=40).map(" ".join)))
def test_any_text_parses_or_is_refused(text: str) -> None:
    for read in (parse, parse_body):
        try:
            tree: Any = read(Source("text", text))
        except KrlError as error:
            assert error.span is not None
        else:
            assert isinstance(tree, syntax.Node)
