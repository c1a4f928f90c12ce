"""What a token's value is written as: strings, numbers, regular expressions, the text of chevrons.

A backslash is an escape only before few characters, and is doubled only where it would be one: `"\\d+"` stays
as it was written.
"""

from __future__ import annotations

import re
from decimal import Decimal
from math import isinf

_IN_STRING = re.compile(r'"|\\(?=["\\]|\Z)')
_IN_CHEVRON = re.compile(r"\\(?=>|#\{|\\|\Z)|#(?=\{)|>(?=>)")
_IN_REGEX = re.compile(r"#")
_IN_SLASHES = re.compile(r"/")
_HASH_FORM = re.compile(r"(?:\\[^#]|[^\\])*")
_SLASH_FORM = re.compile(r"(?:\\[^/\r\n]|[^\\\r\n])*")
INFINITE = "1" + "0" * 309


def string(text: str) -> str:
    return f'"{_escaped(_IN_STRING, text)}"'


def number(value: float) -> str:
    """Digits, and a point if need be: numbers have no exponents."""
    return INFINITE if isinf(value) else format(Decimal(repr(value)), "f").removesuffix(".0")


def regex(pattern: str, flags: str) -> str | None:
    """`re#pattern#flags`, or between slashes in parentheses; None if neither can hold the pattern."""
    if _HASH_FORM.fullmatch(pattern):
        return f"re#{_escaped(_IN_REGEX, pattern)}#{flags}"
    if _SLASH_FORM.fullmatch(pattern):
        return f"(re/{_escaped(_IN_SLASHES, pattern)}/{flags})"
    return None


def chevron_text(text: str, last: bool) -> str:
    """A stretch of text in a chevron; `last` before the chevron's end."""
    escaped = _escaped(_IN_CHEVRON, text)
    return escaped[:-1] + r"\>" if last and escaped.endswith(">") else escaped


def _escaped(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda found: "\\" + found[0], text)
