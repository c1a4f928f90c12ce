"""Sources of the configuration file are brought in line at every start; the others stay as they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from picosched import Engine, PicoschedError, VirtualClock
from picosched.sources.reading import load_sources

START = datetime(2026, 3, 1, tzinfo=UTC)

TICK = """[[source]]
type = "metronome"
name = "tick"
interval = 60_000
to = { pico = "root" }
"""
TABLE = """[[source]]
type = "crontab"
name = "table"
event = "table:line"
to = { pico = "root" }
entries = [{ name = "a", when = "0 * * * *" }, { name = "b", when = "30 * * * *" }]
"""
UNNAMED = """[[source]]
type = "crononome"
to = { pico = "root" }
entries = [{ name = "x", expr = "0 * * * *" }]
"""


class Started:
    """An engine that is started with one configuration after the other."""

    def __init__(self, folder: Path) -> None:
        self.toml = folder / "picosched.toml"
        self.clock = VirtualClock(START)
        self.engine = Engine(clock=self.clock)

    def start(self, text: str) -> tuple[list[str], list[str], list[str]]:
        self.toml.write_text(text)
        brought = self.engine.bring_sources(load_sources(self.toml))
        return brought.added, brought.changed, brought.removed


@pytest.fixture
def started(tmp_path: Path) -> Started:
    return Started(tmp_path)


def minutes(number: float) -> datetime:
    return START + timedelta(minutes=number)


def test_what_is_the_same_keeps_its_counts_and_its_phase(started: Started) -> None:
    engine = started.engine
    assert started.start(TICK + TABLE + UNNAMED) == (["tick", "table", "crononome"], [], [])
    engine.run_until(minutes(90.5))
    before = engine.sources()
    assert started.start(UNNAMED + TABLE + TICK) == ([], [], [])
    assert engine.sources() == before
    assert [source.fires for source in before] == [90, 3, 1]
    assert engine.next_due() == minutes(91)


def test_what_changed_keeps_its_counts(started: Started) -> None:
    engine = started.engine
    started.start(TICK + TABLE)
    engine.run_until(minutes(90.5))
    ids = {entry.name: entry.id for source in engine.sources() for entry in source.entries}
    faster = TICK.replace("60_000", "45_000")
    other = TABLE.replace("30 *", "45 *").replace("{ name", '{ name = "c", when = "5 * * * *" }, { name', 1)
    assert started.start(faster + other) == ([], ["tick", "table"], [])
    tick, table = engine.sources()
    assert (tick.fires, tick.due) == (90, minutes(91.25))
    assert [(each.name, each.fires, each.due) for each in table.entries] == [
        ("c", 0, minutes(125)),
        ("a", 1, minutes(120)),
        ("b", 2, minutes(105)),
    ]
    for entry in (*tick.entries, *table.entries):
        assert ids.get(entry.name, entry.id) == entry.id


def test_what_is_gone_is_removed(started: Started) -> None:
    started.start(TICK + TABLE)
    assert started.start(TABLE.replace(', { name = "b", when = "30 * * * *" }', "")) == (
        [],
        ["table"],
        ["tick"],
    )
    (table,) = started.engine.sources()
    assert [entry.name for entry in table.entries] == ["a"]
    assert started.start("") == ([], [], ["table"])


def test_what_was_made_while_running_stays(started: Started) -> None:
    engine = started.engine
    engine.add_source({"type": "metronome", "name": "mine", "interval": 1000, "to": {"pico": "root"}})
    started.start(TICK)
    started.start("")
    assert [source.name for source in engine.sources()] == ["mine"]
    with pytest.raises(PicoschedError, match='there is a source "mine" already'):
        started.start(TABLE + TICK.replace("tick", "mine"))
    assert [source.name for source in engine.sources()] == ["mine"]  # all of it or nothing


def test_what_the_file_has_is_not_removed_by_hand(started: Started) -> None:
    started.start(TICK)
    with pytest.raises(PicoschedError, match=r'"tick" is configured in picosched\.toml') as caught:
        started.engine.remove_source("tick")
    assert caught.value.code == "conflict"


def test_a_pause_outlives_a_start(started: Started) -> None:
    started.start(TICK)
    started.engine.pause_source("tick")
    started.start(TICK.replace("60_000", "1_000"))
    assert started.engine.sources()[0].paused
    assert started.engine.run_until(minutes(5)) == 0
    assert started.engine.resume_source("tick")
    assert started.engine.run_until(minutes(6)) == 60


def test_an_entry_whose_times_change_after_the_clock_was_set_back_meets_no_record(started: Started) -> None:
    started.start(TABLE)
    started.engine.run_until(minutes(180))
    started.clock.set(START)
    started.start(TABLE.replace('"0 * * * *', '"*/30 * * * *'))
    table = started.engine.sources()[0]
    assert [entry.due for entry in table.entries] == [minutes(210), minutes(210)]
    assert started.engine.run_until(minutes(240)) == 3


def test_what_was_due_while_the_engine_was_down_is_due_after_the_start(started: Started) -> None:
    started.start(TABLE)
    started.clock.set(minutes(200))
    started.start(TABLE)
    assert started.engine.run_due() == 2
    records = [(fire.outcome.value, fire.stands_for) for fire in started.engine.history()]
    assert records == [("coalesced", 3), ("coalesced", 3)]


def test_a_declaration_that_cannot_be_read_any_more_is_told(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    with Engine(path, clock=VirtualClock(START)) as engine:
        engine.add_source({"type": "metronome", "interval": 1000, "to": {"pico": "root"}})
        engine.store._database.run(
            "UPDATE source SET declaration = replace(declaration, 'metronome', 'other')"
        )
    with Engine(path, clock=VirtualClock(START)) as engine:
        assert engine.run_until(minutes(1)) == 0
        (source,) = engine.sources()
        assert source.error is not None and 'found "other", wanted one of' in source.error
        assert (source.entries[0].due, source.entries[0].outcome) == (None, "failed")
        assert engine.remove_source(source.id)
