"""The classic dialect: beestings in ordinary strings too.

So reads a ruleset whose meta says `dialect classic`, and one that nobody would write for this engine.
`"sum #{1 + 1}"` is then a chevron in all but its quotes, so that is what the tree says. Strings are read
before meta is, hence this second look at a tree that is already there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.lexer import new_lexer
from picosched.krl.source import Source

Parse = Callable[[int, int], syntax.Expression]
"""The expression that stands between two offsets of the text."""


def is_classic(tree: syntax.Ruleset) -> bool:
    """Whether the ruleset declares the classic dialect."""
    return any(isinstance(each, syntax.Property) and each.key == "dialect" for each in tree.meta)


def with_beestings(node: Any, source: Source, parse: Parse) -> Any:
    """The tree with every string containing a beesting turned into a chevron."""
    if isinstance(node, tuple):
        return tuple(with_beestings(each, source, parse) for each in node)
    if not isinstance(node, syntax.Node):
        return node
    if isinstance(node, syntax.Literal):
        quoted = source.text[node.start : node.start + 1] in ('"', "'")
        return _chevron(node, source, parse) if quoted and "#{" in node.value else node
    changes = {each.name: with_beestings(getattr(node, each.name), source, parse) for each in fields(node)}
    return replace(node, **changes)


def _chevron(node: syntax.Literal, source: Source, parse: Parse) -> syntax.Chevron:
    quote = source.text[node.start]
    end = node.end - 1
    parts: list[str | syntax.Expression] = []
    place = node.start + 1
    while (bee := source.text.find("#{", place, end)) >= 0:
        close = _close(source, bee + 2, end)
        parts += [_unescaped(source.text[place:bee], quote), parse(bee + 2, close)]
        place = close + 1
    parts.append(_unescaped(source.text[place:end], quote))
    kept = tuple(part for part in parts if part != "")
    return syntax.Chevron(kept, start=node.start, end=node.end)


def _unescaped(text: str, quote: str) -> str:
    return text.replace("\\" + quote, quote).replace("\\\\", "\\")


def _close(source: Source, start: int, end: int) -> int:
    """The offset of the brace that closes a beesting."""
    lexer = new_lexer(source, start, end)
    lexer.push_state("INITIAL")
    lexer.braces.append(0)
    for token in iter(lexer.token, None):
        if token.type == "BEE_CLOSE" and not lexer.braces:
            return int(token.lexpos)
    raise KrlError("found no end to this beesting, wanted }", source.span(start - 2, end))
