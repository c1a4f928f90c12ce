"""The states of the windows that all rulesets see, and what depends on one: schedules within it, sources, and
rulesets that select its edges or name it. A ruleset that has a window of that name itself does not.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cached_property

from picosched.errors import KrlError, PicoschedError
from picosched.pico.windows import windows_of
from picosched.schedule.window import MadeWindow, Unset, Window
from picosched.schedule.window_state import Uses, WindowState
from picosched.settings import Settings
from picosched.sources.source import Source
from picosched.store.made import Tied
from picosched.store.store import Store
from picosched.turns import sources as declaring
from picosched.turns.memory import Loaded

MOST = 1_000
"""Schedules, edges and rulesets that are looked through."""


def states_of(store: Store, loaded: Loaded, settings: Settings, now: datetime) -> list[WindowState]:
    """Those of the settings in their order, then those that were made, by name."""
    made = {each.name: each for each in store.windows.all()}
    for each in settings.windows:
        made.pop(each.name, None)
    depending = Depending(store, loaded)
    windows = windows_of(settings, store.windows.all)
    return [_state(each, made.get(name), depending.uses(name), now) for name, each in windows.items()]


def _state(window: Window | Unset, made: MadeWindow | None, uses: Uses, now: datetime) -> WindowState:
    right = window if isinstance(window, Window) else None
    opens, closes = (right.opens.text, right.closes.text) if right else ("", "")
    return WindowState(
        name=window.name,
        opens=opens if made is None else made.opens,
        closes=closes if made is None else made.closes,
        tz=window.tz,
        open=right is not None and right.open_at(now),
        next_opening=None if right is None else right.next_opening(now),
        next_closing=None if right is None else right.next_closing(now),
        fault=window.why if isinstance(window, Unset) else None,
        uses=uses,
        configured=made is None,
        made=None if made is None else made.made,
        made_by=None if made is None else made.made_by,
    )


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
