"""`sprintf`: formats a number or a string with a template.

A Number fills the number specifiers, a String `%s`; other specifiers are kept, so that templates can be
filled in steps. A bare `%d` keeps the number's fraction; flags, width and precision are as in C. A
backslash escapes a specifier.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from picosched.krl.library.member import Operator
from picosched.krl.library.numbers import chr_
from picosched.krl.scope import Value
from picosched.krl.size import charge, check_text, claim_bytes, claim_text, scan
from picosched.krl.values import to_string

PART_BYTES = 128
"""Bytes of two parts of a text in addition to their characters."""
FIELD = r"%([-+ 0#]*+)(\d*+)(?:\.(\d*+))?+"
"""Nothing is given back where a letter is missing: a 0 is both a flag and a digit."""
Fill = Callable[[str, str, str | None, str], str]
"""Flags, width, precision and letter of a specifier to the text in its place."""


def tokens(letters: str) -> re.Pattern[str]:
    """Matches the tokens of a template for these specifiers, other than plain text."""
    return re.compile(rf"\\\\|\\{FIELD}[{letters}]|(?P<percent>%%)|(?P<field>{FIELD}([{letters}]))")


NUMBER_TOKENS = tokens("diufFeEgGxXobc")
STRING_TOKENS = tokens("s")


def sprintf(val: Value = None, template: Value = None) -> str:
    if template is None:
        return ""
    text = to_string(template)
    plain = text.isascii() and (not isinstance(val, str) or val.isascii())
    if type(val) is int or type(val) is float:
        plain = plain and "c" not in text  # which may be any character
        return filled(text, NUMBER_TOKENS, lambda *field: number_text(val, *field), plain)
    if isinstance(val, str):
        return filled(text, STRING_TOKENS, lambda *field: string_text(val, *field), plain)
    return text


def filled(template: str, pattern: re.Pattern[str], fill: Fill, plain: bool) -> str:
    """The template with each token replaced; refused before it grows too large. `plain`: all is ASCII."""
    scan(4 * len(template))
    parts: list[str] = []
    length = at = 0
    for token in pattern.finditer(template):
        if token["field"]:
            flags, width, precision, letter = token.groups()[-4:]
            charge(6)
            claim_text(max(int(width[:10] or 0), int((precision or "0")[:10])), plain)
            text = fill(flags, width, precision, letter)
        else:
            text = "%" if token["percent"] else token[0][1:]
        charge(2)
        claim_bytes(PART_BYTES)
        parts += (template[at : token.start()], text)
        length += token.start() - at + len(text)
        check_text(length)
        at = token.end()
    claim_text(length + len(template) - at, plain)
    return "".join(parts) + template[at:]


def string_text(val: str, flags: str, width: str, precision: str | None, letter: str) -> str:
    text = val if precision is None else val[: int(precision or 0)]
    return padded(text, flags, width)


def padded(text: str, flags: str, width: str) -> str:
    size = int(width or 0)
    return text.ljust(size) if "-" in flags else text.rjust(size)


def number_text(val: float, flags: str, width: str, precision: str | None, letter: str) -> str:
    if not math.isfinite(val):
        return padded(to_string(val), flags, width)
    if letter == "c":
        return padded(chr_(val) or "", flags, width)
    if letter in "bo":
        prefix = {"b": "0b", "o": "0"}[letter] if "#" in flags else ""
        digits = prefix + format(int(val), letter)
        return digits.zfill(int(width or 0)) if "0" in flags else padded(digits, flags, width)
    if letter in "diu" and type(val) is float and precision is None:
        sign = next((sign for sign in "+ " if sign in flags and val >= 0), "")
        text = sign + to_string(val)
        return text.zfill(int(width or 0)) if "0" in flags else padded(text, flags, width)
    point = "" if precision is None else f".{precision or 0}"
    return f"%{flags}{width}{point}{letter}" % (int(val) if letter in "diuxX" else val)


OPERATORS = {"sprintf": Operator(sprintf)}
