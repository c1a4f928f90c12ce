"""Operators that visit an array or a map: each element is passed to a function with its index or key.

The function gets the element, its index or key, and the whole collection. Without a function the element's
own truth value is used.

A function that is written out as the argument, and may not call others, does not count its steps: their
number is known and given as `steps`, and the loop pays for many elements at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from sys import getrefcount
from typing import Any, TypeVar

from picosched.errors import KrlError
from picosched.krl.budget import SLICE
from picosched.krl.library.member import Operator
from picosched.krl.scope import Value
from picosched.krl.size import BOUNDS, charge, claim_array, claim_map, size_of, visit
from picosched.krl.values import MISSING, callback, described, shown, takes, to_string, truth

T = TypeVar("T")

RUN = SLICE // 4
"""Steps that are paid for at once."""


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


def runs(items: Iterable[T], steps: int) -> Iterator[Iterable[T]]:
    """The items in runs; `steps` for each item are paid before its run is passed on."""
    if not steps:
        yield items
        return
    many = max(1, RUN // steps)
    parts: Iterable[list[T]]
    if isinstance(items, list):
        parts = (items[at : at + many] for at in range(0, len(items), many))
    else:
        remaining = iter(items)
        parts = iter(lambda: list(islice(remaining, many)), [])
    for run in parts:
        charge(steps * len(run))
        yield run


def visiting(f: Value) -> Callable[[Value, Value, Value], Value]:
    return (lambda item, key, whole: item) if f is None else callback(f, 3)


def map_(val: Value = None, iter: Value = None, *, steps: int = 0) -> Value:
    pairs, f = placed(val), visiting(iter)
    claim_collection(val)
    if type(val) is not list:
        return {key: f(item, key, val) for run in runs(pairs, steps) for key, item in run}
    if takes(iter, 1):
        return [iter(item) for run in runs(val, steps) for item in run]
    return [f(item, i, val) for run in runs(pairs, steps) for i, item in run]


def filter_(val: Value = None, iter: Value = None, *, steps: int = 0) -> Value:
    pairs, f = placed(val), visiting(iter)
    claim_collection(val)
    if type(val) is not list:
        return {key: item for run in runs(pairs, steps) for key, item in run if truth(f(item, key, val))}
    if takes(iter, 1):
        return [
            item
            for run in runs(val, steps)
            for item in run
            if (kept := iter(item)) is True or (kept is not False and truth(kept))
        ]
    return [item for run in runs(pairs, steps) for i, item in run if truth(f(item, i, val))]


def all_(val: Value = None, iter: Value = None, *, steps: int = 0) -> bool:
    pairs, f = placed(val), visiting(iter)
    visit(len(val))
    return all(truth(f(item, key, val)) for run in runs(pairs, steps) for key, item in run)


def any_(val: Value = None, iter: Value = None, *, steps: int = 0) -> bool:
    pairs, f = placed(val), visiting(iter)
    visit(len(val))
    return any(truth(f(item, key, val)) for run in runs(pairs, steps) for key, item in run)


def notall(val: Value = None, iter: Value = None, *, steps: int = 0) -> bool:
    return not all_(val, iter, steps=steps)


def none(val: Value = None, iter: Value = None, *, steps: int = 0) -> bool:
    return not any_(val, iter, steps=steps)


def collect(val: Value = None, iter: Value = None, *, steps: int = 0) -> dict[str, Value]:
    """The elements grouped by the text of the function's result."""
    pairs, f = placed(val), visiting(iter)
    claim_map(len(val), 2 * len(val))
    groups: dict[str, Value] = {}
    for run in runs(pairs, steps):
        for key, item in run:
            groups.setdefault(to_string(f(item, key, val)), []).append(item)
    return groups


def reduce(val: Value = None, iter: Value = None, dflt: Value = MISSING, *, steps: int = 0) -> Value:
    """Fold the elements from left to right; without a start value, begin with the first element."""
    if type(val) is not list:
        raise only("Arrays", val)
    if not val:
        return 0 if dflt is MISSING else dflt
    first = 1 if dflt is MISSING else 0
    result = val[0] if first else dflt
    if first == len(val):
        return result
    f = iter if takes(iter, 2) else with_place(callback(iter, 4), first, val)
    visit(len(val))
    budget, refund = BOUNDS.budget, 0.0
    left = budget.built
    for run in runs(islice(val, first, None) if first else val, steps):
        for item in run:
            before, result = result, f(result, item)
            if budget.built is left or budget.built == left:  # the first is much quicker, and the rule
                refund = 0.0
                continue
            # A growing value is rebuilt at each pass; the previous one is freed by now, unless it is still
            # referenced.
            claimed = left - budget.built
            if before is not result and getrefcount(before) == HELD_HERE:
                budget.built += min(refund, size_of(before))
            refund, left = claimed, budget.built
    return result


def with_place(f: Callable[..., Value], first: int, val: Value) -> Callable[[Value, Value], Value]:
    """A function of two that passes on the index as well, counted from `first`, and the collection."""
    places = count(first)
    return lambda before, item: f(before, item, next(places), val)


def pairwise(val: Value = None, iter: Value = None, *, steps: int = 0) -> list[Value]:
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
    return [
        f(*(row[i] if i < len(row) else None for row in rows))
        for run in runs(range(longest), steps)
        for i in run
    ]


OPERATORS = {
    "all": Operator(all_, calls="each"),
    "any": Operator(any_, calls="each"),
    "collect": Operator(collect, calls="each"),
    "filter": Operator(filter_, calls="each"),
    "map": Operator(map_, calls="each"),
    "none": Operator(none, calls="each"),
    "notall": Operator(notall, calls="each"),
    "pairwise": Operator(pairwise, calls="each"),
    "reduce": Operator(reduce, calls="each"),
}
