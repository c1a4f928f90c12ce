"""With which settings the store was last opened, of those that turns depend on; a replay names what changed.

Of each there is only a hash. Keys are not among them, as a hash of a short one can be guessed.
"""

from __future__ import annotations

import json
from datetime import datetime

from picosched.hashed import SHORT, id_of
from picosched.intervention import ENGINE, SETTINGS
from picosched.settings import Settings
from picosched.store.store import Store

KNOWN = "settings"
"""The key in the store of these hashes."""

OF_TURNS = (
    "granularity",
    "min_period",
    "misfire",
    "max_begun",
    "install_from",
    "http_allow",
    "proc_allow",
    "windows",
    "base_url",
    "limits",
)


def changed_settings(store: Store, settings: Settings) -> list[str] | None:
    """The names of settings that are others than when it was last opened; None if nothing is to be noted."""
    kept = store.picos.meta(KNOWN)
    if kept == json.dumps(_hashes(settings)):
        return None
    known = {} if kept is None else json.loads(kept)
    return [name for name, hash in _hashes(settings).items() if known.get(name, hash) != hash]


def note_settings(store: Store, settings: Settings, names: list[str], now: datetime) -> None:
    """Note the settings of today, and which of them have changed; inside a transaction."""
    store.picos.set_meta(KNOWN, json.dumps(_hashes(settings)))
    if names:
        store.interventions.add(now, SETTINGS, ENGINE, {"names": names})


def _hashes(settings: Settings) -> dict[str, str]:
    found = {name: id_of(repr(getattr(settings, name)))[:SHORT] for name in OF_TURNS}
    return {**found, "calendars and places": settings.almanac.digest[:SHORT]}
