"""The ids that are made where two runs are compared, in a plan or a replay, and texts without them.

What is made later has other ids as soon as one run has drawn more random numbers than the other. So a text is
compared without the ids that either made. Others, and what only looks like an id, stay as they are.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from uuid import UUID

from picosched.pico.chance import Tape

LIKE_AN_ID = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
BITS = 128
"""Of an id, and of a `random:uuid()`."""


class Made:
    """The ids made so far."""

    def __init__(self) -> None:
        self._numbers: set[int] = set()
        self.not_all_known = False
        """Whether others were made as well: then all that looks like an id is taken for one."""

    def add(self, drawn: int) -> None:
        self._numbers.add(_number(drawn))

    def add_drawn(self, tape: Tape) -> None:
        """Add those among the random numbers of a turn."""
        for bits, value in tape:
            if bits == BITS:
                self.add(value)

    def add_made_of(self, ids: Iterable[str | None]) -> None:
        """Add ids that follow from others, as that of an event from that of its schedule."""
        for id in ids:
            if id is not None and LIKE_AN_ID.fullmatch(id):
                self._numbers.add(_number_in(id))

    def noted(self, source: random.Random) -> random.Random:
        """A source, of which those drawn from now on are added."""
        return Noted(source, self)

    def without(self, text: str) -> str:
        """A text in which each of them is the word ID."""
        return LIKE_AN_ID.sub(lambda id: "ID" if self._has(id[0]) else id[0], text)

    def numbered(self, text: str, numbers: dict[str, str]) -> str:
        """A text in which each of them is its number by the order in which they appear; adds new ones."""
        return LIKE_AN_ID.sub(
            lambda id: numbers.setdefault(id[0], f"#{len(numbers)}") if self._has(id[0]) else id[0], text
        )

    def _has(self, id: str) -> bool:
        return self.not_all_known or _number_in(id) in self._numbers


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


def _number_in(id: str) -> int:
    return _number(int(id.replace("-", ""), 16))


def _number(drawn: int) -> int:
    """What an id and a UUID of the same random number have in common."""
    return UUID(int=drawn, version=4).int
