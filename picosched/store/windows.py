"""Windows that were made while an engine ran, the table `made_window`; and what depends on a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from picosched.schedule.window import MADE_WINDOW, MadeWindow
from picosched.store import rows
from picosched.store.few import Few
from picosched.store.port import Database, Row

of_window = MADE_WINDOW.of_record(rows.dump)
to_window: Callable[[Row], MadeWindow] = rows.readable(MADE_WINDOW.to_record(rows.load))


class Tied(NamedTuple):
    """A pending or paused row that depends on a window."""

    id: str
    name: str | None
    pico_id: str
    rid: str
    hash: str | None
    """Of the text of its ruleset; None if it is of a person, or gone."""


class Windows(Few[MadeWindow]):
    """Whoever asks for a window that neither its ruleset nor the settings have reads them."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, ("made_windows", "put_window", "remove_window"), of_window, to_window)

    def tied(self, name: str, limit: int) -> list[Tied]:
        """Schedules that are raised only within windows of that name, of whichever rulesets these are."""
        return [Tied(*row) for row in self._database.rows("tied_to_window", (name, limit))]

    def edges(self, name: str, limit: int) -> list[Tied]:
        """The rows of the edges of windows of that name."""
        return [Tied(*row) for row in self._database.rows("edges_of_window", (name, limit))]

    def texts(self, limit: int) -> list[tuple[str, str, str]]:
        """(rid, hash, text) of the installed rulesets in whose texts there is the word window."""
        found = self._database.rows("texts_with_windows", (limit,))
        return [(str(rid), str(hash), str(text)) for rid, hash, text in found]

    def picos_with_texts(self, after: str, limit: int) -> list[str]:
        """The ids of picos with such rulesets, in order; those after an id."""
        return [str(id) for (id,) in self._database.rows("picos_with_windows", (after, limit))]
