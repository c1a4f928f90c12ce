"""The states of the windows that all rulesets see, and what depends on one: schedules within it, sources, and
rulesets that select its edges or name it. A ruleset that has a window of that name itself does not.

What a ruleset has to do with windows is found in its tree, which takes long. So that is done once for a text,
and without the lock: `look_at` reads the records, and the states are made of them afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from picosched.check.subject import Subject
from picosched.check.windows import WindowsOf, windows_in
from picosched.errors import KrlError, shortened
from picosched.krl.grammar import parse
from picosched.krl.source import source_of
from picosched.pico.windows import windows_of
from picosched.schedule.window import MadeWindow, Unset, Window
from picosched.schedule.window_state import Uses, WindowState, clashing
from picosched.settings import Settings
from picosched.sources.source import Source
from picosched.store.made import Tied
from picosched.store.sources import SourceRow
from picosched.store.store import Store
from picosched.timespec.almanac import Almanac
from picosched.turns import sources as declaring
from picosched.turns.memory import Loaded

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset

MOST = 1_000
"""A count that would be larger is this."""

MOST_KNOWN = 20_000
"""Texts of which it is remembered what they have to do with windows: a few names of each."""

_known: dict[str, WindowsOf] = {}
"""By the hash of the text."""
_mutex = threading.Lock()


class Records(NamedTuple):
    """What is kept of windows and of what may depend on them, as it was at one moment."""

    made: Sequence[MadeWindow]
    sources: Sequence[SourceRow]
    tied: Sequence[Tied]
    rulesets: Sequence[tuple[str, str]]
    """(rid, hash) of all that are installed."""


def look_at(store: Store) -> Records:
    """The records, in four reads."""
    made = store.windows
    return Records(made.all(), store.sources.all(), made.tied(), made.rulesets())


def known_of(
    rulesets: Collection[tuple[str, str]], loaded: Loaded, text_of: Callable[[str], str | None]
) -> dict[str, WindowsOf]:
    """Hash → what that ruleset has to do with windows. Texts that are new are read, and parsed if need be."""
    found: dict[str, WindowsOf] = {}
    for _, digest in rulesets:
        known = _known.get(digest)
        if known is None:
            text = text_of(digest)
            if text is None:  # removed meanwhile
                continue
            known = _found_in(text, loaded.peek(digest))
            with _mutex:
                while len(_known) >= MOST_KNOWN:
                    del _known[next(iter(_known))]
                _known[digest] = known
        found[digest] = known
    return found


def _found_in(text: str, compiled: Ruleset | None) -> WindowsOf:
    if "window" not in text:
        return WindowsOf()
    try:
        source = source_of(text)
        if compiled is None:
            return windows_in(Subject(parse(source), source))
        return windows_in(Subject(compiled.tree, source), compiled.edges)
    except KrlError:  # it does not run
        return WindowsOf()


def states(settings: Settings, records: Records, depending: Depending, now: datetime) -> list[WindowState]:
    """The states of all windows: those of the settings in their order, then those that were made, by name."""
    made = {each.name: each for each in records.made}
    configured = {each.name for each in settings.windows}
    windows = windows_of(settings, records.made).values()
    return [
        _state_of(each, made.get(each.name), each.name in configured, depending.uses(each.name), now)
        for each in windows
    ]


def _state_of(
    window: Window | Unset, kept: MadeWindow | None, configured: bool, uses: Uses, now: datetime
) -> WindowState:
    made, why = None if configured else kept, window.why if isinstance(window, Unset) else None
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
        fault=clashing(kept) if configured and kept is not None else why,
        uses=uses,
        configured=configured,
        made=None if made is None else made.made,
        made_by=None if made is None else made.made_by,
    )


class Depending:
    """What depends on windows, by some records, and by what is `known_of` their rulesets."""

    def __init__(self, records: Records, known: Mapping[str, WindowsOf], almanac: Almanac) -> None:
        self._records, self._known, self._almanac = records, known, almanac

    def uses(self, name: str) -> Uses:
        """How much depends on a window."""
        counts = self._schedules(name), len(self._sources(name)), len(self._rulesets(name))
        return Uses(*(min(MOST, count) for count in counts))

    def named(self, name: str, store: Store, most: int) -> list[str]:
        """What depends on a window, in words: the first `most`, and how many more there are."""
        hiding = [digest for digest, each in self._known.items() if name in each.declared]
        schedules, number = store.windows.tied_to(name, hiding, most), self._schedules(name)
        others = [
            *(f"the source {each}" for each in self._sources(name)),
            *(f"the ruleset {each}" for each in self._rulesets(name)),
        ]
        found = [*(f"the schedule {each}" for each in schedules), *others][:most]
        found = [shortened(" ".join(each.split())) for each in found]  # names may have any character
        more = number + len(others) - len(found)
        return [*found, f"{more:,} more"] if more > 0 else found

    def _schedules(self, name: str) -> int:
        return sum(each.rows for each in self._records.tied if each.window == name and not self._hides(each))

    def _hides(self, tied: Tied) -> bool:
        """Whether the ruleset of some schedules has a window of that name itself."""
        known = None if tied.hash is None else self._known.get(tied.hash)
        return known is not None and tied.window in known.declared

    def _sources(self, name: str) -> list[str]:
        """The labels of the sources with an entry in the window."""
        windows = ((each, {entry.steering.window for entry in each.entries}) for each in self._all_sources)
        return [source.label for source, named in windows if name in named]

    @cached_property
    def _all_sources(self) -> list[Source]:
        """But for those that raise nothing, as the list of sources says why."""
        found = (declaring.valid(row, self._almanac) for row in self._records.sources)
        return [each for each in found if each is not None]

    def _rulesets(self, name: str) -> list[str]:
        """The rids; several texts of one count once."""
        found = (rid for rid, digest in self._records.rulesets if self._depends(digest, name))
        return [*dict.fromkeys(found)]

    def _depends(self, digest: str, name: str) -> bool:
        known = self._known.get(digest)
        return known is not None and known.depends_on(name)
