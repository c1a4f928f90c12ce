"""A rule with other values: which change of what it reads would have made it fire.

What can be changed on its own is an attribute of the event, however it is written, and an entity or app
variable. Any of them is tried that stands plainly on one side of a comparison, or alone. A change counts only
if all of the rule holds with it: the patterns of its `select`, its `where` and its condition, with what its
prelude declares. They are evaluated by the language's own operators, with the values that a turn recorded.
What is not known stays unknown, as does what follows from it; a recorded value is known as long as nothing
that it is made from is changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice, product
from typing import Any

from picosched.errors import KrlError
from picosched.frozen import frozen
from picosched.krl import syntax
from picosched.krl.library import MODULES
from picosched.krl.operands import operands, written
from picosched.krl.operators import COMPARISON, INFIX
from picosched.krl.pattern import regex_of
from picosched.krl.ruleset import Ruleset, primitives
from picosched.krl.source import Source
from picosched.krl.values import shown, to_string, truth
from picosched.krl.walk import parts

UNKNOWN = object()
UNREACHED = object()
"""The value of an operand that was not evaluated."""
MOST_TRIED = 2_000
SAYS_UNREACHED = "not reached"
ATTRIBUTE = "attribute"

Thing = tuple[str, str]
"""What can be changed: ATTRIBUTE, `ent` or `app`, and its name."""

Changed = Mapping[Thing, Any]
NOTHING: Mapping[str, syntax.Expression] = {}


def smallest_change(
    rule: syntax.Rule, ruleset: Ruleset, event: tuple[str, str], attrs: Mapping[str, Any], why: str
) -> str | None:
    """The smallest change with which a rule fires whose condition or `where` was false, in words; or None.

    `event` is the domain and type, `why` the recorded reason. One thing is changed before two, and a number
    by as little as possible.
    """
    selected = [] if rule.select is None else primitives(rule.select)
    found = [each for each in selected if (each.domain, each.type) == event]
    if len(found) != 1:
        return None  # which of them it was is not on record
    parts = _parts(rule, ruleset, found[0])
    blamed = next((number for number, each in enumerate(parts) if each.is_told_by(why)), None)
    if blamed is None or (known := parts[blamed].recorded(why)) is None:
        return None
    trial = _Trial(found[0], parts, blamed, attrs, known, rule)
    for changed in islice(trial.changes(), MOST_TRIED):
        if trial.holds(changed):
            return ", and ".join(trial.said(thing, to) for thing, to in changed.items())
    return None


def refuted(
    rule: syntax.Rule,
    ruleset: Ruleset,
    selected: syntax.EventPrimitive,
    attrs: Mapping[str, Any],
    changed: Mapping[str, Any],
) -> bool:
    """Whether a rule surely does not fire with other attributes that match its patterns.

    What its condition reads besides the attributes is not on record, as it was not reached.
    """
    of_rule = _parts(rule, ruleset, selected)
    trial = _Trial(selected, of_rule, 0, attrs, {}, rule)
    return trial.refuted({(ATTRIBUTE, name): value for name, value in changed.items()})


@frozen
class _Part:
    """A `where` or a condition, and what the names in it mean."""

    expression: syntax.Expression
    source: Source
    declared: Mapping[str, syntax.Expression]
    """What the prelude declares."""
    constants: frozenset[str]
    """Values of the ruleset that are the same in each event."""
    others: frozenset[str]
    """Its functions, and what the patterns of `select` and `foreach` set."""
    is_where: bool

    def is_told_by(self, why: str) -> bool:
        what = "`where`" if self.is_where else "condition"
        line = self.source.place(self.expression.start)[0]
        return f"its {what} on line {line} is false" in why

    def recorded(self, why: str) -> dict[str, Any] | None:
        """The values of its operands in a recorded reason; None if they do not fit."""
        names = [*dict.fromkeys(written(each, self.source) for each in operands(self.expression))]
        pattern = ", ".join(f"{re.escape(name)} was (.*)" for name in names)
        found = re.search(f" is false: {pattern}$", why, re.DOTALL) if names else None
        return None if found is None else dict(zip(names, map(_value, found.groups()), strict=True))

    def resolved(self, node: syntax.Expression) -> syntax.Expression:
        """Without parentheses, and what was declared in place of its name."""
        while True:
            match node:
                case syntax.Group():
                    node = node.inner
                case syntax.Name(id=name) if name in self.declared:
                    node = self.declared[name]
                case _:
                    return node

    def thing(self, node: syntax.Expression) -> Thing | None:
        """The attribute or variable that an expression is; None if it is not plainly one."""
        match self.resolved(node):
            case syntax.Persistent(kind=kind, name=name):
                return kind, name
            case (
                syntax.Path(syntax.Qualified("event", "attrs"), syntax.Literal(value=str(name)))
                | syntax.Index(syntax.Qualified("event", "attrs"), syntax.Literal(value=str(name)))
                | syntax.Call(
                    syntax.Qualified("event", "attr" | "attrs"),
                    (syntax.Argument(syntax.Literal(value=str(name)), None),),
                )
                | syntax.Method(
                    syntax.Qualified("event", "attrs"),
                    "get",
                    (syntax.Argument(syntax.Literal(value=str(name)), None),),
                )
            ):
                return ATTRIBUTE, name
            case syntax.Name(id=name) if self.is_where and name not in self.constants | self.others:
                return ATTRIBUTE, name
        return None

    def depends(self, node: syntax.Node, changed: Changed) -> bool:
        """Whether an expression may have another value after a change."""
        waiting = [node]
        while waiting:
            each = waiting.pop()
            if isinstance(each, syntax.Expression):
                each = self.resolved(each)
                thing = self.thing(each)
                if thing is not None:
                    if thing in changed:
                        return True
                    continue
            match each:
                case syntax.Name(id=name) if name not in self.constants:
                    return True  # a function, or what a pattern or a foreach sets
                case syntax.Qualified(domain="event", name="attrs" | "attr"):
                    if any(kind == ATTRIBUTE for kind, _ in changed):
                        return True
                case syntax.Qualified(domain=domain) if domain not in MODULES:
                    return True
            waiting += parts(each)
        return False


class _Trial:
    """A rule, what is known of a turn that it did not fire in, and changes to try."""

    def __init__(
        self,
        selected: syntax.EventPrimitive,
        parts: Sequence[_Part],
        blamed: int,
        attrs: Mapping[str, Any],
        known: Mapping[str, Any],
        rule: syntax.Rule,
    ) -> None:
        self._selected, self._parts, self._blamed, self._rule = selected, parts, blamed, rule
        self._attrs = attrs
        self._known = known
        """The operands of the part that was false, as they are written → their values."""
        self._spelled: dict[Thing, tuple[str, Any]] = {}
        """What may be changed → how it is written, and its recorded value."""
        for part in parts[blamed:]:
            for each in operands(part.expression):
                thing, text = part.thing(each), written(part.resolved(each), part.source)
                if thing is not None:
                    value = known.get(written(each, part.source), UNREACHED)
                    self._spelled.setdefault(thing, (text, value))

    def changes(self) -> Iterator[Changed]:
        """One thing is changed, then two; with as few as possible of those that were not reached."""
        tries = {thing: self._candidates(thing) for thing in self._spelled}
        unreached = [each for each, (_, value) in self._spelled.items() if value is UNREACHED]
        reached = [each for each in tries if each not in unreached]
        for number in (1, 2):
            for things in combinations(reached, number):
                for others in range(len(unreached) + 1):
                    some = [*things, *unreached[:others]]
                    yield from (
                        dict(zip(some, each, strict=True)) for each in product(*(tries[it] for it in some))
                    )

    def holds(self, changed: Changed) -> bool:
        """Whether all of the rule holds with a change."""
        if not self._is_matched(changed):
            return False
        if any(self._parts[-1].depends(each.over, changed) for each in self._rule.foreach):
            return False
        for number, part in enumerate(self._parts):
            if number < self._blamed and not part.depends(part.expression, changed):
                continue  # it held
            value = self._evaluated(part, part.expression, changed)
            if value is UNKNOWN or not truth(value):
                return False
        return True

    def refuted(self, changed: Changed) -> bool:
        """Whether one of the parts is false with a change, whatever is unknown."""
        values = (self._evaluated(part, part.expression, changed) for part in self._parts)
        return not self._is_matched(changed) or any(
            value is not UNKNOWN and not truth(value) for value in values
        )

    def _is_matched(self, changed: Changed) -> bool:
        """Whether the patterns match what is changed."""
        things = [(each.pattern, (ATTRIBUTE, each.name)) for each in self._selected.attributes]
        return all(_matches(pattern, changed[thing]) for pattern, thing in things if thing in changed)

    def said(self, thing: Thing, to: Any) -> str:
        text, before = self._spelled[thing]
        if before is UNREACHED:
            return f"`{text}` {shown(to)} (it was not reached)"
        return f"`{text}` {shown(to)}" + ("" if before is UNKNOWN else f" (it was {shown(before)})")

    def _evaluated(self, part: _Part, node: syntax.Expression, changed: Changed) -> Any:
        """The value of an expression; UNKNOWN if it depends on what is unknown."""
        thing = part.thing(node)
        if thing is not None:
            return changed[thing] if thing in changed else self._before(thing)
        if part is self._parts[self._blamed] and not part.depends(node, changed):
            kept = self._known.get(written(node, part.source), UNKNOWN)
            if kept is not UNKNOWN and kept is not UNREACHED:
                return kept
        match part.resolved(node):
            case syntax.Literal(value=value):
                return value
            case syntax.Infix(operator="&&" | "||" as operator, left=left, right=right):
                decides = operator == "||"
                sides = [self._evaluated(part, each, changed) for each in (left, right)]
                if any(each is not UNKNOWN and truth(each) is decides for each in sides):
                    return decides
                return UNKNOWN if UNKNOWN in sides else not decides
            case syntax.Infix(operator=operator, left=left, right=right):
                return _result(operator, *(self._evaluated(part, each, changed) for each in (left, right)))
            case syntax.Prefix(operator="not", operand=operand):
                value = self._evaluated(part, operand, changed)
                return UNKNOWN if value is UNKNOWN else not truth(value)
        return UNKNOWN

    def _before(self, thing: Thing) -> Any:
        kind, name = thing
        if kind == ATTRIBUTE:
            return self._attrs.get(name)
        _, value = self._spelled.get(thing, ("", UNKNOWN))
        return UNKNOWN if value is UNREACHED else value

    def _candidates(self, thing: Thing) -> list[Any]:
        """Values worth a try, the nearest to its own first."""
        before = self._before(thing)
        wanted = [
            each
            for part in self._parts[self._blamed :]
            for each in self._wanted(part, part.expression, thing)
        ]
        tried = [
            each
            for each in map(json.loads, dict.fromkeys(map(json.dumps, wanted)))
            if before is UNKNOWN or each != before or type(each) is not type(before)
        ]
        if type(before) in (int, float):
            tried.sort(key=lambda each: abs(each - before) if type(each) in (int, float) else 0)
        return tried

    def _wanted(self, part: _Part, node: syntax.Expression, thing: Thing) -> Iterator[Any]:
        if part.thing(node) == thing:
            yield from (True, False)
            return
        match part.resolved(node):
            case syntax.Infix(operator="&&" | "||", left=left, right=right):
                yield from self._wanted(part, left, thing)
                yield from self._wanted(part, right, thing)
            case syntax.Infix(operator="><"):
                return  # of what a collection holds, only the number is recorded
            case syntax.Infix(operator=operator, left=left, right=right) if (
                INFIX[operator].level <= COMPARISON
            ):
                for side, other in ((left, right), (right, left)):
                    to = self._evaluated(part, other, {})
                    if part.thing(side) == thing and isinstance(to, str | int | float | bool | None):
                        number = type(to) in (int, float)
                        yield from (to, to + 1, to - 1) if number else (to, None)  # type: ignore[operator]
            case syntax.Prefix(operator="not", operand=operand):
                yield from self._wanted(part, operand, thing)


def _parts(rule: syntax.Rule, ruleset: Ruleset, selected: syntax.EventPrimitive) -> list[_Part]:
    """What has to hold, in order: its `where` and its condition."""
    known = {each.name: each.value for each in ruleset.tree.globals if isinstance(each, syntax.Declaration)}
    functions = {name for name, each in known.items() if isinstance(each, syntax.Function | syntax.Defaction)}
    constants, set_by_patterns = {*known} - functions, {*selected.setting}
    declared = {each.name: each.value for each in rule.prelude}
    own = {*declared, *set_by_patterns, *(name for each in rule.foreach for name in each.setting)}
    if len(declared) < len(rule.prelude):
        declared = {}  # a name that is declared twice may mean either
    found = []
    for each, names, hidden in (
        (selected.where, NOTHING, set_by_patterns),
        (None if rule.actions is None else rule.actions.condition, declared, own),
    ):
        if each is not None:
            of_ruleset, others = frozenset(constants - hidden), frozenset(functions | hidden)
            is_where = each is selected.where
            found.append(_Part(each, ruleset.source, names, of_ruleset, others, is_where))
    return found


def _value(text: str) -> Any:
    if text == SAYS_UNREACHED:
        return UNREACHED
    try:
        return UNKNOWN if text.endswith('…"') else json.loads(text)
    except ValueError:
        return UNKNOWN


def _result(operator: str, left: Any, right: Any) -> Any:
    sign = INFIX[operator]
    if left is UNKNOWN or right is UNKNOWN or sign.run is None:
        return UNKNOWN
    if sign.level > COMPARISON and not {type(left), type(right)} <= {int, float}:
        return UNKNOWN
    try:
        return sign.run(left, right)
    except KrlError:
        return UNKNOWN


def _matches(pattern: syntax.Regex, value: Any) -> bool:
    return regex_of(pattern.pattern, pattern.flags).search(to_string(value)) is not None
