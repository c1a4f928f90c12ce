"""The audit: what was done from outside, by whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from picosched.audit import DEED, Deed
from picosched.clock import to_ms
from picosched.store import rows
from picosched.store.port import Database, Row

LAST = 2**62

of_deed = DEED.of_record(rows.dump)
to_deed: Callable[[Row], Deed] = rows.readable(DEED.to_record(rows.load))


class Audit:
    """The table `audit`; writes inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, deed: Deed) -> None:
        self._database.put("audit", "add_deed", rows.checked(of_deed(deed)))

    def deeds(
        self, since: datetime | None, limit: int, which: Mapping[str, str | None], before: int = LAST
    ) -> list[Deed]:
        """Deeds, newest first: since a time, with a `seq` less than `before`, by the values of columns."""
        first = -LAST if since is None else to_ms(since)
        return [to_deed(row) for row in self._database.rows("deeds", (first, before, limit), which)]

    def prunable(self, before: datetime) -> bool:
        return self._database.row("is_deed_before", (to_ms(before),)) is not None

    def prune(self, before: datetime, limit: int) -> int:
        """Delete deeds before a time, at most `limit`; returns how many."""
        return self._database.execute("prune_deeds", (to_ms(before), limit))
