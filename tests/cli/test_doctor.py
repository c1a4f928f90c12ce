"""`doctor`: whether a database is sound, in words and in JSON, and the exit status of each answer."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from picosched import Engine

pytestmark = pytest.mark.files


@pytest.fixture
def tea(run: Any) -> None:
    run("install", "rulesets/tea_timer.krl")
    run("raise", "tea:started", "minutes=5")


@pytest.mark.usefixtures("tea")
def test_a_sound_database_is_0(run: Any) -> None:
    result = run("doctor")
    assert (result.status, result.out, result.err) == (0, "picosched.db is sound\n", "")
    assert run("doctor", "picosched.db", "--json").json == {
        "file": "picosched.db",
        "sound": True,
        "findings": [],
    }


@pytest.mark.usefixtures("tea")
def test_it_works_beside_a_picosched_and_changes_nothing(run: Any, folder: Path) -> None:
    before = (folder / "picosched.db").read_bytes()
    assert run("doctor").status == 0
    assert (folder / "picosched.db").read_bytes() == before
    with Engine(folder / "picosched.db") as engine:
        engine.new_pico("kitchen")
        assert run("doctor").status == 0


@pytest.mark.usefixtures("tea")
def test_what_is_wrong_is_1_and_said_by_table_and_row(run: Any, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "picosched.db", isolation_level=None)) as connection:
        connection.execute("UPDATE scheduled SET id = 'tea', status = 'pendinG'")
    result = run("doctor")
    finding = "found pendinG as status, wanted one of pending, paused, finished, cancelled"
    assert (result.status, result.err) == (1, "")
    assert result.out == f"scheduled, id tea: {finding}\npicosched.db: 1 problem found\n"
    result = run("doctor", "--json")
    assert result.status == 1
    assert result.json["sound"] is False
    assert result.json["findings"] == [
        {
            "table": "scheduled",
            "row": "id tea",
            "found": "pendinG as status",
            "wanted": "one of pending, paused, finished, cancelled",
        }
    ]


@pytest.mark.usefixtures("tea")
def test_a_damaged_database_is_opened_by_no_command_but_this(run: Any, folder: Path) -> None:
    content = bytearray((folder / "picosched.db").read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xa5" * 8192
    (folder / "picosched.db").write_bytes(content)
    result = run("picos")
    assert (result.status, "picosched.db is damaged; `picosched doctor` says where" in result.err) == (
        3,
        True,
    )
    result = run("doctor")
    assert result.status == 1
    assert "the file: found database disk image is malformed" in result.out
    assert len(result.out.splitlines()) == len({*result.out.splitlines()})


@pytest.mark.usefixtures("tea")
def test_what_is_cut_off_or_empty_is_said_to_be_so(run: Any, folder: Path) -> None:
    whole = (folder / "picosched.db").read_bytes()
    (folder / "short.db").write_bytes(whole[: 4096 * 5])
    (folder / "empty.db").touch()
    result = run("doctor", "--db", "short.db")
    found = f"the file: found 20,480 bytes, wanted {len(whole):,}, as its header says: it was cut off"
    assert (result.status, result.out, result.err) == (1, f"{found}\nshort.db: 1 problem found\n", "")
    assert "found no tables: the database is empty" in run("doctor", "empty.db").out
    assert run("doctor", "empty.db", "--db", "short.db").status == 2


@pytest.mark.usefixtures("tea")
def test_what_cannot_be_examined_is_an_error(run: Any, folder: Path) -> None:
    (folder / "text.db").write_text("no database" * 1_000)
    (folder / "second.db").hardlink_to(folder / "picosched.db")
    os.mkfifo(folder / "pipe")
    for file, status, told in (
        ("nosuch.db", 1, "there is no database nosuch.db"),
        ("text.db", 1, "text.db is not an SQLite database"),
        ("rulesets", 1, "rulesets is a folder"),
        ("second.db", 3, "has 2 names (hard links)"),
        ("pipe", 1, "pipe is not a regular file"),
        ("--nosuch", 2, "No such option"),
    ):
        result = run("doctor", file)
        assert (result.status, told in result.err) == (status, True), result.err
