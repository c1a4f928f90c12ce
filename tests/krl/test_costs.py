"""Everything that a rule can call pays for what it does: no operator and no library function is left out.

Each is tried with what is large in each of its places, and asked what a step of its bill is worth in time: no
more than a few times a step of plain KRL, measured beside it. What does not pay for its size shows at once,
for then a step is worth thousands. A new operator or function is tried by itself; one that accepts nothing of
what it is offered needs a row in ACCEPTED.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from itertools import product
from time import thread_time
from types import FunctionType
from typing import Any

import pytest
from scopes import NoEffects, new_scope

from picosched import Engine, KrlError, Store, VirtualClock
from picosched.clock import parse_time
from picosched.krl import operators
from picosched.krl.allowed import AllowedProgram
from picosched.krl.body import evaluate_body
from picosched.krl.budget import Budget, Limits
from picosched.krl.compiler.runtime import RUNTIME
from picosched.krl.library import ACTIONS, MODULES, OPERATORS
from picosched.krl.library.engine import ENGINE
from picosched.krl.library.http import HTTP
from picosched.krl.pattern import Regex
from picosched.krl.scope import Scope
from picosched.krl.size import spending
from picosched.pico.channel import Channel
from picosched.pico.evaluate import start
from picosched.pico.event import Event
from picosched.pico.said import Unanswered
from picosched.pico.turn import Turn
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings

pytestmark = pytest.mark.slow

WORTH = 10
"""A step may take so many times what one of plain KRL takes. In truth it is a few; the machine is shared."""
SIZES = (500, 20_000, 800_000)
"""Characters of the texts that are tried; arrays and maps have a sixteenth of that."""
ENOUGH = 0.001
"""Seconds from which on a call shows what its steps are worth."""

VAST = 10**15
Try = tuple[str, Callable[[int], list[Any]]]
"""What something is tried with: in words, and the arguments by their size."""
Tries = list[Try]
LIMITS = Limits(
    max_steps=VAST,
    max_turn_steps=VAST,
    max_turn_bytes=VAST,
    max_value_bytes=100_000_000,
    max_raised=VAST,
    max_seconds=1_000_000,
    max_regex_seconds=1_000_000,
)
RULESET = "ruleset demo { meta { shares f } global { f = function(){ 1 } } }"

LARGE_ONE = object()
"""Each large value in turn."""
URL = "http://example.org/"
EVENT = ("eci", "domain", "type")
MOMENT = "2026-03-01 10:00"
ACCEPTED: dict[str, list[tuple[Any, ...]]] = {
    "pick": [(LARGE_ONE, path) for path in ("$..*", "$[*]", "$[?(@.a > 5)]", "$[0:-1]", "$[?(@ like '9')]")],
    "sort": [(LARGE_ONE, "numeric"), (LARGE_ONE, "ciremun")],
    "ctx:journal": [(10,)],
    **{
        f"event:{name}": [({"text": LARGE_ONE},), ({"kind": "at"},)]
        for name in ("delete_all", "find", "pause_all", "resume_all")
    },
    "event:reschedule": [("id", LARGE_ONE), ("id", "0 9 * * *")],
    "event:fires": [("id",), ("id", 1_000)],
    **{f"time:{name}": [(MOMENT,)] for name in ("atom", "httptime", "new")},
    "time:compare": [(MOMENT, MOMENT)],
    "time:date_between": [(1, 1, 2026, 12, 31, 2026)],
    "time:strftime": [(MOMENT, "%A" * 400)],
    "csv:encode": [([LARGE_ONE],), ([[LARGE_ONE]],), ([{"a": LARGE_ONE}],)],
    "csv:from_array": [([LARGE_ONE],)],
    "ctx:event": [(*EVENT, {"a": LARGE_ONE}, host) for host in (None, "https://e.example")],
    "ctx:raiseEvent": [("domain", "type", LARGE_ONE), ("domain", "type", {"a": LARGE_ONE}, LARGE_ONE)],
    "event:send": [
        ({"eci": "eci", "domain": "d", "type": "t", "attrs": {"a": LARGE_ONE}, "host": host},)
        for host in (None, "https://e.example")
    ],
    "math:hash": [("sha3_512", LARGE_ONE)],
    "math:hmac": [("sha3_512", LARGE_ONE, LARGE_ONE)],
    "time:add": [(1, {"days": LARGE_ONE}), ("2026-03-01 10:00", {"months": 2})],
    "proc:run": [("/bin/true", LARGE_ONE), ("/bin/true", [], {"stdin": LARGE_ONE, "env": {"a": "b"}})],
    "source:add": [({"type": "metronome", "every": LARGE_ONE},)],
    "ctx:newPico": [([], LARGE_ONE), ([], "name", [{"tags": LARGE_ONE}])],
    "ctx:query": [("eci", "rid", "name", LARGE_ONE)],
    "ctx:eventQuery": [("other", "d", "t", {"a": LARGE_ONE}, "rid", "name", {"a": LARGE_ONE})],
    "engine:newChannel": [(None, LARGE_ONE, LARGE_ONE)],
    "engine:removePico": [(LARGE_ONE,)],
    **{
        f"engine:{name}": [(None,)]
        for name in ("getParent", "listChannels", "listChildren", "listInstalledRIDs", "newPico")
    },
    **{
        f"http:{name}": [(URL, LARGE_ONE), (URL, {"a": LARGE_ONE}, {"b": LARGE_ONE}, LARGE_ONE)]
        for name in HTTP
    },
}
"""Arguments for what accepts little of what all are offered."""


REFUSING = {
    "ctx:delChannel",
    "ctx:delPico",
    "ctx:install",
    "ctx:putChannel",
    "ctx:query",
    "ctx:uninstall",
    "source:add",
    *(f"engine:{name}" for name in ENGINE),
    *(f"window:{name}" for name in ("closes", "open", "opens")),
}
"""What accepts only something that is there; a refusal is paid as well."""


@lru_cache(maxsize=2 * len(SIZES))
def large(size: int, copy: int) -> dict[str, Any]:
    """Values of that size; another `copy` is equal and shares nothing."""
    count = size // 16
    text = "ab3%c,d\n " * (size // 9 + 1)
    return {
        "a text": text[: size - copy],
        "a text of many alphabets": ("aé€😀" * size)[: size - copy],
        "JSON": f"[{'1.0,' * (size // 4)}1]",
        "numbers": [(each * 7919) % count + 0.5 for each in range(count)],
        "texts": [f"t{(each * 7919) % count}" for each in range(count)],
        "arrays": [[each] for each in range(count)],
        "a map": {f"k{each}": each for each in range(count)},
    }


LARGE = tuple(large(16, 0))


def small(budget: Budget) -> dict[str, Any]:
    def given(a: Any = None, b: Any = None) -> Any:
        """What a function of a ruleset is to the library: it gives its argument back, for a step."""
        budget.steps -= 1
        if budget.steps < 0:
            budget.spent()
        return a

    return {"null": None, "a function": given, "a RegExp": Regex("[ab]3", "g"), "a word": "b", "a number": 3}


SMALL = tuple(small(Budget(LIMITS)))


@lru_cache(maxsize=1)
def plain_step() -> float:
    """Seconds that a step of plain KRL takes: a function called for each element, a sum, a text."""
    best = 1.0
    for _ in range(5):
        scope = new_scope(LIMITS)
        begun = thread_time()
        evaluate_body('0.range(20000).map(function(x){ x * 1.5 + "abc" })', scope)
        best = min(best, (thread_time() - begun) / scope.budget.taken)
    return best


def combinations(least: int, most: int) -> Iterator[tuple[str, ...]]:
    """What is large, and small, in one or two places, or in two of three."""
    if least < 2 and most:
        yield from ((name,) for name in LARGE)
    if most > 1:
        yield from product(LARGE, SMALL)
        yield from product(("null", "a word"), LARGE)
        yield from zip(LARGE, LARGE, strict=True)
    if most > 2:
        yield from product(("a text", "texts", "a map"), ("a RegExp", "a number"), ("null", "a text"))


def offers(name: str, run: Callable[..., Any], budget: Budget) -> Iterator[Try]:
    """What to try it with: in words, and the arguments by their size."""
    for names in combinations(*places_of(run)):

        def named(size: int, names: tuple[str, ...] = names) -> list[Any]:
            values = [large(size, copy) | small(budget) for copy in range(2)]
            return [values[place % 2][each] for place, each in enumerate(names)]

        yield ", ".join(names), named
    for row, each in product(ACCEPTED.get(name, ()), LARGE):

        def filled(size: int, row: Any = row, each: str = each) -> list[Any]:
            return [with_large(part, large(size, 0)[each]) for part in row]

        yield f"a row with {each}", filled


def with_large(part: Any, value: Any) -> Any:
    if part is LARGE_ONE:
        return value
    if isinstance(part, list):
        return [with_large(each, value) for each in part]
    return {key: with_large(each, value) for key, each in part.items()} if isinstance(part, dict) else part


def places_of(run: Callable[..., Any]) -> tuple[int, int]:
    """How many arguments it takes, at the least and at the most."""
    parameters = inspect.signature(run).parameters.values()
    placed = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    most = 2 if any(each.kind is each.VAR_POSITIONAL for each in parameters) else len(placed)
    return sum(each.default is each.empty for each in placed), most


def dearest(name: str, run: Callable[..., Any], budget: Budget, tries: Tries) -> tuple[float, str]:
    """What a step of it is worth at the most, in seconds, and what it was given then.

    What regular expressions take is bounded by their seconds, and paid by them.
    """
    worst, told, accepted = 0.0, "", not tries
    gc.disable()  # it would fall to whoever makes the last of many
    for words, arguments in tries:
        for size in SIZES:
            given = arguments(size)
            before, searching, begun = budget.taken, budget.seconds_to_search(), thread_time()
            try:
                run(*given)
                accepted = True
            except Unanswered:  # it would have asked the world outside
                accepted = True
            except KrlError as error:
                if error.code == "too_large":
                    break
            took = thread_time() - begun - (searching - budget.seconds_to_search())
            paid = max(1.0, budget.taken - before)
            if took > ENOUGH / 4 and took / paid > worst:
                worst, told = took / paid, f"{words} of {size}: {took:.4f} s, {paid:.0f} steps"
            if took > ENOUGH:
                break
    gc.enable()
    assert accepted or name in REFUSING, f"{name} accepts none of what it is offered: add a row to ACCEPTED"
    return worst, told


def check(name: str, run: Callable[..., Any], budget: Budget, tries: Tries | None = None) -> None:
    tries = [*offers(name, run, budget)] if tries is None else tries
    worst, told = dearest(name, run, budget, tries)
    if worst > WORTH * plain_step():  # once more: somebody else may have had the machine
        plain_step.cache_clear()
        worst, told = dearest(name, run, budget, tries)
    assert worst <= WORTH * plain_step(), f"{name}: a step takes {worst / plain_step():.0f} of KRL's: {told}"


def with_a_large_record(store: Store, pico_id: str) -> None:
    """An event to come with the id "id", among very many records of another one of its pico."""
    time = parse_time("2026-03-01T00:00:00Z")
    with store.transaction():
        store.agenda.add(Scheduled("id", pico_id, "demo", "t", "later", {}, "at", time, time))
        store._database.run(
            """INSERT INTO fire (scheduled, nominal, pico, fired, lateness, outcome, rules)
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                SELECT 'another', i, ?, i, 0, 'fired', '[]' FROM n""",
            (pico_id,),
        )


@pytest.fixture(scope="module")
def in_a_rule() -> Iterator[Scope]:
    """The scope of a ruleset in the root pico of an engine, with a rule that speaks about an event."""
    with Engine(
        clock=VirtualClock(), settings=Settings(limits=LIMITS, proc_allow=(AllowedProgram("/bin/true"),))
    ) as engine:
        engine.root.install(RULESET)
        other = engine.new_pico("other")
        with_a_large_record(engine.store, engine.root.id)
        with engine.store.transaction():
            engine.store.picos.new_channel(Channel("eci", engine.root.id), engine.now())
            engine.store.picos.new_channel(Channel("other", other.id), engine.now())
        pico = engine.loaded.load_pico(engine.root.id)
        scope = start(pico, "demo").scope
        scope.event = Event("t", "go", {}, "eid", engine.now())
        pico.effects.begin_turn(Turn("eid", pico.id, engine.now()), scope.event, engine.settings)
        yield scope


def anew(scope: Scope, run: Callable[..., Any]) -> Callable[..., Any]:
    """The same as the first thing that a rule says."""
    effects: Any = scope.effects

    @wraps(run)
    def first(*args: Any) -> None:
        effects.begin("demo", "rule", scope.event, 0)
        effects.asked = 0
        try:
            run(scope, *args)
        finally:
            effects.drop()

    parameters = list(inspect.signature(run).parameters.values())
    first.__signature__ = inspect.Signature(parameters[1:])  # type: ignore[attr-defined]
    return first


@pytest.mark.parametrize(
    "name", [name for name, operator in OPERATORS.items() if not operator.scoped and name != "query"]
)
def test_an_operator_pays_for_its_work(name: str) -> None:
    budget = Budget(LIMITS)
    with spending(budget):
        check(name, OPERATORS[name].run, budget)


SIGNS: dict[str, Callable[..., Any]] = {
    **{f"{sign.text} {sign.kind}": sign.run for sign in operators.SIGNS if sign.run},
    "x[]": operators.index,
    "x{}": operators.path,
}


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_pays_for_its_work(sign: str) -> None:
    budget = Budget(LIMITS)
    with spending(budget):
        check(sign, SIGNS[sign], budget)


def trail(size: int) -> list[Any]:
    return [[f"place {each}", each] for each in range(size // 16)]


class Variable(NoEffects):
    """Effects with one variable, which stays as it is."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def entity(self, rid: str, name: str, *, whole: bool = True) -> Any:
        return self.value

    def set_entity(self, rid: str, name: str, value: Any) -> None:
        pass


STATEMENTS: dict[str, Callable[[int], list[Any]]] = {
    ".joined": lambda size: [["ab" * 4] * (size // 16)],
    ".event_name": lambda size: [f"a: {'b ' * size}"],
    ".rids": lambda size: [[1.5] * (size // 16)],
    ".passes": lambda size: ["a" * size],
    ".counted": lambda size: ["a" * size, "b" * size, None],
    ".unmatched": lambda size: [{"a": "b" * size}, "a", "does not match"],
    ".false_where": lambda size: ["is false", ["a"], ["b" * size]],
    ".marked": lambda size: [trail(size), 1, 0.0],
    ".forgotten": lambda size: [trail(size), "nowhere"],
    ".place_of": lambda size: [trail(size), 1],
    ".seen": lambda size: [trail(size), "nowhere", 0.0, None],
    ".seen_in_order": lambda size: [trail(size), "nowhere", "before", "else"],
    ".element": lambda size: [Variable(trail(size)), "rid", "name", ["1"] * size],
    ".set_element": lambda size: [Variable(trail(size)), "rid", "name", "1", 1],
    ".clear_element": lambda size: [Variable(trail(size)), "rid", "name", "1"],
    ".attributes": lambda size: [{f"a{each}": each for each in range(size // 16)}],
    ".text": lambda size: [[1] * size],
    ".truth": lambda size: [[1] * size],
    ".milliseconds": lambda size: ["1" * size, "day"],
}
"""What compiled code calls beside the operators, with what is large for it."""
SMALL_CALLS = {
    ".act",
    ".act_filled",
    ".attribute_text",
    ".bound",
    ".call",
    ".call_filled",
    ".clock_seconds",
    ".kept_set",
    ".key",
    ".own_keys",
    ".pick_one",
    ".provided",
    ".unusable",
    ".word",
}
"""What makes nothing, and goes through nothing."""


def test_all_that_compiled_code_calls_is_tried() -> None:
    called = {name for name, run in RUNTIME.items() if isinstance(run, FunctionType)}
    signs = [name for name, run in RUNTIME.items() if run in SIGNS.values()]
    assert len(signs) == len(SIGNS)
    assert called == {*signs, *STATEMENTS} | SMALL_CALLS


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_compiled_code_calls_pays_for_its_work(name: str) -> None:
    budget = Budget(LIMITS)
    with spending(budget):
        check(name, RUNTIME[name], budget, [(name, STATEMENTS[name])])


MEMBERS = {
    **{name: operator.run for name, operator in OPERATORS.items() if operator.scoped},
    **{name: member.run for name, member in ACTIONS.items()},
    **{
        f"{module}:{name}": member.call or member.run
        for module, members in MODULES.items()
        for name, member in members.items()
    },
}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_function_or_action_of_the_library_pays_for_its_work(name: str, in_a_rule: Scope) -> None:
    with spending(in_a_rule.budget):
        check(name, anew(in_a_rule, MEMBERS[name]), in_a_rule.budget)
