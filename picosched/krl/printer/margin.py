"""Parts of a text that its tree does not contain: comments, empty lines, positions of closing brackets.

A `Margin` gives its comments out once and in order: whoever prints a place in the text takes those before it
that nobody has taken. So none is lost and none overtakes another, whatever the tree looks like.
The margin of a tree without a text is empty.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

from picosched.krl.lexer import new_lexer
from picosched.krl.source import Source

_LINE_BREAK = re.compile(r"\r\n?|\n")
_REST_IS_BLANK = re.compile(r"[ \t\f\v\r\u00a0\ufeff]*(?:\n|\Z)")
BLANKS = " \t\f\v\u00a0\ufeff"
OPENING, CLOSING = ("LPAREN", "LBRACKET", "LBRACE", "BEE_OPEN"), ("RPAREN", "RBRACKET", "RBRACE", "BEE_CLOSE")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment and its surroundings on its line.

    `alone`: nothing before it; `ending`: nothing after it; `apart`: an empty line above it.
    """

    text: str
    alone: bool
    ending: bool
    apart: bool

    @property
    def inline(self) -> bool:
        """Whether code can follow on its last line."""
        return self.text.startswith("/*") and "\n" not in self.text


class Margin:
    """A text beside its tree. Every offset it is asked about is one of the tree's, 0 where there is none."""

    def __init__(self, source: Source | None = None) -> None:
        self._text = source.text if source else ""
        self._tokens: list[Any] = []
        self._comments: list[tuple[int, Comment]] = []
        self._taken = 0
        if source is not None:
            lexer = new_lexer(source)
            self._tokens = list(iter(lexer.token, None))
            self._comments = [(start, self._comment(start, text)) for start, text in lexer.comments]
        self._starts = [token.lexpos for token in self._tokens]
        self._closing = _pairs(self._tokens)
        self._opening = {close: start for start, close in self._closing.items()}

    def before(self, offset: int) -> list[Comment]:
        """The comments before an offset that were not taken yet."""
        first = self._taken
        while self._taken < len(self._comments) and self._comments[self._taken][0] < offset:
            self._taken += 1
        return [comment for _, comment in self._comments[first : self._taken]]

    def apart(self, offset: int) -> bool:
        """Whether an empty line stands above what stands at an offset, or above the line's own comments."""
        lines = 0
        offset = min(offset, len(self._text))
        while offset > 0 and self._text[offset - 1] in BLANKS + "\r\n":
            offset -= 1
            lines += self._text[offset] == "\n"
        return lines > 1

    def word_before(self, offset: int) -> int:
        """The position of the token before the one at an offset."""
        index = bisect_left(self._starts, offset)
        return self._starts[index - 1] if index else 0

    def word_after(self, offset: int) -> int:
        """The position of the token after the one at an offset."""
        index = bisect_right(self._starts, offset)
        return self._starts[index] if index < len(self._starts) else 0

    def unwrapped(self, offset: int, word: str = "") -> tuple[int, bool]:
        """Where something begins, with its parentheses and a word before them; whether it has the word."""
        index = bisect_left(self._starts, offset) - 1
        while index >= 0 and self._tokens[index].type == "LPAREN":
            offset = self._starts[index]
            index -= 1
        if index >= 0 and self._tokens[index].value == word:
            return self._starts[index], True
        return offset, False

    def brackets_after(self, offset: int) -> tuple[int, int]:
        """The first bracket that opens at or after an offset, and the one that closes it."""
        index = bisect_left(self._starts, offset)
        while index < len(self._tokens) and self._tokens[index].type not in OPENING:
            index += 1
        start = self._starts[index] if index < len(self._tokens) else 0
        return start, self._closing.get(start, 0)

    def open_of(self, close: int) -> int:
        """The bracket that one at an offset closes."""
        return self._opening.get(close, 0)

    def close_before(self, offset: int) -> int:
        """The last token before an offset, semicolons aside: the brace at the end of a block."""
        index = bisect_left(self._starts, offset) - 1
        while index > 0 and self._tokens[index].type == "SEMICOLON":
            index -= 1
        return self._starts[index] if index >= 0 else 0

    def starts_line(self, offset: int) -> bool:
        """Whether only blanks stand before an offset on its line."""
        line = self._text[self._text.rfind("\n", 0, offset) + 1 : offset]
        return bool(self._text) and not line.strip(BLANKS)

    def follows(self, sign: str, offset: int) -> bool:
        """Whether the first token at or after an offset is this sign."""
        index = bisect_left(self._starts, offset)
        return index < len(self._tokens) and bool(self._tokens[index].value == sign)

    def block_around(self, offset: int) -> tuple[int, int]:
        """The block in which a word stands: where the word before its brace is, and what closes it."""
        index = bisect_left(self._starts, offset)
        depth = 0
        while index < len(self._tokens):
            token = self._tokens[index]
            if token.type == "RBRACE" and depth == 0:
                return self.word_before(self._opening[token.lexpos]), token.lexpos
            depth += {"LBRACE": 1, "RBRACE": -1}.get(token.type, 0)
            index += 1
        return 0, 0

    def _comment(self, start: int, text: str) -> Comment:
        end = start + len(text)
        ending = _REST_IS_BLANK.match(self._text, end) is not None
        text = "\n".join(each.rstrip() for each in _LINE_BREAK.split(text))
        return Comment(text, self.starts_line(start), ending, self.apart(start))


def _pairs(tokens: list[Any]) -> dict[int, int]:
    """Where each bracket closes. In a block that is kept as it stands only the braces need be in pairs."""
    found = {}
    opened: list[Any] = []
    for token in tokens:
        if token.type in OPENING:
            opened.append(token)
        elif token.type in CLOSING:
            wanted = OPENING[CLOSING.index(token.type)]
            while opened and token.type == "RBRACE" and opened[-1].type != wanted:
                opened.pop()
            if opened and opened[-1].type == wanted:
                found[opened.pop().lexpos] = token.lexpos
    return found
