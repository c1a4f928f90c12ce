"""The ids that the rehearsals of a plan make, and texts without them.

What is made later has other ids as soon as one rehearsal has drawn more random numbers than the other. So a
text is compared without the ids that either made. Others, and what only looks like an id, stay as they are.
"""

from __future__ import annotations

import random
import re
from uuid import UUID

LIKE_AN_ID = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
BITS = 128
"""Of an id, and of a `random:uuid()`."""


class Made:
    """The ids made so far."""

    def __init__(self) -> None:
        self._numbers: set[int] = set()

    def add(self, drawn: int) -> None:
        self._numbers.add(_number(drawn))

    def without(self, text: str) -> str:
        """A text in which each of them is the word ID."""
        return LIKE_AN_ID.sub(self._word, text)

    def _word(self, found: re.Match[str]) -> str:
        return "ID" if _number(int(found[0].replace("-", ""), 16)) in self._numbers else found[0]


class Noted(random.Random):
    """Random numbers from a source, of which those for ids are noted."""

    def __init__(self, source: random.Random, made: Made) -> None:
        super().__init__(0)
        self._source, self._made = source, made

    def random(self) -> float:
        return self._source.random()

    def getrandbits(self, k: int, /) -> int:
        drawn = self._source.getrandbits(k)
        if k == BITS:
            self._made.add(drawn)
        return drawn


def _number(drawn: int) -> int:
    """What an id and a UUID of the same random number have in common."""
    return UUID(int=drawn, version=4).int
