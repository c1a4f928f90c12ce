"""What the database refuses for ever waits longer and longer, and everything else is on time."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postgres_server import Server
from racing import until

from picosched import Engine, VirtualClock
from picosched.due.putting_off import LONGEST, MOST, PutOff

START = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RULESET = """ruleset beats {
  meta { shares total, bad }
  global {
    total = function() { ent:total.defaultsTo(0) }
    bad = function() { ent:bad.defaultsTo([]) }
  }
  rule plan { select when beats plan
    always {
      schedule beats event "bad" at time:add(time:now(), {"seconds": 1});
      schedule beats event "beat" repeat "* * * * * *" } }
  rule beat { select when beats beat always { ent:total := total() + 1 } }
  rule bad { select when beats bad always { ent:bad := bad().append(time:now()) } }
}"""
REFUSES = """CREATE TRIGGER refuses BEFORE INSERT ON fire WHEN new.scheduled = '{id}'
    BEGIN SELECT RAISE(ABORT, 'never'); END"""
REFUSES_ON_POSTGRES = """CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF new.scheduled = '{id}' THEN RAISE EXCEPTION 'never'; END IF;
        RETURN new;
    END $$;
    CREATE TRIGGER refuses BEFORE INSERT ON fire FOR EACH ROW EXECUTE FUNCTION refuses()"""

REFUSES_TO_RESUME = """
CREATE TRIGGER refuses_row BEFORE UPDATE ON scheduled WHEN new.id = '{id}'
    BEGIN SELECT RAISE(ABORT, 'never'); END;
CREATE TRIGGER refuses_source BEFORE UPDATE ON source BEGIN SELECT RAISE(ABORT, 'never'); END"""
REFUSES_TO_RESUME_ON_POSTGRES = """CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF new.id = '{id}' OR TG_TABLE_NAME = 'source' THEN RAISE EXCEPTION 'never'; END IF;
        RETURN new;
    END $$;
    CREATE TRIGGER refuses_row BEFORE UPDATE ON scheduled FOR EACH ROW EXECUTE FUNCTION refuses();
    CREATE TRIGGER refuses_source BEFORE UPDATE ON source FOR EACH ROW EXECUTE FUNCTION refuses()"""


def asking(path: Path) -> Callable[[str], object]:
    """Runs statements on a file, beside the engine."""

    def ask(sql: str) -> None:
        with sqlite3.connect(path) as connection:
            connection.executescript(sql)
        connection.close()

    return ask


def resume_late(engine: Engine, clock: VirtualClock, ask: Callable[[str], object], refuses: str) -> None:
    """Have the end of the pauses of a row and of a source refused for a minute; all else is on time."""
    pico = engine.new_pico("p")
    pico.install(RULESET)
    pico.raise_event("beats", "plan")
    (bad,) = [row.id for row in pico.scheduled() if row.type == "bad"]
    entry = {"name": "each", "when": "0 0 1 1 *", "event": "beats:never"}
    source = engine.add_source({"type": "crontab", "name": "s", "to": {"pico": "p"}, "entries": [entry]})
    engine.agenda.pause(bad, until=START + SECOND)
    engine.pause_source(source, until=START + SECOND)
    ask(refuses.format(id=bad))
    engine.start()
    for number in range(1, 61):
        clock.advance(seconds=1)
        until(lambda: pico.query("beats", "total") == number)  # noqa: B023
    assert engine.agenda.load(bad).paused and engine.source(source).paused
    for name in ("row", "source"):
        table = {"row": "scheduled", "source": "source"}[name]
        ask(f"DROP TRIGGER refuses_{name}" + (f" ON {table}" if "plpgsql" in refuses else ""))
    clock.advance(seconds=60)
    until(lambda: pico.query("beats", "bad") and not engine.source(source).paused)
    engine.stop()
    good = [fire for fire in pico.history() if fire.id != bad]
    assert all(fire.fired == fire.nominal for fire in good if fire.nominal <= START + 60 * SECOND)


def put_off(engine: Engine, clock: VirtualClock, ask: Callable[[str], object], refuses: str) -> None:
    """Have a row refused for a minute, while another is due each second and raised in that second."""
    pico = engine.new_pico("p")
    pico.install(RULESET)
    pico.raise_event("beats", "plan")
    (bad,) = [row.id for row in pico.scheduled() if row.type == "bad"]
    ask(refuses.format(id=bad))
    engine.start()
    for number in range(1, 61):
        clock.advance(seconds=1)
        until(lambda: pico.query("beats", "total") == number)  # noqa: B023
    assert pico.query("beats", "bad") == []
    ask("DROP TRIGGER refuses" + (" ON fire" if "plpgsql" in refuses else ""))
    clock.advance(seconds=60)
    until(lambda: pico.query("beats", "bad"))
    engine.stop()
    good = [fire for fire in pico.history() if fire.id != bad]
    assert all(fire.fired == fire.nominal for fire in good if fire.nominal <= START + 60 * SECOND)


@pytest.mark.files
def test_a_pause_whose_end_a_file_refuses_delays_no_other(tmp_path: Path) -> None:
    clock, path = VirtualClock(START), tmp_path / "picos.db"
    with Engine(path, clock, granularity=1, min_period=0) as engine:
        resume_late(engine, clock, asking(path), REFUSES_TO_RESUME)


def test_a_pause_whose_end_postgresql_refuses_delays_no_other(postgres: Server) -> None:
    clock, address = VirtualClock(START), postgres.new_database()
    with Engine(address, clock, granularity=1, min_period=0) as engine:
        resume_late(engine, clock, lambda sql: postgres.ask(sql, address), REFUSES_TO_RESUME_ON_POSTGRES)


@pytest.mark.files
def test_a_row_that_a_file_refuses_delays_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock, path = VirtualClock(START), tmp_path / "picos.db"
    with Engine(path, clock, granularity=1, min_period=0) as engine, caplog.at_level(logging.ERROR):
        put_off(engine, clock, asking(path), REFUSES)
    tried = [record.getMessage() for record in caplog.records]
    assert all("stays due" in text and "never" in text for text in tried)
    assert len(tried) == 6  # after 0, 1, 3, 7, 15 and 31 seconds


def test_a_row_that_postgresql_refuses_delays_no_other(
    postgres: Server, caplog: pytest.LogCaptureFixture
) -> None:
    clock, address = VirtualClock(START), postgres.new_database()
    with Engine(address, clock, granularity=1, min_period=0) as engine, caplog.at_level(logging.ERROR):
        put_off(engine, clock, lambda sql: postgres.ask(sql, address), REFUSES_ON_POSTGRES)
    assert len([each for each in caplog.records if "stays due" in each.getMessage()]) == 6


@given(st.lists(st.tuples(st.integers(0, 200), st.sets(st.sampled_from("abc"))), max_size=30))
def test_an_item_waits_twice_as_long_each_time_up_to_a_minute(ticks: list[tuple[int, set[str]]]) -> None:
    """Beside a table of each item's failures in a row; a tick comes some seconds after the one before."""
    put_off, now = PutOff(), START
    failures, since = dict.fromkeys("abc", 0), dict.fromkeys("abc", START)
    for seconds, refused in ticks:
        now += seconds * SECOND
        waited = put_off.waiting(now)
        for id in "abc":
            pause = min(2 ** (failures[id] - 1), 60) * SECOND if failures[id] else timedelta(0)
            assert (id in waited) == (now < since[id] + pause)
        stuck = {**waited, **{id: ValueError(id) for id in refused - waited.keys()}}
        put_off.tried(now, waited, stuck, whole=True)
        for id in {*"abc"} - waited.keys():
            failures[id] = failures[id] + 1 if id in refused else 0
            since[id] = now


def test_a_clock_that_is_set_back_keeps_nothing_waiting() -> None:
    put_off = PutOff()
    put_off.tried(START, {}, {"a": ValueError()}, whole=True)
    assert put_off.waiting(START) and put_off.next_try == START + SECOND
    assert not put_off.waiting(START - LONGEST)


def test_no_more_wait_than_there_is_room_for() -> None:
    put_off = PutOff()
    put_off.tried(START, {}, {str(number): ValueError() for number in range(MOST + 10)}, whole=True)
    assert put_off.full and len(put_off.waiting(START)) == MOST
    put_off.tried(START + SECOND, {}, {}, whole=False)
    assert put_off.full
    put_off.tried(START + SECOND, {}, {}, whole=True)
    assert not put_off.failed
