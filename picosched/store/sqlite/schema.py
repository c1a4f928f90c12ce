"""The tables, as migrations: each is applied once, in order, in its own transaction.

They are one idea, and get longer with each: a migration that was released never changes.

Times are integer milliseconds since 1970, JSON is text. The file's header has an application id, so that we
recognise another program's database before writing to it, and the number of migrations, so that an older
picosched recognises a newer file.

`fire` ensures that each occurrence fires once: its primary key is (schedule, nominal time), so a transaction
that would settle an occurrence a second time fails as a whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from picosched.errors import PicoschedError
from picosched.store.sqlite.views import VIEWS

APPLICATION_ID = 0x7069636F
"""The letters `pico`."""

TABLES = (
    """CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE pico (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        parent TEXT,
        created INTEGER NOT NULL
    )""",
    "CREATE INDEX pico_parent ON pico (parent)",
    "CREATE INDEX pico_name ON pico (name)",
    """CREATE TABLE channel (
        eci TEXT PRIMARY KEY,
        pico TEXT NOT NULL,
        tags TEXT NOT NULL,
        events TEXT NOT NULL,
        queries TEXT NOT NULL,
        kin TEXT,
        eci_of_kin TEXT,
        created INTEGER NOT NULL
    )""",
    "CREATE INDEX channel_pico ON channel (pico)",
    """CREATE TABLE ruleset (
        hash TEXT PRIMARY KEY,
        rid TEXT NOT NULL,
        text TEXT NOT NULL,
        origin TEXT
    )""",
    """CREATE TABLE installed (
        pico TEXT NOT NULL,
        rid TEXT NOT NULL,
        hash TEXT NOT NULL,
        config TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (pico, rid)
    ) WITHOUT ROWID""",
    "CREATE INDEX installed_rid ON installed (rid)",
    """CREATE TABLE entity (
        pico TEXT NOT NULL,
        rid TEXT NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (pico, rid, name)
    ) WITHOUT ROWID""",
    """CREATE TABLE waiting (
        pico TEXT NOT NULL,
        rid TEXT NOT NULL,
        rule TEXT NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (pico, rid, rule)
    ) WITHOUT ROWID""",
    """CREATE TABLE scheduled (
        id TEXT PRIMARY KEY,
        pico TEXT NOT NULL,
        rid TEXT NOT NULL,
        domain TEXT NOT NULL,
        type TEXT NOT NULL,
        attrs TEXT NOT NULL,
        kind TEXT NOT NULL,
        due INTEGER,
        created INTEGER NOT NULL,
        rule TEXT,
        line INTEGER,
        timespec TEXT,
        name TEXT,
        tz TEXT NOT NULL,
        status TEXT NOT NULL,
        fires INTEGER NOT NULL,
        fired INTEGER,
        keep_until INTEGER,
        paused_until INTEGER,
        eci TEXT
    )""",
    "CREATE INDEX scheduled_due ON scheduled (due) WHERE status = 'pending'",
    "CREATE INDEX scheduled_pico ON scheduled (pico, rid)",
    "CREATE INDEX scheduled_paused ON scheduled (paused_until) WHERE paused_until IS NOT NULL",
    "CREATE INDEX scheduled_kept ON scheduled (keep_until) WHERE keep_until IS NOT NULL",
    """CREATE TABLE fire (
        scheduled TEXT NOT NULL,
        nominal INTEGER NOT NULL,
        pico TEXT NOT NULL,
        fired INTEGER NOT NULL,
        lateness INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        eid TEXT,
        rules TEXT NOT NULL,
        error TEXT,
        PRIMARY KEY (scheduled, nominal)
    )""",
    "CREATE INDEX fire_pico ON fire (pico)",
    """CREATE TABLE journal (
        seq INTEGER PRIMARY KEY,
        eid TEXT NOT NULL,
        pico TEXT NOT NULL,
        at INTEGER NOT NULL,
        eci TEXT,
        scheduled TEXT,
        nominal INTEGER,
        handled TEXT NOT NULL,
        directives TEXT NOT NULL,
        errors TEXT NOT NULL,
        log TEXT NOT NULL
    )""",
    "CREATE INDEX journal_pico ON journal (pico)",
)

STEERED = (
    "ALTER TABLE scheduled ADD COLUMN misfire TEXT",
    "ALTER TABLE scheduled ADD COLUMN until INTEGER",
    "ALTER TABLE scheduled ADD COLUMN count INTEGER",
    "ALTER TABLE scheduled ADD COLUMN jitter INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE scheduled ADD COLUMN description TEXT",
    "ALTER TABLE scheduled ADD COLUMN moved_from INTEGER",
    "ALTER TABLE fire RENAME COLUMN error TO why",
    "ALTER TABLE fire ADD COLUMN stands_for INTEGER NOT NULL DEFAULT 1",
)
"""The options of a schedule, and records that stand for more than one occurrence."""

SOURCES = (
    """CREATE TABLE source (
        id TEXT PRIMARY KEY,
        name TEXT,
        declaration TEXT NOT NULL,
        configured INTEGER NOT NULL,
        created INTEGER NOT NULL,
        anchor INTEGER NOT NULL,
        raised INTEGER NOT NULL,
        paused INTEGER NOT NULL,
        paused_until INTEGER
    )""",
    "CREATE UNIQUE INDEX source_name ON source (name) WHERE name IS NOT NULL",
    "CREATE INDEX source_paused ON source (paused_until) WHERE paused_until IS NOT NULL",
    """CREATE TABLE source_entry (
        id TEXT PRIMARY KEY,
        source TEXT NOT NULL,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        due INTEGER,
        paused INTEGER NOT NULL,
        fires INTEGER NOT NULL,
        missed INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        fired INTEGER,
        outcome TEXT,
        why TEXT
    )""",
    "CREATE INDEX source_entry_due ON source_entry (due) WHERE paused = 0",
    "CREATE INDEX source_entry_source ON source_entry (source)",
    """CREATE TABLE delivery (
        id TEXT PRIMARY KEY,
        source TEXT NOT NULL,
        entry TEXT NOT NULL,
        nominal INTEGER NOT NULL,
        url TEXT NOT NULL,
        body TEXT NOT NULL,
        created INTEGER NOT NULL,
        due INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        error TEXT
    )""",
    "CREATE INDEX delivery_due ON delivery (due)",
    "CREATE INDEX delivery_source ON delivery (source)",
    """CREATE TABLE received (
        pico TEXT NOT NULL,
        key TEXT NOT NULL,
        eid TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (pico, key)
    ) WITHOUT ROWID""",
    "CREATE INDEX received_at ON received (at)",
)
"""Sources and their entries; deliveries to other engines, and the keys of received events."""

WINDOWS = (
    "ALTER TABLE scheduled ADD COLUMN in_window TEXT",
    "CREATE INDEX scheduled_program ON scheduled (kind) WHERE kind IN ('proc', 'running')",
)
"""The window of a schedule, and programs to run."""

DUE = (
    "ALTER TABLE scheduled ADD COLUMN spaced_from INTEGER",
    "CREATE INDEX scheduled_turn ON scheduled (pico, due) WHERE status = 'pending'",
    "CREATE INDEX scheduled_waits ON scheduled (pico) WHERE status = 'paused'",
    "CREATE INDEX scheduled_name ON scheduled (pico, rid, kind, name, status, due) WHERE name IS NOT NULL",
    "CREATE TABLE coming (pico TEXT PRIMARY KEY, events INTEGER NOT NULL) WITHOUT ROWID",
    """INSERT INTO coming SELECT pico, count(*) FROM scheduled
        WHERE status IN ('pending', 'paused') GROUP BY pico""",
    """CREATE TRIGGER scheduled_ended AFTER UPDATE OF status ON scheduled
        WHEN old.status IN ('pending', 'paused') AND new.status NOT IN ('pending', 'paused') BEGIN
            UPDATE coming SET events = events - 1 WHERE pico = old.pico;
        END""",
    "CREATE TABLE begun (id TEXT PRIMARY KEY, alone INTEGER NOT NULL) WITHOUT ROWID",
)
"""Indexes for due rows by pico and for names, how many events each pico has pending, and begun rows."""

FLUSHED = ("ALTER TABLE ruleset ADD COLUMN flushed INTEGER",)
"""When the text was last read from its origin."""
DELIVERIES = (
    "ALTER TABLE delivery ADD COLUMN pico TEXT",
    "ALTER TABLE delivery ADD COLUMN rid TEXT",
    "ALTER TABLE delivery ADD COLUMN rule TEXT",
    "ALTER TABLE delivery ADD COLUMN dead INTEGER",
    "DROP INDEX delivery_due",
    "CREATE INDEX delivery_due ON delivery (due) WHERE dead IS NULL",
    "CREATE INDEX delivery_pico ON delivery (pico) WHERE pico IS NOT NULL",
    "CREATE INDEX delivery_dead ON delivery (dead) WHERE dead IS NOT NULL",
)
"""Deliveries of rules, and dead letters."""
ELEMENTS = (
    "ALTER TABLE entity ADD COLUMN size INTEGER",
    "ALTER TABLE entity ADD COLUMN places INTEGER",
    """CREATE TABLE element (
        pico TEXT NOT NULL,
        rid TEXT NOT NULL,
        name TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        place INTEGER NOT NULL,
        PRIMARY KEY (pico, rid, name, key)
    ) WITHOUT ROWID""",
    """CREATE TRIGGER entity_set AFTER UPDATE OF size ON entity
        WHEN old.size IS NOT NULL AND new.size IS NULL BEGIN
            DELETE FROM element WHERE pico = old.pico AND rid = old.rid AND name = old.name;
        END""",
    """CREATE TRIGGER entity_deleted AFTER DELETE ON entity WHEN old.size IS NOT NULL BEGIN
            DELETE FROM element WHERE pico = old.pico AND rid = old.rid AND name = old.name;
        END""",
)
"""Large maps, whose elements are rows; these go when the variable is set as a whole."""

FAILING = (
    "ALTER TABLE scheduled ADD COLUMN retry INTEGER",
    "ALTER TABLE scheduled ADD COLUMN tries INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE scheduled ADD COLUMN on_failure TEXT",
    "ALTER TABLE scheduled ADD COLUMN failures INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE scheduled ADD COLUMN late_after INTEGER",
)
"""What becomes of a schedule whose occurrences fail or are late."""

ASKED = (
    "ALTER TABLE scheduled ADD COLUMN asked INTEGER",
    "ALTER TABLE fire ADD COLUMN asked INTEGER",
)
"""The time that was asked for, beside the one it was rounded to."""

OVERLAP = (
    "ALTER TABLE scheduled ADD COLUMN overlap TEXT",
    "ALTER TABLE scheduled ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE scheduled ADD COLUMN started_by TEXT",
    "CREATE INDEX scheduled_started ON scheduled (started_by) WHERE started_by IS NOT NULL",
    "CREATE INDEX scheduled_held ON scheduled (pico) WHERE held = 1",
)
"""What a schedule does while what it started is at work."""

PROVENANCE = (
    """CREATE TABLE provenance (
        scheduled TEXT NOT NULL,
        at INTEGER NOT NULL,
        what TEXT NOT NULL,
        made_by TEXT NOT NULL,
        eid TEXT
    )""",
    "CREATE INDEX provenance_scheduled ON provenance (scheduled)",
    """CREATE TRIGGER scheduled_deleted AFTER DELETE ON scheduled BEGIN
            DELETE FROM provenance WHERE scheduled = old.id;
        END""",
)
"""Who changed a scheduled event; it goes with its row."""

BECAME = (
    "ALTER TABLE provenance ADD COLUMN was TEXT",
    "ALTER TABLE provenance ADD COLUMN became TEXT",
)
"""What a change to a scheduled event was."""

TRACES = (
    "ALTER TABLE scheduled ADD COLUMN trace TEXT",
    "ALTER TABLE delivery ADD COLUMN trace TEXT",
)
"""Where the turn that made a row stands in a trace."""

MACHINE = ("ALTER TABLE scheduled ADD COLUMN machine TEXT",)
"""The machine that runs a program; a file has only one, which goes without saying."""

STEERED_SOURCES = (
    "ALTER TABLE source_entry ADD COLUMN failures INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE source_entry ADD COLUMN tries INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE source_entry ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
)
"""What becomes of a source whose occurrences fail or take long."""

INPUTS = ("ALTER TABLE journal ADD COLUMN inputs TEXT",)
"""What a turn drew and was answered; NULL if an older picosched wrote it."""

TOKENS = (
    """CREATE TABLE token (
        name TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        hash TEXT NOT NULL,
        made INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        expires INTEGER
    ) WITHOUT ROWID""",
)
"""Named tokens, as hashes."""

AUDIT = (
    """CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        what TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        told TEXT,
        surface TEXT NOT NULL,
        name TEXT,
        role TEXT NOT NULL
    )""",
    "CREATE INDEX audit_at ON audit (at)",
)
"""Who did what from outside."""

VERSIONS = (
    """CREATE TABLE version (
        seq INTEGER PRIMARY KEY,
        pico TEXT NOT NULL,
        rid TEXT NOT NULL,
        hash TEXT NOT NULL,
        origin TEXT,
        at INTEGER NOT NULL,
        made_by TEXT NOT NULL
    )""",
    "CREATE INDEX version_pico ON version (pico, rid)",
    """INSERT INTO version (pico, rid, hash, origin, at, made_by)
        SELECT pico, installed.rid, hash, origin, coalesce(flushed, 0), 'an older picosched'
        FROM installed JOIN ruleset USING (hash)""",
)
"""Which texts of its rulesets a pico had."""

ASKED_OF_SOURCES = ("ALTER TABLE source_entry ADD COLUMN asked INTEGER",)
"""When an occurrence that is tried again was due at first."""

ALERTS = (
    """CREATE TABLE alert (
        name TEXT PRIMARY KEY,
        tells TEXT NOT NULL,
        types TEXT NOT NULL,
        in_a_row INTEGER NOT NULL,
        secret TEXT NOT NULL,
        made INTEGER,
        made_by TEXT
    ) WITHOUT ROWID""",
)
"""Alerts that were made while an engine ran."""

MAKERS = ("DROP VIEW schedules", *(each for each in VIEWS if each.startswith("CREATE VIEW schedules ")))
"""Of a schedule that a person made, the view names the person."""

INTERVENTIONS = (
    """CREATE TABLE intervention (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        after_turn INTEGER NOT NULL,
        what TEXT NOT NULL,
        made_by TEXT NOT NULL,
        told TEXT NOT NULL
    )""",
    "CREATE INDEX intervention_at ON intervention (at)",
)
"""What people did, with its arguments, for replays."""

MADE_WINDOWS = (
    """CREATE TABLE made_window (
        name TEXT PRIMARY KEY,
        opens TEXT NOT NULL,
        closes TEXT NOT NULL,
        tz TEXT NOT NULL,
        made INTEGER NOT NULL,
        made_by TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE INDEX scheduled_window ON scheduled (in_window, pico, rid)
        WHERE in_window IS NOT NULL AND status IN ('pending', 'paused')""",
)
"""Windows that were made while an engine ran, and what finds the schedules that are tied to one."""

MIGRATIONS = (
    ("0001_tables", TABLES),
    ("0002_steered", STEERED),
    ("0003_sources", SOURCES),
    ("0004_windows", WINDOWS),
    ("0005_due", DUE),
    ("0006_deliveries", DELIVERIES),
    ("0007_flushed", FLUSHED),
    ("0008_failing", FAILING),
    ("0009_elements", ELEMENTS),
    ("0010_asked", ASKED),
    ("0011_overlap", OVERLAP),
    ("0012_provenance", PROVENANCE),
    ("0013_views", VIEWS),
    ("0014_became", BECAME),
    ("0015_traces", TRACES),
    ("0016_machine", MACHINE),
    ("0017_steered_sources", STEERED_SOURCES),
    ("0018_inputs", INPUTS),
    ("0019_tokens", TOKENS),
    ("0020_audit", AUDIT),
    ("0021_versions", VERSIONS),
    ("0022_asked_of_sources", ASKED_OF_SOURCES),
    ("0023_alerts", ALERTS),
    ("0024_makers", MAKERS),
    ("0025_interventions", INTERVENTIONS),
    ("0026_made_windows", MADE_WINDOWS),
)
"""Names and statements, in order. Append only; never change a released migration."""


def check(connection: sqlite3.Connection, name: str) -> None:
    """PicoschedError `invalid` if another program or a newer picosched wrote the database. Reads only."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or objects):
        raise PicoschedError(f"{name} is a database of another program, wanted one of picosched")
    if version > len(MIGRATIONS):
        raise PicoschedError(f"{name} was written by a newer picosched, whose tables this one does not know")


def is_older(connection: sqlite3.Connection) -> bool:
    """Whether an older picosched wrote it, which has tables, but not all of today."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return 0 < int(version) < len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date; mark a new database as ours first."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == len(MIGRATIONS):
        return
    # Imported late: the import takes longer than opening the database, and is rarely needed.
    from sqlite_utils import Database, Migrations

    migrations = Migrations("picosched")
    for name, statements in MIGRATIONS:
        migrations(name=name)(_applying(statements))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    migrations.apply(Database(connection, execute_plugins=False))
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _applying(statements: tuple[str, ...]) -> Callable[[Any], None]:
    def apply(database: Any) -> None:
        for statement in statements:
            database.execute(statement)

    return apply
