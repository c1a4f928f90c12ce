"""Entries of sources that are due: a queue of a tick.

A round rings each due entry once, however often it is due, and a look rings as many entries of a round as one
transaction has time for. So an entry that is far behind, or whose target is slow, delays other entries and
scheduled rows by one turn at most.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from picosched.due.begun import Begun
from picosched.due.entries import Entries
from picosched.due.queue import Coming, Done, Looked, Together
from picosched.due.waiting import Waiting
from picosched.store.due import Soonest
from picosched.store.left_out import LeftOut
from picosched.store.store import Store
from picosched.turns.commit import GroupCommit
from picosched.turns.pieces import RaiseEntry

AT_ONCE = 100
"""Entries rung in one transaction."""


class SourcesQueue:
    """Finds due entries and rings the first of them. For one tick at a time."""

    def __init__(
        self, store: Store, commits: GroupCommit, entries: Entries, waiting: Waiting, begun: Begun
    ) -> None:
        self._store = store
        self._commits = commits
        self._entries = entries
        self._waiting = waiting
        self._begun = begun
        self._round: list[tuple[str, str]] = []
        """The entries left to ring in this round, (id, source id)."""
        self._together = Together(commits, waiting, begun, entries.ring, entries.fail, _stays_due)

    def left_out(self, stuck: Collection[str] = ()) -> LeftOut:
        return self._waiting.left_out(stuck)

    def look(self, found: Soonest, without: LeftOut) -> Coming:
        return Coming(found.entry, found.source_resumes)

    def run_due(self, coming: Coming, looks: Sequence[datetime], stuck: dict[str, Exception]) -> Looked:
        looked = looks[-1]
        if coming.pause_ends is not None and coming.pause_ends <= looked:
            self._resume(looked)  # the next look finds their entries
            return Looked()
        if coming.due is None or coming.due > looked:
            return Looked()
        if not self._round:
            entries = self._commits.read(self._store.sources.due, looked, self._waiting.left_out(stuck))
            self._round = self._begun.marked_first(entries)
        pieces = [RaiseEntry(id, source_id, looked) for id, source_id in self._round[:AT_ONCE]]
        raised = done = 0
        for piece, outcome in self._together.outcomes(pieces):
            done += 1
            if isinstance(outcome, Exception):
                stuck[piece.id] = outcome
            else:
                raised += outcome.raised
        del self._round[:done]
        return Looked(raised)

    def end_tick(self) -> None:
        """Nothing to forget: a round continues in the next tick."""

    def _resume(self, now: datetime) -> None:
        ids = self._commits.read(self._store.sources.resumable, now)
        for outcome in self._commits.perform_all(partial(self._entries.resume, now=now), ids):
            if isinstance(outcome, Exception):
                raise outcome


def _stays_due(piece: RaiseEntry, error: Exception) -> Done | Exception:
    return error
