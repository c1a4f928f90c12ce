"""The actions outside modules."""

from __future__ import annotations

from typing import Any

from picosched.krl.library.member import action, both
from picosched.krl.scope import Scope, Value
from picosched.krl.size import claim_map
from picosched.krl.values import truth


def noop(scope: Scope, /, *args: Value, **options: Value) -> None:
    """Do nothing; the rule fires."""


def send_directive(scope: Scope, name: Value = None, options: Value = None, /, **more: Any) -> Value:
    """Send the caller a directive, and return it. Named arguments are added to the options."""
    if name is None:
        name = more.pop("name", None)
    if options is None:
        options = more.pop("options", None)
    if more:
        claim_map(len(more) + (len(options) if isinstance(options, dict) else 0))
        options = {**(options if isinstance(options, dict) else {}), **more}
    options = options if truth(options) else {}
    claim_map(7)
    return scope.effects.direct(name, options)


ACTIONS = {"noop": both(noop), "send_directive": action(send_directive)}
