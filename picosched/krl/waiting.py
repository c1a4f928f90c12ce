"""Whether a JSON value is a state in which a rule's event expression may wait.

States are kept as JSON and read again as they were, so the machines of `event_expression` trust them.
States from other sources are validated here first; the table there describes them.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from picosched.krl.event_expression import (
    AnyOrder,
    Count,
    EventExpression,
    InOrder,
    NotBetween,
    Or,
    Pattern,
    Primitive,
    Within,
)

KEYS = {"states", "bindings", "since"}


def may_wait(expression: EventExpression, state: Any) -> bool:
    """Whether the expression may wait in that state. One of a single event never waits."""
    return (
        not isinstance(expression.pattern, Primitive)
        and isinstance(state, dict)
        and state.keys() == KEYS
        and isinstance(state["states"], list)
        and state["states"] != []
        and all(_fits(expression.pattern, each) for each in state["states"])
        and isinstance(state["bindings"], dict)
        and _is_time(state["since"])
    )


def _fits(pattern: Pattern, state: Any) -> bool:
    match pattern, state:
        case Primitive(), _:
            return type(state) is int and state == 0
        case Or(), None:
            return True
        case ((Or() | InOrder()), [index, inner]):
            return _is_part(index, pattern.parts) and _fits(pattern.parts[index], inner)
        case AnyOrder(), [done, current, inner]:
            if not _is_below(done, 1 << len(pattern.parts)) or done.bit_count() >= pattern.wanted:
                return False
            if type(current) is int and current == -1:
                return inner is None
            going = _is_part(current, pattern.parts) and not done >> current & 1
            return going and _fits(pattern.parts[current], inner)
        case NotBetween(), [0, first]:
            return _fits(pattern.first, first)
        case NotBetween(), [1, last, inner]:
            return _fits(pattern.last, last) and _fits(pattern.inner, inner)
        case Count(), [count, inner, list(captures)]:
            rows = all(isinstance(each, list) for each in captures)
            return _is_below(count, pattern.number) and rows and _fits(pattern.part, inner)
        case Within(), [since, inner]:
            return (since is None or _is_time(since)) and _fits(pattern.part, inner)
    return False


def _is_below(number: Any, end: int) -> bool:
    return type(number) is int and 0 <= number < end


def _is_part(index: Any, parts: Any) -> bool:
    return _is_below(index, len(parts))


def _is_time(value: Any) -> bool:
    """Milliseconds since 1970."""
    return type(value) in (int, float) and isfinite(value)
