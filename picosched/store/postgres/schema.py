"""The tables, as migrations: each is applied once, in order, in one transaction with its number.

They are one idea, and get longer with each: a migration that was released never changes.

Times are milliseconds since 1970, flags 0 or 1, JSON is text. Texts are compared byte by byte, as the
tables' logic expects, whatever the language of the database. `seq` numbers rows in the order of writing; a
number may be left out after a rollback. A table of our own, `picosched`, has the number of migrations, so
that we recognise tables of another program before writing, and an older picosched recognises newer ones.

`fire` ensures that each occurrence fires once: its primary key is (schedule, nominal time).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from picosched.errors import PicoschedError
from picosched.store.postgres.views import VIEWS
from picosched.store.shards import SHARED

TEXT = 'text COLLATE "C"'
SEQ = "seq bigint GENERATED ALWAYS AS IDENTITY"

TABLES = (
    f"CREATE TABLE meta (key {TEXT} PRIMARY KEY, value {TEXT} NOT NULL)",
    f"""CREATE TABLE pico (
        id {TEXT} PRIMARY KEY,
        name {TEXT} NOT NULL,
        parent {TEXT},
        created bigint NOT NULL,
        {SEQ}
    )""",
    "CREATE UNIQUE INDEX pico_seq ON pico (seq)",
    "CREATE INDEX pico_parent ON pico (parent, seq)",
    "CREATE INDEX pico_name ON pico (name, seq)",
    f"""CREATE TABLE channel (
        eci {TEXT} PRIMARY KEY,
        pico {TEXT} NOT NULL,
        tags {TEXT} NOT NULL,
        events {TEXT} NOT NULL,
        queries {TEXT} NOT NULL,
        kin {TEXT},
        eci_of_kin {TEXT},
        created bigint NOT NULL,
        {SEQ}
    )""",
    "CREATE INDEX channel_pico ON channel (pico, seq)",
    "CREATE INDEX channel_kin ON channel (kin) WHERE kin IS NOT NULL",
    f"""CREATE TABLE ruleset (
        hash {TEXT} PRIMARY KEY,
        rid {TEXT} NOT NULL,
        text {TEXT} NOT NULL,
        origin {TEXT},
        flushed bigint
    )""",
    f"""CREATE TABLE installed (
        pico {TEXT} NOT NULL,
        rid {TEXT} NOT NULL,
        hash {TEXT} NOT NULL,
        config {TEXT} NOT NULL,
        position bigint NOT NULL,
        PRIMARY KEY (pico, rid)
    )""",
    "CREATE INDEX installed_rid ON installed (rid)",
    f"""CREATE TABLE entity (
        pico {TEXT} NOT NULL,
        rid {TEXT} NOT NULL,
        name {TEXT} NOT NULL,
        value {TEXT} NOT NULL,
        PRIMARY KEY (pico, rid, name)
    )""",
    f"""CREATE TABLE waiting (
        pico {TEXT} NOT NULL,
        rid {TEXT} NOT NULL,
        rule {TEXT} NOT NULL,
        state {TEXT} NOT NULL,
        PRIMARY KEY (pico, rid, rule)
    )""",
    f"""CREATE TABLE scheduled (
        id {TEXT} PRIMARY KEY,
        pico {TEXT} NOT NULL,
        rid {TEXT} NOT NULL,
        domain {TEXT} NOT NULL,
        type {TEXT} NOT NULL,
        attrs {TEXT} NOT NULL,
        kind {TEXT} NOT NULL,
        due bigint,
        created bigint NOT NULL,
        rule {TEXT},
        line bigint,
        timespec {TEXT},
        name {TEXT},
        tz {TEXT} NOT NULL,
        status {TEXT} NOT NULL,
        fires bigint NOT NULL,
        fired bigint,
        keep_until bigint,
        paused_until bigint,
        eci {TEXT},
        misfire {TEXT},
        until bigint,
        count bigint,
        jitter bigint NOT NULL DEFAULT 0,
        description {TEXT},
        moved_from bigint,
        in_window {TEXT},
        spaced_from bigint,
        {SEQ}
    )""",
    "CREATE INDEX scheduled_due ON scheduled (due, seq) WHERE status = 'pending'",
    "CREATE INDEX scheduled_turn ON scheduled (pico, due, seq) WHERE status = 'pending'",
    "CREATE INDEX scheduled_coming ON scheduled (pico, due, seq) WHERE status IN ('pending', 'paused')",
    "CREATE INDEX scheduled_pico ON scheduled (pico, seq)",
    "CREATE INDEX scheduled_name ON scheduled (pico, rid, name, due, seq) WHERE name IS NOT NULL",
    "CREATE INDEX scheduled_paused ON scheduled (paused_until, seq) WHERE paused_until IS NOT NULL",
    "CREATE INDEX scheduled_kept ON scheduled (keep_until) WHERE keep_until IS NOT NULL",
    "CREATE INDEX scheduled_program ON scheduled (kind, seq) WHERE kind IN ('proc', 'running')",
    f"CREATE TABLE coming (pico {TEXT} PRIMARY KEY, events bigint NOT NULL)",
    """CREATE FUNCTION scheduled_ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE coming SET events = events - ended.number FROM (
            SELECT old_rows.pico AS of_pico, count(*) AS number FROM old_rows JOIN new_rows USING (id)
            WHERE old_rows.status IN ('pending', 'paused') AND new_rows.status NOT IN ('pending', 'paused')
            GROUP BY old_rows.pico) AS ended
        WHERE pico = ended.of_pico;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER scheduled_ended AFTER UPDATE ON scheduled
        REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION scheduled_ended()""",
    f"""CREATE TABLE fire (
        scheduled {TEXT} NOT NULL,
        nominal bigint NOT NULL,
        pico {TEXT} NOT NULL,
        fired bigint NOT NULL,
        lateness bigint NOT NULL,
        outcome {TEXT} NOT NULL,
        eid {TEXT},
        rules {TEXT} NOT NULL,
        why {TEXT},
        stands_for bigint NOT NULL DEFAULT 1,
        {SEQ},
        PRIMARY KEY (scheduled, nominal)
    )""",
    "CREATE UNIQUE INDEX fire_seq ON fire (seq)",
    "CREATE INDEX fire_pico ON fire (pico, seq)",
    f"""CREATE TABLE journal (
        {SEQ} PRIMARY KEY,
        eid {TEXT} NOT NULL,
        pico {TEXT} NOT NULL,
        at bigint NOT NULL,
        eci {TEXT},
        scheduled {TEXT},
        nominal bigint,
        handled {TEXT} NOT NULL,
        directives {TEXT} NOT NULL,
        errors {TEXT} NOT NULL,
        log {TEXT} NOT NULL
    )""",
    "CREATE INDEX journal_pico ON journal (pico, seq)",
    f"CREATE TABLE begun (id {TEXT} PRIMARY KEY, alone bigint NOT NULL)",
    f"""CREATE TABLE source (
        id {TEXT} PRIMARY KEY,
        name {TEXT},
        declaration {TEXT} NOT NULL,
        configured bigint NOT NULL,
        created bigint NOT NULL,
        anchor bigint NOT NULL,
        raised bigint NOT NULL,
        paused bigint NOT NULL,
        paused_until bigint,
        {SEQ}
    )""",
    "CREATE UNIQUE INDEX source_name ON source (name) WHERE name IS NOT NULL",
    "CREATE INDEX source_paused ON source (paused_until) WHERE paused_until IS NOT NULL",
    f"""CREATE TABLE source_entry (
        id {TEXT} PRIMARY KEY,
        source {TEXT} NOT NULL,
        position bigint NOT NULL,
        name {TEXT} NOT NULL,
        due bigint,
        paused bigint NOT NULL,
        fires bigint NOT NULL,
        missed bigint NOT NULL,
        failed bigint NOT NULL,
        fired bigint,
        outcome {TEXT},
        why {TEXT},
        {SEQ}
    )""",
    "CREATE INDEX source_entry_due ON source_entry (due, seq) WHERE paused = 0",
    "CREATE INDEX source_entry_source ON source_entry (source)",
    f"""CREATE TABLE delivery (
        id {TEXT} PRIMARY KEY,
        source {TEXT} NOT NULL,
        entry {TEXT} NOT NULL,
        nominal bigint NOT NULL,
        url {TEXT} NOT NULL,
        body {TEXT} NOT NULL,
        created bigint NOT NULL,
        due bigint NOT NULL,
        tries bigint NOT NULL,
        error {TEXT},
        pico {TEXT},
        rid {TEXT},
        rule {TEXT},
        dead bigint,
        {SEQ}
    )""",
    "CREATE INDEX delivery_due ON delivery (due, seq) WHERE dead IS NULL",
    "CREATE INDEX delivery_source ON delivery (source)",
    "CREATE INDEX delivery_pico ON delivery (pico) WHERE pico IS NOT NULL",
    "CREATE INDEX delivery_dead ON delivery (dead, seq) WHERE dead IS NOT NULL",
    "CREATE UNIQUE INDEX delivery_seq ON delivery (seq)",
    f"""CREATE TABLE received (
        pico {TEXT} NOT NULL,
        key {TEXT} NOT NULL,
        eid {TEXT} NOT NULL,
        at bigint NOT NULL,
        PRIMARY KEY (pico, key)
    )""",
    "CREATE INDEX received_at ON received (at)",
)

FAILING = (
    f"""ALTER TABLE scheduled
        ADD retry bigint,
        ADD tries bigint NOT NULL DEFAULT 0,
        ADD on_failure {TEXT},
        ADD failures bigint NOT NULL DEFAULT 0,
        ADD late_after bigint""",
)
"""What becomes of a schedule whose occurrences fail or are late."""

SHARD = "shard bigint GENERATED ALWAYS AS (get_byte(decode(md5({owner}), 'hex'), 0)) STORED"
"""The shard of a row's owner, as `shards.shard_of` computes it."""

SHARDS = (
    "CREATE TABLE shard (id bigint PRIMARY KEY, version bigint NOT NULL) WITH (fillfactor = 20)",
    f"INSERT INTO shard SELECT number, 0 FROM generate_series(0, {SHARED}) AS number",
    f"ALTER TABLE scheduled ADD {SHARD.format(owner='pico')}",
    f"ALTER TABLE source ADD {SHARD.format(owner='id')}",
    f"ALTER TABLE source_entry ADD {SHARD.format(owner='source')}",
    f"ALTER TABLE delivery ADD {SHARD.format(owner='coalesce(pico, source)')}",
    "DROP INDEX scheduled_due",
    "CREATE INDEX scheduled_due ON scheduled (due, seq, shard) WHERE status = 'pending'",
    "CREATE INDEX scheduled_placed ON scheduled (shard, (due + 0), seq) WHERE status = 'pending'",
    "CREATE INDEX scheduled_program_placed ON scheduled (shard, (seq + 0)) WHERE kind = 'proc'",
    "CREATE INDEX delivery_placed ON delivery (shard, (due + 0)) WHERE dead IS NULL",
    f"""CREATE TABLE machine (
        id {TEXT} PRIMARY KEY,
        name {TEXT} NOT NULL,
        address {TEXT},
        started bigint NOT NULL,
        raised bigint NOT NULL,
        lag bigint NOT NULL,
        session bigint NOT NULL,
        listening bigint NOT NULL,
        seen bigint NOT NULL
    )""",
)
"""`shard` has their versions (`shards.py`); `machine` a row for each process that works on some."""

ELEMENTS = (
    "ALTER TABLE entity ADD COLUMN size bigint",
    "ALTER TABLE entity ADD COLUMN places bigint",
    f"""CREATE TABLE element (
        pico {TEXT} NOT NULL,
        rid {TEXT} NOT NULL,
        name {TEXT} NOT NULL,
        key {TEXT} NOT NULL,
        value {TEXT} NOT NULL,
        place bigint NOT NULL,
        PRIMARY KEY (pico, rid, name, key)
    )""",
    """CREATE FUNCTION elements_end() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $$ BEGIN
        DELETE FROM element WHERE pico = old.pico AND rid = old.rid AND name = old.name;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER entity_set AFTER UPDATE OF size ON entity
        FOR EACH ROW WHEN (old.size IS NOT NULL AND new.size IS NULL) EXECUTE FUNCTION elements_end()""",
    """CREATE TRIGGER entity_deleted AFTER DELETE ON entity
        FOR EACH ROW WHEN (old.size IS NOT NULL) EXECUTE FUNCTION elements_end()""",
)
"""Large maps, whose elements are rows; these go when the variable is set as a whole."""

HOSTS = (f"ALTER TABLE machine DROP listening, ADD host {TEXT} NOT NULL DEFAULT ''",)
"""Where each machine runs, by which others know whether they reach its loopback address."""

ASKED = (
    "ALTER TABLE scheduled ADD COLUMN asked bigint",
    "ALTER TABLE fire ADD COLUMN asked bigint",
)
"""The time that was asked for, beside the one it was rounded to."""

OVERLAP = (
    f"""ALTER TABLE scheduled
        ADD overlap {TEXT},
        ADD held bigint NOT NULL DEFAULT 0,
        ADD started_by {TEXT}""",
    "CREATE INDEX scheduled_started ON scheduled (started_by) WHERE started_by IS NOT NULL",
    "CREATE INDEX scheduled_held ON scheduled (pico) WHERE held = 1",
)
"""What a schedule does while what it started is at work."""

PROVENANCE = (
    f"""CREATE TABLE provenance (
        scheduled {TEXT} NOT NULL,
        at bigint NOT NULL,
        what {TEXT} NOT NULL,
        made_by {TEXT} NOT NULL,
        eid {TEXT},
        {SEQ}
    )""",
    "CREATE INDEX provenance_scheduled ON provenance (scheduled, seq)",
    """CREATE FUNCTION provenance_ends() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $$ BEGIN
        DELETE FROM provenance USING old_rows WHERE provenance.scheduled = old_rows.id;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER scheduled_deleted AFTER DELETE ON scheduled REFERENCING OLD TABLE AS old_rows
        FOR EACH STATEMENT EXECUTE FUNCTION provenance_ends()""",
)
"""Who changed a scheduled event; it goes with its row."""

TURN = (
    "DROP INDEX scheduled_turn",
    "CREATE INDEX scheduled_turn ON scheduled (pico, (due + 0), seq) WHERE status = 'pending'",
)
"""The due rows of one pico, by an expression that no other index has.

A planner that expects few rows to be due, as its figures are old, would otherwise look through those of all
picos for each pico.
"""

LEAVING = ("ALTER TABLE machine ADD leaving bigint NOT NULL DEFAULT 0",)
"""Whether a machine is stopping in order, and about to let its shards go."""
BECAME = (f"ALTER TABLE provenance ADD was {TEXT}, ADD became {TEXT}",)
"""What a change to a scheduled event was."""
TRACES = (f"ALTER TABLE scheduled ADD trace {TEXT}", f"ALTER TABLE delivery ADD trace {TEXT}")
"""Where the turn that made a row stands in a trace."""

MACHINE = (f"ALTER TABLE scheduled ADD machine {TEXT}",)
"""The machine that runs a program."""

STEERED_SOURCES = tuple(
    f"ALTER TABLE source_entry ADD {name} bigint NOT NULL DEFAULT 0" for name in ("failures", "tries", "held")
)
"""What becomes of a source whose occurrences fail or take long."""

INPUTS = (f"ALTER TABLE journal ADD inputs {TEXT}",)
"""What a turn drew and was answered; NULL if an older picosched wrote it."""

TOKENS = (
    f"""CREATE TABLE token (
        name {TEXT} PRIMARY KEY,
        role {TEXT} NOT NULL,
        hash {TEXT} NOT NULL,
        made bigint NOT NULL,
        made_by {TEXT} NOT NULL,
        expires bigint
    )""",
)
"""Named tokens, as hashes."""

AUDIT = (
    f"""CREATE TABLE audit (
        {SEQ} PRIMARY KEY,
        at bigint NOT NULL,
        what {TEXT} NOT NULL,
        kind {TEXT} NOT NULL,
        subject {TEXT} NOT NULL,
        told {TEXT},
        surface {TEXT} NOT NULL,
        name {TEXT},
        role {TEXT} NOT NULL
    )""",
    "CREATE INDEX audit_at ON audit (at)",
)
"""Who did what from outside."""

VERSIONS = (
    f"""CREATE TABLE version (
        {SEQ} PRIMARY KEY,
        pico {TEXT} NOT NULL,
        rid {TEXT} NOT NULL,
        hash {TEXT} NOT NULL,
        origin {TEXT},
        at bigint NOT NULL,
        made_by {TEXT} NOT NULL
    )""",
    "CREATE INDEX version_pico ON version (pico, rid, seq)",
    """INSERT INTO version (pico, rid, hash, origin, at, made_by)
        SELECT pico, installed.rid, hash, origin, coalesce(flushed, 0), 'an older picosched'
        FROM installed JOIN ruleset USING (hash)""",
)
"""Which texts of its rulesets a pico had."""

ASKED_OF_SOURCES = ("ALTER TABLE source_entry ADD COLUMN asked bigint",)
"""When an occurrence that is tried again was due at first."""

ALERTS = (
    f"""CREATE TABLE alert (
        name {TEXT} PRIMARY KEY,
        tells {TEXT} NOT NULL,
        types {TEXT} NOT NULL,
        in_a_row bigint NOT NULL,
        secret {TEXT} NOT NULL,
        made bigint,
        made_by {TEXT}
    )""",
)
"""Alerts that were made while an engine ran."""

MAKERS = tuple(
    each.replace("CREATE", "CREATE OR REPLACE", 1)
    for each in VIEWS
    if each.startswith("CREATE VIEW schedules ")
)
"""Of a schedule that a person made, the view names the person. It is replaced, as others may have views of
their own on it, and were granted it.
"""

INTERVENTIONS = (
    f"""CREATE TABLE intervention (
        {SEQ} PRIMARY KEY,
        at bigint NOT NULL,
        after_turn bigint NOT NULL,
        what {TEXT} NOT NULL,
        made_by {TEXT} NOT NULL,
        told {TEXT} NOT NULL
    )""",
    "CREATE INDEX intervention_at ON intervention (at)",
)
"""What people did, with its arguments, for replays."""

MADE_WINDOWS = (
    f"""CREATE TABLE made_window (
        name {TEXT} PRIMARY KEY,
        opens {TEXT} NOT NULL,
        closes {TEXT} NOT NULL,
        tz {TEXT} NOT NULL,
        made bigint NOT NULL,
        made_by {TEXT} NOT NULL
    )""",
    """CREATE INDEX scheduled_window ON scheduled (in_window, pico, rid)
        WHERE in_window IS NOT NULL AND status IN ('pending', 'paused')""",
)
"""Windows that were made while an engine ran, and what finds the schedules that are tied to one."""

MIGRATIONS = (
    ("0001_tables", TABLES),
    ("0002_failing", FAILING),
    ("0003_shards", SHARDS),
    ("0004_elements", ELEMENTS),
    ("0005_hosts", HOSTS),
    ("0006_asked", ASKED),
    ("0007_overlap", OVERLAP),
    ("0008_provenance", PROVENANCE),
    ("0009_turn", TURN),
    ("0010_leaving", LEAVING),
    ("0011_views", VIEWS),
    ("0012_became", BECAME),
    ("0013_traces", TRACES),
    ("0014_machine", MACHINE),
    ("0015_steered_sources", STEERED_SOURCES),
    ("0016_inputs", INPUTS),
    ("0017_tokens", TOKENS),
    ("0018_audit", AUDIT),
    ("0019_versions", VERSIONS),
    ("0020_asked_of_sources", ASKED_OF_SOURCES),
    ("0021_alerts", ALERTS),
    ("0022_makers", MAKERS),
    ("0023_interventions", INTERVENTIONS),
    ("0024_made_windows", MADE_WINDOWS),
)
"""Names and statements, in order. Append only; never change a released migration."""

TABLE_NAMES = frozenset(
    name for _, made in MIGRATIONS for text in made for name in re.findall(r"^CREATE TABLE (\w+)", text)
)
"""Our tables, except for `picosched`. There may be tables of other programs beside them."""

VERSION = "SELECT version FROM picosched"
TABLES_HERE = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"


def version_of(ask: Callable[[str], list[Any]], name: str) -> int:
    """The number of migrations applied; 0 for an empty schema. Reads only.

    PicoschedError `invalid` if another program or a newer picosched made the tables.
    """
    tables = {table for (table,) in ask(TABLES_HERE)}
    if "picosched" not in tables:
        if others := sorted(tables & TABLE_NAMES):
            raise PicoschedError(
                f"{name} has a table {others[0]} of another program, wanted a schema without one"
            )
        return 0
    ((version,),) = ask(VERSION)
    if version > len(MIGRATIONS):
        raise PicoschedError(f"{name} was written by a newer picosched, whose tables this one does not know")
    return int(version)


def migrating(version: int) -> list[str]:
    """The statements that bring the tables from a version up to date."""
    if version == len(MIGRATIONS):
        return []
    make = ["CREATE TABLE picosched (version bigint NOT NULL)", "INSERT INTO picosched VALUES (0)"]
    found = [] if version else make
    for _, statements in MIGRATIONS[version:]:
        found += statements
    return [*found, f"UPDATE picosched SET version = {len(MIGRATIONS)}"]
