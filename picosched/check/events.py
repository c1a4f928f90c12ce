"""Which events can select a rule, and which rules select an event that the ruleset raises itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from difflib import get_close_matches
from itertools import pairwise

from picosched.check.subject import Subject
from picosched.krl import syntax
from picosched.krl.ruleset import primitives
from picosched.krl.values import truth
from picosched.schedule.happenings import DOMAIN, TYPES

WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
EXACT = re.compile(r"\^([\w -]*)\$", re.ASCII)
"""A pattern that matches exactly one text."""

CLASSIC_DOMAINS = ("explicit", "http", "system", "notification", "pds", "error")
"""The domains in which the classic engine's document has events scheduled."""

AS_LIKE = 0.8
"""Events of the domain `schedule` as like to one that the engine raises are taken for it, misspelt."""


def look_at_events(subject: Subject) -> None:
    _look_at_rules(subject)
    _look_after_last(subject)
    _look_at_happenings(subject)
    for node in subject.nodes:
        if isinstance(node, syntax.Raise | syntax.ScheduleEvent):
            _look_at_statement(subject, node)


# ---- rules ----------------------------------------------------------------------------------------


def _look_at_rules(subject: Subject) -> None:
    ended: set[str] = set()
    by: str | None = None
    for rule in subject.rules:
        if rule.select is None or rule.state != "active":
            continue
        if not can_complete(rule.select, frozenset()):
            said = f"no event can select {rule.name}: its conditions can never be true"
            subject.say("W301", said, rule)
        elif not can_complete(rule.select, ended):
            subject.say(
                "W302",
                f"{rule.name} is never reached: the rule {by} before it ends with `last`",
                rule,
            )
        elif keys := _ends(rule):
            ended |= keys
            by = rule.name


def _look_after_last(subject: Subject) -> None:
    """Report statements after one that ends the postlude."""
    for rule in subject.rules:
        if rule.postlude is None:
            continue
        for block in (rule.postlude.fired, rule.postlude.notfired, rule.postlude.final):
            for statement, following in pairwise(block):
                if _is_last(statement):
                    said = "this never happens: the statement before it ends the postlude"
                    subject.say("W302", said, following)
                    break


def _look_at_happenings(subject: Subject) -> None:
    """Report events of the domain `schedule` that only nearly are what the engine raises."""
    for node in subject.nodes:
        if isinstance(node, syntax.EventPrimitive) and node.domain == DOMAIN and node.type not in TYPES:
            near = get_close_matches(node.type, TYPES, 1, AS_LIKE)
            if near and f"{DOMAIN}:{node.type}" not in _raised(subject):
                said = f"{DOMAIN}:{node.type} is no event of the engine: is {DOMAIN}:{near[0]} meant?"
                subject.say("W306", said, node)


def can_complete(event: syntax.EventExpression, ended: Set[str]) -> bool:
    """Whether a pattern can be complete if the events `ended` never come to it."""
    match event:
        case syntax.EventPrimitive():
            return f"{event.domain}:{event.type}" not in ended and _can_match(event)
        case syntax.AnyEvent():
            return not _is_false(event.where)
        case syntax.EventWithin():
            return can_complete(event.event, ended)
        case syntax.EventGroup():
            return sum(can_complete(each, ended) for each in event.operands) >= (
                event.number if event.operator == "any" else 1
            )
        case syntax.EventOperation():
            can = [can_complete(each, ended) for each in event.operands]
            if event.operator == "or":
                return any(can)
            return all(can[1:]) if event.operator == "notbetween" else all(can)
    return True


def _can_match(event: syntax.EventPrimitive) -> bool:
    wanted: dict[str, str] = {}
    for attribute in event.attributes:
        exact = EXACT.fullmatch(attribute.pattern.pattern)
        if exact and not attribute.pattern.flags and wanted.setdefault(attribute.name, exact[1]) != exact[1]:
            return False
    return event.where is None or not _is_false(event.where)


def _is_false(condition: syntax.Expression) -> bool:
    return isinstance(condition, syntax.Literal) and not truth(condition.value)


def _ends(rule: syntax.Rule) -> set[str]:
    """The events after which no later rule is tried, whatever they carry."""
    postlude = rule.postlude
    if rule.select is None or rule.foreach or postlude is None:
        return set()
    unconditional = rule.actions is None or rule.actions.condition is None
    sure = [*postlude.final, *(postlude.fired if unconditional else ())]
    if not any(_is_last(statement) for statement in sure):
        return set()
    return {f"{each.domain}:{each.type}" for each in always(rule.select)}


def _is_last(statement: syntax.Statement) -> bool:
    match statement:
        case syntax.Last():
            return True
        case syntax.Error():
            return statement.level == "error"
    return False


def always(event: syntax.EventExpression) -> Iterator[syntax.EventPrimitive]:
    """The events that select a rule each time, alone and whatever they carry."""
    match event:
        case syntax.EventPrimitive():
            if not event.attributes and event.where is None:
                yield event
        case syntax.EventOperation(operator="or"):
            if all(isinstance(each, syntax.EventPrimitive) for each in event.operands):
                for each in event.operands:
                    yield from always(each)


# ---- statements -----------------------------------------------------------------------------------


def _look_at_statement(subject: Subject, node: syntax.Raise | syntax.ScheduleEvent) -> None:
    if isinstance(node.attributes, syntax.Literal) and node.attributes.value is None:
        pass  # as good as none
    elif isinstance(node.attributes, syntax.Literal | syntax.Array | syntax.Regex | syntax.Chevron):
        subject.say("E302", "found attributes that are not a map, wanted `attributes {…}`", node.attributes)
    word = _type(subject, node.type)
    domain, type = node.domain, word if isinstance(word, str) else None
    if word is None:
        pass
    elif not isinstance(word, str) or not word:
        subject.say("E301", "found no name of an event, wanted a string", node.type)
        return
    elif domain is None:
        domain, _, type = "".join(word.split()).partition(":")
        if not (domain and type):
            subject.say("E301", f'found the event "{word}", wanted "domain:type"', node.type)
            return
    if domain is not None:
        _look_at_event(subject, node, domain, type)


def _look_at_event(
    subject: Subject, node: syntax.Raise | syntax.ScheduleEvent, domain: str, type: str | None
) -> None:
    scheduled = isinstance(node, syntax.ScheduleEvent)
    if scheduled and subject.as_classic and domain not in CLASSIC_DOMAINS:
        said = f'schedules an event of the domain "{domain}", outside those of the classic engine'
        subject.say("W401", f"{said}: {', '.join(CLASSIC_DOMAINS)}", node)
    if type is None or _selects_any(subject):
        return
    verb = "schedules" if scheduled else "raises"
    odd = next((word for word in (domain, type) if not WORD.fullmatch(word)), None)
    if odd is not None:
        subject.say("W304", f'{verb} {domain}:{type}, but no `select when` can name "{odd}"', node.type)
    elif _stays_here(subject, node) and (domain, type) not in _selected(subject):
        said = f"{verb} {domain}:{type}, which no rule of {subject.tree.rid} selects"
        subject.say("W303", f"{said}: it will have no effect", node)


def _type(subject: Subject, node: syntax.Expression) -> object:
    """The event type of a statement; None if it is not known."""
    if isinstance(node, syntax.Name) and subject.meaning(node) is None:
        return node.id  # a bare word stands for itself
    literal = subject.constant(node)
    return None if literal is None else "" if literal.value is None else literal.value


def _stays_here(subject: Subject, node: syntax.Raise | syntax.ScheduleEvent) -> bool:
    """Whether the event goes only to this ruleset, as scheduled ones do."""
    if isinstance(node, syntax.ScheduleEvent):
        return True
    match node.rids:
        case syntax.Qualified(domain="meta", name="rid"):
            return True
        case syntax.Name(id=name) if subject.meaning(node.rids) is None:
            return name == subject.tree.rid
        case syntax.Literal(value=value):
            return bool(value == subject.tree.rid)
    return False


def _raised(subject: Subject) -> set[str]:
    """The events that statements of the ruleset name, as `domain:type`."""
    statements = (each for each in subject.nodes if isinstance(each, syntax.Raise | syntax.ScheduleEvent))
    return {":".join(filter(None, (each.domain, str(_type(subject, each.type))))) for each in statements}


def _selected(subject: Subject) -> set[tuple[str, str]]:
    """The events named by the rules."""
    return {
        (each.domain, each.type)
        for rule in subject.tree.rules
        if rule.state == "active" and rule.select is not None
        for each in primitives(rule.select)
    }


def _selects_any(subject: Subject) -> bool:
    """Whether a rule selects events without naming them: `select where …`."""
    return any(isinstance(node, syntax.AnyEvent) for node in subject.nodes)
