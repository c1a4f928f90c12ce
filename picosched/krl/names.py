"""Scopes of names, and helpers for walking expression trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from picosched.krl import syntax


@dataclass(slots=True)
class Names:
    """The names of one scope with their kinds, and the enclosing scope."""

    around: Names | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    later: dict[str, syntax.Node] = field(default_factory=dict)
    """Values declared further down."""

    def find(self, name: str) -> str | None:
        """function, action or value; None if the name is unknown."""
        scope: Names | None = self
        while scope is not None:
            if name in scope.kinds:
                return scope.kinds[name]
            scope = scope.around
        return None

    def is_later(self, name: str) -> bool:
        """Whether the name is declared further down."""
        return name in self.later or (self.around is not None and self.around.is_later(name))

    def all(self) -> set[str]:
        return set(self.kinds) | (self.around.all() if self.around else set())


def kind_of(value: syntax.Expression) -> str:
    """The kind of a name declared with this value."""
    match value:
        case syntax.Function():
            return "function"
        case syntax.Defaction():
            return "action"
    return "value"


def effective(declarations: Sequence[syntax.Declaration]) -> list[syntax.Declaration]:
    """The declarations of a scope without those that a later one replaces from the start.

    A value may be declared again, and what stands between sees the first. A function belongs to the whole
    scope.
    """
    last = {each.name: each for each in declarations}
    functions = {each.name for each in declarations if kind_of(each.value) != "value"}
    return [each for each in declarations if each is last[each.name] or each.name not in functions]


def children(node: syntax.Expression) -> list[syntax.Expression]:
    """The expressions directly inside one of the plain forms."""
    match node:
        case syntax.Group():
            return [node.inner]
        case syntax.Member():
            return [node.receiver]
        case syntax.Index():
            return [node.receiver, node.index]
        case syntax.Path():
            return [node.receiver, node.path]
        case syntax.Prefix():
            return [node.operand]
        case syntax.Infix():
            return [node.left, node.right]
        case syntax.Conditional():
            return [node.test, node.then, node.otherwise]
        case syntax.Current():
            return [node.place]
        case syntax.Lately():
            return [node.condition, node.within.amount]
        case syntax.Seen():
            parts = [node.pattern, node.other, node.within.amount if node.within else None]
            return [part for part in parts if part is not None]
    return []


def settings_of(event: syntax.EventExpression) -> list[str]:
    """The names that an event expression binds, each once, in order."""
    found: list[str] = []
    match event:
        case syntax.EventPrimitive():
            found = list(event.setting)
        case syntax.EventOperation() | syntax.EventGroup():
            for operand in event.operands:
                found += settings_of(operand)
            if isinstance(event, syntax.EventGroup):
                found += event.setting
        case syntax.EventWithin():
            found = settings_of(event.event)
    return list(dict.fromkeys(found))
