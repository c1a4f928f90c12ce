"""The actions outside modules."""

from __future__ import annotations

from typing import Any

from picosched.errors import KrlError
from picosched.krl.library.member import action
from picosched.krl.scope import Scope, Value
from picosched.krl.size import claim_map
from picosched.krl.values import described, shown


def noop(scope: Scope, /, *args: Value, **options: Value) -> None:
    """Do nothing; the rule fires."""


def send_directive(scope: Scope, name: Value = None, options: Value = None, /, **more: Any) -> None:
    """Send the caller a directive. Named arguments are added to the options."""
    if name is None:
        name = more.pop("name", None)
    if not isinstance(name, str):
        raise KrlError(f"send_directive needs a name string; found {described(name)}: {shown(name)}")
    if options is None:
        options = more.pop("options", None)
    if more:
        claim_map(len(more) + (len(options) if isinstance(options, dict) else 0))
        options = {**(options if isinstance(options, dict) else {}), **more}
    scope.effects.direct(name, {} if options is None else options)


ACTIONS = {"noop": action(noop), "send_directive": action(send_directive)}
