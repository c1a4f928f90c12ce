"""Group commit: whoever finds the writer idle writes for all that wait.

A caller hands in pieces of work, and what performs them: it evaluates and writes inside the open
transaction. The first to come leads. It opens a transaction, has all pieces that wait performed, in order,
commits once, and wakes the others: nobody has an answer before the commit that holds its turn. While the
disk is busy the next batch gathers, so the more wait, the fewer commits there are for each.

A batch begins no more work once it has taken a while; what it has not begun is of the next one. So whoever
comes waits for what is left of the batch at hand, and his own work is in the next.

Work that fails before it has written anything fails alone. If a write or the commit fails, all of the batch
is undone, and each caller gets the error. If the disk fails in the commit itself, nobody can say whether
the batch was kept: each caller is told just that, what is in memory is forgotten, and later work begins
with what the disk has (`store/database.py`). A leader that is interrupted hands over: what it had not
committed is still in line.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

from picosched.clock import ticks
from picosched.errors import PicoschedError
from picosched.store.faults import StoreError
from picosched.store.store import Store

T = TypeVar("T")
K = TypeVar("K")
Piece = TypeVar("Piece")
P = ParamSpec("P")

LARGEST = 256
"""Pieces of work in one commit, more only where one caller brings more."""

SECONDS = 0.05
"""How long a batch goes on to begin work."""


class Mark:
    """One batch: all of its calls are finished at once, however the thread that wrote it is interrupted."""

    __slots__ = ("finished",)

    def __init__(self) -> None:
        self.finished = False


class Call:
    """The pieces of one caller, in line, and their outcomes, which count once the call is finished.

    There may be fewer outcomes than pieces: of the first of them, which the batch had time for.
    """

    __slots__ = ("alone", "first", "mark", "outcomes", "perform", "pieces", "prepare", "wake")

    def __init__(
        self,
        perform: Callable[[Any], Any],
        pieces: Sequence[Any],
        first: Callable[[], None] | None = None,
        prepare: Callable[[Sequence[Any]], None] | None = None,
    ) -> None:
        self.perform = perform
        self.pieces = pieces
        self.prepare = prepare
        """Reads what the pieces need, all at once."""
        self.alone = False
        """Whether each piece has a transaction of its own, since one with others was refused."""
        self.first = first
        """What is committed before the pieces, which then share their transaction with nobody."""
        self.outcomes: list[Any] = []
        self.mark = Mark()
        self.wake = threading.Lock()
        """Held until the call is finished or is to lead."""
        self.wake.acquire()

    @property
    def finished(self) -> bool:
        return self.mark.finished


class GroupCommit:
    """The one way into a store that is shared by threads.

    `committed` is called after each commit, `undone` after a batch was rolled back; both inside the lock.
    `seconds` is how long a batch goes on to begin work; without it, on virtual time, it does all.
    """

    def __init__(
        self,
        store: Store,
        committed: Callable[[], None],
        undone: Callable[[], None],
        seconds: float | None = SECONDS,
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._committed = committed
        self._undone = undone
        self._mutex = threading.Lock()
        """Guards the line and who leads; held for moments."""
        self._line: deque[Call] = deque()
        self._leader: Call | None = None
        self._lock = threading.Lock()
        """Guards the store and the picos in memory."""
        self._turnstile = threading.Lock()
        """Held by a writer: readers who come meanwhile wait for it rather than for the lock."""
        self._inside: int | None = None
        """The thread that holds the lock."""
        self.commits = 0
        """Transactions committed so far."""

    def run(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `work` returns, once it is committed; raises what it raised, or why it was not kept.

        `InDoubtError` if that is not known.
        """
        return self.perform(_call, partial(work, *args, **named))

    def perform(self, perform: Callable[[Piece], T], piece: Piece) -> T:
        """What `perform` made of a piece, once it is committed; errors as for `run`."""
        outcome = self._written(Call(perform, (piece,)))[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    def perform_all(self, perform: Callable[[Piece], T], pieces: Sequence[Piece]) -> list[T | Exception]:
        """What it made of each piece, or raised, once they are committed, as many together as can be."""
        outcomes: list[T | Exception] = []
        while len(outcomes) < len(pieces):
            outcomes += self.perform_some(perform, pieces[len(outcomes) :])
        return outcomes

    def perform_some(
        self,
        perform: Callable[[Piece], T],
        pieces: Sequence[Piece],
        prepare: Callable[[Sequence[Piece]], None] | None = None,
    ) -> list[T | Exception]:
        """What it made of each of the first pieces, or raised, once they are committed, all together.

        Of as many as one batch has time for; of one at the least. `prepare` reads ahead what they need.
        """
        return self._written(Call(perform, pieces, prepare=prepare))

    def perform_alone(
        self, first: Callable[[], None], perform: Callable[[Piece], T], piece: Piece
    ) -> T | Exception:
        """What it made of a piece, or raised, in a transaction shared with nobody, once that is committed.

        `first` is committed before it, and nobody else writes in between.
        """
        outcomes: list[T | Exception] = self._written(Call(perform, (piece,), first))
        return outcomes[0]

    def _written(self, call: Call) -> list[Any]:
        """The outcomes of a call, once they are committed."""
        self.refuse_inside()
        try:
            with self._mutex:
                self._line.append(call)
                if self._leader is None or self._leader.finished:  # it may have been interrupted
                    self._leader = call
            if self._leader is not call:
                call.wake.acquire()
            while not call.finished:
                self._write()
        finally:
            self._leave(call)
        return call.outcomes

    def read(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `work` returns, run while nobody writes."""
        with self.alone():
            return work(*args, **named)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the store and the picos, to read. `conflict` from inside a turn or query of this thread."""
        self.refuse_inside()
        with self._turnstile:  # a lock knows no order, so readers without pause would keep writers out
            pass
        with self._lock, self._being_inside():
            self._store.mend()
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the store and the picos, before any reader that comes from now on."""
        with self._turnstile, self._lock, self._being_inside():
            yield

    @contextmanager
    def _being_inside(self) -> Iterator[None]:
        self._inside = threading.get_ident()
        try:
            yield
        finally:
            self._inside = None

    def refuse_inside(self) -> None:
        """`conflict` from inside a turn or query of this thread: it would wait for itself."""
        if self._inside == threading.get_ident():
            raise PicoschedError("the engine was called from inside a turn or query of its own", "conflict")

    def _gathered(self) -> list[Call]:
        """The calls to write next. They stay in line until they are finished."""
        batch: list[Call] = []
        pieces = 0
        with self._mutex:
            for call in self._line:
                if batch and (call.first is not None or call.alone):
                    break
                batch.append(call)
                pieces += len(call.pieces)
                if pieces >= LARGEST or call.first is not None or call.alone:
                    break
        return batch

    def _write(self) -> None:
        """Write one batch: those that wait when the store is free."""
        with self._writing():
            batch, mark, ran = self._gathered(), Mark(), False
            batch[0].mark, batch[0].outcomes = mark, []
            try:
                if batch[0].first is not None:
                    with self._store.transaction():
                        batch[0].first()
                with self._store.transaction():
                    self._run(batch, mark)
                    ran = True
                mark.finished = True
                self.commits += 1
                self._committed()
            except BaseException as error:
                if ran and self._store.kept:
                    mark.finished = True
                    raise
                self._undone()
                if not isinstance(error, Exception):
                    raise
                if self._store.refused and _of_a_value(error) and _part(batch):
                    return  # whose it is comes out when each is tried alone
                for call in batch:
                    if call.mark is mark:  # others have not begun, and are of the next batch
                        call.outcomes = [_for_one_caller(error) for _ in call.outcomes] or [
                            _for_one_caller(error)
                        ]
                mark.finished = True
        self._release()

    def _run(self, batch: list[Call], mark: Mark) -> None:
        """Run what there is time for, in order. What it does not come to stays in line."""
        until = None if self._seconds is None else ticks() + self._seconds
        for call in batch:
            call.mark, call.outcomes = mark, []
            if call.prepare is not None:
                call.prepare(call.pieces)
            for piece in call.pieces:
                call.outcomes.append(self._outcome(call.perform, piece))
                if call.alone:
                    return
                if until is not None and ticks() > until:
                    return

    def _outcome(self, perform: Callable[[Any], Any], piece: Any) -> Any:
        """What was made of a piece; the error that was raised, if it fails alone."""
        changes = self._store.changes
        try:
            return perform(piece)
        except StoreError:
            raise
        except Exception as error:
            if self._store.changes != changes:
                raise
            return error

    def _release(self) -> None:
        """Wake those who are finished. The leader does it again when leaving, lest an interrupt left one."""
        with self._mutex:
            while self._line and self._line[0].finished:
                call = self._line[0]
                if call.wake.locked():
                    call.wake.release()
                self._line.popleft()

    def _leave(self, call: Call) -> None:
        """Out of the line, however it ended; if it led, the first in line is to lead."""
        if self._leader is call:
            self._release()
        with self._mutex:
            if not call.finished and call in self._line:
                self._line.remove(call)
            if self._leader is call:
                self._leader = self._line[0] if self._line else None
                if self._leader is not None and self._leader.wake.locked():
                    self._leader.wake.release()


class Seen(Generic[K, T]):
    """What was last read of the store. It is read again once a transaction has ended.

    Any thread may look. What was seen and what it depends on are one tuple, so that no thread takes what
    another has seen for its own. Where the store is readonly others write, so nothing is remembered.
    """

    def __init__(self, store: Store, commits: GroupCommit, read: Callable[[K], T]) -> None:
        self._store = store
        self._commits = commits
        self._read = read
        self._seen: tuple[tuple[int, K], T] | None = None

    def forget(self) -> None:
        """Read anew at the next look."""
        self._seen = None

    def look(self, key: K) -> T:
        """What is read for this key."""
        seen = self._seen
        if seen is not None and seen[0] == (self._store.transactions, key) and not self._store.readonly:
            return seen[1]
        with self._commits.alone():
            state, found = (self._store.transactions, key), self._read(key)
        self._seen = state, found
        return found


def _call(work: Callable[[], T]) -> T:
    return work()


def _of_a_value(error: Exception) -> bool:
    """Whether one of the values that were written is at fault, rather than the disk."""
    return not isinstance(error, StoreError) or error.code == "conflict"


def _part(batch: Sequence[Call]) -> bool:
    """Have the pieces of a batch tried one by one; False if there is one alone."""
    if len(batch) == 1 and (batch[0].alone or len(batch[0].pieces) == 1):
        return False
    for call in batch:
        call.alone, call.mark, call.outcomes = True, Mark(), []
    return True


def _for_one_caller(error: Exception) -> Exception:
    """An error of a batch, for one of its callers: an exception is raised in one thread only."""
    own = (
        copy(error)
        if isinstance(error, PicoschedError)
        else PicoschedError(f"nothing of this was kept: {type(error).__name__}: {error}", "internal")
    )
    own.__cause__ = error
    return own
