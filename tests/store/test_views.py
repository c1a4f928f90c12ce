"""The views for people: what they show is what the engine says, in both kinds of database alike."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres_server import Server

from picosched import Engine, VirtualClock
from picosched.acting import HTTP, Actor
from picosched.clock import parse_time
from picosched.krl.large_map import MANY

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
QUESTIONS = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)

RULES = """ruleset standup {
  rule plan {
    select when standup wanted
    fired {
      schedule standup event "due" repeat "0 9 * * *" attributes {"_name": "standup", "level": 3}
      ent:large := (1).range(MANY).collect(function(n) { "k" + n })
      schedule standup event "broken" at "2026-03-01T10:00:30Z"
    }
  }
  rule due {
    select when standup due
    always { ent:seen := ent:seen.defaultsTo(0) + 1  ent:large{"last"} := [] }
  }
  rule broken { select when standup broken send_directive("x", {"t": time:add("soon", {"days": 1})}) }
}""".replace("MANY", str(MANY + 1))

Ask = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(params=["file", "postgres"])
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Ask]]:
    """An engine at work in which something happened, and its database asked from outside."""
    server: Server = request.getfixturevalue("postgres")
    address = server.new_database() if request.param == "postgres" else str(tmp_path / "picos.db")
    with Engine(address, VirtualClock("2026-03-01T08:00:00Z")) as engine:
        engine.root.install(RULES)
        engine.root.raise_event("standup", "wanted")
        engine.root.raise_event("standup", "nobody")
        engine.run_until("2026-03-02T12:00:00Z")
        if request.param == "file":
            connection = sqlite3.connect(f"file:{address}?mode=ro", uri=True)

            def ask(question: str) -> list[dict[str, Any]]:
                found = connection.execute(question)
                return [dict(zip([each[0] for each in found.description], row, strict=True)) for row in found]
        else:

            def ask(question: str) -> list[dict[str, Any]]:
                with psycopg.connect(address, row_factory=psycopg.rows.dict_row) as found:
                    return found.execute(question).fetchall()

        yield engine, ask


def test_what_they_show_is_what_the_engine_says(asked: tuple[Engine, Ask]) -> None:
    engine, ask = asked
    shown = {row["id"]: row for row in ask("SELECT * FROM schedules")}
    rows = [engine.agenda.load(id) for id in shown]
    assert len(rows) == 2
    for row in rows:
        view = shown[row.id]
        assert (view["name"], view["event"]) == (row.name, f"{row.domain}:{row.type}")
        assert (view["pico"], view["pico_id"]) == ("root", engine.root.id)
        assert (view["status"], view["fires"], view["made_by"]) == (row.status, row.fires, "standup.plan")
        assert [view[each] and parse_time(view[each]) for each in ("due", "created", "fired", "asked")] == [
            row.due,
            row.created,
            row.fired,
            row.asked,
        ]
        assert json.loads(view["attrs"]) == row.attrs
    fires = ask("SELECT * FROM fires ORDER BY nominal")
    assert [(each["schedule"], each["outcome"], each["rules"]) for each in fires] == [
        ("standup", "fired", '["standup.due"]'),
        (None, "failed", "[]"),
        ("standup", "fired", '["standup.due"]'),
    ]
    assert (
        fires[0]["nominal"] == fires[0]["fired"] == "2026-03-01T09:00:00.000Z" and fires[0]["lateness"] == 0
    )
    turns = ask("SELECT * FROM turns ORDER BY seq")
    assert [(each["event"], each["failures"]) for each in turns] == [
        ("standup:wanted", 0),
        ("standup:nobody", 0),
        ("standup:due", 0),
        ("standup:broken", 1),
        ("standup:due", 0),
    ]
    assert [json.loads(each["rules"]) for each in turns] == [
        ["standup.plan"],
        [],
        ["standup.due"],
        [],
        ["standup.due"],
    ]
    values = {row["name"]: json.loads(row["value"]) for row in ask("SELECT * FROM variables")}
    assert values["seen"] == 2
    assert list(values["large"]) == [*(f"k{number}" for number in range(1, MANY + 2)), "last"]


def test_text_that_postgres_has_not_is_shown(asked: tuple[Engine, Ask]) -> None:
    engine, ask = asked
    odd = {"nul": "a\0b", "backslash": "\\u0000", "good": "\U0001f600"}
    engine.root.raise_event("odd", "text", odd)
    assert ask("SELECT event FROM turns ORDER BY seq DESC LIMIT 1") == [{"event": "odd:text"}]
    filled = f"ent:all := (1).range({MANY}).collect(function(n) {{ n }})"
    keeps = 'rule keep { select when odd key always { ent:all{event:attrs{"key"}} := 1 } }'
    halves = r'rule half { select when odd half always { ent:all{"[\"\ud800\"]".decode()[0]} := 1 } }'
    begins = f"rule begin {{ select when odd text always {{ {filled} }} }}"
    engine.root.install(f"ruleset odd {{ {begins} {keeps} {halves} }}")
    engine.root.raise_event("odd", "text")
    for key in odd.values():
        engine.root.raise_event("odd", "key", {"key": key})
    assert engine.root.raise_event("odd", "half").errors == []
    (row,) = ask("SELECT value FROM variables WHERE rid = 'odd'")
    assert len(json.loads(row["value"])) == MANY + len(odd) + 1


def test_each_question_of_the_page_has_an_answer(asked: tuple[Engine, Ask]) -> None:
    _, ask = asked
    assert len(QUESTIONS) == 10
    answers = [ask(question) for question in QUESTIONS]
    assert [number for number, answer in enumerate(answers) if not answer] == [1, 9]  # none paused, no tea
    assert answers[0] == [{"due": "2026-03-03T09:00:00.000Z", "event": "standup:due", "pico": "root"}]


def test_each_occurrence_counts_once_also_after_a_backfill(asked: tuple[Engine, Ask]) -> None:
    engine, ask = asked
    (question,) = [each for each in QUESTIONS if "sum(" in each and "stands_for" in each]
    assert isinstance(engine.clock, VirtualClock)

    def occurrences() -> dict[str, int]:
        return {row["outcome"]: int(row["occurrences"]) for row in ask(question)}

    assert occurrences() == {"fired": 2, "failed": 1}
    engine.clock.set("2026-03-12T12:00:00Z")
    engine.run_due()
    assert occurrences() == {"coalesced": 10, "fired": 2, "failed": 1}
    (row,) = engine.agenda.scheduled()
    engine.agenda.backfill(row.id, "2026-03-06T00:00:00Z", "2026-03-08T00:00:00Z")
    assert occurrences() == {"coalesced": 8, "late": 2, "fired": 2, "failed": 1}
    engine.agenda.backfill(row.id, "2026-02-27T00:00:00Z", "2026-03-12T12:00:00Z")
    assert occurrences() == {"coalesced": 1, "late": 11, "fired": 2, "failed": 1}


def test_the_columns_are_those_of_the_page_in_both(asked: tuple[Engine, Ask]) -> None:
    _, ask = asked
    page = PAGE.read_text(encoding="utf-8")
    for view in ("schedules", "fires", "turns", "variables"):
        table = page[page.index(f"| `{view}` |") :].partition("\n\n")[0]
        told = [
            name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])
        ]
        assert sorted(told) == sorted(ask(f"SELECT * FROM {view}")[0])


def test_sqlite_utils_reads_them_while_an_engine_works(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db") as engine:
        engine.root.install(RULES)
        engine.root.raise_event("standup", "wanted")
        command = [sys.executable, "-m", "sqlite_utils", "rows", str(tmp_path / "picos.db"), "schedules"]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        assert {row["event"] for row in json.loads(result.stdout)} == {"standup:due", "standup:broken"}
        engine.root.raise_event("standup", "wanted")


@pytest.mark.parametrize("ms", [-1, -1000, -1001, 0, 999, 1_772_355_600_250, -62_135_596_800_000])
def test_a_time_is_the_same_in_both(ms: int, tmp_path: Path, postgres: Server) -> None:
    found = []
    for address in (str(tmp_path / "picos.db"), postgres.new_database()):
        Engine(address).close()
        fire = (
            "INSERT INTO fire (scheduled, nominal, pico, fired, lateness, outcome, rules, stands_for) "
            f"VALUES ('s', {ms}, 'p', {ms}, 0, 'fired', '[]', 1)"
        )
        look = "SELECT nominal FROM fires"
        if address.startswith("postgres"):
            with psycopg.connect(address) as connection:
                connection.execute(fire)
                found.append(connection.execute(look).fetchone())
        else:
            with sqlite3.connect(address) as file:
                file.execute(fire)
                found.append(file.execute(look).fetchone())
    assert found[0] == found[1] is not None
    assert round((parse_time(found[0][0]) - parse_time("1970-01-01")).total_seconds() * 1000) == ms


def test_an_occurrence_of_a_source_for_many_picos_is_counted_once(asked: tuple[Engine, Ask]) -> None:
    engine, ask = asked
    (question,) = [each for each in QUESTIONS if "sum(f.stands_for" in each]
    before = {row["outcome"]: row["occurrences"] for row in ask(question)}
    line = {"name": "line", "when": "0 * * * *", "event": "standup:nothing"}
    engine.new_pico("other").install(RULES)
    engine.add_source({"type": "crontab", "name": "all", "to": {"rid": "standup"}, "entries": [line]})
    engine.run_until("2026-03-02T15:00:00Z")
    assert len(engine.history()) == 3 + 3 * (1 + 2)
    assert {row["outcome"]: row["occurrences"] for row in ask(question)} == {
        **before,
        "fired": before["fired"] + 3,
    }


def test_a_schedule_of_a_person_names_the_person(asked: tuple[Engine, Ask]) -> None:
    engine, ask = asked
    anna = engine.acting(Actor(HTTP, "anna")).root
    row = anna.schedule("standup", "due", at="2026-03-03", attributes={"_name": "once"}).row
    (view,) = ask("SELECT * FROM schedules WHERE name = 'once'")
    assert view["made_by"] == row.made_by == 'HTTP as "anna"'
