"""The doctor finds what is damaged in a real database, and nothing in one that is sound."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from picosched import Engine, PicoschedError, Store, VirtualClock
from picosched.store.opening import examine
from picosched.store.sqlite.doctor.contents import TABLES
from picosched.store.sqlite.glance import SMALL

START = "2026-03-01T00:00:00Z"
PAGE = 4096
INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13

RULESET = """ruleset busy {
  rule work {
    select when busy work
    always {
      ent:seen := ent:seen.defaultsTo([]).append(event:attrs{"text"})
      app:all := app:all.defaultsTo(0) + 1
      schedule busy event "later" at time:add(time:now(), {"minutes": 5}) attributes event:attrs
      schedule busy event "often" repeat "0 * * * *" attributes event:attrs
    }
  }
  rule many { select when busy many foreach 1.range(80) setting(n) fired { ent:many{n} := n } }
  rule pair { select when busy work before busy rest }
  rule later { select when busy later }
  rule often { select when busy often }
}"""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which much has happened."""
    path = tmp_path_factory.mktemp("sound") / "picos.db"
    with Engine(path, VirtualClock(START), granularity=1, min_period=0, seed=1) as engine:
        picos = [engine.root, *(engine.new_pico(name) for name in ("kitchen", "cellar", "attic"))]
        for pico in picos:
            pico.install(RULESET)
        engine.add_source({"type": "metronome", "interval": 3_600_000, "to": {"rid": "busy"}})
        channel = picos[1].new_channel(["app"])
        for number in range(60):
            pico = picos[number % len(picos)]
            pico.raise_event("busy", "work", {"text": f"{number} " * 60})
            engine.raise_event(channel.eci, "busy", "idle", once=f"key {number}")
        engine.run_until("2026-03-01T03:30:00Z")
        big = engine.new_pico("big")
        big.install(RULESET)
        big.raise_event("busy", "work", {"text": "long " * 20_000})
        big.raise_event("busy", "many")
        rows = engine.scheduled()
        engine.agenda.pause([rows[0].id])
        engine.agenda.cancel([rows[1].id])
        engine.new_pico("gone").delete()
    return path


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "picos.db"))


def said_of(path: Path) -> str:
    """What the doctor says, or, where the file cannot even be opened, what is said instead."""
    try:
        return "\n".join(map(str, examine(path)))
    except PicoschedError as error:
        return error.message


def test_a_sound_database_is_sound_in_use_or_not(copy: Path) -> None:
    assert examine(copy) == []
    with Engine(copy, VirtualClock("2026-03-01T05:00:00Z"), granularity=1) as engine:
        engine.run_due()
        assert examine(copy) == []
    assert examine(copy) == []


def test_an_empty_database_is_sound(tmp_path: Path) -> None:
    Store(tmp_path / "picos.db").close()
    assert examine(tmp_path / "picos.db") == []


# ---- rows ----------------------------------------------------------------------------------------------

ONE = "WHERE rowid = (SELECT max(rowid) FROM {})"
ROWS = {
    "attributes that are no JSON": (
        "UPDATE scheduled SET attrs = '{\"a\":' " + ONE.format("scheduled"),
        "as attrs, wanted a JSON map",
    ),
    "a list for attributes": (
        "UPDATE scheduled SET attrs = '[]' " + ONE.format("scheduled"),
        "found [] as attrs, wanted a JSON map",
    ),
    "a variable that is no JSON": (
        "UPDATE entity SET value = substr(value, 1, length(value) - 1) WHERE name = 'seen'",
        "as value, wanted JSON",
    ),
    "a status": (
        "UPDATE scheduled SET status = 'pendinG' " + ONE.format("scheduled"),
        "found pendinG as status, wanted one of pending, paused, finished, cancelled",
    ),
    "a kind": (
        "UPDATE scheduled SET kind = 'cron' " + ONE.format("scheduled"),
        "found cron as kind, wanted one of at, repeat",
    ),
    "nothing due": (
        "UPDATE scheduled SET due = NULL WHERE status = 'pending'",
        "found no due time while it is pending, wanted one",
    ),
    "something due that is over": (
        "UPDATE scheduled SET due = 5 WHERE status = 'finished'",
        "found a due time while it is finished, wanted none",
    ),
    "a text for a time": (
        "UPDATE scheduled SET due = '2026-03-01' WHERE status = 'pending'",
        "found 2026-03-01 as due, wanted a time in milliseconds",
    ),
    "a time that no year has": (
        "UPDATE journal SET at = 9223372036854775807 WHERE seq = 9",
        "journal, seq 9: found 9223372036854775807 as at",
    ),
    "a count below 0": (
        "UPDATE scheduled SET fires = -1 " + ONE.format("scheduled"),
        "found -1 as fires, wanted a whole number, 0 or more",
    ),
    "a timespec": (
        "UPDATE scheduled SET timespec = '0 * * * 9' WHERE kind = 'repeat'",
        "found 0 * * * 9 as timespec of a repeat",
    ),
    "a zone": (
        "UPDATE scheduled SET tz = 'Mars/Olympus' WHERE kind = 'repeat'",
        "found Mars/Olympus as tz, wanted a time zone",
    ),
    "an outcome": (
        "UPDATE fire SET outcome = 'fierd' " + ONE.format("fire"),
        "found fierd as outcome, wanted one of fired, late",
    ),
    "a lateness": (
        "UPDATE fire SET lateness = lateness + 1 " + ONE.format("fire"),
        "wanted fired less nominal",
    ),
    "text that is not UTF-8": (
        "UPDATE pico SET name = CAST(x'6b80ff' AS TEXT) WHERE name = 'kitchen'",
        "as name, wanted a text",
    ),
    "a policy": (
        "UPDATE channel SET events = '{\"allow\":[]}' " + ONE.format("channel"),
        "as events, wanted a policy",
    ),
    "a letter of a ruleset": (
        "UPDATE ruleset SET text = replace(text, 'app:all', 'app:alL')",
        "found a text with another hash, wanted the text whose SHA-256 is",
    ),
    "a declaration": (
        "UPDATE source SET declaration = replace(declaration, 'metronome', 'metronom')",
        "wanted the declaration of a source",
    ),
    "a parent that is gone": (
        "UPDATE pico SET parent = 'nobody' WHERE name = 'attic'",
        "found the parent nobody, wanted a pico that there is",
    ),
    "a pico deleted without what it has": (
        "DELETE FROM pico WHERE name = 'attic'",
        "scheduled, id",
    ),
    "picos in a ring": (
        "UPDATE pico SET parent = CASE name WHEN 'attic' THEN (SELECT id FROM pico WHERE name = 'cellar') "
        "ELSE (SELECT id FROM pico WHERE name = 'attic') END WHERE name IN ('attic', 'cellar')",
        "found a pico among its own ancestors, wanted a way to the root",
    ),
    "two roots": (
        "UPDATE pico SET parent = NULL WHERE name = 'attic'",
        "found 2 picos without a parent, wanted one, the root",
    ),
    "a channel of nobody": (
        "UPDATE channel SET pico = 'nobody' " + ONE.format("channel"),
        "channel, eci",
    ),
    "a ruleset without its text": ("DELETE FROM ruleset", "found no text of that ruleset with the hash"),
    "a ruleset of nobody": (
        "UPDATE installed SET pico = 'nobody' WHERE pico = (SELECT id FROM pico WHERE name = 'attic')",
        "installed, pico nobody, rid busy: found no such pico",
    ),
    "a variable of nobody": (
        "UPDATE entity SET pico = 'nobody' WHERE pico = (SELECT id FROM pico WHERE name = 'attic')",
        "entity, pico nobody, rid busy, name seen: found a variable that nobody has",
    ),
    "an element without its variable": (
        "UPDATE element SET name = 'few' WHERE place = 70",
        'rid busy, name few, key "71": found an element of no large map',
    ),
    "an element after the last place": (
        "UPDATE entity SET places = places - 1 WHERE size IS NOT NULL",
        "wanted a variable with its size and more places",
    ),
    "a shared variable of one pico": (
        "UPDATE entity SET pico = 'x' WHERE rid = 'app:busy'",
        "found a variable that nobody has",
    ),
    "a rule of nobody that waits": (
        "UPDATE waiting SET rid = 'lazy' WHERE pico = (SELECT id FROM pico WHERE name = 'attic')",
        "found a rule that nobody has",
    ),
    "something due for a ruleset that is not there": (
        "UPDATE scheduled SET rid = 'lazy' WHERE status = 'pending'",
        "found the ruleset lazy, wanted one that its pico has",
    ),
    "something due that was dealt with": (
        "UPDATE scheduled SET due = (SELECT max(nominal) FROM fire WHERE scheduled = id) "
        "WHERE status = 'pending' AND fires > 0",
        "wanted an occurrence that is not on record yet",
    ),
    "a number of events to come": (
        "UPDATE coming SET events = 1000000",
        "found 1000000 events to come, wanted the number of its rows",
    ),
    "events to come of nobody": (
        "INSERT INTO coming VALUES ('nobody', -7)",
        "coming, pico nobody: found -7 as events",
    ),
    "no number of events to come": ("DELETE FROM coming", "found no number of events to come for"),
    "a row begun less than never": (
        "INSERT INTO begun VALUES ('a row', -3)",
        "begun, id a row: found -3 as alone, wanted a whole number",
    ),
    "the time that a period counts from": (
        "UPDATE scheduled SET spaced_from = 'now' WHERE kind = 'repeat'",
        "found now as spaced_from, wanted a time",
    ),
    "an entry without its source": ("DELETE FROM source", "source_entry, id"),
    "a source without its entries": ("DELETE FROM source_entry", "found a source without entries"),
    "a record without its turn": (
        "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal WHERE nominal IS NOT NULL)",
        "of which the journal has no turn",
    ),
    "all turns": ("DELETE FROM journal", "of which the journal has no turn"),
    "a turn without its record": (
        "DELETE FROM fire WHERE rowid = (SELECT max(rowid) FROM fire WHERE eid IS NOT NULL)",
        "found a turn of an occurrence that is not on record, wanted its record",
    ),
    "a table": ("DROP TABLE waiting", "found no table waiting"),
    "an index": ("DROP INDEX scheduled_due", "found no index scheduled_due"),
    "a column": ("ALTER TABLE fire DROP COLUMN asked", "found the table fire with the columns"),
}


@pytest.mark.parametrize("damage", ROWS)
@pytest.mark.slow
@pytest.mark.slow
def test_the_doctor_finds_what_does_not_fit(copy: Path, damage: str) -> None:
    sql, wanted = ROWS[damage]
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        changed = connection.execute(sql).rowcount
        assert changed or not sql.startswith(("UPDATE", "DELETE"))
    assert wanted in said_of(copy)


def test_the_doctor_looks_at_every_column_of_every_table(copy: Path) -> None:
    looked_at = {table.name: {*table.columns} for table in TABLES}
    with closing(sqlite3.connect(copy)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            columns = {column for _, column, *_ in connection.execute(f"PRAGMA table_info({name})")}
            assert name.startswith(("sqlite_", "_sqlite_")) or columns == looked_at[name]


# ---- pages ---------------------------------------------------------------------------------------------


class Pages:
    """A database file as its pages."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = bytearray(path.read_bytes())
        with closing(sqlite3.connect(path)) as connection:
            self.roots: dict[str, int] = dict(
                connection.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0")
            )

    def save(self) -> None:
        self.path.write_bytes(self.bytes)

    def place(self, page: int) -> int:
        return (page - 1) * PAGE

    def kind(self, page: int) -> int:
        return self.bytes[self.place(page)]

    def children(self, page: int) -> list[int]:
        place = self.place(page)
        (cells,) = struct.unpack_from(">H", self.bytes, place + 3)
        pointers = struct.unpack_from(f">{cells}H", self.bytes, place + 12)
        found = [struct.unpack_from(">I", self.bytes, place + each)[0] for each in pointers]
        return [*found, struct.unpack_from(">I", self.bytes, place + 8)[0]]

    def leaves(self, name: str) -> list[int]:
        """The leaf pages of a table or an index."""
        pages = [self.roots[name]]
        while self.kind(pages[0]) in (INTERIOR_INDEX, INTERIOR_TABLE):
            pages = [child for page in pages for child in self.children(page)]
        return pages

    def cell(self, page: int, number: int = 0) -> int:
        """The place of a cell of a leaf page."""
        (offset,) = struct.unpack_from(">H", self.bytes, self.place(page) + 8 + 2 * number)
        return self.place(page) + int(offset)


def overwrite(pages: Pages, page: int, fill: bytes) -> None:
    pages.bytes[pages.place(page) : pages.place(page) + PAGE] = fill * PAGE


def swap(pages: Pages, one: int, other: int) -> None:
    a, b = pages.place(one), pages.place(other)
    first, second = pages.bytes[a : a + PAGE], pages.bytes[b : b + PAGE]
    pages.bytes[a : a + PAGE], pages.bytes[b : b + PAGE] = second, first


def put(pages: Pages, place: int, form: str, value: int) -> None:
    struct.pack_into(form, pages.bytes, place, value)


def flip_text(pages: Pages, page: int) -> None:
    """Another letter in what an index knows of a row: still text, and another."""
    text = pages.bytes.index(b"busy", pages.place(page), pages.place(page) + PAGE)
    pages.bytes[text] ^= 0x01


def break_chain(pages: Pages) -> None:
    """The long text of the pico `big` lies on pages that lead to each other."""
    text = b"long " * 200
    page = pages.bytes.index(text) // PAGE + 1
    while pages.kind(page) != 0:  # a page behind the first begins with the number of the next
        page += 1
    put(pages, pages.place(page), ">I", 1)


FILE: dict[str, Callable[[Pages], object]] = {
    "the first bytes": lambda it: it.bytes.__setitem__(slice(0, 16), bytes(16)),
    "the size of a page": lambda it: put(it, 16, ">H", 4097),
    "the mark of the application": lambda it: put(it, 68, ">I", 1),
    "the number of pages": lambda it: put(it, 28, ">I", len(it.bytes) // PAGE - 3),
    "the version of the tables": lambda it: put(it, 60, ">I", 2),
    "the format of the schema": lambda it: put(it, 44, ">I", 99),
    "the encoding of text": lambda it: put(it, 56, ">I", 2),
    "the last page": lambda it: it.bytes.__delitem__(slice(-PAGE, None)),
    "half a page": lambda it: it.bytes.__delitem__(slice(-PAGE // 2, None)),
    "half of the file": lambda it: it.bytes.__delitem__(slice(len(it.bytes) // 2 // PAGE * PAGE, None)),
    "all but the first page": lambda it: it.bytes.__delitem__(slice(PAGE, None)),
    "the schema": lambda it: overwrite(it, 1, b"\x00"),
    "a byte of the schema": lambda it: put(it, it.bytes.index(b"CREATE TABLE pico"), ">B", 0),
    "the root of a table": lambda it: overwrite(it, it.roots["scheduled"], b"\x00"),
    "the kind of a root": lambda it: put(it, it.place(it.roots["journal"]), ">B", LEAF_INDEX),
    "the root of an index": lambda it: overwrite(it, it.roots["scheduled_due"], b"\xaa"),
    "a leaf of a table": lambda it: overwrite(it, it.leaves("journal")[2], b"\x00"),
    "a leaf of noise": lambda it: overwrite(it, it.leaves("scheduled")[1], b"\xa5"),
    "a leaf of an index": lambda it: overwrite(it, it.leaves("scheduled_pico")[1], b"\x00"),
    "a leaf of a table without row numbers": lambda it: overwrite(it, it.leaves("received")[0], b"\x01"),
    "two leaves that changed places": lambda it: swap(it, *it.leaves("journal")[1:3]),
    "leaves of two tables that changed places": lambda it: swap(
        it, it.leaves("journal")[1], it.leaves("scheduled")[1]
    ),
    "a pointer to a page that is not there": lambda it: put(
        it, it.place(it.roots["journal"]) + 8, ">I", 99_999
    ),
    "a pointer to the page itself": lambda it: put(
        it, it.place(it.roots["journal"]) + 8, ">I", it.roots["journal"]
    ),
    "the place of a cell": lambda it: put(it, it.place(it.leaves("journal")[1]) + 8, ">H", 5),
    "the number of cells": lambda it: put(it, it.place(it.leaves("fire")[0]) + 3, ">H", 2_000),
    "the length of a row": lambda it: put(it, it.cell(it.leaves("pico")[0]), ">B", 0x7F),
    "the head of a row": lambda it: put(it, it.cell(it.leaves("pico")[0]) + 2, ">B", 0x7F),
    "a word in an index": lambda it: flip_text(it, it.leaves("scheduled_pico")[0]),
    "a key in the index of the ids": lambda it: put(
        it, it.cell(it.leaves("sqlite_autoindex_scheduled_1")[0]) + 6, ">B", 0x7A
    ),
    "the way from page to page of a long text": break_chain,
}


@pytest.mark.parametrize("damage", FILE)
def test_damage_of_the_file_is_seen_at_the_opening_or_by_the_doctor(copy: Path, damage: str) -> None:
    pages = Pages(copy)
    FILE[damage](pages)
    pages.save()
    assert said_of(copy) != ""
    if damage == "the version of the tables":  # which opening brings up to date, and with it the mark
        return
    with pytest.raises(PicoschedError) as caught:  # a file as small as this is checked when it is opened
        Engine(copy, VirtualClock("2026-03-01T05:00:00Z"))
    wanted = ("is damaged; `picosched doctor` says where", "is not an SQLite database", "of another program")
    assert any(words in caught.value.message for words in wanted), caught.value.message


@pytest.fixture(scope="module")
def large(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copy(sound, tmp_path_factory.mktemp("large") / "picos.db"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
            INSERT INTO received SELECT printf('pico %d', i), printf('key %060d', i), 'eid', 0 FROM n"""
        )
        connection.commit()
    assert path.stat().st_size > SMALL
    return path


@pytest.mark.parametrize("table", ["scheduled", "journal", "fire", "entity", "received", "channel"])
def test_of_a_large_file_the_way_into_each_table_is_checked_at_the_opening(
    large: Path, tmp_path: Path, table: str
) -> None:
    copy = Path(shutil.copy(large, tmp_path / "picos.db"))
    Store(copy).close()
    pages = Pages(copy)
    overwrite(pages, pages.leaves(table)[0], b"\xa5")
    pages.save()
    with pytest.raises(PicoschedError, match="is damaged; `picosched doctor` says where"):
        Store(copy)
    assert examine(copy) != []


def test_what_is_damaged_amid_a_large_file_is_said_when_it_is_read(large: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(large, tmp_path / "picos.db"))
    pages = Pages(copy)
    overwrite(pages, pages.leaves("journal")[3], b"\xa5")
    pages.save()
    with Engine(copy, VirtualClock(START)) as engine, pytest.raises(PicoschedError) as caught:
        engine.journal(limit=1_000)
    assert caught.value.code == "internal"
    assert "is damaged; `picosched doctor` says where" in caught.value.message


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("UPDATE fire SET outcome = 'x'", lambda engine: engine.history()),
        ("UPDATE fire SET rules = '['", lambda engine: engine.history()),
        ("UPDATE fire SET fired = 9223372036854775807", lambda engine: engine.history()),
        ("UPDATE journal SET handled = '{'", lambda engine: engine.journal()),
        ("UPDATE journal SET at = 'noon'", lambda engine: engine.journal()),
        ("UPDATE scheduled SET misfire = 'x'", lambda engine: engine.scheduled()),
        ("UPDATE scheduled SET attrs = '{'", lambda engine: engine.scheduled()),
        ("UPDATE pico SET created = 'x'", lambda engine: engine.picos()),
        ("UPDATE pico SET name = CAST(x'ff' AS TEXT)", lambda engine: engine.picos()),
        ("UPDATE channel SET events = '{}'", lambda engine: engine.pico("kitchen").channels()),
        ("UPDATE source SET anchor = 'x'", lambda engine: engine.sources()),
    ],
)
def test_a_row_that_cannot_be_read_is_an_error_that_names_the_doctor(
    copy: Path, sql: str, read: Callable[[Engine], object]
) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute(sql)
    with Engine(copy, VirtualClock(START), readonly=True) as engine, pytest.raises(PicoschedError) as caught:
        read(engine)
    assert (caught.value.code, "`picosched doctor` says" in caught.value.message) == ("internal", True)


@pytest.mark.parametrize(
    "sql",
    [
        "SET attrs = '{'",
        "SET misfire = 'x'",
        "SET created = 'noon'",
        "SET tz = 'Mars/Olympus'",
        "SET due = 'noon'",
        "SET due = -9223372036854775807",
    ],
)
def test_a_damaged_row_that_is_due_fails_and_holds_up_nobody(copy: Path, sql: str) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        ((bad,), (good,)) = connection.execute(
            "SELECT id FROM scheduled WHERE kind = 'repeat' AND status = 'pending' ORDER BY due LIMIT 2"
        ).fetchall()
        connection.execute(f"UPDATE scheduled {sql} WHERE id = ?", (bad,))
    with Engine(copy, VirtualClock(START), granularity=1, min_period=0) as engine:
        if "due" in sql:
            assert bad not in [each.id for each in engine.scheduled()]
        engine.run_until("2026-03-01T05:00:00Z")
        (fire, *_) = engine.history(id=bad)
        assert fire.outcome == "failed" and fire.why
        assert engine.history(id=good)[0].outcome == "fired"
        due = engine.next_due()
        assert due is not None and due > engine.now()
