"""The entries of the library's tables: operators, and members of modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Literal

from picosched.krl.scope import Value
from picosched.krl.values import VARARGS


@dataclass(frozen=True, slots=True)
class Operator:
    """`v.name(…)`, also `name(v, …)`: `run` takes the receiver first; if `scoped`, the Scope before it."""

    run: Callable[..., Value]
    scoped: bool = False
    calls: Literal["nothing", "some", "each"] = "nothing"
    """The functions it may call: "each" calls its second argument for each element of the first, and `run`
    takes the `steps` of one call by name, if the function does not count them."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what a call gives in order, the receiver first."""
        assert isinstance(self.run, FunctionType)
        code = self.run.__code__
        return code.co_varnames[1 if self.scoped else 0 : code.co_argcount]

    @property
    def takes_all(self) -> bool:
        """Whether it takes any number of arguments after those."""
        assert isinstance(self.run, FunctionType)
        return bool(self.run.__code__.co_flags & VARARGS)


@dataclass(frozen=True, slots=True)
class Member:
    """`module:name`. `run` takes the Scope first; for a value it takes nothing else. Calling a value runs
    `call`, which also takes the Scope first. "both" can be used as a function and as an action.
    `parameters` are the KRL names of a call's parameters.
    """

    kind: Literal["value", "function", "action", "both"]
    run: Callable[..., Value]
    parameters: tuple[str, ...] = ()
    call: Callable[..., Value] | None = None

    @property
    def acts(self) -> bool:
        """Whether it can be used as an action."""
        return self.kind in ("action", "both")


def value(run: Callable[..., Value], call: Callable[..., Value] | None = None) -> Member:
    """A member with a value, with or without parentheses."""
    return Member("value", run, parameters_of(call or run), call or run)


def function(run: Callable[..., Value]) -> Member:
    return Member("function", run, parameters_of(run))


def action(run: Callable[..., Value]) -> Member:
    return Member("action", run, parameters_of(run))


def both(run: Callable[..., Value]) -> Member:
    """A member that is both a function and an action."""
    return Member("both", run, parameters_of(run))


def parameters_of(run: Callable[..., Value]) -> tuple[str, ...]:
    """The names of the parameters after the Scope."""
    assert isinstance(run, FunctionType)
    return run.__code__.co_varnames[1 : run.__code__.co_argcount]
