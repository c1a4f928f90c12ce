"""What the tables of the library hold: operators, and the members of modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Literal

from picosched.krl.scope import Value


@dataclass(frozen=True, slots=True)
class Operator:
    """`v.name(…)`, also `name(v, …)`: `run` is given the receiver first; if `scoped`, the Scope before it."""

    run: Callable[..., Value]
    scoped: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """`module:name`. `run` takes the Scope first; of a value it takes nothing else.

    A value may be called as well: that is `call`, which also takes the Scope first. What is "both" runs
    where a function stands and where an action does. `parameters` are the KRL names of what a call takes.
    """

    kind: Literal["value", "function", "action", "both"]
    run: Callable[..., Value]
    parameters: tuple[str, ...] = ()
    call: Callable[..., Value] | None = None

    @property
    def acts(self) -> bool:
        """Whether it may stand where an action does."""
        return self.kind in ("action", "both")


def value(run: Callable[..., Value], call: Callable[..., Value] | None = None) -> Member:
    """A member that stands for a value, bare or called."""
    return Member("value", run, parameters_of(call or run), call or run)


def function(run: Callable[..., Value]) -> Member:
    return Member("function", run, parameters_of(run))


def action(run: Callable[..., Value]) -> Member:
    return Member("action", run, parameters_of(run))


def both(run: Callable[..., Value]) -> Member:
    """A function that is an action too."""
    return Member("both", run, parameters_of(run))


def parameters_of(run: Callable[..., Value]) -> tuple[str, ...]:
    """The names of the parameters after the Scope."""
    assert isinstance(run, FunctionType)
    return run.__code__.co_varnames[1 : run.__code__.co_argcount]
