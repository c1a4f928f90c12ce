"""The layout of action blocks and of the actions that rulesets define."""

from __future__ import annotations

from collections.abc import Sequence

from picosched.krl import syntax
from picosched.krl.operators import INFIX
from picosched.krl.printer.document import BREAK, LINE, Doc, Group, Indent, joined
from picosched.krl.printer.expressions import arguments, parameters, shielded, with_body
from picosched.krl.printer.page import Page, Piece, lays_out

GOING_ON = INFIX.keys() | set(
    "and or before then after between within where with max min sum avg push".split()
)
"""Words that continue the construct before them, unless a semicolon ends it."""


def options(page: Page, nodes: Sequence[syntax.Declaration]) -> Doc:
    """`a = 1 and b = 2`"""
    return Group(Indent(joined([page.of(node) for node in nodes], (LINE, "and "))))


@lays_out(syntax.Action)
def action(page: Page, node: syntax.Action) -> Doc:
    label = f"{node.label} => " if node.label else ""
    _, close = page.margin.brackets_after(node.callee.end)
    found: list[Doc] = [label, name(node.callee), arguments(page, node.arguments, close)]
    if node.options:
        found += [" with ", options(page, node.options)]
    if node.setting:
        found.append(f" setting({', '.join(node.setting)})")
    return tuple(found)


def name(node: syntax.Name | syntax.Qualified) -> str:
    return node.id if isinstance(node, syntax.Name) else f"{node.domain}:{node.name}"


def beginning(page: Page, node: syntax.Action) -> int:
    """Where an action begins, with its label."""
    return page.margin.word_before(page.margin.word_before(node.start)) if node.label else node.start


def goes_on(node: syntax.Action) -> bool:
    """Whether an action begins with a word that could continue the construct before it."""
    return (node.label or name(node.callee)) in GOING_ON


def separated(pieces: list[Piece], piece: Piece, node: syntax.Action | None) -> list[Piece]:
    """Pieces and one more, with a semicolon between if an action could go on with the one before."""
    if pieces and node is not None and goes_on(node):
        last = pieces[-1]
        pieces[-1] = Piece(last.start, last.end, last.layout, ";")
    pieces.append(piece)
    return pieces


@lays_out(syntax.Ignored)
def ignored(page: Page, node: syntax.Ignored) -> Doc:
    page.margin.before(node.end)  # its comments are in its text
    return node.text


def with_actions(page: Page, pieces: list[Piece], block: syntax.ActionBlock) -> list[Piece]:
    """Pieces, and those of an action block with what classic constructs stand around it."""
    pieces += [page.piece(each) for place, each in block.ignored if place < 0]
    within = any(0 <= place <= len(block.actions) for place, _ in block.ignored)
    before = bool(block.ignored) and block.ignored[0][0] < 0
    if block.actions or block.condition or within or not before or block.order != "every":
        single = block.order == "one" and block.condition is None
        separated(pieces, page.piece(block), block.actions[0] if single else None)
    return pieces + [page.piece(each) for place, each in block.ignored if place > len(block.actions)]


@lays_out(syntax.ActionBlock)
def action_block(page: Page, node: syntax.ActionBlock) -> Doc:
    condition: Doc = ""
    if node.condition is not None:  # `if re#…#` after an event would be an attribute of that name
        condition = ("if ", shielded(page, node.condition, syntax.Regex), " then")
    if node.order == "one":
        single = page.of(node.actions[0])
        begins_line = page.margin.starts_line(beginning(page, node.actions[0]))
        return Group((condition, Indent((BREAK if begins_line else LINE, single)))) if condition else single
    head: list[Doc] = [condition, " " if condition else "", node.order, " "]
    if node.selector is not None:
        head += [selector(page, node.selector), " "]
    close = page.margin.close_before(node.end)
    pieces: list[Piece] = []
    for place in range(len(node.actions) + 1):
        pieces += [page.piece(each) for number, each in node.ignored if number == place]
        if place < len(node.actions):
            each = node.actions[place]
            start = beginning(page, each)
            separated(pieces, Piece(start, each.end, lambda each=each: page.of(each)), each)  # type: ignore[misc]
    return (*head, page.block(pieces, close))


def selector(page: Page, node: syntax.Expression) -> Doc:
    """What chooses: a name, a string or a call stand as they are, all else in parentheses."""
    match node:
        case syntax.Name() | syntax.Qualified():
            return name(node)
        case syntax.Persistent():
            return page.of(node)
        case syntax.Literal(value=str()):
            return page.of(node)
        case syntax.Call():
            callee = selector(page, node.callee)
            return (callee, arguments(page, node.arguments, node.end - 1))
    return ("(", page.of(node), ")")


@lays_out(syntax.Defaction)
def defaction(page: Page, node: syntax.Defaction) -> Doc:
    head = parameters(page, node)
    pieces: list[Piece] = []
    if node.configure:
        start = page.margin.word_before(page.margin.word_before(node.configure[0].start))
        end = node.configure[-1].end
        pieces.append(Piece(start, end, lambda: ("configure using ", options(page, node.configure))))
    pieces += [page.piece(each) for each in node.declarations]
    pieces = with_actions(page, pieces, node.actions)
    if node.result is not None:
        result = node.result
        start, _ = page.margin.unwrapped(result.start)
        start = page.margin.word_before(start)
        pieces.append(Piece(start, result.end, lambda: ("return ", page.of(result))))
    return with_body("defaction", head, page.block(pieces, node.end - 1, soft=True))
