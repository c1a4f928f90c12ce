"""A ruleset in one pico: runs its rules, answers queries.

It is apart from `ruleset`, because that imports the whole language. Commands that only look at a database
do not need it, so modules that they import may name `Ruleset` for types alone, and import `compile_ruleset`
where they call it; `tests/cli/test_cold.py` checks that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

from picosched.errors import PicoschedError
from picosched.frozen import frozen
from picosched.krl.running import running
from picosched.krl.scope import Event, Scope, Value
from picosched.krl.values import MISSING, Action

if TYPE_CHECKING:
    from picosched.krl.event_expression import Selection
    from picosched.krl.ruleset import Ruleset


@frozen
class Ran:
    """The outcome of a rule's passes."""

    fired: int
    notfired: int
    last: bool


def instantiate(
    ruleset: Ruleset,
    scope: Scope,
    use: Callable[[str, Mapping[str, Value]], Mapping[str, Value] | None],
) -> Instance:
    """Evaluate the globals of a ruleset in one pico.

    `use(rid, config)` gives what a module provides; None is an error where the module is used.
    """
    exported, rules = running(ruleset.function, scope, use)
    return Instance(ruleset, scope, {**ruleset.implied, **exported}, rules)


class Instance:
    """A ruleset in one pico, with its globals evaluated."""

    def __init__(
        self, ruleset: Ruleset, scope: Scope, globals: dict[str, Value], rules: Sequence[tuple[Any, ...]]
    ) -> None:
        self.ruleset = ruleset
        self.scope = scope
        self.globals = globals
        self._rules = rules

    @property
    def provided(self) -> dict[str, Value]:
        """The names this module provides."""
        return {name: value for name, value in self.globals.items() if name in self.ruleset.provides}

    def keys_for(self, rid: str) -> dict[str, Value]:
        """The keys that this module provides to a ruleset."""
        own = self.scope.keys.own
        return {name: own[name] for to, name in self.ruleset.keys_to if to == rid and name in own}

    def select(self, index: int, event: Event, state: Any) -> Selection:
        """Whether an event selects a rule whose event expression is in this state."""
        _, matchers, limits = self._rules[index]
        selection: Selection = running(
            self.ruleset.rules[index].select.advance, state, event, matchers, limits
        )
        return selection

    def run(self, index: int, bindings: Mapping[str, Value]) -> Ran:
        """Run a selected rule; its effects are collected in the scope's effects."""
        return Ran(*running(self._rules[index][0], bindings))

    def query(self, name: str, args: Mapping[str, Value]) -> Value:
        """The value of a shared name; a function is called with named arguments."""
        shared = self.globals.get(name)
        if name not in self.ruleset.shares or name not in self.globals:
            raise PicoschedError(f"{self.ruleset.rid} shares no {name}", "not_found")
        if isinstance(shared, Action):
            raise PicoschedError(f"{name} is an action: it cannot answer a query")
        if not isinstance(shared, FunctionType):
            return shared
        return running(_called, shared, args)


def _called(function: FunctionType, args: Mapping[str, Value]) -> Value:
    """Call a function with named arguments; an omitted argument is missing, an explicit null is null."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    values = [args.get(name.partition(".")[0], MISSING) for name in names]
    return function(
        *(default if value is MISSING else value for value, default in zip(values, defaults, strict=True))
    )
