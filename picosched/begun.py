"""A due row that kills the process kills it three times at most.

Before a process raises what is due for the first time, the store notes it. A process that ends in order,
with nothing left that was due when it began, takes the note away. Whoever finds the note follows a
process that died, perhaps of a row that it was raising. The rows that died with it are still due, and
come first. So the first rows are raised one at a time, each in a transaction of its own. Before it a mark
is committed that says how often the row was begun like this; the transaction that settles the row takes
the mark away. A row that was begun with a mark twice (`max_begun`) and was never settled has failed, and
is not begun again.

Nobody can tell a row that kills the process from one that is under way whenever somebody else kills it. So a
machine on which processes die often for other reasons wants a larger `max_begun`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from picosched.batch import GroupCommit
from picosched.errors import PicoschedError
from picosched.pico.effects import Unanswered
from picosched.store.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST = 200
"""Rows that are begun one at a time after an unclean end: twice as many as one batch has."""

RAISING = "raising"
"""The key of the note in the store."""


class Begun:
    """Which rows are begun with a mark, and how often they were."""

    def __init__(self, store: Store, commits: GroupCommit, most: int) -> None:
        self._store = store
        self._commits = commits
        self._most = most
        """How often a row is begun with a mark."""
        self._left = 0
        """Rows that are still to be begun one at a time."""
        self._noted = False
        """Whether the store notes that due rows are raised."""

    def take_up(self) -> None:
        """Look how the last process ended, before anything is raised."""
        if self._commits.read(lambda: self._store.picos.meta(RAISING)) is not None:
            self._left, self._noted = FIRST, True

    def caught_up(self) -> None:
        """Nothing is due any more."""
        self._left = 0

    def end(self) -> None:
        """This process ends in order. What it has not raised of what it found may still kill the next one."""
        if self._noted and not self._left:
            try:
                self._commits.run(self._forget)
            except PicoschedError as error:
                log.warning("the next start takes this for an unclean end: %s", error)
        self._noted = False

    def number(self, id: str) -> int:
        """How often the row will have been begun with a mark, this time included; 0 if it needs none.

        PicoschedError `internal` if that is too often.
        """
        if not self._left:
            if not self._noted:
                self._commits.run(lambda: self._store.picos.set_meta(RAISING, "1"))
                self._noted = True
            return 0
        self._left -= 1
        number = self._commits.read(lambda: self._store.begun.number(id)) + 1
        if number > self._most:
            times = "twice" if self._most == 2 else f"{self._most:,} times"
            raise PicoschedError(f"the process ended {times} while this event was being raised", "internal")
        return number

    def run(self, ids: Sequence[str], works: Sequence[Callable[[], T]], number: int) -> list[T | Exception]:
        """What each of the first of `works` returned or raised; of the first alone if that needs a mark."""
        return [self.alone(ids[0], works[0], number)] if number else self._commits.run_some(works)

    def alone(self, id: str, work: Callable[[], T], number: int) -> T | Exception:
        """What `work` returned or raised; with a `number` in a transaction of its own, behind a mark."""
        if not number:
            return self._commits.run_all([work])[0]

        def unmarking() -> T:
            outcome = work()
            if not isinstance(outcome, Unanswered):
                self._store.begun.unmark(id)
            return outcome

        return self._commits.run_alone(lambda: self._store.begun.mark(id, number), unmarking)

    def _forget(self) -> None:
        self._store.picos.forget_meta(RAISING)
        self._store.begun.unmark_all()
