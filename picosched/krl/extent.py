"""Limits on the size of a ruleset's text, so that compiling it takes at most a second or two.

Whatever comes after the parser is recursive, Python's compiler too. And that takes more than twice as long
for twice as many functions in one text, of which a rule is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.source import Source

DEEPEST = 1_000
"""How deep a tree may go: `1 + 1 + 1` goes two deep."""

MOST_RULES = 1_000
MOST_FUNCTIONS = 4_000


class Extent:
    """Checks the limits while the tree of one text is walked."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._depth = self._functions = 0

    def descend(self, node: syntax.Node) -> None:
        """Enter a node."""
        self._depth += 1
        if self._depth > DEEPEST:
            self._refuse(f"found forms nested more than {DEEPEST} deep", node)

    def ascend(self) -> None:
        """Leave it."""
        self._depth -= 1

    def rules(self, rules: Sequence[syntax.Rule]) -> None:
        """Check the number of rules."""
        if len(rules) > MOST_RULES:
            self._refuse(f"found more than {MOST_RULES:,} rules, wanted several rulesets", rules[MOST_RULES])

    def function(self, node: syntax.Node) -> None:
        """Count a function."""
        self._functions += 1
        if self._functions > MOST_FUNCTIONS:
            self._refuse(f"found more than {MOST_FUNCTIONS:,} functions, wanted several rulesets", node)

    def _refuse(self, message: str, node: syntax.Node) -> NoReturn:
        span = self._source.span(node.start, node.end)
        raise KrlError(message, span, code="too_large", kind="E003")
