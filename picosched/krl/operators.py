"""The infix and postfix operators, each a function of its operands.

Compiled code calls these for every operator it meets, so each tries the common case first: two ints,
then two strings. `+` is a sum of numbers and else joins texts; the other arithmetic converts to numbers
and fails where that cannot be done. Comparison is by number where both have one and else by text;
equality converts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from picosched.errors import KrlError
from picosched.krl.pattern import Regex, regex_of
from picosched.krl.scope import Value
from picosched.krl.size import SMALL, claim_text, scan, visit
from picosched.krl.values import EXACT, described, equal, number, shown, to_number, to_string

__all__ = [
    "add",
    "compare",
    "compare_text",
    "divide",
    "equal",
    "greater",
    "greater_equal",
    "has_element",
    "index",
    "less",
    "less_equal",
    "like",
    "multiply",
    "negate",
    "not_equal",
    "path",
    "position",
    "remainder",
    "same_text",
    "subtract",
]


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
    """`eq`; `neq` is its contrary."""
    return bool(equal(to_string(a), to_string(b)))


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


INFIX: dict[str, Callable[[Value, Value], Value]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "==": equal,
    "!=": not_equal,
    "<": less,
    "<=": less_equal,
    ">": greater,
    ">=": greater_equal,
    "<=>": compare,
    "cmp": compare_text,
    "eq": same_text,
    "neq": lambda a, b: not same_text(a, b),
    "><": has_element,
    "like": like,
}
"""The function of each infix operator, except `&&` and `||`, which short-circuit."""
