"""KRL values: kinds, conversions, equality, calls, JSON, regular expressions, infix operators."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picosched.errors import KrlError
from picosched.krl import operators
from picosched.krl.budget import Budget, Limits
from picosched.krl.pattern import Regex
from picosched.krl.size import DEEPEST, LARGEST, LONGEST, spending
from picosched.krl.values import (
    MISSING,
    Action,
    call,
    callback,
    equal,
    from_json,
    json_text,
    json_value,
    key_of,
    kind,
    number,
    shown,
    to_number,
    to_string,
    truth,
)


def function(*args: Any) -> Any:
    return None


ACTION = Action("act", function)
exact = st.integers(-(2**53), 2**53)
finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | exact | finite.map(number) | st.text(max_size=5)
trees = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=2), below, max_size=3),
)
# Few enough that two of them are often equal, and with what Python takes for equal and KRL does not.
alike = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, "", "1"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from("ab"), below, max_size=2),
    max_leaves=4,
)


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def doubled(times: int) -> Any:
    """A value of few parts that is huge when walked: each level holds the one below twice."""
    value: Any = ["x"]
    for _ in range(times):
        value = [value, value]
    return value


def plainly_equal(a: Any, b: Any) -> bool:
    """The oracle of equality: JSON text tells true from 1, once numbers are written alike."""

    def text(value: Any) -> str:
        return json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True)

    return text(a) == text(b)


# Kinds, numbers, texts, truth


@pytest.mark.parametrize(
    ("value", "name", "text", "true"),
    [
        (None, "Null", "null", False),
        (True, "Boolean", "true", True),
        (False, "Boolean", "false", False),
        (0, "Number", "0", False),
        (-2, "Number", "-2", True),
        (0.25, "Number", "0.25", True),
        ("", "String", "", False),
        ("0", "String", "0", True),
        ("false", "String", "false", True),
        ("0x1F", "Hex", "0x1F", True),
        ("0x", "String", "0x", True),
        ([], "Array", "[Array]", True),
        ({}, "Map", "[Map]", True),
        (Regex("a", "ig"), "RegExp", "re#a#gi", True),
        (function, "Function", "[Function]", True),
        (ACTION, "Action", "[Action]", True),
    ],
)
def test_a_value_has_a_kind_a_text_and_a_truth(value: Any, name: str, text: str, true: bool) -> None:
    assert (kind(value), to_string(value), truth(value)) == (name, text, true)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, 0),
        (True, 1),
        (False, 0),
        ("", 0),
        (" \n", 0),
        ("-1.23", -1.23),
        (" 123\u00a0", 123),
        ("+5", 5),
        (".2", 0.2),
        ("5.", 5),
        ("1e3", 1000),
        ("0x1F", 31),
        ("0b11", 3),
        ("0o17", 15),
        ("007", 7),
        ("1e999", math.inf),
        ("9" * 400, math.inf),
        ("0x" + "f" * 400, math.inf),
        ([1, 2], 2),
        ({"a": 1}, 1),
        *[
            (bad, None)
            for bad in (
                "foo",
                "1 2",
                "+ 5",
                "1,000",
                "2018-03-07",
                "5px",
                "1_000",
                "NaN",
                "Infinity",
                "-0x1",
                "٣",
            )
        ],
        (Regex("1"), None),
        (function, None),
        (ACTION, None),
    ],
)
def test_a_number_is_read_as_javascript_reads_it(value: Any, expected: Any) -> None:
    assert repr(to_number(value)) == repr(expected)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (0.000001, "0.000001"),
        (-0.0000015, "-0.0000015"),
        (1e-7, "1e-7"),
        (1.25e-9, "1.25e-9"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_a_number_is_written_as_javascript_writes_it(value: float, text: str) -> None:
    assert to_string(value) == text


@given(exact | finite)
def test_the_text_of_a_number_reads_back_as_that_number(value: float) -> None:
    assert to_number(to_string(value)) == value


@given(st.integers(-(2**70), 2**70) | st.floats())
def test_a_number_is_kept_as_int_exactly_where_it_is_whole_and_safe(value: float) -> None:
    kept = number(value)
    if value != value:
        assert kept is None
    else:
        assert kept == float(value)
        assert (type(kept) is int) == (abs(float(value)) <= 2**53 and float(value) == int(float(value)))


# Equality


@given(alike, alike)
def test_values_are_equal_as_an_oracle_has_it_and_key_alike_exactly_then(a: Any, b: Any) -> None:
    assert equal(a, b) == plainly_equal(a, b) == (key_of(a) == key_of(b))


@given(trees)
def test_a_value_equals_its_copy_and_itself(value: Any) -> None:
    assert equal(value, value)
    assert equal(value, json_value(value))


@given(alike, alike, alike)
def test_equality_is_an_equivalence(a: Any, b: Any, c: Any) -> None:
    assert equal(a, b) == equal(b, a)
    assert not (equal(a, b) and equal(b, c)) or equal(a, c)


def test_regexes_are_equal_by_source_and_flags() -> None:
    assert equal(Regex("a", "gi"), Regex("a", "ig"))
    assert not equal(Regex("a"), Regex("a", "i"))
    assert not equal(Regex("a"), "a")
    assert not equal([Regex("a")], [Regex("b")])
    assert key_of(Regex("a")) == key_of(Regex("a")) != key_of(Regex("b"))


# JSON


@given(trees)
def test_json_text_reads_back_as_the_value(value: Any) -> None:
    assert equal(from_json(json_text(value)), value)
    assert equal(from_json(json_text(value, 2)), value)
    assert json.loads(json_text(value)) == value


@given(trees)
def test_a_json_copy_shares_no_collection(value: Any) -> None:
    def collections(place: Any) -> set[int]:
        below = place.values() if isinstance(place, dict) else place if isinstance(place, list) else None
        return set() if below is None else {id(place)}.union(*map(collections, below))

    copy = json_value(value)
    assert copy == value
    assert not collections(value) & collections(copy)


def test_what_json_has_not_becomes_what_javascript_makes_of_it() -> None:
    value = {
        "f": function,
        "a": [function, ACTION, Regex("x")],
        "r": Regex("x"),
        "i": math.inf,
        "act": ACTION,
    }
    assert json_value(value) == {"a": [None, None, {}], "r": {}, "i": None}
    assert json_value(function) is None
    assert json_text(-math.inf) == "null"


def test_json_text_takes_what_orjson_does_not() -> None:
    assert (
        json_text({"n": 2**70, "s": "\ud800x", "é": 1}) == '{"n":1180591620717411303424,"s":"\\ud800x","é":1}'
    )
    assert from_json('"\\ud800"') == "\ud800"
    assert from_json("1e999") == math.inf
    assert from_json("9" * 5000) == math.inf
    assert json_text({"a": [1]}, 4) == '{\n    "a": [\n        1\n    ]\n}'


@pytest.mark.parametrize("text", ["", "[1,2", "{bad", "NaN", "01", "[1]]", b"\xff", "'a'"])
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(KrlError, match="not JSON"):
        from_json(text)


def test_whole_numbers_in_json_are_ints_however_they_are_written() -> None:
    read = from_json('{"a":[1.0,1.5,1e2,-0.0,12.50],"b":{"c":2.00},"d":10.01}')
    assert repr(read) == "{'a': [1, 1.5, 100, 0, 12.5], 'b': {'c': 2}, 'd': 10.01}"


@pytest.mark.parametrize(
    "walk",
    [
        json_value,
        json_text,
        key_of,
        lambda v: equal(v, json.loads(json.dumps(v))),
        lambda v: from_json(json.dumps(v)),
    ],
)
def test_values_nested_too_deep_are_refused_wherever_they_are_walked(walk: Callable[[Any], Any]) -> None:
    walk(nested(DEEPEST))
    with pytest.raises(KrlError, match="deep") as caught:
        walk(nested(DEEPEST + 1))
    assert caught.value.code == "too_large"


def test_json_deeper_than_any_parser_goes_is_refused_in_our_words() -> None:
    with pytest.raises(KrlError, match="nested more than"):
        from_json("[" * 100_000 + "]" * 100_000)


@pytest.mark.slow
@pytest.mark.parametrize("walk", [json_value, json_text, key_of, lambda v: equal(v, doubled(40))])
def test_values_that_share_parts_cannot_blow_up_a_walk(walk: Callable[[Any], Any]) -> None:
    with pytest.raises(KrlError) as caught, spending(Budget(Limits())):
        walk(doubled(40))
    assert caught.value.code == "too_large"


# Calls


def two(a: Any = None, b: Any = MISSING) -> Any:
    return (a, b)


def required(a: Any, b: Any, c: Any = 3) -> Any:
    return (a, b, c)


def variadic(*args: Any) -> Any:
    return args


def unsuffixed(x: Any = None, y: Any = None) -> Any:
    return (x, y)


SUFFIXED = FunctionType(unsuffixed.__code__.replace(co_varnames=("x.1", "y.2")), {}, "f", (None, None))


@pytest.mark.parametrize(
    ("f", "args", "named", "result"),
    [
        (two, [], {}, (None, MISSING)),
        (two, [1], {}, (1, MISSING)),
        (two, [1, 2, 3], {}, (1, 2)),
        (two, [1], {"b": 5, "zz": 6}, (1, 5)),
        (two, [], {"b": 5}, (None, 5)),
        (two, [1, 2], {"a": 7}, (7, 2)),
        (two, [1, 2, 3], {"b": None}, (1, None)),
        (required, [], {}, (None, None, 3)),
        (required, [1], {"c": 9}, (1, None, 9)),
        (required, [], {"b": 2}, (None, 2, 3)),
        (variadic, [1, 2, 3], {}, (1, 2, 3)),
        (SUFFIXED, [], {"y": 2}, (None, 2)),
        (SUFFIXED, [1], {"x": 4, "y.2": 9}, (4, None)),
    ],
)
def test_a_call_matches_arguments_by_place_and_by_name(f: Any, args: Any, named: Any, result: Any) -> None:
    assert call(f, args, named) == result


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (5, "5 is not a function"),
        ("s", '"s" is not a function'),
        (None, "null is not a function"),
        (ACTION, "act is an action"),
    ],
)
def test_only_functions_can_be_called(f: Any, message: str) -> None:
    with pytest.raises(KrlError, match=message):
        call(f)


@given(st.integers(0, 5), st.integers(0, 6), st.booleans())
def test_a_callback_gets_as_many_arguments_as_it_takes(arity: int, count: int, defaulted: bool) -> None:
    names = ", ".join(f"a{i}=None" if defaulted else f"a{i}" for i in range(arity))
    f = eval(f"lambda {names}: [{', '.join(f'a{i}' for i in range(arity))}]")
    assert callback(f, count)(*range(count)) == [*range(min(arity, count)), *[None] * (arity - count)]


def test_a_callback_that_fits_is_the_function_itself() -> None:
    assert callback(two, 2) is two
    assert callback(variadic, 3) is variadic


@pytest.mark.parametrize("f", [None, 5, "x", ACTION])
def test_a_callback_must_be_a_function(f: Any) -> None:
    with pytest.raises(KrlError, match="function is needed"):
        callback(f, 1)


def test_values_are_shortened_in_messages() -> None:
    assert len(shown("x" * 1000)) < 70
    with pytest.raises(KrlError) as caught:
        operators.multiply("two" * 100, 1)
    assert len(caught.value.message) < 150


# Infix operators


@pytest.mark.parametrize(
    ("sign", "a", "b", "result"),
    [
        ("+", 1, 2, 3),
        ("+", 2.3, 0.1, 2.4),
        ("+", 0.5, 0.5, 1),
        ("+", 1, None, "1null"),
        ("+", True, True, "truetrue"),
        ("+", "3", 4, "34"),
        ("+", {}, [], "[Map][Array]"),
        ("+", 2**53, 2, 2.0**53 + 2),
        ("+", math.inf, 1, "Infinity1"),
        ("-", "1", "  3", -2),
        ("-", None, 1, -1),
        ("*", 5, 2, 10),
        ("*", True, 3, 3),
        ("*", 2**40, 2**40, 2.0**80),
        ("*", 0, math.inf, None),
        ("*", 1e300, 1e300, math.inf),
        ("/", 4, 2, 2),
        ("/", 7, 2, 3.5),
        ("/", "2", 1, 2),
        ("/", 9, 0, 0),
        ("%", 4, 2, 0),
        ("%", -7, 3, -1),
        ("%", 7, -3, 1),
        ("%", 5.5, 2, 1.5),
        ("%", 5, 0, 0),
        ("%", math.inf, 2, None),
        ("%", 5, math.inf, 5),
        ("==", None, 0, False),
        ("==", True, 1, False),
        ("==", "1", 1, False),
        ("==", {"a": 1, "b": [2]}, {"b": [2], "a": 1.0}, True),
        ("!=", "a", "A", True),
        ("<=>", 5, "5", 0),
        ("<=>", None, False, 0),
        ("<=>", [0, 1], [1, 1], 0),
        ("<=>", ".2", 0.02, 1),
        ("<=>", function, "[Function]", 0),
        ("<=>", 1, "a", -1),
        ("<=>", True, "to", 1),
        ("<=>", "0x10", 16, 0),
        ("<", "3", "20", True),
        ("<", "10", "9", False),
        ("<", "a10", "a9", True),
        (">", "2018-03-07", "2018-03-05", True),
        (">", [1, 2, 3], 2, True),
        ("<", None, 1, True),
        ("<=", 2, 2, True),
        (">=", 1, 2, False),
        ("cmp", "5", "10", 1),
        ("cmp", 20, 3, -1),
        ("cmp", None, 0, 1),
        ("cmp", [], [[""]], 0),
        ("eq", 1, "1", True),
        ("neq", "red", "blue", True),
        ("><", [5, 6], 6, True),
        ("><", ["1"], 1, False),
        ("><", [[1]], [1], True),
        ("><", [], None, False),
        ("><", {"k": None}, "k", True),
        ("><", {"1": 0}, 1, True),
        ("><", {"k": "v"}, "v", False),
        ("><", "abc", "b", False),
        ("like", "hello", "z", False),
        ("like", 12, "^1", True),
        ("like", "atruething", True, True),
        ("like", "Kiwi", Regex("^k", "i"), True),
    ],
)
def test_an_infix_operator_gives(sign: str, a: Any, b: Any, result: Any) -> None:
    found = operators.INFIX[sign].run(a, b)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("sign", "a", "b", "message"),
    [
        ("*", "two", 1, 'cannot * a String and a Number: "two" * 1'),
        ("-", [], function, "cannot - an Array and a Function: [Array] - [Function]"),
        ("/", Regex("a"), None, "cannot / a RegExp and a Null: re#a# / null"),
        ("%", 1, "two", 'cannot % a Number and a String: 1 % "two"'),
    ],
)
def test_arithmetic_without_numbers_is_an_error_in_krl_words(sign: str, a: Any, b: Any, message: str) -> None:
    with pytest.raises(KrlError) as caught:
        operators.INFIX[sign].run(a, b)
    assert caught.value.message == message


def test_negation_converts_and_refuses() -> None:
    assert [operators.negate(v) for v in (3, "-4", None, [1, 2])] == [-3, 4, 0, -2]
    with pytest.raises(KrlError, match='cannot negate a String: "x"'):
        operators.negate("x")


@given(exact, exact)
def test_arithmetic_of_ints_is_that_of_doubles(a: int, b: int) -> None:
    assert operators.add(a, b) == float(a) + float(b)
    assert operators.subtract(a, b) == float(a) - float(b)
    assert operators.multiply(a, b) == float(a) * float(b)
    if b:
        assert operators.divide(a, b) == a / b
        assert operators.remainder(a, b) == math.fmod(a, b)


@given(scalars, scalars)
def test_the_comparisons_agree_with_each_other(a: Any, b: Any) -> None:
    order = operators.compare(a, b)
    assert operators.compare(b, a) == -order
    assert operators.less(a, b) == (order < 0) == operators.greater(b, a)
    assert operators.less_equal(a, b) == (order <= 0) == operators.greater_equal(b, a)


def test_a_string_too_large_to_join_is_refused() -> None:
    half = "x" * (LARGEST // 2)
    assert len(operators.add(half, half)) == LARGEST
    with pytest.raises(KrlError) as caught:
        operators.add(half, half + "x")
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    ("place", "keys", "found"),
    [
        ([5, 6, 7], 1, 6),
        ([5, 6, 7], "1", 6),
        ([5, 6, 7], 1.0, 6),
        ([5, 6, 7], -1, None),
        ([5, 6, 7], "01", None),
        ([5, 6, 7], True, None),
        ([5, 6, 7], "length", None),
        ([5, 6, 7], 3, None),
        ([5], "9" * 5000, None),
        ({"1": "one"}, 1, "one"),
        ({"a.b": 1}, "a.b", 1),
        ({"a": {"b": 1}}, "a.b", None),
        ({"null": 1}, None, 1),
        ({}, "constructor", None),
        ({"x": 1}, [], None),
        ([[1], [2]], [1, 0], 2),
        ({"a": [{"b": 3}]}, ["a", "0", "b"], 3),
        ({"a": 1}, ["a", "b"], None),
        (5, "x", None),
        ("abc", 0, None),
        (None, "x", None),
    ],
)
def test_a_path_finds(place: Any, keys: Any, found: Any) -> None:
    assert operators.path(place, keys) == found
    if not isinstance(keys, list):
        assert operators.index(place, keys) == found


# Regular expressions


@pytest.mark.parametrize(
    ("source", "flags", "text", "found"),
    [
        ("^a.*b", "", "aXb", "aXb"),
        ("B", "i", "abc", "b"),
        ("a$", "", "a\n", None),
        ("^b$", "m", "a\nb\nc", "b"),
        ("^b$", "m", "a\rb\rc", "b"),
        ("a.c", "", "a\u2028c", None),
        (r"\d+", "", "\u0663x7", "7"),
        (r"\w+", "", "é_1", "_1"),
        (r"\bfoo\b", "", "éfoo", "foo"),
        (r"\Boo", "", "foo", "oo"),
        (r"\s", "", "a\ufeffb", "\ufeff"),
        (r"[^\s\d]+", "", " 1ab", "ab"),
        (r"[\S]", "", "\u00a0x", "x"),
        (r"[\D\d]+", "", "a1", "a1"),
        (r"[\W]", "", "a-", "-"),
        (r"[\w-.]+", "", "a-.", "a-."),
        (r"[a-\d]+", "", "-a5b", "-a5"),
        (r"[\]\-^]+", "", "]-^", "]-^"),
        (r"[\b]", "", "\b", "\b"),
        ("[^]", "", "\n", "\n"),
        ("[]", "", "a", None),
        ("[a[b]+", "", "[ab", "[ab"),
        ("[a&&b]+", "", "&ab", "&ab"),
        ("{x}", "", "{x}", "{x}"),
        ("a{,2}", "", "a{,2}", "a{,2}"),
        ("a{2,3}?", "", "aaa", "aa"),
        (r"(a)?\1b", "", "b", "b"),
        (r"\2(a)(b)", "", "ab", "ab"),
        (r"(a\1)", "", "a", "a"),
        (r"(?:a|(b))\1c", "", "ac", "ac"),
        (r"(.)\1", "", "abccd", "cc"),
        (r"(?<y>\d)-\k<y>", "", "1-2-2", "2-2"),
        (r"(?<=a+)b", "", "aab", "b"),
        ("(?<!a)b(?!c)", "", "abbcb", "b"),
        (r"\u0041\x42\cJ\0", "", "AB\n\0", "AB\n\0"),
        (r"\t\v\/\-\#", "", "\t\v/-#", "\t\v/-#"),
        (r"\e\z", "", "ez", "ez"),
        (r"(\()\)[(]", "", "()(", "()("),
        ("", "", "a", ""),
    ],
)
def test_a_pattern_means_what_it_means_in_javascript(
    source: str, flags: str, text: str, found: str | None
) -> None:
    match = Regex(source, flags).search(text)
    assert (match[0] if match else None) == found


@pytest.mark.parametrize(
    "source", ["(", ")", "[a", "*", "a**", "a*+", "^*", "(?i)a", "(?P<x>a)", "\\", "[z-a]", "a{2,1}", "[a-"]
)
def test_an_invalid_pattern_is_refused_with_its_source(source: str) -> None:
    with pytest.raises(KrlError, match="is not a RegExp") as caught:
        Regex(source)
    assert f"re#{source}#" in caught.value.message


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(KrlError, match='unknown flag "x"'):
        Regex("a", "gx")


@pytest.mark.parametrize(
    "source", ["((a{1000}){1000}){1000}", "a{99999}", "x" * 30_000, "(" * 150 + ")" * 150, "()" * 101]
)
def test_a_pattern_that_would_grow_too_large_is_refused(source: str) -> None:
    with pytest.raises(KrlError) as caught:
        Regex(source)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    ("source", "text"),
    [("(a|aa)+$", "a" * 60 + "b"), ("a.*b.*c.*d.*e", "abcd" * 2000)],
)
@pytest.mark.slow
def test_a_search_without_end_is_given_up(source: str, text: str) -> None:
    with pytest.raises(KrlError, match="took more than") as caught:
        Regex(source).search(text)
    assert caught.value.code == "too_large"


def test_a_text_too_long_to_search_is_refused() -> None:
    with pytest.raises(KrlError) as caught:
        Regex("a*b").search("a" * 1_000_001)
    assert caught.value.code == "too_large"


def test_the_string_form_of_a_regex_drops_m() -> None:
    assert [str(Regex("x", flags)) for flags in ("", "m", "ig", "mgi")] == [
        "re#x#",
        "re#x#",
        "re#x#gi",
        "re#x#gi",
    ]
    assert str(Regex("")) == "re#(?:)#"


JAVASCRIPT_ALPHABET = r"ab()[]{}*+?|^$.\1d-,0:=!<"


def test_any_text_is_a_pattern_or_a_krl_error() -> None:
    chance = random.Random(7)
    kept = 0
    for _ in range(3_000):
        source = "".join(chance.choices(JAVASCRIPT_ALPHABET, k=chance.randrange(1, 12)))
        try:
            Regex(source).search("aab1")
            kept += 1
        except KrlError:
            continue
    assert 300 < kept < 2_700


def test_the_bounds_are_those_of_the_limits() -> None:
    assert LONGEST * 8 == LARGEST == 16_000_000
