"""What resolving the names of a ruleset gives: its faults, and the parts that cannot run.

The kind of a fault is its code; a warning's begins with W. A ruleset with only warnings can be installed.
Some of them stand for an error where the name is used; a rule of a classic ruleset with one of those is
inactive.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.names import kind_of
from picosched.krl.source import Source
from picosched.krl.walk import walk

AT_USE = frozenset(("E101", "E102", "E103", "E104", "E105", "E107", "E108", "E119"))
"""Faults that a classic ruleset may have: there they are an error where the name is used."""

MISUSES = frozenset(("W108", "W109", "W110", "W111", "W114"))
"""Warnings that stand for an error where the name is used."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The faults in a ruleset's names, and the parts of a classic ruleset that cannot run."""

    faults: list[KrlError]
    """In the order of the text."""
    classic: bool
    """Whether the ruleset was written for the classic engine."""
    inactive: dict[str, str]
    """The rules that cannot run, each with the reason."""
    unselectable: set[str]
    """Those of them whose `select` cannot be evaluated."""
    left_out: frozenset[str]
    """The values of `global` that cannot be evaluated."""

    @property
    def errors(self) -> list[KrlError]:
        return [each for each in self.faults if not is_warning(each)]

    @property
    def warnings(self) -> tuple[KrlError, ...]:
        return tuple(each for each in self.faults if is_warning(each))

    def runnable(self, tree: syntax.Ruleset) -> syntax.Ruleset:
        """The ruleset without what cannot run. Its inactive rules still select events, but do nothing."""
        last = {rule.name: rule for rule in tree.rules}  # in a classic ruleset two may have the same name
        if len(last) == len(tree.rules) and not self.inactive and not self.left_out:
            return tree
        rules = tuple(
            syntax.Rule(rule.name, rule.state, rule.select, start=rule.start, end=rule.end)
            if rule.name in self.inactive
            else rule
            for rule in tree.rules
            if rule is last[rule.name] and rule.name not in self.unselectable
        )
        kept = tuple(each for each in tree.globals if getattr(each, "name", None) not in self.left_out)
        return replace(tree, globals=kept, rules=rules)


def is_warning(fault: KrlError) -> bool:
    return fault.kind is not None and fault.kind.startswith("W")


def lacking(
    declarations: Sequence[syntax.Declaration], faults: Sequence[KrlError], source: Source
) -> dict[str, str]:
    """The values among the declarations that would fail, each with the reason.

    A value fails if it has a fault, or if it mentions a declaration that fails, directly or indirectly.
    """
    causes = _causes(declarations, faults, source)
    reasons = dict(causes)
    mentioning: dict[str, set[str]] = {}
    for each in declarations:
        for name in _mentioned(each.value):
            mentioning.setdefault(name, set()).add(each.name)
    failing = [*causes]
    for needed in failing:  # grows as it goes; each name is in it once
        for name in sorted(mentioning.get(needed, ())):
            if name not in causes:
                causes[name] = causes[needed]
                reasons[name] = f"it needs {needed}: {causes[needed]}"
                failing.append(name)
    return {each.name: reasons[each.name] for each in declarations
            if each.name in reasons and kind_of(each.value) == "value"}  # fmt: skip


def _causes(
    declarations: Sequence[syntax.Declaration], faults: Sequence[KrlError], source: Source
) -> dict[str, str]:
    """The declarations that have a fault themselves, each with its message."""
    starts = [source.place(each.start) for each in declarations]
    found: dict[str, str] = {}
    for fault in faults:
        if fault.span is None:
            continue
        place = fault.span.line, fault.span.column
        at = bisect_right(starts, place) - 1
        if at >= 0 and place < source.place(declarations[at].end):
            found[declarations[at].name] = fault.message
    return found


def _mentioned(value: syntax.Expression) -> Iterator[str]:
    """The names that an expression mentions."""
    for node in walk(value):
        match node:
            case syntax.Name():
                yield node.id
            case syntax.Method(domain=None):
                yield node.name
