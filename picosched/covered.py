"""Covers keys: the values of `key NAME VALUE` in a ruleset's text, and their texts wherever they turn up.

A key is a password for another service. Errors quote a line of their ruleset, and rules may log or answer
with what they know, so all that is shown goes through here first. The text need not be valid: its errors
are what is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

COVER = "•"
HIDDEN = "•••"
LEAST = 4
"""Characters of a text that is covered; a shorter one would turn up by chance."""

TEXTS_OF_A_STEP = 32

KEY = re.compile(r"\bkeys?\s+[A-Za-z_$][\w$]*\s+(?=[\"'{\[<]|\d)")
PART = re.compile(r'"(?:\\.|[^"\\])*"?|<<.*?(?:>>|\Z)|//[^\n]*|[{}\[\]]|[^\s{}\[\]"<]+|\s+|.', re.DOTALL)

MORE = re.compile(r'\s*"')


def without_keys(text: str) -> str:
    """A ruleset's text with each key covered; all else keeps its place."""
    if "key" not in text:
        return text
    parts: list[str] = []
    done = 0
    for found in KEY.finditer(text):
        if found.end() >= done:
            end = _end(text, found.end())
            parts += [text[done : found.end()], re.sub(r"\S", COVER, text[found.end() : end])]
            done = end
    return "".join([*parts, text[done:]])


def _end(text: str, start: int) -> int:
    """Where the value that starts there ends: after its brackets or one word, and texts right behind it."""
    depth, at = 0, start
    while (found := PART.match(text, at)) is not None:
        at = found.end()
        depth += (found[0] in "{[") - (found[0] in "}]")
        if depth <= 0 and not found[0].isspace() and not MORE.match(text, at):
            break
    return at


class Covers:
    """Texts of keys, which are covered in values."""

    def __init__(self) -> None:
        self.texts: frozenset[str] = frozenset()
        """What is covered; mostly nothing."""
        self._pattern: re.Pattern[str] | None = None

    def cost(self, size: int) -> int:
        """Steps for covering that many bytes: up to a few for each, if there are many texts to look for."""
        return size * len(self.texts) // TEXTS_OF_A_STEP

    def add(self, value: Any) -> None:
        """Cover the texts and numbers in a value from now on."""
        texts = self.texts | texts_of(value)
        if texts != self.texts:
            longest_first = sorted(texts, key=lambda text: (-len(text), text))
            self.texts, self._pattern = texts, re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)

    def value(self, value: Any) -> Any:
        """The value with all texts of keys covered, also in the names of maps."""
        match value:
            case str():
                return self.text(value)
            case list() | tuple():
                return [self.value(each) for each in value]
            case dict():
                return {self.text(name): self.value(each) for name, each in value.items()}
            case int() | float() if str(value) in self.texts:
                return HIDDEN
        return value


def texts_of(value: Any) -> frozenset[str]:
    """The texts in a key's value that are covered."""
    return frozenset(text for text in _leaves(value) if len(text) >= LEAST)


def _leaves(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for each in value.values():
                yield from _leaves(each)
        case list():
            for each in value:
                yield from _leaves(each)
        case str():
            yield value
        case int() | float() if not isinstance(value, bool):
            yield str(value)
