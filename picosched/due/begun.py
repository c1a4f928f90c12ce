"""A due row that kills the process does so a few times, and has failed then.

Before a process raises what is due for the first time, it leaves a note in the store. A process that ends
in order, with nothing left that was due when it began, takes the note away. Whoever finds the note follows
a process that died, perhaps of a row that it was raising. The rows that died with it are still due, and
come first. So the first rows are raised one at a time, each in a transaction of its own. Before it a mark
is committed that says how often the row was begun like this; the transaction that settles the row takes the
mark away. Rows that are found with a mark come before all others. One that was found with a mark of
`max_begun` has failed, and is not begun again.

Rows that come late among very many may be raised with others again, and kill the process unmarked. So the
note counts the unclean ends in a row, and each doubles how many rows are raised one at a time.

A row that waits for an answer from outside has no mark meanwhile: many wait at a time, and are not under
way. Nobody can tell a row that kills the process from one that is under way whenever somebody else kills
it. So a machine on which processes die often for other reasons wants a larger `max_begun`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from picosched.errors import PicoschedError
from picosched.pico.said import Unanswered
from picosched.store.store import Store
from picosched.turns.commit import GroupCommit

log = logging.getLogger(__name__)


class Identified(Protocol):
    """A piece of work that a mark is for."""

    @property
    def id(self) -> str: ...


T = TypeVar("T")
P = TypeVar("P", bound=Identified)

FIRST = 200
"""Rows that are begun one at a time after an unclean end: twice as many as one batch has."""

MOST_ENDS = 20
"""Unclean ends in a row beyond which no more rows are begun one at a time."""

RAISING = "raising"
"""The key of the note in the store: how many processes in a row have left one."""


class Begun:
    """Which rows are begun with a mark, and how often they were. For one tick at a time."""

    def __init__(self, store: Store, commits: GroupCommit, most: int) -> None:
        self._store = store
        self._commits = commits
        self._most = most
        """How often a row is begun with a mark."""
        self._found: dict[str, int] = {}
        """How often rows were begun with a mark by the processes before: id → number."""
        self._ends = 0
        """Unclean ends in a row before this process."""
        self._left = 0
        """Rows that are still to be begun one at a time."""
        self._noted = 0
        """What the note of this process says; 0 as long as it has left none."""

    def take_up(self) -> None:
        """Look how the last process ended, before anything is raised."""
        self._ends, self._found = self._commits.read(self._look)
        if self._ends:
            self._left = FIRST * 2 ** (min(self._ends, MOST_ENDS) - 1)

    def marked_first(self, due: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """What is due, (id, owner): first what was found with a mark."""
        return sorted(due, key=lambda each: each[0] not in self._found) if self._found else due

    @property
    def marked(self) -> tuple[str, ...]:
        """The ids of the rows that were found with a mark and are not settled yet."""
        return tuple(self._found)

    def caught_up(self) -> None:
        """Nothing is due any more: what kills the process from now on is new."""
        self._left = 0
        self._found = {}
        if self._noted > 1:
            self._note(1)

    def end(self) -> None:
        """This process ends in order. What it has not raised of what it found may still kill the next one."""
        if (self._noted or self._ends) and not self._left:
            try:
                self._commits.run(self._forget)
            except PicoschedError as error:
                log.warning("the next start takes this for an unclean end: %s", error)
        self._noted = 0

    def number(self, id: str) -> int:
        """How often the row will have been begun with a mark, this time included; 0 if it needs none."""
        if not self._noted:
            self._note(self._ends + 1)
        if not self._left:
            return 0
        self._left -= 1
        return self._found.get(id, 0) + 1

    def over(self, number: int) -> str | None:
        """Why a row is not begun for that time; None if it is."""
        if number <= self._most:
            return None
        times = "twice" if self._most == 2 else f"{self._most:,} times"
        return f"the process ended {times} while this event was being raised"

    def first_of(
        self,
        perform: Callable[[P], T],
        pieces: Sequence[P],
        number: int,
        prepare: Callable[[Sequence[P]], None] | None,
    ) -> Sequence[T | Exception]:
        """What was made of the first pieces, or raised; of the first alone if that needs a mark."""
        if number:
            return [self.alone(perform, number, pieces[0])]
        return self._commits.perform_some(perform, pieces, prepare)

    def alone(self, perform: Callable[[P], T], number: int, piece: P) -> T | Exception:
        """What was made of a piece, or raised; with a `number` in a transaction of its own, behind a mark."""
        if not number:
            return self._commits.perform_all(perform, (piece,))[0]
        mark = partial(self._store.begun.mark, piece.id, number)
        outcome = self._commits.perform_alone(mark, partial(self._unmarking, perform, number), piece)
        if not isinstance(outcome, Exception | Unanswered):
            self._found.pop(piece.id, None)
        return outcome

    def _unmarking(self, perform: Callable[[P], T], number: int, piece: P) -> T:
        outcome = perform(piece)
        if isinstance(outcome, Unanswered) and number > 1:
            self._store.begun.mark(piece.id, number - 1)
        else:
            self._store.begun.unmark(piece.id)
        return outcome

    def _look(self) -> tuple[int, dict[str, int]]:
        note = self._store.picos.meta(RAISING)
        return (0, {}) if note is None else (int(note), self._store.begun.all())

    def _note(self, ends: int) -> None:
        self._commits.run(self._store.picos.set_meta, RAISING, str(ends))
        self._noted = ends

    def _forget(self) -> None:
        self._store.picos.forget_meta(RAISING)
        self._store.begun.unmark_all()
