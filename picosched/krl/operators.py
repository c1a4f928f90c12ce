"""The operators: each a function of its operands, and the table of all infix and prefix ones.

Compiled code calls these for every operator it meets, so each tries the common case first: two ints,
then two strings. `+` is a sum of numbers and else joins texts; the other arithmetic converts to numbers
and fails where that cannot be done. Comparison is by number where both have one and else by text;
equality converts nothing.

What the lexer, the grammar, the printer, the checker and the compiler have to know of an infix or prefix
operator stands in its row of `SIGNS`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from picosched.errors import KrlError
from picosched.krl.pattern import Regex, regex_of
from picosched.krl.scope import Value
from picosched.krl.size import SMALL, claim_text, scan, visit
from picosched.krl.values import EXACT, described, equal, number, shown, to_number, to_string


def cannot(sign: str, a: Value, b: Value) -> KrlError:
    return KrlError(
        f"cannot {sign} {described(a)} and {described(b)}: {shown(a)} {sign} {shown(b)}",
    )


def add(a: Value, b: Value) -> Value:
    """`+`"""
    first, second = type(a), type(b)
    if first is int and second is int:
        total = a + b
        return total if -EXACT <= total <= EXACT else number(total)
    if first is not str or second is not str:
        if (first is int or first is float) and (second is int or second is float):
            total = a + b
            if math.isfinite(a) and math.isfinite(b):
                return number(total)
        a, b = to_string(a), to_string(b)
    length = len(a) + len(b)
    if length > SMALL:
        claim_text(length, a.isascii() and b.isascii())
    return a + b


def numbers(sign: str, a: Value, b: Value) -> tuple[Value, Value]:
    x, y = to_number(a), to_number(b)
    if x is None or y is None:
        raise cannot(sign, a, b)
    return x, y


def subtract(a: Value, b: Value) -> Value:
    """`-`"""
    if type(a) is int and type(b) is int:
        result = a - b
        return result if -EXACT <= result <= EXACT else number(result)
    x, y = numbers("-", a, b)
    return number(x - y)


def multiply(a: Value, b: Value) -> Value:
    """`*`"""
    if type(a) is int and type(b) is int:
        result = a * b
        return result if -EXACT <= result <= EXACT else number(result)
    x, y = numbers("*", a, b)
    return number(x * y)


def divide(a: Value, b: Value) -> Value:
    """`/`; by zero it is 0."""
    x, y = numbers("/", a, b)
    return number(x / y) if y else 0


def remainder(a: Value, b: Value) -> Value:
    """`%`, with the sign of the dividend; by zero it is 0."""
    x, y = numbers("%", a, b)
    if not y:
        return 0
    if type(x) is int and type(y) is int:
        return number(x % abs(y) if x >= 0 else -(-x % abs(y)))
    return None if math.isinf(x) else number(math.fmod(x, y))


def negate(a: Value) -> Value:
    """Prefix `-`"""
    x = to_number(a)
    if x is None:
        raise KrlError(f"cannot negate {described(a)}: {shown(a)}")
    return number(-x)


def compare(a: Value, b: Value) -> int:
    """`<=>`: -1, 0 or 1."""
    x, y = to_number(a), to_number(b)
    if x is None or y is None:
        x, y = to_string(a), to_string(b)
        scan(min(len(x), len(y)))
    return 1 if x > y else -1 if x < y else 0


def less(a: Value, b: Value) -> bool:
    """`<`"""
    if type(a) is int and type(b) is int:
        return a < b
    return compare(a, b) < 0


def less_equal(a: Value, b: Value) -> bool:
    """`<=`"""
    if type(a) is int and type(b) is int:
        return a <= b
    return compare(a, b) <= 0


def greater(a: Value, b: Value) -> bool:
    """`>`"""
    if type(a) is int and type(b) is int:
        return a > b
    return compare(a, b) > 0


def greater_equal(a: Value, b: Value) -> bool:
    """`>=`"""
    if type(a) is int and type(b) is int:
        return a >= b
    return compare(a, b) >= 0


def not_equal(a: Value, b: Value) -> bool:
    """`!=`"""
    return not equal(a, b)


def compare_text(a: Value, b: Value) -> int:
    """`cmp`: -1, 0 or 1 by the texts."""
    x, y = to_string(a), to_string(b)
    scan(min(len(x), len(y)))
    return (x > y) - (x < y)


def same_text(a: Value, b: Value) -> bool:
    """`eq`"""
    return bool(equal(to_string(a), to_string(b)))


def other_text(a: Value, b: Value) -> bool:
    """`neq`"""
    return not same_text(a, b)


def has_element(a: Value, b: Value) -> bool:
    """`><`: whether an array has the element or a map the key."""
    if type(a) is list:
        visit(len(a))
        return any(equal(item, b) for item in a)
    if type(a) is not dict:
        return False
    key = to_string(b)
    scan(len(key))
    return key in a


def like(a: Value, b: Value) -> bool:
    """`like`: whether the text has a match of the pattern."""
    pattern = b if type(b) is Regex else regex_of(to_string(b))
    return pattern.search(to_string(a)) is not None


def position(key: str) -> int | None:
    """The array index that a key writes; None if it is not a plain natural number."""
    scan(len(key))
    if key.isdecimal() and key.isascii() and (key[0] != "0" or key == "0"):
        return int(key) if len(key) <= 15 else EXACT
    return None


def index(a: Value, key: Value) -> Value:
    """`a[key]`: an element of an array or map, null if there is none."""
    if type(a) is list:
        place = key if type(key) is int else position(to_string(key))
        return a[place] if place is not None and 0 <= place < len(a) else None
    if type(a) is dict:
        if type(key) is not str:
            key = to_string(key)
        if len(key) > SMALL:
            scan(len(key))
        return a.get(key)
    return None


def path(a: Value, keys: Value) -> Value:
    """`a{keys}`: the value at a path of keys, or under one key; null if there is none."""
    if type(keys) is not list:
        return index(a, keys)
    if not keys:
        return None
    if len(keys) > SMALL:
        visit(len(keys))
    for key in keys:
        a = index(a, key)
    return a


# How tightly an expression holds together, loosest first.
CONDITIONAL, OR, AND, COMPARISON, SUM, PRODUCT, PREFIXED, TRAIL, PRIMARY = range(9)


class Sign(NamedTuple):
    """An infix or prefix operator."""

    text: str
    """As it is written. An infix one that is a word is a name wherever no operator can stand."""
    token: str
    level: int
    kind: Literal["left", "right", "nonassoc", "prefix"]
    """How infix operators of its level group, or that it is a prefix."""
    run: Callable[..., Value] | None = None
    """None if the compiler needs no function for it."""
    value: Literal["Boolean", "Number"] | None = None
    """The type of its value, where the operands do not matter. Python tests a Boolean for truth as it is."""
    python: ast.cmpop | ast.operator | ast.boolop | ast.unaryop | None = None
    """Python's own. Beside a function it is for two whole numbers, of which it must make the same."""


SIGNS = (
    Sign("||", "OR_OR", OR, "left", python=ast.Or()),
    Sign("&&", "AND_AND", AND, "left", python=ast.And()),
    Sign("==", "EQ", COMPARISON, "left", equal, "Boolean", ast.Eq()),
    Sign("!=", "NE", COMPARISON, "left", not_equal, "Boolean", ast.NotEq()),
    Sign("<", "LT", COMPARISON, "left", less, "Boolean", ast.Lt()),
    Sign("<=", "LE", COMPARISON, "left", less_equal, "Boolean", ast.LtE()),
    Sign(">", "GT", COMPARISON, "left", greater, "Boolean", ast.Gt()),
    Sign(">=", "GE", COMPARISON, "left", greater_equal, "Boolean", ast.GtE()),
    Sign("<=>", "SPACESHIP", COMPARISON, "left", compare, "Number"),
    Sign("><", "HAS", COMPARISON, "left", has_element, "Boolean"),
    Sign("like", "LIKE", COMPARISON, "left", like, "Boolean"),
    Sign("cmp", "CMP", COMPARISON, "left", compare_text, "Number"),
    Sign("eq", "EQ_TEXT", COMPARISON, "left", same_text, "Boolean"),
    Sign("neq", "NEQ_TEXT", COMPARISON, "left", other_text, "Boolean"),
    Sign("+", "PLUS", SUM, "left", add, None, ast.Add()),
    Sign("-", "MINUS", SUM, "left", subtract, "Number", ast.Sub()),
    Sign("*", "TIMES", PRODUCT, "left", multiply, "Number", ast.Mult()),
    Sign("/", "DIVIDE", PRODUCT, "left", divide, "Number"),
    Sign("%", "PERCENT", PRODUCT, "left", remainder, "Number", ast.Mod()),
    Sign("not", "NOT", PREFIXED, "prefix", None, "Boolean", ast.Not()),
    Sign("-", "MINUS", PREFIXED, "prefix", negate, "Number"),
    Sign("+", "PLUS", PREFIXED, "prefix"),
)
"""All of them, loosest first."""
INFIX = {sign.text: sign for sign in SIGNS if sign.kind != "prefix"}
PREFIX = {sign.text: sign for sign in SIGNS if sign.kind == "prefix"}
