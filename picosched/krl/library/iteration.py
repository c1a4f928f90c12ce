"""Operators that visit an array or a map: each element is passed to a function with its index or key.

The function gets the element, its index or key, and the whole collection. Without a function the element's
own truth value is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sys import getrefcount
from typing import Any

from picosched.errors import KrlError
from picosched.krl.library.member import Operator
from picosched.krl.scope import Value
from picosched.krl.size import BOUNDS, claim_array, claim_map, size_of, visit
from picosched.krl.values import MISSING, callback, described, shown, to_string, truth


def references_to_a_local() -> int:
    value = object()
    return getrefcount(value)


HELD_HERE = references_to_a_local()
"""The reference count of an object held only by a local variable."""


def only(wanted: str, val: Value) -> KrlError:
    return KrlError(f"this only works on {wanted}; found {described(val)}: {shown(val)}")


def placed(val: Value) -> Iterable[tuple[Any, Value]]:
    """The elements of a collection with the index or key of each."""
    if type(val) is list:
        return enumerate(val)
    if type(val) is dict:
        return val.items()
    raise only("Arrays and Maps", val)


def claim_collection(val: Value) -> None:
    """Charge for visiting an array or map and creating one of the same size."""
    (claim_array if type(val) is list else claim_map)(len(val), len(val) >> 1)


def visiting(f: Value) -> Callable[[Value, Value, Value], Value]:
    return (lambda item, key, whole: item) if f is None else callback(f, 3)


def map_(val: Value = None, iter: Value = None) -> Value:
    pairs, f = placed(val), visiting(iter)
    claim_collection(val)
    if type(val) is list:
        return [f(item, i, val) for i, item in pairs]
    return {key: f(item, key, val) for key, item in pairs}


def filter_(val: Value = None, iter: Value = None) -> Value:
    pairs, f = placed(val), visiting(iter)
    claim_collection(val)
    if type(val) is list:
        return [item for i, item in pairs if truth(f(item, i, val))]
    return {key: item for key, item in pairs if truth(f(item, key, val))}


def all_(val: Value = None, iter: Value = None) -> bool:
    pairs, f = placed(val), visiting(iter)
    visit(len(val))
    return all(truth(f(item, key, val)) for key, item in pairs)


def any_(val: Value = None, iter: Value = None) -> bool:
    pairs, f = placed(val), visiting(iter)
    visit(len(val))
    return any(truth(f(item, key, val)) for key, item in pairs)


def notall(val: Value = None, iter: Value = None) -> bool:
    return not all_(val, iter)


def none(val: Value = None, iter: Value = None) -> bool:
    return not any_(val, iter)


def collect(val: Value = None, iter: Value = None) -> dict[str, Value]:
    """The elements grouped by the text of the function's result."""
    pairs, f = placed(val), visiting(iter)
    claim_map(len(val), 2 * len(val))
    groups: dict[str, Value] = {}
    for key, item in pairs:
        groups.setdefault(to_string(f(item, key, val)), []).append(item)
    return groups


def reduce(val: Value = None, iter: Value = None, dflt: Value = MISSING) -> Value:
    """Fold the elements from left to right; without a start value, begin with the first element."""
    if type(val) is not list:
        raise only("Arrays", val)
    if not val:
        return 0 if dflt is MISSING else dflt
    first = 1 if dflt is MISSING else 0
    result = val[0] if first else dflt
    if first == len(val):
        return result
    f = callback(iter, 4)
    visit(len(val))
    budget, paid = BOUNDS.budget, 0.0
    left = budget.built
    for i in range(first, len(val)):
        before, result = result, f(result, val[i], i, val)
        if budget.built == left:
            paid = 0.0
            continue
        # A growing value is rebuilt at each pass; the previous one is freed by now, unless it is still
        # referenced.
        claimed = left - budget.built
        if before is not result and getrefcount(before) == HELD_HERE:
            budget.built += min(paid, size_of(before))
        paid, left = claimed, budget.built
    return result


def pairwise(val: Value = None, iter: Value = None) -> list[Value]:
    """The function applied to the first elements of all arrays, then to the second ones, up to the longest
    array."""
    if type(val) is not list:
        raise only("Arrays", val)
    if len(val) < 2:
        raise KrlError(f"pairwise needs two arrays or more; found {len(val)}")
    f = callback(iter, len(val))
    claim_array(len(val), len(val))
    rows = [row if type(row) is list else [row] for row in val]
    longest = max(map(len, rows))
    claim_array(longest, longest * len(rows))
    return [f(*(row[i] if i < len(row) else None for row in rows)) for i in range(longest)]


OPERATORS = {
    "all": Operator(all_),
    "any": Operator(any_),
    "collect": Operator(collect),
    "filter": Operator(filter_),
    "map": Operator(map_),
    "none": Operator(none),
    "notall": Operator(notall),
    "pairwise": Operator(pairwise),
    "reduce": Operator(reduce),
}
