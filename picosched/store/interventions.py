"""What people did, in order, with its arguments: the table `intervention`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from picosched.clock import to_ms
from picosched.intervention import ENGINE, FORGOTTEN, INTERVENTION, Intervention
from picosched.store import rows
from picosched.store.port import Database, Row

of_intervention = INTERVENTION.of_record(rows.dump)
to_intervention: Callable[[Row], Intervention] = rows.readable(INTERVENTION.to_record(rows.load))


class Interventions:
    """The table `intervention`; writes inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, at: datetime, what: str, by: str, told: Mapping[str, Any]) -> None:
        """Add one after the last turn that was written so far, which may be of the same transaction."""
        (after,) = self._database.row("last_turn") or (0,)
        made = Intervention(at, after or 0, what, by, told)
        self._database.put("intervention", "add_intervention", rows.checked(of_intervention(made)))

    def last(self) -> int:
        """The number of the last one; 0 if there was none."""
        (last,) = self._database.row("last_intervention") or (0,)
        return int(last)

    def since(self, seq: int, limit: int) -> list[Intervention]:
        """Those after a number, in order."""
        return [to_intervention(row) for row in self._database.rows("interventions_since", (seq, limit))]

    def prunable(self, before: datetime) -> bool:
        return self._database.row("is_intervention_before", (to_ms(before), FORGOTTEN)) is not None

    def prune(self, before: datetime, limit: int) -> int:
        """Delete those before a time, at most `limit`; the number of the last stays, as the next follows."""
        nothing = FORGOTTEN, ENGINE, rows.dump({})
        forgotten = self._database.execute("forget_last_intervention", (to_ms(before), *nothing))
        return forgotten + self._database.execute("prune_interventions", (to_ms(before), limit))
