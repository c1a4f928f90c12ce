"""Invalid regular expressions, and strings that do not mean what they seem to."""

from __future__ import annotations

import re

from picosched.check.subject import Subject
from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.pattern import regex_of

ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*(\\[nrt])")
"""A backslash sequence that is an escape in other languages."""
BEESTING = re.compile(r"#\{[^{}]*\}")
TAKE_PATTERNS = ("as", "decode", "extract", "like", "match", "toRegexp")
"""Operators that read such escapes themselves, in a regular expression or in JSON."""


def look_at_literals(subject: Subject) -> None:
    patterns = _read_as_patterns(subject)
    for node in subject.nodes:
        if isinstance(node, syntax.Regex) and not subject.for_classic:
            _regex(subject, node)
        elif isinstance(node, syntax.Literal) and isinstance(node.value, str):
            _string(subject, node, is_pattern=id(node) in patterns)


def _regex(subject: Subject, node: syntax.Regex) -> None:
    try:
        regex_of(node.pattern, node.flags)
    except KrlError as error:
        subject.say("E201", error.message, node)


def _string(subject: Subject, node: syntax.Literal, *, is_pattern: bool) -> None:
    text = subject.source.text[node.start : node.end]
    if text[:1] not in ('"', "'"):
        return
    if not subject.classic and (found := BEESTING.search(text)):
        cure = "`dialect classic` in meta" if subject.for_classic else "a chevron <<…>>"
        said = f"{found[0]} stands as it is in a plain string; {cure} would put the value there"
        subject.say("W205", said, node)
    if not is_pattern and (found := ESCAPE.search(text)):
        said = rf"{found[1]} is a backslash and a letter; a string may span lines, and \ escapes only quotes"
        subject.say("W206", f"{said} and itself", node)


def _read_as_patterns(subject: Subject) -> set[int]:
    """The strings that are read as regular expressions or as JSON."""
    found: set[int] = set()
    for node in subject.nodes:
        match node:
            case syntax.Method(name=name) if name in TAKE_PATTERNS:
                found |= {id(node.receiver), *(id(each.value) for each in node.arguments)}
            case syntax.Call(callee=syntax.Name(id=name)) if name in TAKE_PATTERNS:
                found |= {id(each.value) for each in node.arguments}
            case syntax.Infix(operator="like"):
                found.add(id(node.right))
    return found
