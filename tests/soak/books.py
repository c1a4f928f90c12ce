"""Whether a database's books, schedule, record of fires and journal tell the same story.

The books are those that `ledger.krl` keeps in each of its picos. What is compared holds between any two
transactions, so it holds for a backup, for what a kill leaves behind, and for a process that has stopped:

- a key is owed as often as a row that is still to come has to come, and no row is to come that is not owed;
  only what was cancelled from outside may be owed still, until somebody says that it is forgiven
- nothing came twice, behind its end, or without being owed (`ent:wrong` is empty)
- what the books counted is what the journal has: a turn for each event that was entered, kept or ticked
- a row's `fires` is the number of its records; what ended has one record of its end
- each record of a raised event has its turn, and each turn of a row its record
- no id is anybody else's: rows, events, channels, picos, sources
- what was deleted has left nothing behind that is still to come
- nothing failed but what was made to fail, and nothing by a fault of picosched's own

`left_over` is what may not be there once all load has ended and all that was due has come.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.soak.figures import Spread

RID = "ledger"
MADE_TO_FAIL = "('failing', 'toil', 'uninstall_ruleset_request')"
"""Types of the events whose turns may fail, and the rows that caused them. The last fails where a kill came
before the ruleset was installed."""

FAREWELL = "('stray', 'came', 'again', 'tick', 'setup', 'box', 'pico_created', 'child_initialized')"
"""Types of messages that may be on their way to a child, or from one, when that is deleted."""

RAISED = "('fired', 'late', 'coalesced', 'failed')"
FIRST = "json_extract(handled, '$[0].{}')"
DOMAIN, TYPE = FIRST.format("domain"), FIRST.format("type")
TICK = f"({DOMAIN}, {TYPE}) IN (('metronome', 'tick'), ('crononome', 'trigger'), ('clock', 'struck'))"
KEPT = f"""(({DOMAIN} = 'due' AND {TYPE} <> 'until')
    OR ({DOMAIN}, {TYPE}) IN (('post', 'returned'), ('proc', 'finished')))"""

COMING = """SELECT json_extract(attrs, '$.key'), type, status, coalesce(count - fires, 1), fires
        FROM scheduled WHERE json_extract(attrs, '$.owner') = ? AND status <> 'finished'
    UNION ALL SELECT coalesce(name, json_extract(attrs, '$.name')), type, status, 1, fires
        FROM scheduled WHERE domain = 'proc' AND pico = ? AND rid = 'ledger' AND status <> 'finished'"""
"""What has been promised to a pico and not come: events, and the ends of programs."""

CANCELLED = """SELECT json_extract(attrs, '$.key') FROM scheduled
    WHERE json_extract(attrs, '$.owner') = ? AND status = 'cancelled'"""
"""Keys of a pico that nobody may have forgiven yet."""

SHOWN = 5
"""Faults of one kind that are told one by one."""

FORBIDDEN = {
    "an id is used twice": """
        SELECT id, group_concat(what) FROM (
            SELECT id, 'row' AS what FROM scheduled
            UNION ALL SELECT eid, 'event' FROM journal WHERE scheduled IS NULL OR scheduled <> eid
            UNION ALL SELECT eci, 'channel' FROM channel
            UNION ALL SELECT id, 'pico' FROM pico
            UNION ALL SELECT id, 'source' FROM source
            UNION ALL SELECT id, 'entry' FROM source_entry
        ) GROUP BY id HAVING count(*) > 1""",
    "a row's fires are not those on record": f"""
        SELECT id, fires, (SELECT count(*) FROM fire WHERE fire.scheduled = row.id AND outcome IN {RAISED})
        FROM scheduled AS row WHERE fires <>
            (SELECT count(*) FROM fire WHERE fire.scheduled = row.id AND outcome IN {RAISED})""",
    "an end without its record": """
        SELECT id, kind, status FROM scheduled AS row WHERE
            (status = 'finished' AND kind IN ('at', 'send') AND fires <> 1)
            OR (status = 'finished' AND count IS NOT NULL AND fires <> count)
            OR (status = 'cancelled' AND 1 <>
                (SELECT count(*) FROM fire WHERE fire.scheduled = row.id AND outcome = 'cancelled'))
            OR (kind NOT IN ('proc', 'running')
                AND (status IN ('pending', 'paused')) <> (due IS NOT NULL))""",
    "a record without its turn": f"""
        SELECT scheduled, nominal FROM fire WHERE outcome IN {RAISED} AND eid IS NOT NULL
            AND scheduled IN (SELECT id FROM scheduled)
        EXCEPT SELECT scheduled, nominal FROM journal""",
    "a turn without its record": f"""
        SELECT scheduled, nominal FROM journal WHERE scheduled IN (SELECT id FROM scheduled)
        EXCEPT SELECT scheduled, nominal FROM fire WHERE outcome IN {RAISED}""",
    "two turns of one occurrence": """
        SELECT scheduled, nominal, count(*) FROM journal WHERE scheduled IS NOT NULL
        GROUP BY scheduled, nominal HAVING count(*) > 1""",
    "a source's fires are not those on record": f"""
        SELECT source.name, entry.name, entry.fires
        FROM source_entry AS entry JOIN source ON source.id = entry.source
        WHERE (json_extract(declaration, '$.type') <> 'metronome' AND entry.fires <>
                (SELECT count(*) FROM fire WHERE fire.scheduled = entry.id AND outcome IN {RAISED}))
            OR (json_extract(declaration, '$.journal') AND entry.fires <>
                (SELECT count(*) FROM journal WHERE journal.scheduled = entry.id))""",
    "something of a pico that is gone": """
        SELECT 'row', id FROM scheduled
            WHERE status IN ('pending', 'paused') AND kind <> 'send' AND pico NOT IN (SELECT id FROM pico)
        UNION ALL SELECT 'variable', rid || '.' || name FROM entity
            WHERE pico <> '' AND pico NOT IN (SELECT id FROM pico)
        UNION ALL SELECT 'waiting rule', rule FROM waiting WHERE pico NOT IN (SELECT id FROM pico)
        UNION ALL SELECT 'ruleset', rid FROM installed WHERE pico NOT IN (SELECT id FROM pico)
        UNION ALL SELECT 'channel', eci FROM channel WHERE pico NOT IN (SELECT id FROM pico)
            OR (kin IS NOT NULL AND kin NOT IN (SELECT id FROM pico))""",
    "a row of a ruleset that is not there": """
        SELECT id, rid FROM scheduled WHERE status IN ('pending', 'paused') AND kind IN ('at', 'repeat')
            AND NOT EXISTS (SELECT 1 FROM installed
                WHERE installed.pico = scheduled.pico AND installed.rid = scheduled.rid)""",
    "a turn failed that was not made to": f"""
        SELECT eid, errors FROM journal WHERE errors <> '[]' AND {TYPE} NOT IN {MADE_TO_FAIL}""",
    "a row failed that was not made to": f"""
        SELECT fire.scheduled, type, why FROM fire JOIN scheduled ON scheduled.id = fire.scheduled
        WHERE outcome = 'failed' AND type NOT IN {MADE_TO_FAIL}
            AND NOT (kind = 'send' AND type IN {FAREWELL} AND
                (why LIKE 'there is no channel %' OR why LIKE 'there is no pico %'))""",
    "a fault of picosched's own": """
        SELECT eid, errors FROM journal WHERE errors <> '[]' AND handled LIKE '%"species":"internal"%'""",
}
"""What no row of an answer may be found of."""


def faults_of(path: Path) -> list[str]:
    """What does not fit together in a database file, in words; nothing if all does."""
    with closing_reader(path) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'source'").fetchone():
            return []  # killed before the tables were there
        found = [*_wrong_answers(connection)]
        for pico in picos_with_books(connection):
            found += _faults_of_books(connection, pico)
        return found


def left_over(path: Path, since: int) -> list[str]:
    """What is still owed, or was due before `since` (milliseconds since 1970) and has not come."""
    found: list[str] = []
    with closing_reader(path) as connection:
        for pico in picos_with_books(connection):
            for name in ("owed", "until"):
                rest = entity(connection, pico, name) or {}
                cancelled = {key for (key,) in connection.execute(CANCELLED, (pico,))}
                found += told(
                    f"{pico}: still {name}", [each for each in rest.items() if each[0] not in cancelled]
                )
        overdue = "SELECT id, kind, type, due FROM scheduled WHERE status = 'pending' AND due < ?"
        found += told("still due", connection.execute(overdue, (since,)).fetchall())
        sound = connection.execute("SELECT * FROM pragma_integrity_check").fetchall()
        if sound != [("ok",)]:
            found += told("the file is damaged", sound)
    return found


def entered(connection: sqlite3.Connection, pico: str, lane: str) -> tuple[int, set[int]]:
    """What the ledger of a pico has of a lane: the last serial, and those that are missing before it."""
    last: dict[str, int] = entity(connection, pico, "last") or {}
    missing: dict[str, list[int]] = entity(connection, pico, "missing") or {}
    return last.get(lane, 0), {*missing.get(lane, ())}


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How much there is of what."""
    found = {"turns in the journal": "SELECT count(*) FROM journal", "rows": "SELECT count(*) FROM scheduled"}
    told = {name: int(connection.execute(sql).fetchone()[0]) for name, sql in found.items()}
    outcomes = "SELECT outcome, count(*) FROM fire GROUP BY outcome ORDER BY outcome"
    return told | {f"occurrences {outcome}": count for outcome, count in connection.execute(outcomes)}


def lateness(connection: sqlite3.Connection) -> Spread:
    """How late occurrences of schedules were raised that nobody had changed from outside."""
    spread = Spread()
    sql = """SELECT max(lateness, 0), count(*) FROM fire JOIN scheduled ON scheduled.id = fire.scheduled
        WHERE outcome IN ('fired', 'late', 'coalesced') AND why IS NULL AND kind IN ('at', 'repeat')
            AND json_extract(attrs, '$.key') NOT LIKE 'steerer%'
        GROUP BY lateness"""
    for late, times in connection.execute(sql):
        spread.add(late, times)
    return spread


def closing_reader(path: Path) -> closing[sqlite3.Connection]:
    """A connection that reads what one moment has, closed at the end of its block. Others may write."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30, isolation_level=None)
    connection.execute("BEGIN")
    return closing(connection)


def picos_with_books(connection: sqlite3.Connection) -> list[str]:
    sql = "SELECT pico FROM installed WHERE rid = ?"
    return [pico for (pico,) in connection.execute(sql, (RID,))]


def entity(connection: sqlite3.Connection, pico: str, name: str) -> Any:
    where, owner = "WHERE pico = ? AND rid = ? AND name = ?", (pico, RID, name)
    row = connection.execute(f"SELECT value, size FROM entity {where}", owner).fetchone()
    if row is None or row[1] is None:
        return None if row is None else json.loads(row[0])
    elements = connection.execute(f"SELECT key, value FROM element {where}", owner)
    return {json.loads(key): json.loads(value) for key, value in elements}


def told(what: str, rows: list[Any]) -> list[str]:
    """Rows that should not be, in words: the first few, and how many more there are."""
    shown = [f"{what}: {', '.join(map(str, row))}" for row in rows[:SHOWN]]
    more = len(rows) - SHOWN
    return [*shown, f"{what}: {more} more"] if more > 0 else shown


def _wrong_answers(connection: sqlite3.Connection) -> Iterator[str]:
    for what, sql in FORBIDDEN.items():
        yield from told(what, connection.execute(sql).fetchall())


def _faults_of_books(connection: sqlite3.Connection, pico: str) -> list[str]:
    owed: dict[str, int] = entity(connection, pico, "owed") or {}
    until: dict[str, int] = entity(connection, pico, "until") or {}
    coming, running, cancelled = dict[str, int](), dict[str, int](), set[str]()
    for key, type, status, left, fires in connection.execute(COMING, (pico, pico)):
        if status == "cancelled":
            cancelled.add(key)
        elif type == "until":
            running[key] = fires
        else:
            coming[key] = coming.get(key, 0) + left
    found = told(f"{pico}: wrong", [(each,) for each in entity(connection, pico, "wrong") or ()])
    for key in sorted({*owed, *coming}):
        if owed.get(key, 0) != coming.get(key, 0) and not (key not in coming and key in cancelled):
            found.append(
                f"{pico}: {key} is owed {owed.get(key, 0)} times, and {coming.get(key, 0)} are to come"
            )
    for key, fires in running.items():
        if until.get(key) != fires:
            found.append(f"{pico}: until {key} fired {fires} times, and came {until.get(key)} times")
    journal = "SELECT count(*) FROM journal WHERE pico = ? AND {}"
    ticks = entity(connection, pico, "ticks") or {}
    for name, counted, turns in (
        ("entered", entity(connection, pico, "entered") or 0, f"{DOMAIN} = 'ledger'"),
        ("kept", entity(connection, pico, "kept") or 0, KEPT),
        ("ticked", sum(ticks.values()), TICK),
    ):
        (journalled,) = connection.execute(journal.format(turns), (pico,)).fetchone()
        if counted != journalled:
            found.append(f"{pico}: {counted} {name}, and {journalled} such turns in the journal")
    return found
