"""A compiled ruleset, immutable, and its instance in one pico.

`compile_ruleset(text)` parses, resolves and compiles; the KrlError it raises has all errors it finds.
`Ruleset.instantiate(scope)` evaluates the globals in one pico; the `Instance` runs its rules and functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

from picosched.errors import KrlError, PicoschedError
from picosched.krl import grammar, syntax
from picosched.krl.compiler import compile_body, compile_tree, running
from picosched.krl.event_expression import Selection
from picosched.krl.resolver import resolve, resolve_body
from picosched.krl.scope import Event, Scope, Value
from picosched.krl.source import Source
from picosched.krl.values import MISSING, Action
from picosched.krl.windows import declared, follows

NOTHING: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """The outcome of a rule's passes."""

    fired: int
    notfired: int
    last: bool


class Ruleset:
    """A compiled ruleset, shared by all picos that have it."""

    def __init__(self, source: Source, tree: syntax.Ruleset) -> None:
        self.source = source
        self.tree = tree
        self.rid = tree.rid
        self.hash = hashlib.sha256(source.text.encode("utf-8", "surrogatepass")).hexdigest()
        self._function, self.rules = compile_tree(tree, source)
        self.shares = frozenset(_listed(tree, "shares")) | {"__testing"}
        self.provides = frozenset(_listed(tree, "provides"))
        self.uses = tuple(each.rid for each in tree.meta if isinstance(each, syntax.UseModule))
        self.keys_to = {
            (rid, name.id)
            for each in tree.meta
            if isinstance(each, syntax.ProvidesKeys)
            for rid in each.rids
            for name in each.keys
        }
        """(rid, name) of the keys that it provides to other rulesets."""
        self.windows = declared(tree, source)
        self.errors_to = next((each.rid for each in tree.meta if isinstance(each, syntax.ErrorsTo)), None)
        self.meta = {
            each.key: each.value.value
            for each in tree.meta
            if isinstance(each, syntax.Property) and isinstance(each.value, syntax.Literal)
        }
        from_text = source.name.startswith("<")  # then it has no origin
        self.meta |= {"hash": self.hash, "url": None if from_text else source.name}
        self._salient: dict[str, tuple[int, ...]] = {}
        for index, rule in enumerate(self.rules):
            for key in rule.select.keys:
                self._salient[key] = (*self._salient.get(key, NOTHING), index)
        self._any = self._salient.pop("*", NOTHING)
        if self._any:
            self._salient = {key: tuple(sorted({*found, *self._any})) for key, found in self._salient.items()}

    @property
    def name(self) -> str:
        return str(self.meta.get("name", self.rid))

    def salient(self, domain: str, type: str) -> tuple[int, ...]:
        """The numbers of the rules whose `select` mentions such an event, in the order of the text."""
        return self._salient.get(f"{domain}:{type}", self._any)

    def instantiate(
        self, scope: Scope, use: Callable[[str, Mapping[str, Value]], Mapping[str, Value]]
    ) -> Instance:
        """Evaluate the globals in one pico. `use(rid, config)` gives what a module provides."""
        exported, rules = running(self._function, scope, use)
        return Instance(
            self, scope, {**exported, "__testing": exported.get("__testing", self.testing)}, rules
        )

    @cached_property
    def testing(self) -> dict[str, Any]:
        """The queries and events of a ruleset, for the Node engine's console."""
        functions = {
            each.name: each.value for each in self.tree.globals if isinstance(each, syntax.Declaration)
        }
        queries = []
        for name in ["__testing", *_listed(self.tree, "shares")]:
            function = functions.get(name)
            parameters = function.parameters if isinstance(function, syntax.Function) else ()
            queries.append({"name": name, "args": [each.name for each in parameters]})
        events = [
            {"domain": each.domain, "name": each.type, "attrs": [pattern.name for pattern in each.attributes]}
            for each in self.selected
        ]
        return {"queries": queries, "events": events}

    @cached_property
    def selected(self) -> list[syntax.EventPrimitive]:
        """The primitive events that its rules select."""
        return [
            each
            for rule in self.tree.rules
            if rule.state == "active" and rule.select is not None
            for each in primitives(rule.select)
        ]

    def follows(self, window: str) -> bool:
        """Whether a rule selects an edge of this window."""
        return follows(self.selected, window)


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


MOST_BYTES = 2_000_000
"""The limit for a ruleset file."""


def compile_ruleset(text: str | Path, name: str | None = None) -> Ruleset:
    """Compile a ruleset from its text, or from a file: a Path, or a str that is the path of one.

    Raises KrlError; its `others` are all further errors in the text.
    """
    if isinstance(text, Path) or ("{" not in text and "\n" not in text and text.endswith(".krl")):
        name, text = name or str(text), read_source(Path(text))
    source = Source(name or "<ruleset>", text)
    tree = grammar.parse(source)
    _refuse(resolve(tree, source))
    return Ruleset(source, tree)


def read_source(path: Path) -> str:
    """The text of a ruleset file. PicoschedError if it does not exist or is not UTF-8."""
    try:
        with path.open("rb") as file:
            found = file.read(MOST_BYTES + 1)
        if len(found) > MOST_BYTES:
            raise PicoschedError(f"{path} has more than {MOST_BYTES:,} bytes, wanted a ruleset", "too_large")
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise PicoschedError(
            f"{path} is not UTF-8: found the byte 0x{cause.object[cause.start]:02x} at offset {cause.start}"
        ) from cause
    except FileNotFoundError as cause:
        raise PicoschedError(f"there is no file {path}", "not_found") from cause
    except OSError as cause:
        raise PicoschedError(f"cannot read {path}: {cause.strerror}") from cause


def evaluate_body(text: str, scope: Scope, name: str = "<expression>") -> Value:
    """The value of an expression, optionally preceded by declarations, in a scope."""
    source = Source(name, text)
    tree = grammar.parse_body(source)
    _refuse(resolve_body(tree, source))
    return running(compile_body(tree, source), scope)


def primitives(event: syntax.EventExpression) -> list[syntax.EventPrimitive]:
    """The primitive events of an event expression."""
    match event:
        case syntax.EventPrimitive():
            return [event]
        case syntax.EventOperation() | syntax.EventGroup():
            return [found for operand in event.operands for found in primitives(operand)]
        case syntax.EventWithin():
            return primitives(event.event)
    return []


def _refuse(faults: list[KrlError]) -> None:
    if faults:
        first = faults[0]
        raise KrlError(first.message, first.span, others=tuple(faults[1:]))


def _listed(tree: syntax.Ruleset, key: str) -> list[str]:
    return [
        name.id
        for each in tree.meta
        if isinstance(each, syntax.Shares) and each.key == key
        for name in each.names
    ]


def _called(function: FunctionType, args: Mapping[str, Value]) -> Value:
    """Call a function with named arguments; an omitted argument is missing, an explicit null is null."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    values = [args.get(name.partition(".")[0], MISSING) for name in names]
    return function(
        *(default if value is MISSING else value for value, default in zip(values, defaults, strict=True))
    )
