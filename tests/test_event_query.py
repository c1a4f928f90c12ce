"""`ctx:eventQuery`: a rule waits for the turn of another pico, and the event there happens once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from picosched import Engine, PicoRef, VirtualClock
from picosched.engine.questions import DEEPEST, MOST_ASKED_AFTER
from picosched.krl.requests import HttpRequest, HttpResponse

COUNTING = """ruleset counting {
  meta { shares count }
  global { count = function(plus = 0){ ent:count.defaultsTo(0) + plus } }
  rule go { select when t go
    always { ent:count := count() + 1 } }
  rule fetch { select when t fetch http:get("https://there.example") setting(answer)
    always { ent:count := answer{"status_code"} } }
}"""
ASKING = """ruleset asking {
  meta { shares seen }
  global { seen = function(){ ent:seen.defaultsTo([]) } }
  rule ask { select when t ask
    ctx:eventQuery(event:attrs{"eci"}, "t", event:attrs{"type"}, {}, "counting", "count", {"plus": 100})
      setting(n)
    always { ent:seen := seen().append(n) } }
  rule later { select when t later fired { schedule t event "due" at time:now() attributes event:attrs } }
  rule due { select when t due
    every {
      ctx:eventQuery(event:attrs{"eci"}, "t", "go", {}, "counting", "count") setting(n)
      http:get("https://here.example") setting(answer)
    }
    always { ent:seen := seen().append([n, answer{"status_code"}]) } }
  rule chain { select when t chain
    pre { ecis = event:attrs{"ecis"} }
    ctx:eventQuery(ecis.head(), "t", "chain", {"ecis": ecis.tail()}, "asking", "seen") }
}"""


def taken(request: HttpRequest) -> HttpResponse:
    return HttpResponse(203, "so it is")


def two(engine: Engine) -> tuple[PicoRef, str]:
    """The root asks; another pico counts; its eci."""
    engine.root.install(ASKING)
    other = engine.new_pico("other")
    other.install(COUNTING)
    return other, other.new_channel().eci


def test_the_query_sees_what_the_event_did() -> None:
    with Engine(clock=VirtualClock(), outside=taken) as engine:
        other, eci = two(engine)
        for _ in range(2):
            assert engine.root.raise_event("t", "ask", {"eci": eci, "type": "go"}).errors == []
        assert engine.root.query("asking", "seen") == [101, 102]
        told = engine.journal(other.id)
        assert [[each["type"] for each in entry.handled] for entry in told] == [["go"]] * 2


def test_the_event_may_ask_outside_itself() -> None:
    with Engine(clock=VirtualClock(), outside=taken) as engine:
        _, eci = two(engine)
        assert engine.root.raise_event("t", "ask", {"eci": eci, "type": "fetch"}).errors == []
        assert engine.root.query("asking", "seen") == [303]


def test_a_policy_is_checked_before_anything_happens() -> None:
    with Engine(clock=VirtualClock(), outside=taken) as engine:
        other, _ = two(engine)
        no_events = other.new_channel(allow_events=["x:*"]).eci
        no_queries = other.new_channel(allow_queries=["x:*"]).eci
        own = engine.root.new_channel().eci
        found = [
            engine.root.raise_event("t", "ask", {"eci": eci, "type": "go"}).errors[0]
            for eci in (no_events, no_queries, own, "nobody")
        ]
        assert [each.code for each in found] == ["refused", "refused", "conflict", "not_found"]
        assert other.query("counting", "count") == 0


def test_picos_that_wait_for_each_other_end() -> None:
    with Engine(clock=VirtualClock(), outside=taken) as engine:
        _, _ = two(engine)
        other = engine.new_pico("third")
        other.install(ASKING)
        ecis = [engine.root.new_channel().eci, other.new_channel().eci]
        chain = [*reversed(ecis)] * 4
        assert engine.root.raise_event("t", "chain", {"ecis": chain}).errors == []
        told = [error for entry in engine.journal() for error in entry.errors]
        assert any(f"wanted at most {DEEPEST}" in error for error in told)


def test_threads_that_ask_each_other_all_get_their_answers() -> None:
    with Engine(clock=VirtualClock(), outside=taken) as engine:
        picos = [engine.root, engine.new_pico("b")]
        for pico in picos:
            pico.install(ASKING)
            pico.install(COUNTING)
        ecis = [pico.new_channel().eci for pico in picos]
        faults: list[object] = []

        def ask(place: int) -> None:
            for _ in range(20):
                turn = picos[place].raise_event("t", "ask", {"eci": ecis[1 - place], "type": "go"})
                faults.extend(turn.errors)

        threads = [threading.Thread(target=ask, args=(place % 2,)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert faults == []
        assert [pico.query("counting", "count") for pico in picos] == [40, 40]
        assert [len(pico.query("asking", "seen")) for pico in picos] == [40, 40]


def die(request: HttpRequest) -> HttpResponse:
    """Die while the turn waits: the other pico's turn is durable, this one has written nothing."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@pytest.mark.files
@pytest.mark.slow
def test_a_due_event_that_is_raised_again_after_a_kill_happens_once_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    with Engine(path, clock=VirtualClock()) as engine:
        _, eci = two(engine)
        engine.root.raise_event("t", "later", {"eci": eci})
    for _ in range(2):
        done = subprocess.run([sys.executable, __file__, str(path)], timeout=60)
        assert done.returncode == -signal.SIGKILL
    with Engine(path, clock=VirtualClock(), outside=taken, max_begun=9) as engine:
        other = engine.pico("other")
        assert other.query("counting", "count") == 1
        engine.run_due()
        assert (other.query("counting", "count"), engine.root.query("asking", "seen")) == (1, [1, 203])


if __name__ == "__main__":
    Engine(sys.argv[1], clock=VirtualClock(), outside=die, max_begun=9).run_due()


def test_events_to_which_a_client_gives_one_eid_each_happen_elsewhere() -> None:
    with Engine(clock=VirtualClock(), outside=taken) as engine:
        _, there = two(engine)
        eci = engine.root.new_channel().eci
        for _ in range(3):
            event = engine.new_event("t", "ask", {"eci": there, "type": "go"}, eci=eci, eid="1556")
            assert engine.raise_one(event).errors == []
        assert engine.root.query("asking", "seen") == [101, 102, 103]


def test_an_event_with_a_key_that_a_client_sends_again_happens_once_elsewhere() -> None:
    with Engine(clock=VirtualClock(), outside=taken) as engine:
        other, there = two(engine)
        eci = engine.root.new_channel().eci
        for _ in range(2):
            attrs = {"eci": there, "type": "go"}
            engine.raise_one(engine.new_event("t", "ask", attrs, eci=eci, eid="1556", once="key"))
        assert other.query("counting", "count") == 1


def test_one_question_leads_to_so_many_turns_and_no_more() -> None:
    many = """ruleset many { meta { shares n } global { n = function(){ ent:n.defaultsTo(0) } }
      rule go { select when t go foreach 1.range(20) setting(i)
        ctx:eventQuery(
          event:attrs{"to"}.head(), "t", "go", {"to": event:attrs{"to"}.tail(), "i": i}, "many", "n"
        ) setting(x)
        always { ent:n := n() + 1 } } }"""
    with Engine(clock=VirtualClock()) as engine:
        picos = [engine.new_pico(f"p{number}") for number in range(5)]
        for pico in (engine.root, *picos):
            pico.install(many)
        ecis = [pico.new_channel().eci for pico in picos]
        engine.root.raise_event("t", "go", {"to": ecis})
        entries = engine.journal(limit=100_000)
        assert len(entries) < 20 * (MOST_ASKED_AFTER + 1) * 2
        assert any("one question leads to" in error for entry in entries for error in entry.errors)
