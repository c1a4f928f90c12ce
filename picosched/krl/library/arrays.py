"""Operators on arrays as sequences: ends, parts, order, joining."""

from __future__ import annotations

import math
from functools import cmp_to_key
from types import FunctionType

from picosched.errors import KrlError
from picosched.krl.library.iteration import only
from picosched.krl.library.member import Operator
from picosched.krl.operators import compare
from picosched.krl.scope import Value
from picosched.krl.size import charge, claim_array, claim_text, visit
from picosched.krl.values import MISSING, callback, described, equal, shown, to_number, to_string


def head(val: Value = None) -> Value:
    """The first element; the head of anything else is itself."""
    if type(val) is not list:
        return val
    return val[0] if val else None


def tail(val: Value = None) -> list[Value]:
    """All but the first element."""
    return part(val, 1, len(val)) if type(val) is list else []


def part(val: list[Value], first: int, behind: int) -> list[Value]:
    """A new array of the elements from `first` (inclusive) to `behind` (exclusive)."""
    claim_array(max(0, behind - first))
    return val[first:behind]


def append(val: Value = None, *others: Value) -> list[Value]:
    """The arrays one after another; anything else counts as an array of one element."""
    arrays = [item if type(item) is list else [item] for item in (val, *others)]
    claim_array(sum(map(len, arrays)), 2 * len(arrays))
    return [item for array in arrays for item in array]


def index(val: Value = None, elm: Value = None) -> int:
    """The index of the element's first occurrence; -1 if there is none."""
    if type(val) is not list:
        raise only("Arrays", val)
    visit(len(val))
    return next((i for i, item in enumerate(val) if equal(item, elm)), -1)


def join(val: Value = None, str: Value = None) -> str:
    """The texts of the elements with another text between them."""
    if type(val) is not list:
        return to_string(val)
    claim_array(len(val), len(val))
    texts = [to_string(item) for item in val]
    separator = "," if str is None else to_string(str)
    claim_text(sum(map(len, texts)) + len(separator) * max(0, len(texts) - 1))
    return separator.join(texts)


def length(val: Value = None) -> int:
    """Elements of an array or map, characters of a string; 0 for all else."""
    return len(val) if type(val) in (list, dict, str) else 0


def is_empty(val: Value = None) -> bool:
    return length(val) == 0


def reverse(val: Value = None) -> list[Value]:
    if type(val) is not list:
        raise only("Arrays", val)
    claim_array(len(val))
    return val[::-1]


def whole(val: Value, purpose: str) -> int | float:
    """The number as one that counts elements."""
    n = to_number(val)
    if n is None:
        raise KrlError(f"{described(val)} cannot be {purpose}: {shown(val)}")
    return int(n) if math.isfinite(n) else float(n)


def slice_(val: Value = None, start: Value = MISSING, end: Value = MISSING) -> list[Value]:
    """The elements from one index to another, both included; from the first if only one is given."""
    if type(val) is not list:
        raise only("Arrays", val)
    if start is MISSING:
        return val
    ends = [whole(start, "an index"), 0 if end is MISSING else whole(end, "an index")]
    first, last = sorted(ends)
    return part(val, int(first), int(last) + 1) if first >= 0 and last < len(val) else []


def splice(
    val: Value = None,
    start: Value = None,
    nElements: Value = MISSING,
    value: Value = MISSING,
) -> list[Value]:
    """The array without `nElements` from `start` on, and with the value, or its elements, in their place."""
    if type(val) is not list:
        raise only("Arrays", val)
    first = int(min(max(whole(start, "an index"), 0), max(len(val) - 1, 0)))
    count = -1 if nElements is MISSING else whole(nElements, "a number of elements")
    last = len(val) if count < 0 or first + count > len(val) else first + int(count)
    between = [] if value is MISSING else value if type(value) is list else [value]
    claim_array(len(val) + len(between), len(val) >> 6)
    return [*val[:first], *between, *val[last:]]


class Ranked:
    """An element while it is sorted by a function: Python asks only whether a later one goes before."""

    __slots__ = ("ask", "value")

    def __init__(self, value: Value, ask: Value) -> None:
        self.value = value
        self.ask = ask

    def __lt__(self, earlier: Ranked) -> bool:
        answer = self.ask(earlier.value, self.value)
        return answer is True or (type(answer) in (int, float) and answer > 0)


def ordered(a: Value, b: Value) -> int:
    """What `<=>` gives, paid for where Python asks and no step is counted."""
    charge(2)
    return compare(a, b)


def sort(val: Value = None, sortBy: Value = None) -> Value:
    """The array in order, by text, by number ("numeric", backwards "ciremun"), or as a function says.

    The function gets two elements in their current order and returns true, or a number above 0, if they
    should be swapped. The sort is stable.
    """
    if type(val) is not list:
        return val
    comparisons = len(val) * len(val).bit_length()
    claim_array(len(val), len(val) + (comparisons >> 3))
    if type(sortBy) is FunctionType:
        ask = callback(sortBy, 2)
        charge(comparisons >> 1)
        return [ranked.value for ranked in sorted(Ranked(item, ask) for item in val)]
    backwards = sortBy in ("reverse", "ciremun")
    if sortBy in ("numeric", "ciremun"):
        plain = all(type(item) is int or type(item) is float for item in val)
        return sorted(val, key=None if plain else cmp_to_key(ordered), reverse=backwards)
    texts = [to_string(item) for item in val]
    charge(sum(map(len, texts)) * len(val).bit_length() >> 9)  # texts may be alike for long
    return [val[place] for place in sorted(range(len(val)), key=texts.__getitem__, reverse=backwards)]


OPERATORS = {
    "append": Operator(append),
    "head": Operator(head),
    "index": Operator(index),
    "isEmpty": Operator(is_empty),
    "join": Operator(join),
    "length": Operator(length),
    "reverse": Operator(reverse),
    "slice": Operator(slice_),
    "sort": Operator(sort, calls="some"),
    "splice": Operator(splice),
    "tail": Operator(tail),
}
