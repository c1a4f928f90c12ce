"""Operators on values of any type: type, conversion, a default for null."""

from __future__ import annotations

import re

from picosched.errors import KrlError
from picosched.krl.library.member import Operator
from picosched.krl.scope import Scope, Value
from picosched.krl.size import scan
from picosched.krl.values import (
    Regex,
    described,
    json_text,
    kind,
    regex_of,
    shown,
    to_number,
    to_string,
    truth,
)

HEX_DIGITS = re.compile("[0-9A-Fa-f]+")
BRACKETED = re.compile(r"\[([A-Za-z]+)\]")


def as_(val: Value = None, type: Value = None) -> Value:
    """Convert the value; one that already has the type is returned unchanged."""
    if type is None or kind(val) == type:
        return val
    convert = CONVERSIONS.get(type) if isinstance(type, str) else None
    if convert is None:
        raise KrlError(f"cannot use {described(val)} as {shown(type)}: {shown(val)}")
    return convert(val)


def as_boolean(val: Value) -> bool:
    return val != "false" and truth(val)


def as_regex(val: Value) -> Regex:
    if isinstance(val, Regex):
        return val
    text = to_string(val)
    # `[Function]` and its like stand for themselves, not for a set of letters.
    return regex_of(text if isinstance(val, str) else BRACKETED.sub(r"\\[\1\\]", text))


def as_hex(val: Value) -> str | None:
    if isinstance(val, str):
        scan(len(val))
        return val if HEX_DIGITS.fullmatch(val) else None
    n = to_number(val)
    return None if n is None or n in (float("inf"), float("-inf")) else format(int(n), "x")


def as_str(val: Value) -> str:
    return json_text(val) if isinstance(val, list | dict) else to_string(val)


def as_array(val: Value) -> list[Value]:
    return val if isinstance(val, list) else [val]


CONVERSIONS = {
    "Boolean": as_boolean,
    "String": to_string,
    "Number": to_number,
    "RegExp": as_regex,
    "Hex": as_hex,
    "num": to_number,
    "str": as_str,
    "regexp": as_regex,
    "array": as_array,
    "json": json_text,
}
"""By the name of the type; those in lower case are the classic engine's."""


def typeof(val: Value = None) -> str:
    return kind(val)


def isnull(val: Value = None) -> bool:
    return val is None


def klog(scope: Scope, val: Value = None, message: Value = None) -> Value:
    """Log the value and return it."""
    scope.effects.log("debug", {"message": "klog" if message is None else to_string(message), "value": val})
    return val


def defaults_to(val: Value = None, defaultVal: Value = None, message: Value = None) -> Value:
    """The value, or the default if it is null; `message` is ignored."""
    return defaultVal if val is None else val


OPERATORS = {
    "as": Operator(as_),
    "defaultsTo": Operator(defaults_to),
    "isnull": Operator(isnull),
    "klog": Operator(klog, scoped=True),
    "toRegexp": Operator(lambda val=None: as_regex(val)),
    "typeof": Operator(typeof),
}
