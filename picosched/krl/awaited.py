"""What an event expression waits for, in words: the parts of it that come next, since when it waits, and
until when, if it has a `within`.

It is worked out from the machine and its state when a turn is recorded, so nothing is kept for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import inf
from typing import Any

from picosched.clock import format_time, from_ms
from picosched.errors import shortened
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

MOST, LONGEST = 4, 300
"""States that are told, and characters of the text."""


Limits = Sequence[Callable[[], float]]
"""Those of its `within`s, in milliseconds; none if they are not known."""


def awaited(expression: EventExpression, state: Any, limits: Limits = ()) -> str:
    """What a rule waits for whose event expression is in that state, None being its start."""
    pattern = expression.pattern
    if state is None:
        text = f"its event expression has not begun: it waits for {_next(pattern, pattern.start)}"
    else:
        parts = _either(_next(pattern, each) for each in islice(state["states"], MOST))
        since = format_time(from_ms(int(state["since"])))
        ends = _ends(expression, state, limits) if limits else inf
        until = "" if ends == inf else f", until {format_time(from_ms(int(ends)))}"
        text = f"its event expression waits for {parts}, since {since}{until}"
    return shortened(text, LONGEST)


def _next(pattern: Pattern, state: Any) -> str:
    """The events that lead on from a state of a pattern."""
    match pattern:
        case Primitive():
            return "any event" if pattern.key == "*" else pattern.key
        case Or() if state is None:
            return _either(_next(each, each.start) for each in pattern.parts)
        case Or():
            return _next(pattern.parts[state[0]], state[1])
        case InOrder():
            index, inner = state
            return f"{_next(pattern.parts[index], inner)} (part {index + 1} of {len(pattern.parts)})"
        case AnyOrder():
            return _any_order(pattern, *state)
        case NotBetween() if state[0] == 0:
            return _next(pattern.first, state[1])
        case NotBetween():
            return f"{_next(pattern.last, state[1])} without {_next(pattern.inner, state[2])} before it"
        case Count():
            return f"{_next(pattern.part, state[1])} ({state[0]} of {pattern.number} came)"
        case Within():
            return _next(pattern.part, state[1])
    raise AssertionError(pattern)


def _any_order(pattern: AnyOrder, done: int, current: int, inner: Any) -> str:
    begun = current >= 0
    left = [i for i in range(len(pattern.parts)) if not done >> i & 1 and i != current]
    more = pattern.wanted - done.bit_count() - begun
    parts = [_next(pattern.parts[each], pattern.parts[each].start) for each in left]
    others = " and ".join(parts) if more == len(left) else f"{more} of {', '.join(parts)}"
    if not begun:
        return others
    going = _next(pattern.parts[current], inner)
    return f"{going}, then {others}" if more else going


def _ends(expression: EventExpression, state: Any, limits: Limits) -> float:
    """Until when the state that lasts longest does."""
    whole = inf if expression.limit is None else state["since"] + limits[expression.limit]()
    return float(min(whole, max(_end(expression.pattern, each, limits) for each in state["states"])))


def _end(pattern: Pattern, state: Any, limits: Limits) -> float:
    """When the first `within` in a pattern is over that has begun."""
    match pattern:
        case Or() if state is not None:
            return _end(pattern.parts[state[0]], state[1], limits)
        case InOrder():
            return _end(pattern.parts[state[0]], state[1], limits)
        case AnyOrder() if state[1] >= 0:
            return _end(pattern.parts[state[1]], state[2], limits)
        case NotBetween():
            return _end(pattern.last if state[0] else pattern.first, state[1], limits)
        case Count():
            return _end(pattern.part, state[1], limits)
        case Within():
            own = inf if state[0] is None else state[0] + limits[pattern.limit]()
            return float(min(own, _end(pattern.part, state[1], limits)))
    return inf


def _either(parts: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(parts))
