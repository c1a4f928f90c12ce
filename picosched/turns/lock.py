"""The lock around the store and the picos in memory."""

from __future__ import annotations

import threading


class FairLock:
    """A lock that no later caller takes from a thread that waits for it, and that knows its owner."""

    __slots__ = ("_lock", "_turnstile", "by")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turnstile = threading.Lock()
        """Held while waiting for the lock, so that later callers cannot overtake the waiting thread."""
        self.by: int | None = None
        """The id of the thread that holds it."""

    def __enter__(self) -> None:
        with self._turnstile:
            self._lock.acquire()
        self.by = threading.get_ident()

    def take(self) -> bool:
        """Acquire it if no thread holds it or waits for it; False otherwise."""
        if self._turnstile.locked() or not self._lock.acquire(blocking=False):
            return False
        self.by = threading.get_ident()
        return True

    def give(self) -> None:
        self.by = None
        self._lock.release()

    def __exit__(self, *_: object) -> None:
        self.give()
