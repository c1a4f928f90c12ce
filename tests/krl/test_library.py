"""The library: what each operator, module member and built-in action gives."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picosched.errors import KrlError
from picosched.krl.budget import Budget, Limits
from picosched.krl.library import ACTIONS, MODULES, OPERATORS, near
from picosched.krl.pattern import Regex
from picosched.krl.scope import Scope
from picosched.krl.size import spending
from picosched.krl.values import MISSING, Action, call, equal

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)  # a Sunday
VEG = ["oats", "onion", "onion", "onion", "radish", "endive", "radish"]
DEEP = {"tints": "several", "pi": [3, 1, 4], "foo": {"bar": {"10": "cherry"}}}
BIRDS = {"a": {"b": [{"c": 1, "n": "ash"}, {"c": 2, "n": "Birch"}]}}

values = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "10", "9"])
arrays = st.lists(values, max_size=8)


def above(n: int) -> Callable[[Any], bool]:
    return lambda x: x > n


def never(*args: Any) -> Any:
    raise AssertionError("this function must not be called")


@dataclass
class Scheduled:
    id: str
    kind: str = "at"
    due: datetime | None = NOW + timedelta(minutes=5)
    asked: datetime | None = None
    timespec: str | None = None
    name: str | None = None
    fired: datetime | None = None
    keep_until: datetime | None = None
    rid: str = "tea"
    domain: str = "tea"
    type: str = "ready"
    attrs: dict[str, Any] = field(default_factory=lambda: {"cup": 1})

    @property
    def asked_for(self) -> datetime | None:
        return self.asked or self.due


@dataclass
class Happening:
    eid: str = "e1"
    eci: str | None = "c1"
    domain: str = "tea"
    type: str = "started"
    attrs: dict[str, Any] = field(default_factory=lambda: {"minutes": 5, "_x": 1})
    time: datetime = NOW


class Recorded:
    """Effects that remember what was asked of them."""

    def __init__(self, *scheduled: Scheduled) -> None:
        self.rows = {row.id: row for row in scheduled}
        self.directives: list[tuple[str, Any]] = []
        self.logged: list[tuple[str, Any]] = []

    def direct(self, name: Any, options: Any) -> dict[str, Any]:
        self.directives.append((name, options))
        return {"name": name, "options": options}

    def log(self, level: str, value: Any) -> None:
        self.logged.append((level, value))

    @property
    def agenda(self) -> Recorded:
        return self

    def pending(self) -> list[Scheduled]:
        return [row for row in self.rows.values() if row.due]

    made = pending

    def find(self, id: str) -> Scheduled | None:
        return self.rows.get(id)

    def cancel(self, id: str) -> bool:
        return self.rows.pop(id, None) is not None


def scope_with(*scheduled: Scheduled, event: Happening | None = None) -> Scope:
    return Scope(
        rid="tea",
        pico_id="p1",
        budget=Budget(Limits()),
        effects=Recorded(*scheduled),  # type: ignore[arg-type]
        now=lambda: NOW,
        random=random.Random(5),
        meta={"name": "Tea", "author": "Ann", "version": "1.2", "url": "file:///tea.krl"},
        config={"key": 1},
        event=event,
        rule="steep" if event else None,
    )


def effects_of(scope: Scope) -> Recorded:
    assert isinstance(scope.effects, Recorded)
    return scope.effects


def apply(name: str, *args: Any) -> Any:
    return call(OPERATORS[name].run, args)


def ask(name: str, *args: Any, scope: Scope | None = None, **named: Any) -> Any:
    """Call `module:name`."""
    module, _, member_name = name.partition(":")
    member = MODULES[module][member_name]
    return call(member.call or member.run, [scope or scope_with(), *args], named)


def bare(name: str, scope: Scope | None = None) -> Any:
    """Read `module:name` without calling it."""
    module, _, member_name = name.partition(":")
    assert MODULES[module][member_name].kind == "value"
    return MODULES[module][member_name].run(scope or scope_with())


# Operators, each as name, receiver, arguments, result

CONVERSIONS: list[tuple[Any, ...]] = [
    ("as", 0.32, "String", "0.32"),
    ("as", None, "String", "null"),
    ("as", Regex("^a"), "String", "re#^a#"),
    ("as", "-1.23", "Number", -1.23),
    ("as", "foo", "Number", None),
    ("as", [1, 2], "Number", 2),
    ("as", "0xff", "Number", 255),
    ("as", "5", "num", 5),
    ("as", "true", "Boolean", True),
    ("as", "false", "Boolean", False),
    ("as", 0, "Boolean", False),
    ("as", [], "Boolean", True),
    ("as", "", "Boolean", False),
    ("as", 123, "RegExp", Regex("123")),
    ("as", never, "RegExp", Regex(r"\[Function\]")),
    ("as", "[Function]", "RegExp", Regex("[Function]")),
    ("as", "^a", "regexp", Regex("^a")),
    ("as", 255, "Hex", "ff"),
    ("as", -255, "Hex", "-ff"),
    ("as", "zz", "Hex", None),
    ("as", {"a": 1}, "str", '{"a":1}'),
    ("as", 5, "str", "5"),
    ("as", [1], "json", "[1]"),
    ("as", 5, "array", [5]),
    ("as", [5], "array", [5]),
    ("as", never, "Function", never),
    ("as", "x", "x"),
    ("typeof", "x", "String"),
    ("typeof", "0x1F", "Hex"),
    ("typeof", Action("a", never), "Action"),
    ("isnull", True),
    ("isnull", 0, False),
    ("defaultsTo", None, "d", "d"),
    ("defaultsTo", 0, "d", 0),
    ("defaultsTo", "", "d", ""),
    ("defaultsTo", None, None, "message", None),
    ("toRegexp", "a+", Regex("a+")),
    ("encode", None, "null"),
    ("encode", [1, None, "x"], '[1,null,"x"]'),
    ("encode", {"r": Regex("a", "g"), "f": never, "i": math.inf}, '{"r":"re#a#g","f":"[Function]","i":null}'),
    ("encode", {"a": 1, "b": 2}, 0, '{"a":1,"b":2}'),
    ("encode", {"a": 1, "b": 2}, "2", '{\n  "a": 1,\n  "b": 2\n}'),
    ("encode", [1], 99, "[\n          1\n]"),
    ("encode", {"b": 1, "a": 2}, {"canonical": True}, '{"a":2,"b":1}'),
    ("encode", [1], {"pretty": 1}, "[\n  1\n]"),
    ("decode", "[1,2]", [1, 2]),
    ("decode", "true", True),
    ("decode", "[1,2", "[1,2"),
    ("decode", None, None),
    ("decode", [1], [1]),
]
NUMBERS: list[tuple[Any, ...]] = [
    ("chr", 74, "J"),
    ("chr", "74", "J"),
    ("chr", "no", None),
    ("chr", -1, None),
    ("chr", 0xD800, "\ufffd"),
    ("range", 1, 4, [1, 2, 3, 4]),
    ("range", 5, 3, [5, 4, 3]),
    ("range", "0", 2, [0, 1, 2]),
    ("range", "-1.5", "-3.5", [-1.5, -2.5, -3.5]),
    ("range", 0.5, 3, [0.5, 1.5, 2.5]),
    ("range", None, 0, [0]),
    ("range", "a", "c", []),
    ("range", 1, []),
    ("band", 5, 3, 1),
    ("bor", 5, 3, 7),
    ("bxor", 5, 3, 6),
    ("bnot", 5, -6),
    ("shiftLeft", 1, 4, 16),
    ("shiftLeft", 1, 31, -(2**31)),
    ("shiftLeft", 1, 32, 1),
    ("shiftRight", 256, 4, 16),
    ("shiftRight", -8, 1, -4),
    ("band", 2**32 + 5, -1, 5),
    ("sprintf", 0.25, "%d = %d", "0.25 = 0.25"),
    ("sprintf", 0.25, r"%\d%d\\\%dd\n", r"%\d0.25\%dd\n"),
    ("sprintf", "Ann", r"\%d%s\\n is Ann%d", r"\%dAnn\n is Ann%d"),
    ("sprintf", 3.7, "%d", "3.7"),
    ("sprintf", 7, "<%3d>", "<  7>"),
    ("sprintf", 7, "<%-3d>", "<7  >"),
    ("sprintf", 7, "%03d", "007"),
    ("sprintf", 3.7, "%06d", "0003.7"),
    ("sprintf", 3.14159, "%.2f", "3.14"),
    ("sprintf", 255, "%x %X %#o %b", "ff FF 0377 11111111"),
    ("sprintf", 5, "%+d%%", "+5%"),
    ("sprintf", 5, "%s", "%s"),
    ("sprintf", "abcdef", "<%8.3s>", "<     abc>"),
    ("sprintf", math.inf, "%d", "Infinity"),
    ("sprintf", [1], r"%d \%d", r"%d \%d"),
    ("sprintf", 5, ""),
]
STRINGS: list[tuple[Any, ...]] = [
    ("capitalize", "hello World", "Hello World"),
    ("capitalize", "", ""),
    ("uc", "sMall", "SMALL"),
    ("lc", "HI", "hi"),
    ("trim", " \n\t hi\ufeff ", "hi"),
    ("trimLeading", {}, "[Map]"),
    ("trimLeading", "  x ", "x "),
    ("trimTrailing", " x ", " x"),
    ("ord", "Hello", 72),
    ("ord", "", None),
    ("substr", "That is a spring", 5, "is a spring"),
    ("substr", "That is a spring", 5, "4", "is a"),
    ("substr", "That is a spring", 1, 25, "hat is a spring"),
    ("substr", "That is a spring", 16, 0, ""),
    ("substr", "That is a spring", 16, -1, "g"),
    ("substr", "abcdef", 1, -2, "bcd"),
    ("substr", "hello", -3, "hello"),
    ("substr", "abc", 9, ""),
    ("substr", ["x"], "[Array]"),
    ("substr", None, "no number", 2, "null"),
    ("startsWith", "ab", "ab", True),
    ("endsWith", "abcd", "c", False),
    ("contains", "abcd", "dc", False),
    ("contains", 1234, 23, True),
    ("split", "a,b,,c", ",", ["a", "b", "", "c"]),
    ("split", "33p;q;3;8;", 3, ["", "", "p;q;", ";8;"]),
    ("split", "abc", "", ["a", "b", "c"]),
    ("split", "", ",", [""]),
    ("split", "x;y", Regex(";"), ["x", "y"]),
    ("split", "a1b2", Regex(r"(\d)"), ["a", "1", "b", "2", ""]),
    ("split", "abc", Regex(""), ["a", "b", "c"]),
    ("split", "aXbX", Regex("X*"), ["a", "b", ""]),
    ("split", "", Regex(","), [""]),
    ("split", "", Regex(""), []),
    ("match", "7 + 4 - 2", "([0-9])", True),
    ("match", 0, Regex("0"), True),
    ("match", "hello", "^H", False),
    ("match", "true", True, False),
    ("extract", "That is", Regex("(is)"), ["is"]),
    ("extract", "hello", Regex("(l+)(o)"), ["ll", "o"]),
    ("extract", "hello", Regex("l", "g"), ["l", "l"]),
    ("extract", "hello", Regex("l"), []),
    ("extract", "ac", Regex("a(b)?(c)"), [None, "c"]),
    ("extract", "hello", "(z)", []),
    ("extract", "hello", []),
    ("replace", "Wilbert W.", Regex("W", "g"), "B", "Bilbert B."),
    ("replace", "Sa5m", 5, True, "Satruem"),
    ("replace", "a.b.c", ".", "-", "a-b.c"),
    ("replace", "abc", "b", "ac"),
    ("replace", [1], Regex("(?:)", "gi"), "[Array]"),
    ("replace", [False, None], [False, None]),
    ("replace", "a-b", Regex(r"(\w)-(\w)"), "$2+$1", "b+a"),
    ("replace", "abc", "b", "[$&$`$'$$$1]", "a[bac$$1]c"),
    ("replace", "ab", Regex("(?<x>a)(z)?"), "$<x>$<q>$2$10$3", "a$<q>a0$3b"),
    ("replace", "1 and 2", Regex(r"(\d+)", "g"), lambda m: int(m) * 2, "2 and 4"),
    (
        "replace",
        "1xyz2??",
        Regex(r"([a-z]+)(\d*)"),
        lambda m, a, b, at, s: f"[{a}:{b}:{at}:{s}]",
        "1[xyz:2:1:1xyz2??]??",
    ),
    ("replace", "a.b", ".", lambda m, at, s: f"{m}{at}{s}", "a.1a.bb"),
    ("replace", "aa", Regex("", "g"), "-", "-a-a-"),
]
COLLECTIONS: list[tuple[Any, ...]] = [
    ("map", [3, 4], lambda x: x + 2, [5, 6]),
    ("map", ["a"], lambda v, i, whole: [v, i, whole], [["a", 0, ["a"]]]),
    ("map", {"p": 1}, lambda v, k: f"{k}{v}", {"p": "p1"}),
    ("map", [1], [1]),
    ("map", [], never, []),
    ("filter", [3, 4, 5], lambda x: x < 5, [3, 4]),
    ("filter", {"a": 1, "b": 2}, lambda v, k: k == "b", {"b": 2}),
    ("filter", [0, [], "", "x", None], [[], "x"]),
    ("all", [], never, True),
    ("all", [3, 4], above(3), False),
    ("notall", {}, never, False),
    ("notall", [3, 4], above(3), True),
    ("any", [3, 4], above(3), True),
    ("any", {}, never, False),
    ("none", [3, 4], above(4), True),
    ("none", [3, 4], above(3), False),
    ("collect", [7, 4, 3], lambda a: "x" if a < 5 else "y", {"y": [7], "x": [4, 3]}),
    ("collect", ["bb", "a", "cc"], lambda text: len(text), {"2": ["bb", "cc"], "1": ["a"]}),
    ("collect", [], never, {}),
    ("reduce", [1, 2, 3], lambda a, b: a - b, -4),
    ("reduce", [3, 1], lambda a, b: a + b, 10, 14),
    ("reduce", ["a", "b"], lambda acc, x, i, whole: [*acc, x, i, len(whole)], [], ["a", 0, 2, "b", 1, 2]),
    ("reduce", [], never, 0),
    ("reduce", [], never, 7, 7),
    ("reduce", [5], never, 5),
    ("pairwise", [[3, 4], ["a", "b", "c"]], lambda x, y: [x, y], [[3, "a"], [4, "b"], [None, "c"]]),
    ("pairwise", [[], 1], lambda x, y: [x, y], [[None, 1]]),
    ("pairwise", [[1], [2], [3]], lambda *row: list(row), [[1, 2, 3]]),
]
SEQUENCES: list[tuple[Any, ...]] = [
    ("head", [1, 2], 1),
    ("head", [], None),
    ("head", "abc", "abc"),
    ("tail", [1, 2], [2]),
    ("tail", "abc", []),
    ("append", ["a"], ["c", "a"], ["a", "c", "a"]),
    ("append", ["a"], 10, 11, ["a", 10, 11]),
    ("append", None, "z", [None, "z"]),
    ("append", [], [[]], [[]]),
    ("append", [], []),
    ("append", 1, [1]),
    ("index", [3, [0], 5], [0], 1),
    ("index", [True], 1, -1),
    ("index", ["a", True], True, 1),
    ("join", [3, None, [1]], ";", "3;null;[Array]"),
    ("join", [3, 4], "3,4"),
    ("join", None, "null"),
    ("join", [], "-", ""),
    ("length", [None, 7], 2),
    ("length", {"a": 1}, 1),
    ("length", "four", 4),
    ("length", Regex("'"), 0),
    ("length", 5, 0),
    ("isEmpty", 1, True),
    ("isEmpty", None, True),
    ("isEmpty", {}, True),
    ("isEmpty", {"a": 1}, False),
    ("isEmpty", "x", False),
    ("reverse", [1, 2], [2, 1]),
    ("slice", VEG, 2, 0, VEG[:3]),
    ("slice", VEG, None, None, ["oats"]),
    ("slice", VEG, 14, []),
    ("slice", [1, 2, 3, 4], 2, [1, 2, 3]),
    ("slice", [1, 2, 3, 4], 1, 9, []),
    ("slice", [1, 2, 3, 4], -1, 2, []),
    ("slice", [1, 2], [1, 2]),
    ("splice", VEG, 1, 4, ["oats", "endive", "radish"]),
    ("splice", VEG, 2, 0, "bacon", [*VEG[:2], "bacon", *VEG[2:]]),
    ("splice", VEG, 1, 10, [], ["oats"]),
    ("splice", VEG, 0, -1, []),
    ("splice", VEG, -999, 0, VEG),
    ("splice", [1, 2, 3, 4], 1, 0, ["x", "y"], [1, "x", "y", 2, 3, 4]),
    ("splice", [], 0, 0, "x", ["x"]),
    ("sort", [5, 3, 4, 1, 12], [1, 12, 3, 4, 5]),
    ("sort", [5, 3, 4, 1, 12], "reverse", [5, 4, 3, 12, 1]),
    ("sort", [5, 3, "4", 12], "numeric", [3, "4", 5, 12]),
    ("sort", [9, 2, 14], "ciremun", [14, 9, 2]),
    ("sort", [3, 12, 1], Action("a", never), [1, 12, 3]),
    ("sort", [3, 1, 2], lambda a, b: b - a, [3, 2, 1]),
    ("sort", [3, 1, 2], lambda a, b: a < b, [3, 2, 1]),
    ("sort", "x", "x"),
]
SETS: list[tuple[Any, ...]] = [
    ("union", [2], [1, 2, 1], [2, 1]),
    ("union", {"x": 1}, [], [{"x": 1}]),
    ("union", {"x": 1}, {"x": 1}),
    ("union", [], [None], [None]),
    ("intersection", [[0], {}], [[1], []], []),
    ("intersection", [1, 2, 3, 3], [3, 1], [1, 3]),
    ("intersection", [{}], []),
    ("difference", [{"x": 2}, {"x": 1}], [{"x": 2}], [{"x": 1}]),
    ("difference", [2, 1, 1], 2, [1, 1]),
    ("difference", {"x": None}, {"x": None}),
    ("difference", [1, True, "1"], [1], [True, "1"]),
    ("has", [1, 2, 3], [2], True),
    ("has", [1, 2], [2, 5], False),
    ("has", [], None, False),
    ("subset", [1, 2], 2, True),
    ("unique", [1, 2, 1, [3], [4], [4], True], [1, 2, [3], [4], True]),
    ("unique", "x", "x"),
    ("once", [1, 2, 1, 3, 4, 4], [2, 3]),
    ("once", [[1], [2], [2]], [[1]]),
    ("duplicates", [1, 3, None, None, None, 3], [3, None]),
    ("duplicates", {"0": 1, "1": 1}, []),
]
PATHS: list[tuple[Any, ...]] = [
    ("get", DEEP, ["foo", "bar", "10"], "cherry"),
    ("get", ["a", {"c": ["d", "e"]}], ["1", "c", 1], "e"),
    ("get", DEEP, "nope", None),
    ("set", {"a": 1}, ["b", "c"], 2, {"a": 1, "b": {"c": 2}}),
    ("set", {"a": 1}, ["l", 0], "z", {"a": 1, "l": ["z"]}),
    ("set", {"p": [1, 2]}, ["p", 1, "a"], 9, {"p": [1, {"a": 9}]}),
    ("set", [1], [3], 9, [1, None, None, 9]),
    ("set", [1], "x", 9, {"0": 1, "x": 9}),
    ("set", None, "a", 1, {"a": 1}),
    ("set", {"a": 1}, [], 2, {"a": 1}),
    ("put", {"key": 5}, ["baz"], {"foo": 1}, {"key": 5, "baz": {"foo": 1}}),
    ("put", {"key": 5}, [None], 1, {"key": 5, "null": 1}),
    ("put", {"a": 1}, {"b": 2, "a": 3}, {"a": 3, "b": 2}),
    ("put", {"a": 1}, ["a", "b"], 2, {"a": {"b": 2}}),
    ("put", {}, [0, 1], "foo", {"0": {"1": "foo"}}),
    ("put", {"a": {"x": 1}}, "a", {"y": 2}, {"a": {"y": 2}}),
    ("put", {"one": [2, 3]}, ["one", "2"], 4, {"one": [2, 3, 4]}),
    ("put", {"one": [2, 3]}, ["one", 5], 4, {"one": {"0": 2, "1": 3, "5": 4}}),
    ("put", [{"bar": 2}], [0, "bar", "baz"], 4, [{"bar": {"baz": 4}}]),
    ("put", [1, 2, 3], [8, 9], [8, 9, 3]),
    ("put", 5, ["key"], 9, 5),
    ("put", {"a": None}, {"a": None}),
    ("delete", {"a": {"b": 1, "c": 2}}, ["a", "b"], {"a": {"c": 2}}),
    ("delete", [1, 2, 3], [1], [1, None, 3]),
    ("delete", {"0": None}, "1", {"0": None}),
    ("delete", {"a": 1}, ["a", "b"], {"a": 1}),
    ("keys", {"a": 1, "b": 2}, ["a", "b"]),
    ("keys", ["x", "y"], ["0", "1"]),
    ("keys", DEEP, ["foo", "bar"], ["10"]),
    ("keys", DEEP, "tints", []),
    ("values", DEEP, ["pi"], [3, 1, 4]),
    ("values", {"a": 1}, [1]),
    ("values", None, []),
]
PICKS: list[tuple[Any, ...]] = [
    ("pick", BIRDS, "$.a.b[0].c", 1),
    ("pick", BIRDS, "$.a.b[0].c", True, [1]),
    ("pick", BIRDS, "$..b[?(@.c == 2)]", {"c": 2, "n": "Birch"}),
    ("pick", BIRDS, "$..b[?(@.c < 9)].c", [1, 2]),
    ("pick", BIRDS, "$..b[-1:].c", 2),
    ("pick", BIRDS, "$..b[(@.length-1)].c", 2),
    ("pick", BIRDS, "$..b[?(@.n eq 'ash')].c", 1),
    ("pick", BIRDS, '$..b[?(@["n"] ne "ash")].c', 2),
    ("pick", BIRDS, "$..b[?(@.n like '^B')].c", 2),
    ("pick", BIRDS, "$..b[?(@.n like /^a/)].c", 1),
    ("pick", BIRDS, "$..b[?(@.q)].c", None),
    ("pick", BIRDS, "$..b[?(@.q != 1)].c", True, []),
    ("pick", BIRDS, "$.a.b[*].n", ["ash", "Birch"]),
    ("pick", BIRDS, "$['a']['b'][1,0].c", [2, 1]),
    ("pick", BIRDS, "$..c", [1, 2]),
    ("pick", BIRDS, "$.*.b[-2].n", "ash"),
    ("pick", BIRDS, "$.a.b[0]['n','c']", ["ash", 1]),
    ("pick", BIRDS, "$", BIRDS),
]


@pytest.mark.parametrize(
    "case",
    [*CONVERSIONS, *NUMBERS, *STRINGS, *COLLECTIONS, *SEQUENCES, *SETS, *PATHS, *PICKS],
    ids=lambda case: case[0],
)
def test_an_operator_gives(case: tuple[Any, ...]) -> None:
    name, *args, result = case
    found = apply(name, *args)
    assert equal(found, result), found


def test_every_operator_has_a_case_or_a_test_of_its_own() -> None:
    tables = (CONVERSIONS, NUMBERS, STRINGS, COLLECTIONS, SEQUENCES, SETS, PATHS, PICKS)
    assert set(OPERATORS) - {case[0] for table in tables for case in table} == {"klog", "like", "query"}


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_an_operator_without_arguments_gives_a_value_or_a_krl_error(name: str) -> None:
    operator = OPERATORS[name]
    try:
        call(operator.run, [scope_with()] if operator.scoped else [])
    except KrlError as error:
        assert error.message


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("map", [None], "only works on Arrays and Maps; found a Null"),
        ("any", [None], "only works on Arrays and Maps"),
        ("collect", [5, never], "only works on Arrays and Maps"),
        ("map", [[1], 5], "a function is needed here; found a Number: 5"),
        ("reduce", [42], "only works on Arrays"),
        ("reduce", [[1, 2]], "a function is needed"),
        ("reverse", ["str"], "only works on Arrays"),
        ("index", [{"a": 1}], "only works on Arrays"),
        ("slice", [{"0": "0"}, 0, 0], "only works on Arrays"),
        ("slice", [[1], "x"], "cannot be an index"),
        ("splice", [[1], 0, "x"], "cannot be a number of elements"),
        ("pairwise", [[[], []]], "a function is needed"),
        ("pairwise", [[[1]], never], "two arrays or more"),
        ("as", ["x", "Nope"], 'cannot use a String as "Nope": "x"'),
        ("as", ["(", "RegExp"], "is not a RegExp"),
        ("band", ["x", 1], "bitwise operators need Numbers"),
        ("query", ["<p>", "p"], "not part of this engine"),
        ("pick", [{}, "a.b"], r"begins with \$"),
        ("pick", [{}, "$[?(x)]"], "cannot read"),
        ("pick", [{}, "$[0:1:0]"], "go by 0"),
        ("pick", [{}, "$[]"], "names nothing"),
    ],
)
def test_an_operator_refuses(name: str, args: list[Any], message: str) -> None:
    with pytest.raises(KrlError, match=message):
        apply(name, *args)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("range", [0, 10**9]),
        ("range", [0, math.inf]),
        ("sprintf", [1, "%99999999999d"]),
        ("sprintf", [1, "%.99999999999f"]),
        ("sprintf", ["x" * 1_000_000, "%s" * 20]),
        ("join", [["x" * 1_000_000] * 20]),
        ("append", [[0] * 1_500_000, [0] * 1_500_000]),
        ("replace", ["a" * 900_000, Regex("a", "g"), "x" * 100]),
        ("replace", ["a" * 10_000_000, "a", "$'$'"]),
        ("split", ["x" * 3_000_000, ""]),
        ("set", [[], [10**9], 1]),
        ("set", [{}, ["a"] * 1_000, 1]),
        ("encode", [["x" * 1_000_000] * 20]),
        ("pick", [{}, "$" + ".a" * 1_000]),
    ],
)
@pytest.mark.slow
def test_a_result_too_large_is_refused_before_it_is_built(name: str, args: list[Any]) -> None:
    with pytest.raises(KrlError) as caught:
        apply(name, *args)
    assert caught.value.code == "too_large"


@pytest.mark.slow
def test_comparing_one_large_part_many_times_is_refused() -> None:
    part = list(range(100_000))
    whole = [part] * 1_000
    for name in ("index", "unique", "difference"):
        with pytest.raises(KrlError, match="max_steps") as caught, spending(Budget(Limits())):
            apply(name, whole, [*part[:-1], None])
        assert caught.value.code == "too_large"


def test_klog_logs_the_value_and_passes_it_on() -> None:
    scope = scope_with()
    assert call(OPERATORS["klog"].run, [scope, 42, "here"]) == 42
    assert effects_of(scope).logged == [("debug", {"message": "here", "value": 42})]
    assert OPERATORS["klog"].scoped


@given(arrays)
def test_sorting_by_function_is_a_stable_permutation(items: list[Any]) -> None:
    tagged = [[item, place] for place, item in enumerate(items)]
    found = apply("sort", tagged, lambda a, b: str(a[0]) > str(b[0]))
    assert found == sorted(tagged, key=lambda pair: str(pair[0]))


@given(arrays, arrays)
@pytest.mark.slow
def test_set_operators_agree_with_searching_by_equality(a: list[Any], b: list[Any]) -> None:
    def within(item: Any, items: list[Any]) -> bool:
        return any(equal(item, other) for other in items)

    def plainly_unique(items: list[Any]) -> list[Any]:
        return [item for place, item in enumerate(items) if not within(item, items[:place])]

    assert equal(apply("unique", a), plainly_unique(a))
    assert equal(apply("union", a, b), plainly_unique(a + b))
    assert equal(apply("difference", a, b), [item for item in a if not within(item, b)])
    assert equal(apply("intersection", a, b), [item for item in plainly_unique(a) if within(item, b)])
    assert apply("has", a, b) == all(within(item, a) for item in b)


paths = st.lists(st.sampled_from(["a", "b", 0, 1, 2]), min_size=1, max_size=4)
places: st.SearchStrategy[Any] = st.recursive(
    st.just({}) | st.just([]),
    lambda below: st.dictionaries(st.sampled_from("ab0"), below) | st.lists(below, max_size=2),
    max_leaves=5,
)


@given(st.sampled_from(["set", "put"]), places, paths)
def test_what_is_written_at_a_path_is_found_there_and_the_receiver_stays(
    name: str, place: Any, path: Any
) -> None:
    before = repr(place)
    assert apply("get", apply(name, place, path, "here"), path) == "here"
    apply("delete", place, path)
    assert repr(place) == before


@given(st.text(alphabet="ab,", max_size=8), st.sampled_from([",", "", "ab", Regex(","), Regex("a+")]))
def test_joining_what_was_split_gives_the_text_again(text: str, separator: Any) -> None:
    parts = apply("split", text, separator)
    if isinstance(separator, str):
        assert apply("join", parts, separator) == text
    else:
        assert all(part == "" or not apply("match", part, separator) for part in parts)


# Modules


@pytest.mark.parametrize(
    ("name", "args", "result"),
    [
        ("time:now", [], "2026-03-01T09:30:00.000Z"),
        ("time:now", [{"tz": "America/Denver"}], "2026-03-01T09:30:00.000Z"),
        ("time:new", ["2021-03-04T05:06:07-07:00"], "2021-03-04T12:06:07.000Z"),
        ("time:new", ["20210304T050607Z"], "2021-03-04T05:06:07.000Z"),
        ("time:new", ["2021-063"], "2021-03-04T00:00:00.000Z"),
        ("time:new", ["2021-W09-4"], "2021-03-04T00:00:00.000Z"),
        ("time:new", ["2021-03-04T05:06:07.089Z"], "2021-03-04T05:06:07.089Z"),
        ("time:new", ["12:45"], "2026-03-01T12:45:00.000Z"),
        ("time:new", [1614834367000], "2021-03-04T05:06:07.000Z"),
        ("time:add", ["2021-03-04", {"days": 1, "minutes": 90}], "2021-03-05T01:30:00.000Z"),
        ("time:add", ["2021-01-31", {"months": 1}], "2021-02-28T00:00:00.000Z"),
        ("time:add", ["2020-02-29", {"years": -1, "hours": "2"}], "2019-02-28T02:00:00.000Z"),
        ("time:add", ["2021-03-04", {"weeks": 2, "seconds": 1.5}], "2021-03-18T00:00:01.500Z"),
        ("time:add", ["2021-03-04", {"fortnights": 1}], "2021-03-04T00:00:00.000Z"),
        ("time:strftime", ["2021-03-04T05:06:07Z", "%H:%M"], "05:06"),
        ("time:strftime", ["2021-03-04T05:06:07Z", "%H:%M", {"tz": "America/Denver"}], "22:06"),
        ("time:strftime", [1614834367089, "%s %L %%s %F"], "1614834367 089 %s 2021-03-04"),
        ("time:compare", ["2021-06-01T02:00:00+02:00", "2021-06-01T00:00:00Z"], 0),
        ("time:compare", ["2021-06-01", "2021-06-02"], -1),
        ("time:compare", ["2021-06-02", 0.5], 1),
        ("time:httptime", ["2021-03-04T05:06:07Z"], "Thu, 04 Mar 2021 05:06:07 GMT"),
        ("time:atom", ["2021-03-04T05:06:07.9+01:00"], "2021-03-04T04:06:07Z"),
        ("time:atom", [], "2026-03-01T09:30:00Z"),
        ("time:morning", [], True),
        ("time:late_morning", [], False),
        ("time:afternoon", [{"tz": "Asia/Tokyo"}], False),
        ("time:evening", [{"tz": "Asia/Tokyo"}], True),
        ("time:weekend", [], True),
        ("time:weekday", [], False),
        ("time:weekday", [{"tz": "Pacific/Kiritimati"}], False),
        ("time:day_of_week", [], "Sunday"),
        ("time:day_of_week", ["sunday"], True),
        ("time:time_between", [9, 0, 9, 31], True),
        ("time:time_between", [22, 0, 6, 0], False),
        ("time:time_between", [22, 0, 10, 0], True),
        ("time:date_between", [2, 28, 2026, 3, 1, 2026], True),
        ("time:date_between", [3, 2, 2026, 12, 31, 2026], False),
        ("math:abs", [-3], 3),
        ("math:abs", ["x"], None),
        ("math:ceiling", [1.2], 2),
        ("math:ceiling", [1.234, 2], 1.24),
        ("math:floor", [-1.2], -2),
        ("math:round", [2.5], 3),
        ("math:round", [-2.5], -2),
        ("math:round", [1.005, 2], 1.01),
        ("math:round", [1255, -1], 1260),
        ("math:round", [1.5, 1e9], 1.5),
        ("math:round", [math.inf], math.inf),
        ("math:int", [-1.7], -1),
        ("math:power", [2, 10], 1024),
        ("math:power", [-8, 0.5], None),
        ("math:power", [10, 999], math.inf),
        ("math:sqrt", [9], 3),
        ("math:sqrt", [-1], None),
        ("math:log", [0], None),
        ("math:pi", [], math.pi),
        ("math:deg2rad", [180], math.pi),
        ("math:base64encode", ["hi there"], "aGkgdGhlcmU="),
        ("math:base64decode", ["aGkgdGhlcmU="], "hi there"),
        ("math:base64decode", ["aGkg dGh*lcmU"], "hi there"),
        ("math:base64decode", ["_-8"], "\ufffd\ufffd"),
        ("math:hash", ["md5", "abc"], "900150983cd24fb0d6963f7d28e17f72"),
        ("math:hash", ["sha1", "abc", "base64"], "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
        ("math:hash", ["sha1", 5, None], "ac3478d69a3c81fa62e60f5c3696165a4e5e6ac4"),
        ("math:sha1", ["abc"], "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "math:hmac",
            ["sha256", "key", "msg"],
            "2d93cbc1be167bcb1637a4a23cbff01a7878f0c50ee833954ea5221bb1b8c628",
        ),
        (
            "math:hmac_sha256",
            ["msg", "key"],
            "2d93cbc1be167bcb1637a4a23cbff01a7878f0c50ee833954ea5221bb1b8c628",
        ),
        ("math:random", [0], 0),
        ("uri:escape", ["a b&é/~!"], "a%20b%26%C3%A9%2F~!"),
        ("uri:unescape", ["a%20b%26%C3%A9+"], "a b&é+"),
    ],
)
def test_a_module_function_gives(name: str, args: list[Any], result: Any) -> None:
    found = ask(name, *args)
    assert equal(found, result), found


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("time:new", [0], "time:new needs a time"),
        ("time:new", [""], "time:new needs a time"),
        ("time:new", ["nonsense"], '"nonsense" is not an ISO 8601 time'),
        ("time:new", ["now"], "is not an ISO 8601 time"),
        ("time:new", ["2021-02-30T00:00:00Z"], "is not an ISO 8601 time"),
        ("time:new", ["P1D"], "is not an ISO 8601 time"),
        ("time:new", ["2021-01-01/2021-02-01"], "is not an ISO 8601 time"),
        ("time:new", ["1" * 1000], "is not an ISO 8601 time"),
        ("time:new", [[1]], "an Array instead of a time"),
        ("time:new", [1e300], "too far"),
        ("time:add", ["2021-03-04", 5], "a Number instead of a map of units: 5"),
        ("time:add", ["2021-03-04", {"days": "x"}], "as a number of days"),
        ("time:add", ["2021-03-04", {"seconds": None}], "a Null as a number of seconds"),
        ("time:add", ["2021-03-04", {"years": 9000}], "past the years"),
        ("time:add", ["2021-03-04", {"seconds": 1e300}], "past the years"),
        ("time:strftime", ["2021-03-04", 5], "instead of a format string: 5"),
        ("time:strftime", ["2021-03-04", "%H", {"tz": "Nope/X"}], "is not a time zone"),
        ("time:strftime", ["2021-03-04", "%H", {"tz": "../etc/passwd"}], "is not a time zone"),
        ("time:strftime", ["2021-03-04", "\ud800"], "cannot use the format"),
        ("time:strftime", ["9999-12-31T23:59:59Z", "%H", {"tz": "Asia/Tokyo"}], "cannot use the format"),
        ("time:now", [5], "instead of an options map"),
        ("time:date_between", [1, 2], "wants month, day and year"),
        ("math:hash", ["sha256", "abc", "utf9"], 'encodes as "hex" or "base64"; found "utf9"'),
        ("math:hash", ["sha257", "abc"], "does not know the algorithm"),
        ("math:hash", [5, "abc"], "instead of an algorithm"),
        ("math:hmac", ["sha1", 5, "msg"], "needs a key string"),
    ],
)
def test_a_module_function_refuses(name: str, args: list[Any], message: str) -> None:
    with pytest.raises(KrlError, match=message):
        ask(name, *args)


def test_every_hash_algorithm_that_is_listed_digests() -> None:
    listed = bare("math:hashAlgorithms")
    assert {"md5", "sha1", "sha256", "sha512"} <= set(listed)
    digests = {ask("math:hash", algorithm, "abc") for algorithm in listed}
    keyed = {ask("math:hmac", algorithm, "key", "abc") for algorithm in listed}
    assert len(digests) == len(keyed) == len(listed)


def test_named_arguments_reach_module_functions() -> None:
    assert ask("time:strftime", "2021-03-04", fmt="%d", nonsense=1) == "04"
    assert MODULES["time"]["strftime"].parameters == ("date", "fmt", "opts")
    assert MODULES["event"]["attrs"].parameters == ("name",)
    assert MODULES["meta"]["rid"].parameters == ()


def test_chance_comes_from_the_scope_alone() -> None:
    first, second = scope_with(), scope_with()
    for name in ("uuid", "word", "integer", "number"):
        assert ask(f"random:{name}", scope=first) == ask(f"random:{name}", scope=second)
    assert ask("random:uuid", scope=first) != ask("random:uuid", scope=first)


@given(st.floats(-9, 9), st.floats(-9, 9))
def test_random_numbers_stay_within_bounds_given_in_any_order(upper: float, lower: float) -> None:
    scope = scope_with()
    assert min(upper, lower) <= ask("random:number", upper, lower, scope=scope) <= max(upper, lower)
    whole = ask("random:integer", upper, lower, scope=scope)
    assert type(whole) is int
    assert min(upper, lower) - 0.5 <= whole <= max(upper, lower) + 0.5


def test_random_integers_reach_both_bounds() -> None:
    scope = scope_with()
    assert {ask("random:integer", scope=scope) for _ in range(50)} == {0, 1}
    assert {ask("random:integer", 3, scope=scope) for _ in range(99)} == {0, 1, 2, 3}
    assert {ask("random:integer", None, -1, scope=scope) for _ in range(50)} == {-1, 0}
    assert {ask("math:random", 3, scope=scope) for _ in range(99)} == {0, 1, 2}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event:eci", "c1"),
        ("event:eid", "e1"),
        ("event:domain", "tea"),
        ("event:type", "started"),
        ("event:name", "started"),
        ("event:attrs", {"minutes": 5, "_x": 1}),
        ("event:time", 1772357400000),
        ("meta:eci", "c1"),
        ("meta:txnId", "e1"),
        ("meta:ruleName", "steep"),
    ],
)
def test_what_belongs_to_the_event_is_read_bare_or_called_and_is_null_outside(name: str, value: Any) -> None:
    scope = scope_with(event=Happening())
    assert bare(name, scope) == ask(name, scope=scope) == value
    assert bare(name) is None
    assert ask(name) is None


def test_attributes_are_asked_for_by_name() -> None:
    scope = scope_with(event=Happening())
    for name in ("event:attr", "event:attrs", "event:param", "event:params"):
        assert ask(name, "minutes", scope=scope) == 5
        assert ask(name, "nope", scope=scope) is None
        assert ask(name, "minutes") is None
    assert ask("event:channel", "id", scope=scope) == "c1"
    assert [ask("event:env", name, scope=scope) for name in ("rid", "txn_id", "ip")] == ["tea", "e1", None]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("meta:rid", "tea"),
        ("meta:picoId", "p1"),
        ("meta:inEvent", False),
        ("meta:inQuery", False),
        ("meta:rulesetName", "Tea"),
        ("meta:rulesetAuthor", "Ann"),
        ("meta:rulesetDescription", None),
        ("meta:version", "1.2"),
        ("meta:rulesetURI", "file:///tea.krl"),
        ("meta:rulesetConfig", {"key": 1}),
        ("meta:inModule", False),
        ("meta:host", None),
    ],
)
def test_meta_tells_of_the_ruleset(name: str, value: Any) -> None:
    assert bare(name) == ask(name) == value


ONCE = Scheduled("s1")
REPEAT = Scheduled("s2", "repeat", timespec="*/5 * * * *", fired=NOW - timedelta(minutes=5))
NAMED = Scheduled("s3", "repeat", timespec="0 9 * * *", name="nine")
EXPIRED = Scheduled("s4", due=None, fired=NOW, keep_until=NOW + timedelta(days=1))
DUE = int(NOW.timestamp()) + 300


def test_get_list_gives_pending_events_as_arrays() -> None:
    assert ask("event:get_list", scope=scope_with(ONCE, REPEAT, NAMED, EXPIRED)) == [
        ["s1", "tea/ready", "once", "tea", DUE],
        ["s2", "tea/ready", "repeat", "tea", DUE, "*/5 * * * *"],
        ["s3", "tea/ready", "repeat", "tea", DUE, "0 9 * * *", "nine"],
    ]


def test_lists_give_the_time_that_was_asked_for() -> None:
    scope = scope_with(Scheduled("s1", asked=NOW + timedelta(minutes=4, seconds=5)))
    assert ask("event:get_list", scope=scope)[0][4] == DUE - 55
    assert ask("event:list_scheduled", scope=scope)[0]["next_scheduled"] == DUE - 55
    assert ask("schedule:list", scope=scope)[0]["time"] == 1000 * (DUE - 55)
    assert ask("event:get_history", "s1", scope=scope) == {"next": "2026-03-01T09:34:05Z"}


def test_list_scheduled_gives_pending_events_as_maps() -> None:
    first = {"id": "s1", "event": "tea/ready", "type": "once", "rid": "tea", "next_scheduled": DUE}
    second = {**first, "id": "s2", "type": "repeat", "timespec": "*/5 * * * *"}
    third = {**second, "id": "s3", "timespec": "0 9 * * *", "name": "nine"}
    assert ask("event:list_scheduled", scope=scope_with(ONCE, REPEAT, NAMED, EXPIRED)) == [
        first,
        second,
        third,
    ]


@pytest.mark.parametrize("name", ["event:get_history", "event:scheduled_history"])
def test_history_tells_of_the_last_fire_and_of_what_comes(name: str) -> None:
    scope = scope_with(ONCE, REPEAT, EXPIRED)
    assert ask(name, "s1", scope=scope) == {"next": "2026-03-01T09:35:00Z"}
    assert ask(name, "s2", scope=scope) == {
        "code": 200,
        "status": "200 OK",
        "fired": "2026-03-01T09:25:00Z",
        "next": "2026-03-01T09:35:00Z",
    }
    assert ask(name, "s4", scope=scope) == {
        "code": 200,
        "status": "200 OK",
        "fired": "2026-03-01T09:30:00Z",
        "keep_until": "2026-03-02T09:30:00Z",
    }
    assert ask(name, "nope", scope=scope) is None


def test_a_scheduled_event_is_deleted_once() -> None:
    scope = scope_with(ONCE, REPEAT)
    assert [ask("event:delete", "s1", scope=scope) for _ in "12"] == [1, 0]
    assert [ask("event:remove_scheduled", "s2", scope=scope) for _ in "12"] == [True, False]
    assert MODULES["event"]["remove_scheduled"].kind == "action"


def test_the_schedule_module_shows_the_same_events_its_own_way() -> None:
    scope = scope_with(ONCE, REPEAT, EXPIRED)
    event = {"eci": None, "domain": "tea", "name": "ready", "data": {"attrs": {"cup": 1}}, "time": 0}
    at = {"id": "s1", "type": "at", "time": DUE * 1000, "event": event}
    repeat = {"id": "s2", "type": "repeat", "timespec": "*/5 * * * *", "event": event}
    assert ask("schedule:list", scope=scope) == [at, repeat]
    assert ask("schedule:get", "s2", scope=scope) == repeat
    assert ask("schedule:get", "s4", scope=scope) is None
    assert ask("schedule:get", "nope", scope=scope) is None


def test_the_schedule_module_removes_one_or_clears_all() -> None:
    scope = scope_with(ONCE, REPEAT, NAMED)
    assert ask("schedule:remove", "s2", scope=scope) is True
    assert list(effects_of(scope).rows) == ["s1", "s3"]
    ask("schedule:clear", scope=scope)
    assert not effects_of(scope).rows


# Built-in actions


@pytest.mark.parametrize(
    ("args", "named", "directive"),
    [
        (["say"], {}, ("say", {})),
        (["say", {"text": "hi"}], {}, ("say", {"text": "hi"})),
        (["say"], {"text": "hi"}, ("say", {"text": "hi"})),
        (["say", {"text": "hi", "n": 1}], {"n": 2}, ("say", {"text": "hi", "n": 2})),
        (["say"], {"name": "x"}, ("say", {"name": "x"})),
        ([], {"name": "say", "options": {"a": 1}}, ("say", {"a": 1})),
        (["say", 5], {}, ("say", 5)),
    ],
)
def test_send_directive_merges_what_is_given_by_name(args: Any, named: Any, directive: Any) -> None:
    scope = scope_with()
    ACTIONS["send_directive"].run(scope, *args, **named)
    assert effects_of(scope).directives == [directive]


@pytest.mark.parametrize("name", [None, 5, True, ["a"], {"a": 1}, ""])
def test_a_directive_may_have_any_name_and_is_returned(name: Any) -> None:
    scope = scope_with()
    made = ACTIONS["send_directive"].run(scope, name, 0)
    assert effects_of(scope).directives == [(name, {})]
    assert made == {"name": name, "options": {}}


def test_noop_does_nothing() -> None:
    scope = scope_with()
    assert ACTIONS["noop"].run(scope, 1, x=2) is None
    assert not effects_of(scope).directives


# The tables


def test_a_mistyped_name_has_near_ones() -> None:
    assert near("lenght", OPERATORS)[0] == "length"
    assert near("defaultsto", OPERATORS)[0] == "defaultsTo"
    assert near("strtime", MODULES["time"])[0] == "strftime"
    assert near("qqqqqqq", OPERATORS) == []
    assert len(near("trim", OPERATORS)) <= 3


def test_every_parameter_of_an_operator_has_a_default() -> None:
    for name, operator in OPERATORS.items():
        code, defaults = operator.run.__code__, operator.run.__defaults__ or ()
        assert code.co_argcount - len(defaults) == operator.scoped, name
        assert all(default is None or default is MISSING for default in defaults), name


@pytest.mark.parametrize("text", ["2021-03-04/T07Z", "2021-03-04/2021-03-05", "P1D", "now", "1e3", "٣"])
def test_what_is_no_moment_is_a_krl_error_and_nothing_else(text: str) -> None:
    with pytest.raises(KrlError, match="is not an ISO 8601 time"):
        ask("time:new", text)
