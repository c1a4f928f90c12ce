"""Unused names, self-assignments, and names that are accidentally attributes."""

from __future__ import annotations

from difflib import get_close_matches

from picosched.check.bindings import Bound
from picosched.check.subject import Subject
from picosched.krl import syntax
from picosched.schedule.happenings import ATTRIBUTES, DOMAIN, TYPES


def look_at_names(subject: Subject) -> None:
    for bound in subject.bindings.all:
        if bound.name.startswith("_"):
            continue
        if not bound.read and bound.name not in subject.bindings.missed:
            _unread(subject, bound)
        if bound.kind == "uncaptured":
            subject.say("W106", f"{bound.name} is always null: the event captures nothing for it", bound.node)
    for name, event in subject.bindings.bare:
        _bare(subject, name, event)
    _selves(subject)


def _bare(subject: Subject, name: syntax.Name, event: syntax.EventPrimitive | syntax.AnyEvent) -> None:
    """Report an attribute read by bare name, unless the event is one of the engine that has it."""
    explicit = f'event:attrs{{"{name.id}"}} makes that explicit'
    if isinstance(event, syntax.EventPrimitive) and event.domain == DOMAIN and event.type in TYPES:
        if name.id in ATTRIBUTES:
            return
        near = get_close_matches(name.id, ATTRIBUTES, 1)
        has = f"is {near[0]} meant?" if near else f"it has {', '.join(ATTRIBUTES)}"
        explicit = f"{DOMAIN}:{event.type} has none of that name; {has}"
    subject.say("W105", f"{name.id} is not declared, so it is read as an attribute: {explicit}", name)


def _unread(subject: Subject, bound: Bound) -> None:
    name = bound.name
    match bound.kind:
        case "global":
            subject.say("W102", f"nothing uses {name}, and it is neither shared nor provided", bound.node)
        case "parameter" if bound.owner and not bound.owner.passed:
            # A function that is an argument is called with what its caller has to give.
            subject.say("W103", f"the function does not use its parameter {name}", bound.node)
        case "captured" | "uncaptured" | "value" | "local":
            # Who wants the second of `setting(value, key)` must name the first.
            if not any(each.read for each in bound.together[bound.place + 1 :]):
                subject.say("W101", f"nothing reads {name}; if that is intended, call it _{name}", bound.node)


def _selves(subject: Subject) -> None:
    for declaration in subject.declarations():
        if declaration.value == syntax.Name(declaration.name):
            subject.say("W104", f"{declaration.name} is assigned to itself", declaration)
    for node in subject.nodes:
        if isinstance(node, syntax.Assign | syntax.Set) and node.value is not None:
            target = node.target if node.path is None else syntax.Path(node.target, node.path)
            if node.value == target:
                name = f"{node.target.kind}:{node.target.name}"
                subject.say("W104", f"{name} is assigned to itself", node)
