"""KRL values as Python has them: their kinds, their forms as number, text and truth, equality, calls.

A value is None, bool, int or float, str, list, dict with str keys, `Regex`, a function (a plain Python
one that the compiler made) or an `Action`. Nothing changes a value in place, so parts are shared freely.
Numbers are JavaScript's doubles; a whole number up to 2**53 is kept as int, NaN is null. Conversions
never fail: what has no number converts to None, everything has a text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from types import FunctionType
from typing import Any, Final

from picosched.errors import KrlError, shortened
from picosched.krl.pattern import Regex, regex_of
from picosched.krl.scope import Value
from picosched.krl.size import DEEPEST, SMALL, charge, claim_array, scan, too_deep
from picosched.krl.text import EXACT, from_json, json_text, json_value, tree_text

__all__ = [
    "EXACT",
    "MISSING",
    "Action",
    "ActionFunction",
    "Regex",
    "Value",
    "call",
    "callback",
    "described",
    "equal",
    "from_json",
    "json_text",
    "json_value",
    "key_of",
    "kind",
    "number",
    "regex_of",
    "shown",
    "takes",
    "to_number",
    "to_string",
    "tree_text",
    "truth",
]

NUMERAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
RADIX_NUMERAL = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)", re.ASCII)
HEX = re.compile(r"0[xX][0-9a-fA-F]+", re.ASCII)
BLANKS = "".join(
    map(chr, (*range(9, 14), 0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F))
)
BLANKS += "\u205f\u3000\ufeff"
"""Characters that JavaScript trims."""

VARARGS = 0x04  # inspect.CO_VARARGS and CO_VARKEYWORDS, whose module is slow to import
VARKEYWORDS = 0x08


class Missing:
    """The type of `MISSING`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
"""The Python default of a parameter that has a default expression in KRL."""


class Action:
    """The value of a `defaction`: it runs only in action position."""

    __slots__ = ("name", "run")

    def __init__(self, name: str, run: Callable[..., Value]) -> None:
        self.name = name
        self.run = run

    def __repr__(self) -> str:
        return f"Action({self.name!r})"


class ActionFunction(Action):
    """The value of a built-in that is an action and a function: `noop`."""

    __slots__ = ()


KINDS = {
    type(None): "Null",
    bool: "Boolean",
    int: "Number",
    float: "Number",
    list: "Array",
    dict: "Map",
    Regex: "RegExp",
    FunctionType: "Function",
    Action: "Action",
    ActionFunction: "ActionFunction",
}


def kind(value: Value) -> str:
    """The name of the value's type, as `typeof()` gives it."""
    if type(value) is str:
        scan(len(value))
        return "Hex" if HEX.fullmatch(value) else "String"
    return KINDS.get(type(value), "JSObject")


def number(value: float) -> Value:
    """A number as KRL keeps it: int where it is whole and exact, None for NaN."""
    if type(value) is int:
        if -EXACT <= value <= EXACT:
            return value
        try:
            value = float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if value != value:
        return None
    return int(value) if -EXACT <= value <= EXACT and value.is_integer() else value


def to_number(value: Value) -> Value:
    """The value as a number; None if it has none."""
    kind = type(value)
    if kind is int or kind is float:
        return value
    if kind is str:
        return numeral(value)
    if value is None:
        return 0
    if kind is bool:
        return int(value)
    return len(value) if kind is list or kind is dict else None


def numeral(text: str) -> Value:
    """The number that a text writes: decimal, with an exponent, or 0x, 0o, 0b."""
    charge(2 + (len(text) >> 5))
    text = text.strip(BLANKS)
    if not text:
        return 0
    if text[0] not in "+-.0123456789":
        return None
    if NUMERAL.fullmatch(text):
        return number(float(text))
    return number(int(text, 0)) if RADIX_NUMERAL.fullmatch(text) else None


def to_string(value: Value) -> str:
    """The value as text: arrays, maps and functions give only their kind."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return str(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        return float_text(value)
    return str(value) if kind is Regex else f"[{KINDS.get(kind, 'JSObject')}]"


def float_text(value: float) -> str:
    """The shortest text that reads back as the same double, as JavaScript writes it."""
    charge(2)
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return str(int(value)) if value.is_integer() and abs(value) <= EXACT else mantissa.removesuffix(".0")
    sign = "-" if value < 0 else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    power = int(exponent)
    if 0 < power < 21:
        return sign + (whole + fraction).ljust(power + 1, "0")
    if -7 < power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{whole}{fraction}"
    return f"{mantissa.removesuffix('.0')}e{power:+d}"


def truth(value: Value) -> bool:
    """False for null, false, 0 and the empty string; true for all else, also `[]` and `{}`."""
    return bool(value) or type(value) is list or type(value) is dict


def equal(a: Value, b: Value) -> bool:
    """Whether the two are the same value, all the way down, without any conversion."""
    if a is b:
        return True
    kind = type(a)
    if kind is list or kind is dict:
        return type(b) is kind and alike(a, b, DEEPEST)
    if kind is bool or type(b) is bool:
        return False
    if kind is str and len(a) > SMALL:
        scan(len(a))
    return bool(a == b)


def alike(a: Value, b: Value, depth: int) -> bool:
    """Compare two arrays or two maps."""
    if len(a) != len(b):
        return False
    if depth <= 0:
        raise too_deep()
    charge(2 + len(a))
    pairs: Any
    if type(a) is dict:
        if a.keys() != b.keys():
            return False
        pairs = ((item, b[key]) for key, item in a.items())
    else:
        pairs = zip(a, b, strict=True)
    for x, y in pairs:
        kind = type(x)
        if x is y:
            continue
        if kind is list or kind is dict:
            if type(y) is not kind or not alike(x, y, depth - 1):
                return False
        elif kind is bool or type(y) is bool:
            return False
        else:
            if kind is str and len(x) > SMALL:
                scan(len(x))
            if x != y:
                return False
    return True


def key_of(value: Value) -> Hashable:
    """A hashable key for the value: equal exactly for equal values."""
    return hashed(value, DEEPEST)


def hashed(value: Value, depth: int) -> Hashable:
    kind = type(value)
    if kind is bool:
        return (bool, value)  # True and 1 are one key to Python
    if kind is str:
        scan(len(value))
    if kind is not list and kind is not dict:
        return value  # type: ignore[no-any-return]
    if depth <= 0:
        raise too_deep()
    claim_array(len(value), 4 + len(value))
    if kind is list:
        return (list, *(hashed(item, depth - 1) for item in value))
    return (dict, frozenset((key, hashed(item, depth - 1)) for key, item in value.items()))


def shown(value: Value) -> str:
    """The value for a message: short, strings in quotes."""
    text = to_string(value)
    short = shortened(text)
    return json_text(short) if type(value) is str else short


def described(value: Value) -> str:
    """The kind with its article: `a Null`, `an Array`, `an empty String`."""
    if type(value) is str and not value:
        return "an empty String"
    name = "String" if type(value) is str else kind(value)
    return f"an {name}" if name[0] == "A" else f"a {name}"


def valued(operands: Sequence[str], values: Sequence[Value]) -> str:
    """What the operands of a condition were."""
    return ", ".join([f"{each} was {_was(value)}" for each, value in zip(operands, values, strict=True)])


def _was(value: Value) -> str:
    if type(value) is int:
        return str(value)
    if value is MISSING:
        return "not reached"
    if isinstance(value, list | dict):
        return f"{described(value)} of {len(value):,}"
    return shown(value)


def not_a_function(value: Value) -> KrlError:
    if isinstance(value, Action):
        return KrlError(f"{value.name} is an action: it runs only in action position")
    return KrlError(f"{shown(value)} is not a function")


def call(
    f: Value, args: Sequence[Value] = (), named: Mapping[str, Value] | None = None, own: int = 0
) -> Value:
    """Call a function: extra arguments are ignored, missing ones are the default or null.

    An argument by name goes before one in the same place, unless the parameter is positional-only. A
    parameter's Python name may carry a suffix after a dot, which is not part of its KRL name. The first `own`
    arguments are ours, and KRL has no names for them.
    """
    if type(f) is not FunctionType:
        raise not_a_function(f)
    code = f.__code__
    count = code.co_argcount
    required = count - len(f.__defaults__ or ())
    values = list(args) if code.co_flags & VARARGS else list(args[:count])
    if not named:
        values.extend([None] * (required - len(values)))
        return f(*values)
    keywords: dict[str, Value] = {}
    own = max(own, code.co_posonlyargcount)
    known = enumerate(code.co_varnames[own:count], own)
    parameters = {name.partition(".")[0]: place for place, name in known}
    for name, value in named.items():
        place = parameters.get(name)
        if place is None:
            if code.co_flags & VARKEYWORDS:
                keywords[name] = value
        elif place < len(values):
            values[place] = value
        else:
            keywords[code.co_varnames[place]] = value
    for name in code.co_varnames[len(values) : required]:
        keywords.setdefault(name, None)
    return f(*values, **keywords)


def takes(f: Value, count: int) -> bool:
    """Whether it is a function of exactly so many parameters."""
    if type(f) is not FunctionType:
        return False
    return f.__code__.co_argcount == count and not f.__code__.co_flags & VARARGS


def callback(f: Value, count: int) -> Callable[..., Value]:
    """The function as one that is given `count` arguments and passes on those it takes."""
    if type(f) is not FunctionType:
        raise KrlError(f"a function is needed here; found {described(f)}: {shown(f)}")
    code = f.__code__
    arity = code.co_argcount
    if arity - len(f.__defaults__ or ()) > count:
        return lambda *args: call(f, args)
    if code.co_flags & VARARGS or arity >= count:
        return f
    # Spelled out by arity: these stand in the inner loop of every map, filter and reduce.
    if count == 3 and arity == 1:
        return lambda a, b, c: f(a)
    if count == 3 and arity == 2:
        return lambda a, b, c: f(a, b)
    if count == 4 and arity == 2:
        return lambda a, b, c, d: f(a, b)
    return lambda *args: f(*args[:arity])
