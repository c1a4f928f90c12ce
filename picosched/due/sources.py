"""Entries of sources that are due: a queue of a tick.

A round rings each due entry once, however often it is due, and a look rings as many entries of a round as one
transaction has time for. So an entry that is far behind, or whose target is slow, delays other entries and
scheduled rows by one turn at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from picosched.due.begun import Begun
from picosched.due.entries import Entries
from picosched.due.queue import Done, Looked, Tick, Together
from picosched.due.waiting import Waiting
from picosched.due.wired import Wired
from picosched.outside.processes import CANCELLED, Ended
from picosched.store.due import Coming
from picosched.store.left_out import LeftOut
from picosched.turns.pieces import RaiseEntry

AT_ONCE = 100
"""Entries rung in one transaction."""


class SourcesQueue:
    """Finds due entries and rings the first of them. For one tick at a time."""

    def __init__(
        self,
        wired: Wired,
        entries: Entries,
        waiting: Waiting,
        begun: Begun,
        end_program: Callable[[str, Ended], None],
    ) -> None:
        self._store, self._commits = wired.store, wired.commits
        self._end_program = end_program
        self._entries = entries
        self._waiting = waiting
        self._begun = begun
        self._round: list[tuple[str, str]] = []
        """The entries left to ring in this round, (id, source id)."""
        self._together = Together(wired.commits, waiting, begun, entries.ring, entries.fail, _stays_due)

    def run_due(self, coming: Coming, tick: Tick) -> Looked:
        if coming.pause_ends is not None and coming.pause_ends <= tick.now:
            self._resume(tick)  # the next look finds their entries
            return Looked()
        if coming.due is None or coming.due > tick.now:
            return Looked()
        raised = done = 0
        for piece, outcome in self._together.outcomes(partial(self._find, tick), tick.look_ahead):
            done += 1
            if isinstance(outcome, Exception):
                tick.stuck[piece.id] = outcome
            else:
                for id in outcome.ends:
                    self._end_program(id, CANCELLED)
                raised += outcome.raised
        del self._round[:done]
        return Looked(raised)

    def _find(self, tick: Tick) -> Sequence[RaiseEntry]:
        """The next entries of the round. Inside the lock."""
        if not self._round:
            due = self._store.sources.due(tick.now, self._waiting.left_out(tick.stuck))
            self._round = self._begun.marked_first(due)
        return [RaiseEntry(id, source_id, tick.now) for id, source_id in self._round[:AT_ONCE]]

    def end_tick(self) -> None:
        """Nothing to forget: a round continues in the next tick."""

    def _resume(self, tick: Tick) -> None:
        """Resume sources whose pause is over. One that the database refuses waits, as a due entry does."""
        ids = self._commits.read(self._store.sources.resumable, tick.now, LeftOut(frozenset(tick.stuck)))
        outcomes = self._commits.perform_all(partial(self._entries.resume, now=tick.now), ids)
        for id, outcome in zip(ids, outcomes, strict=True):
            if isinstance(outcome, Exception):
                tick.stuck[id] = outcome


def _stays_due(piece: RaiseEntry, error: Exception) -> Done | Exception:
    return error
