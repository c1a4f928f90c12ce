"""`__testing`: the queries and events of a ruleset, for the console of the Node engine.

Every ruleset has it; a declaration in `global` may replace it and, like all of `global`, sees the original.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from picosched.krl import syntax
from picosched.krl.walk import walk

NAME = "__testing"


def testing(tree: syntax.Ruleset) -> dict[str, Any]:
    """{"queries": [{"name", "args"}], "events": [{"domain", "name", "attrs"}]} of a ruleset."""
    functions = {each.name: each.value for each in tree.globals if isinstance(each, syntax.Declaration)}
    queries = []
    for name in shared(tree, "shares"):
        function = functions.get(name)
        parameters = function.parameters if isinstance(function, syntax.Function) else ()
        queries.append({"name": name, "args": [each.name for each in parameters]})
    events = [each for rule in tree.rules if rule.state == "active" for each in _events(rule)]
    return {"queries": queries, "events": events}


def shared(tree: syntax.Ruleset, key: str) -> list[str]:
    """The names that `shares` or `provides` in meta lists."""
    return [
        name.id
        for each in tree.meta
        if isinstance(each, syntax.Shares) and each.key == key
        for name in each.names
    ]


def _events(rule: syntax.Rule) -> list[dict[str, Any]]:
    """The events that a rule selects, each once, with the attributes that it matches or reads."""
    events: dict[tuple[str, str], dict[str, None]] = {}
    for node in walk(rule):
        if isinstance(node, syntax.EventPrimitive):
            events.setdefault((node.domain, node.type), {})
        elif (name := _attribute(node)) is not None:
            for attrs in events.values():
                attrs[name] = None
    return [{"domain": domain, "name": type, "attrs": [*attrs]} for (domain, type), attrs in events.items()]


def _attribute(node: syntax.Node) -> str | None:
    """The attribute of the event that a construct matches or reads."""
    match node:
        case syntax.AttributePattern(name=name):
            return name
        case syntax.Path(receiver=syntax.Qualified(domain="event", name="attrs"), path=key):
            return _text([syntax.Argument(key)])
        case syntax.Method(
            receiver=syntax.Qualified(domain="event", name="attrs"), name="get", arguments=given
        ):
            return _text(given)
        case syntax.Call(
            callee=syntax.Qualified(domain="event", name="attr" | "attrs" | "param"), arguments=given
        ):
            return _text(given)
    return None


def _text(arguments: Sequence[syntax.Argument]) -> str | None:
    first = arguments[0].value if arguments else None
    return first.value if isinstance(first, syntax.Literal) and isinstance(first.value, str) else None
