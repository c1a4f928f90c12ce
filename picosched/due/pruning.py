"""Deletes old history, by a time the clock has confirmed, never by the current time.

If somebody set the clock ten years forward, all history would be old at once. So a time counts only once
the clock has advanced a day beyond it: a clock jump deletes nothing, and leaves a day to correct the clock.
After a machine was off for long, history that expired meanwhile is kept for another day too.

The time read last is kept in the store, so that processes that live for less than a day also delete history.
Within a process, elapsed seconds distinguish a jump from a long wait; a sleeping machine counts as a long
wait.

Each look deletes only some rows, so that due rows are not delayed; the next look continues.
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
"""How often history is deleted, and how far the clock must advance beyond a time to confirm it."""

JUMP_SECONDS = 3600.0
"""A clock that differs by more from the elapsed seconds was set. Gradual adjustment differs by less."""

READ = "history_read"
"""The key in the store of the time read last."""


class Pruning:
    """Deletes history past its retention. Any thread may call `look`; one at a time judges."""

    def __init__(self, store: Store, commits: GroupCommit, clock: Clock) -> None:
        self._store = store
        self._commits = commits
        self._clock = clock
        self._mutex = threading.Lock()
        """Held by the thread that judges."""
        self._read: datetime | None = None
        """The time read last, which counts once the clock has advanced a day beyond it."""
        self._offset = 0.0
        """Clock seconds minus elapsed seconds at that time."""
        self._deletes: datetime | None = None
        """The confirmed time, while history that was old at it remains."""

    @property
    def next_look(self) -> datetime | None:
        """When to look next; None before the first look."""
        # While a thread judges, another would look again and again and find nothing to do.
        if self._mutex.locked():
            return shifted(self._clock.now(), EVERY)
        if self._deletes is not None:
            return self._clock.now()
        return None if self._read is None else shifted(self._read, EVERY)

    def look(self) -> int:
        """Delete some old history if a day has passed; return how many rows."""
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
        """Delete all history that is too old at that time; return how many rows."""
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
                    "the clock jumped to %s: no history is deleted until it has advanced for a day",
                    format_time(now),
                )
            elif read is not None and read < now and self._is_prunable(read):
                self._deletes = read
        if (time := self._deletes) is not None:
            pruned = self._commits.run(lambda: self._store.prune(time))
            if self._is_prunable(time):
                return pruned
            self._deletes = None
        # If the process ends before all is deleted, the next one deletes the rest.
        self._commits.run(lambda: note(self._store, now))
        self._read, self._offset = now, offset
        return pruned


def note(store: Store, time: datetime) -> None:
    """Inside a transaction: keep the time read."""
    store.picos.set_meta(READ, str(to_ms(time)))
