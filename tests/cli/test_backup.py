"""`backup export import`: copies of what is in use, and picos that move from database to database."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from web.running import running

from picosched.engine.engine import Engine

pytestmark = [pytest.mark.slow, pytest.mark.files]

COUNTED = """ruleset counted {
  meta { shares count }
  global { count = function() { ent:count.defaultsTo(0) } }
  rule one { select when counted one always { ent:count := count() + 1 } }
}
"""


def state(run: Any, db: str) -> tuple[list[Any], list[Any]]:
    return run("picos", "--json", "--db", db).lines, run("scheduled", "--json", "--db", db).lines


@pytest.fixture
def tea(run: Any) -> None:
    run("install", "rulesets/tea_timer.krl")
    run("picos", "--new", "kitchen")
    run("install", "rulesets/tea_timer.krl", "--pico", "kitchen")
    run("raise", "tea:started", "minutes=5", "--pico", "kitchen")


@pytest.mark.usefixtures("tea")
def test_a_backup_is_a_database_that_says_the_same(run: Any, folder: Path) -> None:
    result = run("backup", "copy.db", "--json")
    assert result.json["bytes"] == (folder / "copy.db").stat().st_size
    assert [each.name for each in folder.glob("*copy*")] == ["copy.db"]
    assert state(run, "copy.db") == state(run, "picosched.db")
    assert len(state(run, "copy.db")[1]) == 1
    assert run("run", "--once", "--db", "copy.db").status == 0


@pytest.mark.usefixtures("tea")
def test_a_backup_takes_the_place_of_a_file_only_if_told(run: Any, folder: Path) -> None:
    (folder / "copy.db").write_text("precious")
    result = run("backup", "copy.db")
    assert (result.status, "--force" in result.err) == (3, True)
    assert (folder / "copy.db").read_text() == "precious"
    assert run("backup", "copy.db", "--force").status == 0
    assert state(run, "copy.db") == state(run, "picosched.db")


@pytest.mark.usefixtures("tea")
def test_what_cannot_be_backed_up_is_told(run: Any, folder: Path) -> None:
    for words, told in (
        (("x.db", "--db", "nosuch.db"), "there is no database nosuch.db"),
        (("x.db", "--db", "rulesets"), "rulesets is a folder"),
        (("nosuch/x.db",), "cannot write nosuch/x.db"),
        (("rulesets", "--force"), "rulesets is a folder"),
        (("picosched.db", "--force"), "is the database itself"),
    ):
        result = run("backup", *words)
        assert (result.status, told in result.err) == (1, True), result.err
    assert not (folder / "x.db").exists()
    with Engine("busy.db") as busy:
        busy.root.install(COUNTED)
        assert run("backup", "busy.db", "--force").status == 3


@pytest.mark.parametrize("way", ["--db", "--url"])
def test_a_backup_is_of_one_moment_while_somebody_writes(run: Any, folder: Path, way: str) -> None:
    with running(folder, engine=Engine("busy.db")) as site:
        site.engine.root.install(COUNTED)
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                site.engine.root.raise_event("counted", "one")

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                place = ("--db", "busy.db") if way == "--db" else ("--url", site.url)
                assert run("backup", f"copy{number}.db", *place).status == 0
        finally:
            stop.set()
            writer.join()
    assert not [*folder.glob(".backup-*")]  # the server has ended, and with it the last answer
    counts = [consistent(folder / f"copy{number}.db") for number in range(5)]
    assert counts == sorted(counts) and counts[-1] > counts[0]


def consistent(copy: Path) -> int:
    """How often it was counted: the variable and the journal must say the same."""
    with sqlite3.connect(copy) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (turns,) = connection.execute(
            "SELECT count(*) FROM journal WHERE handled LIKE '%counted%'"
        ).fetchone()
    connection.close()
    with Engine(copy) as engine:
        count: int = engine.root.query("counted", "count")
    assert count == turns
    return count


@pytest.mark.usefixtures("tea")
def test_a_backup_wants_the_token(run: Any, folder: Path) -> None:
    with running(folder, token=True) as site:
        result = run("backup", "copy.db", "--url", site.url)
        assert (result.status, "found no token" in result.err) == (1, True)
        assert not (folder / "copy.db").exists()


@pytest.mark.usefixtures("tea")
@pytest.mark.parametrize("way", ["--db", "--url"])
def test_a_pico_moves_from_database_to_database(run: Any, folder: Path, way: str) -> None:
    told = run("export", "kitchen", "kitchen.json")
    assert told.out == "kitchen.json: the pico kitchen, rulesets: 1, scheduled events: 1\n"
    assert run("export", "kitchen", "kitchen.json").status == 3
    with running(folder) as site:
        place = ("--db", "other.db") if way == "--db" else ("--url", site.url)
        made = run("import", "kitchen.json", "--json", *place).json
        assert (made["name"], made["rulesets"], made["scheduled"]) == ("kitchen", ["tea_timer"], 1)
        (row,) = run("scheduled", "--pico", "kitchen", "--json", *place).lines
        assert row == run("scheduled", "--pico", "kitchen", "--json").json
        again = run("import", "kitchen.json", *place)
        assert (again.status, again.err) == (3, "error: there is a pico kitchen already\n")
        second = run("import", "kitchen.json", "--name", "galley", "--parent", "kitchen", *place)
        assert second.out.startswith("imported galley (")
        back = run("export", "galley", "-", "--history", *place).json
        assert back["rulesets"] == json.loads((folder / "kitchen.json").read_text())["rulesets"]
        assert {
            each["parent"] for each in run("picos", "--json", *place).lines if each["name"] == "galley"
        } == {"kitchen"}


@pytest.mark.usefixtures("tea")
@pytest.mark.parametrize("way", ["--db", "--url"])
def test_a_wrong_document_is_1_and_says_what_is_wrong(run: Any, folder: Path, way: str) -> None:
    run("export", "kitchen", "kitchen.json")
    document = json.loads((folder / "kitchen.json").read_text())
    cases = {
        "none.json": ("{}", "found no format"),
        "text.json": ("hello", "wanted JSON"),
        "list.json": ("[]", "wanted a JSON map"),
        "due.json": (json.dumps(document).replace('"due": "2', '"due": "x'), "scheduled[0].due"),
    }
    with running(folder) as site:
        place = ("--db", "picosched.db") if way == "--db" else ("--url", site.url)
        before = run("picos", "--json", *place).out
        for name, (text, told) in cases.items():
            (folder / name).write_text(text)
            result = run("import", name, "--name", "new", *place)
            assert (result.status, told in result.err) == (1, True), result.err
        assert run("import", "nosuch.json", *place).status == 1
        assert run("picos", "--json", *place).out == before


@pytest.mark.usefixtures("tea")
def test_a_document_goes_through_a_pipe(picosched: Any) -> None:
    document = picosched("export", "kitchen", "-").out
    assert picosched("import", "-", "--name", "two", input=document).status == 0
    assert picosched("picos", "--json").out.count('"two"') == 1
