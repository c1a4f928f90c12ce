"""What an engine does first with a store: it takes up what the last process left behind."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from picosched import edges
from picosched.errors import PicoschedError
from picosched.programs import interrupt
from picosched.settings import Settings
from picosched.store.store import Store

if TYPE_CHECKING:
    from picosched.engine import Engine


def open_store(path: str | Path, settings: Settings, readonly: bool) -> Store:
    if str(path).startswith(("postgresql:", "postgres:")):
        raise PicoschedError(f"found {path}, wanted a file: this picosched keeps picos in SQLite files")
    return Store(path, settings.durability, readonly, settings.history_days)


def take_up(engine: Engine) -> None:
    """End the runs that were interrupted; follow the windows that the configuration has now."""
    store = engine.store
    if engine.read(lambda: bool(store.agenda.programs("running"))):
        engine.write(lambda: interrupt(store, engine.now()))
    if engine.read(lambda: edges.is_changed(store, engine.settings)):
        engine.write(lambda: edges.follow_configured(store, engine.loaded, engine.now()))


def repeatable(store: Store, seed: int | str) -> random.Random:
    """Random numbers that repeat from run to run, and are others each time the store is opened anew."""
    opened = int(store.picos.meta("seeded") or 0)
    if not store.readonly:
        with store.transaction():
            store.picos.set_meta("seeded", str(opened + 1))
    return random.Random(f"{seed} {opened}")
