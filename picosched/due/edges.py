"""Lets all picos follow the windows that people made, changed or removed, some picos in each transaction.

The transaction that changes a window does the first ones. Whoever changed it does the rest; if that fails,
the ticks go on with it, and if the process dies, the next one, or another machine of the same database.
"""

from __future__ import annotations

from picosched.due.wired import Wired
from picosched.turns import windows as edges


class Edges:
    """The picos that are left. For any thread."""

    def __init__(self, wired: Wired) -> None:
        self._wired = wired
        self.left = False
        """Whether there may be some."""

    def look(self) -> None:
        """Do the next ones in a tick, between due rows."""
        self._follow_more()
        if self.left:
            self._wired.look_again()

    def follow(self) -> None:
        """Do all that are left."""
        self.left = True
        while self.left:
            self._follow_more()

    def _follow_more(self) -> None:
        wired = self._wired
        self.left = wired.commits.read(edges.are_left, wired.store)
        if self.left:
            self.left = wired.commits.run(edges.follow_more, wired.store, wired.loaded, wired.now())
