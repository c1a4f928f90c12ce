"""Clockwork: looks at which entries of sources are due, and has them rung.

Each look rings an entry once, however often it is due: so a source whose target is slow holds up what is
scheduled by one turn, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial

from picosched.asking import Asking
from picosched.batch import GroupCommit, Seen
from picosched.pico.effects import Answers, Unanswered
from picosched.ringing import Ringing
from picosched.store.store import Store

Rung = bool | Exception | None
Coming = tuple[datetime | None, datetime | None]


class Clockwork:
    """What sources have due: a part of a tick."""

    def __init__(self, store: Store, commits: GroupCommit, ringing: Ringing, asking: Asking) -> None:
        self._store = store
        self._commits = commits
        self._ringing = ringing
        self._asking = asking
        self._seen: Seen[Coming] = Seen(store, commits)

    def next_due(self, stuck: Collection[str] = ()) -> datetime | None:
        """When something is due next, but for those that are stuck or wait for an answer."""
        return min((time for time in self._coming(stuck) if time is not None), default=None)

    def run_due(self, looked: datetime, stuck: dict[str, Exception]) -> int:
        """Ring each entry that is due once; how many events were raised. Those that fail become stuck."""
        due, pause_ends = self._coming(stuck)
        if pause_ends is not None and pause_ends <= looked:
            self._resume(looked)
            due, _ = self._coming(stuck)
        if due is None or due > looked:
            return 0
        others = {*stuck, *self._asking.waiting}
        with self._commits.alone():
            ids = [id for id in self._store.sources.due(looked) if id not in others]
        raised = 0
        for id, outcome in zip(ids, self._rung(ids, looked), strict=True):
            if isinstance(outcome, Exception):
                stuck[id] = outcome
            else:
                raised += bool(outcome)
        return raised

    def _coming(self, stuck: Collection[str]) -> Coming:
        """When the next entry is due, and when a pause ends."""
        return self._seen.look(self._store.sources.next, {*stuck, *self._asking.waiting})

    def _resume(self, now: datetime) -> None:
        with self._commits.alone():
            ids = self._store.sources.resumable(now)
        for outcome in self._commits.run_all([partial(self._ringing.resume, id, now) for id in ids]):
            if isinstance(outcome, Exception):
                raise outcome

    def _rung(self, ids: list[str], looked: datetime) -> list[Rung]:
        """Ring entries in one transaction; those that it fails for, each in one of its own."""
        outcomes: list[Rung] = []
        works = [partial(self._ringing.ring, id, looked) for id in ids]
        for id, outcome in zip(ids, self._commits.run_all(works), strict=True):
            run: Callable[[], Rung] = partial(self._answer_and_ring, id, looked)
            if isinstance(outcome, Unanswered):
                outcomes.append(None if self._asking.in_background(id, run) else run())
            elif isinstance(outcome, Exception) and len(ids) > 1:
                outcomes.append(run())
            else:
                outcomes.append(outcome)
        return outcomes

    def _answer_and_ring(self, id: str, looked: datetime) -> Rung:
        """Ring an entry in a transaction of its own, with what answers it asks for."""

        def run(answers: Answers) -> Rung | Unanswered:
            return self._commits.run_all([partial(self._ringing.ring, id, looked, answers)])[0]

        return self._asking.answered(run)
