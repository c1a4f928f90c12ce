"""Crews: at most so many hands, and a dismissal that waits for those on the engine and for nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from racing import until

from picosched import Engine
from picosched.due.background import Crew, DismissedError, away
from picosched.krl.requests import HttpRequest, HttpResponse


def test_a_crew_does_all_that_it_is_given_with_no_more_hands_than_it_may_have() -> None:
    crew = Crew(4, "crew")
    together = threading.Barrier(4)  # all four are needed, and a fifth would never get past
    mutex, names, done = threading.Lock(), set(), []

    def work(number: int) -> Callable[[], None]:
        def run() -> None:
            together.wait(20)
            with mutex:
                names.add(threading.current_thread().ident)
                done.append(number)

        return run

    givers = [
        threading.Thread(target=lambda n=n: [crew.submit(work(10 * n + each)) for each in range(10)])
        for n in range(4)
    ]
    for each in givers:
        each.start()
    for each in givers:
        each.join()
    until(lambda: len(done) >= 40)
    crew.dismiss()
    assert (sorted(done), len(names)) == ([*range(40)], 4)


def test_a_dismissal_waits_for_who_is_at_work_and_begins_nothing_more() -> None:
    crew = Crew(1, "crew")
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        begun.set()
        go_on.wait(20)
        done.append("first")

    crew.submit(first)
    assert begun.wait(20)
    crew.submit(lambda: done.append("second"))
    dismissing = threading.Thread(target=lambda: (crew.dismiss(0), done.append("dismissed")))
    dismissing.start()
    until(lambda: crew._dismissed)
    with crew._change:  # it has let go of it, and so it waits
        go_on.set()
    dismissing.join(20)
    crew.submit(lambda: done.append("third"))
    assert done == ["first", "dismissed"]


def test_who_comes_back_late_finds_himself_dismissed() -> None:
    crew = Crew(1, "crew")
    out, back, over = threading.Event(), threading.Event(), threading.Event()
    seen: list[str] = []

    def work() -> None:
        try:
            with away():
                out.set()
                back.wait(20)
            seen.append("went on")
        except DismissedError:
            seen.append("dismissed")
        over.set()

    crew.submit(work)
    assert out.wait(20)
    crew.dismiss(0)
    assert seen == []
    back.set()
    assert over.wait(20)
    assert seen == ["dismissed"]


def test_who_belongs_to_no_crew_may_be_away_as_long_as_it_takes() -> None:
    with away():
        pass


def test_a_row_that_was_left_waiting_outside_is_raised_once_when_the_engine_goes_on() -> None:
    """Its first answer comes after it was left, and after it was asked for again."""
    asked: list[threading.Event] = []

    def world(request: HttpRequest) -> HttpResponse:
        mine = threading.Event()
        asked.append(mine)
        mine.wait(20)
        return HttpResponse(200, "OK", (), b"tea")

    ruleset = """ruleset asker {
      meta { shares got }
      global { got = function() { ent:got.defaultsTo([]) } }
      rule later { select when t later
        always { schedule t event "ask" at "2026-03-01T00:00:00Z" } }
      rule ask { select when t ask pre { answer = http:get("https://example.test/") }
        always { ent:got := got().append(answer{"content"}) } }
    }"""
    with Engine(granularity=1, outside=world) as engine:
        engine.root.install(ruleset)
        engine.root.raise_event("t", "later")
        for times in (1, 2):
            engine.start()
            until(lambda times=times: len(asked) >= times)  # type: ignore[misc]
            if times == 1:
                engine.stop(0)
                assert (len(engine.scheduled()), engine.history()) == (1, [])
        for each in asked:
            each.set()
        until(engine.history)
        engine.stop()
        assert engine.root.query("asker", "got") == ["tea"]
        assert (len(engine.history()), engine.scheduled()) == (1, [])


@pytest.mark.parametrize("rows", [1, 300])
def test_a_stop_leaves_the_rest_of_a_backlog_for_the_next_start(rows: int) -> None:
    ruleset = """ruleset many {
      meta { shares count }
      global { count = function() { ent:count.defaultsTo(0) } }
      rule later { select when t later foreach 1.range(event:attrs{"n"}) setting(n)
        always { schedule t event "now" at "2026-03-01T00:00:00Z" attributes {"n": n} } }
      rule now { select when t now always { ent:count := count() + 1 } }
    }"""
    with Engine(granularity=1) as engine:
        engine.root.install(ruleset)
        engine.root.raise_event("t", "later", {"n": rows})
        engine.start()
        engine.stop()  # while the first batch is at hand, or before it
        raised = engine.root.query("many", "count")
        assert raised + len(engine.scheduled()) == rows
        assert raised <= 100  # the batch that was at hand, if any
        engine.run_due()
        assert engine.root.query("many", "count") == rows
