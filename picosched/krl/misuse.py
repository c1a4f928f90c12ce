"""Uses of `module:name` that cannot work.

They do not keep a ruleset from being installed: the Node engine looks a module up when it is used, so many
rulesets have functions that nobody calls and that refer to modules that are not there. The resolver reports
a `Misuse` as a warning, and the compiler puts an error in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from picosched.krl import syntax
from picosched.krl.library import MODULES, near

NO_TIMES = "a condition with `within` asks when its variable was set, and no variable keeps its time here"

Use = Literal["value", "function", "action"]


@dataclass(frozen=True, slots=True)
class Misuse:
    """What is wrong with a use of `module:name`: the code of the warning, and the message."""

    code: str
    message: str


def misuse(node: syntax.Qualified, use: Use, aliases: Collection[str]) -> Misuse | None:
    """What is wrong with a use of a library module; None if nothing is, or for keys and rulesets."""
    if node.domain in aliases or node.domain == "keys":
        return None
    name = f"{node.domain}:{node.name}"
    members = MODULES.get(node.domain)
    if members is None:
        known = [*MODULES, *aliases, "ent", "app"]
        return Misuse("W109", f"unknown module {node.domain}{near_by(node.domain, known)}")
    member = members.get(node.name)
    if member is None:
        return Misuse("W108", f"unknown {use} {name}{near_by(node.name, members)}")
    if use == "action" and not member.acts:
        return Misuse("W111", f"{name} is a {member.kind}, wanted an action")
    if use == "function" and member.kind == "action":
        return Misuse("W110", action_as_function(name))
    return None


def action_as_function(name: str) -> str:
    return f"found the action {name} as a function: it runs only as a rule's action"


def near_by(name: str, known: Iterable[str]) -> str:
    """Similar names, as the end of a message."""
    found = near(name, known)
    return f"; near it: {', '.join(found)}" if found else ""
