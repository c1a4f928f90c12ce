"""What is asked again and again finds its rows by an index: no question goes through a whole table.

Each question of the table below is put to a store, and SQLite is asked how it finds its rows.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Status
from picosched.store.left_out import LeftOut
from picosched.store.store import Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOME = LeftOut(ids=frozenset({"a"}), owners=frozenset({"p"}))
SCAN = re.compile(r"SCAN (scheduled|fire|journal|delivery|received)\b")

QUESTIONS: dict[str, tuple[Callable[[Store], object], str]] = {
    "a row by its id": (lambda s: s.agenda.find("a"), "sqlite_autoindex_scheduled_1"),
    "records of one event": (lambda s: s.agenda.fires(id="a"), "sqlite_autoindex_fire_1"),
    "records of one event of a pico": (
        lambda s: s.agenda.fires(pico_id="p", id="a"),
        "sqlite_autoindex_fire_1",
    ),
    "records of a pico": (lambda s: s.agenda.fires(pico_id="p"), "fire_pico"),
    "the last record of one event": (lambda s: s.agenda.last_raised("a"), "sqlite_autoindex_fire_1"),
    "the last time of one event": (lambda s: s.agenda.last_nominal("a"), "sqlite_autoindex_fire_1"),
    "records of one event in a time": (
        lambda s: s.agenda.records_between("a", NOW, NOW, 5),
        "sqlite_autoindex_fire_1",
    ),
    "records behind a mark": (lambda s: s.agenda.records_after(7), "INTEGER PRIMARY KEY"),
    "ids that begin so": (lambda s: s.agenda.ids_like("a"), "sqlite_autoindex_scheduled_1"),
    "pauses that are over": (lambda s: s.agenda.resumable(NOW, 5), "scheduled_paused"),
    "programs": (lambda s: s.agenda.programs("proc", 5, SOME), "scheduled_program"),
    "rows of a name": (lambda s: s.agenda.first_named("p", "r", "n", ("at",), 5), "scheduled_name"),
    "windows of a ruleset": (lambda s: s.agenda.windows("p", "r"), "scheduled_name"),
    "schedules within windows": (lambda s: s.windows.tied(), "scheduled_window"),
    "schedules within a window": (lambda s: s.windows.tied_to("w", ["h"], 5), "scheduled_window"),
    "rows that a rule finds by name": (
        lambda s: s.agenda.matching(Filter(pico_id="p", rid="r", name="n"), 5),
        "scheduled_name",
    ),
    "rows of a ruleset as they were made": (
        lambda s: s.scheduled_as_made(Filter(pico_id="p", rid="r"), 5),
        "scheduled_turn",
    ),
    "what a pico has to come": (lambda s: s.agenda.matching(Filter(pico_id="p"), 5), "scheduled_turn"),
    "what is old": (lambda s: s.agenda.prunable(NOW, NOW), "scheduled_kept"),
    "turns that are old": (lambda s: s.journal.prunable(NOW, NOW), "INTEGER PRIMARY KEY"),
    "turns of a pico": (lambda s: s.journal.entries("p"), "journal_pico"),
    "a page of the records of one event": (
        lambda s: s.pages.fires("9", 5, pico_id="p", id="a"),
        "sqlite_autoindex_fire_1",
    ),
    "a page of the records of a pico": (lambda s: s.pages.fires("9", 5, pico_id="p"), "fire_pico"),
    "a page of turns": (lambda s: s.pages.journal("9", 5, pico_id="p"), "journal_pico"),
    "a page of what is pending": (
        lambda s: s.pages.scheduled(Filter(status=(Status.PENDING,)), None, 5),
        "scheduled_due",
    ),
    "deliveries that are due": (lambda s: s.deliveries.due(NOW, 5, SOME), "delivery_due"),
    "deliveries of a pico": (lambda s: s.deliveries.waiting_of("p"), "delivery_pico"),
    "dead letters": (lambda s: s.deliveries.listed(dead=True, limit=5), "delivery_dead"),
    "dead letters that are old": (lambda s: s.deliveries.prunable(NOW), "delivery_dead"),
    "what is due": (lambda s: s.due.first(NOW, 5, SOME), "scheduled_due"),
    "what is due of picos": (lambda s: s.due.due_of(["p"], NOW, 5), "scheduled_turn"),
    "picos that have something due": (lambda s: s.due.more_due(s.due.watch(), NOW, 5), "scheduled_due"),
    "the next row": (lambda s: s.due.soonest(scheduled=SOME), "scheduled_due"),
    "the next entry": (lambda s: s.due.soonest(entries=SOME), "source_entry_due"),
    "the next delivery": (lambda s: s.due.soonest(deliveries=SOME), "delivery_due"),
    "the next program": (lambda s: s.due.soonest(programs=SOME), "scheduled_program"),
}


class Explained:
    """A connection that notes how it finds what each statement wants."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.plan: list[str] = []

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        self.plan += [step for *_, step in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        return self._connection.execute(sql, values)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_finds_its_rows_by_an_index(question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, (ask, index) = Store(), QUESTIONS[question]
    explained = Explained(store._database._connection)
    with monkeypatch.context() as patch:
        patch.setattr(store._database, "_connection", explained)
        ask(store)
    store.close()
    assert any(index in step for step in explained.plan), explained.plan
    assert not [step for step in explained.plan if SCAN.match(step)], explained.plan
