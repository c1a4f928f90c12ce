"""Ids and chance: what callers draw in any thread is apart from what a turn draws on its tape."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from racing import hurried, meanwhile, race, until

from picosched import Engine, PicoschedError, VirtualClock
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.pico.chance import Chance
from picosched.schedule.scheduled import Outcome
from picosched.web.desk import Desk

pytestmark = pytest.mark.slow

START = "2026-03-01T00:00:00Z"
EACH = 50
"""Schedules that one event makes."""

MANY = """
ruleset many {
  meta { shares count, drawn }
  global { count = function() { ent:count.defaultsTo(0) } drawn = function() { ent:drawn.defaultsTo([]) } }
  rule many {
    select when many many
    foreach 1.range(50) setting(n)
    fired {
      ent:count := count() + 1
      schedule many event "later" at time:add(time:now(), {"days": 1})
    }
  }
  rule soon { select when many soon fired { schedule many event "many" at time:now() } }
  rule draw {
    select when many draw
    ctx:upsertChannel([random:word()])
    fired {
      ent:drawn := drawn().append([[random:uuid(), random:integer(1000000), random:word()]])
      schedule many event "later" at time:add(time:now(), {"days": 1})
    }
  }
}
"""


class Ids:
    """Ids that callers draw as fast as they can, in three threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.drawn: list[str] = []

    def draw(self) -> None:
        self.drawn += [self._engine.new_id() for _ in range(20)]

    def while_running(self, work: Callable[[], Any]) -> Any:
        return meanwhile(work, *[self.draw] * 3)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", durability="normal", min_period=0) as engine:
        engine.root.install(MANY)
        yield engine


def ids_of(engine: Engine) -> list[str]:
    """Every id that the engine itself has given: of schedules, events and channels."""
    turns = engine.journal(limit=100_000)
    return [
        *(row.id for row in engine.scheduled()),
        *(turn.eid for turn in turns if turn.scheduled is None),
        *(channel.eci for channel in engine.root.channels()),
    ]


def check_once_each(engine: Engine, drawn: list[str], events: int) -> None:
    """Each acknowledged event had all of its effects, and no id was given twice."""
    assert engine.root.query("many", "count") == events * EACH
    given = ids_of(engine)
    assert len(engine.scheduled()) == events * EACH
    assert len({*given, *drawn}) == len(given) + len(drawn)


def test_each_acknowledged_event_takes_effect_while_callers_draw_ids(engine: Engine) -> None:
    ids, eci = Ids(engine), engine.root.new_channel().eci
    turns = ids.while_running(lambda: [engine.raise_event(eci, "many", "many") for _ in range(60)])
    assert [turn.errors for turn in turns] == [[]] * 60
    check_once_each(engine, ids.drawn, 60)


def test_what_is_due_is_raised_while_callers_draw_ids(engine: Engine) -> None:
    ids = Ids(engine)

    def work() -> None:
        engine.start()
        for _ in range(60):
            engine.root.raise_event("many", "soon")
        until(lambda: len(engine.history(limit=60)) == 60)
        engine.stop()

    ids.while_running(work)
    assert {fire.outcome for fire in engine.history(limit=1000)} == {Outcome.FIRED}
    check_once_each(engine, ids.drawn, 60)


def test_each_event_at_the_desk_takes_effect_while_the_loop_draws_ids(engine: Engine) -> None:
    """The loop draws an eid for each event that comes, and the thread of the desk evaluates meanwhile."""
    eci = engine.root.new_channel().eci

    async def work() -> list[Any]:
        desk = Desk(engine)
        desk.listen()
        desk.start()
        coming = []
        for n in range(6000):
            type = "many" if n % 100 == 0 else "nothing"
            coming.append(asyncio.ensure_future(desk.done(engine.new_event("many", type, {}, eci=eci))))
            if n % 20 == 0:
                await asyncio.sleep(0)  # the loop draws the ids of these
        turns = await asyncio.gather(*coming)
        await asyncio.to_thread(desk.stop)
        return turns

    with hurried():
        turns = asyncio.run(work())
    assert [turn.errors for turn in turns] == [[]] * len(turns)
    assert len({turn.eid for turn in turns}) == len(turns) == len(engine.journal(limit=1_000_000))
    check_once_each(engine, [], 60)


def test_a_turn_that_is_tried_again_draws_the_same_while_callers_draw_ids(tmp_path: Path) -> None:
    text = """ruleset asking {
      global { ask = function(n) { http:get("https://example.test/" + random:uuid()) } }
      rule ask { select when asking ask pre { answers = 1.range(20).map(ask) } }
    }"""
    asked: list[str] = []

    def outside(request: HttpRequest) -> HttpResponse:
        asked.append(request.url)
        return HttpResponse(200, "OK")

    with Engine(tmp_path / "picos.db", outside=outside, durability="normal") as engine:
        engine.root.install(text)
        turns = Ids(engine).while_running(
            lambda: [engine.root.raise_event("asking", "ask") for _ in range(5)]
        )
        assert [turn.errors for turn in turns] == [[]] * 5
        assert len(asked) == len({*asked}) == 100


def run_with_a_seed(path: Path, draws: Callable[[Engine], Any]) -> tuple[Any, ...]:
    """What a script comes to, all of which repeats with the seed."""
    with Engine(path, VirtualClock(START), seed=7, durability="normal", min_period=0) as engine:
        engine.root.install(MANY)

        def script() -> tuple[Any, ...]:
            for n in range(20):
                engine.root.raise_event("many", "draw", eid=f"event {n}")
            engine.run_until("2026-03-02T00:00:00Z")
            fires = [(fire.id, fire.nominal, fire.eid) for fire in engine.history(limit=1000)]
            rows = [row.id for row in engine.scheduled()]
            ecis = [channel.eci for channel in engine.root.channels()]
            return engine.root.query("many", "drawn"), fires, rows, ecis

        return meanwhile(script, lambda: draws(engine))


def test_with_a_seed_all_that_rules_draw_repeats_whatever_ids_callers_draw(tmp_path: Path) -> None:
    busy = run_with_a_seed(tmp_path / "a.db", Engine.new_id)
    quiet = run_with_a_seed(tmp_path / "b.db", lambda engine: threading.Event().wait(0.01))
    assert busy == quiet
    drawn, fires, _, ecis = busy
    assert len(drawn) == len(fires) == 20 and len(ecis) > 1


def test_with_a_seed_the_ids_of_callers_repeat_whatever_rules_draw() -> None:
    def ids(type: str) -> list[str]:
        with Engine(clock=VirtualClock(START), seed=7) as engine:
            engine.root.install(MANY)
            for n in range(5):  # each event takes one id, whatever its rules do
                engine.root.raise_event("many", type, eid=f"event {n}")
            return [engine.root.id, engine.new_pico("a").id, engine.root.new_channel().eci, engine.new_id()]

    quiet, drawing, again = ids("quiet"), ids("draw"), ids("draw")
    assert quiet == drawing == again and len({*quiet}) == 4


def test_callers_in_many_threads_share_the_row_of_ids_that_a_seed_gives() -> None:
    def ids(threads: int) -> list[str]:
        with Engine(clock=VirtualClock(START), seed=7) as engine:
            return [id for each in race(*[lambda: draw(engine, 6000 // threads)] * threads) for id in each]

    def draw(engine: Engine, count: int) -> list[str]:
        return [engine.new_id() for _ in range(count)]

    assert sorted(ids(6)) == sorted(ids(1))


def test_only_the_thread_that_evaluates_a_turn_draws_from_its_tape() -> None:
    chance = Chance(random.Random(7))
    tape: list[Any] = []
    chance.begin(tape)
    chance.getrandbits(8)

    def draw() -> None:
        with pytest.raises(PicoschedError, match="wanted the thread that evaluates the turn") as found:
            chance.random()
        assert found.value.code == "internal"

    race(draw)
    assert len(tape) == 1
    chance.end()
    race(chance.random)
