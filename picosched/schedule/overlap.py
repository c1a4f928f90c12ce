"""The policies for an occurrence that comes due while the one before it is still at work.

What they do stands in `due/overlap.py`.
"""

from __future__ import annotations

from enum import StrEnum


class Overlap(StrEnum):
    """What becomes of the occurrence that comes due."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL = "cancel"

    @property
    def words(self) -> str:
        """What it does, as a part of a sentence."""
        return WORDS[self]


WORDS = {
    Overlap.SKIP: "skipped while the one before is at work",
    Overlap.QUEUE: "waits while the one before is at work",
    Overlap.CANCEL: "ends the one before if it is at work",
}
