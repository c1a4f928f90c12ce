"""The layout of postludes and the statements in them."""

from __future__ import annotations

from picosched.krl import syntax
from picosched.krl.operators import PRIMARY
from picosched.krl.printer.actions import options
from picosched.krl.printer.document import LINE, Doc, Group, Indent
from picosched.krl.printer.expressions import alone, first_operand, operand, shielded
from picosched.krl.printer.page import Page, lays_out

BEGINNINGS = frozenset("raise schedule log error last clear set mark forget if".split())
"""Behind a flag that is set, these words begin the next statement or a guard."""


@lays_out(syntax.Postlude)
def postlude(page: Page, node: syntax.Postlude) -> Doc:
    blocks = [("fired", node.fired), ("notfired", node.notfired)]
    if node.fired and node.notfired and node.notfired[0].start < node.fired[0].start:
        blocks.reverse()
    found: list[Doc] = []
    for word, statements in blocks:
        if statements:
            found += [" else " if found else f"{word} ", block(page, statements)]
    if node.final or not found:
        close = node.end - 1
        pieces = [page.piece(each) for each in node.final]
        found += [" finally " if found else "always ", page.block(pieces, close)]
    return tuple(found)


def block(page: Page, nodes: tuple[syntax.Statement, ...]) -> Doc:
    _, close = page.margin.block_around(nodes[0].start)
    return page.block([page.piece(each) for each in nodes], close)


@lays_out(syntax.Guarded)
def guarded(page: Page, node: syntax.Guarded) -> Doc:
    statement = page.of(node.statement)
    condition = node.guard.condition
    return (statement, " on final" if condition is None else (" if ", page.of(condition)))


def target(page: Page, node: syntax.Assign | syntax.Set | syntax.Count | syntax.Clear) -> Doc:
    if node.path is None:
        return page.of(node.target)
    first, last = "[]" if page.margin.follows("[", node.target.end) else "{}"
    return (page.of(node.target), first, alone(page, node.path), last)


@lays_out(syntax.Assign)
def assign(page: Page, node: syntax.Assign) -> Doc:
    return (target(page, node), " := ", page.of(node.value))


@lays_out(syntax.Set)
def set_(page: Page, node: syntax.Set) -> Doc:
    head: Doc = ("set ", target(page, node))
    if node.value is None:
        return head
    first = first_operand(node.value)
    next_statement = isinstance(first, syntax.Name) and first.id in BEGINNINGS
    path = node.path is None and isinstance(first, syntax.Map | syntax.Array)
    if next_statement or path or isinstance(first, syntax.Persistent):
        page.shielded = first
    return (head, " ", page.of(node.value))


@lays_out(syntax.Count)
def count(page: Page, node: syntax.Count) -> Doc:
    found = (target(page, node), f" {node.operator} ", page.of(node.step))
    return found if node.begin is None else (*found, " from ", page.of(node.begin))


@lays_out(syntax.Clear)
def clear(page: Page, node: syntax.Clear) -> Doc:
    return ("clear ", target(page, node))


@lays_out(syntax.Mark)
def mark(page: Page, node: syntax.Mark) -> Doc:
    trail = page.of(node.trail)
    return ("mark ", trail) if node.value is None else ("mark ", trail, " with ", page.of(node.value))


@lays_out(syntax.Forget)
def forget(page: Page, node: syntax.Forget) -> Doc:
    return ("forget ", operand(page, node.pattern, PRIMARY), " in ", page.of(node.trail))


@lays_out(syntax.Local)
def local(page: Page, node: syntax.Local) -> Doc:
    return page.of(node.declaration)


@lays_out(syntax.Raise)
def raise_(page: Page, node: syntax.Raise) -> Doc:
    head: list[Doc] = ["raise ", *event_name(page, node)]
    if node.rids is not None:
        head += [" for ", page.of(node.rids)]
    return clauses(tuple(head), attributes(page, node.attributes))


@lays_out(syntax.ScheduleEvent)
def schedule_event(page: Page, node: syntax.ScheduleEvent) -> Doc:
    head: list[Doc] = ["schedule ", *event_name(page, node)]
    if node.at is not None:
        head += [" at ", page.of(node.at)]
    elif node.repeat is not None:
        head += [" repeat ", shielded(page, node.repeat, syntax.Prefix)]
    setting = [f"setting({node.setting})"] if node.setting else []
    return clauses(tuple(head), [*attributes(page, node.attributes), *setting])


def event_name(page: Page, node: syntax.Raise | syntax.ScheduleEvent) -> list[Doc]:
    first = first_operand(node.type)
    if node.domain is None and isinstance(first, syntax.Name) and first.id == "event":
        page.shielded = first  # `raise event event` has a domain
    return [f"{node.domain} event " if node.domain else "event ", page.of(node.type)]


def attributes(page: Page, node: syntax.Expression | None) -> list[Doc]:
    if node is None:
        return []
    if not isinstance(node, syntax.Map) or not node.end or not node.entries:
        return [("attributes ", page.of(node))]
    pairs = []
    for key, value in node.entries:
        if key.end or not isinstance(key, syntax.Literal):
            return [("attributes ", page.of(node))]
        pairs.append(syntax.Declaration(key.value, value))  # a key without a place was written `key = value`
    return [("with ", options(page, pairs))]


def clauses(head: Doc, rest: list[Doc]) -> Doc:
    return Group((head, Indent(tuple((LINE, clause) for clause in rest)))) if rest else head


@lays_out(syntax.Log, syntax.Error)
def log(page: Page, node: syntax.Log | syntax.Error) -> Doc:
    word = "log" if isinstance(node, syntax.Log) else "error"
    return (f"{word} {node.level} ", shielded(page, node.value, syntax.Prefix))


@lays_out(syntax.Last)
def last(page: Page, node: syntax.Last) -> Doc:
    return "last"
