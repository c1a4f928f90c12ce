"""Operators that treat arrays as sets. Elements are compared by value; order is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from picosched.krl.library.member import Operator
from picosched.krl.scope import Value
from picosched.krl.size import claim_array, claim_map
from picosched.krl.values import MISSING, json_text, key_of, to_string


def elements(val: Value) -> list[Value]:
    return val if type(val) is list else [val]


def keyed(items: list[Value]) -> dict[Hashable, Value]:
    """The distinct elements in order, by their keys."""
    claim_map(len(items), 2 * len(items))
    firsts: dict[Hashable, Value] = {}
    for item in items:
        firsts.setdefault(key_of(item), item)
    return firsts


def union(a: Value = None, b: Value = MISSING) -> Value:
    if b is MISSING:
        return a
    first, second = elements(a), elements(b)
    claim_array(len(first) + len(second), (len(first) + len(second)) >> 6)
    return list(keyed([*first, *second]).values())


def intersection(a: Value = None, b: Value = MISSING) -> list[Value]:
    if b is MISSING:
        return []
    wanted = keyed(elements(b))
    return [item for key, item in keyed(elements(a)).items() if key in wanted]


def difference(a: Value = None, b: Value = MISSING) -> Value:
    """The elements of the first that are not in the second."""
    if b is MISSING:
        return a
    unwanted, items = keyed(elements(b)), elements(a)
    claim_array(len(items), len(items))
    return [item for item in items if key_of(item) not in unwanted]


def has(val: Value = None, other: Value = None) -> bool:
    """Whether this contains every element of the other."""
    return not difference(elements(other), val)


def unique(val: Value = None) -> Value:
    return list(keyed(val).values()) if type(val) is list else val


def counted(val: list[Value]) -> list[tuple[Value, int]]:
    """One element per text, with the number of its occurrences."""
    claim_map(len(val), 4 * len(val))
    texts = [json_text(item) if isinstance(item, list | dict) else to_string(item) for item in val]
    firsts: dict[str, Value] = {}
    for text, item in zip(texts, val, strict=True):
        firsts.setdefault(text, item)
    counts = Counter(texts)
    return [(item, counts[text]) for text, item in firsts.items()]


def once(val: Value = None) -> Value:
    """The elements whose text occurs once."""
    return [item for item, count in counted(val) if count == 1] if type(val) is list else val


def duplicates(val: Value = None) -> list[Value]:
    """The elements whose text occurs more than once, one of each."""
    return [item for item, count in counted(val) if count > 1] if type(val) is list else []


OPERATORS = {
    "difference": Operator(difference),
    "duplicates": Operator(duplicates),
    "has": Operator(has),
    "intersection": Operator(intersection),
    "once": Operator(once),
    "subset": Operator(has),
    "union": Operator(union),
    "unique": Operator(unique),
}
