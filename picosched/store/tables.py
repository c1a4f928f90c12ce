"""All tables of a database, for copying it whole into a database of another kind.

Rows keep their numbers, and with them the order of writing and the marks of readers. What a kind of database
has besides is its own affair: indexes, and tables and columns that follow from these.
"""

from __future__ import annotations

from picosched.audit import DEED
from picosched.intervention import INTERVENTION
from picosched.schedule.alert import ALERT
from picosched.schedule.fire import FIRE
from picosched.schedule.provenance import PROVENANCE
from picosched.schedule.scheduled import SCHEDULED
from picosched.schedule.window import MADE_WINDOW
from picosched.store import deliveries, picos, rows, sources
from picosched.store.journal import ENTRY
from picosched.store.port import Kept
from picosched.tokens import TOKEN
from picosched.versions import VERSION


def _kept(name: str, columns: str, key: str = "") -> Kept:
    return Kept(name, tuple(columns.split(", ")), tuple(key.split(", ")) if key else ())


META = _kept("meta", "key, value", "key")
TABLES = (
    META,
    _kept("pico", picos.PICO),
    _kept("channel", f"{rows.CHANNEL}, created"),
    _kept("ruleset", "hash, rid, text, origin, flushed", "hash"),
    _kept("installed", "pico, rid, hash, config, position", "pico, rid"),
    _kept("entity", "pico, rid, name, value, size, places", "pico, rid, name"),
    _kept("element", "pico, rid, name, key, value, place", "pico, rid, name, key"),
    _kept("waiting", "pico, rid, rule, state", "pico, rid, rule"),
    Kept("scheduled", SCHEDULED.inserted),
    _kept("coming", "pico, events", "pico"),
    _kept("begun", "id, alone", "id"),
    _kept("source", sources.SOURCE),
    _kept("source_entry", f"{sources.ENTRY}, position"),
    _kept("delivery", deliveries.DELIVERY),
    _kept("received", "pico, key, eid, at", "pico, key"),
    Kept("fire", FIRE.inserted),
    Kept("journal", ENTRY.inserted),
    Kept("provenance", PROVENANCE.inserted),
    Kept("version", VERSION.inserted),
    Kept("audit", DEED.inserted),
    Kept("intervention", INTERVENTION.inserted),
    Kept("token", TOKEN.inserted, ("name",)),
    Kept("alert", ALERT.inserted, ("name",)),
    Kept("made_window", MADE_WINDOW.inserted, ("name",)),
)
