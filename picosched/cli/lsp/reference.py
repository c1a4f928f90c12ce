"""What docs/language-library.md, included in the package, says of each operator, member and action."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = Path(__file__).with_name("library.md")
ROW = re.compile(r"^\| (`.+?) \|$", re.MULTILINE)
BAR = re.compile(r" (?<!\\)\| ")
SIGNATURE = re.compile(r"`((?:[\w]+:)?\w+)(\([^`]*\))?`")
LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@dataclass(frozen=True, slots=True)
class Entry:
    """A name of the library: `uc`, `time:now`, `send_directive`."""

    name: str
    call: str
    """Its name with its parameters."""
    kind: str
    """operator, value, function, action."""
    text: str
    """Markdown."""


@cache
def operators() -> dict[str, Entry]:
    """By name."""
    return _first("Operators", "operator")


@cache
def members() -> dict[str, Entry]:
    """By `module:name`."""
    return {name: each for name, each in _first("Modules", "function").items() if ":" in name}


@cache
def actions() -> dict[str, Entry]:
    """Those without a module, by name."""
    return _first("Actions", "action")


def _first(chapter: str, kind: str) -> dict[str, Entry]:
    """The entries of a chapter; of two with one name the first, for further tables are about details."""
    return {each.name: each for each in reversed([*_entries(chapter, kind)])}


def _entries(chapter: str, kind: str) -> Iterator[Entry]:
    page = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^## {chapter}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{PAGE} has no chapter {chapter}"
    for row in ROW.findall(found[1]):
        first, *others = BAR.split(row)
        text = LINK.sub(r"\1", others[-1] if others else "").removesuffix(", [below]").replace("\\|", "|")
        is_kind = len(others) > 1 and others[0].split(" ")[0] in ("value", "function", "action")
        for name, parameters in SIGNATURE.findall(first):
            yield Entry(name, name + parameters, others[0] if is_kind else kind, text)
