"""Decides which due rows are raised next, taking picos in turn.

If all due rows fit into one batch, they are raised in order of due time. If there are more, or a batch ended
early, picos queue up: each has a few of its rows raised, soonest first, and goes to the end. So a pico with a
hundred thousand due rows, or one that makes two for each that is raised, delays another by no more than its
share. A row belongs to the pico that made it: a message to its sender.

Picos with due rows are found in one pass over the due rows, some at each look, and from rows written
meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import chain, islice, zip_longest

from picosched.store.due import Due, Watched
from picosched.store.left_out import LeftOut

AT_ONCE = 100
"""Due rows that one batch may raise."""

LOOKED_AT = 10_000
"""Due rows that one look scans for their picos."""


class DueRows:
    """The line of picos with due rows, until `forget` ends the tick. Call `next` while nobody writes."""

    def __init__(self, due: Due, at_once: int = AT_ONCE) -> None:
        self._due = due
        self._at_once = at_once
        self._line: dict[str, None] = {}
        """Picos that have, or had, due rows; the one whose turn it is comes first."""
        self._watched: Watched | None = None
        """The position of the scan over due rows; None if they fit into one batch."""
        self._given: list[tuple[str, str]] = []

    def next(self, now: datetime, without: LeftOut, first: Collection[str] = ()) -> list[tuple[str, str]]:
        """The rows to raise next, (id, pico), without those left out. Rows in `first` come first."""
        if first and (found := self._due.among(first, now, without)):
            return self._give(found)
        if self._watched is None:
            due = self._due.first(now, self._at_once + 1, without)
            if len(due) <= self._at_once:
                return self._give(self._in_turn(due))
            self._watched = self._due.watch()
        for pico_id in self._due.more_due(self._watched, now, LOOKED_AT):
            self._line.setdefault(pico_id)
        given = self._of_those_in_line(now, without)
        if not given:
            self.forget()
            given = self._due.first(now, self._at_once, without)
        return self._give(given)

    def raised(self, number: int) -> None:
        """Record that the first `number` of the rows returned last were raised."""
        if number == len(self._given) and self._watched is None:
            self._line.clear()
            return
        for _, pico_id in self._given[:number]:
            self._line.pop(pico_id, None)
            self._line[pico_id] = None

    def _give(self, rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
        self._given = rows
        return rows

    def _in_turn(self, due: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """All due rows: by due time, or by the line if there is one."""
        if not self._line:
            self._line = dict.fromkeys(pico_id for _, pico_id in due)
            return due
        of_pico: dict[str, list[tuple[str, str]]] = {}
        for row in due:
            of_pico.setdefault(row[1], []).append(row)
        self._line = dict.fromkeys([*(each for each in self._line if each in of_pico), *of_pico])
        return _in_rounds(of_pico[pico_id] for pico_id in self._line)

    def _of_those_in_line(self, now: datetime, without: LeftOut) -> list[tuple[str, str]]:
        """A few rows of each of the first picos in line. A pico without due rows leaves the line."""
        while picos := [*islice((id for id in self._line if id not in without.owners), self._at_once)]:
            each = -(-self._at_once // len(picos))
            found = self._due.due_of(picos, now, each, without)
            for pico_id in picos:
                if not found.get(pico_id):
                    del self._line[pico_id]
            if found:
                rows = [[(id, pico_id) for id in found[pico_id]] for pico_id in picos if pico_id in found]
                return _in_rounds(rows)[: self._at_once]
        return []

    def forget(self) -> None:
        """End the tick: empty the line."""
        self._line.clear()
        if self._watched is not None:
            self._due.unwatch(self._watched)
            self._watched = None


def _in_rounds(rows: Iterable[list[tuple[str, str]]]) -> list[tuple[str, str]]:
    """The first of each, then the second of each, and so on."""
    return [row for row in chain.from_iterable(zip_longest(*rows)) if row is not None]
