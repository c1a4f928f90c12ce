"""Laws of the printer: what is printed is read as the same tree, and the formatter loses nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.grammar import parse
from picosched.krl.lexer import new_lexer
from picosched.krl.operators import INFIX, PREFIX
from picosched.krl.printer import formatted, printed
from picosched.krl.source import Source

ROOT = Path(__file__).parent.parent.parent
LAYOUT = Path(__file__).parent / "layout"
quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))

Trees = st.SearchStrategy[Any]


# ---- trees: the leaves ----------------------------------------------------------------------------

RESERVED = ["function", "defaction", "return", "not", "setting", "null", "true", "false"]
WORDS = """
    a b x1 $y re rule if fired event raise count within then meta at and or like cmp eq neq current history
    seen last set ent app on final with for attributes before between after where when select version alias
    log error info minutes pre every choose emit repeat any key keys to in from click pageview schedule mark
    use max global is name always else cachable callbacks configure description window
""".split()

words = st.sampled_from(WORDS)
any_word = st.sampled_from([*WORDS, *RESERVED])
domains = words.filter(lambda word: word not in ("ent", "app"))
marks = ["a", " ", "\\", '"', "'", "#", "{", "}", ">", "<", "\n", "é", "//", "/*", "n", "|"]
texts = st.lists(st.sampled_from(marks), max_size=5).map("".join)
rids = st.sampled_from(["a", "org.acme.tea-timer", "select.rule", "10", "a.meta"])


def several(strategy: Trees, least: int = 0, most: int = 2) -> Trees:
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


def maybe(strategy: Trees) -> Trees:
    return st.none() | strategy


def whole(value: float) -> float:
    """A number as the lexer has it: whole ones are int as far as they are exact."""
    value = float(value)
    return int(value) if value.is_integer() and value <= 2**53 else value


large = st.integers(2**53 - 1, 2**53 + 2) | st.floats(0, allow_nan=False)
numbers = st.integers(0, 99) | large.map(whole)
literals = st.one_of(numbers, texts, st.sampled_from([None, True, False])).map(syntax.Literal)
flags = st.sampled_from(["", "i", "gim"])
hashed = st.lists(st.sampled_from(["a", "#", "/", "\\\\", "\\d", "\\/", "\n", "("]), max_size=4).map("".join)
slashed = st.lists(st.sampled_from(["a", "#", "/", "\\\\", "\\d", "\\#", "("]), max_size=4).map("".join)
hashed_regexes = st.builds(syntax.Regex, hashed, flags)
regexes = hashed_regexes | st.builds(syntax.Regex, slashed, flags)
names = st.builds(syntax.Name, words)
qualified = st.builds(syntax.Qualified, domains, any_word)
persistent = st.builds(syntax.Persistent, st.sampled_from(["ent", "app"]), any_word)
leaves = st.one_of(names, names, literals, regexes, qualified, persistent)


# ---- trees: expressions and actions ---------------------------------------------------------------


def grown(inner: Trees) -> Trees:
    """Expressions one step larger than those they are made of."""
    arguments = several(st.builds(syntax.Argument, inner, maybe(words)))
    # Only before a string, a regular expression or a word is `seen` no name; the same with `history`.
    worded = st.one_of(names, qualified, persistent)
    patterns = st.one_of(worded, hashed_regexes, texts.map(syntax.Literal))
    patterns |= st.builds(syntax.Method, patterns, any_word, arguments)
    places = worded | numbers.map(syntax.Literal)
    # What a member in parentheses is, is a group.
    callees = inner.map(lambda node: syntax.Group(node) if isinstance(node, syntax.Member) else node)
    chevrons = st.lists(texts.filter(bool) | inner, max_size=4).map(merged)
    declared = several(st.builds(syntax.Declaration, words, inner))
    return st.one_of(
        st.builds(syntax.Infix, st.sampled_from([*INFIX]), inner, inner),
        st.builds(syntax.Infix, st.sampled_from([*INFIX]), inner, inner),
        st.builds(syntax.Prefix, st.sampled_from([*PREFIX]), inner),
        st.builds(syntax.Conditional, inner, inner, inner),
        st.builds(syntax.Array, several(inner)),
        st.builds(syntax.Map, several(st.tuples(inner | names, inner))),
        st.builds(syntax.Call, callees, arguments),
        st.builds(syntax.Method, inner, any_word, arguments, maybe(domains)),
        st.builds(syntax.Member, inner, any_word),
        st.builds(syntax.Group, st.builds(syntax.Member, inner, any_word)),
        st.builds(syntax.Index, inner, inner),
        st.builds(syntax.Path, inner, inner),
        st.builds(syntax.Chevron, chevrons),
        st.builds(syntax.Function, parameters(inner), declared, inner),
        st.builds(syntax.Defaction, parameters(inner), declared, declared, blocks(inner), maybe(inner)),
        st.builds(syntax.Current, places | inner.filter(is_no_group), persistent),
        st.builds(syntax.Lately, inner, withins(inner)),
        st.builds(syntax.Seen, patterns, persistent, within=maybe(withins(inner))),
        st.builds(syntax.Seen, patterns, persistent, st.sampled_from(["before", "after"]), patterns),
    )


def is_no_group(node: syntax.Expression) -> bool:
    return not isinstance(node, syntax.Group)


def merged(parts: list[Any]) -> tuple[Any, ...]:
    """The parts of a chevron, with no two texts side by side."""
    found: list[Any] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return tuple(found)


def parameters(inner: Trees) -> Trees:
    return several(st.builds(syntax.Parameter, words, maybe(inner)))


def withins(inner: Trees) -> Trees:
    return st.builds(syntax.Within, inner, st.sampled_from(["second", "minute", "year"]))


emits = st.sampled_from(["emit <<\n  a(b);\n>>", 'emit <|x = "}";|>', "emit f(1)"]).map(syntax.Ignored)
callbacks = st.just(syntax.Ignored('callbacks { success { click id="(" } }'))


def blocks(inner: Trees) -> Trees:
    arguments = several(st.builds(syntax.Argument, inner, maybe(words)))
    options = several(st.builds(syntax.Declaration, words, inner))

    def action(first: Trees) -> Trees:
        callees = st.builds(syntax.Name, first) | qualified
        return st.builds(syntax.Action, callees, arguments, options, several(words), maybe(first))

    # Where a block can begin, these words are not the name of an action.
    single = st.tuples(
        action(words.filter(lambda word: word not in ("if", "choose", "foreach", "configure")))
    )
    actions = several(action(words))
    selectors = st.one_of(names, qualified, persistent, texts.map(syntax.Literal), inner)
    selectors |= st.builds(syntax.Call, selectors, arguments)
    ignored = st.tuples(
        several(emits, most=1), several(st.tuples(st.integers(0, 2), emits)), several(callbacks)
    )
    return st.one_of(
        st.builds(block_of, st.just("one"), single, maybe(inner), st.none(), ignored),
        st.builds(block_of, st.sampled_from(["every", "sample"]), actions, maybe(inner), st.none(), ignored),
        st.builds(block_of, st.just("choose"), actions, maybe(inner), selectors, ignored),
    )


def block_of(order: str, actions: tuple[Any, ...], condition: Any, selector: Any, ignored: Any) -> Any:
    """An action block with classic constructs before, in and behind it."""
    before, among, behind = ignored
    count = len(actions)
    found = [(-1, each) for each in before]
    if order != "one":
        places = sorted(min(place, count) for place, _ in among)
        found += [(place, each) for place, (_, each) in zip(places, among, strict=True)]
    found += [(count + 1, each) for each in behind]
    return syntax.ActionBlock(order, actions, condition, selector, tuple(found))


def levels_of(least: Trees, larger: Callable[[Trees], Trees], depth: int) -> Trees:
    """Trees up to a depth. They are deferred, or the text that names a strategy would grow without end."""
    if depth == 0:
        return least
    inner = levels_of(least, larger, depth - 1)
    return st.deferred(lambda: least | larger(inner))


expressions = levels_of(leaves, grown, 2)
declarations = st.builds(syntax.Declaration, words, expressions)
rests = maybe(expressions)


# ---- trees: events, statements, rules -------------------------------------------------------------

attribute_names = words.filter(lambda word: word not in ("and", "or", "on"))
attributes = st.builds(syntax.AttributePattern, attribute_names, hashed_regexes)
attributes |= st.builds(syntax.AttributePattern, st.just("a"), st.builds(syntax.Regex, texts))
primitives = st.builds(syntax.EventPrimitive, any_word, any_word, several(attributes), several(words), rests)


def patterned(inner: Trees) -> Trees:
    """Event expressions one step larger."""
    binary = st.sampled_from(["or", "and", "before", "then", "after"])
    between = st.sampled_from(["between", "notbetween"])
    grouped = several(inner, 1, 3).flatmap(
        lambda events: st.integers(1, len(events)).map(lambda n: syntax.EventGroup("any", n, events))
    )
    repeated = st.tuples(st.sampled_from(["count", "repeat"]), st.integers(1, 9), st.tuples(inner))
    aggregated = st.tuples(repeated, st.sampled_from(["max", "min", "sum", "avg", "push"]), several(words, 1))
    return st.one_of(
        st.builds(syntax.EventOperation, binary, st.tuples(inner, inner)),
        st.builds(syntax.EventOperation, binary, several(inner, 1, 3)),
        st.builds(syntax.EventOperation, between, st.tuples(inner, inner, inner)),
        grouped,
        repeated.map(lambda parts: syntax.EventGroup(*parts)),
        aggregated.map(lambda parts: syntax.EventGroup(*parts[0], *parts[1:])),
        st.builds(syntax.EventWithin, inner, withins(expressions)),
    )


events = levels_of(primitives, patterned, 2)

levels = st.sampled_from(["error", "warn", "info", "debug"])
Scheduled = syntax.ScheduleEvent
unguarded = st.one_of(
    st.builds(syntax.Assign, persistent, rests, expressions),
    st.builds(syntax.Set, persistent, rests, rests),
    st.builds(syntax.Set, persistent, st.none(), rests),
    st.builds(syntax.Count, persistent, st.sampled_from(["+=", "-="]), expressions, rests, rests),
    st.builds(syntax.Clear, persistent, rests),
    st.builds(syntax.Mark, persistent, rests),
    st.builds(syntax.Forget, expressions, persistent),
    st.builds(syntax.Local, declarations),
    st.builds(syntax.Raise, maybe(any_word), expressions, rests, rests),
    st.builds(Scheduled, maybe(any_word), expressions, expressions, st.none(), rests, maybe(words)),
    st.builds(Scheduled, maybe(any_word), expressions, st.none(), expressions, rests, maybe(words)),
    st.builds(syntax.Log, levels, expressions),
    st.builds(syntax.Error, levels, expressions),
    st.just(syntax.Last()),
)
statements = unguarded | st.builds(syntax.Guarded, unguarded, st.builds(syntax.Guard, rests))
postludes = st.builds(syntax.Postlude, *[several(statements)] * 3)

states = st.sampled_from(["active", "inactive", "test"])
foreaches = st.builds(syntax.Foreach, expressions, several(words))
selects = events | st.builds(syntax.AnyEvent, expressions)
bodies = (several(foreaches), several(declarations), maybe(blocks(expressions)), maybe(postludes))
rules = st.builds(syntax.Rule, words, states) | st.builds(syntax.Rule, words, states, selects, *bodies)

pairs = [("logging", "on"), ("logging", "off"), ("sharing", "on"), ("authz", "require")]
switches = st.sampled_from(pairs).map(lambda pair: syntax.Property(pair[0], syntax.Literal(pair[1])))
told = st.sampled_from(["name", "description", "author", "version"])
properties = st.one_of(
    switches,
    st.builds(syntax.Property, told, expressions),
    st.builds(syntax.Shares, st.sampled_from(["shares", "provides"]), several(names, 1)),
    st.builds(syntax.ProvidesKeys, several(names, 1), several(rids, 1)),
    st.builds(syntax.Key, words, expressions),
    st.builds(syntax.UseModule, rids, rests, maybe(words), several(declarations)),
    st.builds(syntax.Configure, several(declarations, 1)),
    st.builds(syntax.Window, words, expressions, expressions, rests),
    st.builds(syntax.ErrorsTo, rids, rests),
    st.just(syntax.Ignored('use css resource ("a.css")')),
)
classic = ['dataset d <- "f" cachable for 5 minutes', 'datasource d:JSON <- "u"', "css <<.a>>", "emit f(1)"]
globals_ = declarations | st.sampled_from(classic).map(syntax.Ignored)
dispatches = st.just(syntax.Ignored('dispatch { // pages\n domain "x.org" iframe "(" }'))
parts = (several(properties, most=3), several(globals_), several(rules), maybe(dispatches))
rulesets = st.builds(syntax.Ruleset, rids, *parts)


# ---- trees are read as they were printed ----------------------------------------------------------


def read(text: str) -> syntax.Ruleset:
    return parse(Source("text", text))


def assert_reads_as(text: str, tree: syntax.Ruleset) -> None:
    found = read(text)
    assert found == tree, text
    assert repr(found) == repr(tree), text  # True is not 1 here


def holding(**parts: Any) -> syntax.Ruleset:
    """A ruleset with one rule."""
    parts.setdefault("select", syntax.EventPrimitive("d", "t"))
    return syntax.Ruleset("a", rules=(syntax.Rule("r", **parts),))


@quick
@given(levels_of(leaves, grown, 3))
@pytest.mark.slow
def test_a_printed_expression_is_read_as_the_same_tree(expression: syntax.Expression) -> None:
    declaration = syntax.Declaration("v", expression)
    tree = syntax.Ruleset("a", globals=(declaration, declaration))
    assert_reads_as(printed(tree), tree)


@pytest.mark.slow
@quick
@given(events)
def test_a_printed_event_expression_is_read_as_the_same_tree(event: syntax.EventExpression) -> None:
    tree = holding(select=event)
    assert_reads_as(printed(tree), tree)


@pytest.mark.slow
@quick
@given(blocks(expressions))
def test_a_printed_action_block_is_read_as_the_same_tree(block: syntax.ActionBlock) -> None:
    tree = holding(actions=block)
    assert_reads_as(printed(tree), tree)


@pytest.mark.slow
@quick
@given(several(statements, 1, 3))
def test_printed_statements_are_read_as_the_same_tree(block: tuple[syntax.Statement, ...]) -> None:
    tree = holding(postlude=syntax.Postlude(block))
    assert_reads_as(printed(tree), tree)


@pytest.mark.slow
@quick
@given(rulesets)
def test_a_printed_ruleset_is_read_as_the_same_tree_and_needs_no_formatting(tree: syntax.Ruleset) -> None:
    text = printed(tree)
    assert_reads_as(text, tree)
    assert formatted(text) == text


# ---- texts keep all they had ----------------------------------------------------------------------


def acceptable() -> list[Any]:
    """The texts that the parser takes among its cases; an expression stands in a ruleset."""
    found = json.loads((ROOT / "tests/cases/parse_errors.json").read_text(encoding="utf-8"))["vectors"]
    texts = [(each["id"], each["src"]) for each in found if each["picosched"] != "reject"]
    around = "ruleset a { global { v = %s } }"
    return [pytest.param(src if src.startswith("ruleset") else around % src, id=id) for id, src in texts]


def written() -> list[Any]:
    """The rulesets in `rulesets` and in the tests, as far as faults are not their subject."""
    found = []
    for path in sorted([*ROOT.glob("rulesets/**/*.krl"), *ROOT.glob("tests/**/*.krl")]):
        found.append((str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")))
    for path in sorted(ROOT.glob("tests/**/*.py")):
        texts = re.findall(r"\"{3}\s*(ruleset .*?)\"{3}", path.read_text(encoding="utf-8"), re.DOTALL)
        found += [(f"{path.stem}-{number}", text) for number, text in enumerate(texts)]
    return [pytest.param(text, id=id) for id, text in found if is_ruleset(text)]


def is_ruleset(text: str) -> bool:
    try:
        read(text)
    except KrlError:
        return False
    return True


TEXTS = [*acceptable(), *written()]


def comments_of(text: str) -> list[str]:
    """The comments, without the blanks at the ends of their lines."""
    lexer = new_lexer(Source("text", text))
    list(iter(lexer.token, None))
    return [re.sub(r"\s*[\r\n]\s*", "\n", comment).rstrip() for _, comment in lexer.comments]


def assert_keeps_the_laws(text: str) -> str:
    once = formatted(text)
    assert_reads_as(once, read(text))
    assert comments_of(once) == comments_of(text), once
    assert formatted(once) == once
    return once


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_as_the_same_tree_when_printed_and_when_formatted(text: str) -> None:
    tree = read(text)
    assert_reads_as(printed(tree), tree)
    assert_keeps_the_laws(text)


GLUED = {"CHEVRON_OPEN", "CHEVRON_TEXT", "BEE_CLOSE"}
"""Behind these the text of a chevron goes on, in which there are no comments."""
COMMENTS = ["// c{}\n", "\n// c{}\n", " /* c{} */ ", "\n/* c{} */\n", "/* c{}\n * and on\n */"]
COMMENTS += ["\n\n\n// c{}\n\n\n", "\n\n"]


@st.composite
def commented(draw: Any, text: str) -> str:
    """A text with comments and empty lines wherever they may stand."""
    lexer = new_lexer(Source("text", text))
    ends = [token.endlexpos for token in iter(lexer.token, None) if token.type not in GLUED]
    places = draw(st.lists(st.sampled_from([0, *ends]), min_size=1, max_size=6, unique=True))
    for number, place in enumerate(sorted(places, reverse=True)):
        text = text[:place] + draw(st.sampled_from(COMMENTS)).format(number) + text[place:]
    return text


def is_same(text: str, tree: syntax.Ruleset) -> bool:
    """Whether what was put into a text has left its tree as it was: in a ruleset id it does not."""
    return is_ruleset(text) and repr(read(text)) == repr(tree)


@pytest.mark.slow
@settings(quick, max_examples=200)
@given(st.data(), st.sampled_from([param.values[0] for param in TEXTS]))
def test_comments_anywhere_in_a_text_are_kept_in_order(data: st.DataObject, text: Any) -> None:
    changed = data.draw(commented(text))
    assume(is_same(changed, read(text)))
    assert_keeps_the_laws(changed)


@pytest.mark.slow
@quick
@given(st.data(), rulesets)
def test_comments_anywhere_in_any_tree_are_kept_in_order(data: st.DataObject, tree: syntax.Ruleset) -> None:
    changed = data.draw(commented(printed(tree)))
    assume(is_same(changed, tree))
    assert_keeps_the_laws(changed)


# ---- the layout -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(LAYOUT.glob("*.krl")), ids=lambda path: path.stem)
def test_a_text_in_the_layout_stays_as_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.stem == "untidy":
        assert assert_keeps_the_laws(text) == (LAYOUT / "tidy.krl").read_text(encoding="utf-8")
    else:
        assert assert_keeps_the_laws(text) == text


def test_classic_constructs_without_effect_are_kept_letter_by_letter() -> None:
    text = (LAYOUT / "classic.krl").read_text(encoding="utf-8")
    kept = [
        'dispatch { domain "x.org" /* all pages */ -> "77"  iframe "(" }',
        'use css resource ("a.css")',
        'dataset  prices <- "prices.json" cachable for 30 minutes',
        "emit <| alert('}'); |>",
        'callbacks { success  { click id="x" } }',
    ]
    for construct in kept:
        assert construct in text
        assert construct in formatted(text)
        assert construct in printed(read(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(1 + 2) + 3", "1 + 2 + 3"),
        ("1 + (2 + 3)", "1 + (2 + 3)"),
        ("((a => b | c) => d | (e => f | g))", "(a => b | c) => d | e => f | g"),
        ("(not a) == b", "not a == b"),
        ('-(2).as("String")', '-2.as("String")'),
        ('(-2).as("String")', '(-2).as("String")'),
        ("(m.f)(x)", "(m.f)(x)"),
        ("(f)(x)", "f(x)"),
        ("(current) + seen", "(current) + (seen)"),
        ("f((current), [(seen)])", "f(current, [seen])"),
        ("{(a): 1, (a:b): 2, (null): 3, (a + b): 4}", "{a: 1, (a:b): 2, null: 3, (a + b): 4}"),
        ("{(m.key): value}", "{(m.key): value}"),
        ("{m.key: value}", "{m.key: value}"),
        (r"""'it\'s' + 'a"b' + "\d" """, r'''"it's" + "a\"b" + "\d"'''),
        (r"<<a \> \>> #{ (b) } \\>>", r"<<a > \>> #{b} \\>>"),
        ("re/a#b/", r"re#a\#b#"),
        (r"re/\#/", r"(re/\#/)"),
        ("007 + .50 + 100000000000000000000000", "7 + 0.5 + 100000000000000000000000"),
    ],
)
def test_parentheses_and_escapes_stand_where_they_are_needed(text: str, wanted: str) -> None:
    around = "ruleset a {\n  global {\n    v = %s\n  }\n}\n"
    assert assert_keeps_the_laws(around % text) == around % wanted


def test_a_text_with_a_fault_is_refused_at_the_fault() -> None:
    with pytest.raises(KrlError) as refused:
        formatted("ruleset a { rule }", "a.krl")
    assert str(refused.value.span) == "a.krl:1:18"


@pytest.mark.slow
def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(KrlError, match="nested too deep"):
        formatted(f"ruleset a {{ global {{ v = {'not ' * 20_000} b }} }}")
