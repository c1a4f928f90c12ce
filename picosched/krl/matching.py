"""A text that a regular expression matches: a short one, found by reading the expression and tried on it.

Each part is read as the simplest text it can stand for: of alternatives the first, of a class its first
character, what may be missing as nothing. What that does not fit, such as a look-ahead, has no text.
"""

from __future__ import annotations

import re

from picosched.krl.pattern import regex_of

LONGEST = 200
"""Characters of an expression that is read."""
CLASSES = {"d": "0", "w": "a", "s": " ", "b": "", "B": "", "A": "", "Z": "", "D": "a", "W": " ", "S": "a"}
PART = re.compile(
    r"(?P<group>\((?:\?:)?)|(?P<end>\))|(?P<or>\|)|(?P<edge>[\^$])|\\(?P<escaped>.)|(?P<dot>\.)"
    r"|\[(?P<not>\^?)(?P<first>\\?.)[^\]]*\]|(?P<plain>[^*+?{(\[\\])",
    re.DOTALL,
)
TIMES = re.compile(r"(?:(?P<none>[*?])|\+|\{(?P<least>\d{1,2})(?:,\d*)?\})\??")


def matching(pattern: str, flags: str) -> str | None:
    """A text that the expression matches; None if none was found."""
    if len(pattern) > LONGEST:
        return None
    try:
        text, end = _read(pattern, 0)
    except ValueError:
        return None
    return text if end == len(pattern) and regex_of(pattern, flags).search(text) is not None else None


def _read(pattern: str, at: int) -> tuple[str, int]:
    """The text of the first alternative from a place on, and the place where the group ends."""
    found, whole = "", None
    while at < len(pattern):
        part = PART.match(pattern, at)
        if part is None:
            raise ValueError(pattern[at:])
        at = part.end()
        if part["end"]:
            return found if whole is None else whole, at - 1
        if part["or"]:
            whole, found = found if whole is None else whole, ""
            continue
        if part["group"]:
            text, at = _read(pattern, at)
            if pattern[at : at + 1] != ")":
                raise ValueError(pattern)
            at += 1
        else:
            text = _simplest(part)
        if (times := TIMES.match(pattern, at)) is not None:
            at = times.end()
            text *= 0 if times["none"] else int(times["least"] or 1)
        found += text
    return found if whole is None else whole, at


def _simplest(part: re.Match[str]) -> str:
    if part["edge"]:
        return ""
    if part["dot"]:
        return "a"
    if part["escaped"]:
        return CLASSES.get(part["escaped"], part["escaped"])
    if part["plain"]:
        return part["plain"]
    first = part["first"]
    if part["not"]:
        return next(each for each in "a0 _" if each != first)
    return CLASSES.get(first[1], first[1]) if first[0] == "\\" else first
