"""Operators that search a text: `match`, `extract`, `replace`, `split`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from picosched.krl import operators
from picosched.krl.library.member import Operator
from picosched.krl.pattern import Regex, regex_of
from picosched.krl.scope import Value
from picosched.krl.size import charge, check_text, claim_bytes, claim_text, claim_texts, scan
from picosched.krl.values import MISSING, callback, to_string

SEAM_BYTES = 64
"""Bytes of a part of a text in addition to its characters."""
REFERENCE = re.compile(r"\$(?:([$&`'])|(\d\d?)|<([A-Za-z_][A-Za-z0-9_]*)>)")


class Literal:
    """A string found in a text, with as much of a match as is asked of one here."""

    __slots__ = ("at", "text")
    regs = ()

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at

    def __getitem__(self, group: int) -> str:
        return self.text

    def start(self) -> int:
        return self.at

    def end(self) -> int:
        return self.at + len(self.text)

    def groups(self) -> tuple[()]:
        return ()

    def groupdict(self) -> dict[str, str]:
        return {}


def match(val: Value = None, regex: Value = None) -> bool:
    """Whether the text matches a RegExp or a string compiled to one; false for anything else."""
    if isinstance(regex, str | Regex):
        return operators.like(val, regex)
    return False


def extract(val: Value = None, regex: Value = MISSING) -> list[Value]:
    """The groups of the first match; with the flag g, all matches."""
    if regex is MISSING:
        return []
    pattern = regex if isinstance(regex, Regex) else regex_of(to_string(regex))
    text = to_string(val)
    if pattern.every:
        matches = pattern.matches(text)
        claim_texts(len(matches), len(text))
        return [found[0] for found in matches]
    found = pattern.search(text)
    return list(groups_of(found)) if found else []


def replace(val: Value = None, regex: Value = None, replacement: Value = None) -> Value:
    """The text with the first match, or with g all, replaced by a template with `$1` etc. or by a
    function."""
    if regex is None:
        return val
    text = to_string(val)
    found: list[Any]
    if isinstance(regex, Regex):
        first = None if regex.every else regex.search(text)
        found = regex.matches(text) if regex.every else [first] if first else []
    else:
        scan(len(text))
        at = text.find(to_string(regex))
        found = [] if at < 0 else [Literal(to_string(regex), at)]
    return substituted(text, found, replacing(text, replacement))


def replacing(text: str, replacement: Value) -> Callable[[Any], str]:
    """A function from a match in this text to its replacement."""
    if callable(replacement):

        def by_function(found: Any) -> str:
            groups = [found[0], *groups_of(found), found.start(), text]
            return to_string(callback(replacement, len(groups))(*groups))

        return by_function
    template = "" if replacement is None else to_string(replacement)
    if "$" not in template:
        return lambda found: template
    return lambda found: expanded(template, found, text)


def substituted(text: str, found: list[Any], replacement_of: Callable[[Any], str]) -> str:
    parts: list[str] = []
    length = at = 0
    for one in found:
        charge(4)
        claim_bytes(SEAM_BYTES)
        replacement = replacement_of(one)
        parts += (text[at : one.start()], replacement)
        length += one.start() - at + len(replacement)
        check_text(length)
        at = one.end()
    claim_text(length + len(text) - at)
    return "".join(parts) + text[at:]


def expanded(template: str, found: Any, text: str) -> str:
    """The template with its references: `$1` to `$99`, `$<name>`, `$&`, `$$`, and the surrounding text."""

    length = len(template)
    scan(length)

    def counted(reference: re.Match[str]) -> str:
        nonlocal length
        charge(4)
        part = referred(reference, found, text)
        length += len(part)
        check_text(length)
        return part

    filled = REFERENCE.sub(counted, template)
    claim_text(len(filled))
    return filled


def referred(reference: re.Match[str], found: Any, text: str) -> str:
    """The value of one reference; a reference to an unknown group is literal."""
    sign, digits, name = reference.groups()
    if sign == "$":
        return "$"
    if sign:
        start = {"&": found.start(), "`": 0, "'": found.end()}[sign]
        end = {"&": found.end(), "`": found.start(), "'": len(text)}[sign]
        claim_text(end - start)
        return text[start:end]
    if name:
        return found.groupdict().get(name, reference[0]) or ""
    for taken in (digits, digits[:1]):
        if 1 <= int(taken) <= len(found.groups()):
            return (found[int(taken)] or "") + digits[len(taken) :]
    return reference[0]


def split(val: Value = None, splitOn: Value = None) -> list[Value]:
    """The parts of the text between the matches, and with them the groups that a RegExp captures."""
    text = to_string(val)
    if not isinstance(splitOn, Regex):
        separator = to_string(splitOn)
        scan(len(text))
        claim_texts(text.count(separator) + 1, len(text))
        return list(text) if not separator else list(text.split(separator))
    if not text:
        return [] if splitOn.search("") else [""]
    parts: list[Value] = []
    at = 0
    for found in splitOn.matches(text):
        if found.end() == at or found.start() == len(text):
            continue  # an empty match next to an end or to the last one parts nothing
        parts += (text[at : found.start()], *groups_of(found))
        at = found.end()
    claim_text(len(text))
    return [*parts, text[at:]]


def groups_of(found: Any) -> tuple[Any, ...]:
    """The captured groups of a match. One character may be in all of them."""
    captured = [end - start for start, end in found.regs[1:]]
    charge(4 + len(captured))
    claim_bytes(SEAM_BYTES * len(captured) + sum(captured))
    return tuple(found.groups())


OPERATORS = {
    "extract": Operator(extract),
    "like": Operator(lambda val=None, regex=None: operators.like(val, regex)),
    "match": Operator(match),
    "replace": Operator(replace, calls="some"),
    "split": Operator(split),
}
