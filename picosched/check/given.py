"""What can be said of an event's attributes before it is raised, and whether a `select` can accept them.

A value is known, or `UNKNOWN`. Whatever is computed from something unknown is unknown, so `may_match` is
False only if no run of the ruleset can make the event match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from picosched.check.subject import Subject
from picosched.errors import KrlError
from picosched.frozen import frozen
from picosched.krl import syntax
from picosched.krl.compiler.runtime import attribute_text
from picosched.krl.operators import INFIX, PREFIX
from picosched.krl.pattern import MOST_CAPTURES, regex_of
from picosched.krl.values import to_string, truth

UNKNOWN: Final = object()
"""A value that only a run can tell."""

DEEPEST = 50
"""So deep an expression is looked into; what lies deeper is unknown."""


@frozen
class Given:
    """The attributes of an event."""

    values: Mapping[str, Any]
    """Of each name its value, or UNKNOWN."""
    others: bool = False
    """Whether there may be names that `values` does not have."""

    def value(self, name: str) -> Any:
        return self.values.get(name, UNKNOWN if self.others else None)


def given_by(subject: Subject, node: syntax.Expression | None) -> Given:
    """The attributes that an expression gives."""
    meant = None if node is None else subject.meant(node)
    if meant is None or (isinstance(meant, syntax.Literal) and meant.value is None):
        return Given({})
    if not isinstance(meant, syntax.Map):
        return Given({}, others=True)
    values: dict[str, Any] = {}
    others = False
    for key, value in meant.entries:
        name = subject.constant(key)
        if name is None:
            others = True
        else:
            values[to_string(name.value)] = value_of(subject, value)
    return Given(values, others)


def may_match(
    subject: Subject, event: syntax.EventPrimitive | syntax.AnyEvent, given: Given
) -> tuple[bool, str]:
    """Whether an event of its name may match; if not, why. The subject is the ruleset of the rule."""
    bound: dict[str, Any] = {}
    if isinstance(event, syntax.EventPrimitive):
        captured: list[Any] = []
        for each in event.attributes:
            groups, why = _searched(each, given)
            if why:
                return False, why
            captured += groups
        bound = dict.fromkeys(event.setting)
        bound |= dict(zip(event.setting, captured, strict=False))
    if event.where is None:
        return True, ""
    held = _value(subject, event.where, given, bound, DEEPEST)
    if held is UNKNOWN or truth(held):
        return True, ""
    return False, f"its `where` on line {subject.source.place(event.where.start)[0]} is false"


def _searched(pattern: syntax.AttributePattern, given: Given) -> tuple[list[Any], str]:
    """The groups that a pattern captures, or why it cannot match."""
    try:
        regex = regex_of(pattern.pattern.pattern, pattern.pattern.flags)
        value = given.value(pattern.name)
        if value is UNKNOWN:
            return [UNKNOWN] * regex.compiled.groups, ""
        absent = value is None and pattern.name not in given.values
        found = regex.search(attribute_text({} if absent else {pattern.name: value}, pattern.name))
    except KrlError:
        return [UNKNOWN] * MOST_CAPTURES, ""
    if found is None:
        return [], f"the attribute {pattern.name} {'is not given' if absent else f'does not match {regex}'}"
    return list(found.groups()), ""


def value_of(subject: Subject, node: syntax.Expression) -> Any:
    """The value of an expression outside any event, or UNKNOWN."""
    return _value(subject, node, None, {}, DEEPEST)


def _value(
    subject: Subject, node: syntax.Expression, given: Given | None, bound: Mapping[str, Any], depth: int
) -> Any:
    """The value of an expression; with `given`, in the `where` of an event with these attributes."""

    def inner(part: syntax.Expression) -> Any:
        return _value(subject, part, given, bound, depth - 1)

    if not depth:
        return UNKNOWN
    match node:
        case syntax.Name(id=name) if name in bound:
            return bound[name]
        case syntax.Name(id=name) if given is not None and subject.meaning(node) is None:
            return given.value(name)
        case syntax.Name():
            meant = subject.constant(node)
            return UNKNOWN if meant is None else meant.value
        case syntax.Literal(value=value):
            return value
        case syntax.Group(inner=part):
            return inner(part)
        case syntax.Path(
            receiver=syntax.Qualified("event", "attrs"), path=syntax.Literal(value=str(name))
        ) | syntax.Call(
            syntax.Qualified("event", "attr" | "attrs"),
            (syntax.Argument(syntax.Literal(value=str(name)), None),),
        ) if given is not None and "event" not in subject.modules:
            return given.value(name)
        case syntax.Infix(operator="&&" | "||" as operator, left=left, right=right):
            first = inner(left)
            if first is UNKNOWN:
                second = inner(right)
                decided = second is not UNKNOWN and truth(second) == (operator == "||")
                # Whatever the first is, the whole is as true as the second.
                return second if decided else UNKNOWN
            return first if truth(first) == (operator == "||") else inner(right)
        case syntax.Infix(operator=operator, left=left, right=right):
            sides = inner(left), inner(right)
            return _run(INFIX[operator].run, *sides) if operator in INFIX else UNKNOWN
        case syntax.Prefix(operator="not", operand=operand):
            value = inner(operand)
            return UNKNOWN if value is UNKNOWN else not truth(value)
        case syntax.Prefix(operator=operator, operand=operand):
            return _run(PREFIX[operator].run, inner(operand)) if operator in PREFIX else UNKNOWN
    return UNKNOWN


def _run(operator: Any, *sides: Any) -> Any:
    if operator is None or any(each is UNKNOWN for each in sides):
        return UNKNOWN
    try:
        return operator(*sides)
    except KrlError:
        return UNKNOWN
