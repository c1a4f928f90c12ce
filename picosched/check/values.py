"""Expressions whose value is known before a rule runs, or comes about at another time than meant."""

from __future__ import annotations

from collections.abc import Iterator

from picosched.check.subject import Subject
from picosched.check.types import type_of
from picosched.krl import syntax
from picosched.krl.values import KINDS, equal, to_string
from picosched.krl.walk import parts

TYPES = frozenset((*KINDS.values(), "Hex", "JSObject"))
OF_EVENTS = "attr attrs channel domain eci eid env name param params time type".split()


def look_at_values(subject: Subject) -> None:
    for node in subject.nodes:
        match node:
            case syntax.Map():
                _keys(subject, node)
            case syntax.Infix(operator="==" | "!="):
                _comparison(subject, node)
            case syntax.Conditional():
                if _is_constant(node.test):
                    subject.say("W203", "the test is constant: one side is never taken", node.test)
    for declaration in subject.tree.globals:
        if isinstance(declaration, syntax.Declaration):
            for read in _read_at_once(declaration.value):
                _once(subject, read)


def _keys(subject: Subject, node: syntax.Map) -> None:
    seen: set[str] = set()
    for key, value in node.entries:
        if isinstance(key, syntax.Literal):
            text = to_string(key.value)
            if text in seen:
                said = f'the key "{text}" is given twice: the last of its values counts'
                subject.say("W201", said, key if key.end else value)
            seen.add(text)


def _comparison(subject: Subject, node: syntax.Infix) -> None:
    left, right = type_of(subject, node.left), type_of(subject, node.right)
    always = "true" if node.operator == "!=" else "false"
    said = None
    if left and right and left != right:
        said = f"a {left} and a {right} are never equal"
        if "String" in (left, right) and "Number" in (left, right):
            said += ', not even "5" and 5; as("Number") makes one of the other'
    elif isinstance(node.left, syntax.Literal) and isinstance(node.right, syntax.Literal):
        same = equal(node.left.value, node.right.value)
        always = "true" if same == (node.operator == "==") else "false"
        said = "two literals compare in one way"
    elif (kind := _asked_for_type(subject, node)) is not None and kind not in TYPES:
        said = f'there is no type "{kind}", but {", ".join(sorted(TYPES - {"JSObject"}))}'
    if said is not None:
        subject.say("W202", f"always {always}: {said}", node)


def _asked_for_type(subject: Subject, node: syntax.Infix) -> str | None:
    """The text that `typeof()` is compared with."""
    for one, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(one, syntax.Method) and one.name == "typeof" and subject.meaning(one) is None:
            return subject.text(other)
    return None


def _is_constant(node: syntax.Expression) -> bool:
    match node:
        case syntax.Literal() | syntax.Regex() | syntax.Array() | syntax.Map() | syntax.Function():
            return True
        case syntax.Chevron():
            return all(isinstance(part, str) for part in node.parts)
        case syntax.Prefix():
            return _is_constant(node.operand)
    return False


def _read_at_once(node: syntax.Node) -> Iterator[syntax.Node]:
    """What is evaluated when the value of a global is: all but the bodies of functions."""
    if not isinstance(node, syntax.Function | syntax.Defaction):
        yield node
        for part in parts(node):
            yield from _read_at_once(part)


def _once(subject: Subject, node: syntax.Node) -> None:
    if isinstance(node, syntax.Persistent):
        what = f"{node.kind}:{node.name}"
        said = f"{what} is read once, when the ruleset is loaded; a function would read it each time"
    elif isinstance(node, syntax.Qualified) and node.domain == "event" and node.name in OF_EVENTS:
        what = f"{node.domain}:{node.name}"
        said = f"{what} is null here: a global has its value before there is an event; use a function"
    elif isinstance(node, syntax.Qualified) and node.domain == "window" and "window" not in subject.modules:
        said = f"window:{node.name} is asked once, when the ruleset is loaded; a function would ask each time"
    else:
        return
    subject.say("W209", said, node)
