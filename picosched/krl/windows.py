"""The windows a ruleset declares in its meta, and which of their edges it selects.

The values of `from`, `to` and `in` are literals, or entity variables, which may have a default:
`ent:on.defaultsTo("0 8 * * *")`. A window of literals depends only on the calendar; one of variables also on
what they are in a pico at the time. Callers that know timespecs check the texts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from picosched.errors import KrlError, Span
from picosched.krl import syntax
from picosched.krl.pattern import regex_of
from picosched.krl.source import Source

log = logging.getLogger(__name__)

DOMAIN = "window"
EDGES = ("opened", "closed")

REMEMBERED = 1_000
"""Windows of which it is remembered whether a ruleset selects their edges."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An entity variable, and what stands for it while it is null."""

    name: str
    default: Any = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A window of a ruleset: timespecs as texts or maps, the name of a zone, and its position.

    Each may be a Variable instead.
    """

    name: str
    opens: Any
    closes: Any
    tz: Any
    span: Span

    @property
    def variables(self) -> frozenset[str]:
        """The names of the entity variables it depends on."""
        parts = (self.opens, self.closes, self.tz)
        return frozenset(each.name for each in parts if isinstance(each, Variable))


def declared(tree: syntax.Ruleset, source: Source) -> Mapping[str, Declared]:
    """Maps names to windows, for a ruleset without errors."""
    return {
        each.name: Declared(
            each.name,
            _value(each.opens),
            _value(each.closes),
            "UTC" if each.zone is None else _value(each.zone),
            source.span(each.start, each.end),
        )
        for each in windows_of(tree)
    }


def windows_of(tree: syntax.Ruleset) -> list[syntax.Window]:
    return [each for each in tree.meta if isinstance(each, syntax.Window)]


def window_faults(tree: syntax.Ruleset, source: Source) -> list[KrlError]:
    """Errors in the windows of a ruleset that can be found without parsing timespecs."""
    faults: list[KrlError] = []

    def fault(kind: str, message: str, node: syntax.Node) -> None:
        faults.append(KrlError(message, source.span(node.start, node.end), kind=kind))

    seen: set[str] = set()
    for each in windows_of(tree):
        if each.name in seen:
            fault("E121", f"found a second window named {each.name}, wanted one", each)
        seen.add(each.name)
        for part in (each.opens, each.closes):
            if not _is(part, str | dict):
                wanted = 'wanted a literal string such as "0 8 * * 1-5", a literal map, or an entity variable'
                fault("E304", f"found an invalid timespec for the window {each.name}, {wanted}", part)
        if each.zone is not None and not _is(each.zone, str):
            fault(
                "E305",
                f"found an invalid zone for the window {each.name}, wanted its name, a string, "
                "or an entity variable",
                each.zone,
            )
    return faults


def follows(events: Iterable[syntax.EventPrimitive], name: str) -> bool:
    """Whether one of the events is an edge of this window."""
    return any(_is_edge(each) and _names(each, name) for each in events)


class Edges:
    """The edges of windows that the rules of a ruleset select. For any thread.

    A window is not among them if a pattern takes too long to tell; that is found out once, since all picos
    may wait meanwhile.
    """

    def __init__(self, rid: str = "", events: Iterable[syntax.EventPrimitive] = ()) -> None:
        self._rid = rid
        self._events = [each for each in events if _is_edge(each)]
        self._known: dict[str, bool] = {}
        """Window → whether an edge of it is selected."""

    def of(self, window: str) -> bool:
        """Whether a rule selects an edge of this window."""
        known = self._known.get(window)
        if known is None:
            try:
                known = follows(self._events, window)
            except KrlError as error:
                log.warning("the ruleset %s does not follow the window %s: %s", self._rid, window, error)
                known = False
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[window] = known
        return known


def _is_edge(event: syntax.EventPrimitive) -> bool:
    return event.domain == DOMAIN and event.type in EDGES


def _names(event: syntax.EventPrimitive, name: str) -> bool:
    patterns = (each.pattern for each in event.attributes if each.name == "name")
    return all(regex_of(each.pattern, each.flags).search(name) for each in patterns)


def constant(node: syntax.Expression) -> tuple[Any] | None:
    """The value of a literal expression, or of an array or map of literals."""
    match node:
        case syntax.Literal(value=value):
            return (value,)
        case syntax.Group(inner=inner):
            return constant(inner)
        case syntax.Chevron(parts=parts) if all(isinstance(part, str) for part in parts):
            return ("".join(part for part in parts if isinstance(part, str)),)
        case syntax.Prefix(operator="-", operand=operand):
            found = constant(operand)
            return (-found[0],) if found and type(found[0]) in (int, float) else None
        case syntax.Array(items=items):
            values = [constant(each) for each in items]
            return None if None in values else ([each[0] for each in values if each],)
        case syntax.Map(entries=entries):
            pairs = [(constant(key), constant(value)) for key, value in entries]
            if any(key is None or value is None for key, value in pairs):
                return None
            return ({str(key[0]): value[0] for key, value in pairs if key and value},)
    return None


def variable(node: syntax.Expression) -> Variable | None:
    """The entity variable that an expression is, perhaps with a literal default; None if it is none."""
    match node:
        case syntax.Group(inner=inner):
            return variable(inner)
        case syntax.Persistent(kind="ent", name=name):
            return Variable(name)
        case syntax.Method(receiver=receiver, name="defaultsTo", domain=None, arguments=[argument]):
            found, default = variable(receiver), constant(argument.value)
            if found is not None and found.default is None and default is not None:
                return Variable(found.name, default[0])
    return None


def _is(node: syntax.Expression, kind: Any) -> bool:
    """Whether it is a literal of a kind, or a variable that may have one."""
    if (named := variable(node)) is not None:
        return named.default is None or isinstance(named.default, kind)
    found = constant(node)
    return found is not None and isinstance(found[0], kind)


def _value(node: syntax.Expression) -> Any:
    found = constant(node)
    if found is None:
        named = variable(node)
        assert named is not None  # otherwise an error was reported before
        return named
    return found[0]
