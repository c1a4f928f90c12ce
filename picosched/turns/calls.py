"""Calls in the line of `commit.py`, and the batches that finish them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any


class Mark:
    """One batch: all its calls finish at once, even if the thread that wrote it is interrupted."""

    __slots__ = ("finished",)

    def __init__(self) -> None:
        self.finished = False


IN_LINE = Mark()
"""Of a call that is in no batch yet."""


class Call:
    """The pieces of one caller, in line, and their outcomes, which are valid once the call is finished.

    There may be fewer outcomes than pieces: those of the first pieces, which the batch had time for.
    """

    __slots__ = (
        "alone",
        "find",
        "first",
        "light",
        "mark",
        "outcomes",
        "perform",
        "pieces",
        "shards",
        "then",
        "tries",
        "wake",
    )

    def __init__(
        self,
        perform: Callable[[Any], Any],
        pieces: Sequence[Any],
        first: Callable[[], None] | None = None,
        find: Callable[[], Sequence[Any]] | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        self.perform = perform
        self.pieces = pieces
        self.find = find
        """Finds the pieces, just before their transaction begins."""
        self.then = then
        """Called after the commit, before anybody else writes."""
        self.light = False
        """Whether its caller must not wait for long."""
        self.alone = False
        """Whether each piece gets its own transaction, because a shared one was refused."""
        self.first = first
        """Committed before the pieces, which then share their transaction with no other call."""
        self.shards: frozenset[int] = frozenset()
        """What its first piece turned out to need, besides what was known of it."""
        self.tries = 0
        """How often it was undone because of another process."""
        self.outcomes: list[Any] = []
        self.mark = IN_LINE
        self.wake: threading.Lock | None = None
        """Of a call that waits: held until it is finished or must lead."""
