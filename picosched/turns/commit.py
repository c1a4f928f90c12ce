"""Group commit: the caller that finds the writer idle writes for all waiting callers.

A caller submits pieces of work and a function that performs them, inside the open transaction. The first
caller leads. It opens a transaction, performs all waiting pieces in order, commits once, and wakes the
others: no caller gets an answer before its turn is committed. While the disk is busy the next batch
accumulates, so under load there are fewer commits per caller.

A batch starts no new work after a time limit; the rest goes into the next batch. So a caller waits for the
rest of the current batch at most, and its own work is in the next.

Work that fails before it has written anything fails alone. If gathered values are refused, the batch is
rolled back and its pieces are tried one by one. If another write or the commit fails, each caller gets the
error. If the disk fails during the commit itself, it is unknown whether the batch was kept: each caller
gets `InDoubtError`, memory is cleared, and later work starts from what is on disk. An interrupted leader
hands over: uncommitted work is still in line.

Of a database that several processes write, the batch locks the shards of its pieces first (`reach.py`). A
piece that turns out to need another one is tried again alone, with all it needs.

This is one idea: the line, the batch, and what becomes of both when anything fails.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from itertools import chain, islice
from typing import Any, ParamSpec, TypeVar

from picosched.clock import ticks
from picosched.errors import PicoschedError
from picosched.store.faults import ReopenedError, StoreError
from picosched.store.shards import UnlockedError
from picosched.store.store import Store
from picosched.turns.lock import FairLock
from picosched.turns.pieces import Later
from picosched.turns.reach import Reach

T = TypeVar("T")
Piece = TypeVar("Piece")
P = ParamSpec("P")

LARGEST = 256
"""Pieces of work in one commit, unless one caller submits more."""

SECONDS = 0.05
"""How long a batch starts new work."""

UNDONE = ("40001", "40P01")
"""The kinds of errors with which a database undoes one of two transactions that were in each other's way."""

MOST_TRIES = 10
"""How often a batch is tried again after these."""

LIGHT_SECONDS = 0.01
"""The same for a light call, whose caller must not wait."""


class Mark:
    """One batch: all its calls finish at once, even if the thread that wrote it is interrupted."""

    __slots__ = ("finished",)

    def __init__(self) -> None:
        self.finished = False


IN_LINE = Mark()
"""Of a call that is in no batch yet."""


class Call:
    """The pieces of one caller, in line, and their outcomes, which are valid once the call is finished.

    There may be fewer outcomes than pieces: those of the first pieces, which the batch had time for.
    """

    __slots__ = (
        "alone",
        "find",
        "first",
        "light",
        "mark",
        "outcomes",
        "perform",
        "pieces",
        "shards",
        "then",
        "tries",
        "wake",
    )

    def __init__(
        self,
        perform: Callable[[Any], Any],
        pieces: Sequence[Any],
        first: Callable[[], None] | None = None,
        find: Callable[[], Sequence[Any]] | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        self.perform = perform
        self.pieces = pieces
        self.find = find
        """Finds the pieces, just before their transaction begins."""
        self.then = then
        """Called after the commit, before anybody else writes."""
        self.light = False
        """Whether its caller must not wait for long."""
        self.alone = False
        """Whether each piece gets its own transaction, because a shared one was refused."""
        self.first = first
        """Committed before the pieces, which then share their transaction with no other call."""
        self.shards: frozenset[int] = frozenset()
        """What its first piece turned out to need, besides what was known of it."""
        self.tries = 0
        """How often it was undone because of another process."""
        self.outcomes: list[Any] = []
        self.mark = IN_LINE
        self.wake: threading.Lock | None = None
        """Of a call that waits: held until it is finished or must lead."""


class GroupCommit:
    """The only access to a store that threads share.

    `committed` is called after each commit, `undone` after a rollback; both inside the lock. `seconds` is how
    long a batch starts new work; None, on virtual time, is without limit up to a `deadline` as `ticks`
    tells it, from which on each batch has one piece. `reach` finds the shards of pieces; None if one process
    has the database to itself.
    """

    def __init__(
        self,
        store: Store,
        committed: Callable[[], None],
        undone: Callable[[], None],
        seconds: float | None = SECONDS,
        reach: Reach | None = None,
        deadline: float | None = None,
    ) -> None:
        self._store = store
        self._reach = reach
        self._fewer: int | None = None
        """How many pieces the next batch has at most, because the one after them is to be tried alone."""
        self._transaction = store.transaction()
        self._seconds = seconds
        self._deadline = deadline
        self._committed = committed
        self._undone = undone
        self._mutex = threading.Lock()
        """Guards the line and the leader; held briefly."""
        self._line: deque[Call] = deque()
        self._leader: Call | None = None
        self._held = FairLock()
        """Guards the store and the picos in memory."""
        self.commits = 0
        """Transactions committed so far."""

    def run(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Run `work` in a transaction and return its result after the commit; raises errors of either.

        `InDoubtError` if it is unknown whether the commit was kept.
        """
        return self.perform(_call, partial(work, *args, **named))

    def perform(self, perform: Callable[[Piece], T], piece: Piece) -> T:
        """The result of `perform` for a piece, after the commit; errors as for `run`."""
        outcome = self._written(Call(perform, (piece,)))[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    def perform_all(self, perform: Callable[[Piece], T], pieces: Sequence[Piece]) -> list[T | Exception]:
        """The result or error of each piece, after the commit, as many together as possible."""
        outcomes: list[T | Exception] = []
        while len(outcomes) < len(pieces):
            outcomes += self.perform_some(perform, pieces[len(outcomes) :])
        return outcomes

    def perform_some(self, perform: Callable[[Piece], T], pieces: Sequence[Piece]) -> list[T | Exception]:
        """The results or errors of the first pieces, after their commit, in one transaction.

        As many as one batch has time for, and at least one.
        """
        return self._written(Call(perform, pieces))

    def perform_found(
        self, find: Callable[[], Sequence[Piece]], perform: Callable[[Piece], T], then: Callable[[], None]
    ) -> tuple[Sequence[Piece], list[T | Exception]]:
        """The pieces that `find` returns, and the results or errors of the first ones as `perform_some`.

        All in one round of the lock: `find` reads before the transaction, and `then` after its commit.
        `then` must not raise.
        """
        call = Call(perform, (), find=find, then=then)
        outcomes = self._written(call)
        if len(outcomes) > len(call.pieces):
            raise outcomes[0]
        return call.pieces, outcomes

    def perform_alone(
        self, first: Callable[[], None], perform: Callable[[Piece], T], piece: Piece
    ) -> T | Exception:
        """The result or error of a piece in a transaction of its own, after the commit.

        `first` is committed before it, with no other write in between.
        """
        outcomes: list[T | Exception] = self._written(Call(perform, (piece,), first))
        return outcomes[0]

    def _written(self, call: Call) -> list[Any]:
        """The outcomes of a call, after the commit."""
        self.refuse_inside()
        wake = None
        try:
            with self._mutex:
                self._line.append(call)
                if self._leader is None:
                    self._leader = call
                else:
                    wake = call.wake = threading.Lock()
                    wake.acquire()
            if wake is not None:
                wake.acquire()
            while not call.mark.finished:
                self._write()
                if not call.mark.finished:
                    with self._mutex:
                        self._release()
        finally:
            if self._leader is call or not call.mark.finished:
                self._leave(call)
        return call.outcomes

    def perform_now(self, perform: Callable[[Piece], T], pieces: Sequence[Piece]) -> list[T | Exception]:
        """As `perform_some` for light pieces, but without waiting: empty if another thread uses the store,
        if another program has the database locked, or if the database is behind a network.
        """
        self.refuse_inside()
        if not self._store.local or not self._held.take():
            return []
        try:
            call = Call(perform, pieces)
            call.light = True
            try:
                with self._mutex:
                    if self._leader is not None:
                        return []
                    self._line.append(call)
                    self._leader = call
                self._store.be_patient(False)
                while not call.mark.finished:
                    self._write_batch()
            finally:
                self._leave(call)
        finally:
            self._held.give()
        first = call.outcomes[0]
        locked = isinstance(first, StoreError) and first.code == "conflict"
        return [] if locked and len(call.outcomes) == 1 else call.outcomes

    def read_now(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T | Later:
        """As `read`, but without waiting: `Later.BUSY` if `perform_now` would be empty."""
        self.refuse_inside()
        if not self._store.local or not self._held.take():
            return Later.BUSY
        try:
            try:
                if self._store.mend(wait=False):
                    self._undone()
            except StoreError:
                return Later.BUSY
            return work(*args, **named)
        finally:
            self._held.give()

    def read(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Run `work` while nobody writes, and return its result. `conflict` inside a turn or query."""
        self.refuse_inside()
        with self._held:
            if self._store.mend():
                self._undone()
            if self._reach is not None:
                self._reach.shards.begin_read()
            return work(*args, **named)

    def refuse_inside(self) -> None:
        """`conflict` inside a turn or query of this thread, which would deadlock."""
        if self._held.by == threading.get_ident():
            raise PicoschedError("the engine was called from inside a turn or query of its own", "conflict")

    def _gathered(self) -> list[Call]:
        """The calls of the next batch. They stay in line until they are finished.

        A light call is alone in its batch: its caller must not wait for the pieces of others.
        """
        batch: list[Call] = []
        pieces = 0
        with self._mutex:
            for call in self._line:
                if batch and (batch[0].light or call.first is not None or call.alone):
                    break
                batch.append(call)
                pieces += LARGEST if call.find is not None else len(call.pieces)
                if pieces >= LARGEST or call.first is not None or call.alone:
                    break
        return batch

    def _write(self) -> None:
        """Write one batch: the calls in line when the store is free."""
        with self._held:
            self._store.be_patient(True)
            self._write_batch()

    def _write_batch(self) -> None:
        """Write one batch; the caller holds the lock."""
        batch, mark, ran = self._gathered(), Mark(), False
        batch[0].mark, batch[0].outcomes = mark, []
        try:
            for call in batch:
                if call.find is not None:
                    call.pieces, call.find = call.find(), None
            if batch[0].first is not None:
                with self._transaction:
                    batch[0].first()
            with self._transaction:
                if self._reach is not None:
                    self._lock(self._reach, batch)
                self._run(batch, mark)
                ran = True
            if self._reach is not None:
                self._reach.shards.kept()
            mark.finished = True
            self.commits += 1
            self._committed()
            for call in batch:
                if call.then is not None and call.mark is mark:
                    call.then()
        except BaseException as error:
            if ran and self._store.kept:
                mark.finished = True
                raise
            self._undone()
            if not isinstance(error, Exception):
                raise
            if isinstance(error, ReopenedError):
                return  # nothing of it had begun
            if self._reach is not None and self._again(self._reach, batch, mark, error):
                return
            if self._store.refused and _of_a_value(error) and _part(batch):
                return  # trying each alone finds the guilty one
            for call in batch:
                if call.mark is mark:  # the others have not begun, and go into the next batch
                    call.outcomes = [_for_one_caller(error) for _ in call.outcomes or (None,)]
            mark.finished = True

    def _lock(self, reach: Reach, batch: list[Call]) -> None:
        """Lock the shards of the pieces, before anything of them is read."""
        first = next((call for call in batch if call.pieces), batch[0])  # a call may have found no pieces
        alone = 1 if first.alone or first.shards else self._fewer
        pieces = islice(chain.from_iterable(call.pieces for call in batch), alone or LARGEST)
        reach.shards.lock(reach.of(pieces) | first.shards)

    def _again(self, reach: Reach, batch: list[Call], mark: Mark, error: Exception) -> bool:
        """Whether to try a batch again, as another process was in its way or it needs other shards."""
        begun = [call for call in batch if call.mark is mark]
        if isinstance(error, UnlockedError):
            call = begun[-1]
            reach.remember(call.pieces[len(call.outcomes)], error.shards)
            done = sum(len(each.outcomes) for each in begun)
            if done:
                self._fewer = done
            else:
                call.shards |= error.shards
        elif isinstance(error, StoreError) and error.kind in UNDONE and batch[0].tries < MOST_TRIES:
            batch[0].tries += 1
        else:
            return False
        for call in begun:
            call.mark, call.outcomes = IN_LINE, []
        return True

    def _run(self, batch: list[Call], mark: Mark) -> None:
        """Run pieces in order while there is time. The rest stays in line."""
        store, seconds = self._store, self._seconds
        if seconds is not None:
            seconds = LIGHT_SECONDS if batch[0].light else seconds
        until = self._deadline if seconds is None else ticks() + seconds
        left, self._fewer = self._fewer, None
        for call in batch:
            call.mark, call.outcomes = mark, []
            for piece in call.pieces:
                changes = store.changes
                try:
                    outcome = call.perform(piece)
                except StoreError:
                    raise
                except Exception as error:
                    if store.changes != changes:
                        raise
                    outcome = error  # the piece had written nothing, and fails alone
                if self._reach is not None:
                    self._reach.shards.check()
                call.outcomes.append(outcome)
                if call.alone or call.shards or outcome is Later.HEAVY:
                    call.shards = frozenset()  # which were the first piece's
                    return
                if left is not None and (left := left - 1) == 0:
                    return
                if until is not None and ticks() > until:
                    return

    def _release(self) -> None:
        """Wake finished calls; inside the mutex."""
        while self._line and self._line[0].mark.finished:
            call = self._line[0]
            if call.wake is not None and call.wake.locked():
                call.wake.release()
            self._line.popleft()

    def _leave(self, call: Call) -> None:
        """Leave the line, however the call ended; if it led, the first in line leads next."""
        with self._mutex:
            if self._leader is call:
                self._release()
            if not call.mark.finished and call in self._line:
                self._line.remove(call)
            if self._leader is not call:
                return
            self._leader = self._line[0] if self._line else None
            if self._leader is not None and self._leader.wake is not None and self._leader.wake.locked():
                self._leader.wake.release()


def _call(work: Callable[[], T]) -> T:
    return work()


def _of_a_value(error: Exception) -> bool:
    """Whether a written value is at fault rather than the disk."""
    return not isinstance(error, StoreError) or error.code == "conflict"


def _part(batch: Sequence[Call]) -> bool:
    """Have the pieces of a batch tried one by one; False if there is only one."""
    if len(batch) == 1 and (batch[0].alone or len(batch[0].pieces) == 1):
        return False
    for call in batch:
        call.alone, call.mark, call.outcomes = True, IN_LINE, []
    return True


def _for_one_caller(error: Exception) -> Exception:
    """A copy of a batch's error for one caller: an exception must be raised in one thread only."""
    own = (
        copy(error)
        if isinstance(error, PicoschedError)
        else PicoschedError(f"nothing of this was kept: {type(error).__name__}: {error}", "internal")
    )
    own.__cause__ = error
    return own
