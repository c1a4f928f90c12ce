"""A memo of the last read from the store, valid until the next transaction ends.

The value and its key are one tuple, so that no thread uses another's value for its own key. Nothing is
remembered of a store that other processes write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from picosched.store.store import Store
from picosched.turns.commit import GroupCommit

K = TypeVar("K")
T = TypeVar("T")


class Seen(Generic[K, T]):
    """The last value that `read` returned, for its key. Any thread may look."""

    def __init__(self, store: Store, commits: GroupCommit, read: Callable[[K], T]) -> None:
        self._store = store
        self._commits = commits
        self._read = read
        self._seen: tuple[tuple[int, K], T] | None = None

    def forget(self) -> None:
        """Read anew at the next look."""
        self._seen = None

    @property
    def last(self) -> T | None:
        """The value read last, whatever its key; None before the first look."""
        seen = self._seen
        return None if seen is None else seen[1]

    def look_inside(self, key: K) -> None:
        """Read the value for this key, inside the lock."""
        if self._store.steady:
            self._seen = self._read_for(key)

    def look(self, key: K) -> T:
        """The value read for this key."""
        seen = self._seen
        if seen is not None and seen[0] == (self._store.transactions, key) and self._store.steady:
            return seen[1]
        self._seen = self._commits.read(self._read_for, key)
        return self._seen[1]

    def _read_for(self, key: K) -> tuple[tuple[int, K], T]:
        return (self._store.transactions, key), self._read(key)
