"""Event expressions as state machines, built of combinators.

A combinator has a `start` state and one verb, `advance(state, step)`: the states that one event leads to from
there, or `Done` where the pattern is complete. No result means that the event moves nothing, and the state
stays. States are JSON, so that a rule which waits for `b` in `a before b` still waits after a restart.

| form                  | state                  | an event leads to                                 |
|-----------------------|------------------------|---------------------------------------------------|
| domain type …         | 0                      | Done, if it matches                               |
| a or b                | null, or [i, state]    | any side; from then on only that side             |
| before, after, between| [i, state]             | the i-th part completed: the next part, or Done   |
| then                  | [i, state]             | the same; but another event between two parts     |
|                       |                        | goes back to the start                            |
| and, any n            | [done parts, i, state] | one part at a time, each whole, in any order      |
| a not between(b, c)   | [0, b], [1, c, a]      | b, then c; but an a goes back to the start        |
| count n               | [k, state, captures]   | the n-th: Done                                    |
| repeat n              | [k, state, captures]   | the n-th and each after it: Done; what does not   |
|                       |                        | match goes back to the start                      |
| within                | [since, state]         | the start, once the time is over                  |

A rule's machine holds a set of states, as an event may fit two sides of an `or`: the states it leads to
replace the set. `and` and `any` keep the set of parts that are done and not the order in which they came,
so n parts have at most 2ⁿ states and each event costs no more than n tries.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from picosched.clock import format_time, from_ms
from picosched.errors import KrlError
from picosched.frozen import frozen
from picosched.krl.scope import Event, Value
from picosched.krl.size import charge
from picosched.krl.values import key_of, to_number

ADVANCED = 8
"""Steps charged for advancing one state."""

OVER = "its event expression waited for the event, whose `within` was over at "
"""Said of an event that came too late, with the time."""

State = Any
Matched = tuple[Mapping[str, Value], Sequence[Value]]
"""The bindings of a matching primitive, and the captures of its patterns."""
Matcher = Callable[[Event, Mapping[str, Value]], "Matched | str"]
"""A compiled primitive: takes an event and the bindings so far, returns the match, or the reason why not."""


@frozen
class Done:
    """The pattern is complete. A `repeat` goes on from `rest`."""

    rest: State = None


@dataclass(slots=True)
class Step:
    """One event being processed by a machine; tries each primitive at most once."""

    event: Event
    key: str
    milliseconds: float
    matchers: Sequence[Matcher]
    limits: Sequence[Callable[[], float]]
    gathered: Mapping[str, Value]
    """Names bound by earlier events."""
    bindings: dict[str, Value] = field(default_factory=dict)
    captured: Sequence[Value] = ()
    reasons: list[str] = field(default_factory=list)
    _tried: dict[int, Matched | str] = field(default_factory=dict)

    def matches(self, primitive: int) -> bool:
        found = self._tried.get(primitive)
        if found is None:
            found = self._tried[primitive] = self.matchers[primitive](self.event, self.gathered)
            if isinstance(found, str):
                self.reasons.append(found)
        if isinstance(found, str):
            return False
        self.bindings.update(found[0])
        self.captured = found[1]
        return True


class Pattern(Protocol):
    """A combinator."""

    start: State
    keys: frozenset[str]
    """The `domain:type` of every event it mentions; "*" for any."""

    def advance(self, state: State, step: Step) -> list[State | Done]: ...


class Primitive:
    """`domain type`, with its patterns and its `where` in the matcher of that number."""

    start: State = 0

    def __init__(self, key: str, number: int) -> None:
        self.key = key
        self.number = number
        self.keys = frozenset((key,))

    def advance(self, state: State, step: Step) -> list[State | Done]:
        if self.key not in (step.key, "*"):
            return []
        return [Done()] if step.matches(self.number) else []


class Or:
    start: State = None

    def __init__(self, parts: Sequence[Pattern]) -> None:
        self.parts = parts
        self.keys = _keys(parts)

    def advance(self, state: State, step: Step) -> list[State | Done]:
        if state is not None:
            index, inner = state
            return self._through(index, inner, step)
        return [
            result
            for index, part in enumerate(self.parts)
            for result in self._through(index, part.start, step)
        ]

    def _through(self, index: int, state: State, step: Step) -> list[State | Done]:
        results = self.parts[index].advance(state, step)
        return [result if isinstance(result, Done) else [index, result] for result in results]


class InOrder:
    """before, after, between: parts in order, with anything between them. `strict` makes it `then`."""

    def __init__(self, parts: Sequence[Pattern], *, strict: bool = False) -> None:
        self.parts = parts
        self.strict = strict
        self.start: State = [0, parts[0].start]
        self.keys = _keys(parts)

    def advance(self, state: State, step: Step) -> list[State | Done]:
        index, inner = state
        part = self.parts[index]
        results = part.advance(inner, step)
        if not results and self.strict and index and inner == part.start:
            return [self.start]
        last = index + 1 == len(self.parts)
        return [
            (
                [index, result]
                if not isinstance(result, Done)
                else Done()
                if last
                else [index + 1, self.parts[index + 1].start]
            )
            for result in results
        ]


class AnyOrder:
    """any n of the parts, in any order; `and` is any n of n."""

    def __init__(self, parts: Sequence[Pattern], wanted: int) -> None:
        self.start: State = [0, -1, None]
        self.parts = parts
        self.wanted = wanted
        self.keys = _keys(parts)

    def advance(self, state: State, step: Step) -> list[State | Done]:
        done, current, inner = state
        if current >= 0:
            return self._through(done, current, inner, step)
        return [
            result
            for index, part in enumerate(self.parts)
            if not done >> index & 1
            for result in self._through(done, index, part.start, step)
        ]

    def _through(self, done: int, index: int, state: State, step: Step) -> list[State | Done]:
        results: list[State | Done] = []
        for result in self.parts[index].advance(state, step):
            if not isinstance(result, Done):
                results.append([done, index, result])
            elif (done | 1 << index).bit_count() == self.wanted:
                results.append(Done())
            else:
                results.append([done | 1 << index, -1, None])
        return results


class NotBetween:
    """b … c without an a."""

    def __init__(self, inner: Pattern, first: Pattern, last: Pattern) -> None:
        self.inner, self.first, self.last = inner, first, last
        self.start: State = [0, first.start]
        self.keys = _keys((inner, first, last))

    def advance(self, state: State, step: Step) -> list[State | Done]:
        if state[0] == 0:
            return [
                [1, self.last.start, self.inner.start] if isinstance(result, Done) else [0, result]
                for result in self.first.advance(state[1], step)
            ]
        _, last, inner = state
        results: list[State | Done] = []
        for result in self.last.advance(last, step):
            results.append(Done() if isinstance(result, Done) else [1, result, inner])
        if results:
            return results
        for result in self.inner.advance(inner, step):
            results.append(self.start if isinstance(result, Done) else [1, last, result])
        return results


class Count:
    """count n, repeat n: with an aggregator it binds the captures of the n events."""

    start: State

    def __init__(
        self,
        part: Pattern,
        number: int,
        *,
        repeats: bool,
        aggregator: str | None = None,
        names: Sequence[str] = (),
    ) -> None:
        self.part = part
        self.number = number
        self.repeats = repeats
        self.aggregator = aggregator
        self.names = names
        self.start = [0, part.start, []]
        self.keys = part.keys

    def advance(self, state: State, step: Step) -> list[State | Done]:
        count, inner, captures = state
        results: list[State | Done] = []
        for result in self.part.advance(inner, step):
            if not isinstance(result, Done):
                results.append([count, result, captures])
                continue
            seen = [*captures, list(step.captured)][-self.number :] if self.aggregator else []
            if count + 1 < self.number:
                results.append([count + 1, self.part.start, seen])
                continue
            if self.aggregator:
                step.bindings.update(aggregated(self.aggregator, self.names, seen))
            results.append(Done([self.number - 1, self.part.start, seen[1:]] if self.repeats else None))
        if not results and self.repeats and (step.key in self.keys or "*" in self.keys):
            return [self.start]
        return results


class Within:
    """A nested `within`: its clock starts at the event that leaves the start."""

    def __init__(self, part: Pattern, limit: int) -> None:
        self.part = part
        self.limit = limit
        self.start: State = [None, part.start]
        self.keys = part.keys

    def advance(self, state: State, step: Step) -> list[State | Done]:
        since, inner = state
        if since is not None and step.milliseconds - since > step.limits[self.limit]():
            since, inner = None, self.part.start
        return [
            result if isinstance(result, Done) else [step.milliseconds if since is None else since, result]
            for result in self.part.advance(inner, step)
        ]


@frozen
class Selection:
    """The effect of one event on a rule's machine: `bindings` if the rule is selected, otherwise None and
    the reason, if it is another than that the machine waits (`awaited`)."""

    state: State
    bindings: dict[str, Value] | None
    why: str | None = None


@frozen
class EventExpression:
    """A rule's machine. Its state is None at the start, else {"states", "bindings", "since"}."""

    pattern: Pattern
    limit: int | None = None
    """The number of the limit of a `within` around the whole."""

    @property
    def keys(self) -> frozenset[str]:
        return self.pattern.keys

    def advance(
        self, state: State, event: Event, matchers: Sequence[Matcher], limits: Sequence[Callable[[], float]]
    ) -> Selection:
        """Process one event. The bindings of a pattern accumulate until it is complete."""
        pattern = self.pattern
        key = f"{event.domain}:{event.type}"
        if isinstance(pattern, Primitive):  # most rules: nothing to remember
            if pattern.key not in (key, "*"):
                return Selection(None, None, "")
            matched = matchers[pattern.number](event, {})
            if isinstance(matched, str):
                return Selection(None, None, matched)
            return Selection(None, dict(matched[0]))
        milliseconds = event.time.timestamp() * 1000
        states, gathered, since = [pattern.start], {}, None
        over = None
        if state is not None:
            states, gathered, since = state["states"], state["bindings"], state["since"]
            if (
                self.limit is not None
                and since is not None
                and milliseconds - since > (limit := limits[self.limit]())
            ):
                late = Step(event, key, milliseconds, matchers, limits, gathered)
                with suppress(KrlError):  # what fails would not have led on
                    if any(pattern.advance(each, late) for each in states):
                        over = f"{OVER}{format_time(from_ms(int(since + limit)))}"
                states, gathered, since = [pattern.start], {}, None
                state = None
        step = Step(event, key, milliseconds, matchers, limits, gathered)
        found: dict[Hashable, State | Done] = {}
        for each in states:
            charge(ADVANCED)
            for result in pattern.advance(each, step):
                found.setdefault(_key(result), result)
        results = [*found.values()]
        since = milliseconds if since is None else since
        done = next((result for result in results if isinstance(result, Done)), None)
        if done is not None:
            rest: State = None
            if done.rest is not None:
                rest = {"states": [done.rest], "bindings": {}, "since": since}
            return Selection(rest, {**gathered, **step.bindings})
        if not results:
            return Selection(state, None, over or "; ".join(step.reasons))
        if results == [pattern.start]:
            return Selection(None, None, "the event broke the pattern off: it waits from its start")
        waiting = {"states": results, "bindings": {**gathered, **step.bindings}, "since": since}
        return Selection(waiting, None)


def _key(result: State | Done) -> Hashable:
    """A hashable key of a result: equal for equal results."""
    return ("done", key_of(result.rest)) if isinstance(result, Done) else key_of(result)


def aggregated(
    aggregator: str, names: Sequence[str], captures: Sequence[Sequence[Value]]
) -> dict[str, Value]:
    """Maps each name to the aggregate of the captures at its position."""
    return {
        name: _aggregate(aggregator, [_at(row, place) for row in captures])
        for place, name in enumerate(names)
    }


def _aggregate(aggregator: str, values: list[Value]) -> Value:
    if aggregator == "push":
        return values
    numbers = [to_number(value) or 0 for value in values]
    if aggregator in ("max", "min"):
        return (max if aggregator == "max" else min)(numbers)
    total = sum(numbers)
    if aggregator == "avg":
        total = total / len(numbers)
    return int(total) if isinstance(total, float) and total.is_integer() else total


def _at(row: Sequence[Value], place: int) -> Value:
    return row[place] if place < len(row) else None


def _keys(parts: Iterable[Pattern]) -> frozenset[str]:
    return frozenset(key for part in parts for key in part.keys)
