"""`encode` and `decode`: a value as JSON text, where functions and RegExps become their texts."""

from __future__ import annotations

import math
from operator import itemgetter

from picosched.errors import KrlError
from picosched.krl.library.member import Operator
from picosched.krl.scope import Value
from picosched.krl.size import BOUNDS, DEEPEST, claim_array, claim_map, claim_text, too_deep, too_much
from picosched.krl.values import from_json, to_number, to_string, tree_text

WIDEST_INDENT = 10
PLAIN = (str, int, float, bool, type(None))


def encode(val: Value = None, indent: Value = None) -> str:
    """JSON text. `indent` is a number of spaces, or a map with the options "pretty" and "canonical"."""
    options = indent if isinstance(indent, dict) else {}
    blanks = 2 if options.get("pretty") else 0
    if not isinstance(indent, dict):
        n = to_number(indent)
        blanks = int(min(max(n, 0), WIDEST_INDENT)) if n is not None and not math.isnan(n) else 0
    tree = texts(val, DEEPEST, [BOUNDS.budget.text], blanks, bool(options.get("canonical")))
    text = tree_text(tree, blanks)
    if blanks:
        claim_text(len(text))
    return text


def texts(val: Value, depth: int, room: list[int], blanks: int, canonical: bool) -> Value:
    """The value with each non-JSON part replaced by its text.

    `room` holds how many characters may still be written, counted down; `blanks` indent each level.
    """
    kind = type(val)
    room[0] -= (len(val) if kind is str else 1) + blanks * (DEEPEST - depth)
    if room[0] < 0:
        raise too_much()
    if kind in PLAIN:
        return None if kind is float and math.isinf(val) else val
    if kind is not list and kind is not dict:
        return to_string(val)
    if depth <= 0:
        raise too_deep()
    if kind is list:
        claim_array(len(val), len(val))
        return [texts(item, depth - 1, room, blanks, canonical) for item in val]
    claim_map(len(val), 2 * len(val))
    room[0] -= sum(map(len, val))
    items = sorted(val.items(), key=itemgetter(0)) if canonical else val.items()
    return {key: texts(item, depth - 1, room, blanks, canonical) for key, item in items}


def decode(val: Value = None) -> Value:
    """The value of a JSON text; anything else is returned unchanged."""
    if not isinstance(val, str):
        return val
    try:
        return from_json(val)
    except KrlError as error:
        if error.code != "invalid":  # a limit was exceeded, so the text may still be valid
            raise
        return val


OPERATORS = {"decode": Operator(decode), "encode": Operator(encode)}
