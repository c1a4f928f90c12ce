"""The states of the windows that all rulesets see, and what depends on one: schedules within it, sources, and
rulesets that select its edges or name it. A ruleset that has a window of that name itself does not.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cached_property

from picosched.errors import KrlError, PicoschedError
from picosched.pico.windows import windows_of
from picosched.schedule.window import Unset, Window
from picosched.schedule.window_state import Uses, WindowState, clashing
from picosched.settings import Settings
from picosched.sources.source import Source
from picosched.store.made import Tied
from picosched.store.store import Store
from picosched.turns import sources as declaring
from picosched.turns.memory import Loaded

MOST = 1_000
"""Schedules, edges and rulesets that are looked through."""


def state_of(
    store: Store, settings: Settings, depending: Depending, name: str, now: datetime
) -> WindowState | None:
    """The state of the window of that name; None if there is none."""
    all = store.windows.all()
    window = windows_of(settings, lambda: all).get(name)
    if window is None:
        return None
    configured = any(each.name == name for each in settings.windows)
    kept = next((each for each in all if each.name == name), None)
    made = None if configured else kept
    fault = window.why if isinstance(window, Unset) else None
    if configured and kept is not None:
        fault = clashing(kept)
    right = window if isinstance(window, Window) else None
    opens, closes = (right.opens.text, right.closes.text) if right else ("", "")
    return WindowState(
        name=name,
        opens=opens if made is None else made.opens,
        closes=closes if made is None else made.closes,
        tz=window.tz,
        open=right is not None and right.open_at(now),
        next_opening=None if right is None else right.next_opening(now),
        next_closing=None if right is None else right.next_closing(now),
        fault=fault,
        uses=depending.uses(name),
        configured=configured,
        made=None if made is None else made.made,
        made_by=None if made is None else made.made_by,
    )


NAMING = re.compile(r'\bwindow:(?:open|opens|closes)\(\s*"([^"]+)"|\b_window"?\s*[:=]\s*"([^"]+)"')
"""Finds in the text of a ruleset where it asks for a window by a name, or ties a schedule to it."""


class Depending:
    """What depends on windows; sources and the texts of rulesets are read once."""

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
        found = (
            rid
            for rid, hash, named in self._naming
            if (hash in following or name in named) and not self._hides(name, hash)
        )
        return [*dict.fromkeys(found)]

    @cached_property
    def _naming(self) -> list[tuple[str, str, set[str]]]:
        """(rid, hash, windows that it names) of the rulesets that have to do with windows."""
        return [
            (rid, hash, {"".join(each) for each in NAMING.findall(text)})
            for rid, hash, text in self._store.windows.texts(MOST)
        ]

    def _hides(self, name: str, hash: str) -> bool:
        """Whether a ruleset has a window of that name itself."""
        try:
            return name in self._loaded.ruleset_of(hash).windows
        except KrlError:  # it does not run
            return True
