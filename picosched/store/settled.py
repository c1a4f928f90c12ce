"""Up to which number the journal and the record of fires are complete, for readers that follow them.

Where several processes write at once, a transaction may commit after another whose rows have greater numbers.
A reader that went by numbers alone would miss its rows. So a reader goes up to a number that no transaction
under way can come below: the last number that was there when all that were under way have ended since.
"""

from __future__ import annotations

from typing import NamedTuple

from picosched.store.port import Database


class Last(NamedTuple):
    """Numbers up to which nothing more comes."""

    turn: int
    fire: int


AT_FIRST = 100
"""Looks of a reader that has not found any number yet; each takes a fraction of a millisecond."""


class Settled:
    """Finds these numbers. For one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: Last | None = None
        self._seen = Last(0, 0)
        """What was there at an earlier look."""
        self._next: int | None = None
        """The transaction that was to be the next one then."""

    def last(self) -> Last:
        """Look, and return the last numbers known to be complete; they never go back.

        At first it looks until those that are under way have ended. If there is one that takes long, perhaps
        of another database of the server, it begins with what is there.
        """
        if self._last is None:
            for _ in range(AT_FIRST):
                if (found := self._look()) is not None:
                    break
            self._last = self._seen if found is None else found
        else:
            self._last = self._look() or self._last
        return self._last

    def _look(self) -> Last | None:
        """The last numbers that this look shows to be complete; None if it shows none."""
        row = self._database.row("numbered")
        assert row is not None  # it has one row always
        turn, fire, under_way, next = row
        if under_way == next:  # there is none
            self._next = None
            return Last(turn, fire)
        found = None
        if self._next is None or under_way >= self._next:
            if self._next is not None:
                found = self._seen
            self._seen, self._next = Last(turn, fire), next
        return found
