"""Rows for window edges that rules select: one for each ruleset of a pico and each such window.

The row is due at the window's next edge. It follows from the ruleset's text: installing a ruleset makes,
changes or ends it here, and so does opening an engine with other windows in its configuration, a turn that
changes an entity variable on which a window depends, and making, changing or removing a window.

After the last, some picos at a time are brought in line, each time in one transaction with a mark: the time
of the change, and the last pico. So any process can go on after a crash, and whenever a pico's turn comes,
its row gets the first edge after the change; the misfire policy decides about edges that are late by then. A
row that is due for a window that has changed meanwhile raises nothing: it gets the edges of the new one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from picosched.clock import from_ms, ticks, to_ms
from picosched.errors import KrlError, PicoschedError
from picosched.hashed import id_of
from picosched.krl.large_map import whole_of
from picosched.pico.pico import Pico
from picosched.pico.turn import WARNING, Logged, Turn
from picosched.pico.windows import Windows, windows_of
from picosched.schedule.changed import ended
from picosched.schedule.scheduled import Scheduled
from picosched.schedule.window import Unset, Window
from picosched.settings import Settings
from picosched.store.store import Store
from picosched.turns import sources as declaring
from picosched.turns.commit import GroupCommit
from picosched.turns.memory import Loaded

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset

log = logging.getLogger(__name__)

CONFIGURED = "windows"
"""The key in the store of the windows last configured."""

LEFT = "windows left"
"""The key in the store of the marks: windows that people made, changed or removed, and that not all picos
follow yet → the time of the change, and the last pico that does."""
AT_ONCE = 100
"""Picos whose rows are brought in line in one transaction."""

LOOK = timedelta(seconds=1)
"""How often a tick looks for marks that another process left, and after a transaction of a sweep failed."""


def follow(store: Store, loaded: Loaded, pico_id: str, ruleset: Ruleset, now: datetime) -> None:
    """Make the rows that a ruleset wants in a pico, and end all others; inside a transaction."""
    entity = partial(store.entity, pico_id, ruleset.rid)
    windows = Windows(ruleset, loaded.settings, entity, loaded.made_windows)
    rows = {row.name: row for row in store.agenda.windows(pico_id, ruleset.rid) if row.name is not None}
    followed = [name for name in windows if ruleset.follows(name)]
    for name in dict.fromkeys((*rows, *followed)):
        window = windows.get(name)
        _follow_one(store, loaded, pico_id, ruleset, name, window, rows.get(name), now)


def _follow_one(
    store: Store,
    loaded: Loaded,
    pico_id: str,
    ruleset: Ruleset,
    name: str,
    window: Window | Unset | None,
    known: Scheduled | None,
    now: datetime,
) -> None:
    """Make, change or end the row of one window in a pico, given as they are; None if there is none."""
    if window is None:
        _end(store, known, now, f"there is no window {name} any more")
    elif not ruleset.follows(name):
        _end(store, known, now, f"the ruleset {ruleset.rid} does not follow the window {name} any more")
    elif isinstance(window, Unset):
        _end(store, known, now, window.why)
    elif known is None or (known.timespec, known.tz) != (window.text, window.tz):
        from picosched.krl.windows import DOMAIN  # late, as `krl.running` explains

        made = known or Scheduled(
            _new_id(store, pico_id, ruleset.rid, name, now),
            pico_id,
            ruleset.rid,
            DOMAIN,
            "opened",
            {},
            "window",
            None,
            now,
            almanac=loaded.settings.almanac,
        )
        row_at_edge = _at_next_edge(made, window, now, loaded.settings.granularity)
        if row_at_edge is None:
            _end(store, known, now, f"the window {name} has no edge to come")
        elif known is None:
            store.agenda.add(row_at_edge)
        else:
            store.agenda.change(row_at_edge, now)


def warn_of(pico: Pico, turn: Turn, ruleset: Ruleset) -> None:
    """Warn in a turn's log of its windows whose data is wrong now."""

    def entity(name: str) -> Any:
        key = (ruleset.rid, name)
        return whole_of(turn.entities[key] if key in turn.entities else pico.variable(*key))

    for window in Windows(ruleset, pico.effects.settings, entity, tuple).values():
        if isinstance(window, Unset) and window.faulty:
            turn.log.append(Logged(WARNING, ruleset.rid, None, window.why))


def is_changed(store: Store, settings: Settings) -> bool:
    """Whether the configured windows changed since the store was last opened."""
    return (store.picos.meta(CONFIGURED) or "[]") != _text(settings)


def configured(store: Store) -> list[str]:
    """The names of the windows last configured, here or on another machine."""
    return [name for name, *_ in json.loads(store.picos.meta(CONFIGURED) or "[]")]


def follow_configured(store: Store, loaded: Loaded, now: datetime) -> None:
    """Make the rows that all rulesets want, after the configured windows changed."""
    picos = [pico.id for pico in store.picos.picos()]
    store.need(*picos)
    _in_each(loaded, picos, lambda pico_id, ruleset: follow(store, loaded, pico_id, ruleset, now))
    store.picos.set_meta(CONFIGURED, _text(loaded.settings))


def follow_from_start(store: Store, loaded: Loaded, name: str, now: datetime) -> bool:
    """After a window was made, changed or removed: as `follow_more`, for this one from the first pico on."""
    store.need("")
    declaring.judge_anew(store, name, now)
    _mark(store, {name: (to_ms(now), ""), **{each: at for each, at in _marks(store).items() if each != name}})
    return follow_more(store, loaded)


def follow_more(store: Store, loaded: Loaded) -> bool:
    """Have the next picos follow a window with a mark, inside a transaction; whether any mark is left."""
    store.need("")  # so that no other process goes on as well, or installs a ruleset meanwhile
    marks = _marks(store)
    if not marks:
        return False
    name, (changed, last) = next(iter(marks.items()))
    picos = store.windows.picos_with_texts(last, AT_ONCE)
    store.need(*picos)
    window = windows_of(loaded.settings, store.windows.all()).get(name)
    at = from_ms(changed)

    def follow_it(pico_id: str, ruleset: Ruleset) -> None:
        if name not in ruleset.windows and ruleset.follows(name):  # any other has no row of it
            rows = store.agenda.windows(pico_id, ruleset.rid)
            known = next((row for row in rows if row.name == name), None)
            _follow_one(store, loaded, pico_id, ruleset, name, window, known, at)

    _in_each(loaded, picos, follow_it)
    if len(picos) < AT_ONCE:
        del marks[name]
    else:
        marks[name] = changed, picos[-1]
    _mark(store, marks)
    return bool(marks)


def _marks(store: Store) -> dict[str, tuple[int, str]]:
    return {name: (at, last) for name, (at, last) in json.loads(store.picos.meta(LEFT) or "{}").items()}


def _mark(store: Store, marks: dict[str, tuple[int, str]]) -> None:
    if marks:
        store.picos.set_meta(LEFT, json.dumps(marks))
    else:
        store.picos.forget_meta(LEFT)


def settings_with(store: Store, settings: Settings) -> Settings:
    """The settings, as if those windows that were made and can be read stood in them."""
    windows = windows_of(settings, store.windows.all()).values()
    return replace(settings, windows=tuple(each for each in windows if isinstance(each, Window)))


class Sweep:
    """Has all picos follow what people did to windows. For any thread.

    The transaction that changes a window does the first ones, and whoever changed it the rest. If that fails,
    the ticks go on with it, and if the process dies, the next one, or another one that writes the database.
    """

    def __init__(self, store: Store, commits: GroupCommit, loaded: Loaded) -> None:
        self._store, self._commits, self._loaded = store, commits, loaded
        self.unfinished = False
        """Whether there may be marks. Set it after a commit that left one."""
        self.shared = store.machines is not None
        """Whether other processes write the database, and may leave marks when they die."""
        self._looked = -inf
        """When a tick looked last, in `ticks`."""

    def follow(self) -> None:
        """Let all of them follow, in as many transactions as it takes. If one fails, the ticks go on."""
        while self._go_on():
            pass

    def look(self) -> bool:
        """In a tick: let the next ones follow, if there is a mark; whether there may be more."""
        if not self.unfinished and ticks() - self._looked < LOOK.total_seconds():
            return False
        self._looked = ticks()
        return self._go_on()

    def _go_on(self) -> bool:
        try:
            return self.follow_some()
        except PicoschedError as error:  # what was done before holds
            log.error("cannot have all picos follow a window: %s; trying again", error)
            return False

    def follow_some(self) -> bool:
        """Let the next ones follow, in one transaction; whether there may be more.

        If it fails, it stays unfinished.
        """
        self.unfinished = False  # before looking: whoever leaves a mark from here on sets it again
        more = True
        try:
            more = self._commits.read(are_left, self._store)
            if more:
                more = self._commits.run(follow_more, self._store, self._loaded)
        finally:
            if more:
                self.unfinished = True
        return more


def are_left(store: Store) -> bool:
    """Whether there is something for `follow_more`."""
    return store.picos.meta(LEFT) is not None


def is_out_of_date(loaded: Loaded, row: Scheduled) -> bool:
    """Whether a row has other edges than the window has now, one that all rulesets see.

    Errors as for `Loaded.load_running`.
    """
    ruleset = loaded.load_running(row.pico_id, row.rid).installed[row.rid].ruleset
    if row.name is None or row.name in ruleset.windows:
        return False  # it changes with its row
    window = windows_of(loaded.settings, loaded.made_windows()).get(row.name)
    return not isinstance(window, Window) or (window.text, window.tz) != (row.timespec, row.tz)


def bring_in_line(store: Store, loaded: Loaded, row: Scheduled, now: datetime) -> None:
    """Give a row that is out of date the edges that its window has now, or end it."""
    assert row.name is not None  # else it is not out of date
    ruleset = loaded.load_running(row.pico_id, row.rid).installed[row.rid].ruleset
    window = windows_of(loaded.settings, loaded.made_windows()).get(row.name)
    changed = _marks(store).get(row.name)
    at = now if changed is None else from_ms(changed[0])
    _follow_one(store, loaded, row.pico_id, ruleset, row.name, window, row, at)


def _in_each(loaded: Loaded, picos: Sequence[str], work: Callable[[str, Ruleset], None]) -> None:
    """Do it for each ruleset of some picos."""
    for pico_id in picos:
        for rid, installed in loaded.load_pico(pico_id).installed.items():
            try:
                work(pico_id, installed.ruleset)
            except KrlError as error:  # skip it, like a ruleset that no longer compiles
                log.error("cannot follow windows of the ruleset %s of the pico %s: %s", rid, pico_id, error)


def _new_id(store: Store, pico_id: str, rid: str, name: str, now: datetime) -> str:
    """The id of a new row: the same each time that a replay makes it."""
    found = id_of(f"{pico_id} {rid} {name} {to_ms(now)}")
    while store.agenda.find(found) is not None:  # one has ended within the same millisecond
        found = id_of(found)
    return found


def _at_next_edge(row: Scheduled, window: Window, now: datetime, granularity: int) -> Scheduled | None:
    """The row, due at the window's next edge; None if there is none."""
    row = replace(row, name=window.name, timespec=window.text, tz=window.tz)
    due = row.following(now, granularity)
    return None if due is None else replace(row, due=due).with_edge(due)


def _end(store: Store, row: Scheduled | None, now: datetime, why: str) -> None:
    changed = None if row is None else ended(row, now, reason=why)
    if changed is not None:
        store.agenda.take(changed, now)


def _text(settings: Settings) -> str:
    return json.dumps([[each.name, each.text, each.tz] for each in settings.windows])
