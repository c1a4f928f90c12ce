"""A compiled ruleset, immutable, and its instance in one pico.

`compile_ruleset(text)` parses, resolves and compiles; the KrlError it raises has all errors it finds.
`Ruleset.instantiate(scope)` evaluates the globals in one pico; the `Instance` runs its rules and functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

from picosched.errors import KrlError, PicoschedError
from picosched.frozen import frozen
from picosched.krl import grammar, syntax
from picosched.krl.compiler import compile_body, compile_tree, running
from picosched.krl.event_expression import Selection
from picosched.krl.resolver import resolve, resolve_body
from picosched.krl.scope import Event, Scope, Value
from picosched.krl.source import Source
from picosched.krl.testing import NAME, shared, testing
from picosched.krl.values import MISSING, Action
from picosched.krl.windows import declared, follows

NOTHING: tuple[int, ...] = ()


@frozen
class Ran:
    """The outcome of a rule's passes."""

    fired: int
    notfired: int
    last: bool


class Ruleset:
    """A compiled ruleset, shared by all picos that have it. KrlError for errors in its names."""

    def __init__(self, source: Source, tree: syntax.Ruleset) -> None:
        resolved = resolve(tree, source)
        _refuse(resolved.errors)
        tree = resolved.runnable(tree)
        self.source = source
        self.tree = tree
        self.rid = tree.rid
        self.warnings = resolved.warnings
        """Errors in names that count only where the name is used, and rules that cannot run."""
        self.classic = resolved.classic
        """Whether it was written for the classic engine."""
        self.inactive = resolved.inactive
        """The rules that cannot run, each with the reason: they select events, and do nothing."""
        self.hash = hashlib.sha256(source.text.encode("utf-8", "surrogatepass")).hexdigest()
        self._function, self.rules = compile_tree(tree, source)
        self.shares = frozenset(shared(tree, "shares")) | {NAME}
        self.provides = frozenset(shared(tree, "provides"))
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
        self.meta = _described(tree)
        from_text = source.name.startswith("<")  # then it has no origin
        self.meta |= {"hash": self.hash, "url": None if from_text else source.name}
        self._salient: dict[str, tuple[int, ...]] = {}
        for index, rule in enumerate(self.rules):
            for key in rule.select.keys:
                self._salient[key] = (*self._salient.get(key, NOTHING), index)
        self._any = self._salient.pop("*", NOTHING)
        if self._any:
            self._salient = {key: tuple(sorted({*found, *self._any})) for key, found in self._salient.items()}

    def __repr__(self) -> str:
        return f"<Ruleset {self.rid} of {self.source.name}>"

    @property
    def name(self) -> str:
        return str(self.meta.get("name", self.rid))

    def salient(self, domain: str, type: str) -> tuple[int, ...]:
        """The numbers of the rules whose `select` mentions such an event, in the order of the text."""
        return self._salient.get(f"{domain}:{type}", self._any)

    def instantiate(
        self, scope: Scope, use: Callable[[str, Mapping[str, Value]], Mapping[str, Value] | None]
    ) -> Instance:
        """Evaluate the globals in one pico.

        `use(rid, config)` gives what a module provides; None is an error where the module is used.
        """
        exported, rules = running(self._function, scope, use)
        return Instance(self, scope, {NAME: self.testing, **exported}, rules)

    @cached_property
    def testing(self) -> dict[str, Any]:
        """What `__testing` is unless `global` declares it."""
        return testing(self.tree)

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
    return Ruleset(source, grammar.parse(source))


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


def _described(tree: syntax.Ruleset) -> dict[str, Value]:
    """What its `meta` says about a ruleset, as plain values."""
    found: dict[str, Value] = {}
    for each in tree.meta:
        match each:
            case syntax.Property(key=key, value=syntax.Literal(value=value)):
                found[key] = value
            case syntax.Property(key=key, value=syntax.Chevron(parts=parts)):
                texts = [part for part in parts if isinstance(part, str)]
                if len(texts) == len(parts):
                    found[key] = "".join(texts)
            case syntax.Shares(key=key, names=names):
                found[key] = [*found.get(key, ()), *(name.id for name in names)]
            case syntax.UseModule(rid=rid, alias=alias):
                use = {"kind": "module", "rid": rid, "alias": alias or rid}
                found["use"] = [*found.get("use", ()), use]
    return found


def _called(function: FunctionType, args: Mapping[str, Value]) -> Value:
    """Call a function with named arguments; an omitted argument is missing, an explicit null is null."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    values = [args.get(name.partition(".")[0], MISSING) for name in names]
    return function(
        *(default if value is MISSING else value for value, default in zip(values, defaults, strict=True))
    )
