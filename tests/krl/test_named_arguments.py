"""Arguments by name: a rule names what KRL knows, and reaches nothing of ours."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from krl.scopes import new_scope

from picosched import Engine
from picosched.errors import KrlError
from picosched.krl.compiler.runtime import bound
from picosched.krl.library import ACTIONS, MODULES, OPERATORS
from picosched.krl.running import running
from picosched.krl.values import call

TAKEN = "scope self run f args named own kwargs options others more value val".split()
"""Names that Python code has for its own parameters."""

LIBRARY: dict[str, Callable[..., Any]] = {
    **{
        f"{domain}:{name}": run
        for domain, members in MODULES.items()
        for name, member in members.items()
        for run in (member.run, member.call)
        if run is not None
    },
    **{name: operator.run for name, operator in OPERATORS.items() if operator.scoped},
    **{name: action.run for name, action in ACTIONS.items()},
}
"""All that takes a Scope."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.mark.parametrize("name", LIBRARY)
def test_no_name_of_an_argument_is_a_fault_of_ours(engine: Engine, name: str) -> None:
    run, scope = LIBRARY[name], new_scope()
    scope.effects = engine.loaded.load_pico(engine.root.id).effects
    for named in {*TAKEN, *inspect.signature(run).parameters}:
        for how in (
            lambda: call(bound(scope, run), (), {named: "x"}),  # noqa: B023
            lambda: call(run, (scope,), {named: "x"}, own=1),  # noqa: B023
        ):
            try:
                running(how)
            except KrlError as error:
                assert error.code != "internal", f"{name}({named}=…): {error}"


@pytest.mark.parametrize("name", [name for name, operator in OPERATORS.items() if not operator.scoped])
def test_no_name_of_an_operand_is_a_fault_of_ours(name: str) -> None:
    for named in TAKEN:
        try:
            running(lambda: call(OPERATORS[name].run, ("a",), {named: "x"}))  # noqa: B023
        except KrlError as error:
            assert error.code != "internal", f"{name}({named}=…): {error}"


HOLDER = """ruleset holder {
  meta { shares direct, held, both }
  global {
    direct = function() { math:random(scope="x", n=1) }
    held = function() { h = math:random  h(scope="x", n=1) }
    both = function() { h = function(scope, self) { [scope, self] }  h(self=1, scope=2) }
  }
  rule act { select when holder act every {
    send_directive("told", {"a": 1}) with scope = "mine" and self = 2
    noop(scope = 1)
    noop() with args = 1 and options = 2
  } }
}"""


def test_what_is_ours_has_no_name_in_krl(engine: Engine) -> None:
    engine.root.install(HOLDER)
    assert [engine.root.query("holder", name) for name in ("direct", "held", "both")] == [0, 0, [2, 1]]
    turn = engine.root.raise_event("holder", "act")
    assert turn.errors == []
    assert turn.directives[0].options == {"a": 1, "scope": "mine", "self": 2}


@pytest.mark.parametrize(
    ("action", "name", "options"),
    [
        ('send_directive("told") with name = "Al" and b = 2', "told", {"name": "Al", "b": 2}),
        (
            'send_directive("told", {"a": 1}) with name = "Al" and b = 2',
            "told",
            {"a": 1, "name": "Al", "b": 2},
        ),
        ('send_directive("told") with options = {"a": 1}', "told", {"a": 1}),
        ('send_directive(options = {"a": 1}, name = "told")', "told", {"a": 1}),
    ],
)
def test_a_directive_may_have_an_option_called_name(
    engine: Engine, action: str, name: str, options: dict[str, object]
) -> None:
    engine.root.install("ruleset named { rule r { select when t go %s } }" % action)
    (told,) = engine.root.raise_event("t", "go").directives
    assert (told.name, told.options) == (name, options)
