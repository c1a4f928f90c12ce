"""What an editor shows under the pointer: the library, names, events, timespecs in words, and findings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from picosched.check.finding import Finding
from picosched.check.page import explanation
from picosched.cli.lsp.document import Document, Mention
from picosched.cli.lsp.placing import bound_at
from picosched.cli.lsp.reference import Entry, actions, members, operators
from picosched.cli.lsp.timespecs import repeats
from picosched.timespec.almanac import Almanac

WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
LINES = 8
"""Lines of a declaration that are shown."""
PLACES = 20
"""Places of an event that are listed."""
ROLES = {"select": "selected by", "raise": "raised by", "schedule": "scheduled by"}


def hover(
    document: Document,
    offset: int,
    now: datetime,
    almanac: Almanac,
    mentions: Sequence[Mention],
    findings: Sequence[Finding] = (),
) -> str | None:
    """Markdown for an offset; None if nothing is known.

    `mentions` are those of all rulesets, `findings` those that stand there.
    """
    found = [
        *_timespec(document, offset, now, almanac),
        *_library(document, offset),
        *_name(document, offset),
        *_event(document, offset, mentions),
        *(_finding(each) for each in findings),
    ]
    return "\n\n---\n\n".join(found) or None


def word_at(text: str, offset: int) -> tuple[int, int] | None:
    """The word around an offset."""
    line = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    for word in WORD.finditer(text, line, len(text) if end < 0 else end):
        if word.start() <= offset <= word.end():
            return word.span()
    return None


def entry_at(document: Document, offset: int) -> Entry | None:
    """The library's entry for the word at an offset."""
    span = word_at(document.text, offset)
    if span is None:
        return None
    start, end = span
    text, word = document.text, document.text[start:end]
    if text[start - 1 : start] == ":":
        module = word_at(text, start - 1)
        return None if module is None else members().get(f"{text[slice(*module)]}:{word}")
    if text[end : end + 1] == ":":
        return None
    if text[start - 1 : start] == ".":
        return operators().get(word)
    return (actions().get(word) or operators().get(word)) if text[end : end + 1] == "(" else None


def _library(document: Document, offset: int) -> Iterator[str]:
    entry = entry_at(document, offset)
    if entry is not None and bound_at(document, offset) is None:
        yield f"```krl\n{entry.call}\n```\n{entry.kind}: {entry.text}"


def _timespec(document: Document, offset: int, now: datetime, almanac: Almanac) -> Iterator[str]:
    for each in repeats(document, almanac):
        written = {each.given, each.node.repeat}
        if any(node is not None and node.start <= offset <= node.end for node in written):
            yield each.words(now)
            return


def _name(document: Document, offset: int) -> Iterator[str]:
    bound = bound_at(document, offset)
    if bound is None:
        return
    if bound.value is None:
        yield f"`{bound.name}`: {bound.kind}"
        return
    lines = document.text[bound.node.start : bound.value.end].splitlines()
    more = ["  …"] if len(lines) > LINES else []
    yield "\n".join(["```krl", *lines[:LINES], *more, "```"])


def _event(document: Document, offset: int, mentions: Sequence[Mention]) -> Iterator[str]:
    here = document.mention_at(offset)
    if here is None:
        return
    lines = [f"`{here.event}`"]
    for each in mentions:
        if each.event == here.event and len(lines) <= PLACES:
            lines.append(f"- {ROLES[each.role]} {each.place.document.rid}.{each.rule}")
    yield "\n".join(lines)


def _finding(finding: Finding) -> str:
    return explanation(finding.code)
