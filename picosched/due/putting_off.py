"""Items that the database refuses: each waits for its next try, longer each time, and the others do not.

The scheduler leaves such an item out of its ticks until its time comes. Whoever calls `run_due` tries each at
once. Times are those of the engine. Too many such items at a time are the fault of the database: then the
tick fails, and the scheduler pauses.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from picosched.clock import shifted

FIRST, LONGEST = timedelta(seconds=1), timedelta(seconds=60)
"""How long an item waits after it failed for the first time, and at most."""

DOUBLED = 6
"""How often that is doubled."""

MOST = 1_000
"""Items that wait at a time."""


class Failed(NamedTuple):
    """An item that waits."""

    error: Exception
    tries: int
    until: datetime


class PutOff:
    """The items that wait. For one tick at a time; any thread may ask for the next time."""

    def __init__(self) -> None:
        self.failed: dict[str, Failed] = {}
        """Id → what became of it. Replaced whole."""

    @property
    def full(self) -> bool:
        return len(self.failed) >= MOST

    @property
    def next_try(self) -> datetime | None:
        """When the first item is tried again."""
        return min((each.until for each in [*self.failed.values()]), default=None)

    def waiting(self, now: datetime) -> dict[str, Exception]:
        """The items whose time has not come, with their errors. The clock may have been set back."""
        last = shifted(now, LONGEST)
        return {id: each.error for id, each in self.failed.items() if now < each.until <= last}

    def tried(
        self, now: datetime, waited: Mapping[str, Exception], stuck: Mapping[str, Exception], *, whole: bool
    ) -> None:
        """A tick has ended: `waited` were left out of it, and the rest of `stuck` failed.

        Unless it was `whole` and tried all others, some that are not `stuck` may fail still.
        """
        kept = {id: each for id, each in self.failed.items() if id in stuck or not whole}
        for id, error in stuck.items():
            if id in waited or (id not in kept and len(kept) >= MOST):
                continue
            tries = kept[id].tries if id in kept else 0
            pause = min(FIRST * 2 ** min(tries, DOUBLED), LONGEST)
            kept[id] = Failed(error, tries + 1, shifted(now, pause))
        self.failed = kept
