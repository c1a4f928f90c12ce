"""Random numbers for turns: a retried turn draws the same values.

A turn that needs an answer from outside is evaluated again once the answer is there. If its ids and random
numbers differed, a rule that uses one in its request would make a new request at every try, without end.

A tape belongs to the current turn, so only the thread that evaluates that turn draws from it. Callers draw
ids at any time and in any thread, from their own source (`engine/recovery.py`: `chances`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import get_ident
from typing import Any

from picosched.errors import PicoschedError

Tape = list[tuple[int | None, Any]]
"""The values drawn, in order, each with its number of bits, or None for a number from 0 to 1."""


class Chance(random.Random):
    """Random numbers from a source, recorded on a tape and replayed from it."""

    def __init__(self, source: random.Random) -> None:
        super().__init__(0)
        self._source = source
        """What a tape is extended from."""
        self._tape: Tape | None = None
        self._place = 0
        self._thread = 0
        """The thread that evaluates the current turn."""

    def begin(self, tape: Tape) -> None:
        """From now on this thread draws from the tape, and extends it at its end."""
        self._thread, self._place, self._tape = get_ident(), 0, tape

    def end(self) -> None:
        self._tape = None

    def random(self) -> float:
        return float(self._drawn(None, self._source.random))

    def getrandbits(self, k: int, /) -> int:
        return int(self._drawn(k, lambda: self._source.getrandbits(k)))

    def _drawn(self, bits: int | None, draw: Callable[[], Any]) -> Any:
        tape = self._tape
        if tape is None:
            return draw()
        if self._thread != get_ident():
            raise PicoschedError(
                "found another thread drawing from a turn's tape, wanted the thread that evaluates the turn",
                "internal",
            )
        if self._place < len(tape) and tape[self._place][0] != bits:
            del tape[self._place :]  # the turn took another path this time
        if self._place == len(tape):
            tape.append((bits, draw()))
        self._place += 1
        return tape[self._place - 1][1]


def id_from(source: random.Random) -> str:
    """An id, unguessable if the source is."""
    return f"{source.getrandbits(128):032x}"
