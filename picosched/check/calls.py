"""Calls of functions with known parameters, to find arguments that are ignored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from picosched.check.subject import Subject
from picosched.krl import syntax
from picosched.krl.library import MODULES, OPERATORS


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a function."""

    name: str
    parameters: tuple[str, ...]
    most: int | None
    """How many arguments by position; None for any number."""


def look_at_calls(subject: Subject) -> None:
    for node in subject.nodes:
        match node:
            case syntax.Call():
                _compare(subject, _signature(subject, node.callee), node.arguments)
            case syntax.Method():
                if node.name == "pset" and node.domain is None and subject.meaning(node) is None:
                    _pset(subject, node)
                    continue
                callee: syntax.Node = syntax.Qualified(node.domain, node.name) if node.domain else node
                _compare(subject, _signature(subject, callee), node.arguments, before=1)
            case syntax.Action():
                options = [syntax.Argument(each.value, each.name, start=each.start, end=each.end)
                           for each in node.options]  # fmt: skip
                _compare(subject, _signature(subject, node.callee), [*node.arguments, *options])


def _pset(subject: Subject, node: syntax.Method) -> None:
    target = node.arguments[0].value if len(node.arguments) == 1 else None
    if isinstance(target, syntax.Path):
        target = target.receiver
    if not isinstance(target, syntax.Persistent):
        subject.say("E202", "found pset of something else, wanted one variable: `pset(ent:name)`", node)


def _compare(
    subject: Subject, signature: Signature | None, arguments: Sequence[syntax.Argument], *, before: int = 0
) -> None:
    if signature is None:
        return
    for place, argument in enumerate(arguments, before):
        if argument.name is not None and argument.name not in signature.parameters:
            takes = ", ".join(signature.parameters[before:]) or "nothing"
            said = f"{signature.name} has no parameter {argument.name}; it takes {takes}"
            subject.say("W207", said, argument)
        elif argument.name is None and signature.most is not None and place >= signature.most:
            most = signature.most - before
            said = f"{signature.name} takes {most} argument{'' if most == 1 else 's'}; this one is ignored"
            subject.say("W208", said, argument)


def _signature(subject: Subject, callee: syntax.Node) -> Signature | None:
    """The signature of a callee, if it is statically known."""
    if isinstance(callee, syntax.Qualified):
        return None if callee.domain in subject.modules else _of_member(callee)
    bound = subject.meaning(callee)
    if bound is not None:
        function = bound.function
        if function is None or bound.kind == "local":
            return None
        names = [each.name for each in function.parameters]
        if isinstance(function, syntax.Defaction):
            names += [each.name for each in function.configure]
        return Signature(bound.name, tuple(names), len(names))
    match callee:
        case syntax.Name():
            return _of_operator(callee.id)
        case syntax.Method():
            return _of_operator(callee.name)
    return None


def _of_member(callee: syntax.Qualified) -> Signature | None:
    member = MODULES.get(callee.domain, {}).get(callee.name)
    if member is None:
        return None
    name = f"{callee.domain}:{callee.name}"
    return Signature(name, member.parameters, len(member.parameters))


def _of_operator(name: str) -> Signature | None:
    operator = OPERATORS.get(name)
    if operator is None:
        return None
    names = tuple(each.partition(".")[0] for each in operator.parameters)
    return Signature(name, names, None if operator.takes_all else len(names))
