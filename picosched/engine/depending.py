"""What depends on a window that all rulesets see: schedules within it, sources, and rulesets that select its
edges or name it. A ruleset that has a window of that name itself does not.
"""

from __future__ import annotations

import re
from functools import cached_property

from picosched.errors import KrlError, PicoschedError
from picosched.schedule.window_state import Uses
from picosched.sources.source import Source
from picosched.store.store import Store
from picosched.store.windows import Tied
from picosched.turns import sources as declaring
from picosched.turns.memory import Loaded

MOST = 1_000
"""Schedules, edges and rulesets that are looked through."""


class Depending:
    """What depends on windows, as of one read or transaction."""

    def __init__(self, store: Store, loaded: Loaded) -> None:
        self._store, self._loaded = store, loaded

    def uses(self, name: str) -> Uses:
        """How much depends on a window."""
        return Uses(len(self._schedules(name)), len(self._sources(name)), len(self._rulesets(name)))

    def named(self, name: str) -> list[str]:
        """What depends on a window, in words."""
        return [
            *(f"the schedule {each.name or each.id}" for each in self._schedules(name)),
            *(f"the source {each}" for each in self._sources(name)),
            *(f"the ruleset {each}" for each in self._rulesets(name)),
        ]

    def _schedules(self, name: str) -> list[Tied]:
        tied = self._store.windows.tied(name, MOST)
        return [each for each in tied if each.hash is None or not self._hides(name, each.hash)]

    def _sources(self, name: str) -> list[str]:
        """The labels of the sources with an entry in the window."""
        windows = ((each, {entry.steering.window for entry in each.entries}) for each in self._all_sources)
        return [source.label for source, named in windows if name in named]

    @cached_property
    def _all_sources(self) -> list[Source]:
        found: list[Source] = []
        for row in self._store.sources.all():
            try:
                found.append(declaring.read(row, self._store.almanac))
            except PicoschedError:  # it raises nothing, as the list of sources says
                continue
        return found

    def _rulesets(self, name: str) -> list[str]:
        following = {each.hash for each in self._store.windows.edges(name, MOST)}
        literal = f'"{re.escape(name)}"'
        naming = re.compile(rf'\bwindow:(open|opens|closes)\(\s*{literal}|\b_window"?\s*[:=]\s*{literal}')
        found = (
            rid
            for rid, hash, text in self._texts
            if (hash in following or naming.search(text)) and not self._hides(name, hash)
        )
        return [*dict.fromkeys(found)]

    @cached_property
    def _texts(self) -> list[tuple[str, str, str]]:
        return self._store.windows.texts(MOST)

    def _hides(self, name: str, hash: str) -> bool:
        """Whether a ruleset has a window of that name itself."""
        try:
            return name in self._loaded.ruleset_of(hash).windows
        except KrlError:  # it does not run
            return True
