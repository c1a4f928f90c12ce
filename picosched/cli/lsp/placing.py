"""Where things are: the definition of a name, variable, module or event, and all places that refer to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from picosched.check.bindings import Bound
from picosched.cli.lsp.document import Document, Range
from picosched.krl import syntax


def definitions(document: Document, offset: int, others: Sequence[Document]) -> list[Range]:
    """Of a name its declaration, of a variable where it is set, of a module its ruleset and declaration.

    Of an event that is raised or scheduled it is the rules that select it, of one that is selected where it
    comes from.

    `others` are all known rulesets, this one included.
    """
    for node in document.at(offset):
        start, end = document.name_of(node)
        if start <= offset <= end and (found := [*_defined(document, node, others)]):
            return found
    here = document.mention_at(offset)
    if here is None:
        bound = bound_at(document, offset)
        return [] if bound is None else [Range(document, bound.node.start, bound.node.end)]
    wanted = ("raise", "schedule") if here.role == "select" else ("select",)
    return [
        each.place
        for other in others
        for each in other.mentions
        if each.event == here.event and each.role in wanted
    ]


def references(document: Document, offset: int, others: Sequence[Document]) -> list[Range]:
    """All places of the name, variable or event at an offset, its definition included."""
    for node in document.at(offset):
        start, end = document.name_of(node)
        if isinstance(node, syntax.Persistent) and start <= offset <= end:
            return [*variable(document, node)]
    bound = bound_at(document, offset)
    if bound is not None:
        return [*uses(document, bound)]
    here = document.mention_at(offset)
    if here is None:
        return []
    return [each.place for other in others for each in other.mentions if each.event == here.event]


def _defined(document: Document, node: syntax.Node, others: Sequence[Document]) -> Iterator[Range]:
    subject = document.subject
    assert subject is not None
    bound = subject.meaning(node)
    if bound is not None:
        yield Range(document, bound.node.start, bound.node.end)
    elif isinstance(node, syntax.Persistent):
        for target in _changed(document):
            if (target.kind, target.name) == (node.kind, node.name):
                yield Range(document, *document.name_of(target))
    elif isinstance(node, syntax.UseModule):
        yield from (Range(other, 0, 0) for other in others if other.rid == node.rid)
    elif isinstance(node, syntax.Qualified):
        used = (each for each in subject.tree.meta if isinstance(each, syntax.UseModule))
        rids = {each.rid for each in used if (each.alias or each.rid) == node.domain}
        for other in others:
            if other.subject is not None and other.rid in rids:
                for each in other.subject.bindings.all:
                    if (each.kind, each.name) == ("global", node.name):
                        yield Range(other, each.node.start, each.node.end)


def _changed(document: Document) -> Iterator[syntax.Persistent]:
    """The variables that statements change, at these places."""
    for node in document.nodes:
        if isinstance(node, syntax.Assign | syntax.Set | syntax.Count | syntax.Clear):
            yield node.target
        elif isinstance(node, syntax.Mark):
            yield node.trail


def variable(document: Document, node: syntax.Persistent) -> Iterator[Range]:
    """All places of a variable."""
    for each in document.nodes:
        if isinstance(each, syntax.Persistent) and (each.kind, each.name) == (node.kind, node.name):
            yield Range(document, *document.name_of(each))


def bound_at(document: Document, offset: int) -> Bound | None:
    """What is declared at an offset, or meant by the name there."""
    if document.subject is None:
        return None
    for node in document.at(offset):
        start, end = document.name_of(node)
        if start <= offset <= end and (bound := document.subject.meaning(node)) is not None:
            return bound
    known = document.subject.bindings.all
    return next((each for each in known if each.node.start <= offset <= each.node.end), None)


def uses(document: Document, bound: Bound) -> Iterator[Range]:
    """The declaration of a name, and all places that mean it."""
    assert document.subject is not None
    yield Range(document, bound.node.start, bound.node.end)
    for node in document.nodes:
        if document.subject.meaning(node) is bound:
            yield Range(document, *document.name_of(node))
