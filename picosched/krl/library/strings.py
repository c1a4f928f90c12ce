"""Operators on strings. Receivers are converted to text; positions count characters."""

from __future__ import annotations

import math
from builtins import len as size_of
from collections.abc import Callable

from picosched.krl.library.member import Operator
from picosched.krl.scope import Value
from picosched.krl.size import SMALL, claim_bytes, claim_text, scan
from picosched.krl.values import BLANKS, to_number, to_string


def textual(run: Callable[[str], Value]) -> Operator:
    """An operator on the receiver's text, without arguments."""

    def of_text(val: Value = None) -> Value:
        text = val if type(val) is str else to_string(val)
        if size_of(text) > SMALL:
            plain = text.isascii()
            scan(size_of(text))
            claim_text(size_of(text), plain)
            if not plain:  # one letter may become three
                claim_bytes(8 * size_of(text))
        return run(text)

    return Operator(of_text)


def asking(run: Callable[[str, str], bool]) -> Operator:
    """A predicate on two texts."""

    def of_texts(val: Value = None, target: Value = None) -> bool:
        text, part = to_string(val), to_string(target)
        scan(size_of(text))
        return run(text, part)

    return Operator(of_texts)


def substr(val: Value = None, start: Value = None, len: Value = None) -> str:
    """From `start`, `len` characters; a `len` of 0 or less leaves that many off the end."""
    text = to_string(val)
    size = size_of(text)
    first, count = to_number(start), to_number(len)
    if first is None:
        return text
    if first > size:
        return ""
    last = size if count is None else first + count if count > 0 else size + count
    # Both ends are clamped and then put in order, as JavaScript's substring does.
    ends = sorted(0 if math.isnan(end) or end < 0 else int(min(end, size)) for end in (first, last))
    claim_text(ends[1] - ends[0], text.isascii())
    return text[ends[0] : ends[1]]


OPERATORS = {
    "capitalize": textual(lambda text: text[:1].upper() + text[1:]),
    "contains": asking(lambda text, target: target in text),
    "endsWith": asking(str.endswith),
    "lc": textual(str.lower),
    "ord": textual(lambda text: ord(text[0]) if text else None),
    "startsWith": asking(str.startswith),
    "substr": Operator(substr),
    "trim": textual(lambda text: text.strip(BLANKS)),
    "trimLeading": textual(lambda text: text.lstrip(BLANKS)),
    "trimTrailing": textual(lambda text: text.rstrip(BLANKS)),
    "uc": textual(str.upper),
}
