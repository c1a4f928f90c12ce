"""Items left out of a due query, as a SQL condition."""

from __future__ import annotations

from collections.abc import Iterable

from picosched.frozen import frozen
from picosched.store import rows


@frozen
class LeftOut:
    """Single rows, and all rows of some owners: picos, or sources for their entries and deliveries."""

    ids: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()

    def condition(self, owner: str) -> str:
        """A condition starting with AND, where `owner` is a column; "" if nothing is left out."""
        parts = [
            f" AND {column} NOT IN (SELECT value FROM json_each(?))"
            for column, values in ((owner, self.owners), ("id", self.ids))
            if values
        ]
        return "".join(parts)

    @property
    def values(self) -> tuple[str, ...]:
        """The values of the condition."""
        return tuple(_array(values) for values in (self.owners, self.ids) if values)


NOTHING = LeftOut()


def _array(ids: Iterable[str]) -> str:
    return rows.dump([*ids])
