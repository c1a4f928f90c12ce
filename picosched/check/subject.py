"""A ruleset under analysis, with the information the checks need and the findings they report."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

from picosched.check.bindings import Bindings, Bound
from picosched.check.finding import Finding
from picosched.check.places import Places
from picosched.errors import PicoschedError
from picosched.krl import syntax
from picosched.krl.classic import for_classic
from picosched.krl.grammar.classic import is_classic
from picosched.krl.source import Source
from picosched.krl.walk import walk
from picosched.settings import Settings
from picosched.timespec.almanac import PLAIN, Almanac
from picosched.timespec.timespec import Timespec


class Subject:
    """A ruleset under analysis."""

    def __init__(
        self,
        tree: syntax.Ruleset,
        source: Source,
        inactive: Collection[str] = (),
        almanac: Almanac = PLAIN,
        now: datetime | None = None,
        as_classic: bool = False,
        settings: Settings | None = None,
    ) -> None:
        """`inactive` names the rules that cannot run; timespecs are read with `almanac`.

        `as_classic` asks for what the classic engine lacks. `settings` are None if they are not known.
        """
        self.settings = settings or Settings()
        self.knows_settings = settings is not None
        self.almanac = almanac
        self.now = now
        self.inactive = frozenset(inactive)
        self.as_classic = as_classic
        self.tree = tree
        self.source = source
        self.findings: list[Finding] = []

    def say(self, code: str, message: str, node: syntax.Node) -> None:
        self.findings.append(Finding.of(code, message, self.source.span(node.start, node.end)))

    def timespec(self, spec: str | dict[str, Any], zone: str, node: syntax.Node) -> Timespec | None:
        """The timespec that a node gives; None if it cannot be read, which is reported.

        The settings of the engine that will run the ruleset may name calendars that nobody knows here: an
        unknown one is a warning.
        """
        try:
            timespec = Timespec.parse(spec, zone, self.almanac)
        except PicoschedError as error:
            if error.code == "invalid":
                self.say("E304", error.message, node)
            else:
                self.say("W408", f"{error.message}; the settings of the engine must have it", node)
            return None
        ending = None if self.now is None else timespec.ending(self.now)
        if ending:
            self.say("W409", ending, node)
        if timespec.plain_business_days:
            said = "business days are Monday to Friday unless business_days is set"
            self.say("W410", f'{said}, or a calendar is named: business days of "DE-BY"', node)
        return timespec

    @cached_property
    def places(self) -> Places:
        return Places(self.source)

    @cached_property
    def bindings(self) -> Bindings:
        return Bindings(self.tree, self.places, self.inactive)

    @cached_property
    def classic(self) -> bool:
        return is_classic(self.tree)

    @cached_property
    def for_classic(self) -> bool:
        """Whether it was written for the classic engine, be it in its dialect or not."""
        return for_classic(self.tree)

    @property
    def rules(self) -> list[syntax.Rule]:
        """The active rules; inactive ones, and those that cannot run, are not checked."""
        return [
            rule for rule in self.tree.rules if rule.state != "inactive" and rule.name not in self.inactive
        ]

    @cached_property
    def nodes(self) -> tuple[syntax.Node, ...]:
        """All nodes except those of inactive rules."""
        return tuple(walk(*self.tree.meta, *self.tree.globals, *self.rules))

    @cached_property
    def modules(self) -> frozenset[str]:
        """The modules that the ruleset uses, by their aliases: what they hold is not known here."""
        used = {each.alias or each.rid for each in self.tree.meta if isinstance(each, syntax.UseModule)}
        return frozenset(used | {"keys"})

    def meaning(self, node: syntax.Node) -> Bound | None:
        """What a name is bound to in this ruleset."""
        return self.bindings.meaning(node)

    def constant(self, node: syntax.Node) -> syntax.Literal | None:
        """The literal value of an expression, directly or through a name."""
        found = self.meant(node)
        return found if isinstance(found, syntax.Literal) else None

    def meant(self, node: syntax.Node) -> syntax.Node:
        """The expression bound to a name, if known; other expressions are returned unchanged."""
        for _ in range(len(self.bindings.all) + 1):
            bound = self.meaning(node) if isinstance(node, syntax.Name) else None
            if bound is None or bound.kind not in ("global", "value") or bound.value is None:
                break
            node = bound.value
        return node

    def text(self, node: syntax.Node | None) -> str | None:
        """The string that an expression is, if that is known."""
        literal = None if node is None else self.constant(node)
        return literal.value if literal is not None and isinstance(literal.value, str) else None

    def declarations(self) -> Iterator[syntax.Declaration]:
        """What gives a name a value, other than the names of arguments."""
        for node in self.nodes:
            match node:
                case syntax.Rule():
                    yield from node.prelude
                case syntax.Function() | syntax.Defaction():
                    yield from node.declarations
                case syntax.Local():
                    yield node.declaration
        yield from (each for each in self.tree.globals if isinstance(each, syntax.Declaration))
