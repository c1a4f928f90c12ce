"""What is to come of schedules and sources that are tied to a window: outside it nothing is counted, and of a
window that is gone it is told that all will fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched import Engine, VirtualClock
from picosched.clock import computed, format_time, parse_time
from picosched.engine.forecast import windows_of_rows
from picosched.schedule.filter import Filter
from picosched.schedule.window import Window
from picosched.schedule.within import Within
from picosched.store.faults import StoreError
from picosched.timespec.timespec import Timespec
from picosched.web.console.lanes import Axis, draw
from picosched.web.console.month import month
from picosched.web.console.source_lanes import source_tracks

START = "2026-03-01T12:00:00Z"
RULES = 'ruleset bed { rule look { select when bed look send_directive("seen") } }'
GONE = "there is no window mornings"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", VirtualClock(START), seed=1, min_period=0) as engine:
        engine.root.install(RULES)
        engine.add_window("mornings", "0 8 * * *", "0 10 * * *")
        yield engine


def hourly(engine: Engine, **more: Any) -> str:
    attributes = {"_window": "mornings", "_name": "hourly"}
    return engine.root.schedule("bed", "look", repeat="0 * * * *", attributes=attributes, **more).id


def table(engine: Engine, name: str = "table", **line: Any) -> str:
    entry = {"name": "line", "when": "0 * * * *", "event": "bed:look", "window": "mornings", **line}
    return engine.add_source({"type": "crontab", "name": name, "to": {"pico": "root"}, "entries": [entry]})


def metronome(engine: Engine, interval: int, window: str = "mornings") -> str:
    told = {"type": "metronome", "name": "pulse", "interval": interval, "to": {"pico": "root"}}
    return engine.add_source({**told, "event": "bed:look", "window": window})


def told(engine: Engine, **which: Any) -> list[tuple[str, str | None, str, str, int]]:
    found = engine.not_firing(Filter(**which), 1)
    return [(format_time(each.at), each.name, each.outcome, each.why, each.occurrences) for each in found]


def test_what_a_window_that_is_gone_makes_fail_is_told_and_not_counted(engine: Engine) -> None:
    id, source = hourly(engine), table(engine)
    once = engine.root.schedule("bed", "look", at="2026-03-01T20:00:00Z", attributes={"_window": "mornings"})
    assert [each[2] for each in told(engine)] == ["skipped", "skipped", "skipped"]
    assert len(engine.agenda.next_times(id)) == 5 and engine.load().total == 7 * 2 * 2 + 1
    engine.remove_window("mornings", force=True)

    assert sorted(told(engine), key=str) == [
        ("2026-03-01T13:00:00Z", "hourly", "failed", GONE, 24),
        ("2026-03-01T13:00:00Z", "table", "failed", GONE, 24),
        ("2026-03-01T20:00:00Z", None, "failed", GONE, 1),
    ]
    assert told(engine, text="table") == [("2026-03-01T13:00:00Z", "table", "failed", GONE, 24)]
    assert [each[1] for each in told(engine, pico_id=engine.root.id)] == ["hourly", None]
    for each in (id, once.id):
        assert engine.agenda.next_times(each) == []
        assert engine.agenda.explained(each).shut == GONE
        last = engine.why(each).links[-1]
        assert (last.name, last.held, last.text) == ("window", False, GONE)
    assert engine.why(source).broke is not None and GONE in str(engine.why(source).lines())
    assert "VEVENT" not in engine.ics(Filter())
    assert engine.load().total == 0
    tracks = source_tracks(engine, Filter(), Axis.of("week", engine.now()))
    assert [each.marks for each in tracks] == [()]

    engine.run_until("2026-03-02T12:00:00Z")
    fires = engine.history(limit=1_000)
    assert {each.outcome.value for each in fires} == {"failed"} and len(fires) == 24 + 24 + 1


def test_a_steady_source_with_a_window_is_counted_within_it(engine: Engine) -> None:
    metronome(engine, 60_000)
    load = engine.load()
    assert load.steady == [] and [*load.hours.values()] == [60] * 2 * 7
    assert {at.hour for at in load.hours} == {8, 9}


@pytest.mark.slow
def test_looking_for_times_that_never_meet_their_window_ends(engine: Engine) -> None:
    engine.add_window("odd", "30 1-59/2 * * * *", "0 0-58/2 * * * *")
    metronome(engine, 60_000, "odd")
    table(engine, "noon", when="0 12 * * *")
    begun = computed()
    assert engine.load(until=engine.now() + timedelta(days=31)).total == 0
    assert computed() - begun < 2


@pytest.mark.files
def test_a_store_that_fails_is_no_window_that_is_gone(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock(START), min_period=0) as engine:
        engine.root.install(RULES)
        engine.add_window("mornings", "0 8 * * *", "0 10 * * *")
        id = hourly(engine)
        table(engine)
        with closing(sqlite3.connect(tmp_path / "picos.db")) as other:
            other.execute("ALTER TABLE made_window RENAME TO hidden")
        for ask in (
            engine.load,
            lambda: engine.not_firing(Filter()),
            lambda: engine.ics(Filter()),
            lambda: engine.coming_of_sources(engine.now() + timedelta(days=1)),
            lambda: engine.agenda.next_times(id),
        ):
            with pytest.raises(StoreError):
                ask()


@pytest.mark.files
def test_windows_are_read_once_however_many_are_tied_to_them(engine: Engine) -> None:
    for number in range(20):
        table(engine, f"table {number}")
        hourly(engine)
    asked: list[str] = []
    engine.store._database._connection.set_trace_callback(asked.append)  # type: ignore[attr-defined]
    engine.load()
    engine.not_firing(Filter())
    assert sum("made_window" in each for each in asked) == 4  # schedules and sources, twice


@settings(deadline=None)
@given(
    st.sampled_from(["*/7 * * * *", "0 * * * *", "daily at 8:00", "every 95 minutes", "30 59 9 * * *"]),
    st.sampled_from(["0 8 * * *", "30 */2 * * *", "0 9 * * 1-5", "7 7 1 1 *"]),
    st.sampled_from(["0 10 * * *", "0 */2 * * *", "0 17 * * *", "0 0 1 2 *"]),
    st.integers(0, 100_000),
    st.integers(0, 200_000),
)
def test_times_within_a_window_are_those_at_which_it_is_open(
    times: str, opens: str, closes: str, skipped: int, seconds: int
) -> None:
    timespec, window = Timespec.parse(times), Window.parse("day", opens, closes)
    start = parse_time(START) + timedelta(seconds=skipped)
    end = start + timedelta(seconds=seconds)
    expected = [each for each in timespec.between(start, end) if window.open_at(each)]
    assert [*Within(timespec, window).between(start, end)] == expected


def test_the_timeline_keeps_to_windows(engine: Engine) -> None:
    ids = [
        engine.root.schedule("bed", "look", repeat=repeat, attributes={"_window": "mornings"}).id
        for repeat in ("0 * * * *", "* * * * *", "0 12 * * *")
    ]
    rows, now = engine.scheduled(), engine.now()
    windows = {row.id: window for row, window in windows_of_rows(engine, rows)}
    axis = Axis.of("week", now)
    tracks = {each.row.id: each for each in draw(rows, axis, 1, None, windows).lanes[0].tracks}
    assert [tracks[each].count for each in ids] == [7 * 2, 7 * 2 * 60, 0]
    assert all(mark.first.hour in (8, 9) for each in tracks.values() for mark in each.marks)
    days = month(rows, [], now, ZoneInfo("UTC"), 1, windows)
    assert {day.total for day in days if day.date > now.date()} == {2 + 120}
