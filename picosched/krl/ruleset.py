"""A compiled ruleset, immutable.

`compile_ruleset(text)` parses, resolves and compiles; the KrlError it raises has all errors it finds.
`running.instantiate` evaluates the globals in one pico; the `Instance` runs its rules and functions.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

from picosched.errors import KrlError
from picosched.krl import grammar, syntax
from picosched.krl.compiler import compile_tree
from picosched.krl.resolver import resolve
from picosched.krl.scope import Value
from picosched.krl.source import Source, read_source, source_of
from picosched.krl.testing import NAME, shared, testing
from picosched.krl.windows import Edges, declared

NOTHING: tuple[int, ...] = ()


class Ruleset:
    """A compiled ruleset, shared by all picos that have it. KrlError for errors in its names."""

    def __init__(self, source: Source, tree: syntax.Ruleset, origin: str | None = None) -> None:
        resolved = resolve(tree, source)
        refuse(resolved.errors)
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
        self.function, self.rules = compile_tree(tree, source)
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
        self.window_variables = frozenset(
            variable for each in self.windows.values() for variable in each.variables
        )
        """The entity variables that its windows depend on."""
        self.errors_to = next((each.rid for each in tree.meta if isinstance(each, syntax.ErrorsTo)), None)
        self.meta = _described(tree)
        self.meta |= {"hash": self.hash, "url": origin}
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

    @cached_property
    def implied(self) -> dict[str, Value]:
        """The globals that every ruleset has: `__testing`, unless it declares its own."""
        return {NAME: testing(self.tree)}

    @cached_property
    def selected(self) -> list[syntax.EventPrimitive]:
        """The primitive events that its rules select."""
        return [
            each
            for rule in self.tree.rules
            if rule.state == "active" and rule.select is not None
            for each in primitives(rule.select)
        ]

    @cached_property
    def edges(self) -> Edges:
        """The edges of windows that its rules select."""
        return Edges(self.rid, self.selected)

    def follows(self, window: str) -> bool:
        """Whether a rule selects an edge of this window."""
        return self.edges.of(window)


def compile_ruleset(text: str | Path, name: str | None = None) -> Ruleset:
    """Compile a ruleset from its text, or from a file: a Path, or a str that is the path of one.

    Raises KrlError; its `others` are all further errors in the text.
    """
    if isinstance(text, Path) or ("{" not in text and "\n" not in text and text.endswith(".krl")):
        name, text = name or str(text), read_source(Path(text))
    source = source_of(text, name)
    return Ruleset(source, grammar.parse(source), name)


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


def refuse(faults: list[KrlError]) -> None:
    """Raise the first of the errors, which has the others, if there is one."""
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
