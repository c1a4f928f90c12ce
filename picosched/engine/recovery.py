"""Prepares a store when an engine opens it: cleans up after the last process."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from picosched.clock import Clock, VirtualClock
from picosched.due.begun import Begun
from picosched.due.pruning import note
from picosched.engine.known_settings import changed_settings, note_settings
from picosched.settings import Settings
from picosched.store.picos import PicoRow
from picosched.store.store import Store
from picosched.turns import almanac
from picosched.turns import windows as edges
from picosched.turns.commit import GroupCommit
from picosched.turns.memory import Loaded

log = logging.getLogger(__name__)


def opened(
    store: Store | str | Path, settings: Settings, readonly: bool, seed: int | str | None
) -> tuple[Store, random.Random, random.Random]:
    """The store at a path, and the two sources of random numbers."""
    if isinstance(store, Store):
        store.use(settings.almanac)
        return store, *chances(store, seed)
    made = Store(store, settings.durability, readonly, settings.history_days)
    made.use(settings.almanac)
    try:
        return made, *chances(made, seed)
    except BaseException:
        made.close()
        raise


def take_up(
    store: Store,
    commits: GroupCommit,
    loaded: Loaded,
    settings: Settings,
    begun: Begun,
    interrupt: Callable[[], None],
    new_id: Callable[[], str],
    now: Callable[[], datetime],
) -> None:
    """Make the root pico of a new store, check how the last process ended, mark program runs that it left as
    interrupted, have picos follow windows that were made, and `follow_settings`.

    Where machines are at work, their settings hold: those of a command are perhaps of another folder.
    """
    begun.take_up()
    if commits.read(store.picos.find_root) is None:
        commits.run(_found, store, new_id(), now())
    interrupt()
    if store.machines is None or not commits.read(store.machines.living):
        follow_settings(store, commits, loaded, settings, now)
    while commits.read(edges.are_left, store):
        commits.run(edges.follow_more, store, loaded)


def follow_settings(
    store: Store, commits: GroupCommit, loaded: Loaded, settings: Settings, now: Callable[[], datetime]
) -> None:
    """Note settings that changed since the last process, and follow their windows and calendars."""
    if (names := commits.read(changed_settings, store, settings)) is not None:
        commits.run(note_settings, store, settings, names, now())
    other_days = commits.read(almanac.is_changed, store, settings)
    if other_days:
        commits.run(almanac.plan_anew, store, settings, now())
    if other_days or commits.read(edges.is_changed, store, settings):
        commits.run(edges.follow_configured, store, loaded, now())


def compare_clocks(store: Store, clock: Clock, granularity: int) -> None:
    """Warn if the clock of the database's server differs from ours by more than the granularity (seconds)."""
    theirs = store.server_time()
    if theirs is None or isinstance(clock, VirtualClock):
        return
    ahead = (clock.now() - theirs).total_seconds()
    if abs(ahead) > granularity:
        apart = f"{abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'}"
        log.warning(
            "the clock of this machine, by which events are raised, is %s that of %s", apart, store.name
        )


def _found(store: Store, id: str, now: datetime) -> None:
    store.need("")
    if store.picos.find_root() is not None:  # another process has made it meanwhile
        return
    store.picos.new_pico(PicoRow(id, "root", None, now))
    note(store, now)


def chances(store: Store, seed: int | str | None) -> tuple[random.Random, random.Random]:
    """Two sources of random numbers: one for turns, one for the ids of callers.

    Callers draw ids in any thread, so they have their own source, whose `getrandbits` is a single C call: no
    two callers get the same number. With a seed, each source gives the same sequence from run to run,
    independently of the other, and a different one each time the store is reopened.
    """
    if seed is None:
        return random.SystemRandom(), random.SystemRandom()
    opened = int(store.picos.meta("seeded") or 0)
    if not store.readonly:
        with store.transaction():
            store.picos.set_meta("seeded", str(opened + 1))
    return random.Random(f"{seed} {opened}"), random.Random(f"{seed} ids {opened}")
