"""Picos and what belongs to them: channels, rulesets, entity variables, waiting event expressions.

A ruleset text is stored once, by its hash, however many picos have it. An entity variable is a row; `app:`
variables, which belong to no pico, have the pico "".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from picosched.clock import from_ms, to_ms
from picosched.pico.channel import Channel
from picosched.store import rows
from picosched.store.database import Database, Row

APP = "app:"
"""Prefix of the rid of a variable that all picos share."""

SET_ENTITY = "INSERT OR REPLACE INTO entity (pico, rid, name, value) VALUES (?, ?, ?, ?)"
DELETE_ENTITY = "DELETE FROM entity WHERE pico = ? AND rid = ? AND name = ?"
SET_WAITING = "INSERT OR REPLACE INTO waiting (pico, rid, rule, state) VALUES (?, ?, ?, ?)"
DELETE_WAITING = "DELETE FROM waiting WHERE pico = ? AND rid = ? AND rule = ?"

PICO = "id, name, parent, created"


@dataclass(frozen=True, slots=True)
class PicoRow:
    """A row of the table `pico`."""

    id: str
    name: str
    parent_id: str | None
    created: datetime


@dataclass(frozen=True, slots=True)
class RulesetRow:
    """A ruleset text with its hash, and the file or URL it came from, if any."""

    hash: str
    rid: str
    text: str
    origin: str | None


@dataclass(frozen=True, slots=True)
class InstalledRow:
    """A ruleset installed on a pico."""

    rid: str
    hash: str
    config: Mapping[str, Any]
    origin: str | None


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def owner(pico_id: str, rid: str) -> str:
    """The owner of an entity variable."""
    return "" if rid.startswith(APP) else pico_id


class Picos:
    """Reads and writes picos; writes inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Picos

    def new_pico(self, pico: PicoRow) -> None:
        self._database.execute(
            f"INSERT INTO pico ({PICO}) VALUES (?, ?, ?, ?)",
            (pico.id, pico.name, pico.parent_id, to_ms(pico.created)),
        )

    def find_pico(self, id: str) -> PicoRow | None:
        row = self._database.row(f"SELECT {PICO} FROM pico WHERE id = ?", (id,))
        return None if row is None else pico_of(row)

    def find_root(self) -> PicoRow | None:
        row = self._database.row(f"SELECT {PICO} FROM pico WHERE parent IS NULL ORDER BY rowid LIMIT 1")
        return None if row is None else pico_of(row)

    def named(self, name: str) -> list[PicoRow]:
        return self._picos("WHERE name = ?", (name,))

    def children(self, id: str) -> list[PicoRow]:
        return self._picos("WHERE parent = ?", (id,))

    def number_under(self, id: str) -> int:
        """How many descendants a pico has."""
        sql = """WITH RECURSIVE under (id) AS (
                SELECT id FROM pico WHERE parent = ?
                UNION ALL SELECT pico.id FROM pico JOIN under ON pico.parent = under.id)
            SELECT count(*) FROM under"""
        row = self._database.row(sql, (id,))
        assert row is not None  # a SELECT without GROUP BY has one row
        return int(row[0])

    def picos(self) -> list[PicoRow]:
        """All picos, in the order they were made."""
        return self._picos("", ())

    def delete_pico(self, id: str) -> None:
        """Delete a pico and all it owns except schedules, journal and record of fires."""
        for table in ("channel", "installed", "entity", "waiting", "coming"):
            self._database.execute(f"DELETE FROM {table} WHERE pico = ?", (id,))
        self._database.execute("DELETE FROM channel WHERE kin = ?", (id,))
        self._database.execute("DELETE FROM pico WHERE id = ?", (id,))

    def _picos(self, where: str, values: Row) -> list[PicoRow]:
        found = self._database.rows(f"SELECT {PICO} FROM pico {where} ORDER BY rowid", values)
        return [pico_of(row) for row in found]

    # Channels

    def new_channel(self, channel: Channel, now: datetime) -> None:
        self._database.execute(
            f"INSERT INTO channel ({rows.CHANNEL}, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*rows.of_channel(channel), to_ms(now)),
        )

    def put_channel(self, channel: Channel, now: datetime) -> None:
        """Make a channel, or change the tags and policies of an existing one."""
        if self.find_channel(channel.eci) is None:
            self.new_channel(channel, now)
            return
        eci, _, tags, events, queries, *_ = rows.of_channel(channel)
        self._database.execute(
            "UPDATE channel SET tags = ?, events = ?, queries = ? WHERE eci = ?", (tags, events, queries, eci)
        )

    def find_channel(self, eci: str) -> Channel | None:
        row = self._database.row(f"SELECT {rows.CHANNEL} FROM channel WHERE eci = ?", (eci,))
        return None if row is None else rows.to_channel(row)

    def channels(self, pico_id: str) -> list[Channel]:
        sql = f"SELECT {rows.CHANNEL} FROM channel WHERE pico = ? ORDER BY rowid"
        return [rows.to_channel(row) for row in self._database.rows(sql, (pico_id,))]

    def kin_of(self, pico_id: str) -> list[Channel]:
        """The channels that other picos keep for this one."""
        sql = f"SELECT {rows.CHANNEL} FROM channel WHERE kin = ?"
        return [rows.to_channel(row) for row in self._database.rows(sql, (pico_id,))]

    def delete_channel(self, eci: str) -> bool:
        return self._database.execute("DELETE FROM channel WHERE eci = ?", (eci,)) > 0

    # Rulesets

    def find_ruleset(self, hash: str) -> RulesetRow | None:
        row = self._database.row("SELECT hash, rid, text, origin FROM ruleset WHERE hash = ?", (hash,))
        return None if row is None else RulesetRow(*row)

    def kept_text(self, origin: str) -> str | None:
        """The text of an installed ruleset that came from `origin`."""
        row = self._database.row(
            """SELECT text FROM ruleset WHERE origin = ?
                AND EXISTS (SELECT 1 FROM installed WHERE installed.hash = ruleset.hash) LIMIT 1""",
            (origin,),
        )
        return None if row is None else str(row[0])

    def origin_of(self, rid: str) -> str | None:
        """Where an installed ruleset of that rid came from."""
        row = self._database.row(
            """SELECT origin FROM ruleset JOIN installed ON installed.hash = ruleset.hash
                WHERE installed.rid = ? AND origin IS NOT NULL LIMIT 1""",
            (rid,),
        )
        return None if row is None else str(row[0])

    def install(self, pico_id: str, ruleset: RulesetRow, config: Mapping[str, Any]) -> None:
        """Install a ruleset on a pico, or replace its text and configuration there.

        Entity variables and schedules stay. If the text changed, waiting event expressions are reset, because
        their states may be invalid for its rules.
        """
        self._database.execute(
            """INSERT INTO ruleset (hash, rid, text, origin) VALUES (?, ?, ?, ?)
                ON CONFLICT (hash) DO UPDATE SET origin = excluded.origin""",
            (ruleset.hash, ruleset.rid, ruleset.text, ruleset.origin),
        )
        changed = self._database.row(
            "SELECT 1 FROM installed WHERE pico = ? AND rid = ? AND hash <> ?",
            (pico_id, ruleset.rid, ruleset.hash),
        )
        if changed is not None:
            self._database.execute("DELETE FROM waiting WHERE pico = ? AND rid = ?", (pico_id, ruleset.rid))
        self._database.execute(
            """INSERT INTO installed (pico, rid, hash, config, position)
                SELECT ?1, ?2, ?3, ?4, coalesce(max(position), 0) + 1 FROM installed WHERE pico = ?1
                ON CONFLICT (pico, rid) DO UPDATE SET hash = excluded.hash, config = excluded.config""",
            (pico_id, ruleset.rid, ruleset.hash, rows.dump(config)),
        )

    def uninstall(self, pico_id: str, rid: str) -> None:
        """Uninstall a ruleset with its entity variables; its `app:` variables go with the last pico."""
        for table in ("installed", "entity", "waiting"):
            self._database.execute(f"DELETE FROM {table} WHERE pico = ? AND rid = ?", (pico_id, rid))
        self.forget_app(rid)

    def forget_app(self, rid: str) -> None:
        """Delete the `app:` variables of a ruleset if no pico has it any more."""
        if self._database.row("SELECT 1 FROM installed WHERE rid = ? LIMIT 1", (rid,)) is None:
            self._database.execute("DELETE FROM entity WHERE pico = '' AND rid = ?", (APP + rid,))

    def installed(self, pico_id: str) -> list[InstalledRow]:
        """The rulesets of a pico, in the order of installation."""
        sql = """SELECT installed.rid, installed.hash, config, origin
            FROM installed JOIN ruleset ON ruleset.hash = installed.hash
            WHERE pico = ? ORDER BY position"""
        found = self._database.rows(sql, (pico_id,))
        return [InstalledRow(rid, hash, rows.load(config), origin) for rid, hash, config, origin in found]

    # State

    def entity(self, pico_id: str, rid: str, name: str) -> Any:
        """An entity variable; None if there is none."""
        row = self._database.row(
            "SELECT value FROM entity WHERE pico = ? AND rid = ? AND name = ?",
            (owner(pico_id, rid), rid, name),
        )
        return None if row is None else rows.load(row[0])

    def entities(self, pico_id: str, rid: str) -> dict[str, Any]:
        """All entity variables of a ruleset on a pico, by name."""
        sql = "SELECT name, value FROM entity WHERE pico = ? AND rid = ? ORDER BY name"
        found = self._database.rows(sql, (owner(pico_id, rid), rid))
        return {name: rows.load(text) for name, text in found}

    def waiting(self, pico_id: str, rid: str) -> dict[str, Any]:
        """rule → state of its event expression, for rules not in the start state."""
        sql = "SELECT rule, state FROM waiting WHERE pico = ? AND rid = ?"
        return {rule: rows.load(state) for rule, state in self._database.rows(sql, (pico_id, rid))}

    # Meta

    def meta(self, key: str) -> str | None:
        row = self._database.row("SELECT value FROM meta WHERE key = ?", (key,))
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    def forget_meta(self, key: str) -> None:
        self._database.execute("DELETE FROM meta WHERE key = ?", (key,))


@rows.readable
def pico_of(row: Row) -> PicoRow:
    return PicoRow(row[0], row[1], row[2], from_ms(row[3]))
