"""A tick: all that is due raised, look by look.

Each look asks the parts of the tick in turn, and raises a batch of the rows that are due by then (`due.py`):
as many in one transaction as there is time for. The tick ends when nothing is left that was due when it
began. A row that fails because of the database does not hold up the others, and stays due. One that fails
for any other reason, by a fault of ours or because it is damaged, is given up: it must not be due for ever.
A row that needs an answer from outside waits for it apart, and is not looked at meanwhile.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from picosched.clock import format_time
from picosched.due.background import DismissedError
from picosched.due.begun import Begun
from picosched.due.line import DueRows
from picosched.due.waiting import Asking
from picosched.errors import PicoschedError
from picosched.pico.said import Answers, Unanswered
from picosched.pico.turn import Turn
from picosched.store.faults import StoreError
from picosched.store.store import Store
from picosched.turns.commit import GroupCommit, Seen
from picosched.turns.turns import Raising

log = logging.getLogger(__name__)

RESUMED_AT_ONCE = 100
"""Rows whose pause is over that go on in one transaction."""

INSTANT = 100_000
"""Events that may be made and raised at one instant of a clock that stands still."""

Coming = tuple[datetime | None, datetime | None]
Settled = tuple[bool, datetime] | Exception | None


class Beside(Protocol):
    """What comes due besides what is scheduled: sources, and what is on its way to other engines."""

    def next_due(self, stuck: Collection[str] = ()) -> datetime | None:
        """When something is due next, but for what is stuck."""

    def run_due(self, looked: datetime, stuck: dict[str, Exception]) -> int:
        """Deal with all that is due, each once; how many events were raised. What fails becomes stuck."""


class Dues:
    """What the turns of a batch change of what is due: `wake` is called for it once they are committed.

    For one thread at a time, inside a transaction. `wake` is given the soonest due time, None for any.
    """

    def __init__(self, wake: Callable[[datetime | None], None]) -> None:
        self._wake = wake
        self._soonest: datetime | None = None
        self._changed = False

    def came(self, turn: Turn) -> None:
        """A turn was written: remember whether it changed what is due."""
        dues = [each.due for each in turn.scheduled.values() if each.due is not None]
        if dues:
            self._soonest = min(dues) if self._soonest is None else min(*dues, self._soonest)
        run = any(each.kind == "proc" for each in turn.scheduled.values())
        self._changed = self._changed or run or bool(turn.rescheduled or turn.changes)

    def committed(self) -> None:
        if self._changed or self._soonest is not None:
            self._wake(None if self._changed else self._soonest)
        self.forget()

    def forget(self) -> None:
        self._soonest, self._changed = None, False


class Ticks:
    """Looks at what is due and raises it."""

    def __init__(
        self,
        store: Store,
        commits: GroupCommit,
        raising: Raising,
        asking: Asking,
        now: Callable[[], datetime],
        begun: Begun,
        beside: Sequence[Beside] = (),
    ) -> None:
        self._store = store
        self._commits = commits
        self._raising = raising
        self._asking = asking
        self._now = now
        self._beside = beside
        self._begun = begun
        self.ends: Callable[[], bool] = lambda: False
        """Whether to leave the rest of what is due for another tick."""
        self._seen: Seen[Coming] = Seen(store, commits)
        self._one = threading.Lock()
        """Held during a tick: two at once would not keep the order of what one pico sends another."""

    def next_due(self) -> datetime | None:
        """When something is due next that does not wait for an answer; None if nothing is to come."""
        coming = (*self._coming(set()), *(each.next_due() for each in self._beside))
        return min((time for time in coming if time is not None), default=None)

    def _coming(self, stuck: set[str]) -> Coming:
        """When the next row is due, but for those that are stuck or wait for an answer; when a pause ends."""
        return self._seen.look(self._store.due.next, self._asking.left_out(stuck))

    def run_due(self) -> int:
        """Raise all that is due now; how many events were raised.

        A row that cannot be settled because the database fails stays due; the others go on, then this
        raises why. `conflict` from inside a turn.
        """
        self._commits.refuse_inside()
        with self._one:
            return self._raise_due()

    def _raise_due(self) -> int:
        began = self._now()
        looks = [began]
        stuck: dict[str, Exception] = {}
        raised = made_now = 0
        self._give_up_broken()
        with DueRows(self._store.due) as rows:
            while not self.ends() and self._is_left(began, stuck):
                now = max(looks[-1], self._now())
                if now > looks[-1]:
                    looks.append(now)
                for each in self._beside:
                    raised += each.run_due(now, stuck)
                went = failed = False
                due = self._due(rows, now, {*stuck})
                for id, outcome in self._raise_scheduled(rows, due, looks):
                    if isinstance(outcome, Exception):
                        stuck[id] = outcome
                        failed |= getattr(outcome, "code", None) != "conflict"  # which concerns the one row
                        continue
                    went = True
                    if outcome is not None:
                        raised += outcome[0]
                        made_now += outcome[1] >= now
                if failed and not went:  # the database itself fails
                    break
                if made_now > INSTANT:
                    raise PicoschedError(
                        f"more than {INSTANT:,} events were made and raised at {format_time(now)} alone; "
                        "does a rule schedule itself for the time it is?",
                        "too_large",
                    )
        for error in stuck.values():
            raise error
        if not self.ends() and self._asking.is_idle:
            self._begun.caught_up()
        return raised

    def _give_up_broken(self) -> None:
        """End the rows that will never be due, as their due time is damaged."""
        with self._commits.alone():
            broken = self._store.due.broken()
        for id, why in broken:
            error = self._given_up(id, PicoschedError(why, "internal"))
            if error is not None:
                raise error

    def _is_left(self, began: datetime, stuck: dict[str, Exception]) -> bool:
        """Whether something is due that was due when the tick began."""
        due, pause_ends = self._coming({*stuck})
        times = (due, pause_ends, *(each.next_due(stuck) for each in self._beside))
        return any(time is not None and time <= began for time in times)

    def _due(self, rows: DueRows, now: datetime, stuck: set[str]) -> list[tuple[str, str]]:
        """The rows to raise next, once those go on whose pause is over."""
        due, pause_ends = self._coming(stuck)
        while pause_ends is not None and pause_ends <= now:
            self._resume(now)
            due, pause_ends = self._coming(stuck)
        if due is None or due > now:
            return []
        with self._commits.alone():
            return rows.next(now, self._asking.left_out(stuck), self._begun.marked)

    def _resume(self, now: datetime) -> None:
        with self._commits.alone():
            ids = self._store.agenda.resumable(now, RESUMED_AT_ONCE)
        works = [partial(self._raising.resume, id, now) for id in ids]
        for id, outcome in zip(ids, self._commits.run_all(works), strict=True):
            if isinstance(outcome, Exception) and (error := self._given_up(id, outcome)) is not None:
                raise error

    def _raise_scheduled(
        self, rows: DueRows, due: list[tuple[str, str]], looks: list[datetime]
    ) -> Iterator[tuple[str, Settled]]:
        """Raise the first of the rows, as many as one transaction has time for.

        Those that the transaction fails for are raised in one of their own. Those that need an answer from
        outside get it, in the background if there is one.
        """
        begun, outcomes, ids = 0, list[Settled | Unanswered](), [id for id, _ in due]
        if ids:
            begun = self._begun.number(ids[0])
            if (why := self._begun.over(begun)) is not None:
                rows.raised(1)
                (failed,) = self._commits.run_all([partial(self._raising.fail, ids[0], why)])
                yield ids[0], self._given_up(ids[0], failed) if isinstance(failed, Exception) else None
                return
            works = [partial(self._raising.raise_scheduled, id, looks) for id in ids]
            outcomes = self._begun.run(ids, works, begun)
        rows.raised(len(outcomes))
        for (id, pico_id), outcome in zip(due, outcomes, strict=False):
            if isinstance(outcome, Unanswered):
                run = partial(self._answer_and_raise, id, looks, begun)
                owner = id if begun else pico_id  # what has a mark is not put off
                yield id, None if self._asking.in_background(id, owner, run) else run()
            elif isinstance(outcome, Exception) and len(ids) > 1 and not begun:
                yield id, self._answer_and_raise(id, looks)
            elif isinstance(outcome, Exception):
                yield id, self._given_up(id, outcome)
            else:
                yield id, outcome

    def _answer_and_raise(self, id: str, looks: list[datetime], begun: int = 0) -> Settled:
        """Raise a row in a transaction of its own, with what answers it asks for; `begun` is for its mark."""

        def run(answers: Answers) -> tuple[bool, datetime] | Exception | Unanswered | None:
            work = partial(self._raising.raise_scheduled, id, looks, answers)
            return self._begun.alone(id, work, begun)

        try:
            outcome = self._asking.answered(run)
        except DismissedError:
            raise  # nothing happened, and the row stays due
        except PicoschedError as error:  # it asks something else each time, say
            outcome = error
        return self._given_up(id, outcome) if isinstance(outcome, Exception) else outcome

    def _given_up(self, id: str, error: Exception) -> Exception | None:
        """End a row that cannot be dealt with; the error if it is the database's, for then it stays due."""
        if isinstance(error, StoreError):
            return error
        log.error("the scheduled event %s is given up", id, exc_info=error)
        why = str(error) if isinstance(error, PicoschedError) else f"{type(error).__name__}: {error}"
        (ended,) = self._commits.run_all([partial(self._store.agenda.give_up, id, self._now(), why)])
        return ended if isinstance(ended, Exception) else None
