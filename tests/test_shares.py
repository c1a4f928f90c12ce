"""Whoever keeps the world outside busy keeps others from nothing: threads and lines are shared by owners."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from racing import until

from picosched import Engine, PicoRef
from picosched.clock import format_time
from picosched.due.background import Background, Crew
from picosched.due.waiting import LINE, OF_ONE
from picosched.krl.requests import HttpRequest, HttpResponse

ASKS = """
ruleset asks {
  meta { shares rang }
  global { rang = function() { ent:rang.defaultsTo(0) } }
  rule plan {
    select when asks plan
    foreach 1.range(event:attrs{"n"}) setting(i)
    fired { schedule asks event event:attrs{"type"} at event:attrs{"at"} attributes event:attrs }
  }
  rule out {
    select when asks out
    http:get(event:attrs{"url"}) setting(answer)
    always { ent:rang := rang() + 1 }
  }
  rule in { select when asks in always { ent:rang := rang() + 1 } }
}
"""
SECONDS = 30


class World:
    """A host that answers nobody until it is `open`, and one that answers at once."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self._mutex = threading.Lock()
        self._inside = 0
        self.most = 0
        """Requests to the slow host at the same time."""

    def ask(self, request: HttpRequest) -> HttpResponse:
        if "slow" in request.url:
            with self._mutex:
                self._inside += 1
                self.most = max(self.most, self._inside)
            assert self.open.wait(SECONDS)
            with self._mutex:
                self._inside -= 1
        return HttpResponse(200, "OK", (), b"{}")


def new(engine: Engine, name: str) -> PicoRef:
    pico = engine.new_pico(name)
    pico.install(ASKS)
    return pico


def plan(pico: PicoRef, number: int, type: str, url: str, at: datetime) -> None:
    attrs = {"n": number, "type": type, "url": url, "at": format_time(at)}
    assert pico.raise_event("asks", "plan", attrs).errors == []


def wait_for(engine: Engine, what: Callable[[], bool]) -> None:
    until(what, lambda: f"{engine.next_due()} is due next")


def test_a_pico_whose_host_never_answers_holds_up_nobody() -> None:
    world = World()
    with Engine(outside=world.ask, granularity=1, min_period=0, max_seconds=10) as engine:
        flood, calm = new(engine, "flood"), new(engine, "calm")
        plan(flood, 3 * LINE, "out", "http://slow.example/", engine.now())
        plan(calm, 3, "out", "http://fast.example/", engine.now())
        plan(calm, 2, "in", "", engine.now())
        engine.start()
        wait_for(engine, lambda: calm.query("asks", "rang") == 5)
        plan(calm, 3, "out", "http://fast.example/", engine.now())
        wait_for(engine, lambda: calm.query("asks", "rang") == 8)
        assert flood.query("asks", "rang") == 0
        assert world.most == OF_ONE
        world.open.set()
        wait_for(engine, lambda: flood.query("asks", "rang") == 3 * LINE)
        assert world.most == OF_ONE
        assert Counter(fire.outcome for fire in engine.history(flood.id, limit=1_000)).total() == 3 * LINE


def test_an_engine_that_stops_leaves_what_was_put_off_for_the_next_start(tmp_path: Path) -> None:
    world = World()
    path = tmp_path / "picos.db"
    with Engine(path, outside=world.ask, granularity=1, min_period=0) as engine:
        flood = new(engine, "flood")
        plan(flood, 2 * LINE, "out", "http://slow.example/", engine.now())
        engine.start()
        wait_for(engine, lambda: world.most == OF_ONE)
        engine.stop(0)
        world.open.set()
        engine.start()
        wait_for(engine, lambda: flood.query("asks", "rang") == 2 * LINE)


def test_hands_of_a_crew_go_from_owner_to_owner() -> None:
    crew = Crew(1, "crew")
    order, began, go_on = list[str](), threading.Event(), threading.Event()

    def first() -> None:
        began.set()
        go_on.wait(SECONDS)

    crew.submit(first, "a")
    assert began.wait(SECONDS)
    for owner in "aaabbc":
        crew.submit(lambda owner=owner: order.append(owner), owner)  # type: ignore[misc]
    ended = threading.Event()
    crew.submit(ended.set, "a")
    go_on.set()
    assert ended.wait(SECONDS)
    crew.dismiss()
    assert "".join(order) == "abcaba"


def test_an_owner_that_has_too_many_is_left_out_until_half_of_them_are_done() -> None:
    done = threading.Semaphore(0)
    background = Background("background", done.release, at_once=1, of_one=1, line=4)
    gates = [threading.Event() for _ in range(6)]
    assert not background.in_background("0", "a", gates[0].wait)
    background.start()
    for number, gate in enumerate(gates):
        assert background.in_background(str(number), "a", lambda gate=gate: gate.wait(SECONDS) and None)  # type: ignore[misc]
    left_out = background.left_out({"stuck"})
    assert left_out.ids == {"stuck", "0", "1", "2", "3"}  # the others were put off
    assert left_out.owners == {"a"}
    gates[0].set()
    assert done.acquire(timeout=SECONDS)
    assert background.left_out().owners == {"a"}
    gates[1].set()
    assert done.acquire(timeout=SECONDS)
    assert background.left_out().owners == set()
    for gate in gates:
        gate.set()
    background.stop()
    assert background.is_idle


@pytest.mark.slow
def test_a_row_that_fails_is_left_out_for_a_while_and_a_stop_does_not_wait_for_that() -> None:
    runs, failed = list[int](), threading.Event()

    def run() -> None:
        runs.append(len(runs))
        if len(runs) == 3:
            failed.set()
        raise RuntimeError("the disk is full")

    background = Background("background", lambda: None, at_once=1, of_one=1, line=4)
    background.start()
    for number in range(3):
        assert background.in_background(str(number), "a", run)
    assert failed.wait(SECONDS)  # each after a pause that doubles, so the third is left out for four seconds
    assert background.left_out().ids == {"2"}
    background.stop()
    assert runs == [0, 1, 2]
    assert background.is_idle
