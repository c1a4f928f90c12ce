"""Windows whose calendar is gone, whose rules take too long to tell what they select, and those of others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from postgres_server import Server

from picosched import Engine, PicoschedError, VirtualClock
from picosched.clock import format_time

SUNDAY = "2026-03-01T12:00:00Z"
FAIR = ('0 8 * * * & calendar("fair")', "0 18 * * *")
EDGES = """ruleset edges {
  meta { shares seen }
  global { seen = function() { ent:seen.defaultsTo([]) } }
  rule edge {
    select when window opened or window closed
    always { ent:seen := seen().append(event:type + " " + event:attrs{"at"}) }
  }
}"""
SLOW = """ruleset slow {
  meta { window own from ent:on.defaultsTo("0 8 * * *") to "0 18 * * *" }
  rule edge { select when window opened name re#^(a|aa|a?a)+$# send_directive("slow") }
  rule hours { select when slow hours always { ent:on := event:attrs{"on"} } }
}"""


def fair(*dates: str) -> dict[str, Any]:
    return {"calendars": {"fair": {"dates": [*dates]}}, "min_period": 0}


def dues(engine: Engine) -> list[str]:
    """The next edges."""
    rows = [each for each in engine.scheduled() if each.kind == "window"]
    return [f"{each.name} {each.type} {format_time(each.due)}" for each in rows if each.due]


def test_edges_come_again_with_the_calendar_of_a_window(tmp_path: Path) -> None:
    """It was gone for one run of the engine, in which an edge was due."""
    path, clock = tmp_path / "picos.db", VirtualClock(SUNDAY)
    with Engine(path, clock, **fair("2026-03-01", "2026-03-04")) as engine:
        engine.root.install(EDGES)
        engine.add_window("fair", *FAIR)
    with Engine(path, clock, min_period=0) as engine:
        engine.run_until("2026-03-02T12:00:00Z")
        assert dues(engine) == []
    with Engine(path, clock, **fair("2026-03-01", "2026-03-04")) as engine:
        assert dues(engine) == ["fair opened 2026-03-04T08:00:00Z"]
        engine.run_until("2026-03-05T12:00:00Z")
        assert engine.root.query("edges", "seen") == [
            "opened 2026-03-04T08:00:00Z",
            "closed 2026-03-04T18:00:00Z",
        ]


@pytest.mark.parametrize("configured", [True, False])
def test_edges_follow_the_days_of_a_calendar(tmp_path: Path, configured: bool) -> None:
    path, clock = tmp_path / "picos.db", VirtualClock(SUNDAY)

    def opened(date: str) -> Engine:
        windows = {"fair": {"from": FAIR[0], "to": FAIR[1]}} if configured else {}
        return Engine(path, clock, windows=windows, **fair(date))

    with opened("2026-03-03") as engine:
        engine.root.install(EDGES)
        if not configured:
            engine.add_window("fair", *FAIR)
        assert dues(engine) == ["fair opened 2026-03-03T08:00:00Z"]
    with opened("2026-03-05") as engine:
        assert dues(engine) == ["fair opened 2026-03-05T08:00:00Z"]
    with opened("2026-03-01") as engine:
        assert dues(engine) == ["fair closed 2026-03-01T18:00:00Z"]


@pytest.mark.slow
def test_a_pattern_that_takes_too_long_selects_no_window_and_holds_up_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock(SUNDAY), min_period=0) as engine:
        picos = [engine.new_pico(f"p{number}") for number in range(20)]
        for pico in picos:
            pico.install(SLOW)
        endless = "a" * 63 + "-"
        engine.add_window(endless, "0 8 * * *", "0 18 * * *")
        engine.add_window("aaa", "0 8 * * *", "0 18 * * *")
        assert dues(engine) == ["aaa closed 2026-03-01T18:00:00Z"] * 20
        assert picos[0].raise_event("slow", "hours", {"on": "0 9 * * *"}).errors == []
        engine.new_pico("late").install(SLOW)
        assert len(dues(engine)) == 21
    assert caplog.text.count(f"does not follow the window {endless}") == 1


@pytest.mark.files
def test_a_damaged_row_is_told_and_stops_no_other(tmp_path: Path) -> None:
    path, clock = tmp_path / "picos.db", VirtualClock(SUNDAY)
    with Engine(path, clock) as engine:
        engine.add_window("broken", "0 8 * * *", "0 18 * * *")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE made_window SET opens = X'ff'")
    with Engine(path, clock) as engine:
        engine.root.install(EDGES)
        (state,) = engine.windows()
        assert state.fault is not None and "found no text in its row" in state.fault
        engine.add_window("day", "0 8 * * *", "0 18 * * *")
        assert dues(engine) == ["day closed 2026-03-01T18:00:00Z"]
        assert engine.remove_window("broken", force=True)


@pytest.fixture
def opened(postgres: Server) -> Iterator[Callable[..., Engine]]:
    """Opens engines on one database."""
    address = postgres.emptied_database()
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(Engine(address, **settings))


@pytest.mark.slow
def test_a_command_with_other_settings_leaves_those_of_the_machines(opened: Callable[..., Engine]) -> None:
    one = opened(windows={"office": {"from": "0 8 * * *", "to": "0 18 * * *"}})
    one.root.install(EDGES)
    one.start()
    known = dues(one)
    other = opened()
    assert dues(one) == known != []
    with pytest.raises(PicoschedError, match=r"office is a table \[window.office\] of the settings"):
        other.add_window("office", "0 8 * * *", "0 18 * * *")
    other.start()  # the one that was started last is right
    assert dues(one) == []
