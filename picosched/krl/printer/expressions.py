"""The layout of expressions: parentheses where precedence needs them, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from picosched.krl import syntax
from picosched.krl.operators import COMPARISON, CONDITIONAL, INFIX, OR, PREFIXED, PRIMARY, TRAIL
from picosched.krl.printer import literals
from picosched.krl.printer.document import (
    BREAK,
    LINE,
    Choice,
    Doc,
    Group,
    Indent,
    breaks,
    broken,
    flattened,
)
from picosched.krl.printer.page import Page, Piece, lays_out

TRAIL_WORDS = ("current", "history", "seen")
"""Before many a word these are no names."""
FEW = 2
"""A chain of more method calls may stand one a line."""


def binding(node: syntax.Expression) -> int:
    match node:
        case syntax.Conditional():
            return CONDITIONAL
        case syntax.Infix():
            return INFIX[node.operator].level
        case syntax.Prefix():
            return PREFIXED
        case syntax.Current() | syntax.Seen():
            return TRAIL
        case syntax.Name() if node.id in TRAIL_WORDS:
            return TRAIL
    return PRIMARY


def sides(node: syntax.Infix) -> tuple[int, int]:
    """How tightly the operands of an infix operator have to bind: the left, the right."""
    sign = INFIX[node.operator]
    return sign.level + (sign.kind != "left"), sign.level + (sign.kind != "right")


def first_operand(node: syntax.Expression) -> syntax.Expression | None:
    """The part that an expression's text begins with; None if that is a parenthesis."""
    while True:
        match node:
            case syntax.Infix():
                inner, level = node.left, sides(node)[0]
            case syntax.Conditional():
                inner, level = node.test, OR
            case syntax.Index() | syntax.Path() | syntax.Member() | syntax.Method():
                inner, level = node.receiver, PRIMARY
            case syntax.Call():
                inner, level = node.callee, PRIMARY
            case syntax.Group() | syntax.Lately():
                return None
            case _:
                return node
        if binding(inner) < level and not isinstance(inner, syntax.Name):
            return None
        node = inner


def last_operand(node: syntax.Expression) -> syntax.Expression:
    """The part that an expression's text ends with."""
    while True:
        match node:
            case syntax.Infix() if binding(node.right) >= sides(node)[1]:
                node = node.right
            case syntax.Prefix() if binding(node.operand) >= PREFIXED:
                node = node.operand
            case syntax.Conditional():
                node = node.otherwise
            case _:
                return node


def shielded(page: Page, node: syntax.Expression, *types: type) -> Doc:
    """An expression whose first operand has parentheses if it is of one of these types."""
    first = first_operand(node)
    if isinstance(first, types):
        page.shielded = first
    return page.of(node)


def operand(page: Page, node: syntax.Expression, level: int) -> Doc:
    """An expression where one is wanted that binds as tightly as `level`, or tighter."""
    if level > TRAIL and isinstance(node, syntax.Name):
        return bare(page, node)
    return page.of(node) if binding(node) >= level else enclosed(page, node)


def enclosed(page: Page, node: syntax.Expression) -> Doc:
    return ("(", alone(page, node), ")")


def alone(page: Page, node: syntax.Expression) -> Doc:
    """An expression that nothing follows but a bracket, a comma or the like."""
    return bare(page, node) if isinstance(node, syntax.Name) else page.of(node)


def bare(page: Page, node: syntax.Name) -> Doc:
    return f"({node.id})" if page.shields(node) else node.id


# ---- literals and names ---------------------------------------------------------------------------


@lays_out(syntax.Literal)
def literal(page: Page, node: syntax.Literal) -> Doc:
    words = {None: "null", True: "true", False: "false"}
    match node.value:
        case None | bool():
            return words[node.value]
        case str():
            return literals.string(node.value)
    return literals.number(node.value)


@lays_out(syntax.Regex)
def regex(page: Page, node: syntax.Regex) -> Doc:
    text = literals.regex(node.pattern, node.flags)
    if text is None:
        raise ValueError(f"no regular expression of KRL can be written as {node.pattern!r}")
    return text


@lays_out(syntax.Chevron)
def chevron(page: Page, node: syntax.Chevron) -> Doc:
    found: list[Doc] = []
    for index, part in enumerate(node.parts):
        if isinstance(part, str):
            found.append(literals.chevron_text(part, index == len(node.parts) - 1))
        else:
            found.append(("#{", flattened(alone(page, part)), "}"))
    return ("<<", *found, ">>")


@lays_out(syntax.Name)
def name(page: Page, node: syntax.Name) -> Doc:
    return f"({node.id})" if node.id in TRAIL_WORDS else node.id


@lays_out(syntax.Qualified)
def qualified(page: Page, node: syntax.Qualified) -> Doc:
    return f"{node.domain}:{node.name}"


@lays_out(syntax.Persistent)
def persistent(page: Page, node: syntax.Persistent) -> Doc:
    return f"{node.kind}:{node.name}"


@lays_out(syntax.Group)
def group(page: Page, node: syntax.Group) -> Doc:
    return enclosed(page, node.inner)


# ---- arrays and maps ------------------------------------------------------------------------------


@lays_out(syntax.Array)
def array(page: Page, node: syntax.Array) -> Doc:
    return page.listed("[]", items(page, node.items), node.start, node.end - 1)


def items(page: Page, nodes: Sequence[syntax.Expression]) -> list[Piece]:
    return [Piece(node.start, node.end, lambda node=node: alone(page, node)) for node in nodes]  # type: ignore[misc]


@lays_out(syntax.Map)
def map(page: Page, node: syntax.Map) -> Doc:
    pieces = [
        Piece(key.start, value.end, lambda key=key, value=value: entry(page, key, value))  # type: ignore[misc]
        for key, value in node.entries
    ]
    return page.listed("{}", pieces, node.start, node.end - 1)


def entry(page: Page, key: syntax.Expression, value: syntax.Expression) -> Doc:
    return (map_key(page, key), ": ", alone(page, value))


def map_key(page: Page, key: syntax.Expression) -> Doc:
    """A key. A word before a colon is a key of that name, so other words there need parentheses."""
    if isinstance(key, syntax.Name):
        return f"({key.id})" if key.id in ("ent", "app") else key.id
    of_module = _method_of_module(key)
    if isinstance(key, syntax.Member):
        page.shielded = of_module  # parentheses around a member would not be the same
    elif of_module or isinstance(last_operand(key), syntax.Name):
        return enclosed(page, key)
    return page.of(key) if page.shielded else shielded(page, key, syntax.Qualified)


def _method_of_module(node: syntax.Expression) -> syntax.Method | None:
    """A `receiver.domain:name()` that stands in no brackets of its own."""
    parts: list[syntax.Expression] = [node]
    while parts:
        match parts.pop():
            case syntax.Method() as node if node.domain:
                return node
            case syntax.Method() | syntax.Member() | syntax.Index() | syntax.Path() as node:
                parts.append(node.receiver)
            case syntax.Call() as node:
                parts.append(node.callee)
            case syntax.Infix() as node:
                parts += [node.left, node.right]
            case syntax.Prefix() as node:
                parts.append(node.operand)
            case syntax.Conditional() as node:
                parts += [node.test, node.then, node.otherwise]
    return None


# ---- chains ---------------------------------------------------------------------------------------

Postfix: TypeAlias = syntax.Member | syntax.Method | syntax.Index | syntax.Path | syntax.Call


@lays_out(syntax.Member, syntax.Method, syntax.Index, syntax.Path, syntax.Call)
def chain(page: Page, node: syntax.Expression) -> Doc:
    """`head.method(arguments){path}`: on one line, or with the last arguments broken, or a method a line."""
    nodes: list[Postfix] = []
    while isinstance(node, Postfix) and node is not page.shielded:
        nodes.append(node)
        node = node.callee if isinstance(node, syntax.Call) else node.receiver
    head = operand(page, node, PRIMARY)
    links = [link(page, each) for each in reversed(nodes)]
    methods = sum(isinstance(each, syntax.Method) for each in nodes)
    layouts: list[Doc] = []
    opened = broken(links[-1])
    if opened is not None and not breaks((head, *links[:-1])):
        layouts.append((head, *links[:-1], opened))
    rows: list[Doc] = [
        (BREAK, doc) if isinstance(each, syntax.Method) else doc
        for each, doc in zip(reversed(nodes), links, strict=True)
    ]
    layouts.append((head, Indent(tuple(rows))) if methods > FEW else (head, *links))
    return Choice((head, *links), *layouts)


def link(page: Page, node: Postfix) -> Doc:
    match node:
        case syntax.Member():
            return f".{node.name}"
        case syntax.Index():
            return ("[", alone(page, node.index), "]")
        case syntax.Path():
            return ("{", alone(page, node.path), "}")
        case syntax.Call():
            return arguments(page, node.arguments, node.end - 1)
    name = f"{node.domain}:{node.name}" if node.domain else node.name
    return (f".{name}", arguments(page, node.arguments, node.end - 1))


def arguments(page: Page, nodes: Sequence[syntax.Argument], close: int) -> Doc:
    """`(arguments)`; the last may be broken alone if it is a map, an array or a function."""
    kinds = (syntax.Map, syntax.Array, syntax.Function, syntax.Defaction)
    hug = bool(nodes) and isinstance(nodes[-1].value, kinds)
    pieces = [page.piece(node) for node in nodes]
    return page.listed("()", pieces, page.margin.open_of(close), close, hug=hug)


@lays_out(syntax.Argument)
def argument(page: Page, node: syntax.Argument) -> Doc:
    return alone(page, node.value) if node.name is None else (node.name, " = ", alone(page, node.value))


# ---- functions ------------------------------------------------------------------------------------


@lays_out(syntax.Parameter)
def parameter(page: Page, node: syntax.Parameter) -> Doc:
    return node.name if node.default is None else (node.name, " = ", alone(page, node.default))


@lays_out(syntax.Declaration)
def declaration(page: Page, node: syntax.Declaration) -> Doc:
    return (node.name, " = ", page.of(node.value))


@lays_out(syntax.Function)
def function(page: Page, node: syntax.Function) -> Doc:
    start, returns = page.margin.unwrapped(node.result.start, "return")
    head = parameters(page, node)
    pieces = [page.piece(each) for each in node.declarations]
    if pieces and not returns:  # a line break alone ends nothing
        pieces[-1] = page.piece(node.declarations[-1], ";")
    word = "return " if returns else ""
    pieces.append(Piece(start, node.result.end, lambda: (word, page.of(node.result))))
    return with_body("function", head, page.block(pieces, node.end - 1, soft=True))


def with_body(word: str, head: Doc, body: Doc) -> Doc:
    """A function or an action: the body is broken before the parameters are."""
    whole = (word, head, " ", body)
    opened = broken(body)
    return whole if opened is None or breaks(head) else Choice(whole, (word, head, " ", opened), whole)


def parameters(page: Page, node: syntax.Function | syntax.Defaction) -> Doc:
    start, end = page.margin.brackets_after(node.start)
    return page.listed("()", [page.piece(each) for each in node.parameters], start, end)


# ---- operators ------------------------------------------------------------------------------------


@lays_out(syntax.Prefix)
def prefix(page: Page, node: syntax.Prefix) -> Doc:
    sign = f"{node.operator} " if node.operator.isalpha() else node.operator
    return (sign, operand(page, node.operand, PREFIXED))


@lays_out(syntax.Infix)
def infix(page: Page, node: syntax.Infix) -> Doc:
    left, right = sides(node)
    steps = [node]
    while isinstance(node.left, syntax.Infix) and binding(node.left) == left < right:
        node = node.left
        steps.append(node)
    first = operand(page, node.left, left)
    rest = [(LINE, step.operator, " ", operand(page, step.right, right)) for step in reversed(steps)]
    return Group((first, Indent(tuple(rest))))


@lays_out(syntax.Conditional)
def conditional(page: Page, node: syntax.Conditional) -> Doc:
    first = _choice(page, node)
    rest: list[Doc] = []
    while isinstance(node.otherwise, syntax.Conditional):
        node = node.otherwise
        rest += [LINE, "| ", _choice(page, node)]
    rest += [LINE, "| ", page.of(node.otherwise)]
    return Group((first, Indent(tuple(rest))))


def _choice(page: Page, node: syntax.Conditional) -> Doc:
    return (operand(page, node.test, OR), " => ", operand(page, node.then, OR))


# ---- trails ---------------------------------------------------------------------------------------


@lays_out(syntax.Current)
def current(page: Page, node: syntax.Current) -> Doc:
    trail = page.of(node.trail)
    if isinstance(node.place, syntax.Literal) and repr(node.place.value) == "0":
        return ("current ", trail)
    # Before anything else `history` is a name.
    number = isinstance(node.place, syntax.Literal) and type(node.place.value) in (int, float)
    plain = number or isinstance(node.place, syntax.Name | syntax.Qualified | syntax.Persistent)
    place = operand(page, node.place, PRIMARY) if plain else enclosed(page, node.place)
    return ("history ", place, " ", trail)


@lays_out(syntax.Seen)
def seen(page: Page, node: syntax.Seen) -> Doc:
    found: list[Doc] = ["seen ", operand(page, node.pattern, PRIMARY)]
    if node.order and node.other:
        found += [f" {node.order} ", operand(page, node.other, PRIMARY)]
    found += [" in ", page.of(node.trail)]
    if node.within:
        found += [" ", page.of(node.within)]
    return tuple(found)


@lays_out(syntax.Lately)
def lately(page: Page, node: syntax.Lately) -> Doc:
    # Directly after a `seen` the time would be its own.
    seen_last = isinstance(last_operand(node.condition), syntax.Seen)
    condition = enclosed(page, node.condition) if seen_last else operand(page, node.condition, COMPARISON)
    # In a `where` without parentheses the time would be that of the event.
    return ("(", condition, " ", page.of(node.within), ")")


@lays_out(syntax.Within)
def within(page: Page, node: syntax.Within) -> Doc:
    plural = "" if isinstance(node.amount, syntax.Literal) and node.amount.value == 1 else "s"
    first = first_operand(node.amount)
    if isinstance(first, syntax.Regex):
        page.shielded = first  # `within re#…#` would be an attribute of that name
    return ("within ", operand(page, node.amount, OR), f" {node.period}{plural}")
