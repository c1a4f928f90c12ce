"""Limits how often a due row can kill the process: after a few times the row fails.

Before a process raises due rows for the first time, it writes a note to the store. A process that ends
cleanly, with nothing left that was due at its start, deletes the note. If a process finds a note, the one
before it died, perhaps because of a row it was raising. Those rows are still due and come first, so the
first rows are raised one at a time, each in its own transaction. Before each, a mark is committed that
counts how often the row was begun like this; the transaction that settles the row removes the mark. Marked
rows come before all others. A row whose mark is `max_begun` fails and is not begun again.

A row late among very many may be raised in a batch again, and kill the process unmarked. So the note counts
consecutive unclean ends, and each doubles how many rows are raised one at a time.

Where several processes share a database, one whose session is cut while it begins a row looks to the others
as if it had died. Once it is back, it takes its count back, at its next tick; a process that is about
to fail a row reads the count once more before. A process takes back only a few times for one row, since the
row might be what ends the session; it remembers that while others have the row, which then comes back to it.

A row has no mark while it waits for an outside answer: many wait at a time, and none is being raised. We
cannot distinguish a row that kills the process from one in progress when something else kills it. So where
processes often die for other reasons, `max_begun` should be larger.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from picosched.errors import PicoschedError
from picosched.pico.said import Unanswered
from picosched.store.faults import StoreError
from picosched.store.store import Store
from picosched.turns.commit import GroupCommit

log = logging.getLogger(__name__)


class Identified(Protocol):
    """A piece of work that can have a mark."""

    @property
    def id(self) -> str: ...


T = TypeVar("T")
P = TypeVar("P", bound=Identified)

FIRST = 200
"""Rows begun one at a time after an unclean end: twice the size of a batch."""

MOST_ENDS = 20
"""Consecutive unclean ends after which the number of rows begun one at a time stops growing."""

MOST_TAKEN_BACK = 10
"""How often a process takes back that it began one row."""

REMEMBERED = 1_000
"""Rows of which a process remembers how often it has done so."""

RAISING = "raising"
"""The key of the note in the store: the number of consecutive processes that left one."""


class Begun:
    """Decides which rows are begun with a mark, and counts how often. For one tick at a time."""

    def __init__(self, store: Store, commits: GroupCommit, most: int, name: str = "") -> None:
        self._store = store
        self._commits = commits
        self._most = most
        """How often a row may be begun with a mark."""
        self._key = f"{RAISING} {name}".strip()
        """The key of this process's note; with its name, if others write notes of their own."""
        self._old: list[str] = []
        """The keys of notes that processes before this one left."""
        self._found: dict[str, int] = {}
        """Row id → how often earlier processes began it with a mark."""
        self._performed: set[str] = set()
        """Rows begun with a mark that is written."""
        self.cut: list[str] = []
        """Those of them that a lost session undid, to be taken back."""
        self._taken_back: dict[str, int] = {}
        """Row id → how often that was done; of the last rows that were not settled here after all."""
        self._ends = 0
        """Consecutive unclean ends before this process."""
        self._left = 0
        """How many more rows to begin one at a time."""
        self.takeovers = 0
        """How often rows of other processes were taken over."""
        self._noted = 0
        """The number in this process's note; 0 if it has written none."""

    def take_up(self) -> None:
        """Check how the last process ended, or the last ones, before anything is raised."""
        self._ends, self._found = self._commits.read(self._look)
        if self._ends:
            self._left = FIRST * 2 ** (min(self._ends, MOST_ENDS) - 1)

    def died(self, name: str) -> None:
        """Another process, of that name, ended uncleanly; what it was raising may soon be ours to raise."""
        key = f"{RAISING} {name}"
        note = self._commits.read(self._store.picos.meta, key)
        if note is not None:
            self._commits.run(self._store.picos.forget_meta, key)
        ends = 1 if note is None else int(note)  # its own, and those before it that it has heard of
        self._ends, self._noted = max(self._ends + 1, ends) if self._left else ends, 0

    def take_over(self) -> None:
        """Rows of processes that ended uncleanly become ours to raise. Inside the lock."""
        self._found = self._store.begun.all()
        self._left = FIRST * 2 ** (min(max(self._ends, 1), MOST_ENDS) - 1)
        self.takeovers += 1

    def marked_first(self, due: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The due rows, (id, owner), marked ones first."""
        return sorted(due, key=lambda each: each[0] not in self._found) if self._found else due

    @property
    def marked(self) -> tuple[str, ...]:
        """The ids of rows found with a mark and not settled yet."""
        return tuple(self._found)

    def caught_up(self, takeovers: int) -> None:
        """Nothing is due any more, so a row that kills the process from now on is a new one.

        Does nothing if rows were taken over since the tick began, when the count was `takeovers`.
        """
        if takeovers != self.takeovers:
            return
        self._left = 0
        self._found = {}
        if self._noted > 1:
            self._note(1)

    def end(self) -> None:
        """The process ends cleanly. Keep the note if rows it found are left: they may kill the next one."""
        if (self._noted or self._ends) and not self._left:
            try:
                self._commits.run(self._forget)
            except PicoschedError as error:
                log.warning("the next start will treat this as an unclean end: %s", error)
        self._noted = 0

    def marks_next(self) -> bool:
        """Whether the next row is begun alone, with a mark. Before the first one this writes the note."""
        if self.cut:
            self.take_back()
        if not self._noted:
            self._note(self._ends + 1)
        return self._left > 0

    def take_back(self) -> None:
        """Take back the counts of the rows that lost sessions undid."""
        cut = self.cut.copy()
        self._commits.run(self._store.begun.take_back, cut)
        del self.cut[: len(cut)]  # others may have been added meanwhile

    def number(self, id: str) -> int:
        """How often the row was begun with a mark, including this time."""
        self._left -= 1
        found = self._found.get(id, 0)
        if found >= self._most:  # whose session was cut may have come back
            found = self._found[id] = self._commits.read(self._store.begun.number, id)
        return found + 1

    def over(self, number: int) -> str | None:
        """Why a row is not begun for the `number`-th time; None if it is."""
        if number <= self._most:
            return None
        times = "twice" if self._most == 2 else f"{self._most:,} times"
        return f"the process ended {times} while this event was being raised"

    def alone(self, perform: Callable[[P], T], number: int, piece: P) -> T | Exception:
        """The result or error of a piece; with a `number`, in its own transaction, after a mark."""
        if not number:
            return self._commits.perform_all(perform, (piece,))[0]
        mark = partial(self._store.begun.mark, piece.id, number)
        outcome = self._commits.perform_alone(mark, partial(self._unmarking, perform, number), piece)
        if not isinstance(outcome, Exception | Unanswered):
            self._found.pop(piece.id, None)
            self._taken_back.pop(piece.id, None)
        if piece.id in self._performed:
            self._performed.remove(piece.id)
            if isinstance(outcome, StoreError) and self._store.machines is not None:
                self._survived(piece.id)
        return outcome

    def _survived(self, id: str) -> None:
        times = self._taken_back.pop(id, 0)
        self._taken_back[id] = min(times + 1, MOST_TAKEN_BACK)
        if len(self._taken_back) > REMEMBERED:
            del self._taken_back[next(iter(self._taken_back))]
        if times < MOST_TAKEN_BACK:
            self.cut.append(id)

    def _unmarking(self, perform: Callable[[P], T], number: int, piece: P) -> T:
        self._performed.add(piece.id)
        outcome = perform(piece)
        if isinstance(outcome, Unanswered) and number > 1:
            self._store.begun.mark(piece.id, number - 1)
        else:
            self._store.begun.unmark(piece.id)
        return outcome

    def _look(self) -> tuple[int, dict[str, int]]:
        left = {key: note for key, note in self._store.picos.notes(RAISING).items() if self._is_left(key)}
        self._old = [*left]
        if self._store.machines is not None:
            self._store.machines.hold(self._key)
        # A note may count the ends of other notes too.
        ends = max(len(left), *map(int, left.values())) if left else 0
        return ends, self._store.begun.all() if left else {}

    def _is_left(self, key: str) -> bool:
        """Whether the process that wrote a note has ended."""
        machines = self._store.machines
        if machines is None:
            return True
        ended = machines.hold(key)
        if ended:
            machines.release(key)
        return ended

    def _note(self, ends: int) -> None:
        self._commits.run(self._put_note, str(ends))
        self._noted = ends

    def _put_note(self, text: str) -> None:
        for key in self._old:
            self._store.picos.forget_meta(key)
        self._store.picos.set_meta(self._key, text)

    def _forget(self) -> None:
        for key in (self._key, *self._old):
            self._store.picos.forget_meta(key)
        if not self._store.picos.notes(RAISING):
            self._store.begun.unmark_all()
