"""The `uri` module: text made fit for a URI, and back."""

from __future__ import annotations

from urllib.parse import quote, unquote

from picosched.krl.library.member import function
from picosched.krl.scope import Scope, Value
from picosched.krl.size import charge, claim_text, claim_texts, code
from picosched.krl.values import to_string


def escape(scope: Scope, str: Value = None) -> Value:
    return escaped(to_string(str), "!'()*")


def escaped(text: str, safe: str) -> str:
    """The text with all signs but letters, digits and the `safe` ones as %XX."""
    charge(4)
    code((2 if text.isascii() else 4) * len(text))
    claim_text(len(text), text.isascii())  # its bytes
    made = quote(text, safe=safe, errors="replace")
    claim_text(len(made), plain=True)
    return made


def unescape(scope: Scope, str: Value = None) -> Value:
    text = to_string(str)
    charge(4)
    code(2 * len(text))
    claim_texts(text.count("%"), 2 * len(text))
    return unquote(text)


URI = {"escape": function(escape), "unescape": function(unescape)}
