"""What threads share: each part raced, as docs/design.md has them in its table."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from racing import hurried, meanwhile, race, until

from picosched import Engine, PicoschedError, VirtualClock
from picosched.clock import parse_time
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.pico.delivery import Delivery
from picosched.schedule.scheduled import Outcome
from picosched.web.desk import Desk
from picosched.web.metrics import Figures

pytestmark = pytest.mark.slow

START = parse_time("2026-03-01T00:00:00Z")

RINGING = """
ruleset ringing {
  meta { shares rung }
  global { rung = function() { ent:rung.defaultsTo(0) } }
  rule ring { select when ringing ring fired { ent:rung := rung() + 1 } }
  rule soon {
    select when ringing soon
    foreach 1.range(event:attrs{"n"}) setting(n)
    fired { schedule ringing event "ring" at time:now() }
  }
  rule every { select when ringing every fired { schedule ringing event "ring" repeat event:attrs{"spec"} } }
  rule asking {
    select when ringing asking
    foreach 1.range(event:attrs{"n"}) setting(n)
    fired { schedule ringing event "ask" at time:now() }
  }
  rule ask {
    select when ringing ask
    pre { answer = http:get("https://example.test/") }
    fired { ent:rung := rung() + 1 }
  }
}
"""


def answered(request: HttpRequest) -> HttpResponse:
    return HttpResponse(200, "OK")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    options: dict[str, Any] = {"durability": "normal", "min_period": 0, "granularity": 1}
    with Engine(tmp_path / "picos.db", clock, outside=answered, **options) as engine:
        engine.root.install(RINGING)
        yield engine


def rung(engine: Engine) -> int:
    return int(engine.root.query("ringing", "rung"))


def schedulers() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "picosched scheduler"]


# ---- the scheduler and what runs in the background -------------------------------------------------------


def test_however_many_start_it_there_is_one_scheduler(engine: Engine) -> None:
    for _ in range(20):
        race(*[engine.start] * 8)
        assert len(schedulers()) == 1
        race(*[engine.stop] * 8)
        assert schedulers() == [] and not engine.running


def test_start_and_stop_leave_all_of_it_running_or_nothing(engine: Engine) -> None:
    def switch(steps: str) -> None:
        for step in steps * 40:
            engine.start() if step == "+" else engine.stop()

    race(*[lambda: switch("+-")] * 2, *[lambda: switch("-+")] * 2)
    engine.start()
    assert len(schedulers()) == 1 and engine.running
    engine.stop()
    assert schedulers() == []


def test_nobody_starts_or_stops_it_from_inside_a_turn(engine: Engine) -> None:
    """Whoever did would hold what the scheduler waits for, and wait for the scheduler."""
    engine.start()
    for inside in (engine.start, engine.stop, engine.close):
        with pytest.raises(PicoschedError, match="from inside a turn") as found:
            engine.write(inside)
        assert found.value.code == "conflict"
    assert engine.running
    engine.stop()


def test_what_asks_the_world_outside_is_raised_however_it_is_started_and_stopped(engine: Engine) -> None:
    """A row that waits for a thread that ends meanwhile is not left out of what is due for ever."""
    engine.root.raise_event("ringing", "asking", {"n": 200})
    while engine.next_due() is not None:
        meanwhile(engine.run_due, engine.start, engine.stop)
        engine.stop()
        engine.run_due()
    assert rung(engine) == 200


def test_each_occurrence_is_raised_once_by_many_threads_and_the_scheduler(engine: Engine) -> None:
    for number in range(5):
        engine.root.raise_event("ringing", "every", {"spec": "* * * * * *"})
        engine.root.raise_event("ringing", "soon", {"n": number + 20})
    engine.root.raise_event("ringing", "asking", {"n": 20})
    clock = engine.clock
    assert isinstance(clock, VirtualClock)

    def tick() -> None:
        for _ in range(10):
            clock.advance(seconds=1)
            engine.run_due()

    engine.start()
    race(*[tick] * 4)
    engine.stop()
    engine.run_due()
    fires = engine.history(limit=10_000)
    assert len({(fire.id, fire.nominal) for fire in fires}) == len(fires)
    assert {fire.outcome for fire in fires} <= {Outcome.FIRED, Outcome.LATE, Outcome.COALESCED}
    assert sum(fire.stands_for for fire in fires) == 5 * 40 + sum(range(20, 25)) + 20
    assert rung(engine) == len(fires)


def test_threads_that_let_time_pass_never_take_it_back(engine: Engine, clock: VirtualClock) -> None:
    engine.root.raise_event("ringing", "every", {"spec": "* * * * * *"})
    seen: list[datetime] = []
    ends = [START + timedelta(seconds=seconds) for seconds in range(10, 81, 5)]

    def until(end: datetime) -> Callable[[], None]:
        def run() -> None:
            with suppress(PicoschedError):  # this time has gone by before this thread began
                engine.run_until(end)

        return run

    def work() -> None:
        race(*map(until, ends))

    meanwhile(work, lambda: seen.append(clock.now()))
    assert seen == sorted(seen) and clock.now() == ends[-1]
    fires = engine.history(limit=1000)
    assert [fire.nominal for fire in fires[::-1]] == [START + timedelta(seconds=n + 1) for n in range(80)]


def test_two_threads_that_raise_what_is_due_send_a_delivery_once(tmp_path: Path) -> None:
    asked, both = list[str](), threading.Barrier(2)

    def outside(request: HttpRequest) -> HttpResponse:
        asked.append(request.url)
        with suppress(threading.BrokenBarrierError):
            both.wait(0.3)  # time for the other thread to come here as well, which it must not
        return HttpResponse(200, "")

    clock = VirtualClock(START)
    with Engine(tmp_path / "picos.db", clock, outside=outside) as engine:
        to, entry = {"url": "https://example.test/c/abc"}, {"name": "hourly", "expr": "0 * * * *"}
        engine.add_source({"type": "crononome", "to": to, "entries": [entry]})
        clock.advance(hours=1)
        late = threading.Thread(target=engine.run_due, name="late")
        late.start()
        engine.run_due()
        late.join()
        assert len(asked) == 1
        (fire,) = engine.history()
        assert (fire.outcome, fire.why) == ("fired", None)


# ---- what is remembered ----------------------------------------------------------------------------------


def test_what_one_thread_leaves_out_another_still_sees_as_due(engine: Engine) -> None:
    """Each asks for what is due without something else, and gets the answer to its own question."""
    due = {name: START + timedelta(minutes=place) for place, name in enumerate("ab")}

    def add() -> None:
        for id, time in due.items():
            url = "https://example.test/c/abc/event/x/y"
            engine.store.deliveries.add(Delivery(id, "source", "entry", time, url, "{}", START, time))

    def ask(without: set[str], wanted: datetime | None) -> None:
        for _ in range(2000):
            assert engine._ticks._look(without).soonest == wanted

    engine.write(add)
    first, second = due.values()
    for _ in range(30):
        race(*[lambda: ask(set(), first)] * 2, lambda: ask({"a"}, second), lambda: ask({"a", "b"}, None))


def test_values_are_bounded_by_the_settings_of_the_engine_that_evaluates() -> None:
    """Also while a ruleset is installed, whatever this thread evaluated before."""
    text = """ruleset large { meta { shares large }
      global { large = 1.range(2000).join("") } rule x { select when a b } }"""
    with Engine(max_value_bytes=100) as small, Engine() as usual:
        small.root.raise_event("a", "b")
        usual.root.install(text)
        usual.root.raise_event("a", "b")
        with pytest.raises(PicoschedError, match="the most is 12 "):
            small.root.install(text)


def test_figures_are_of_one_moment_whoever_else_reads_them(engine: Engine) -> None:
    """Prometheus takes a metric at a time, so two who read at once take turns."""
    figures = Figures(engine, Desk(engine))
    engine.root.raise_event("ringing", "every", {"spec": "* * * * * *"})
    for taken in range(7):
        engine.run_until(engine.now() + timedelta(seconds=5))
        reading = figures.collect()
        first = [*islice(reading, taken)]
        engine.run_until(engine.now() + timedelta(seconds=5))
        for found in [[*figures.collect()], [*first, *reading]]:
            fires, lateness = found[-2:]
            (inf,) = (each.value for each in lateness.samples if each.labels.get("le") == "+Inf")
            buckets = [each.value for each in lateness.samples if "le" in each.labels]
            assert sum(each.value for each in fires.samples) == inf and buckets == sorted(buckets)


# ---- the end ---------------------------------------------------------------------------------------------


def test_whoever_comes_while_the_engine_is_closed_is_told_so(tmp_path: Path) -> None:
    """Nobody waits for ever, what was acknowledged is kept, and all others hear that it is closed."""
    acknowledged, refused = list[str](), list[PicoschedError]()
    path = tmp_path / "picos.db"
    engine = Engine(path, durability="normal")
    engine.root.install(RINGING)
    root, going = engine.root, threading.Barrier(9)

    def until_closed(work: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            going.wait(20)
            while True:
                try:
                    work()
                except PicoschedError as error:
                    refused.append(error)
                    return

        return run

    def close() -> None:
        going.wait(20)
        until(lambda: len(acknowledged) >= 100)
        race(engine.close, engine.close)

    def raise_one() -> None:
        acknowledged.append(root.raise_event("ringing", "ring").eid)

    works = [raise_one] * 3 + [lambda: root.query("ringing", "rung"), engine.run_due, engine.next_due]
    race(close, *map(until_closed, [*works, engine.picos, engine.start]))
    assert [(error.code, error.message) for error in refused] == [
        ("conflict", f"the database {engine.store.name} is closed")
    ] * 8
    with Engine(path) as again:
        assert rung(again) == len(acknowledged)
    assert schedulers() == []


def test_no_request_at_the_desk_is_left_without_an_answer(engine: Engine) -> None:
    eci = engine.root.new_channel().eci

    async def work() -> list[Any]:
        desk = Desk(engine)
        desk.listen()
        desk.start()
        coming = [
            asyncio.ensure_future(desk.done(engine.new_event("ringing", "ring", {}, eci=eci)))
            for _ in range(400)
        ]
        await asyncio.sleep(0)
        await asyncio.to_thread(desk.stop)
        return await asyncio.wait_for(asyncio.gather(*coming), 20)

    with hurried():
        assert len(asyncio.run(work())) == 400
    assert rung(engine) == 400
