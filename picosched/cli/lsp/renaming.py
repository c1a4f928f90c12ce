"""Renaming a name, a variable, a rule, a ruleset or an event: all places that say it, in all rulesets.

What only a running rule knows is not found: an event or rid that is computed, what is said in a text or in a
URL, and what the store keeps under the old name, such as the values of a variable. The text is read again
with the new name: if that cannot stand there, or means something else already, it is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from picosched.check.bindings import Bound
from picosched.check.reading import read
from picosched.cli.lsp.document import Document, Range
from picosched.cli.lsp.placing import bound_at, references, uses, variable
from picosched.errors import PicoschedError
from picosched.krl import syntax
from picosched.krl.source import Source
from picosched.krl.walk import walk

WANTED = "wanted it on a name, a variable, a rule, a rid, or the type of an event"


def renamable(document: Document, offset: int) -> Range | None:
    """The place at an offset that a renaming changes; None if there is nothing to rename."""
    places = (each for each in said_at(document, offset, [document]) if each.document is document)
    return next((each for each in places if each.start <= offset <= each.end), None)


def renamed(document: Document, offset: int, others: Sequence[Document], name: str) -> list[Range]:
    """The places at which to write the new name.

    `others` are all known rulesets, this one included. PicoschedError `invalid` if there is nothing to
    rename, or the name does not fit there.
    """
    places = [*dict.fromkeys(said_at(document, offset, others))]
    if not places:
        raise PicoschedError(f"found nothing that can be renamed, {WANTED}")
    by_document: dict[Document, list[Range]] = defaultdict(list)
    for each in places:
        by_document[each.document].append(each)
    for other, within in by_document.items():
        _check(other, within, name)
    return places


def said_at(document: Document, offset: int, others: Sequence[Document]) -> Iterator[Range]:
    """All places that say what stands at an offset."""
    if document.subject is None:
        return
    for node in document.at(offset):
        start, end = document.name_of(node)
        if isinstance(node, syntax.Rule) and start <= offset <= end:
            yield Range(document, start, end)
            return
        if isinstance(node, syntax.Persistent) and start <= offset <= end:
            yield from variable(document, node)
            return
    bound = bound_at(document, offset)
    if bound is not None:
        yield from _bound(document, bound, others)
        return
    rid = next((rid for place, rid in _rids(document) if place.start <= offset <= place.end), None)
    if rid is not None:
        yield from (place for other in others for place, said in _rids(other) if said == rid)
        return
    events = {event for place, event in _types(document) if place.start <= offset <= place.end}
    yield from (place for other in others for place, event in _types(other) if event in events)


def _bound(document: Document, bound: Bound, others: Sequence[Document]) -> Iterator[Range]:
    """The places of a declared name; of a global also those where other rulesets call it as a module's."""
    yield from uses(document, bound)
    if bound.kind != "global":
        return
    for other in others:
        if other.subject is None:
            continue
        used = (each for each in other.subject.tree.meta if isinstance(each, syntax.UseModule))
        aliases = {each.alias or each.rid for each in used if each.rid == document.rid}
        for node in other.nodes:
            if isinstance(node, syntax.Qualified) and node.name == bound.name and node.domain in aliases:
                start = other.text.find(node.name, node.start + len(node.domain), node.end)
                yield Range(other, start, start + len(node.name))


def _rids(document: Document) -> Iterator[tuple[Range, str]]:
    """Where rulesets are named, and the rid: at the head, as modules, and behind `for` of a `raise`."""
    if document.subject is None:
        return
    tree = document.subject.tree
    yield _word(document, tree, tree.rid, len("ruleset")), tree.rid
    plain = set()
    for node in document.nodes:
        if isinstance(node, syntax.UseModule):
            yield _word(document, node, node.rid), node.rid
            if node.alias is None:
                plain.add(node.rid)
        elif isinstance(node, syntax.Raise) and node.rids is not None:
            for each in walk(node.rids):
                if isinstance(each, syntax.Literal) and isinstance(each.value, str):
                    yield _word(document, each, each.value), each.value
    for node in document.nodes:
        if isinstance(node, syntax.Qualified) and node.domain in plain:
            yield Range(document, node.start, node.start + len(node.domain)), node.domain


def _types(document: Document) -> Iterator[tuple[Range, str]]:
    """Where the types of events stand, each with `domain:type`."""
    subject = document.subject
    if subject is None:
        return
    for mention in document.mentions:
        type = mention.event.partition(":")[2]
        if mention.role == "select":
            yield Range(document, mention.place.end - len(type), mention.place.end), mention.event
    for node in document.nodes:
        if isinstance(node, syntax.Raise | syntax.ScheduleEvent):
            literal = subject.constant(node.type)
            if literal is None or not isinstance(literal.value, str):
                continue
            event = literal.value if node.domain is None else f"{node.domain}:{literal.value}"
            end = literal.end - 1  # before the quotation mark
            type = event.partition(":")[2]
            if document.text[end - len(type) : end] == type:
                yield Range(document, end - len(type), end), event


def _word(document: Document, node: syntax.Node, word: str, behind: int = 0) -> Range:
    start = document.text.find(word, node.start + behind, node.end)
    return Range(document, start, start + len(word))


def _check(document: Document, places: Sequence[Range], name: str) -> None:
    """PicoschedError if a document with the name at these places does not mean the same as before."""
    text, moved = document.text, 0
    found: list[int] = []
    for each in sorted(places, key=lambda place: place.start):
        start = each.start + moved
        text = f"{text[:start]}{name}{text[start + each.end - each.start :]}"
        moved += len(name) - (each.end - each.start)
        found.append(start)
    faults = len(read(document.source).faults)
    new = Document(document.uri, text)
    if not name or len(read(Source(document.uri, text)).faults) > faults:
        raise PicoschedError(f'found "{name}", wanted a name that can stand there')
    before = references(document, places[0].start, [document])
    after = references(new, found[0], [new])
    if len(before) != len(after):
        raise PicoschedError(f'found "{name}", which means something else in this ruleset already')
