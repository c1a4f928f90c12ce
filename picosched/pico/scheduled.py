"""The scheduled events of a ruleset in a pico, with the changes of the current turn and rule.

A ruleset sees its own and those that people made in its pico, which have no ruleset; it changes only its own.

A row is found by its id, or by its name in an index. A list scans the pico's pending rows and charges the
rule: some steps for each row scanned, and more for each row read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from picosched.clock import LAST
from picosched.krl.budget import Budget
from picosched.krl.size import code
from picosched.schedule.changed import live
from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled

ROW_STEPS = 25
"""Steps charged for each row read."""

LOOK_STEPS = 2
"""Steps charged for each row scanned."""

ASKED = 75
"""Steps charged for a list, in addition to its rows."""

ALL = 1_000_000_000
"""More steps than anything here can cost."""


class Kept(Protocol):
    """The store's reads of scheduled events."""

    def scheduled(self, which: Filter, limit: int) -> list[Scheduled]:
        """The first scheduled events that match a filter, soonest first.

        With a name the cost depends on the result, else on the pico's pending rows.
        """

    def scheduled_as_made(self, which: Filter, limit: int) -> list[Scheduled]:
        """The first scheduled events that match a filter, in the order of making."""

    def first_named(
        self, pico_id: str, rid: str, name: str, kinds: Sequence[str], limit: int
    ) -> list[Scheduled]:
        """The first pending or paused rows with a name, of some kinds, soonest first."""

    def coming(self, pico_id: str) -> int:
        """How many pending or paused rows a pico has: schedules, messages it sent, programs."""

    def on_their_way(self, pico_id: str) -> int:
        """How many events of a pico for other engines are pending."""

    def find_scheduled(self, id: str) -> Scheduled | None:
        """The scheduled event with that id, whatever its status."""

    def fires(self, pico_id: str, id: str, limit: int) -> list[Fire]:
        """The record of a scheduled event's occurrences, newest first."""


class Part(Protocol):
    """Rows made and changed, by id."""

    scheduled: dict[str, Scheduled]
    rescheduled: dict[str, Scheduled]


class OfRule(Part, Protocol):
    """Rows of the current rule."""

    unmade: set[str]


class OfTurn(Part, Protocol):
    """Rows of the turn's earlier rules."""

    settled: Scheduled | None


@dataclass(frozen=True, slots=True)
class SoFar:
    """The scheduled events of one ruleset at this point of a turn, or in a query."""

    kept: Kept
    budget: Budget
    pico_id: str
    rid: str
    said: OfRule | None
    turn: OfTurn | None
    named: Mapping[tuple[str, str], Collection[str]]
    """(rid, name) → ids of rows with that name that any rule of the turn made or changed."""

    def find(self, id: str) -> Scheduled | None:
        """The scheduled event with that id, whatever its status, if the ruleset sees it."""
        if self.said is not None and id in self.said.unmade:
            return None
        found = self._in_turn(id)
        if found is None:
            self.charge(1)
            found = self.kept.find_scheduled(id)
        if found is None or not found.is_schedule:
            return None
        return found if found.pico_id == self.pico_id and found.rid in self._seen else None

    @property
    def _seen(self) -> tuple[str, str]:
        """The rids of what it sees."""
        return self.rid, ""

    def coming(self, id: str) -> Scheduled | None:
        """The ruleset's scheduled event with that id, if it is pending or paused."""
        found = self.find(id)
        return found if found is not None and found.rid == self.rid and live(found) else None

    def found(self, which: Filter) -> list[Scheduled]:
        """The rows that match a filter and that the ruleset sees, soonest first.

        Rows for window edges, which no rule made, are left out unless the filter asks for them.
        """
        which = replace(which, pico_id=self.pico_id, seen_by=self.rid)
        # Conditions without an index are checked here, where each row is charged.
        kind = None if which.name is None else which.kind
        looked_at = replace(which, kind=kind, domain=None, type=None, text=None)
        rows = self.kept.scheduled(looked_at, self._affordable(scans=which.name is None))
        changed = self.changed() if which.name is None else self._changed_of(which.name)
        self.charge(len(rows) + len(changed))
        if which.text is not None:  # its case is folded for each row
            code((len(rows) + len(changed)) * len(which.text))
        found = (*(row for row in rows if row.id not in changed), *changed.values())
        return sorted(
            (row for row in found if which.means(row) and (which.kind == "window" or row.kind != "window")),
            key=lambda row: row.due or LAST,
        )

    def first_named(self, name: str, kinds: Sequence[str]) -> Scheduled | None:
        """The soonest pending or paused row with a name, of some kinds."""
        changed = self._changed_of(name)
        rows = self.kept.first_named(self.pico_id, self.rid, name, kinds, len(changed) + 1)
        self.charge(len(rows) + len(changed))
        found = [row for row in rows if row.id not in changed]
        found += (row for row in changed.values() if row.rid == self.rid and row.kind in kinds and live(row))
        return min(found, key=lambda row: row.due or LAST, default=None)

    def made(self) -> list[Scheduled]:
        """The pending and paused rows that the ruleset sees, in the order of making."""
        which = Filter(pico_id=self.pico_id, seen_by=self.rid)
        rows = self.kept.scheduled_as_made(which, self._affordable(scans=True))
        changed = self.changed()
        self.charge(len(rows) + len(changed))
        found = {row.id: row for row in rows} | changed  # a changed row keeps its place
        return [row for row in found.values() if which.means(row) and row.kind != "window"]

    def _affordable(self, *, scans: bool) -> int:
        """Charge the rule for a list; the rows it can pay for, and one more."""
        self.budget.charge(ASKED)
        if scans:
            self.budget.charge(self.kept.coming(self.pico_id) * LOOK_STEPS)
        return int(min(self.budget.left, ALL) // ROW_STEPS) + 1

    def changed(self) -> dict[str, Scheduled]:
        """All rows made or changed so far in the turn, of any ruleset, in their current state."""
        changed: dict[str, Scheduled] = {}
        if self.turn is not None:
            if self.turn.settled is not None:
                changed[self.turn.settled.id] = self.turn.settled
            changed |= self.turn.scheduled | self.turn.rescheduled
        if self.said is not None:
            changed |= self.said.scheduled | self.said.rescheduled
            for id in self.said.unmade:
                changed.pop(id, None)
        return changed

    def _changed_of(self, name: str) -> dict[str, Scheduled]:
        """The rows with a name that the ruleset sees and that were made or changed so far in the turn."""
        ids = self.named.get((self.rid, name), ())
        changed = {id: row for id in ids if (row := self._in_turn(id)) is not None}
        settled = None if self.turn is None else self.turn.settled
        if settled is not None and settled.rid in self._seen and settled.name == name:
            changed.setdefault(settled.id, settled)
        return changed

    def charge(self, rows: int) -> None:
        """Charge the rule for rows read."""
        self.budget.charge(rows * ROW_STEPS)

    def _in_turn(self, id: str) -> Scheduled | None:
        """A row made or changed so far in the turn; None if it was not."""
        if self.said is not None and id in self.said.unmade:
            return None
        for part in (self.said, self.turn):
            row = None if part is None else part.scheduled.get(id) or part.rescheduled.get(id)
            if row is not None:
                return row
        settled = None if self.turn is None else self.turn.settled
        return settled if settled is not None and settled.id == id else None
