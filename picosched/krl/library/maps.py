"""Operators on maps and nested collections, by path.

A path is a key or an array of keys. Writing copies the collections on the way and shares the rest. `set`
creates arrays for numeric keys, `put` always maps; both turn an array into a map if the next key is not an
index, and replace scalars on the path by collections.
"""

from __future__ import annotations

from collections.abc import Collection

from picosched.krl import operators
from picosched.krl.library.member import Operator
from picosched.krl.operators import position
from picosched.krl.scope import Value
from picosched.krl.size import DEEPEST, claim_array, claim_map, claim_texts, scan, too_deep
from picosched.krl.values import MISSING, to_string


def keys_of(path: Value) -> list[str]:
    if type(path) is list and len(path) > DEEPEST:
        raise too_deep()
    keys = [to_string(key) for key in path] if type(path) is list else [to_string(path)]
    scan(sum(map(len, keys)))
    return keys


def get(obj: Value = None, path: Value = None) -> Value:
    return operators.path(obj, path)


def replaced(found: Value, following: list[str], value: Value, farthest: int) -> Value:
    """The replacement for `found`: the value, or the collection on the path to it."""
    if not following:
        return value
    return written(child(found, following, farthest), following, value, farthest)


def written(place: Value, keys: list[str], value: Value, farthest: int) -> Value:
    """A copy of the collection with the value at the end of the keys.

    `farthest` is how far past its end an array may be written; beyond it becomes a map.
    """
    key, following = keys[0], keys[1:]
    i = position(key)
    if type(place) is list and i is not None and i <= len(place) + farthest:
        claim_array(max(len(place), i + 1), 4)
        array = [*place, *[None] * (i + 1 - len(place))]
        array[i] = replaced(array[i], following, value, farthest)
        return array
    if type(place) is list:
        claim_texts(len(place), 0)
        claim_map(len(place), len(place) >> 1)
        place = {str(n): item for n, item in enumerate(place)}
    claim_map(len(place) + 1, 4)
    return {**place, key: replaced(place.get(key), following, value, farthest)}


def child(found: Value, following: list[str], farthest: int) -> Value:
    """The existing collection on the path, or a new one."""
    if type(found) is list or type(found) is dict:
        return found
    return [] if farthest and position(following[0]) is not None else {}


ANYWHERE = 2**53


def set_(obj: Value = None, path: Value = None, val: Value = None) -> Value:
    """The collection with the value at the path."""
    if type(obj) is not list and type(obj) is not dict:
        obj = {}
    keys = keys_of(path)
    return written(obj, keys, val, ANYWHERE) if keys else obj


def put(val: Value = None, path: Value = MISSING, toSet: Value = MISSING) -> Value:
    """The collection with the value at the path; without a path, with the entries of another."""
    if path is MISSING or (type(val) is not list and type(val) is not dict):
        return val
    keys = [] if toSet is MISSING else keys_of(path)
    added = path if toSet is MISSING else toSet
    if keys:
        return written(val, keys, added, 0)
    if type(val) is dict and type(added) is dict:
        claim_map(len(val) + len(added), len(added) >> 3)
        return {**val, **added}
    if type(val) is list and type(added) is list:
        claim_array(max(len(val), len(added)), len(val) >> 6)
        return [*added, *val[len(added) :]]
    return added


def delete(val: Value = None, path: Value = None) -> Value:
    """The collection without the element at the path; in an array, null replaces it."""
    keys = keys_of(path)
    return removed(val, keys) if keys else val


def removed(place: Value, keys: list[str]) -> Value:
    key, following = keys[0], keys[1:]
    if type(place) is dict:
        if key not in place:
            return place
        claim_map(len(place), len(place))
        if following:
            return {**place, key: removed(place[key], following)}
        return {name: item for name, item in place.items() if name != key}
    i = position(key)
    if type(place) is not list or i is None or i >= len(place):
        return place
    claim_array(len(place), len(place) >> 6)
    return [*place[:i], removed(place[i], following) if following else None, *place[i + 1 :]]


def keys(val: Value = None, path: Value = None) -> list[Value]:
    place = val if path is None else get(val, path)
    if type(place) is list:
        claim_texts(len(place), 0)
        return [str(i) for i in range(len(place))]
    return listed(place) if type(place) is dict else []


def values(val: Value = None, path: Value = None) -> list[Value]:
    place = val if path is None else get(val, path)
    if type(place) is list:
        return place
    return listed(place.values()) if type(place) is dict else []


def listed(items: Collection[Value]) -> list[Value]:
    claim_array(len(items))
    return list(items)


OPERATORS = {
    "delete": Operator(delete),
    "get": Operator(get),
    "keys": Operator(keys),
    "put": Operator(put),
    "set": Operator(set_),
    "values": Operator(values),
}
