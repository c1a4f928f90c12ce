"""The time that was asked for, beside the time it was rounded to: kept, listed and recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from picosched import Engine, VirtualClock
from picosched.cli.main import main
from picosched.clock import format_time, parse_time
from picosched.schedule.scheduled import Scheduled

TIMES = """
ruleset times {
  meta { shares listed, history }
  global {
    listed = function() { event:list_scheduled().map(function(each) { each{"next_scheduled"} }) }
    history = function(id) { event:get_history(id) }
  }
  rule at {
    select when times at
    fired { schedule times event "came" at event:attrs{"when"} attributes event:attrs.delete("when") }
  }
  rule repeat {
    select when times repeat
    fired { schedule times event "came" repeat event:attrs{"when"} attributes event:attrs.delete("when") }
  }
  rule came { select when times came }
}
"""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock("2026-03-01T00:00:00Z")


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", clock, min_period=0, seed=1) as engine:
        engine.root.install(TIMES)
        yield engine


def made(engine: Engine, type: str, when: str, **attrs: object) -> Scheduled:
    turn = engine.root.raise_event("times", type, {"when": when, **attrs})
    assert turn.errors == []
    (row,) = turn.scheduled.values()
    return row


def told(row: Scheduled | None) -> tuple[str | None, str | None]:
    assert row is not None
    return row.due and format_time(row.due), row.asked and format_time(row.asked)


def test_an_at_within_a_minute(engine: Engine, clock: VirtualClock) -> None:
    row = made(engine, "at", "2026-03-01T10:00:05Z")
    assert told(row) == told(engine.agenda.find(row.id)) == ("2026-03-01T10:01:00Z", "2026-03-01T10:00:05Z")
    asked = parse_time("2026-03-01T10:00:05Z")
    assert engine.root.query("times", "listed") == [asked.timestamp()]
    assert engine.root.query("times", "history", {"id": row.id}) == {"next": "2026-03-01T10:00:05Z"}
    assert engine.run_until("2026-03-01T10:00:59Z") == 0
    assert engine.run_until("2026-03-01T10:01:00Z") == 1
    (fire,) = engine.history(id=row.id)
    assert (format_time(fire.nominal), fire.asked, fire.lateness) == ("2026-03-01T10:01:00Z", asked, 0)
    assert told(engine.agenda.find(row.id)) == (None, None)
    assert engine.root.query("times", "history", {"id": row.id}) == {
        "code": 200,
        "status": "200 OK",
        "fired": "2026-03-01T10:01:00Z",
        "keep_until": "2026-03-31T10:01:00Z",
    }


def test_a_repeat_has_the_time_of_each_occurrence(engine: Engine) -> None:
    row = made(engine, "repeat", "5,10 0 10 * * *")
    assert told(row) == ("2026-03-01T10:01:00Z", "2026-03-01T10:00:05Z")
    engine.run_until("2026-03-01T12:00:00Z")
    assert told(engine.agenda.find(row.id)) == ("2026-03-02T10:01:00Z", "2026-03-02T10:00:05Z")
    assert [each.asked for each in engine.history(id=row.id)] == [row.asked]
    whole = made(engine, "repeat", "0 9 * * *")
    assert told(whole) == ("2026-03-02T09:00:00Z", None)


def test_a_jitter_puts_off_what_was_asked_for(engine: Engine) -> None:
    row = made(engine, "repeat", "0 9 * * *", _jitter=300)
    assert row.due is not None and row.due - row.put_off == row.asked == parse_time("2026-03-01T09:00:00Z")


def test_what_is_moved_paused_and_cancelled(engine: Engine, clock: VirtualClock) -> None:
    row = made(engine, "at", "2026-03-01T10:00:05Z")
    (moved,) = engine.agenda.move(row.id, "2026-03-01T11:00:07Z")
    assert told(moved) == told(engine.agenda.find(row.id)) == ("2026-03-01T11:01:00Z", "2026-03-01T11:00:07Z")
    (moved,) = engine.agenda.move(row.id, "2026-03-01T11:00:00Z")
    assert told(moved) == ("2026-03-01T11:00:00Z", None)
    engine.agenda.move(row.id, timedelta(seconds=9))
    (cancelled,) = engine.agenda.cancel(row.id)
    assert told(cancelled) == told(engine.agenda.find(row.id)) == (None, None)
    assert [each.asked for each in engine.history(id=row.id)] == [parse_time("2026-03-01T11:00:09Z")]
    repeat = made(engine, "repeat", "30 0 10 * * *")
    engine.agenda.pause(repeat.id)
    clock.advance(days=3)
    engine.agenda.resume(repeat.id)
    assert told(engine.agenda.find(repeat.id)) == ("2026-03-04T10:01:00Z", "2026-03-04T10:00:30Z")
    assert engine.history(id=repeat.id)[0].asked == parse_time("2026-03-01T10:00:30Z")


def test_a_time_that_has_passed_is_due_now(engine: Engine) -> None:
    assert told(made(engine, "at", "2020-01-01T00:00:05Z")) == ("2026-03-01T00:00:00Z", None)


def test_commands_show_both(
    engine: Engine, tmp_path: Path, clock: VirtualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    row = made(engine, "at", "2026-03-01T10:00:05Z")
    engine.close()

    def shown(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--db", str(tmp_path / "picos.db")])
        assert not ended.value.code
        return capsys.readouterr().out

    assert "2026-03-01T10:01:00Z (asked 10:00:05)" in shown("scheduled")
    assert "due        2026-03-01T10:01:00Z, asked for 2026-03-01T10:00:05Z" in shown("show", row.id)
    assert json.loads(shown("scheduled", "--json"))["asked"] == "2026-03-01T10:00:05Z"
    shown("cancel", row.id)
    assert "2026-03-01T10:01:00Z (asked 10:00:05)" in shown("history")
    assert json.loads(shown("history", "--json"))["asked"] == "2026-03-01T10:00:05Z"
