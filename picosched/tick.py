"""A tick: one look at what is due, and everything that is due raised.

Rows are raised in the order of their due times, many in one transaction. A row that fails because of the
database does not hold up the others, and stays due. A row that needs an answer from outside waits for it
apart, and is not looked at meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from picosched.asking import Asking
from picosched.batch import GroupCommit
from picosched.clock import format_time
from picosched.errors import PicoschedError
from picosched.pico.effects import Answers, Unanswered
from picosched.raising import Raising
from picosched.store.store import Store

DUE_AT_ONCE = 100
"""Due rows raised in one transaction."""

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


class Ticks:
    """Looks at what is due and raises it."""

    def __init__(
        self,
        store: Store,
        commits: GroupCommit,
        raising: Raising,
        asking: Asking,
        now: Callable[[], datetime],
        beside: Sequence[Beside] = (),
    ) -> None:
        self._store = store
        self._commits = commits
        self._raising = raising
        self._asking = asking
        self._now = now
        self._beside = beside
        self.ends: Callable[[], bool] = lambda: False
        """Whether to leave the rest of what is due for another tick."""
        self._seen: tuple[tuple[int, set[str]], Coming] | None = None
        """What was to come when it was last looked for, and what that depends on."""

    def next_due(self) -> datetime | None:
        """When something is due next that does not wait for an answer; None if nothing is to come."""
        coming = (*self._coming(set()), *(each.next_due() for each in self._beside))
        return min((time for time in coming if time is not None), default=None)

    def _coming(self, stuck: set[str]) -> Coming:
        """When the next row is due, but for those that are stuck or wait for an answer; when a pause ends."""
        without = {*stuck, *self._asking.waiting}
        seen = self._seen
        # Only this process writes: where no row was changed, nothing else is to come.
        if seen is not None and seen[0] == (self._store.changes, without) and not self._store.readonly:
            return seen[1]
        with self._commits.alone():
            state = (self._store.changes, without)
            coming = self._store.agenda.next(without)
        self._seen = state, coming
        return coming

    def run_due(self) -> int:
        """Raise all that is due now; how many events were raised.

        A row that cannot be settled because the database fails stays due; the others go on, then this
        raises why.
        """
        began = looked = self._now()
        stuck: dict[str, Exception] = {}
        raised = made_now = 0
        while not self.ends():
            for each in self._beside:  # between batches too, by the time it is then: a metronome may be fast
                raised += each.run_due(max(looked, self._now()), stuck)
            tried = len(stuck)
            due = self._due(looked, {*stuck})
            if not due:
                if not any(self._is_due(each, began, stuck) for each in self._beside):
                    break
                looked = max(looked, self._now())  # what is due by now waits for no backlog of theirs
                continue
            for id, outcome in zip(due, self._raise_scheduled(due, looked), strict=True):
                if isinstance(outcome, Exception):
                    stuck[id] = outcome
                elif outcome is not None:
                    raised += outcome[0]
                    made_now += outcome[1] >= looked
            if len(stuck) - tried == len(due):
                break
            if made_now > INSTANT:
                raise PicoschedError(
                    f"more than {INSTANT:,} events were made and raised at {format_time(looked)} alone; "
                    "does a rule schedule itself for the time it is?",
                    "too_large",
                )
        for error in stuck.values():
            raise error
        return raised

    def _is_due(self, beside: Beside, looked: datetime, stuck: dict[str, Exception]) -> bool:
        due = beside.next_due(stuck)
        return due is not None and due <= looked

    def _due(self, now: datetime, stuck: set[str]) -> list[str]:
        """The rows to raise next, once those go on whose pause is over."""
        due, pause_ends = self._coming(stuck)
        while pause_ends is not None and pause_ends <= now:
            self._resume(now)
            due, pause_ends = self._coming(stuck)
        if due is None or due > now:
            return []
        others = {*stuck, *self._asking.waiting}
        with self._commits.alone():
            ids = self._store.agenda.due(now, DUE_AT_ONCE + len(others))
        return [id for id in ids if id not in others]

    def _resume(self, now: datetime) -> None:
        with self._commits.alone():
            ids = self._store.agenda.resumable(now, DUE_AT_ONCE)
        for outcome in self._commits.run_all([partial(self._raising.resume, id, now) for id in ids]):
            if isinstance(outcome, Exception):
                raise outcome

    def _raise_scheduled(self, ids: list[str], looked: datetime) -> list[Settled]:
        """Raise rows in one transaction; those that it fails for, each in one of its own.

        Those that need an answer from outside get it, in the background if there is one.
        """
        works = [partial(self._raising.raise_scheduled, id, looked) for id in ids]
        settled: list[Settled] = []
        for id, outcome in zip(ids, self._commits.run_all(works), strict=True):
            if isinstance(outcome, Unanswered):
                run = partial(self._answer_and_raise, id, looked)
                settled.append(None if self._asking.in_background(id, run) else run())
            elif isinstance(outcome, Exception) and len(ids) > 1:
                settled.append(self._answer_and_raise(id, looked))
            else:
                settled.append(outcome)
        return settled

    def _answer_and_raise(self, id: str, looked: datetime) -> Settled:
        """Raise a row in a transaction of its own, with what answers it asks for."""

        def run(answers: Answers) -> tuple[bool, datetime] | Exception | Unanswered | None:
            return self._commits.run_all([partial(self._raising.raise_scheduled, id, looked, answers)])[0]

        return self._asking.answered(run)
