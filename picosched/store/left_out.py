"""Items left out of a due query."""

from __future__ import annotations

from picosched.frozen import frozen


@frozen
class LeftOut:
    """Single rows, and all rows of some owners: picos, or sources for their entries and deliveries."""

    ids: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()


NOTHING = LeftOut()
