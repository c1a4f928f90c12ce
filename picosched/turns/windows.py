"""Rows for window edges that rules select: one for each ruleset of a pico and each such window.

The row is due at the window's next edge. It follows from the ruleset's text: installing a ruleset makes,
changes or ends it here, and so does opening an engine with other windows in its configuration, a turn that
changes an entity variable on which a window depends, and making, changing or removing a window.

After the last, some picos at a time are brought in line, each time in one transaction with the mark of the
last one; so any process can go on after a crash. A row that is due for a window that has changed meanwhile
raises nothing: it gets the edges of today.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from picosched.clock import to_ms
from picosched.errors import KrlError
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
from picosched.turns.commit import GroupCommit
from picosched.turns.memory import Loaded

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset

log = logging.getLogger(__name__)

CONFIGURED = "windows"
"""The key in the store of the windows last configured."""

LEFT = "windows left"
"""The key in the store of the last pico that follows the windows that people made, while there are more."""
AT_ONCE = 100
"""Picos whose rows are brought in line in one transaction."""


def follow(store: Store, loaded: Loaded, pico_id: str, ruleset: Ruleset, now: datetime) -> None:
    """Make the rows that a ruleset wants in a pico, and end all others; inside a transaction."""
    entity = partial(store.entity, pico_id, ruleset.rid)
    windows = Windows(ruleset, loaded.settings, entity, loaded.made_windows)
    wanted = {name: window for name, window in windows.items() if ruleset.follows(name)}
    rows = {row.name: row for row in store.agenda.windows(pico_id, ruleset.rid)}
    for name, row in rows.items():
        if name not in windows:
            _end(store, row, now, f"there is no window {name} any more")
        elif name not in wanted:
            _end(store, row, now, f"the ruleset {ruleset.rid} does not follow the window {name} any more")
    for name, window in wanted.items():
        known = rows.get(name)
        if isinstance(window, Unset):
            _end(store, known, now, window.why)
            continue
        if known is not None and (known.timespec, known.tz) == (window.text, window.tz):
            continue
        from picosched.krl.windows import DOMAIN  # late, as `krl.running` explains

        made = Scheduled(
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
        row_at_edge = _at_next_edge(known or made, window, now, loaded.settings.granularity)
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


def follow_configured(store: Store, loaded: Loaded, now: datetime) -> None:
    """Make the rows that all rulesets want, after the configured windows changed."""
    picos = [pico.id for pico in store.picos.picos()]
    store.need(*picos)
    _follow_all(store, loaded, picos, now)
    store.picos.set_meta(CONFIGURED, _text(loaded.settings))


def follow_from_start(store: Store, loaded: Loaded, now: datetime) -> bool:
    """After a window was made, changed or removed: as `follow_more`, from the first pico on."""
    store.picos.set_meta(LEFT, "")
    return follow_more(store, loaded, now)


def follow_more(store: Store, loaded: Loaded, now: datetime) -> bool:
    """Make the rows that all rulesets want of the next picos, inside a transaction; whether more are left."""
    store.need("")  # so that no other process goes on as well, or installs a ruleset meanwhile
    after = store.picos.meta(LEFT)
    if after is None:
        return False
    picos = store.windows.picos_with_texts(after, AT_ONCE)
    store.need(*picos)
    _follow_all(store, loaded, picos, now)
    if len(picos) < AT_ONCE:
        store.picos.forget_meta(LEFT)
        return False
    store.picos.set_meta(LEFT, picos[-1])
    return True


def settings_with(store: Store, settings: Settings) -> Settings:
    """The settings, as if those windows that were made and can be read stood in them."""
    windows = windows_of(settings, store.windows.all).values()
    return replace(settings, windows=tuple(each for each in windows if isinstance(each, Window)))


class Left:
    """The picos that do not follow yet what people did to windows. For any thread.

    The transaction that changes a window does the first ones, and whoever changed it the rest. If that fails,
    the ticks go on with it, and if the process dies, the next one, or another machine of the same database.
    """

    def __init__(
        self, store: Store, commits: GroupCommit, loaded: Loaded, now: Callable[[], datetime]
    ) -> None:
        self._store, self._commits, self._loaded, self._now = store, commits, loaded, now
        self.some = False
        """Whether there may be some."""

    def follow(self) -> None:
        """Let all of them follow."""
        self.some = True
        while self.some:
            self.follow_some()

    def follow_some(self) -> None:
        """Let the next ones follow, in one transaction."""
        self.some = self._commits.read(are_left, self._store)
        if self.some:
            self.some = self._commits.run(follow_more, self._store, self._loaded, self._now())


def are_left(store: Store) -> bool:
    """Whether there are picos for `follow_more`."""
    return store.picos.meta(LEFT) is not None


def is_out_of_date(loaded: Loaded, row: Scheduled) -> bool:
    """Whether a row has other edges than the window has now, one that all rulesets see.

    Errors as for `Loaded.load_running`.
    """
    ruleset = loaded.load_running(row.pico_id, row.rid).installed[row.rid].ruleset
    if row.name is None or row.name in ruleset.windows:
        return False  # it changes with its row
    window = windows_of(loaded.settings, loaded.made_windows).get(row.name)
    return not isinstance(window, Window) or (window.text, window.tz) != (row.timespec, row.tz)


def bring_in_line(store: Store, loaded: Loaded, row: Scheduled, now: datetime) -> None:
    """Give a row the edges that its window has now, or end it."""
    ruleset = loaded.load_running(row.pico_id, row.rid).installed[row.rid].ruleset
    follow(store, loaded, row.pico_id, ruleset, now)


def _follow_all(store: Store, loaded: Loaded, picos: Sequence[str], now: datetime) -> None:
    for pico_id in picos:
        for rid, installed in loaded.load_pico(pico_id).installed.items():
            try:
                follow(store, loaded, pico_id, installed.ruleset, now)
            except KrlError as error:  # skip it, like a ruleset that no longer compiles
                log.error("cannot follow windows of the ruleset %s of the pico %s: %s", rid, pico_id, error)


def _new_id(store: Store, pico_id: str, rid: str, name: str, now: datetime) -> str:
    """The id of a new row: the same each time that a replay makes it."""
    id = id_of(f"{pico_id} {rid} {name} {to_ms(now)}")
    while store.agenda.find(id) is not None:  # one has ended within the same millisecond
        id = id_of(id)
    return id


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
