"""A tick: all that is due raised, look by look.

Each look asks the parts of the tick in turn, and raises a batch of the rows that are due by then (`due.py`):
as many in one transaction as there is time for. The tick ends when nothing is left that was due when it
began. A row that fails because of the database does not hold up the others, and stays due. A row that needs
an answer from outside waits for it apart, and is not looked at meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from picosched.asking import Asking
from picosched.batch import GroupCommit
from picosched.clock import format_time
from picosched.due import DueRows
from picosched.errors import PicoschedError
from picosched.pico.effects import Answers, Unanswered
from picosched.raising import Raising
from picosched.store.store import Store

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
        began = self._now()
        looks = [began]
        stuck: dict[str, Exception] = {}
        raised = made_now = 0
        with DueRows(self._store.agenda) as rows:
            while self._is_left(began, stuck):
                now = max(looks[-1], self._now())
                if now > looks[-1]:
                    looks.append(now)
                for each in self._beside:
                    raised += each.run_due(now, stuck)
                tried = len(stuck)
                due = self._due(rows, now, {*stuck})
                for id, outcome in self._raise_scheduled(rows, due, looks):
                    if isinstance(outcome, Exception):
                        stuck[id] = outcome
                    elif outcome is not None:
                        raised += outcome[0]
                        made_now += outcome[1] >= now
                if due and len(stuck) - tried == len(due):
                    break
                if made_now > INSTANT:
                    raise PicoschedError(
                        f"more than {INSTANT:,} events were made and raised at {format_time(now)} alone; "
                        "does a rule schedule itself for the time it is?",
                        "too_large",
                    )
        for error in stuck.values():
            raise error
        return raised

    def _is_left(self, began: datetime, stuck: dict[str, Exception]) -> bool:
        """Whether something is due that was due when the tick began."""
        due, pause_ends = self._coming({*stuck})
        times = (due, pause_ends, *(each.next_due(stuck) for each in self._beside))
        return any(time is not None and time <= began for time in times)

    def _due(self, rows: DueRows, now: datetime, stuck: set[str]) -> list[str]:
        """The rows to raise next, once those go on whose pause is over."""
        due, pause_ends = self._coming(stuck)
        while pause_ends is not None and pause_ends <= now:
            self._resume(now)
            due, pause_ends = self._coming(stuck)
        if due is None or due > now:
            return []
        with self._commits.alone():
            return rows.next(now, {*stuck, *self._asking.waiting})

    def _resume(self, now: datetime) -> None:
        with self._commits.alone():
            ids = self._store.agenda.resumable(now, RESUMED_AT_ONCE)
        for outcome in self._commits.run_all([partial(self._raising.resume, id, now) for id in ids]):
            if isinstance(outcome, Exception):
                raise outcome

    def _raise_scheduled(
        self, rows: DueRows, ids: list[str], looks: list[datetime]
    ) -> Iterator[tuple[str, Settled]]:
        """Raise the first of the rows, as many as one transaction has time for.

        Those that the transaction fails for are raised in one of their own. Those that need an answer from
        outside get it, in the background if there is one.
        """
        works = [partial(self._raising.raise_scheduled, id, looks) for id in ids]
        outcomes = self._commits.run_some(works) if works else []
        rows.raised(len(outcomes))
        for id, outcome in zip(ids, outcomes, strict=False):
            if isinstance(outcome, Unanswered):
                run = partial(self._answer_and_raise, id, looks)
                yield id, None if self._asking.in_background(id, run) else run()
            elif isinstance(outcome, Exception) and len(ids) > 1:
                yield id, self._answer_and_raise(id, looks)
            else:
                yield id, outcome

    def _answer_and_raise(self, id: str, looks: list[datetime]) -> Settled:
        """Raise a row in a transaction of its own, with what answers it asks for."""

        def run(answers: Answers) -> tuple[bool, datetime] | Exception | Unanswered | None:
            return self._commits.run_all([partial(self._raising.raise_scheduled, id, looks, answers)])[0]

        return self._asking.answered(run)
