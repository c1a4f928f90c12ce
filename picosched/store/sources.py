"""Sources and their entries: declarations, due times and results so far.

Like a scheduled event, an entry is due until its effects are on disk: the transaction that settles an
occurrence writes its record, if it gets one, and the entry's next due time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from picosched.clock import from_ms, to_ms
from picosched.schedule.scheduled import Outcome
from picosched.store import rows
from picosched.store.database import Database, Row
from picosched.store.left_out import NOTHING, LeftOut

SOURCE = "id, name, declaration, configured, created, anchor, raised, paused, paused_until"
ENTRY = "id, source, name, due, paused, fires, missed, failed, fired, outcome, why"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of the table `source`."""

    id: str
    name: str | None
    declaration: str
    """JSON text."""
    configured: bool
    """Whether it is declared in the configuration file."""
    created: datetime
    anchor: datetime
    """The time from which a metronome counts."""
    raised: int = 0
    """Events raised so far."""
    paused: bool = False
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A row of the table `source_entry`."""

    id: str
    source_id: str
    name: str
    due: datetime | None
    paused: bool = False
    """Whether its source is paused."""
    fires: int = 0
    missed: int = 0
    failed: int = 0
    """How many of the occurrences failed."""
    fired: datetime | None = None
    """When its last occurrence was settled, with `outcome` and `why`."""
    outcome: Outcome | None = None
    why: str | None = None


class Sources:
    """Reads and writes sources; writes inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Reading

    def due(self, now: datetime, without: LeftOut = NOTHING) -> list[tuple[str, str]]:
        """Due entries that are not left out, (id, source), soonest first."""
        sql = f"""SELECT id, source FROM source_entry
            WHERE paused = 0 AND due <= ?{without.condition("source")} ORDER BY due, rowid"""
        return [*self._database.rows(sql, (to_ms(now), *without.values))]

    def resumable(self, now: datetime) -> list[str]:
        """The ids of sources whose pause is over."""
        sql = "SELECT id FROM source WHERE paused_until <= ? ORDER BY paused_until"
        return [id for (id,) in self._database.rows(sql, (to_ms(now),))]

    def all(self) -> list[SourceRow]:
        """All sources, in the order they were made."""
        return [source_of(row) for row in self._database.rows(f"SELECT {SOURCE} FROM source ORDER BY rowid")]

    def find(self, id: str) -> SourceRow | None:
        """The source with that id, or else with that name."""
        sql = f"SELECT {SOURCE} FROM source WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1"
        row = self._database.row(sql, (id,))
        return None if row is None else source_of(row)

    def entries(self, source_id: str) -> list[EntryRow]:
        sql = f"SELECT {ENTRY} FROM source_entry WHERE source = ? ORDER BY position"
        return [entry_of(row) for row in self._database.rows(sql, (source_id,))]

    def find_entry(self, id: str) -> EntryRow | None:
        row = self._database.row(f"SELECT {ENTRY} FROM source_entry WHERE id = ?", (id,))
        return None if row is None else entry_of(row)

    def tagged(self, tag: str) -> list[Row]:
        """(pico, eci) of channels with a tag, without family channels, in the order they were made."""
        sql = """SELECT pico, eci FROM channel
            WHERE kin IS NULL AND ? IN (SELECT value FROM json_each(channel.tags)) ORDER BY rowid"""
        return [*self._database.rows(sql, (tag,))]

    def having(self, rid: str) -> list[str]:
        """The ids of the picos that have a ruleset."""
        sql = "SELECT pico FROM installed JOIN pico ON pico.id = pico WHERE rid = ? ORDER BY pico.rowid"
        return [id for (id,) in self._database.rows(sql, (rid,))]

    # Writing

    def put(self, source: SourceRow) -> None:
        """Add a source, or change its declaration. Its counts and its pause stay."""
        self._database.execute(
            f"""INSERT INTO source ({SOURCE}) VALUES ({", ".join("?" * 9)})
                ON CONFLICT (id) DO UPDATE SET name = excluded.name, declaration = excluded.declaration,
                    configured = excluded.configured, anchor = excluded.anchor""",
            (
                source.id,
                source.name,
                source.declaration,
                source.configured,
                to_ms(source.created),
                to_ms(source.anchor),
                source.raised,
                source.paused,
                rows.ms(source.paused_until),
            ),
        )

    def put_entry(self, entry: EntryRow, position: int) -> None:
        """Add an entry, or change its name, position and due time."""
        self._database.execute(
            f"""INSERT INTO source_entry ({ENTRY}, position) VALUES ({", ".join("?" * 12)})
                ON CONFLICT (id) DO UPDATE SET name = excluded.name, due = excluded.due,
                    position = excluded.position""",
            (
                entry.id,
                entry.source_id,
                entry.name,
                rows.ms(entry.due),
                entry.paused,
                entry.fires,
                entry.missed,
                entry.failed,
                rows.ms(entry.fired),
                entry.outcome and entry.outcome.value,
                entry.why,
                position,
            ),
        )

    def settle(self, entry: EntryRow, *, raised: bool) -> None:
        """Update an entry after an occurrence; does nothing if it was removed meanwhile."""
        self._database.execute(
            """UPDATE source_entry
                SET due = ?, fires = ?, missed = ?, failed = ?, fired = ?, outcome = ?, why = ?
                WHERE id = ?""",
            (
                rows.ms(entry.due),
                entry.fires,
                entry.missed,
                entry.failed,
                rows.ms(entry.fired),
                entry.outcome and entry.outcome.value,
                entry.why,
                entry.id,
            ),
        )
        if raised:
            self._database.execute("UPDATE source SET raised = raised + 1 WHERE id = ?", (entry.source_id,))

    def tell(self, entry_id: str, outcome: Outcome, why: str | None) -> None:
        """Correct the outcome of an entry's last occurrence, and count it as failed."""
        sql = "UPDATE source_entry SET outcome = ?, why = ?, failed = failed + 1 WHERE id = ?"
        self._database.execute(sql, (outcome.value, why, entry_id))

    def set_pause(self, id: str, paused: bool, until: datetime | None) -> None:
        sql = "UPDATE source SET paused = ?, paused_until = ? WHERE id = ?"
        self._database.execute(sql, (paused, rows.ms(until), id))
        self._database.execute("UPDATE source_entry SET paused = ? WHERE source = ?", (paused, id))

    def set_due(self, entry_id: str, due: datetime | None) -> None:
        self._database.execute("UPDATE source_entry SET due = ? WHERE id = ?", (rows.ms(due), entry_id))

    def remove_entry(self, id: str) -> None:
        self._database.execute("DELETE FROM source_entry WHERE id = ?", (id,))

    def remove(self, id: str) -> None:
        """Remove a source and its entries. Their records stay, and pending deliveries are still sent."""
        self._database.execute("DELETE FROM source_entry WHERE source = ?", (id,))
        self._database.execute("DELETE FROM source WHERE id = ?", (id,))


@rows.readable
def source_of(row: Row) -> SourceRow:
    id, name, declaration, configured, created, anchor, raised, paused, until = row
    return SourceRow(
        id,
        name,
        declaration,
        bool(configured),
        from_ms(created),
        from_ms(anchor),
        raised,
        bool(paused),
        rows.time(until),
    )


@rows.readable
def entry_of(row: Row) -> EntryRow:
    id, source, name, due, paused, fires, missed, failed, fired, outcome, why = row
    return EntryRow(
        id,
        source,
        name,
        rows.time(due),
        bool(paused),
        fires,
        missed,
        failed,
        rows.time(fired),
        None if outcome is None else Outcome(outcome),
        why,
    )
