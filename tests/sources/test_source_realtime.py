"""Sources by the real clock: each tick once, at its time, and nobody else late because of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from picosched import Engine, PicoRef
from picosched.clock import SystemClock
from picosched.sources.state import SourceState
from picosched.store.journal import Entry

pytestmark = pytest.mark.slow

COUNTING = """ruleset counting {
  meta { shares ticks, seconds }
  global { ticks = function(){ ent:ticks.defaultsTo(0) } seconds = function(){ ent:seconds.defaultsTo(0) } }
  rule tick { select when metronome tick always { ent:ticks := ticks() + 1 } }
  rule second { select when crononome trigger always { ent:seconds := seconds() + 1 } }
  rule plan { select when plan later
    always { schedule done event "later" at time:add(time:now(), {"seconds": 1}) } }
  rule done { select when done later send_directive("done") }
}"""

SLOW = """ruleset slow {
  global { burn = function(n) { n < 1 => 0 | burn(n - 1) + burn(n - 2) } }
  rule tick { select when metronome tick pre { burnt = burn(18) } always { ent:burnt := burnt } }
}"""


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[PicoRef]:
    with Engine(tmp_path / "picos.db", granularity=1, min_period=0) as engine:
        kitchen = engine.new_pico("kitchen")
        kitchen.install(COUNTING)
        yield kitchen


def caused(engine: Engine, domain: str) -> list[Entry]:
    """The turns that sources caused, oldest first."""
    found = [each for each in engine.journal(limit=10_000) if each.scheduled is not None]
    return [each for each in reversed(found) if each.handled[0]["domain"] == domain]


def beats_of(source: SourceState, interval: int) -> int:
    """The beats of a metronome before the next one."""
    assert source.due is not None
    return (source.due - source.created) // timedelta(milliseconds=interval) - 1


def let_pass(seconds: float) -> None:
    clock = SystemClock()
    clock.wait_until(clock.now() + timedelta(seconds=seconds), threading.Event())


def test_ticks_and_seconds_come_once_each_and_in_time(kitchen: PicoRef) -> None:
    engine = kitchen.engine
    began = engine.now()
    engine.add_source(
        {"type": "metronome", "name": "m", "interval": 100, "to": {"pico": "kitchen"}, "journal": True}
    )
    engine.add_source(
        {
            "type": "crononome",
            "name": "c",
            "to": {"pico": "kitchen"},
            "entries": [{"name": "s", "expr": "* * * * * *"}],
        }
    )
    engine.start()
    let_pass(3.05)
    engine.stop()
    ended = engine.now()
    metronome, crononome = engine.sources()
    ticks, seconds = caused(engine, "metronome"), caused(engine, "crononome")
    for turns, source in ((ticks, metronome), (seconds, crononome)):
        assert len(turns) == source.fires == len({each.nominal for each in turns})
        assert [each.handled[0]["attrs"]["id"] for each in turns] == [*range(len(turns))]
        assert all(each.nominal is not None and each.nominal <= each.at for each in turns)
    assert metronome.fires + metronome.missed == beats_of(metronome, 100)
    assert metronome.due is not None and abs(ended - metronome.due) < timedelta(seconds=1)
    assert metronome.missed <= 3  # a machine may stall; what it misses then is said
    assert kitchen.query("counting", "ticks") == metronome.fires
    assert kitchen.query("counting", "seconds") == crononome.fires
    whole = [second for second in whole_seconds(began, ended) if second > crononome.created]
    assert [each.nominal for each in seconds] == whole[: len(seconds)]
    assert len(whole) - len(seconds) <= 1


def whole_seconds(since: datetime, until: datetime) -> Iterator[datetime]:
    second = since.replace(microsecond=0)
    while second <= until:
        yield second
        second += timedelta(seconds=1)


def test_a_slow_metronome_holds_up_what_is_scheduled_by_no_more_than_a_turn(kitchen: PicoRef) -> None:
    engine = kitchen.engine
    slow = engine.new_pico("slow")
    slow.install(SLOW)
    engine.add_source({"type": "metronome", "name": "m", "interval": 10, "to": {"pico": "slow"}})
    engine.start()
    for _ in range(20):
        kitchen.raise_event("plan", "later")
    let_pass(3.2)
    engine.stop()
    (source,) = engine.sources()
    fires = kitchen.history()
    assert len(fires) == 20
    assert source.fires > 5
    assert max(fire.lateness for fire in fires) < 1
    assert source.fires + source.missed == beats_of(source, 10)
