"""The interface of a queue of due items, and how its first items are performed: together, then one by one.

A tick asks each queue in turn (`tick.py`): scheduled rows, entries of sources, deliveries, programs.

Rows and entries share a transaction, as many as it has time for. If it fails, each is performed in its own
transaction, to find the guilty one. An item that needs an answer from outside waits for it separately, in
the background if there is one. An item that may kill the process is begun alone, after a mark (`begun.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar, cast

from picosched.due.background import DismissedError
from picosched.due.begun import Begun, Identified
from picosched.due.waiting import MayAsk, Waiting
from picosched.errors import PicoschedError
from picosched.pico.said import Unanswered
from picosched.store.due import Coming
from picosched.store.faults import StoreError
from picosched.turns.commit import GroupCommit


class Done(NamedTuple):
    """The outcome of one piece."""

    raised: bool = False
    """Whether its event was raised."""
    made: datetime | None = None
    """When the row was made; None if that does not matter."""
    ends: tuple[str, ...] = ()
    """Runs of programs that have to end."""


NOTHING = Done()
"""The piece is no longer due, or is being processed in the background."""


class Looked(NamedTuple):
    """The result of one look at a queue."""

    raised: int = 0
    """Events raised."""
    made_now: int = 0
    """Performed pieces whose rows were made at the time of the look or after it."""
    fails: bool = False
    """Whether nothing succeeded because the database fails."""


@dataclass(slots=True)
class Tick:
    """A tick in progress."""

    looks: list[datetime]
    """When it looked what is due: first when it began, then whenever the clock had gone on."""
    stuck: dict[str, Exception]
    """Items that failed and stay due, with their errors: left out for the rest of the tick."""
    look_ahead: Callable[[], None]
    """Reads what comes next, inside the lock."""

    @property
    def now(self) -> datetime:
        """The last look."""
        return self.looks[-1]


class Queue(Protocol):
    """A queue of items that become due."""

    def run_due(self, coming: Coming, tick: Tick) -> Looked:
        """Process some items due at the tick's last look, each once, if `coming` has any.

        A failing item becomes `stuck`.
        """

    def end_tick(self) -> None:
        """Forget what was kept for this tick."""


class Piece(Identified, MayAsk, Protocol):
    """A due item of a pico or a source."""

    @property
    def owner(self) -> str: ...


P = TypeVar("P", bound=Piece)


class Together(Generic[P]):
    """Performs the first pieces of a queue."""

    def __init__(
        self,
        commits: GroupCommit,
        waiting: Waiting,
        begun: Begun,
        perform: Callable[[P], Done | Unanswered],
        fail: Callable[[P, str], Done],
        give_up: Callable[[P, Exception], Done | Exception],
    ) -> None:
        self._commits = commits
        self._waiting = waiting
        self._begun = begun
        self._perform = perform
        self._fail = fail
        """Settles a piece that killed the process, inside a transaction."""
        self._give_up = give_up
        """Ends a failed piece; returns the error if it stays due."""

    def outcomes(
        self, find: Callable[[], Sequence[P]], then: Callable[[], None]
    ) -> Iterator[tuple[P, Done | Exception]]:
        """The outcomes of the first pieces that `find` returns, as many as one transaction has time for.

        `find` and `then` run inside the lock, before and after it.
        """
        if self._begun.marks_next():
            for first in self._commits.read(find)[:1]:
                yield first, self._marked(first)
            return
        pieces, outcomes = self._commits.perform_found(find, self._perform, then)
        if len(outcomes) == 1 and isinstance(outcomes[0], StoreError):
            # The second is tried too: that shows whether it is the first that fails, or the database.
            outcomes = outcomes * 2
        for piece, outcome in zip(pieces, outcomes, strict=False):
            if isinstance(outcome, Unanswered):
                yield piece, self._waited_for(piece, 0, outcome)
            elif isinstance(outcome, Exception) and len(pieces) > 1:
                yield piece, self._answered(piece, 0, self._begun.alone(self._perform, 0, piece))
            else:
                yield piece, self._ended(piece, outcome)

    def _marked(self, piece: P) -> Done | Exception:
        """Perform a piece alone, with a mark, unless it has been begun like this too often."""
        number = self._begun.number(piece.id)
        if (why := self._begun.over(number)) is not None:
            (failed,) = self._commits.perform_all(partial(_failed, self._fail, why), (piece,))
            return self._ended(piece, failed)
        outcome = self._begun.alone(self._perform, number, piece)
        if isinstance(outcome, Unanswered):
            return self._waited_for(piece, number, outcome)
        return self._ended(piece, outcome)

    def _waited_for(self, piece: P, number: int, outcome: Unanswered) -> Done | Exception:
        """Wait for the answer, in the background if there is one."""
        owner = piece.id if number else piece.owner  # its owner's limit must not delay a marked row
        if self._waiting.in_background(piece.id, owner, partial(self._answered, piece, number, outcome)):
            return NOTHING
        return self._answered(piece, number, outcome)

    def _answered(self, piece: P, number: int, first: Done | Unanswered | Exception) -> Done | Exception:
        """The final outcome of a piece, with the answers it requests."""

        def perform(piece: P) -> Done | Unanswered | Exception:
            return self._begun.alone(self._perform, number, piece)

        outcome: Done | Exception
        try:
            outcome = cast("Done | Exception", self._waiting.done(perform, piece, first))
        except DismissedError:
            raise  # nothing happened, and it stays due
        except PicoschedError as error:  # it makes a different request each time, for example
            outcome = error
        return self._ended(piece, outcome)

    def _ended(self, piece: P, outcome: Done | Exception) -> Done | Exception:
        return self._give_up(piece, outcome) if isinstance(outcome, Exception) else outcome


def _failed(fail: Callable[[P, str], Done], why: str, piece: P) -> Done:
    return fail(piece, why)
