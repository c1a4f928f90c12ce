"""The lock around the store and the picos in memory."""

from __future__ import annotations

import threading


class Held:
    """A lock that is fair to those who wait for it, and knows its thread."""

    __slots__ = ("_lock", "_turnstile", "by")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turnstile = threading.Lock()
        """Held while waiting for the lock, so that nobody who comes later is first, again and again."""
        self.by: int | None = None
        """The thread that holds it."""

    def __enter__(self) -> None:
        with self._turnstile:
            self._lock.acquire()
        self.by = threading.get_ident()

    def take(self) -> bool:
        """Enter if nobody holds it or waits for it; False otherwise."""
        if self._turnstile.locked() or not self._lock.acquire(blocking=False):
            return False
        self.by = threading.get_ident()
        return True

    def give(self) -> None:
        self.by = None
        self._lock.release()

    def __exit__(self, *_: object) -> None:
        self.give()
