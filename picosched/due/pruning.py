"""Old history is deleted by a time that the clock has confirmed, never by the time that it shows just now.

A clock that somebody sets ten years forward would make all history old at once. So a time counts only once
the clock has gone on from it by a day: nothing is deleted when the clock jumps, and whoever set it wrong has
a day to set it right. The same holds after a machine was off for long: what grew old meanwhile stays for
another day.

The time that was read last is kept in the store, so that processes which live for less than a day delete
history too. Within a process the seconds that really passed tell a jump from a long wait; a sleep of the
machine is a long wait as well.

A look deletes some of what is old, so that what is due meanwhile is not kept waiting; the next look goes on.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from picosched.clock import Clock, format_time, from_ms, shifted, to_ms
from picosched.store.store import Store
from picosched.turns.commit import GroupCommit

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)
"""How often history is deleted, and for how long the clock has to go on from a time to confirm it."""

JUMP_SECONDS = 3600.0
"""A clock that differs by more from the seconds that passed was set. One that is adjusted differs by less."""

READ = "history_read"
"""Where the store keeps the time that was read last."""


class Pruning:
    """Deletes the history that is older than is kept. Any thread may look; one at a time judges."""

    def __init__(self, store: Store, commits: GroupCommit, clock: Clock) -> None:
        self._store = store
        self._commits = commits
        self._clock = clock
        self._mutex = threading.Lock()
        """Held by the thread that judges."""
        self._read: datetime | None = None
        """The time that was read last, which counts once the clock has gone on from it by a day."""
        self._offset = 0.0
        """By how many seconds the clock was ahead of those that had elapsed at that time."""
        self._deletes: datetime | None = None
        """The time that counts, while not all that was old then is deleted."""

    @property
    def next_look(self) -> datetime | None:
        """When to look next; None before the first look."""
        # While a thread judges, another one that looked would find nothing to do, again and again.
        if self._mutex.locked():
            return shifted(self._clock.now(), EVERY)
        if self._deletes is not None:
            return self._clock.now()
        return None if self._read is None else shifted(self._read, EVERY)

    def look(self) -> int:
        """Delete some of what is old if a day has gone by; how many rows."""
        now, read = self._clock.now(), self._read
        if read is not None and timedelta() <= now - read < EVERY and self._deletes is None:
            return 0
        if self._store.readonly or not self._mutex.acquire(blocking=False):
            return 0
        try:
            return self._judge(now)
        finally:
            self._mutex.release()

    def prune(self, time: datetime) -> int:
        """Delete all that is too old at that time; how many rows."""
        pruned = 0
        while self._is_prunable(time):
            pruned += self._commits.run(lambda: self._store.prune(time))
        return pruned

    def _is_prunable(self, time: datetime) -> bool:
        return self._commits.read(lambda: self._store.prunable(time))

    def _judge(self, now: datetime) -> int:
        offset, pruned = now.timestamp() - self._clock.elapsed(), 0
        if self._deletes is None:
            if self._read is None:
                kept = self._commits.read(lambda: self._store.picos.meta(READ))
                self._read, self._offset = None if kept is None else from_ms(int(kept)), offset
            read = self._read
            if read is not None and timedelta() <= now - read < EVERY:
                return 0
            if abs(offset - self._offset) > JUMP_SECONDS:
                log.warning(
                    "the clock jumped to %s: no history is deleted before it has gone on for a day",
                    format_time(now),
                )
            elif read is not None and read < now and self._is_prunable(read):
                self._deletes = read
        if (time := self._deletes) is not None:
            pruned = self._commits.run(lambda: self._store.prune(time))
            if self._is_prunable(time):
                return pruned
            self._deletes = None
        # A process that ends before all is deleted leaves the rest to the next one.
        self._commits.run(lambda: note(self._store, now))
        self._read, self._offset = now, offset
        return pruned


def note(store: Store, time: datetime) -> None:
    """Inside a transaction: keep the time that was read."""
    store.picos.set_meta(READ, str(to_ms(time)))
