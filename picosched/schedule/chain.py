"""Why something happened or did not: a chain of links, of which one broke or each held.

The chain is data, with one set of words for Python, the command line and HTTP.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import Any

from picosched.fields import Fields

WIDTH = 110
INDENT = " " * 9
"""Of the further lines of a link, below its name."""


@dataclass(frozen=True, slots=True)
class Link:
    """One step from the `schedule` of a rule to what the event did."""

    name: str
    held: bool
    text: str


@dataclass(frozen=True, slots=True)
class Why:
    """The answer to a question."""

    what: str
    links: tuple[Link, ...]
    instead: str | None = None
    """What would have let it come, found by trying where it is a value or a time; None if nothing."""

    @property
    def broke(self) -> Link | None:
        """The first link that broke."""
        return next((each for each in self.links if not each.held), None)

    def lines(self) -> list[str]:
        """The chain for people, in lines of at most WIDTH characters."""
        shown = [f"  {'held ' if each.held else 'BROKE'}  {each.name}: {each.text}" for each in self.links]
        end = [] if self.instead is None else [f"it would have: {self.instead}"]
        return [self.what, *(line for each in (*shown, *end) for line in _wrapped(each))]

    def as_json(self) -> dict[str, Any]:
        broke = self.broke
        return {**asdict(self), "links": [asdict(each) for each in self.links], "broke": broke and broke.name}


def _wrapped(line: str) -> list[str]:
    return wrap(line, WIDTH, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False)


def read_why(told: dict[str, Any]) -> Why:
    """The answer of a server."""
    fields = Fields(told, "the server's answer")
    links = [Link(each.text("name"), each.flag("held"), each.text("text")) for each in fields.each("links")]
    return Why(fields.text("what"), tuple(links), fields.maybe_text("instead"))
