"""How rows belong together: what a row names is there, the picos are one tree, the records fit the journal.

Not everything that looks like an orphan is one. What is over keeps its row when its pico or source is gone: a
schedule that ended, records, turns, and what is on its way to another engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from picosched.store.sqlite.database import SQLiteDatabase
from picosched.store.sqlite.doctor.finding import MOST_OF_A_KIND, Finding, key

LIVE = "status IN ('pending', 'paused')"
RAISED = "eid IS NOT NULL AND outcome IN ('fired', 'late', 'coalesced', 'failed')"
NO_PICO = "NOT EXISTS (SELECT 1 FROM pico WHERE pico.id = {})"

# What is older than the oldest turn or the oldest record may have been pruned from one of the two tables.
KEPT = (
    ">= max(coalesce((SELECT min(at) FROM journal), -1e18), coalesce((SELECT min(fired) FROM fire), -1e18))"
)


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows that do not fit: a query for them, whose first columns are their key, and what is wrong."""

    table: str
    key: Sequence[str]
    sql: str
    found: str
    """With {} for the column behind the key, if there is one."""
    wanted: str

    def examine(self, database: SQLiteDatabase) -> Iterator[Finding]:
        for row in database.ask(f"{self.sql} LIMIT {MOST_OF_A_KIND}"):
            found = self.found.format(*row[len(self.key) :])
            yield Finding(self.table, key(self.key, row), found, self.wanted)


ALL = (
    # Picos
    Relation(
        "pico",
        (),
        """SELECT n FROM (SELECT count(*) AS n, (SELECT count(*) FROM pico) AS picos
            FROM pico WHERE parent IS NULL) WHERE n <> min(picos, 1)""",
        "{} picos without a parent",
        "one, the root",
    ),
    Relation(
        "pico",
        ["id"],
        "SELECT id, parent FROM pico AS child WHERE parent IS NOT NULL AND " + NO_PICO.format("child.parent"),
        "the parent {}",
        "a pico that there is",
    ),
    Relation(
        "pico",
        ["id"],
        """WITH RECURSIVE reached (id) AS (
                SELECT id FROM pico AS top
                    WHERE parent IS NULL OR NOT EXISTS (SELECT 1 FROM pico WHERE pico.id = top.parent)
                UNION SELECT pico.id FROM pico JOIN reached ON pico.parent = reached.id)
            SELECT id FROM pico WHERE id NOT IN (SELECT id FROM reached)""",
        "a pico among its own ancestors",
        "a way to the root",
    ),
    # What picos have
    Relation(
        "channel",
        ["eci"],
        f"SELECT eci, pico FROM channel WHERE {NO_PICO.format('channel.pico')}",
        "the pico {}",
        "a pico that there is",
    ),
    Relation(
        "channel",
        ["eci"],
        f"SELECT eci, kin FROM channel WHERE kin IS NOT NULL AND {NO_PICO.format('channel.kin')}",
        "the relative {}",
        "a pico that there is",
    ),
    Relation(
        "installed",
        ["pico", "rid"],
        f"SELECT pico, rid FROM installed WHERE {NO_PICO.format('installed.pico')}",
        "no such pico",
        "a pico that there is",
    ),
    Relation(
        "installed",
        ["pico", "rid"],
        """SELECT pico, rid, hash FROM installed WHERE NOT EXISTS
            (SELECT 1 FROM ruleset WHERE ruleset.hash = installed.hash AND ruleset.rid = installed.rid)""",
        "no text of that ruleset with the hash {}",
        "its text",
    ),
    Relation(
        "entity",
        ["pico", "rid", "name"],
        """SELECT pico, rid, name FROM entity WHERE CASE
            WHEN substr(rid, 1, 4) = 'app:'
                THEN pico <> '' OR substr(rid, 5) NOT IN (SELECT rid FROM installed)
            ELSE NOT EXISTS
                (SELECT 1 FROM installed WHERE installed.pico = entity.pico AND installed.rid = entity.rid)
            END""",
        "a variable that nobody has",
        "a ruleset of that pico",
    ),
    Relation(
        "element",
        ["pico", "rid", "name", "key"],
        """SELECT pico, rid, name, key FROM element WHERE NOT EXISTS (SELECT 1 FROM entity
            WHERE entity.pico = element.pico AND entity.rid = element.rid AND entity.name = element.name
                AND place < places AND size IS NOT NULL)""",
        "an element of no large map",
        "a variable with its size and more places",
    ),
    Relation(
        "waiting",
        ["pico", "rid", "rule"],
        """SELECT pico, rid, rule FROM waiting WHERE NOT EXISTS (SELECT 1 FROM installed
            WHERE installed.pico = waiting.pico AND installed.rid = waiting.rid)""",
        "a rule that nobody has",
        "a ruleset of that pico",
    ),
    # What is due
    Relation(
        "scheduled",
        ["id"],
        f"SELECT id, pico FROM scheduled WHERE {LIVE} AND {NO_PICO.format('scheduled.pico')}",
        "the pico {}",
        "a pico that there is, as it is still to come",
    ),
    Relation(
        "scheduled",
        ["id"],
        f"""SELECT id, rid FROM scheduled WHERE {LIVE} AND kind IN ('at', 'repeat', 'window')
            AND (rid <> '' OR kind = 'window') AND NOT EXISTS (SELECT 1 FROM installed
                WHERE installed.pico = scheduled.pico AND installed.rid = scheduled.rid)""",
        "the ruleset {}",
        "one that its pico has, as it is still to come",
    ),
    Relation(
        "scheduled",
        ["id"],
        f"""SELECT id, due FROM scheduled WHERE {LIVE} AND EXISTS
            (SELECT 1 FROM fire WHERE fire.scheduled = scheduled.id AND fire.nominal = scheduled.due)""",
        "the due time {}",
        "an occurrence that is not on record yet",
    ),
    Relation(
        "coming",
        ["pico"],
        f"""SELECT pico, events, rows FROM (SELECT pico, events, (SELECT count(*) FROM scheduled
                WHERE scheduled.pico = coming.pico AND {LIVE}) AS rows FROM coming)
            WHERE events <> rows""",
        "{} events to come",
        "the number of its rows that are still to come",
    ),
    Relation(
        "coming",
        ["pico"],
        f"""SELECT pico, count(*) FROM scheduled WHERE {LIVE} AND pico IN (SELECT id FROM pico)
            AND pico NOT IN (SELECT pico FROM coming) GROUP BY pico""",
        "no number of events to come for {} rows",
        "that number",
    ),
    # Sources
    Relation(
        "source_entry",
        ["id"],
        """SELECT id, source FROM source_entry
            WHERE NOT EXISTS (SELECT 1 FROM source WHERE source.id = source_entry.source)""",
        "the source {}",
        "a source that there is",
    ),
    Relation(
        "source",
        ["id"],
        """SELECT id FROM source
            WHERE NOT EXISTS (SELECT 1 FROM source_entry WHERE source_entry.source = source.id)""",
        "a source without entries",
        "its entries",
    ),
    # Records and the journal. Those of sources are left out, which choose what is written of them, and
    # records that are older than their pico: it was imported with them and without its journal.
    Relation(
        "fire",
        ["scheduled", "nominal"],
        f"""SELECT scheduled, nominal, eid FROM fire WHERE {RAISED} AND fired {KEPT}
            AND fired > coalesce((SELECT created FROM pico WHERE pico.id = fire.pico), -1e18)
            AND scheduled IN (SELECT id FROM scheduled) AND eid NOT IN (SELECT eid FROM journal)""",
        "the event {}, of which the journal has no turn",
        "its turn",
    ),
    Relation(
        "journal",
        ["scheduled", "nominal"],
        f"""SELECT scheduled, nominal FROM journal WHERE at {KEPT}
                AND scheduled IN (SELECT id FROM scheduled)
            EXCEPT SELECT scheduled, nominal FROM fire""",
        "a turn of an occurrence that is not on record",
        "its record",
    ),
)
