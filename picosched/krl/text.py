"""JSON: a KRL value as a tree of its own, as text, and back.

What leaves a turn (attributes, directives, entity variables, answers) is JSON: a fresh copy, so that
nothing outside shares a part with a running rule. Functions and actions vanish as they do in
JavaScript, a RegExp becomes `{}`, infinity null.
"""

from __future__ import annotations

import json
import re
from math import isinf
from typing import Final

import orjson

from picosched.errors import KrlError
from picosched.krl.budget import Budget
from picosched.krl.pattern import Regex
from picosched.krl.scope import Value
from picosched.krl.size import (
    BOUNDS,
    DEEPEST,
    charge,
    claim_bytes,
    claim_text,
    code,
    scan,
    too_deep,
    too_much,
)

EXACT: Final = 2**53
"""Up to here every integer is a double of its own; whole numbers are kept as int within it."""

VANISHED: Final = object()
"""The copy of a function: a map drops it, an array keeps null in its place."""
SHORT = 300
WIDEST = 6
"""Most bytes a character takes in JSON."""
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
WHOLE_FLOAT = re.compile(r"\d[eE]|\.0+(?!\d)")
"""Where a JSON text may hold a float that is a whole number."""


def json_value(value: Value) -> Value:
    """A deep copy of the value as JSON, sharing nothing mutable."""
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool:
        return value
    copy = copied(value)[0]
    return None if copy is VANISHED else copy


def copied(value: Value, depth: int = DEEPEST) -> tuple[Value, int]:
    """A copy as `tree` makes it, and about how many characters it takes."""
    budget = BOUNDS.budget
    room = [budget.text]
    copy = tree(value, depth, room, budget)
    if room[0] < 0:
        raise too_much()
    return copy, budget.text - room[0]


def measured(value: Value) -> tuple[Value, int]:
    """A copy as `json_value` makes it, and the bytes of its JSON text, or of a small one a few more."""
    kind = type(value)
    if kind is int or value is None:
        return value, WIDEST * 8
    budget = BOUNDS.budget
    room = [budget.text]
    copy = tree(value, DEEPEST, room, budget)
    characters = budget.text - room[0]
    if characters < SHORT:
        return None if copy is VANISHED else copy, WIDEST * (characters + 8)
    if room[0] < 0:
        raise too_much()
    text = dumped(copy)
    size = len(text) if text is not None else len(tree_text(copy).encode("utf-8", "surrogatepass"))
    scan(size)
    return copy, size


def tree(value: Value, depth: int, room: list[int], budget: Budget) -> Value:
    """Copy one value; `room` holds how many characters may still be written, counted down."""
    kind = type(value)
    if kind is str:
        room[0] -= len(value)
        return value
    if kind is int or kind is bool or value is None:
        return value
    if kind is float:
        return None if isinf(value) else value
    if kind is not list and kind is not dict:
        return {} if kind is Regex else VANISHED
    if depth <= 0:
        raise too_deep()
    length = len(value)
    room[0] -= 8 * length
    if room[0] < 0:
        raise too_much()
    # As `claim_array` and `claim_map` count it; most of what is said is a few small maps.
    budget.steps -= 4 + length + (length >> 4)
    budget.built -= 200 + 48 * length
    if budget.steps < 0 or budget.built < 0:
        budget.spent()
    if kind is list:
        copies = [item if type(item) is int else tree(item, depth - 1, room, budget) for item in value]
        return [None if item is VANISHED else item for item in copies] if VANISHED in copies else copies
    copy = {}
    size = 0
    for key, item in value.items():
        size += len(key)
        kind = type(item)
        if kind is str:  # most of what maps hold, and calls are dear
            size += len(item)
        elif kind is not int and kind is not bool:
            item = tree(item, depth - 1, room, budget)
            if item is VANISHED:
                continue
        copy[key] = item
    room[0] -= size
    return copy


def of_text(text: str) -> int:
    """An upper bound for the bytes of a text as JSON."""
    return WIDEST * len(text)


def json_text(value: Value, indent: int | None = None) -> str:
    """The value as JSON text; with `indent`, one element a line."""
    return tree_text(json_value(value), indent)


def tree_text(tree: Value, indent: int | None = None) -> str:
    """JSON text of what `json_value` or `from_json` made."""
    text = None if indent else dumped(tree)
    if text is not None:
        code(len(text))
        claim_text(len(text), text.isascii())
        return text.decode()
    separators = (",", ": ") if indent else (",", ":")
    spelled = json.dumps(tree, ensure_ascii=False, indent=indent or None, separators=separators)
    code(4 * len(spelled))
    return LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", spelled)


def dumped(tree: Value) -> bytes | None:
    """JSON, UTF-8; None for integers of more than 64 bits and lone surrogates."""
    try:
        return orjson.dumps(tree)
    except TypeError:
        return None


def from_json(text: str | bytes) -> Value:
    """The value of a JSON text. KrlError if it is not valid JSON."""
    try:
        if isinstance(text, bytes):
            text = text.decode()
        pay_for_json(text)
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:  # json also takes lone surrogates and numbers past a double
            code(8 * len(text))
            value = json.loads(text, parse_int=integer, parse_constant=refuse)
    except RecursionError as cause:
        raise too_deep() from cause
    except ValueError as cause:
        raise KrlError(f"not JSON: {cause}") from cause
    deep = text.count("[") + text.count("{") > DEEPEST
    return settled(value, DEEPEST) if deep or WHOLE_FLOAT.search(text) else value


def pay_for_json(text: str) -> None:
    """Charge for parsing a JSON text, and for the resulting value."""
    code(len(text))
    claim_bytes(len(text) + 40 * text.count(",") + 64 * text.count("[") + 232 * text.count("{"))


def settled(value: Value, depth: int) -> Value:
    """The same value with whole floats made int: modifies the tree, which must not be shared yet."""
    kind = type(value)
    if kind is float:
        return int(value) if value.is_integer() and -EXACT <= value <= EXACT else value
    if kind is list or kind is dict:
        if depth <= 0:
            raise too_deep()
        charge(1 + len(value))
        for key, item in enumerate(value) if kind is list else value.items():
            if type(item) in (float, list, dict):
                value[key] = settled(item, depth - 1)
    return value


def integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float(digits)


def refuse(constant: str) -> Value:
    raise ValueError(f"{constant} is not a JSON value")
