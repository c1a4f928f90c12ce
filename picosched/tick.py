"""A tick: one look at what is due, and everything that is due raised.

Rows are raised in the order of their due times, many in one transaction. A row that fails because of the
database does not hold up the others, and stays due. A row that needs an answer from outside waits for it
apart, and is not looked at meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from picosched.asking import Asking
from picosched.batch import GroupCommit
from picosched.clock import format_time
from picosched.errors import PicoschedError
from picosched.pico.effects import Answers, Unanswered
from picosched.raising import Raising
from picosched.store.store import Store

DUE_AT_ONCE = 200
"""Due rows raised in one transaction."""

INSTANT = 100_000
"""Events that may be made and raised at one instant of a clock that stands still."""

Settled = tuple[bool, datetime] | Exception | None


class Ticks:
    """Looks at what is due and raises it."""

    def __init__(
        self,
        store: Store,
        commits: GroupCommit,
        raising: Raising,
        asking: Asking,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._commits = commits
        self._raising = raising
        self._asking = asking
        self._now = now

    def next_due(self) -> datetime | None:
        """When something is due next that does not wait for an answer; None if nothing is to come."""
        waiting = self._asking.waiting
        with self._commits.alone():
            return self._store.agenda.next_due(waiting)

    def run_due(self) -> int:
        """Raise all that is due now; how many events were raised.

        A row that cannot be settled because the database fails stays due; the others go on, then this
        raises why.
        """
        looked = self._now()
        self._resume_due(looked)
        stuck: dict[str, Exception] = {}
        raised = made_now = 0
        while due := self._due(looked, stuck):
            tried = len(stuck)
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

    def _resume_due(self, now: datetime) -> None:
        """Let those go on whose pause is over."""
        with self._commits.alone():
            rows = self._store.agenda.resumable(now)
        for row in rows:
            self._commits.run(partial(self._raising.resume, row.id, now))

    def _due(self, now: datetime, stuck: Mapping[str, Exception]) -> list[str]:
        others = {*stuck, *self._asking.waiting}
        with self._commits.alone():
            ids = self._store.agenda.due(now, DUE_AT_ONCE + len(others))
        return [id for id in ids if id not in others]

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
