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
from picosched.krl.pattern import Regex
from picosched.krl.scope import Value
from picosched.krl.size import DEEPEST, LARGEST, too_deep, too_much

EXACT: Final = 2**53
"""Up to here every integer is a double of its own; whole numbers are kept as int within it."""

VANISHED: Final = object()
"""The copy of a function: a map drops it, an array keeps null in its place."""
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
WHOLE_FLOAT = re.compile(r"\d[eE]|\.0+(?!\d)")
"""Where a JSON text may hold a float that is a whole number."""


def json_value(value: Value) -> Value:
    """A deep copy of the value as JSON has it, sharing nothing that could change."""
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool:
        return value
    copy = tree(value, DEEPEST, [LARGEST])
    return None if copy is VANISHED else copy


def tree(value: Value, depth: int, room: list[int]) -> Value:
    """Copy one value; `room` holds what may still be written, counted down."""
    kind = type(value)
    if kind is str:
        room[0] -= len(value)
        return value
    if kind is int or kind is bool or value is None:
        return value
    if kind is float:
        return None if isinf(value) else value
    if kind is list:
        enter(value, depth, room)
        copies = [item if type(item) is int else tree(item, depth - 1, room) for item in value]
        return [None if item is VANISHED else item for item in copies] if VANISHED in copies else copies
    if kind is not dict:
        return {} if kind is Regex else VANISHED
    enter(value, depth, room)
    copy = {}
    for key, item in value.items():
        kind = type(item)
        if kind is str:  # most of what maps hold, and calls are dear
            room[0] -= len(item)
        elif kind is not int and kind is not bool:
            item = tree(item, depth - 1, room)
            if item is VANISHED:
                continue
        copy[key] = item
    return copy


def enter(value: Value, depth: int, room: list[int]) -> None:
    if depth <= 0:
        raise too_deep()
    room[0] -= 8 * len(value)
    if room[0] < 0:
        raise too_much()


def json_text(value: Value, indent: int | None = None) -> str:
    """The value as JSON text; with `indent`, one element a line."""
    return tree_text(json_value(value), indent)


def tree_text(tree: Value, indent: int | None = None) -> str:
    """JSON text of what `json_value` or `from_json` made."""
    if not indent:
        try:
            return orjson.dumps(tree).decode()
        except TypeError:  # integers of more than 64 bits, lone surrogates
            pass
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(tree, ensure_ascii=False, indent=indent or None, separators=separators)
    return LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def from_json(text: str | bytes) -> Value:
    """The value of a JSON text. KrlError if it is none."""
    try:
        if isinstance(text, bytes):
            text = text.decode()
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:  # json also takes lone surrogates and numbers past a double
            value = json.loads(text, parse_int=integer, parse_constant=refuse)
    except RecursionError as cause:
        raise too_deep() from cause
    except ValueError as cause:
        raise KrlError(f"not JSON: {cause}") from cause
    deep = text.count("[") + text.count("{") > DEEPEST
    return settled(value, DEEPEST) if deep or WHOLE_FLOAT.search(text) else value


def settled(value: Value, depth: int) -> Value:
    """The same value with whole floats made int: changes a tree that nobody else has yet."""
    kind = type(value)
    if kind is float:
        return int(value) if value.is_integer() and -EXACT <= value <= EXACT else value
    if kind is list or kind is dict:
        if depth <= 0:
            raise too_deep()
        for key, item in enumerate(value) if kind is list else value.items():
            if type(item) in (float, list, dict):
                value[key] = settled(item, depth - 1)
    return value


def integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float(digits)


def refuse(constant: str) -> Value:
    raise ValueError(f"{constant} is not a JSON value")
