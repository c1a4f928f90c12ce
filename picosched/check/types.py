"""The type of an expression's value, if it is statically known."""

from __future__ import annotations

from picosched.check.subject import Subject
from picosched.krl import syntax
from picosched.krl.operators import INFIX, PREFIX
from picosched.krl.values import KINDS

OPERATORS: dict[str, str] = {
    "length": "Number",
    **dict.fromkeys("capitalize join lc substr trim trimLeading trimTrailing typeof uc".split(), "String"),
    **dict.fromkeys("contains endsWith isEmpty isnull match startsWith".split(), "Boolean"),
    **dict.fromkeys("keys range split values".split(), "Array"),
}
"""Operators whose value is of one type, whatever they are given."""


def type_of(subject: Subject, node: syntax.Expression) -> str | None:
    """The type, as `typeof()` names it; a value of it may still be null. None if it is not known."""
    match node:
        case syntax.Literal():
            return None if node.value is None else KINDS.get(type(node.value), "String")
        case syntax.Chevron():
            return "String"
        case syntax.Regex():
            return "RegExp"
        case syntax.Array() | syntax.Map() | syntax.Function():
            return type(node).__name__
        case syntax.Group():
            return type_of(subject, node.inner)
        case syntax.Prefix():
            return PREFIX[node.operator].value or type_of(subject, node.operand)
        case syntax.Infix():
            return INFIX[node.operator].value or _of_operands(subject, node)
        case syntax.Name():
            return _of_name(subject, node)
        case syntax.Method(domain=None) if subject.meaning(node) is None:
            return OPERATORS.get(node.name)
    return None


def _of_operands(subject: Subject, node: syntax.Infix) -> str | None:
    both = {type_of(subject, node.left), type_of(subject, node.right)}
    if node.operator == "+":
        return "String" if "String" in both else "Number" if both == {"Number"} else None
    return both.pop() if len(both) == 1 and node.operator in ("&&", "||") else None


def _of_name(subject: Subject, node: syntax.Name) -> str | None:
    bound = subject.meaning(node)
    if bound is None:
        return None
    if bound.kind == "captured":
        return "String"
    literal = subject.constant(node)
    return None if literal is None else type_of(subject, literal)
