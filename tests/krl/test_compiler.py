"""Compiled code: where its errors point, what bounds it, what it cannot reach."""

from __future__ import annotations

import gc
import json
import linecache
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scopes import new_scope

from picosched.errors import KrlError, PicoschedError
from picosched.krl.body import evaluate_body
from picosched.krl.budget import SLICE, Budget, Limits
from picosched.krl.library import OPERATORS
from picosched.krl.operators import INFIX
from picosched.krl.ruleset import compile_ruleset
from picosched.krl.running import Instance, instantiate
from picosched.krl.size import spending
from picosched.krl.values import regex_of


def instance_of(globals: str, limits: Limits | None = None, name: str = "demo.krl") -> Instance:
    shares = "meta { shares f, g }"
    text = f"ruleset demo {{\n  {shares}\n  global {{\n{globals}\n  }}\n}}"
    return instantiate(compile_ruleset(text, name), new_scope(limits), lambda rid, config: {})


def test_an_error_of_a_running_function_has_its_exact_place() -> None:
    instance = instance_of(
        '    g = function(x){ "ünï" + (x * 2) }\n    f = function(){ [1, 2].map(function(n){ g("two") }) }'
    )
    with pytest.raises(KrlError) as caught:
        instance.query("f", {})
    span = caught.value.span
    assert span is not None
    assert (span.file, span.line, span.column, span.end_column) == ("demo.krl", 4, 31, 36)
    assert "cannot * a String and a Number" in caught.value.message


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ('[1, 2].map(function(n){ 1 + (n - "x") })', (30, 37)),
        ('[1, 2].reduce(function(a, b){ a % 2 * (b - "x") })', (40, 47)),
        ('x = "x"; (2 * 3 - x) < 4', (11, 20)),
        ('f = function(n){ n - "x" == 0 => 1 | f(n - 1) }; f(5)', (18, 25)),
    ],
)
def test_an_error_of_what_is_done_in_place_has_its_exact_place(body: str, columns: tuple[int, int]) -> None:
    with pytest.raises(KrlError) as caught:
        evaluate_body(body, new_scope())
    span = caught.value.span
    assert span is not None
    assert (span.column, span.end_column) == columns


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("ruleset org.acme.tea-timer {", "org.acme.tea-timer:2:"),
        ("// ruleset no {\n/* ruleset\n no { */ ruleset tea {", "tea:4:"),
        ("ruleset b602 {", "b602:2:"),
        ("/*" * 50_000, "<ruleset>:1:"),
        ("/**/ " * 50_000, "<ruleset>:2:"),
    ],
)
def test_a_text_without_a_file_is_named_by_its_rid(head: str, name: str) -> None:
    with pytest.raises(KrlError) as caught:
        compile_ruleset(f"{head}\n?\n}}")
    assert str(caught.value).startswith(name)


def test_a_ruleset_without_a_file_leaves_nothing_to_python_when_it_goes() -> None:
    text = "ruleset gone.soon { global { f = function() { 1 } } }"
    ruleset = compile_ruleset(text)
    assert ruleset.meta["url"] is None and "gone.soon" in linecache.cache
    del ruleset
    gc.collect()
    assert "gone.soon" not in linecache.cache


def test_a_python_traceback_shows_the_line_of_the_ruleset() -> None:
    instance = instance_of('    f = function(){ 1 - "x" }\n    g = 1')
    with pytest.raises(KrlError) as caught:
        instance.query("f", {})
    told = "".join(traceback.format_exception(caught.value))
    assert 'File "demo.krl", line 4' in told
    assert '1 - "x"' in told


def test_a_value_that_is_used_before_it_is_there_is_named() -> None:
    with pytest.raises(KrlError, match="later has no value yet"):
        instance_of("    f = function(){ later }\n    early = f()\n    later = 1\n    g = 1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("f(n + 1)", "nested more than 200 deep"),
        ("[1].map(function(x){ f(x) })", "nested more than 200 deep"),
        ("[2, 1].sort(function(a, b){ f(a) })", "nested more than 200 deep"),
        ('"a".replace(re#a#, function(m){ f(1) })', "nested more than 200 deep"),
        ("n > 5 => n | f(n)", "nested more than 200 deep"),
        ("[1].map(function(a, b, c, d = f(n)){ d })", "nested more than 200 deep"),
        ("1.range(100000).map(function(x){ x }).length() + f(n)", "nested more than 200 deep|took more than"),
    ],
)
def test_endless_recursion_ends_with_an_error(body: str, message: str) -> None:
    instance = instance_of(f"    f = function(n){{ {body} }}\n    g = 1", Limits(max_depth=200))
    with pytest.raises(KrlError, match=message) as caught:
        instance.query("f", {"n": 1})
    assert caught.value.code == "too_large"
    assert caught.value.span is not None


def test_a_recursion_through_a_default_ends_with_an_error() -> None:
    instance = instance_of("    f = function(n, d = f(n)){ d }\n    g = 1", Limits(max_depth=50))
    with pytest.raises(KrlError, match="nested more than 50 deep"):
        instance.query("f", {"n": 1})


def test_a_loop_without_end_ends_when_its_steps_are_spent() -> None:
    thousand = "1.range(1000).map"
    body = f"{thousand}(function(a){{ {thousand}(function(b){{ b }}) }})"
    instance = instance_of(f"    f = function(){{ {body} }}\n    g = 1", Limits(max_steps=100_000))
    with spending(instance.scope.budget), pytest.raises(KrlError, match="took more than 100000 steps"):
        instance.query("f", {})


FOR_EACH = [name for name, operator in OPERATORS.items() if operator.calls == "each"]


def given_a_function(name: str, function: str, count: int) -> str:
    """An operator that calls a function so many times."""
    if name == "pairwise":
        return f"[0.range({count - 1}), 1].pairwise({function})"
    return f"1.range({count}).{name}({function})"


KEEPS_ON = {"all": "true", "notall": "true"}
"""What a function gives so that the next element is asked; false for the others."""


def taken(text: str, limits: Limits | None = None) -> float:
    scope = new_scope(limits)
    with spending(scope.budget):
        evaluate_body(text, scope)
    return scope.budget.taken


@pytest.mark.parametrize("name", FOR_EACH)
def test_a_loop_pays_for_the_steps_of_a_function_that_is_written_out(name: str) -> None:
    def steps(count: int) -> float:
        body = f"x == [] || {KEEPS_ON.get(name, 'false')}"
        return taken(given_a_function(name, f"function(x){{ {body} }}", count))

    named = given_a_function(name, "f", 1_000)
    counted = taken(f"f = function(x){{ x == [] || {KEEPS_ON.get(name, 'false')} }}; {named}")
    assert counted - 10 < steps(1_000) < counted + 10
    assert steps(2_000) - steps(1_000) >= 1_000


@pytest.mark.parametrize("name", FOR_EACH)
def test_a_loop_whose_function_does_not_count_ends_when_its_steps_are_spent(name: str) -> None:
    long = "x == 0 || " * 200 + KEEPS_ON.get(name, "false")
    text = given_a_function(name, f"function(x){{ {long} }}", 1_000)
    with pytest.raises(KrlError, match="took more than 10000 steps"):
        taken(text, Limits(max_steps=10_000))


@pytest.mark.parametrize("name", [name for name, each in OPERATORS.items() if not each.scoped])
def test_an_operator_that_calls_a_function_says_so(name: str) -> None:
    called = False

    def function(a: object = None, b: object = None) -> bool:
        nonlocal called
        called = True
        return False

    for receiver in ([3, 1, 2], [[1], [2]], {"a": 1}, "abc", 5, regex_of("b"), function):
        for others in ([function], ["b", function], [regex_of("b"), function], [0, 1, function]):
            with suppress(KrlError, TypeError):  # it does not take so many, or no such values
                OPERATORS[name].run(receiver, *others)
    assert called == (OPERATORS[name].calls != "nothing")


def test_the_clock_is_looked_at_while_a_loop_runs_whose_function_does_not_count() -> None:
    looks = 0

    def ticks() -> float:
        nonlocal looks
        looks += 1
        return 0.0

    scope = new_scope()
    scope.budget = Budget(Limits(), ticks)
    with spending(scope.budget):
        evaluate_body("0.range(200000).map(function(x){ x * 2 }).filter(function(x){ x % 3 == 0 })", scope)
    assert looks > scope.budget.taken / (2 * SLICE)


MIXED = "0.range(999).map(function(n){ n * 7919 % 1000 })"
LONG = '0.range(1999).map(function(n){ "a" }).join("")'


@pytest.mark.parametrize(
    ("text", "without", "calls"),
    [
        ("fib(15)", "0", 1_973),
        (f"[{', '.join(['fib(0)'] * 50)}]", "[]", 50),
        ("f = fib; 0.range(999).map(function(n){ f(0) })", "0.range(999).map(function(n){ 0 })", 1_000),
        (f"{MIXED}.sort(falls)", f"{MIXED}.sort()", 3_000),
        (f"{LONG}.replace(re#a#g, same)", f"{LONG}.replace(re#b#g, same)", 2_000),
    ],
)
def test_whoever_calls_a_function_pays_for_its_short_way_out(text: str, without: str, calls: int) -> None:
    functions = """
        fib = function(n){ n < 2 => n | fib(n - 1) + fib(n - 2) }
        falls = function(a, b){ a > b => true | falls(b, a - 1) }
        same = function(m){ m == "a" => m | same("a") };
    """
    assert taken(functions + text) - taken(functions + without) >= calls


def test_depth_that_was_used_is_given_back() -> None:
    instance = instance_of(
        "    f = function(n){ n == 0 => 0 | 1 + f(n - 1) }\n    g = 1", Limits(max_depth=100)
    )
    for _ in range(3):
        assert instance.query("f", {"n": 90}) == 90
        with pytest.raises(KrlError):
            instance.query("f", {"n": 200})
    assert instance.scope.budget.depth == 100


@pytest.mark.parametrize(
    "text",
    [
        '"x".__class__',
        '{}{"__class__"}',
        '(function(x){ x }){"__globals__"}',
        "(function(x){ x }).func_globals",
        '[].append{"__self__"}',
        '"%s".sprintf("{0.__class__}")',
        '{}{"constructor"}',
        "None",
        "__builtins__",
        "__import__",
        "print",
        "True",
    ],
)
def test_nothing_of_python_can_be_reached(text: str) -> None:
    try:
        value = evaluate_body(text, new_scope())
    except KrlError:
        return
    assert value is None or value == "%s" or value == "{0.__class__}"


@pytest.mark.parametrize(
    "name", ["None", "True", "False", "__debug__", "type", "self", "lambda", "class", "$x", "_"]
)
def test_a_name_of_python_is_a_plain_name(name: str) -> None:
    assert evaluate_body(f"{name} = 2; f = function({name}){{ {name} + 1 }}; f({name})", new_scope()) == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("f = function(a, b = 5){ [a, b] }; f(1, null)", [1, 5]),  # a null that is written out is no argument
        ("f = function(a, b = a * 2){ [a, b] }; f(b = 1, a = 2)", [2, 1]),
        ("f = function(a){ a }; f(1, 2, 3)", 1),
        ("f = function(a){ a }; g = f; g(7)", 7),
        ("x = 1; f = function(){ x }; g = function(x){ f() }; g(2)", 1),
        ("x = 1; f = function(x){ x = x + 1; x * 10 }; f(x)", 20),
        ("false || [] ", []),
        ("[] => 1 | 2", 1),
        ("a = 2; a == 2 && a > 1 || false", True),
        ('a = "2"; a == 2', False),
        ("a = true; a == 1", False),
        ("a = true; a < 2", True),
        ('a = "x"; a + 1', "x1"),
        ("a = null; a - 1", -1),
    ],
)
def test_declarations_and_calls_mean_what_they_say(text: str, value: object) -> None:
    assert evaluate_body(text, new_scope()) == value


NEAR_BOUNDS = [
    sign * (bound + step) for bound in (0, 3, 2**30, 2**31, 2**52) for step in (-1, 0, 1) for sign in (1, -1)
]
OPERANDS = st.one_of(
    st.sampled_from([*NEAR_BOUNDS, 2**53, -(2**53)]),
    st.integers(-(2**53), 2**53),
    st.sampled_from([None, True, False, 2.5, -0.5, 1e300, "", "3", "x", [1], {"a": 1}]),
)


def outcome(run: Callable[[], object]) -> tuple[type, object]:
    """A value with its type, or the message of an error."""
    try:
        value = run()
    except KrlError as error:
        return KrlError, error.message
    return type(value), value


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.sampled_from([sign for sign in INFIX if sign not in ("&&", "||")]), OPERANDS, OPERANDS)
def test_an_operator_means_the_same_in_place_as_its_function(sign: str, a: object, b: object) -> None:
    wanted = outcome(lambda: INFIX[sign].run(a, b))
    given = {"a": a, "b": b}
    forms = [f"a {sign} b", f"[a][0] {sign} [b][0]", f"a {sign} [b][0]", f"[a][0] {sign} b"]
    near = type(a) is type(b) is int and sign in "+-" and abs(INFIX[sign].run(a, b)) > 2**52
    if not near:  # next to a literal a sum may pass the bound by a little
        forms += [f"a {sign} {literal(b)}", f"{literal(a)} {sign} b", f"{literal(a)} {sign} {literal(b)}"]
    for form in forms:
        found = outcome(lambda: instance_of(f"f = function(a, b){{ {form} }} g = 1").query("f", given))  # noqa: B023
        assert found == wanted, form


def literal(value: object) -> str:
    return json.dumps(value) if not isinstance(value, float) else f"{value:f}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x = 7; x % 3 == 1", True),
        ("x = -7; x % 3 == -1", True),
        ('x = "7"; x % 3 == 1', True),
        ('x = "7"; x * 2 > 13', True),
        ("x = 9007199254740992; x * 3 == 27021597764222976", True),
        ("x = 2; x - 1 + x * 2 - -3", 8),
        ("f = function(n){ n < 2 => n | f(n - 1) + f(n - 2) }; f(20)", 6_765),
        ("f = function(n){ n < 2 => n | f(n - 1) + f(n - 2) }; f(5.5)", 9),
        ("f = function(n){ n > 2 => f(n - 1) | n == 2 => 5 | f(2) }; [f(9), f(1)]", [5, 5]),
        ('f = function(n){ n < 2 => n | f(n - 1) + f(n - 2) }; f("5")', 5),
        ("f = function(n, m){ n == 0 => m | f(n - 1, m * n) }; f(20, 1)", 2432902008176640000.0),
        ('f = function(n){ n > 2 => f(n - 1) + (n - 1) * n | "" + n }; [f(4), f("4")]', ["2612", "2612"]),
        ("f = function(n){ n > 0 => [n, 2].map(function(x){ n + x * n }) | f(1) }; f(3)", [12, 9]),
        ("y = 3; [1, 2].map(function(x){ x * y })", [3, 6]),
        ("[1, 2].map(function(){ 7 })", [7, 7]),
        ("[5, 6].map(function(x, i, all){ x + i + all.length() })", [7, 9]),
        ("[5, 6].map(function(x, i, all, more){ more })", [None, None]),
        ("[5, 6].map(function(x, i = 3){ i })", [0, 1]),
        ("[5, 6].map(function(x){ x }, steps = -5)", [5, 6]),
        ("[5, 6].reduce(function(a, b, i, all){ a + b * i + all[0] }, 1)", 17),
        ("[5, 6].reduce(function(a, b, i){ a + i })", 6),
        ('{"a": 1, "b": 0}.map(function(v, k){ k + v })', {"a": "a1", "b": "b0"}),
        ('{"a": 1, "b": 0}.filter(function(v){ v })', {"a": 1}),
        ('[0, 1, "", "x", [], null].filter(function(v){ v })', [1, "x", []]),
        ("length = function(x){ 5 }; [[1]].map(function(x){ x.length() })", [5]),
        ("map = function(x, f){ f(x) }; 3.map(function(x){ x + 1 })", 4),
    ],
)
def test_what_is_done_in_place_means_what_it_says(text: str, value: object) -> None:
    assert evaluate_body(text, new_scope()) == value


def test_a_query_passes_a_null_that_is_given_and_misses_what_is_not() -> None:
    instance = instance_of("    f = function(a, b = 5){ [a, b] }\n    g = 1")
    assert instance.query("f", {"b": None}) == [None, None]
    assert instance.query("f", {"a": 1, "other": 2}) == [1, 5]
    assert instance.query("g", {}) == 1
    with pytest.raises(PicoschedError, match="shares no h"):
        instance.query("h", {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"sum #{1 + 1}"', "sum 2"),
        ('\'#{"a".uc()}#{{"k": 2}{"k"}}\'', "A2"),
        ('"plain"', "plain"),
    ],
)
def test_the_classic_dialect_has_beestings_in_ordinary_strings(text: str, value: str) -> None:
    def shared(meta: str) -> object:
        ruleset = compile_ruleset(f"ruleset d {{ meta {{ {meta} shares v }} global {{ v = {text} }} }}")
        return instantiate(ruleset, new_scope(), lambda rid, config: {}).query("v", {})

    assert shared("dialect classic") == value
    assert shared("") == text[1:-1]


def test_an_error_in_a_classic_beesting_has_its_place() -> None:
    with pytest.raises(KrlError) as caught:
        compile_ruleset('ruleset d { meta { dialect classic }\n global { v = "x #{ unknwon } y" } }')
    assert caught.value.span is not None
    assert (caught.value.span.line, caught.value.span.column) == (2, 21)


def test_a_ruleset_that_is_no_file_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PicoschedError, match="there is no file"):
        compile_ruleset(tmp_path / "missing.krl")
    latin = tmp_path / "latin.krl"
    latin.write_bytes("ruleset caf\u00e9 {}".encode("latin-1"))
    with pytest.raises(PicoschedError, match="is not UTF-8: found the byte 0xe9 at offset 11"):
        compile_ruleset(latin)
    with pytest.raises(PicoschedError, match="cannot read"):
        compile_ruleset(tmp_path)


@pytest.mark.slow
def test_forms_nested_without_end_are_refused_and_not_fatal() -> None:
    for text in ("1" + " + 1" * 20_000, "not " * 20_000 + "true", "f" + "(1)" * 20_000):
        with pytest.raises(KrlError):
            evaluate_body("f = function(){ f }; " + text, new_scope(Limits(max_depth=100)))


LEAVES = [
    "1",
    "0",
    '"x"',
    '""',
    "null",
    "true",
    "[1, 2]",
    '{"a": 1}',
    "re#x#g",
    "2.5",
    "<<a#{1}b>>",
    "event:attrs",
]
METHODS = "map filter reduce sort append join split length as replace set put get sprintf range".split()
EXPRESSIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([*INFIX]), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} => {parts[1]} | {parts[2]})"),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}{{{parts[1]}}}"),
        st.tuples(
            inner,
            st.sampled_from(METHODS),
            st.lists(st.one_of(inner, st.just("function(a, b){ a }")), max_size=3),
        ).map(lambda parts: f"{parts[0]}.{parts[1]}({', '.join(parts[2])})"),
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(EXPRESSIONS)
def test_any_expression_has_a_value_or_a_krl_error(text: str) -> None:
    try:
        evaluate_body(text, new_scope())
    except KrlError as error:
        assert error.code != "internal", error


def test_loops_without_end_in_each_other_are_refused() -> None:
    loops = " ".join(f"foreach [1] setting(x{n})" for n in range(25))
    with pytest.raises(KrlError, match="found 25 `foreach` in one rule, wanted at most 20"):
        compile_ruleset(f"ruleset d {{ rule r {{ select when a b {loops} noop() }} }}")
