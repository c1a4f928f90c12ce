"""The requests that wait at the desk, in a line for each channel."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from picosched.pico.event import Event, Query
from picosched.turns.pieces import AskPassing

Wanted = Event | Query | AskPassing


class Piece(NamedTuple):
    """A request and the future of its answer."""

    wanted: Wanted
    future: asyncio.Future[Any]

    @property
    def eci(self) -> str:
        return self.wanted.eci or ""


class Lines:
    """The waiting requests, by channel. Any thread puts; one takes."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        """Guards the fields below."""
        self._change = threading.Condition(self._mutex)
        self._lines: dict[str, deque[Piece]] = {}
        """The channel whose turn it is comes first."""
        self._ends = self._sleeps = False
        self.waiting = 0

    def put(self, pieces: Sequence[Piece]) -> None:
        """Add pieces to the ends of their channels' lines."""
        with self._mutex:
            for piece in pieces:
                self._lines.setdefault(piece.eci, deque()).append(piece)
            self.waiting += len(pieces)
            if self._sleeps:
                self._change.notify()

    def put_back(self, pieces: Sequence[Piece]) -> None:
        """Return pieces to the front, in the order they were taken."""
        with self._mutex:
            fronts: dict[str, deque[Piece]] = {}
            for piece in pieces:
                fronts.setdefault(piece.eci, deque()).append(piece)
            for eci, front in fronts.items():
                front.extend(self._lines.pop(eci, ()))
            self._lines = {**fronts, **self._lines}
            self.waiting += len(pieces)

    def take(self, most: int) -> list[Piece]:
        """Take uncancelled pieces: one from each line, then the second from each."""
        with self._mutex:
            taken: list[Piece] = []
            while self._lines and len(taken) < most:
                eci = next(iter(self._lines))
                line = self._lines.pop(eci)
                piece = line.popleft()
                if line:
                    self._lines[eci] = line
                self.waiting -= 1
                if not piece.future.done():
                    taken.append(piece)
            return taken

    def take_all(self, eci: str) -> list[Piece]:
        """Take a whole line."""
        with self._mutex:
            line = self._lines.pop(eci, deque())
            self.waiting -= len(line)
            return [*line]

    def wait(self) -> bool:
        """Wait for pieces; False once `end` was called and nothing waits."""
        with self._change:
            self._sleeps = True
            self._change.wait_for(lambda: self._lines or self._ends)
            self._sleeps = False
            return bool(self._lines)

    def end(self) -> None:
        """No more pieces will be put."""
        with self._change:
            self._ends = True
            self._change.notify()
