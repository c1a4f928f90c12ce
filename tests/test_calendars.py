"""Schedules that go by calendars of the settings: what is told, and what happens when calendars change."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from picosched import Engine, VirtualClock
from picosched.check import check
from picosched.clock import format_time, parse_time
from picosched.errors import PicoschedError
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Outcome, Scheduled, Status
from picosched.settings import load_settings
from picosched.store.opening import examine
from picosched.timespec.timespec import FreeDay

START = "2026-05-11T00:00:00Z"
WORKS = {"works": {"dates": {"2026-05-13": "stocktaking", "2026-06-04": "outing"}}}
DESK = """
ruleset desk {
  meta { window hours from "business days at 8:00" to "daily at 18:00" }
  rule every {
    select when desk every
    fired { schedule desk event "rang" repeat event:attrs{"when"} attributes event:attrs.delete("when") }
  }
  rule rang { select when desk rang  send_directive("rang") }
  rule opened { select when window opened  send_directive("opened", event:attrs) }
}
"""

Opener = Callable[..., Engine]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens the same database again, later if asked to, with other settings."""
    engines: list[Engine] = []
    clock = VirtualClock(START)

    def open(**settings: Any) -> Engine:
        for each in engines:
            each.close()
        engine = Engine(tmp_path / "picos.db", clock=clock, **settings)
        engines.append(engine)
        if not engine.root.rulesets():
            engine.root.install(DESK)
        return engine

    yield open
    for each in engines:
        each.close()


def scheduled(engine: Engine, when: str, **attrs: Any) -> Scheduled:
    engine.root.raise_event("desk", "every", {"when": when, **attrs})
    return max(engine.agenda.scheduled(), key=lambda row: (row.kind == "repeat", row.created, row.id))


def clock_of(engine: Engine) -> VirtualClock:
    assert isinstance(engine.clock, VirtualClock)
    return engine.clock


def dues(engine: Engine) -> list[str]:
    return [format_time(each.due) for each in engine.agenda.scheduled() if each.kind == "repeat" and each.due]


def test_the_coming_days_that_are_left_out_are_told_and_never_come(opened: Opener) -> None:
    engine = opened(calendars=WORKS)
    (row,) = [scheduled(engine, "daily at 9 except calendar('works')", _name="bell")]
    told = engine.agenda.explained(row.id)
    assert told.words == "at 09:00 every day, except on days of the calendar works"
    assert told.left_out == (
        FreeDay(date(2026, 5, 13), "stocktaking"),
        FreeDay(date(2026, 6, 4), "outing"),
    )
    assert told.ending == 'calendar("works") knows no day after 2026-06-04: from then on it leaves none out'
    for _ in range(4 * 24):
        clock_of(engine).advance(hours=1)
        engine.run_due()
    assert [f"{each.nominal:%d}" for each in engine.agenda.history(id=row.id)] == ["14", "12", "11"]


def test_scheduling_by_a_calendar_that_ends_soon_warns(opened: Opener) -> None:
    engine = opened(calendars=WORKS)
    turn = engine.root.raise_event("desk", "every", {"when": "daily at 9 except calendar('works')"})
    (warning,) = turn.warnings
    assert 'calendar("works") knows no day after 2026-06-04' in warning
    assert (
        engine.root.raise_event("desk", "every", {"when": "daily at 9 except holidays('US')"}).warnings == []
    )


def test_another_calendar_moves_what_is_to_come(opened: Opener) -> None:
    engine = opened(calendars=WORKS)
    scheduled(engine, "daily at 9 except calendar('works')")
    scheduled(engine, "first business day of month at 9")
    scheduled(engine, "daily at 10 except calendar('works')", _name="moved")
    engine.agenda.move(Filter(name="moved"), "2026-05-11T20:00:00Z")
    assert dues(engine) == ["2026-05-11T09:00:00Z", "2026-05-11T20:00:00Z", "2026-06-01T09:00:00Z"]
    more = {"works": {"dates": ["2026-05-11", "2026-05-12", "2026-06-01"]}}
    engine = opened(calendars=more, business_days="works")
    assert dues(engine) == ["2026-05-11T20:00:00Z", "2026-05-13T09:00:00Z", "2026-06-02T09:00:00Z"]
    engine = opened(calendars=more, business_days="works")
    assert dues(engine) == ["2026-05-11T20:00:00Z", "2026-05-13T09:00:00Z", "2026-06-02T09:00:00Z"]


def test_a_schedule_whose_calendar_is_gone_is_paused_and_goes_on_when_it_is_back(opened: Opener) -> None:
    engine = opened(calendars=WORKS)
    row = scheduled(engine, "daily at 9 except calendar('works')", _name="bell")
    engine = opened()
    words = engine.agenda.explained(row.id).words
    assert words.startswith(
        'cannot be read: timespec "daily at 9 except calendar("works")", column 19: found'
    )
    assert words.endswith('"works", wanted the name of a table [calendar.NAME] of the settings')
    assert engine.agenda.next_times(row.id) == [row.due]
    clock_of(engine).advance(hours=10)
    engine.run_due()
    (fire,) = engine.agenda.history(id=row.id)
    assert fire.outcome is Outcome.FAILED
    assert 'found the calendar "works"' in (fire.why or "")
    assert engine.agenda.load(row.id).status is Status.PAUSED
    engine = opened(calendars=WORKS)
    (resumed,) = engine.agenda.resume(row.id)
    assert (resumed.status, format_time(resumed.due)) == (Status.PENDING, "2026-05-12T09:00:00Z")


@pytest.mark.files
def test_a_doctor_who_has_no_settings_finds_nothing_wrong_with_a_calendar(
    opened: Opener, tmp_path: Path
) -> None:
    engine = opened(calendars=WORKS)
    scheduled(engine, "daily at 9 except calendar('works')")
    entry = {"name": "bell", "when": "daily at 9 except calendar('works')", "event": "desk:rang"}
    engine.add_source({"type": "crontab", "to": {"pico": "root"}, "entries": [entry]})
    engine.close()
    assert examine(tmp_path / "picos.db") == []


def test_a_window_of_a_ruleset_goes_by_the_business_days(opened: Opener) -> None:
    engine = opened(calendars=WORKS, business_days="works")
    row = next(each for each in engine.agenda.scheduled() if each.kind == "window")
    assert format_time(row.due) == "2026-05-11T08:00:00Z"
    clock_of(engine).set("2026-05-12T19:00:00Z")
    while engine.run_due():
        pass
    due = next(each.due for each in engine.agenda.scheduled() if each.kind == "window")
    assert format_time(due) == "2026-05-14T08:00:00Z"
    assert 'business days of "works"' in engine.agenda.explained(row.id).words


def test_a_source_goes_by_calendars_too(opened: Opener) -> None:
    engine = opened(calendars=WORKS)
    entry = {"name": "bell", "when": "daily at 9 except calendar('works')", "event": "desk:rang"}
    id = engine.add_source({"type": "crontab", "to": {"pico": "root"}, "entries": [entry]})
    engine = opened(calendars=WORKS)
    (state,) = engine.source(id).entries
    assert (engine.source(id).error, state.due) == (None, parse_time("2026-05-11T09:00:00Z"))
    clock_of(engine).set("2026-05-12T10:00:00Z")
    engine.run_due()
    assert engine.source(id).due == parse_time("2026-05-14T09:00:00Z")
    wrong = {
        "type": "crontab",
        "to": {"pico": "root"},
        "entries": [{**entry, "when": "daily except calendar('w')"}],
    }
    with pytest.raises(PicoschedError, match='found the calendar "w", wanted one of works'):
        engine.add_source(wrong)


CHECKED = 'ruleset r { rule r { select when a b  always { schedule a event "b" repeat %s } } }'


@pytest.mark.parametrize(
    ("timespec", "wanted"),
    [
        ("weekdays except calendar('works')", []),
        ("weekdays except calendar('work')", ["W408"]),
        ("weekdays except holidays('ZZ')", ["W408"]),
        ("weekdays except calendar('old')", ["W409"]),
        ("every business day", []),
        ("every business day except calendar(", ["E304"]),
    ],
)
def test_check_knows_the_calendars_it_is_given(timespec: str, wanted: list[str]) -> None:
    dates = {"works": {"dates": ["--05-13"]}, "old": {"dates": ["2020-01-01"]}}
    known = load_settings(None, {}, calendars=dates, business_days="US").almanac
    found = check(CHECKED % f'"{timespec}"', "r.krl", known, parse_time(START))
    assert [each.code for each in found if each.code != "W401"] == wanted


@pytest.mark.slow
def test_without_the_packages_it_is_said_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "holidays.py").write_text("raise ModuleNotFoundError('holidays')")
    (tmp_path / "icalendar.py").write_text("raise ModuleNotFoundError('icalendar')")
    (tmp_path / "works.ics").write_text("BEGIN:VCALENDAR")
    (tmp_path / "picosched.toml").write_text('[calendar]\nworks = {ics = "works.ics"}')

    def said(timespec: str) -> str:
        line = [sys.executable, "-c", "from picosched.cli.main import main; main()", "next", timespec]
        return subprocess.run(
            line, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": "."}
        ).stderr

    install = "pip install 'picosched[calendars]'"
    assert f"holidays(…) needs the package holidays: {install}" in said("daily except holidays('US')")
    assert f"an ICS file needs the package icalendar: {install}" in said("daily except calendar('works')")
