"""The `uri` module: text made fit for a URI, and back."""

from __future__ import annotations

from urllib.parse import quote, unquote

from picosched.krl.library.member import function
from picosched.krl.scope import Scope, Value
from picosched.krl.size import check_text
from picosched.krl.values import to_string


def escape(scope: Scope, str: Value = None) -> Value:
    text = quote(to_string(str), safe="!'()*", errors="replace")
    check_text(len(text))
    return text


def unescape(scope: Scope, str: Value = None) -> Value:
    return unquote(to_string(str))


URI = {"escape": function(escape), "unescape": function(unescape)}
