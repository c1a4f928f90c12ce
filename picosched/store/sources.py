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
from picosched.store.left_out import NOTHING, LeftOut
from picosched.store.port import Database, Row
from picosched.store.shards import Owners

SOURCE = "id, name, declaration, configured, created, anchor, raised, paused, paused_until"
"""The columns of a source, in order."""
ENTRY = (
    "id, source, name, due, paused, fires, missed, failed, fired, outcome, why, failures, tries, held, asked"
)
"""The columns of an entry, in order."""


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
    failures: int = 0
    """How many of the occurrences failed, in a row."""
    tries: int = 0
    """How often the occurrence for which it is due has failed."""
    held: bool = False
    """Whether it waits until what the occurrence before started has ended."""
    asked: datetime | None = None
    """When the occurrence was due before its tries; of no meaning without any."""

    @property
    def asked_for(self) -> datetime | None:
        """When the occurrence for which it is due was due at first."""
        return (self.tries and self.asked) or self.due


class Sources:
    """Reads and writes sources; writes inside a transaction."""

    def __init__(self, database: Database, owners: Owners) -> None:
        self._database = database
        self._owners = owners

    # Reading

    def due(self, now: datetime, without: LeftOut = NOTHING) -> list[tuple[str, str]]:
        """Due entries that are neither left out nor held, (id, source), soonest first."""
        return [*self._database.rows("due_entries", (to_ms(now),), without)]

    def resumable(self, now: datetime, without: LeftOut = NOTHING) -> list[str]:
        """The ids of sources whose pause is over, but for those left out."""
        return [id for (id,) in self._database.rows("sources_resumable", (to_ms(now),), without)]

    def all(self) -> list[SourceRow]:
        """All sources, in the order they were made."""
        return [source_of(row) for row in self._database.rows("sources")]

    def find(self, id: str) -> SourceRow | None:
        """The source with that id, or else with that name."""
        row = self._database.row("find_source", (id,))
        return None if row is None else source_of(row)

    def entries(self, source_id: str) -> list[EntryRow]:
        return [entry_of(row) for row in self._database.rows("source_entries", (source_id,))]

    def find_entry(self, id: str) -> EntryRow | None:
        row = self._database.row("find_entry", (id,))
        if row is None:
            return None
        self._owners.need(row[1])
        return entry_of(row)

    def tagged(self, tag: str) -> list[Row]:
        """(pico, eci) of channels with a tag, without family channels, in the order they were made."""
        return [*self._database.rows("channels_tagged", (tag,))]

    def having(self, rid: str) -> list[str]:
        """The ids of the picos that have a ruleset."""
        return [id for (id,) in self._database.rows("picos_having", (rid,))]

    # Writing

    def put(self, source: SourceRow) -> None:
        """Add a source, or change its declaration. Its counts and its pause stay."""
        self._owners.need(source.id, "")
        self._database.execute(
            "put_source",
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
        """Add an entry, or change its name, position, due time and how often it was tried."""
        self._owners.need(entry.source_id)
        self._database.execute(
            "put_source_entry",
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
                entry.failures,
                entry.tries,
                entry.held,
                rows.ms(entry.asked),
                position,
            ),
        )

    def settle(self, entry: EntryRow, *, raised: bool) -> None:
        """Update an entry after an occurrence; does nothing if it was removed meanwhile."""
        self._owners.need(entry.source_id)
        self._database.execute(
            "settle_entry",
            (
                rows.ms(entry.due),
                entry.fires,
                entry.missed,
                entry.failed,
                rows.ms(entry.fired),
                entry.outcome and entry.outcome.value,
                entry.why,
                entry.failures,
                entry.tries,
                entry.held,
                rows.ms(entry.asked),
                entry.id,
            ),
        )
        if raised:
            self._database.execute("count_raised", (entry.source_id,))

    def correct(self, entry_id: str, outcome: Outcome, why: str | None) -> None:
        """Correct the outcome of an entry's last occurrence, and count it as failed."""
        self._database.execute("entry_failed", (outcome.value, why, entry_id))

    def hold(self, entry_id: str) -> None:
        """Let an entry wait until what its occurrence before started has ended."""
        self._database.execute("hold_entry", (entry_id,))

    def recover(self, entry_id: str) -> None:
        """Note that an entry's last occurrence did not fail, which was open until now."""
        self._database.execute("entry_recovered", (entry_id,))

    def set_pause(self, id: str, paused: bool, until: datetime | None) -> None:
        self._owners.need(id)
        self._database.execute("pause_source", (paused, rows.ms(until), id))
        self._database.execute("pause_entries", (paused, id))

    def set_due(self, entry_id: str, due: datetime | None) -> None:
        """Make an entry due for another occurrence."""
        self._database.execute("set_entry_due", (rows.ms(due), entry_id))

    def remove_entry(self, id: str) -> None:
        self._database.execute("remove_entry", (id,))

    def remove(self, id: str) -> None:
        """Remove a source and its entries. Their records stay, and pending deliveries are still sent."""
        self._owners.need(id, "")
        self._database.execute("remove_entries", (id,))
        self._database.execute("remove_source", (id,))


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
    id, source, name, due, paused, fires, missed, failed, fired, outcome, why, *more = row
    failures, tries, held, asked = more
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
        failures,
        tries,
        bool(held),
        rows.time(asked),
    )
