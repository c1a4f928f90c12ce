"""Formats trees as text: `printed(tree)`, and `formatted(text)`, which also keeps comments and empty lines.

There is one layout, and one spelling of each construct: a text is parsed, and its tree is printed with the
comments and empty lines of the text. So two rules hold by the way it is made: the tree of what is printed is
the tree that was printed, and what is laid out once stays as it is. Four steps, each in a module:

1. `margin` reads from the text what the tree has not: comments, empty lines, where brackets close.
2. `expressions`, `events`, `actions`, `statements` and `rules` say how each construct is laid out, as a
   document whose lines may break in many ways. Parentheses and semicolons stand where the grammar would read
   something else without them.
3. `page` puts constructs in rows, and comments among them.
4. `document` decides where lines break, and writes.

What an author chose is kept where both choices are good: `return` before a result, a line break behind
`then`, `with a = 1` for attributes, `notfired` before `fired`. Classic constructs without effect are kept
letter by letter.
"""

from __future__ import annotations

import sys

from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.grammar import parse
from picosched.krl.printer import actions, events, expressions, rules, statements
from picosched.krl.printer.document import rendered
from picosched.krl.printer.margin import Margin
from picosched.krl.printer.page import Page, Piece
from picosched.krl.source import source_of

__all__ = ["formatted", "printed"]

PARTS = (expressions, events, actions, statements, rules)
"""The modules in which each construct's layout is said: to import them is to make them known to `Page`."""


# A construct takes some ten Python frames, and the lexer lets brackets nest 200 deep. They take no C stack.
FRAMES = 20_000


def printed(tree: syntax.Ruleset) -> str:
    """A tree as the text of a ruleset, which parses to the same tree."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), FRAMES))
    return rendered(Page(Margin()).of(tree)) + "\n"


def formatted(text: str, name: str | None = None) -> str:
    """The formatted text of a ruleset, with all its comments. KrlError if it is not valid KRL."""
    source = source_of(text, name)
    tree = parse(source)
    page = Page(Margin(source))
    sys.setrecursionlimit(max(sys.getrecursionlimit(), FRAMES))
    try:
        found = page.rows([Piece(tree.start, tree.end, lambda: page.of(tree))], len(text) + 1)
        return rendered(found.lines()) + "\n"
    except RecursionError as cause:
        raise KrlError("found syntax nested too deep to print", source.span(0, 0)) from cause
