"""What can be said of an event's attributes before it is raised, and whether a `select` can accept them.

A value is known, or `UNKNOWN`. Whatever is computed from something unknown is unknown, so `may_match` is
False only if no run of the ruleset can make the event match.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from picosched.check.attribute import attribute_of
from picosched.check.kinds import Kind, kind_of, kind_of_value
from picosched.check.subject import Subject
from picosched.errors import KrlError
from picosched.frozen import frozen
from picosched.krl import syntax
from picosched.krl.compiler.runtime import attribute_text
from picosched.krl.operands import operands, written
from picosched.krl.operators import INFIX, PREFIX
from picosched.krl.pattern import MOST_CAPTURES, regex_of
from picosched.krl.values import shown, to_string, truth

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
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    """The kind of a value that is unknown, by name, where the kind is known."""

    def value(self, name: str) -> Any:
        return self.values.get(name, UNKNOWN if self.others else None)

    def kind(self, name: str) -> Kind | None:
        """The kind of an attribute, if it is known and not null."""
        value = self.values.get(name, UNKNOWN)
        return self.kinds.get(name) if value is UNKNOWN else kind_of_value(value)


def given_by(subject: Subject, node: syntax.Expression | None, depth: int = DEEPEST) -> Given:
    """The attributes that an expression gives."""
    meant = None if node is None else subject.meant(node)
    if meant is None or (isinstance(meant, syntax.Literal) and meant.value is None):
        return Given({})
    if isinstance(meant, syntax.Method) and meant.name == "put" and meant.domain is None:
        return _put(subject, meant, depth)
    if not isinstance(meant, syntax.Map):
        return Given({}, others=True)
    values: dict[str, Any] = {}
    kinds: dict[str, Kind] = {}
    others = False
    for key, value in meant.entries:
        name = subject.constant(key)
        if name is None:
            others = True
        else:
            values[to_string(name.value)] = value_of(subject, value)
            kinds |= _kinds(subject, to_string(name.value), value)
    # A name that only a run can tell may be any of these.
    return Given(values, others, {} if others else kinds)


def _put(subject: Subject, node: syntax.Method, depth: int) -> Given:
    """The attributes that `.put(…)` gives, called on a map or on the attributes of the event."""
    unknown = Given({}, others=True)
    if not depth:
        return unknown
    receiver = subject.meant(node.receiver)
    if isinstance(receiver, syntax.Call):
        receiver = receiver.callee
    known = isinstance(receiver, syntax.Map | syntax.Method) or (
        isinstance(receiver, syntax.Qualified) and (receiver.domain, receiver.name) == ("event", "attrs")
    )
    before = given_by(subject, node.receiver, depth - 1)
    match [each.value for each in node.arguments if each.name is None]:
        case [key, value] if known and (name := subject.text(key)) is not None:
            kinds = {each: kind for each, kind in before.kinds.items() if each != name}
            kinds |= _kinds(subject, name, value)
            return Given({**before.values, name: value_of(subject, value)}, before.others, kinds)
        case [added] if known and isinstance(subject.meant(added), syntax.Map):
            more = given_by(subject, added)
            if not more.others:
                kept = {each: kind for each, kind in before.kinds.items() if each not in more.values}
                return Given({**before.values, **more.values}, before.others, {**kept, **more.kinds})
    return unknown


def _kinds(subject: Subject, name: str, node: syntax.Expression) -> dict[str, Kind]:
    kind = kind_of(subject, node)
    return {} if kind is None else {name: kind}


def may_fire(subject: Subject, condition: syntax.Expression, given: Given) -> tuple[bool, str]:
    """Whether the condition of a rule may hold for such an event; if not, why."""
    may = _may_hold(subject, condition, given, {})
    return may, "" if may else _false(subject, "condition", condition, given, {})


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
    if _may_hold(subject, event.where, given, bound):
        return True, ""
    return False, _false(subject, "`where`", event.where, given, bound)


def _may_hold(subject: Subject, node: syntax.Expression, given: Given, bound: Mapping[str, Any]) -> bool:
    """Whether a condition may be true; or is false whatever the attributes, as one that is switched off."""
    held = _value(subject, node, given, bound, DEEPEST)
    of_any = _value(subject, node, Given({}, others=True), dict.fromkeys(bound, UNKNOWN), DEEPEST)
    return held is UNKNOWN or truth(held) or of_any is not UNKNOWN


def _false(
    subject: Subject, what: str, node: syntax.Expression, given: Given, bound: Mapping[str, Any]
) -> str:
    """That a condition is false, and what is known of its operands."""
    known = (
        f"{written(each, subject.source)} is {shown(value)}"
        for each in operands(node)
        if (value := _value(subject, each, given, bound, DEEPEST)) is not UNKNOWN
    )
    why = ", ".join(dict.fromkeys(known))
    return f"its {what} on line {subject.source.place(node.start)[0]} is false{': ' if why else ''}{why}"


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
            meant = subject.meant(node)
            # Not more than what leads straight on: sums of sums would be as many as there are paths.
            straight = syntax.Literal | syntax.Prefix | syntax.Path | syntax.Call
            return inner(meant) if isinstance(meant, straight) else UNKNOWN
        case syntax.Literal(value=value):
            return value
        case syntax.Group(inner=part):
            return inner(part)
        case syntax.Path() | syntax.Call() if given is not None and "event" not in subject.modules:
            read = attribute_of(node)
            return UNKNOWN if read is None else given.value(read)
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
