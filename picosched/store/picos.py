"""Picos and what belongs to them: channels, rulesets, entity variables, waiting event expressions.

A ruleset text is stored once, by its hash, however many picos have it. An entity variable is a row; `app:`
variables, which belong to no pico, have the pico "". Of a large map that row has the size in characters, and
each element is a row of the table `element`. These go when the variable is deleted or set as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from picosched.clock import from_ms, to_ms
from picosched.krl.large_map import StoredMap, whole_of
from picosched.krl.values import MISSING
from picosched.pico.channel import Channel
from picosched.store import rows
from picosched.store.port import Database, Row
from picosched.store.shards import Owners
from picosched.versions import MOST, VERSION, Version

APP = "app:"
"""Prefix of the rid of a variable that all picos share."""

PICO = "id, name, parent, created"
"""The columns of a pico, in order."""


of_version = VERSION.of_record(rows.dump)
to_version: Callable[[Row], Version] = rows.readable(VERSION.to_record(rows.load))


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
    flushed: datetime | None = None
    """When the text was last read from its origin."""


@dataclass(frozen=True, slots=True)
class InstalledRow:
    """A ruleset installed on a pico."""

    rid: str
    hash: str
    config: Mapping[str, Any]
    origin: str | None
    flushed: datetime | None = None


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def owner(pico_id: str, rid: str) -> str:
    """The owner of an entity variable."""
    return "" if rid.startswith(APP) else pico_id


class Picos:
    """Reads and writes picos; writes inside a transaction."""

    def __init__(self, database: Database, owners: Owners) -> None:
        self._database = database
        self._owners = owners

    # Picos

    def new_pico(self, pico: PicoRow) -> None:
        self._owners.new_owner(pico.id)
        row = pico.id, pico.name, pico.parent_id, to_ms(pico.created)
        self._database.execute("new_pico", rows.checked(row))

    def find_pico(self, id: str) -> PicoRow | None:
        row = self._database.row("find_pico", (id,))
        return None if row is None else pico_of(row)

    def find_root(self) -> PicoRow | None:
        row = self._database.row("find_root")
        return None if row is None else pico_of(row)

    def named(self, name: str) -> list[PicoRow]:
        return self._picos("picos_named", (name,))

    def children(self, id: str) -> list[PicoRow]:
        return self._picos("children", (id,))

    def number_under(self, id: str) -> int:
        """How many descendants a pico has."""
        row = self._database.row("number_under", (id,))
        assert row is not None  # it has one row always
        return int(row[0])

    def picos(self) -> list[PicoRow]:
        """All picos, in the order they were made."""
        return self._picos("picos")

    def delete_pico(self, id: str) -> None:
        """Delete a pico and all it owns except schedules, journal and record of fires."""
        self._owners.need(id)
        self._database.execute("delete_channels", (id,))
        self._database.execute("delete_installed", (id,))
        self._database.execute("delete_versions", (id,))
        self._database.execute("delete_entities", (id,))
        self._database.execute("delete_all_waiting", (id,))
        self._database.execute("delete_coming", (id,))
        self._database.execute("delete_pico", (id,))

    def _picos(self, statement: str, values: Row = ()) -> list[PicoRow]:
        return [pico_of(row) for row in self._database.rows(statement, values)]

    # Channels

    def new_channel(self, channel: Channel, now: datetime) -> None:
        self._owners.need(channel.pico_id)
        self._database.execute("new_channel", (*rows.of_channel(channel), to_ms(now)))

    def put_channel(self, channel: Channel, now: datetime) -> None:
        """Make a channel, or change the tags and policies of an existing one."""
        self._owners.need(channel.pico_id)
        if self.find_channel(channel.eci) is None:
            self.new_channel(channel, now)
            return
        eci, _, tags, events, queries, *_ = rows.of_channel(channel)
        self._database.execute("change_channel", (tags, events, queries, eci))

    def find_channel(self, eci: str) -> Channel | None:
        row = self._database.row("find_channel", (eci,))
        return None if row is None else rows.to_channel(row)

    def known_ecis(self, texts: Sequence[str]) -> list[str]:
        """Those of these texts that are the eci of a channel."""
        return [str(eci) for (eci,) in self._database.rows("known_ecis", (rows.dump([*texts]),))]

    def channels(self, pico_id: str) -> list[Channel]:
        return [rows.to_channel(row) for row in self._database.rows("channels", (pico_id,))]

    def kin_of(self, pico_id: str) -> list[Channel]:
        """The channels that other picos keep for this one."""
        return [rows.to_channel(row) for row in self._database.rows("kin_of", (pico_id,))]

    def delete_channel(self, eci: str) -> bool:
        channel = self.find_channel(eci)
        if channel is None:
            return False
        self._owners.need(channel.pico_id)
        return self._database.execute("delete_channel", (eci,)) > 0

    # Rulesets

    def find_ruleset(self, hash: str) -> RulesetRow | None:
        row = self._database.row("find_ruleset", (hash,))
        return None if row is None else ruleset_of(row)

    def kept_text(self, origin: str) -> str | None:
        """The text of an installed ruleset that came from `origin`."""
        row = self._database.row("kept_text", (origin,))
        return None if row is None else str(row[0])

    def origin_of(self, rid: str) -> str | None:
        """Where an installed ruleset of that rid came from."""
        row = self._database.row("origin_of", (rid,))
        return None if row is None else str(row[0])

    def install(self, pico_id: str, ruleset: RulesetRow, config: Mapping[str, Any]) -> None:
        """Install a ruleset on a pico, or replace its text and configuration there.

        Entity variables and schedules stay. If the text changed, waiting event expressions are reset, because
        their states may be invalid for its rules.
        """
        self._owners.need(pico_id, "")
        put = ruleset.hash, ruleset.rid, ruleset.text, ruleset.origin, rows.ms(ruleset.flushed)
        self._database.execute("put_ruleset", rows.checked(put))
        changed = self._database.row("is_installed_otherwise", (pico_id, ruleset.rid, ruleset.hash))
        if changed is not None:
            self._database.execute("delete_waiting_of", (pico_id, ruleset.rid))
        self._database.execute("install", (pico_id, ruleset.rid, ruleset.hash, rows.dump(config)))

    def note_version(self, version: Version) -> None:
        """Record what was installed, unless it was before; of each ruleset the last are kept."""
        row = rows.checked(of_version(version))
        self._database.execute("note_version", row)
        self._database.execute("trim_versions", (version.pico_id, version.rid, MOST))

    def versions(self, pico_id: str, rid: str) -> list[Version]:
        """The texts of a ruleset that a pico had, newest first."""
        return [to_version(row) for row in self._database.rows("versions", (pico_id, rid))]

    def uninstall(self, pico_id: str, rid: str) -> None:
        """Uninstall a ruleset with its entity variables; its `app:` variables go with the last pico."""
        self._owners.need(pico_id)
        self._database.execute("uninstall", (pico_id, rid))
        self._database.execute("delete_versions_of", (pico_id, rid))
        self._database.execute("delete_entities_of", (pico_id, rid))
        self._database.execute("delete_waiting_of", (pico_id, rid))
        self.forget_app(rid)

    def forget_app(self, rid: str) -> None:
        """Delete the `app:` variables of a ruleset if no pico has it any more."""
        self._owners.need("")
        if self._database.row("is_installed_anywhere", (rid,)) is None:
            self._database.execute("delete_entities_of", ("", APP + rid))

    def installed(self, pico_id: str) -> list[InstalledRow]:
        """The rulesets of a pico, in the order of installation."""
        return [installed_of(row) for row in self._database.rows("installed", (pico_id,))]

    def everywhere(self) -> list[tuple[str, str, str]]:
        """(pico, rid, hash) of each installed ruleset."""
        return [
            (str(id), str(rid), str(hash)) for id, rid, hash in self._database.rows("installed_everywhere")
        ]

    def one_of_each(self) -> list[tuple[str, str]]:
        """Each rid that is installed, after the id of a pico that has it."""
        return [(str(id), str(rid)) for id, rid in self._database.rows("one_of_each_ruleset")]

    def origins(self) -> list[str]:
        """Where the installed rulesets came from."""
        return [str(origin) for (origin,) in self._database.rows("origins")]

    def having(self, origin: str) -> list[str]:
        """The ids of the picos with a ruleset from there, in the order they were made."""
        return [str(id) for (id,) in self._database.rows("picos_with_origin", (origin,))]

    # State

    def variable(self, pico_id: str, rid: str, name: str) -> Any:
        """An entity variable, None if there is none; a large map is a StoredMap."""
        found = self._database.row("entity", (owner(pico_id, rid), rid, name))
        return None if found is None else self._variable((owner(pico_id, rid), rid, name), *found)

    def entities(self, pico_id: str, rid: str) -> dict[str, Any]:
        """The values of all entity variables of a ruleset on a pico, by name."""
        found = [*self._database.rows("entities", (owner(pico_id, rid), rid))]
        return {
            name: whole_of(self._variable((owner(pico_id, rid), rid, name), *variable))
            for name, *variable in found
        }

    def _variable(self, place: tuple[str, str, str], text: str, size: int | None, places: int | None) -> Any:
        if size is None or places is None:
            return rows.load(text)
        return StoredMap(self, place, size, places)

    def element(self, owner: tuple[str, str, str], key: str) -> Any:
        """An element of a large map; MISSING if there is none."""
        row = self._database.row("element", (*owner, rows.dump(key)))
        return MISSING if row is None else rows.load(row[0])

    def elements(self, owner: tuple[str, str, str]) -> dict[str, Any]:
        """All elements of a large map, in order."""
        found: dict[str, Any] = rows.load_map([*self._database.rows("elements", owner)])
        return found

    def waiting(self, pico_id: str, rid: str) -> dict[str, Any]:
        """rule → state of its event expression, for rules not in the start state."""
        return {rule: rows.load(state) for rule, state in self._database.rows("waiting", (pico_id, rid))}

    # Meta

    def meta(self, key: str) -> str | None:
        row = self._database.row("meta", (key,))
        return None if row is None else str(row[0])

    def notes(self, beginning: str) -> dict[str, str]:
        """The keys with this prefix, with their values."""
        return dict(self._database.rows("notes", (beginning,)))

    def set_meta(self, key: str, value: str) -> None:
        self._database.execute("set_meta", (key, value))

    def forget_meta(self, key: str) -> None:
        self._database.execute("forget_meta", (key,))


@rows.readable
def ruleset_of(row: Row) -> RulesetRow:
    hash, rid, text, origin, flushed = row
    return RulesetRow(hash, rid, text, origin, rows.time(flushed))


@rows.readable
def installed_of(row: Row) -> InstalledRow:
    rid, hash, config, origin, flushed = row
    return InstalledRow(rid, hash, rows.load(config), origin, rows.time(flushed))


@rows.readable
def pico_of(row: Row) -> PicoRow:
    return PicoRow(row[0], row[1], row[2], from_ms(row[3]))
