"""A ruleset as an editor has it: a text that may be wrong anywhere, and what its valid parts say.

Offsets count characters from 0. The tree leaves out what cannot be parsed, so names and events of the rest
are still known while somebody types.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from picosched.check.reading import read
from picosched.check.subject import Subject
from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.source import Source
from picosched.krl.walk import walk

Role = Literal["select", "raise", "schedule"]


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a document: offsets, the end exclusive."""

    document: Document
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where an event is selected, raised or scheduled."""

    event: str
    """`domain:type`."""
    role: Role
    rule: str
    place: Range


class Document:
    """A ruleset's text, under the URI that the editor calls it by."""

    def __init__(self, uri: str, text: str) -> None:
        self.uri = uri
        self.text = text
        self.source = Source(uri, text)

    @cached_property
    def subject(self) -> Subject | None:
        """Its tree with the meaning of each name; None if too little of it can be parsed."""
        try:
            reading = read(self.source)
            return None if reading.tree is None else Subject(reading.tree, self.source)
        except (KrlError, RecursionError):
            return None

    @property
    def rid(self) -> str | None:
        return None if self.subject is None else self.subject.tree.rid

    @cached_property
    def nodes(self) -> tuple[syntax.Node, ...]:
        """All nodes, those of inactive rules too."""
        return () if self.subject is None else tuple(walk(self.subject.tree))

    def at(self, offset: int) -> list[syntax.Node]:
        """The nodes around an offset, the innermost first."""
        around = [node for node in self.nodes if node.start <= offset <= node.end and node.end > node.start]
        return sorted(around, key=lambda node: node.end - node.start)

    @cached_property
    def mentions(self) -> tuple[Mention, ...]:
        """Its events, in the order of the text; one whose name is computed is left out."""
        if self.subject is None:
            return ()
        return tuple(each for rule in self.subject.tree.rules for each in self._mentions(rule, self.subject))

    def _mentions(self, rule: syntax.Rule, subject: Subject) -> Iterator[Mention]:
        for node in walk(rule):
            if isinstance(node, syntax.EventPrimitive):
                end = self.text.find(node.type, node.start + len(node.domain), node.end) + len(node.type)
                event = f"{node.domain}:{node.type}"
                yield Mention(event, "select", rule.name, Range(self, node.start, end))
            elif isinstance(node, syntax.Raise | syntax.ScheduleEvent):
                type = subject.text(node.type)
                if type is not None:
                    event = type if node.domain is None else f"{node.domain}:{type}"
                    role: Role = "raise" if isinstance(node, syntax.Raise) else "schedule"
                    yield Mention(event, role, rule.name, Range(self, node.start, node.type.end))

    def mention_at(self, offset: int) -> Mention | None:
        around = [each for each in self.mentions if each.place.start <= offset <= each.place.end]
        return min(around, key=lambda each: each.place.end - each.place.start, default=None)

    def name_of(self, node: syntax.Node) -> tuple[int, int]:
        """Where the name of a node stands in it: of a method or member behind the dot.

        A rule stands where its name is.
        """
        if isinstance(node, syntax.Method | syntax.Member):
            start = self.text.find(node.name, node.receiver.end, node.end)
            return start, start + len(node.name)
        if isinstance(node, syntax.Persistent):
            start = node.start + self.text[node.start : node.end].find(node.name)
            return start, start + len(node.name)
        return node.start, node.end
