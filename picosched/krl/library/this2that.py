"""The `this2that` module of the classic engine: base64, and character codes. `url2base64` and `base642url`
use the URL-safe alphabet without padding.
"""

from __future__ import annotations

from picosched.krl.library import numbers, strings
from picosched.krl.library.math import base64decode, base64encode
from picosched.krl.library.member import function
from picosched.krl.scope import Scope, Value
from picosched.krl.size import claim_text, claim_texts, scan
from picosched.krl.values import to_string

LINE = 76
"""Characters of base64 per line, if lines are requested."""


def string2base64(scope: Scope, str: Value = None, eol: Value = None) -> Value:
    """The base64 of the text; with `eol`, in lines that each end in it."""
    text = base64encode(scope, str)
    if eol is None or eol == "":
        return text
    end = to_string(eol)
    starts = range(0, len(text), LINE)
    claim_texts(len(starts), len(text))
    claim_text(len(text) + len(starts) * len(end))
    return "".join(text[start : start + LINE] + end for start in starts)


def url2base64(scope: Scope, str: Value = None) -> Value:
    text = base64encode(scope, str)
    scan(2 * len(text))
    claim_text(len(text), plain=True)
    return text.rstrip("=").replace("+", "-").replace("/", "_")


def character(scope: Scope, number: Value = None) -> Value:
    return numbers.OPERATORS["chr"].run(number)


def ordinal(scope: Scope, str: Value = None) -> Value:
    return strings.OPERATORS["ord"].run(str)


THIS2THAT = {
    "base642string": function(base64decode),
    "base642url": function(base64decode),
    "chr": function(character),
    "decodeBase64": function(base64decode),
    "encodeBase64": function(string2base64),
    "ord": function(ordinal),
    "string2base64": function(string2base64),
    "url2base64": function(url2base64),
}
