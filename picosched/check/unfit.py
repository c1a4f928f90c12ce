"""Operators that cannot take what an attribute surely is, and patterns that no value matches: W508 and W509.

The kinds of attributes are followed from the statements that raise an event to the one rule body or `where`
that reads them. Nothing is said of what is unknown, of an attribute that its rule reads twice, as it may test
it, or of what may not be evaluated for such an event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from picosched.check.attribute import attribute_of
from picosched.check.finding import Finding
from picosched.check.graph import Edge, Graph
from picosched.check.kinds import Kind, kind_of
from picosched.check.outline import Emission
from picosched.check.subject import Subject
from picosched.krl import syntax
from picosched.krl.walk import parts, walk

ARITHMETIC = ("-", "*", "/", "%")
ORDER = ("<", "<=", ">", ">=", "<=>")
WITH_ELEMENTS = ("Array", "Map")
KINDS = {
    "Text": "a text that is no number",
    "String": "a text",
    "Number": "a number",
    "Boolean": "true or false",
    "Array": "an array",
    "Map": "a map",
}


class Use(NamedTuple):
    """An operator and the attribute that it is given."""

    name: str
    operator: str
    other: syntax.Expression | None
    """The other operand."""
    node: syntax.Node


def unfit(
    graph: Graph, outside: Sequence[str] | None, coming: Collection[str], of_engine: Sequence[str]
) -> Iterator[Finding]:
    """The findings. Events in `coming` are scheduled; the engine raises some in the domains `of_engine`."""
    trees = {(outline.rid, rule.name): rule for outline in graph.outlines for rule in outline.subject.rules}
    subjects = {outline.rid: outline.subject for outline in graph.outlines}
    for rule in graph.rules.values():
        edges = graph.to_rule.get(rule.key, [])
        if len(rule.selects) != 1 or not edges:
            continue
        (event,) = rule.selects
        if not isinstance(event, syntax.EventPrimitive) or event.domain in of_engine:
            continue
        name = f"{event.domain}:{event.type}"
        comes = name in coming or any(fnmatchcase(name, wanted) for wanted in outside or ())
        if comes or any(None in (each.emission.domain, each.emission.type) for each in edges):
            continue
        subject = subjects[rule.rid]
        taken = any(_is_taken(graph, each) for each in edges)  # else W503 says it
        if outside is not None and taken and all(_is_refused(event, each) for each in edges):
            span = subject.source.span(event.start, event.end)
            why = f"no {name} that comes is accepted: {edges[0].why_not}"
            yield Finding.of("W509", why, span)
        emissions = [each.emission for each in edges if not each.why_not and not each.in_vain]
        for use in _uses(subject, trees[rule.rid, rule.name], event):
            fault = _fault(subject, use, emissions)
            if fault is not None:
                yield Finding.of("W508", fault, subject.source.span(use.node.start, use.node.end))


def _is_taken(graph: Graph, edge: Edge) -> bool:
    """Whether some rule accepts the event of a statement."""
    return any(not each.why_not and not each.in_vain for each in graph.of_emission[edge.emission])


def _is_refused(event: syntax.EventPrimitive, edge: Edge) -> bool:
    """Whether a pattern does not match what is given, rather than that nothing is."""
    given = [each.name for each in event.attributes if each.name in edge.emission.given.values]
    return bool(edge.why_not) and len(given) == len(event.attributes) > 0


def _fault(subject: Subject, use: Use, emissions: Sequence[Emission]) -> str | None:
    """What is wrong with an operator for what every statement gives it."""
    kinds = {each.given.kind(use.name) for each in emissions}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None:
        return None
    other = None if use.other is None else kind_of(subject, use.other)
    raised = ", ".join(sorted({each.event for each in emissions}))
    said = f"the attribute {use.name} is {KINDS[kind]} in every {raised} that is raised here"
    if use.operator in ARITHMETIC and kind == "Text":
        return f"{said}: `{use.operator}` fails"
    if use.operator in ORDER and kind == "Text" and other == "Number":
        return f"{said}: `{use.operator}` compares it and {KINDS[other]} as texts"
    if use.operator in ("==", "!=") and other is not None and _plain(kind) != _plain(other):
        always = "true" if use.operator == "!=" else "false"
        return f"{said}: always {always}, as it never equals {KINDS[_plain(other)]}"
    if use.operator == "><" and kind not in WITH_ELEMENTS:
        return f"{said}: always false, as it has no elements"
    if use.operator == "{}" and kind not in WITH_ELEMENTS:
        return f"{said}: always null, as it has no elements"
    return None


def _plain(kind: Kind) -> Kind:
    return "String" if kind == "Text" else kind


# ---- where attributes meet operators ----------------------------------------------------------------


def _uses(subject: Subject, rule: syntax.Rule, event: syntax.EventPrimitive) -> Iterator[Use]:
    """The operators to which an attribute goes that is read nowhere else, and is tested by no pattern."""
    condition = None if rule.actions is None else rule.actions.condition
    roots = [each for each in (*rule.foreach, *rule.prelude, rule.actions, rule.postlude) if each]
    reads: Counter[str] = Counter()
    read: dict[int, str] = {}
    for root in (*roots, *([] if event.where is None else [event.where])):
        for node in walk(root):
            name = _attribute(subject, node, in_where=root is event.where)
            if name is not None and not _is_declared(rule, node):
                reads[name] += 1
                read[id(node)] = name
    once = {name for name, many in reads.items() if many == 1} - {each.name for each in event.attributes}
    known = {place: name for place, name in read.items() if name in once}
    if event.where is not None:
        yield from _operators(event.where, known)
        return  # what it accepts is not known
    evaluated = [each.value for each in rule.prelude if isinstance(each, syntax.Declaration)]
    if not rule.foreach:
        for each in (*evaluated, *([] if condition is None else [condition])):
            yield from _operators(each, known)
    if condition is None and not rule.foreach and rule.actions is not None:
        for action in rule.actions.actions:
            for argument in action.arguments:
                yield from _operators(argument.value, known)


def _is_declared(rule: syntax.Rule, node: syntax.Node) -> bool:
    """Whether an attribute only gets a name here; then what counts is where the name is read."""
    return any(isinstance(each, syntax.Declaration) and each.value is node for each in rule.prelude)


def _attribute(subject: Subject, node: syntax.Node, *, in_where: bool) -> str | None:
    """The attribute that an expression is, directly or by a name."""
    if isinstance(node, syntax.Name):
        if in_where and subject.meaning(node) is None:
            return node.id
        node = subject.meant(node)
    if "event" in subject.modules:
        return None
    return attribute_of(node)


def _operators(root: syntax.Node, read: Mapping[int, str]) -> Iterator[Use]:
    """The operators of what is evaluated whenever `root` is, and is given to nothing that may test it."""
    match root:
        case syntax.Infix(operator="&&" | "||", left=left):
            yield from _operators(left, read)
        case syntax.Infix(operator=operator, left=left, right=right):
            for one, other in ((left, right), (right, left)):
                name = read.get(id(_inner(one)))
                if name is not None and (operator != "><" or one is left):
                    yield Use(name, operator, other, root)
                yield from _operators(one, read)
        case syntax.Path(receiver=receiver):
            name = read.get(id(_inner(receiver)))
            if name is not None and id(root) not in read:
                yield Use(name, "{}", None, root)
        case syntax.Prefix(operator="-", operand=operand):
            name = read.get(id(_inner(operand)))
            if name is not None:
                yield Use(name, "-", None, root)
            yield from _operators(operand, read)
        case syntax.Group() | syntax.Prefix() | syntax.Array() | syntax.Map() | syntax.Chevron():
            for part in parts(root):
                yield from _operators(part, read)
        case syntax.Conditional(test=test):
            yield from _operators(test, read)


def _inner(node: syntax.Node) -> syntax.Node:
    while isinstance(node, syntax.Group):
        node = node.inner
    return node
