"""Positions of things the tree does not record: the names of a `setting`, opening brackets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from picosched.krl import syntax
from picosched.krl.lexer import tokens_of
from picosched.krl.source import Source

BRACKETS = ("LPAREN", "LBRACKET", "LBRACE")


class Places:
    """The tokens of a text, for looking up positions."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._tokens = tokens_of(source)
        self._starts = [token.lexpos for token in self._tokens]

    def settings(self, node: syntax.Node, names: Sequence[str]) -> list[syntax.Name]:
        """The names that a construct binds by `setting(…)`, or an aggregator by `max(…)`, in their places."""
        words = [token for token in self._inside(node) if token.type == "WORD"]
        if isinstance(node, syntax.EventGroup):  # the names of an aggregator come last of all
            words = words[-len(names) :] if names else []
        else:
            last = max((i for i, token in enumerate(words) if token.value == "setting"), default=-1)
            words = words[last + 1 :]
        found = []
        for name, token in zip_longest(names, words[: len(names)]):
            known = token is not None and token.value == name
            place = (token.lexpos, token.endlexpos) if known else (node.start, node.end)
            found.append(syntax.Name(name, start=place[0], end=place[1]))
        return found

    def continued(self, node: syntax.Index | syntax.Path | syntax.Call | syntax.Method) -> Any:
        """The bracket that continues an expression, if it is on a later line."""
        before = node.callee if isinstance(node, syntax.Call) else node.receiver
        index = bisect_left(self._starts, before.end)
        while index < len(self._tokens) and self._tokens[index].type == "RPAREN":
            index += 1
        if isinstance(node, syntax.Method):
            while index < len(self._tokens) and self._tokens[index].type in ("DOT", "WORD", "COLON"):
                index += 1
        if not 0 < index < len(self._tokens):
            return None
        bracket, last = self._tokens[index], self._tokens[index - 1]
        if bracket.type not in BRACKETS or bracket.lexpos >= node.end:
            return None  # in a string of the classic dialect, which is one token
        return bracket if self._line(last.endlexpos) < self._line(bracket.lexpos) else None

    def _line(self, offset: int) -> int:
        return self.source.place(offset)[0]

    def _inside(self, node: syntax.Node) -> Sequence[Any]:
        return self._tokens[bisect_left(self._starts, node.start) : bisect_left(self._starts, node.end)]
