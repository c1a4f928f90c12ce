"""The layout of rulesets, their meta and global blocks, and rules."""

from __future__ import annotations

from itertools import pairwise

from picosched.krl import syntax
from picosched.krl.printer.actions import options, with_actions
from picosched.krl.printer.document import LINE, Doc, Group, Indent, joined
from picosched.krl.printer.expressions import shielded
from picosched.krl.printer.page import Page, Piece, lays_out


@lays_out(syntax.Ruleset)
def ruleset(page: Page, node: syntax.Ruleset) -> Doc:
    pieces = []
    if node.meta:
        pieces.append(block(page, "meta", list(node.meta), _separators(node.meta)))
    if node.dispatch:
        pieces.append(page.piece(node.dispatch))
    if node.globals:
        pieces.append(block(page, "global", list(node.globals)))
    for rule in node.rules:
        _, close = page.margin.brackets_after(rule.end)
        start = page.margin.word_before(rule.start)
        pieces.append(Piece(start, close + 1, lambda rule=rule: page.of(rule)))  # type: ignore[misc]
    return (f"ruleset {node.rid} ", page.block(pieces, node.end - 1, spaced=True))


def block(
    page: Page, word: str, nodes: list[syntax.Node], behind: list[str] | None = None, *, soft: bool = False
) -> Piece:
    """A named block, one construct a line."""
    start, close = page.margin.block_around(nodes[0].start)
    ends = behind or [""] * len(nodes)

    def layout() -> Doc:
        pieces = [page.piece(node, end) for node, end in zip(nodes, ends, strict=True)]
        return (f"{word} ", page.block(pieces, close, soft=soft))

    return Piece(start, close + 1, layout)


# ---- meta -----------------------------------------------------------------------------------------


def _separators(nodes: tuple[syntax.Node, ...]) -> list[str]:
    """A semicolon after properties that the next one could continue."""
    found = [""] * len(nodes)
    for index, (node, follower) in enumerate(pairwise(nodes)):
        version = isinstance(follower, syntax.Property) and follower.key == "version"
        match node:
            case syntax.UseModule(version=None, alias=None, config=()) | syntax.ErrorsTo(version=None):
                found[index] = ";" if version else ""
            case syntax.Shares(key="provides", names=(syntax.Name(id="keys"),)):
                found[index] = ";"
    return found


@lays_out(syntax.Property)
def property_(page: Page, node: syntax.Property) -> Doc:
    if node.key in ("logging", "sharing", "authz", "dialect") and isinstance(node.value, syntax.Literal):
        return f"{node.key} {node.value.value}{' user' if node.key == 'authz' else ''}"
    return (f"{node.key} ", page.of(node.value))


def names(nodes: tuple[syntax.Name, ...]) -> Doc:
    return Group(Indent(joined([node.id for node in nodes], (",", LINE))))


@lays_out(syntax.Shares)
def shares(page: Page, node: syntax.Shares) -> Doc:
    return (f"{node.key} ", names(node.names))


@lays_out(syntax.ProvidesKeys)
def provides_keys(page: Page, node: syntax.ProvidesKeys) -> Doc:
    return ("provides keys ", names(node.keys), f" to {', '.join(node.rids)}")


@lays_out(syntax.Key)
def key(page: Page, node: syntax.Key) -> Doc:
    return (f"key {node.name} ", page.of(node.value))


@lays_out(syntax.UseModule)
def use_module(page: Page, node: syntax.UseModule) -> Doc:
    found: list[Doc] = [f"use module {node.rid}"]
    if node.version is not None:
        found += [" version ", page.of(node.version)]
    if node.alias:
        found.append(f" alias {node.alias}")
    if node.config:
        found += [" with ", options(page, node.config)]
    return tuple(found)


@lays_out(syntax.Configure)
def configure(page: Page, node: syntax.Configure) -> Doc:
    return ("configure using ", options(page, node.defaults))


@lays_out(syntax.Window)
def window(page: Page, node: syntax.Window) -> Doc:
    found: list[Doc] = [LINE, "from ", page.of(node.opens), LINE, "to ", page.of(node.closes)]
    if node.zone is not None:
        found += [LINE, "in ", page.of(node.zone)]
    return Group((f"window {node.name}", Indent(tuple(found))))


@lays_out(syntax.ErrorsTo)
def errors_to(page: Page, node: syntax.ErrorsTo) -> Doc:
    version: Doc = (" version ", page.of(node.version)) if node.version is not None else ""
    return (f"errors to {node.rid}", version)


# ---- rules ----------------------------------------------------------------------------------------


@lays_out(syntax.Rule)
def rule(page: Page, node: syntax.Rule) -> Doc:
    start, close = page.margin.brackets_after(node.end)
    pieces: list[Piece] = []
    if node.select is not None:
        event = node.select
        word = "where" if isinstance(event, syntax.AnyEvent) else "when"
        begin = page.margin.word_after(start)
        pieces.append(Piece(begin, event.end, lambda: (f"select {word} ", page.of(event))))
    pieces += [page.piece(each) for each in node.foreach]
    if node.prelude:
        pieces.append(block(page, "pre", list(node.prelude), soft=True))
    if node.actions is not None:
        pieces = with_actions(page, pieces, node.actions)
    if node.postlude is not None:
        pieces.append(page.piece(node.postlude))
    state = "" if node.state == "active" else f" is {node.state}"
    return (f"rule {node.name}{state} ", page.block(pieces, close))


@lays_out(syntax.Foreach)
def foreach(page: Page, node: syntax.Foreach) -> Doc:
    # `foreach re#…#` after an event would be an attribute of that name.
    return ("foreach ", shielded(page, node.over, syntax.Regex), f" setting({', '.join(node.setting)})")
