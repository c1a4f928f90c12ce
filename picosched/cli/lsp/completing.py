"""What may come next where somebody types, by the text before the cursor alone: it is seldom whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from picosched.cli.lsp.document import Document, Mention
from picosched.cli.lsp.reference import Entry, actions, members, operators
from picosched.krl.grammar.tokens import KEYWORDS
from picosched.krl.library import MODULES
from picosched.schedule.steering import STEERING

AFTER_DOT = re.compile(r"\.\w*$")
AFTER_COLON = re.compile(r"(?<![\w.])(\w+):\w*$")
IN_SELECT = re.compile(r"\bselect\s+when\s+(?:[^\n{};]*\s)?\w*$")
IN_EVENT = re.compile(r'\b(?:schedule|raise)\s+(\w+)\s+event\s+"\w*$')
IN_STEERING = re.compile(r'"_\w*$')
VARIABLE = re.compile(r"\b(ent|app):(\w+)")

Kind = Literal["operator", "function", "value", "action", "event", "keyword", "name", "variable", "module"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A completion."""

    label: str
    kind: Kind
    detail: str = ""
    text: str = ""
    """Markdown."""


def completions(document: Document, offset: int, mentions: Sequence[Mention]) -> list[Offer]:
    """The offers for an offset, each once. `mentions` are those of all rulesets."""
    found = _offers(document, offset, mentions)
    return [*{(each.label, each.kind): each for each in found}.values()]


def _offers(document: Document, offset: int, mentions: Sequence[Mention]) -> Iterator[Offer]:
    line = document.text[document.text.rfind("\n", 0, offset) + 1 : offset]
    if IN_STEERING.search(line):
        yield from (Offer(name, "name", "steers the schedule") for name in STEERING)
    elif event := IN_EVENT.search(line):
        yield from _types(event[1], mentions)
    elif line.count('"') % 2:
        return  # in a string
    elif AFTER_DOT.search(line):
        yield from map(_entry, operators().values())
    elif colon := AFTER_COLON.search(line):
        yield from _members(document, colon[1])
    elif IN_SELECT.search(line):
        yield from (Offer(each.replace(":", " ", 1), "event") for each in sorted({m.event for m in mentions}))
        yield from (Offer(word, "keyword") for word in ("where", "and", "or", "before", "then", "within"))
    else:
        yield from _names(document)
        yield from map(_entry, actions().values())
        yield from (Offer(each, "module") for each in MODULES)
        yield from (Offer(each, "keyword") for each in KEYWORDS)


def _entry(entry: Entry) -> Offer:
    kinds: tuple[Kind, ...] = ("function", "value", "action")
    kind: Kind = next((each for each in kinds if entry.kind.startswith(each)), "operator")
    return Offer(entry.name.rpartition(":")[2], kind, entry.call, entry.text)


def _members(document: Document, module: str) -> Iterator[Offer]:
    if module in ("ent", "app"):
        yield from (
            Offer(name, "variable") for kind, name in VARIABLE.findall(document.text) if kind == module
        )
    yield from (_entry(each) for name, each in members().items() if name.startswith(f"{module}:"))


def _types(domain: str, mentions: Sequence[Mention]) -> Iterator[Offer]:
    for each in mentions:
        named, _, type = each.event.partition(":")
        if named == domain:
            yield Offer(type, "event", each.event)


def _names(document: Document) -> Iterator[Offer]:
    for each in [] if document.subject is None else document.subject.bindings.all:
        yield Offer(each.name, "name", each.kind)
