"""A block of writes that are all kept, or none."""

from __future__ import annotations

from collections.abc import Callable


class Transaction:
    """Begins and ends the transaction of a database. Made once: each turn enters it."""

    __slots__ = ("_begin", "_commit", "_roll_back")

    def __init__(
        self, begin: Callable[[], None], commit: Callable[[], None], roll_back: Callable[[], None]
    ) -> None:
        self._begin = begin
        self._commit = commit
        self._roll_back = roll_back

    def __enter__(self) -> None:
        self._begin()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._commit()
        else:
            self._roll_back()
