"""Chance, as turns see it: a turn that is tried again draws the same.

A turn that needs an answer from outside is evaluated anew once it has it. Were ids and random numbers others
each time, a rule that asks with one of them would ask something else at every try, and never be done.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Tape = list[tuple[int | None, Any]]
"""What was drawn, in order: how many bits, or None for a number from 0 to 1, and the value."""


class Chance(random.Random):
    """Random numbers from a source, that are drawn again from a tape."""

    def __init__(self, source: random.Random) -> None:
        super().__init__(0)
        self._source = source
        self._tape: Tape | None = None
        self._place = 0

    def begin(self, tape: Tape) -> None:
        """From now on draw what is on the tape, and put on it what is drawn beyond its end."""
        self._tape, self._place = tape, 0

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
        if self._place < len(tape) and tape[self._place][0] != bits:
            del tape[self._place :]  # the turn took another way than the last time
        if self._place == len(tape):
            tape.append((bits, draw()))
        self._place += 1
        return tape[self._place - 1][1]
