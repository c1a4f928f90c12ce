"""The operands of a condition: the parts whose values say why it is false.

In `level > 5 && not quiet` they are `level` and `quiet`. Compiled code keeps their values as it evaluates the
condition, so nothing is evaluated twice; what a `&&` or `||` did not reach has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from picosched.errors import shortened
from picosched.krl import syntax
from picosched.krl.operators import COMPARISON, INFIX
from picosched.krl.source import Source
from picosched.krl.walk import walk

MOST = 8
"""Operands of one condition that are kept."""


def operands(condition: syntax.Expression) -> list[syntax.Expression]:
    """The first operands of a condition, in the order of evaluation."""
    return [*islice((each for each in _operands(condition) if not _names_a_key(each)), MOST)]


def _operands(node: syntax.Expression) -> Iterator[syntax.Expression]:
    match node:
        case syntax.Infix() if INFIX[node.operator].level <= COMPARISON:
            yield from _operands(node.left)
            yield from _operands(node.right)
        case syntax.Prefix(operator="not"):
            yield from _operands(node.operand)
        case syntax.Literal() | syntax.Regex() | syntax.Function():
            return
        case _:
            yield node


def _names_a_key(node: syntax.Expression) -> bool:
    """Whether it is made from a key: then what it is could tell the key."""
    return any(isinstance(each, syntax.Qualified) and each.domain == "keys" for each in walk(node))


def written(node: syntax.Node, source: Source) -> str:
    """An operand as it is written, on one line; a long one is shortened."""
    text = " ".join(source.text[node.start : node.end].split())
    return shortened(text)
