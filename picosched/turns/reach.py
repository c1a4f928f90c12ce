"""Which shards a piece of work needs, as far as that is known before its transaction.

A piece names its pico, or a channel whose pico is known. A message goes to another pico than the one that
made it. What else a turn needs, such as `app:` variables or the answer of another pico, shows when it is
performed; it is remembered for the next piece of the same owner, so that a rule that needs it each time is
undone only once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from picosched.store.agenda import Agenda
from picosched.store.shards import Shards, shard_of
from picosched.turns.memory import Loaded, Recent
from picosched.turns.pieces import MakeSchedule, RaiseDue, RaiseEntry, RaiseEvent

REMEMBERED = 10_000
"""Owners."""

MOST = 8
"""More shards at once than these are not remembered: what needs so many is rare."""


class Reach:
    """Finds the shards of pieces. Call it inside the transaction: it may have to read a channel."""

    def __init__(self, shards: Shards, agenda: Agenda, loaded: Loaded) -> None:
        self.shards = shards
        self._agenda = agenda
        self._loaded = loaded
        self._further: Recent[str, frozenset[int]] = Recent(REMEMBERED)
        """Owner → the shards that its last pieces turned out to need as well."""

    def of(self, pieces: Iterable[Any]) -> set[int]:
        """The shards of pieces; none of a function, which shows what it needs."""
        found: set[int] = set()
        for piece in pieces:
            owner = self._owner(piece)
            if owner is not None:
                found.add(shard_of(owner))
                found |= self._further.find(owner) or frozenset()
            if isinstance(piece, RaiseDue) and (eci := self._agenda.sent_to(piece.id)) is not None:
                receiver = self._loaded.pico_of(eci)
                if receiver is not None:
                    found.add(shard_of(receiver))
                    found |= self._further.find(receiver) or frozenset()
        return found

    def remember(self, piece: Any, shards: frozenset[int]) -> None:
        """A piece turned out to need these shards as well."""
        owner = self._owner(piece)
        if owner is not None and len(shards) <= MOST:
            self._further.put(owner, (self._further.find(owner) or frozenset()) | shards)

    def _owner(self, piece: Any) -> str | None:
        if isinstance(piece, RaiseDue | RaiseEntry):
            return piece.owner
        if isinstance(piece, MakeSchedule):
            return piece.pico_id
        if isinstance(piece, RaiseEvent):
            return piece.pico_id or self._loaded.pico_of(piece.event.eci or "")
        return None
