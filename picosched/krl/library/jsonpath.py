"""`pick`: the matches of a JSONPath in a value.

A path is `$` and steps: `.name`, `.*`, `..name`, `[n]`, `[a,b]`, `['name']`, `[from:to]`, `[*]` and the
filter `[?(@.name op value)]`. It is compiled to one function per step, which maps the matches so far to the
next ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from picosched.errors import KrlError
from picosched.krl.library.member import Operator
from picosched.krl.operators import compare, index, like, position
from picosched.krl.scope import Value
from picosched.krl.size import DEEPEST, charge, check_array, claim_array, claim_bytes, too_deep, visit
from picosched.krl.values import equal, from_json, regex_of, shown, to_number, to_string, truth

Step = Callable[[Value], Iterable[Value]]

LONGEST_PATH = 1_000
STEP = re.compile(
    r"(?P<deep>\.\.)?\.?(?:(?P<name>[^\s.\[\]*'\"()]+)|(?P<all>\*|\[\s*\*\s*\])"
    r"|\[\s*\?\((?P<filter>(?:[^'\"()]|'[^']*'|\"[^\"]*\")*)\)\s*\]|\[(?P<inside>(?:[^'\"\]]|'[^']*'|\"[^\"]*\")*)\])"
)
SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?")
FROM_END = re.compile(r"\s*\(\s*@\.length\s*-\s*(\d+)\s*\)\s*")
CHOICE = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)"|([^'",]+?))\s*(?:,|$)""")
FILTER = re.compile(
    r"\s*@(?P<left>(?:\.[A-Za-z_$][\w$-]*|\[\s*(?:\d+|'[^']*'|\"[^\"]*\")\s*\])*)\s*"
    r"(?:(?P<sign>==|!=|<=|>=|<|>|eq\b|neq?\b|like\b)\s*(?P<right>.+?))?\s*",
    re.S,
)
PATTERN = re.compile(r"/(.*)/([gim]*)", re.S)
"""The right side of `like` in the classic form."""
KEY = re.compile(r"""\.([A-Za-z_$][\w$-]*)|\[\s*(?:(\d+)|'([^']*)'|"([^"]*)")\s*\]""")
COMPARISONS: dict[str, Callable[[Value, Value], bool]] = {
    "==": lambda a, b: same(a, b),
    "!=": lambda a, b: not same(a, b),
    "<": lambda a, b: compare(a, b) < 0,
    "<=": lambda a, b: compare(a, b) <= 0,
    ">": lambda a, b: compare(a, b) > 0,
    ">=": lambda a, b: compare(a, b) >= 0,
    "eq": lambda a, b: to_string(a) == to_string(b),
    "ne": lambda a, b: to_string(a) != to_string(b),
    "neq": lambda a, b: to_string(a) != to_string(b),
    "like": like,
}


def pick(val: Value = None, jsonpath: Value = None, keepArray: Value = None) -> Value:
    """The matches of the path: null for none, the value itself for one, otherwise an array."""
    found = [val]
    for step in steps(to_string(jsonpath)):
        charge(len(found))
        next_found: list[Value] = []
        for each in found:
            next_found += step(each)
            check_array(len(next_found))
        found = next_found
    if keepArray is True:
        return found
    return found[0] if len(found) == 1 else found or None


@lru_cache(maxsize=256)
def steps(path: str) -> list[Step]:
    """The steps of a path."""
    if len(path) > LONGEST_PATH:
        raise KrlError(
            f"a JSONPath has at most {LONGEST_PATH} characters; found {len(path)}", code="too_large"
        )
    if not path.startswith("$"):
        raise KrlError(f"a JSONPath begins with $; found {shown(path)}")
    at = 1
    result = []
    while at < len(path):
        found = STEP.match(path, at)
        if not found:
            raise KrlError(f"{shown(path)} is not a JSONPath: cannot read {shown(path[at:])}")
        result.append(step_of(found, path))
        at = found.end()
    return result


def step_of(found: re.Match[str], path: str) -> Step:
    if found["name"] is not None:
        step = chosen([found["name"]])
    elif found["all"]:
        step = children
    elif found["filter"] is not None:
        step = filtered(found["filter"], path)
    else:
        step = bracketed(found["inside"], path)
    if not found["deep"]:
        return step
    return lambda place: (hit for below in descendants(place) for hit in step(below))


def children(place: Value) -> Iterable[Value]:
    if type(place) is list:
        claim_array(len(place))
        return place
    if type(place) is dict:
        claim_array(len(place))
        return place.values()
    return ()


def descendants(place: Value) -> Iterator[Value]:
    """The value itself and all its descendants, in pre-order."""
    waiting = [(place, DEEPEST)]
    while waiting:
        place, depth = waiting.pop()
        if depth < 0:
            raise too_deep()
        yield place
        below = list(children(place))
        visit(4 * len(below))
        claim_bytes(72 * len(below))
        waiting += [(each, depth - 1) for each in reversed(below)]


def chosen(keys: list[str]) -> Step:
    """The elements under these keys; an index may count from the end."""

    def step(place: Value) -> Iterator[Value]:
        charge(len(keys))
        for key in keys:
            if type(place) is dict and key in place:
                yield place[key]
            elif type(place) is list and position(key.removeprefix("-")) is not None:
                i = int(key)
                yield from (place[i],) if -len(place) <= i < len(place) else ()

    return step


def bracketed(inside: str, path: str) -> Step:
    """`[…]` with indexes, names or a slice."""
    if part := SLICE.fullmatch(inside):
        start, stop, stride = (int(text) if text else None for text in part.groups())
        if stride == 0:
            raise KrlError(f"{shown(path)} is not a JSONPath: a slice cannot go by 0")
        cut = slice(start, stop, stride)
        return lambda place: children(place)[cut] if type(place) is list else ()  # type: ignore[index]
    if last := FROM_END.fullmatch(inside):
        return chosen([f"-{last[1]}"])
    choices = [first_group(found) for found in CHOICE.finditer(inside) if any(found.groups())]
    if not choices:
        raise KrlError(f"{shown(path)} is not a JSONPath: [{inside}] names nothing")
    return chosen(choices)


def first_group(found: re.Match[str]) -> str:
    return next(text for text in found.groups() if text is not None)


def filtered(condition: str, path: str) -> Step:
    """`[?(…)]`: the elements for which the condition holds, or, without a comparison, that have the path."""
    found = FILTER.fullmatch(condition)
    if not found:
        raise KrlError(f"{shown(path)} is not a JSONPath: cannot read the filter {shown(condition)}")
    keys = [first_group(key) for key in KEY.finditer(found["left"])]
    holds = COMPARISONS[found["sign"]] if found["sign"] else None
    right = operand(found["right"]) if found["sign"] else None
    if found["sign"] == "like" and isinstance(right, str) and (pattern := PATTERN.fullmatch(right)):
        right = regex_of(pattern[1], pattern[2])

    def step(place: Value) -> Iterator[Value]:
        elements = children(place)
        visit(4 * len(place) if elements else 0)
        for element in elements:
            left = element
            for key in keys:
                left = index(left, key)
            if truth(left) if holds is None else left is not None and holds(left, right):
                yield element

    return step


def operand(text: str) -> Value:
    """The right side of a comparison: a string in either quotes, or a JSON value."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    try:
        return from_json(text)
    except KrlError as error:
        if error.code != "invalid":
            raise
        return text


def same(a: Value, b: Value) -> bool:
    """Equal, or the same number in another form."""
    x, y = to_number(a), to_number(b)
    return equal(a, b) or (x is not None and x == y and not isinstance(a, list | dict))


OPERATORS = {"pick": Operator(pick)}
