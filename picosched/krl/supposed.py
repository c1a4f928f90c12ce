"""A condition with other values: which change of its operands would have made it true.

The values are those that a turn recorded. A change counts only if the condition, evaluated with it by the
language's own operators, is true. What is not known stays unknown, as does what follows from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice, product
from typing import Any

from picosched.krl import syntax
from picosched.krl.operands import operands, written
from picosched.krl.operators import COMPARISON, INFIX
from picosched.krl.source import Source
from picosched.krl.values import shown, truth

UNKNOWN = object()
MOST_TRIED = 2_000
NOT_REACHED = "not reached"

Values = Mapping[str, Any]
"""An operand as it is written → its value, or UNKNOWN."""


def recorded(
    condition: syntax.Expression, source: Source, why: str
) -> tuple[dict[str, Any], list[str]] | None:
    """The values in a recorded reason, and the operands that were not reached; None if they do not fit."""
    names = [*dict.fromkeys(written(each, source) for each in operands(condition))]
    pattern = ", ".join(f"{re.escape(name)} was (.*)" for name in names)
    found = re.search(f" is false: {pattern}$", why, re.DOTALL) if names else None
    if found is None:
        return None
    values = {name: _value(text) for name, text in zip(names, found.groups(), strict=True)}
    return values, [name for name, text in zip(names, found.groups(), strict=True) if text == NOT_REACHED]


def _value(text: str) -> Any:
    try:
        return UNKNOWN if text.endswith('…"') else json.loads(text)
    except ValueError:
        return UNKNOWN


def evaluated(node: syntax.Expression, source: Source, values: Values) -> Any:
    """The value of a condition whose operands have these values; UNKNOWN if it depends on what is unknown."""
    match node:
        case syntax.Infix(operator="&&" | "||" as operator):
            decides = operator == "||"
            sides = [evaluated(each, source, values) for each in (node.left, node.right)]
            if any(each is not UNKNOWN and truth(each) is decides for each in sides):
                return decides
            return UNKNOWN if UNKNOWN in sides else not decides
        case syntax.Infix() if (sign := INFIX[node.operator]).level <= COMPARISON and sign.run is not None:
            left, right = evaluated(node.left, source, values), evaluated(node.right, source, values)
            return UNKNOWN if left is UNKNOWN or right is UNKNOWN else sign.run(left, right)
        case syntax.Prefix(operator="not"):
            value = evaluated(node.operand, source, values)
            return UNKNOWN if value is UNKNOWN else not truth(value)
        case syntax.Literal():
            return node.value
    return values.get(written(node, source), UNKNOWN)


def smallest_change(condition: syntax.Expression, source: Source, why: str) -> str | None:
    """The smallest change of the recorded operands that makes the condition true, in words; None without one.

    One operand is changed before two, and a number by as little as possible.
    """
    found = recorded(condition, source, why)
    if found is None:
        return None
    values, unreached = found
    tries = {name: [*_candidates(condition, source, values, name)] for name in values}
    reached = [name for name in values if name not in unreached]
    for changed in islice(_changes(tries, reached, unreached), MOST_TRIED):
        value = evaluated(condition, source, {**values, **changed})
        if value is not UNKNOWN and truth(value):
            return ", and ".join(
                _said(name, values[name], to, name in unreached) for name, to in changed.items()
            )
    return None


def _changes(
    tries: Mapping[str, Sequence[Any]], reached: Sequence[str], unreached: Sequence[str]
) -> Iterator[Values]:
    for number in (1, 2):
        for names in combinations(reached, number):
            for others in range(len(unreached) + 1):
                some = [*names, *unreached[:others]]
                yield from (dict(zip(some, each, strict=True)) for each in product(*(tries[n] for n in some)))


def _candidates(node: syntax.Expression, source: Source, values: Values, name: str) -> Iterator[Any]:
    """Values worth a try for an operand, the nearest to its own first."""
    before = values[name]
    found = [*dict.fromkeys(map(json.dumps, _wanted(node, source, values, name)))]
    tried = [
        each
        for each in map(json.loads, found)
        if before is UNKNOWN or each != before or type(each) is not type(before)
    ]
    if type(before) in (int, float):
        tried.sort(key=lambda each: abs(each - before) if type(each) in (int, float) else 0)
    yield from tried


def _wanted(node: syntax.Expression, source: Source, values: Values, name: str) -> Iterator[Any]:
    match node:
        case syntax.Infix(operator="&&" | "||"):
            yield from _wanted(node.left, source, values, name)
            yield from _wanted(node.right, source, values, name)
        case syntax.Infix(operator="><"):
            return  # of what a collection holds, only the number is recorded
        case syntax.Infix() if INFIX[node.operator].level <= COMPARISON:
            for side, other in ((node.left, node.right), (node.right, node.left)):
                to = evaluated(other, source, values)
                if written(side, source) == name and isinstance(to, str | int | float | bool | None):
                    number = type(to) in (int, float)
                    yield from (to, to + 1, to - 1) if number else (to, None)  # type: ignore[operator]
        case syntax.Prefix(operator="not"):
            yield from _wanted(node.operand, source, values, name)
        case _ if written(node, source) == name:
            yield from (True, False)


def _said(name: str, before: Any, to: Any, unreached: bool) -> str:
    if unreached:
        return f"`{name}` {shown(to)} (it was not reached)"
    return f"`{name}` {shown(to)}" + ("" if before is UNKNOWN else f" (it was {shown(before)})")
