"""Runs compiled code: a ruleset in one pico, and what gives errors their positions in the text.

It is apart from `ruleset` and the compiler, because they import the whole language. Commands that only look
at a database do not need it, so modules that they import may name `Ruleset` for types alone, and import
`compile_ruleset` where they call it; `tests/cli/test_cold.py` checks that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from types import FunctionType, TracebackType
from typing import TYPE_CHECKING, Any

from picosched.errors import KrlError, PicoschedError, Span
from picosched.frozen import frozen
from picosched.krl.scope import Event, Scope, Value
from picosched.krl.source import Source
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

    def awaited(self, index: int, state: Any) -> str:
        """What a rule waits for whose event expression is in this state."""
        from picosched.krl.awaited import awaited  # late, as it is seldom wanted

        select = self.ruleset.rules[index].select
        try:
            return str(running(awaited, select, state, self._rules[index][2]))
        except KrlError:  # its `within` has no limit that can be told now
            return awaited(select, state)

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


def running(run: Callable[..., Any], *args: Any) -> Any:
    """Run compiled code; any error becomes a KrlError with its position in the text."""
    try:
        return run(*args)
    except KrlError as error:
        place(error, error)
        raise
    except Exception as error:
        found = _as_krl(error)
        place(found, error)
        raise found from error


def _as_krl(error: Exception) -> KrlError:
    if isinstance(error, PicoschedError):
        return KrlError(error.message, code=error.code)
    if isinstance(error, NameError) and error.name:
        return KrlError(f"{error.name.partition('.')[0]} has no value yet: it is declared further down")
    if isinstance(error, RecursionError):
        return KrlError("calls are nested too deep", code="too_large")
    if isinstance(error, MemoryError):
        return KrlError("a value is too large for the memory there is", code="too_large")
    return KrlError(f"{type(error).__name__}: {error}", code="internal")


def place(krl: KrlError, error: BaseException) -> None:
    """Set an error's span from its traceback: the innermost KRL position."""
    traceback = error.__traceback__ if krl.span is None else None
    inside: list[TracebackType] = []
    while traceback is not None:
        if ".source" in traceback.tb_frame.f_globals:
            inside.append(traceback)
        traceback = traceback.tb_next
    for each in reversed(inside):  # the first one mostly has a place, and to find it takes the whole code
        positions = each.tb_frame.f_code.co_positions()
        position = next(islice(positions, each.tb_lasti // 2, None))
        source: Source = each.tb_frame.f_globals[".source"]
        krl.span = _span(source, *position)
        if krl.span is not None:
            krl.text = source.text
            return


def _span(
    source: Source, line: int | None, end_line: int | None, column: int | None, end_column: int | None
) -> Span | None:
    """Python counts columns from 0 and in bytes of UTF-8."""
    if line is None or end_line is None or column is None or end_column is None:
        return None
    start, end = _characters(source, line, column), _characters(source, end_line, end_column)
    return Span(source.name, line, start, end_line, end)


def _characters(source: Source, line: int, column: int) -> int:
    return len(source.line(line).encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace")) + 1
