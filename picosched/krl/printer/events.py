"""The layout of event expressions. `within` is loosest, then `or`, `and`, `before then after`, `between`."""

from __future__ import annotations

from collections.abc import Sequence

from picosched.krl import syntax
from picosched.krl.grammar.tokens import PAGE_EVENTS
from picosched.krl.printer import literals
from picosched.krl.printer.document import LINE, SOFT, Doc, Group, Indent, joined
from picosched.krl.printer.expressions import last_operand, shielded
from picosched.krl.printer.page import Page, lays_out

WITHIN, OR, AND, SEQUENCE, BETWEEN, EVENT = range(6)
BINDING = {"or": OR, "and": AND, "before": SEQUENCE, "then": SEQUENCE, "after": SEQUENCE}
PREFIXES = frozenset(("and", "or", "before", "then", "after", "repeat")) | PAGE_EVENTS
"""As the first word of an event these mean something else."""


def binding(node: syntax.EventExpression) -> int:
    match node:
        case syntax.EventWithin():
            return WITHIN
        case syntax.EventOperation() if node.operator.endswith("between"):
            return BETWEEN
        case syntax.EventOperation() if len(node.operands) == 2:
            return BINDING[node.operator]
    return EVENT


def operand(page: Page, node: syntax.EventExpression, level: int) -> Doc:
    return page.of(node) if binding(node) >= level else ("(", page.of(node), ")")


def listed(page: Page, nodes: Sequence[syntax.EventExpression]) -> Doc:
    inner = joined([page.of(node) for node in nodes], (",", LINE))
    return Group(("(", Indent((SOFT, inner)), SOFT, ")"))


@lays_out(syntax.EventPrimitive)
def primitive(page: Page, node: syntax.EventPrimitive) -> Doc:
    parts: list[Doc] = [f"{node.domain}{':' if node.domain in PREFIXES else ' '}{node.type}"]
    parts += [page.of(each) for each in node.attributes]
    if node.setting:
        parts.append(f"setting({', '.join(node.setting)})")
    if node.where is not None:
        # `where re#…#` would be an attribute of that name.
        parts.append(("where ", shielded(page, node.where, syntax.Regex)))
    return Group((parts[0], Indent(tuple((LINE, part) for part in parts[1:]))))


@lays_out(syntax.AttributePattern)
def attribute_pattern(page: Page, node: syntax.AttributePattern) -> Doc:
    pattern = node.pattern
    text = literals.regex(pattern.pattern, pattern.flags)
    # A string is a pattern too, and can hold what no regular expression can.
    written = text if text and text.startswith("re") else literals.string(pattern.pattern)
    return f"{node.name} {written}"


@lays_out(syntax.AnyEvent)
def any_event(page: Page, node: syntax.AnyEvent) -> Doc:
    return page.of(node.where)


@lays_out(syntax.EventOperation)
def operation(page: Page, node: syntax.EventOperation) -> Doc:
    level = binding(node)
    if level == EVENT:
        return (node.operator, listed(page, node.operands))
    if level == BETWEEN:
        word = "between" if node.operator == "between" else "not between"
        return (operand(page, node.operands[0], BETWEEN), f" {word}", listed(page, node.operands[1:]))
    steps = [node]
    while isinstance(left := node.operands[0], syntax.EventOperation) and binding(left) == level:
        node = left
        steps.append(node)
    first = operand(page, node.operands[0], level)
    rest = [(LINE, f"{step.operator} ", operand(page, step.operands[1], level + 1)) for step in steps[::-1]]
    return Group((first, Indent(tuple(rest))))


@lays_out(syntax.EventGroup)
def group(page: Page, node: syntax.EventGroup) -> Doc:
    aggregator = f" {node.aggregator}({', '.join(node.setting)})" if node.aggregator else ""
    return (f"{node.operator} {node.number} ", listed(page, node.operands), aggregator)


@lays_out(syntax.EventWithin)
def within(page: Page, node: syntax.EventWithin) -> Doc:
    event = page.of(node.event)
    if ends_in_seen(node.event):  # which would take the `within` for its own
        event = ("(", event, ")")
    return Group((event, Indent((LINE, page.of(node.within)))))


def ends_in_seen(node: syntax.EventExpression) -> bool:
    while isinstance(node, syntax.EventOperation) and BETWEEN > binding(node) < binding(node.operands[1]):
        node = node.operands[1]
    if not isinstance(node, syntax.EventPrimitive) or node.where is None:
        return False
    last = last_operand(node.where)
    return isinstance(last, syntax.Seen) and last.within is None and last.order is None
