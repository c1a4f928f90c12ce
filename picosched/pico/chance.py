"""Chance, as turns see it: a turn that is tried again draws the same.

A turn that needs an answer from outside is evaluated anew once it has it. Were ids and random numbers others
each time, a rule that asks with one of them would ask something else at every try, and never be done.

A tape belongs to the turn at hand, so only the thread that evaluates that turn draws from it. The ids of
callers, who ask at any time and in any thread, come from a source of their own (`beginning.chances`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import get_ident
from typing import Any

from picosched.errors import PicoschedError

Tape = list[tuple[int | None, Any]]
"""What was drawn, in order: how many bits, or None for a number from 0 to 1, and the value."""


class Chance(random.Random):
    """Random numbers from a source, that are drawn again from a tape."""

    def __init__(self, source: random.Random) -> None:
        super().__init__(0)
        self._source = source
        self._tape: Tape | None = None
        self._place = 0
        self._thread = 0
        """The thread that evaluates the turn at hand."""

    def begin(self, tape: Tape) -> None:
        """From now on this thread draws what is on the tape, and puts on it what it draws beyond its end."""
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
                "found a thread that draws from the tape of a turn, wanted the one that evaluates the turn",
                "internal",
            )
        if self._place < len(tape) and tape[self._place][0] != bits:
            del tape[self._place :]  # the turn took another way than the last time
        if self._place == len(tape):
            tape.append((bits, draw()))
        self._place += 1
        return tape[self._place - 1][1]


def id_from(source: random.Random) -> str:
    """An id that nobody can guess, if the source cannot be guessed."""
    return f"{source.getrandbits(128):032x}"
