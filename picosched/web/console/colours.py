"""Syntax colouring of a ruleset: keywords, strings, numbers and comments.

The lexer finds them, up to the first error. KRL's keywords can also be names, which only the parser can
decide; colouring guesses that members, keys, calls and assigned words are names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from picosched.errors import KrlError
from picosched.krl.grammar.tokens import KEYWORDS, RESERVED
from picosched.krl.lexer import new_lexer
from picosched.krl.source import Source

MOST = 4_000
"""Marks in one text. The rest is not coloured."""

KINDS = {
    "STRING": "string",
    "REGEX": "string",
    "RAW": "string",
    "CHEVRON_OPEN": "string",
    "CHEVRON_TEXT": "string",
    "CHEVRON_CLOSE": "string",
    "INTEGER": "number",
    "NUMBER": "number",
    "BEE_OPEN": "word",
    "BEE_CLOSE": "word",
}
"""Maps a token to its colour class."""

BEHIND = ("DOT", "COLON", "ASSIGN")
BEFORE = ("COLON", "LPAREN", "EQUALS", "ASSIGN", "DOT", "COMMA", "RPAREN", "ARROW", "BEE_CLOSE")
"""Tokens before and after a word that make it a name."""


def colours(text: str) -> list[dict[str, Any]]:
    """Marks `{kind, from, to, class}`, in the order of the text."""
    found: list[dict[str, Any]] = [
        {"kind": "mark", "from": start, "to": end, "class": f"krl-{colour}"}
        for start, end, colour in _coloured(text)
    ]
    return sorted(found, key=lambda mark: mark["from"])[:MOST]


def _coloured(text: str) -> Iterator[tuple[int, int, str]]:
    lexer = new_lexer(Source("", text))
    before, word = None, None
    try:
        for token in iter(lexer.token, None):
            if word is not None and _is_keyword(word, token.type):
                yield word.lexpos, word.endlexpos, "word"
            word = (
                token if token.type == "WORD" and token.value in KEYWORDS and before not in BEHIND else None
            )
            if token.type in KINDS:
                yield token.lexpos, token.endlexpos, KINDS[token.type]
            before = token.type
    except KrlError:
        pass  # reported among the findings
    if word is not None and _is_keyword(word, ""):
        yield word.lexpos, word.endlexpos, "word"
    for start, comment in lexer.comments:
        yield start, start + len(comment), "comment"


def _is_keyword(word: Any, following: str) -> bool:
    return word.value in RESERVED or following not in BEFORE
