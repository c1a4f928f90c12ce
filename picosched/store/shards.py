"""Shards: how several processes write one database without one undoing what another did.

Each pico and each source belongs to one of 256 shards, by a hash of its id; what all picos share, such as
`app:` variables, has one more. A transaction locks the shards it needs before it reads, in order, so that two
never wait for each other. The lock increments the shard's version. If that gives another number than ours
plus one, somebody else wrote, and what is in memory of that shard is forgotten before it is used.

Which process usually works on a shard is another matter (`due/placement.py`), and nothing here relies on it.

Pieces of work name their picos, so their shards are known beforehand (`turns/reach.py`). If a turn needs
another one, `need` raises UnlockedError: the transaction is undone, and the piece tried again with that shard
locked as well. Adding a row for a pico or source of another shard needs no lock.

A database that one process has to itself has no shards, and `Store.shards` is None.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from hashlib import md5
from typing import Protocol

from picosched.store.faults import StoreError
from picosched.store.port import Database

SHARDS = 256
SHARED = SHARDS
"""The shard of what belongs to all picos, whose owner is ""."""


@lru_cache(maxsize=65_536)
def shard_of(owner: str) -> int:
    """The shard of a pico or a source, as the database computes it too; that of "" is SHARED."""
    return md5(owner.encode(errors="replace"), usedforsecurity=False).digest()[0] if owner else SHARED


class UnlockedError(StoreError):
    """The open transaction needs these shards as well. Nothing of it is kept: try again with them."""

    def __init__(self, shards: frozenset[int]) -> None:
        super().__init__(f"shards {', '.join(map(str, sorted(shards)))} are not locked", "conflict")
        self.shards = shards


class Owners(Protocol):
    """Whom the tables' logic tells what it uses, as `Store` explains."""

    def need(self, *owners: str) -> None:
        """Something of these owners is used or written."""

    def new_owner(self, owner: str) -> None:
        """There is a new owner, which nobody else can know yet."""

    def added(self, owner: str) -> None:
        """A row is added for this owner, which need not be locked."""


class Shards:
    """What is locked and known of the shards of one database. For one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._forgets: list[Callable[[Collection[int]], None]] = []
        self._seen: dict[int, int] = {}
        """Shard → its version as of which what is in memory is valid."""
        self._locked: dict[int, int] = {}
        """Shard → its version once the open transaction is committed."""
        self._at = -1
        """How many transactions had ended when these were locked."""
        self._asked = True
        """Whether the open transaction said what it needs."""
        self._made: set[str] = set()
        """New owners, which need no lock until the transaction ends."""
        self._wanted: frozenset[int] = frozenset()
        """What was needed and not locked."""
        self._checked: set[int] = set()
        """Shards whose memory was found valid during this read."""

    def on_stale(self, forget: Callable[[Collection[int]], None]) -> None:
        """Have `forget` called with the shards that somebody else wrote."""
        self._forgets.append(forget)

    def lock(self, shards: Iterable[int]) -> None:
        """Lock shards for the transaction that was just opened."""
        self._locked, self._at, self._asked = {}, self._database.transactions, True
        self._made.clear()
        self._wanted = frozenset()
        if wanted := {*shards}:
            self._lock(wanted)

    def _lock(self, shards: Collection[int]) -> None:
        before = {shard: self._seen.pop(shard, None) for shard in shards}  # unknown, until it is committed
        versions = self._database.lock(sorted(shards))
        self._locked |= versions
        self._forget([shard for shard, version in versions.items() if before[shard] != version - 1])

    def kept(self) -> None:
        """The transaction was committed."""
        self._seen |= self._locked
        self._locked = {}

    def need(self, *owners: str) -> None:
        """Before something of these owners is used or written: UnlockedError unless they are locked.

        A transaction that never said what it needs locks them now. Outside a transaction this makes sure that
        what is in memory of them is valid.
        """
        shards = {shard_of(owner) for owner in owners if owner not in self._made}
        if self._database.in_transaction:
            self._begin()
            if not (missing := shards - self._locked.keys()):
                return
            if self._asked:
                self._wanted |= missing
                self.check()
            self._lock(missing)
        elif new := shards - self._checked:
            versions = self._database.versions(sorted(new))
            self._forget([shard for shard, version in versions.items() if self._seen.get(shard) != version])
            self._seen |= versions
            self._checked |= new

    def check(self) -> None:
        """UnlockedError if something was needed that is not locked, even if some code swallowed the error."""
        if self._wanted:
            raise UnlockedError(self._wanted)

    def new_owner(self, owner: str) -> None:
        """Inside a transaction: a new owner, which nobody else can know yet; its machine hears of it."""
        self._begin()
        self._made.add(owner)
        if self._database.machines is not None:
            self._database.machines.tell(shard_of(owner))

    def _begin(self) -> None:
        """Notice a transaction that did not say what it needs."""
        if self._at != self._database.transactions:
            self.lock(())
            self._asked = False

    def has(self, owner: str) -> bool:
        """Whether what is in memory of an owner is known to be valid in this transaction or read."""
        known = self._locked if self._database.in_transaction else self._checked
        return shard_of(owner) in known

    def begin_read(self) -> None:
        """A read begins: others may have written since the last one."""
        self._checked.clear()

    def _forget(self, shards: Collection[int]) -> None:
        if shards:
            for forget in self._forgets:
                forget(shards)
