"""Clockwork: looks at which entries of sources are due, and has them rung.

A round rings each entry that is due once, however often it is due, and a look rings some of a round: as many
as one transaction has time for. So an entry that is far behind, or whose target is slow, holds up other
entries and what is scheduled by one turn, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from functools import partial

from picosched.due.begun import Begun
from picosched.due.entries import Ringing
from picosched.due.waiting import Asking
from picosched.pico.said import Answers, Unanswered
from picosched.store.store import Store
from picosched.turns.commit import GroupCommit, Seen

Rung = bool | Exception | None
Coming = tuple[datetime | None, datetime | None]

AT_ONCE = 100
"""Entries rung in one transaction."""


class Clockwork:
    """What sources have due: a part of a tick."""

    def __init__(
        self, store: Store, commits: GroupCommit, ringing: Ringing, asking: Asking, begun: Begun
    ) -> None:
        self._store = store
        self._commits = commits
        self._ringing = ringing
        self._asking = asking
        self._begun = begun
        self._seen: Seen[Coming] = Seen(store, commits)
        self._round: list[tuple[str, str]] = []
        """The entries that are left to ring in this round, and their sources."""

    def next_due(self, stuck: Collection[str] = ()) -> datetime | None:
        """When something is due next, but for those that are stuck or wait for an answer."""
        return min((time for time in self._coming(stuck) if time is not None), default=None)

    def run_due(self, looked: datetime, stuck: dict[str, Exception]) -> int:
        """Ring some entries that are due; how many events were raised. Those that fail become stuck."""
        due, pause_ends = self._coming(stuck)
        if pause_ends is not None and pause_ends <= looked:
            self._resume(looked)
            due, _ = self._coming(stuck)
        if due is None or due > looked:
            return 0
        if not self._round:
            with self._commits.alone():
                entries = self._store.sources.due(looked, self._asking.left_out(stuck))
            self._round = [*self._begun.marked_first(entries)]
        raised = 0
        for id, outcome in self._rung(self._round[:AT_ONCE], looked):
            if isinstance(outcome, Exception):
                stuck[id] = outcome
            else:
                raised += bool(outcome)
        return raised

    def _coming(self, stuck: Collection[str]) -> Coming:
        """When the next entry is due, and when a pause ends."""
        return self._seen.look(self._store.sources.next, self._asking.left_out(stuck))

    def _resume(self, now: datetime) -> None:
        with self._commits.alone():
            ids = self._store.sources.resumable(now)
        for outcome in self._commits.run_all([partial(self._ringing.resume, id, now) for id in ids]):
            if isinstance(outcome, Exception):
                raise outcome

    def _rung(self, entries: list[tuple[str, str]], looked: datetime) -> Iterator[tuple[str, Rung]]:
        """Ring the first of the entries, as many as one transaction has time for.

        Those that the transaction fails for are rung in one of their own.
        """
        begun, outcomes, ids = 0, list[Rung | Unanswered](), [id for id, _ in entries]
        if ids:
            works = [partial(self._ringing.ring, id, looked) for id in ids]
            begun = self._begun.number(ids[0])
            if (why := self._begun.over(begun)) is None:
                outcomes = self._begun.run(ids, works, begun)
            else:
                outcomes = self._commits.run_all([partial(self._ringing.ring, ids[0], looked, killed=why)])
        del self._round[: len(outcomes)]
        for (id, source_id), outcome in zip(entries, outcomes, strict=False):
            run: Callable[[], Rung] = partial(self._answer_and_ring, id, looked, begun)
            if isinstance(outcome, Unanswered):
                owner = id if begun else source_id  # what has a mark is not put off
                yield id, None if self._asking.in_background(id, owner, run) else run()
            elif isinstance(outcome, Exception) and len(ids) > 1 and not begun:
                yield id, run()
            else:
                yield id, outcome

    def _answer_and_ring(self, id: str, looked: datetime, begun: int) -> Rung:
        """Ring an entry in a transaction of its own, with what answers it asks for."""

        def run(answers: Answers) -> Rung | Unanswered:
            work = partial(self._ringing.ring, id, looked, answers)
            return self._begun.alone(id, work, begun)

        return self._asking.answered(run)
