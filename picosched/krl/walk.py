"""Generic tree traversal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from picosched.krl import syntax


def parts(node: syntax.Node) -> Iterator[syntax.Node]:
    """The direct children of a node, in order."""
    for name in _fields(type(node).__name__):
        yield from _nodes(getattr(node, name))


def walk(*roots: syntax.Node) -> Iterator[syntax.Node]:
    """Some nodes and all their descendants, in pre-order."""
    waiting = list(reversed(roots))
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed([*parts(node)])


@cache
def _fields(kind: str) -> tuple[str, ...]:
    return tuple(each.name for each in fields(getattr(syntax, kind)) if each.name not in ("start", "end"))


def _nodes(value: Any) -> Iterator[syntax.Node]:
    if isinstance(value, syntax.Node):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _nodes(each)
