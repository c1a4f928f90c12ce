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


class Call:
    """The pieces of one caller, in line, and their outcomes, which are valid once the call is finished.

    There may be fewer outcomes than pieces: those of the first pieces, which the batch had time for.
    """

    __slots__ = (
        "alone",
        "first",
        "light",
        "mark",
        "outcomes",
        "perform",
        "pieces",
        "prepare",
        "shards",
        "tries",
        "wake",
    )

    def __init__(
        self,
        perform: Callable[[Any], Any],
        pieces: Sequence[Any],
        first: Callable[[], None] | None = None,
        prepare: Callable[[Sequence[Any]], None] | None = None,
    ) -> None:
        self.perform = perform
        self.pieces = pieces
        self.prepare = prepare
        """Reads ahead the rows of the pieces."""
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
        self.mark = Mark()
        self.wake: threading.Lock | None = None
        """Of a call that waits: held until it is finished or must lead."""
