"""The kind of a value that an expression surely has: what operators ask for.

| kind | |
|---|---|
| Number, Boolean, Array, Map | |
| String | a text, which may write a number |
| Text | a text that surely writes none |

None stands for all else: what only a run can tell, and what may be null.
"""

from __future__ import annotations

from typing import Any

from picosched.check.subject import Subject
from picosched.krl import syntax
from picosched.krl.operators import INFIX, PREFIX
from picosched.krl.values import BLANKS, numeral

Kind = str
TEXTS = ("String", "Text")
NUMERIC = "+-.0123456789"
"""What a text may begin with that writes a number."""

DEEPEST = 50
"""So deep an expression is looked into."""


def kind_of_value(value: Any) -> Kind | None:
    """The kind of a value of JSON."""
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, str):
        return "String" if numeral(value) is not None else "Text"
    kinds = {int: "Number", float: "Number", list: "Array", dict: "Map"}
    return kinds.get(type(value))


def kind_of(subject: Subject, node: syntax.Expression, depth: int = DEEPEST) -> Kind | None:
    """The kind of an expression's value, wherever it is evaluated."""
    if not depth:
        return None
    match subject.meant(node):
        case syntax.Literal(value=value):
            return kind_of_value(value)
        case syntax.Group(inner=inner):
            return kind_of(subject, inner, depth - 1)
        case syntax.Chevron(parts=parts):
            return _of_beginning(parts[0]) if parts and isinstance(parts[0], str) else "String"
        case syntax.Array():
            return "Array"
        case syntax.Map():
            return "Map"
        case syntax.Prefix(operator=operator):
            return PREFIX[operator].value
        case syntax.Infix(operator="+", left=left, right=right):
            return _of_sum(*(kind_of(subject, each, depth - 1) for each in (left, right)))
        case syntax.Infix(operator=operator) if operator != "%":  # which may be null
            return INFIX[operator].value
    return None


def _of_sum(left: Kind | None, right: Kind | None) -> Kind | None:
    if left == "Text":  # with what it begins, the whole begins
        return "Text"
    if left in TEXTS or right in TEXTS:
        return "String"
    return "Number" if left == right == "Number" else None


def _of_beginning(text: str) -> Kind:
    """The kind of a text that begins like this."""
    start = text.lstrip(BLANKS)
    return "Text" if start and start[0] not in NUMERIC else "String"
