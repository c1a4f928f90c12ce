"""A replay gives each turn the numbers and answers that it had; what was not recorded cannot be compared."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from picosched import Engine, VirtualClock
from picosched.engine.replayed import Replayed, read_replayed
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.pico.inputs import read_inputs
from picosched.store.store import Store

START = "2026-03-01T00:00:00Z"
SHELL = "/bin/sh"

RULES = """ruleset asks {
  meta { shares heard }
  global { heard = function() { ent:heard } }
  rule fetch {
    select when asks weather
    http:get(event:attrs{"url"}) setting(answer)
    fired { ent:heard := answer{"content"} raise asks event "heard" attributes {"it": ent:heard} }
  }
  rule heard { select when asks heard send_directive("heard", event:attrs) }
  rule dice {
    select when asks dice
    pre { thrown = random:integer(1000000) half = random:number() }
    if thrown > 500000 then send_directive("high", {"thrown": thrown, "half": half, "id": random:uuid()})
    always { ent:thrown := thrown
      schedule asks event "thrown" repeat "0 * * * *" attributes {"n": thrown, "_jitter": 900, "_name": "t"} }
  }
  rule thrown { select when asks thrown send_directive("again", {"at": time:now(), "n": event:attrs{"n"}}) }
  rule run {
    select when asks clock
    proc:run("/bin/sh", ["-c", "date +%s%N; exit 3"])
  }
  rule ran { select when proc finished
    send_directive("ran", {"out": event:attrs{"stdout"}, "exit": event:attrs{"exit"}})
    fired { ent:ran := event:attrs{"stdout"} } }
  rule other {
    select when asks other
    ctx:eventQuery(event:attrs{"eci"}, "asks", "dice", {}, "asks", "heard") setting(said)
    always { ent:said := said }
  }
}"""

TWICE = 'every { proc:run("/bin/sh", ["-c", "date"]) proc:run("/bin/sh", ["-c", "ls"]) }'


class Weather(http.server.BaseHTTPRequestHandler):
    """Never says the same twice."""

    def do_GET(self) -> None:
        self.server.asked += 1  # type: ignore[attr-defined]
        body = f"day {self.server.asked}".encode() + b"." * int(self.path.strip("/") or 0)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Lived(NamedTuple):
    """An engine whose past is to be replayed from a backup, and a server that it may ask."""

    engine: Engine
    backup: Store
    url: str

    def replay(self, *rulesets: str, first: bool = False) -> Replayed:
        return self.engine.replay(rulesets=rulesets, backup=self.backup, first=first)


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Weather) as server:
        server.asked = 0  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def lived(url: str, request: pytest.FixtureRequest) -> Iterator[Lived]:
    options = {"http_allow": ["127.0.0.1"], "proc_allow": [SHELL], "granularity": 1, "recorded_bytes": 10_000}
    options |= getattr(request, "param", {})
    with Engine(":memory:", VirtualClock(START), **options) as engine:
        engine.root.install(RULES)
        other = engine.new_pico("other")
        other.install(RULES)
        other.new_channel(tags=["t"])
        engine.root.raise_event("asks", "begun")
        backup = engine.store.copy()
        yield Lived(engine, backup, url)
        backup.close()


def test_answers_of_http_are_those_on_record(lived: Lived) -> None:
    for _ in range(3):
        lived.engine.root.raise_event("asks", "weather", {"url": lived.url})
    found = lived.replay()
    assert (found.turns, found.differences, found.unsure, found.requests) == (3, [], [], 0)
    assert lived.engine.root.query("asks", "heard") == "day 3"  # nobody was asked again


def test_other_requests_have_no_answer(lived: Lived) -> None:
    lived.engine.root.raise_event("asks", "weather", {"url": lived.url})
    found = lived.replay(RULES.replace('event:attrs{"url"}', 'event:attrs{"url"} + "/7"'))
    (difference,) = found.differences
    assert found.requests == 1 and found.status == 2
    assert '< heard {"it": "day 1"}' in difference.was
    assert "the answers to 1 request; status 0 stood for each" in "\n".join(found.lines())


def test_an_answer_that_was_too_large_cannot_be_compared(lived: Lived) -> None:
    lived.engine.root.raise_event("asks", "weather", {"url": f"{lived.url}/20000"})
    lived.engine.root.raise_event("asks", "weather", {"url": lived.url})
    found = lived.replay()
    (unsure,) = found.unsure
    assert (found.differences, found.status) == ([], 0)
    assert unsure.unsure == "an answer was too large to be recorded (recorded_bytes)"
    assert "root: cannot be compared from 2026-03-01T00:00:00Z (turn 2) on" in "\n".join(found.lines())
    assert found.lines()[-1].startswith("  + ") and "no other turn differs" in found.lines()


def test_numbers_ids_and_jitter_are_those_on_record(lived: Lived) -> None:
    for day in range(1, 4):
        lived.engine.root.raise_event("asks", "dice")
        lived.engine.run_until(f"2026-03-0{day}T05:30:00Z")
    found = lived.replay()
    assert found.turns > 50 and (found.differences, found.unsure) == ([], [])


def test_programs_end_as_they_ended(lived: Lived) -> None:
    for _ in range(2):
        lived.engine.root.raise_event("asks", "clock")
        lived.engine.run_until(lived.engine.now())
    assert [each.directives[0]["name"] for each in lived.engine.journal() if each.directives] == ["ran"] * 2
    found = lived.replay()
    assert (found.turns, found.differences, found.programs) == (4, [], 0)
    twice = lived.replay(RULES.replace('proc:run("/bin/sh", ["-c", "date +%s%N; exit 3"])', TWICE))
    assert twice.programs == 2 and "how 2 programs ended" in "\n".join(twice.lines())


def test_answers_of_other_picos_are_those_on_record(lived: Lived) -> None:
    eci = lived.engine.pico("other").channels()[0].eci
    lived.engine.root.raise_event("asks", "other", {"eci": eci})
    assert len(lived.engine.journal()) == 3
    found = lived.replay()
    assert (found.turns, found.differences, found.unsure, found.lost) == (2, [], [], 0)


@pytest.mark.parametrize("lived", [{"recorded_bytes": 0}], indirect=True)
def test_without_a_record_it_cannot_be_compared(lived: Lived) -> None:
    lived.engine.root.raise_event("asks", "dice")
    lived.engine.root.raise_event("asks", "weather", {"url": lived.url})
    found = lived.replay()
    assert found.differences == [] and found.unrecorded == 2
    (unsure,) = found.unsure
    assert unsure.unsure in (
        "its random numbers were not recorded",
        "the answers to its requests were not recorded",
    )
    assert "random numbers and answers of 2 turns" in "\n".join(found.lines())


def test_what_was_found_goes_through_json(lived: Lived) -> None:
    lived.engine.root.raise_event("asks", "dice")
    found = lived.replay(RULES.replace("thrown > 500000", "thrown > -1"))
    assert read_replayed(found.as_json()) == found


# ---- keys in answers ---------------------------------------------------------------------------------

ECHOED = """ruleset echoed {
  meta { key svc "sekret-key-12345" key other "text" }
  rule ask { select when a go http:get("http://other.example/") setting(said)
    fired { raise a event "came" attributes {"length": said{"content"}.length()} } }
  rule came { select when a came send_directive("came", event:attrs) }
}"""


@pytest.mark.parametrize("before", [b"it is ", b"\xff\xfe "], ids=["text", "bytes"])
def test_a_key_in_an_answer_is_covered_and_then_its_turn_cannot_be_compared(before: bytes) -> None:
    body = before + b"sekret-key-12345, a text" + before

    def outside(_: HttpRequest) -> HttpResponse:
        return HttpResponse(200, "OK", (("x-key", "sekret-key-12345"),), body)

    with Engine(":memory:", VirtualClock(START), outside=outside) as engine:
        engine.root.install(ECHOED)
        engine.root.raise_event("a", "begun")
        with closing(engine.store.copy()) as backup:
            engine.root.raise_event("a", "go")
            found = engine.replay(backup=backup)
        kept = read_inputs(engine.store.journal.inputs(0, 99)[2])
    assert kept is not None
    (_, response), *_ = kept.given
    assert isinstance(response, HttpResponse)
    assert response.body == before + "•••, a •••".encode() + before
    assert response.headers == (("x-key", "•••"),)
    assert [each.unsure for each in found.unsure] == ["an answer is recorded with a key in it covered"]
    assert found.differences == []


# ---- tries that failed ------------------------------------------------------------------------------

TRIED = """ruleset tried {
  rule begin { select when a begin
    fired { schedule a event "tick" repeat "*/20 * * * *"
      attributes {"_retry": 3, "url": event:attrs{"url"}} } }
  rule ask { select when a tick http:get(event:attrs{"url"}) setting(said)
    fired { ent:n := said{"content"} } }
  rule odd { select when a tick
    pre { x = ent:n.match(re#[13579]$#) => "x" - 1 | 0 }
    send_directive("even", {"n": ent:n}) }
}"""


@pytest.mark.parametrize("of", ["schedule", "source"])
@pytest.mark.parametrize("lived", [{}, {"recorded_bytes": 0}], indirect=True, ids=["kept", "not kept"])
def test_a_failed_try_is_given_what_it_was_given(lived: Lived, of: str) -> None:
    engine = lived.engine
    engine.root.install(TRIED)
    if of == "source":
        entry = {"name": "e", "when": "*/20 * * * *", "event": "a:tick", "attrs": {"url": lived.url}}
        engine.add_source(
            {"type": "crontab", "name": "s", "to": {"pico": "root"}, "retry": 3, "entries": [entry]}
        )
    else:
        engine.root.raise_event("a", "begin", {"url": lived.url})
    with closing(engine.store.copy()) as backup:
        engine.run_until("2026-03-01T01:00:00Z")
        engine.root.raise_event("asks", "heard")
        assert [each.outcome.value for each in engine.history()].count("failed") >= 1
        found = engine.replay(backup=backup)
        assert (found.differences, found.status) == ([], 0), found.lines()
        if engine.settings.recorded_bytes:
            assert (found.unsure, found.requests) == ([], 0) and found.turns > 1
            other = TRIED.replace("[13579]", "[2468]")
            (difference,) = engine.replay(rulesets=[other], backup=backup).differences
            assert difference.unsure is None
        else:
            (unsure,) = found.unsure
            assert unsure.unsure == "a try failed whose random numbers and answers are not recorded"


# ---- any history, against an oracle ---------------------------------------------------------------

COUNTING = """ruleset counting {
  rule add {
    select when count add
    pre { by = event:attrs{"by"} luck = random:integer(9) }
    if by > LIMIT then send_directive("added", {"by": by, "luck": luck, "sum": ent:sum})
    always { ent:sum := ent:sum.defaultsTo(0) + by + luck
      schedule count event "later" at time:add(time:now(), {"minutes": by}) attributes {"by": by}
      schedule count event "hourly" repeat "7 * * * *" attributes {"_name": "h", "_jitter": 300} }
  }
  rule later { select when count later send_directive("later", {"sum": ent:sum, "at": time:now()})
    fired { raise count event "fails" if event:attrs{"by"} == 5 } }
  rule hourly { select when count hourly fired { ent:sum := ent:sum - 1 } }
  rule fails { select when count fails send_directive("n", {"n": time:add("no", {})}) }
  rule both { select when count add by re#3# before count hourly send_directive("both", {}) }
}"""
steps = st.lists(st.one_of(st.integers(0, 9), st.sampled_from(["5m", "50m", "7h"])), min_size=1, max_size=25)


@hypothesis_settings(max_examples=25, deadline=None)
@given(steps, st.integers(0, 9))
def test_any_history_is_replayed_and_the_first_difference_is_named(
    steps: list[int | str], limit: int
) -> None:
    with Engine(":memory:", VirtualClock(START), granularity=1, min_period=0) as engine:
        engine.root.install(COUNTING.replace("LIMIT", str(limit)))
        engine.root.raise_event("count", "begun")
        backup = engine.store.copy()
        for each in steps:
            if isinstance(each, int):
                engine.root.raise_event("count", "add", {"by": each})
            else:
                engine.clock.advance(**{"minutes" if each[-1] == "m" else "hours": int(each[:-1])})
                engine.run_due()
        if len(engine.journal()) > 1:
            same = engine.replay(backup=backup)
            assert (same.differences, same.unsure) == ([], []), same.lines()
            changed = COUNTING.replace("LIMIT", str(limit - 1))
            found = engine.replay(rulesets=[changed], backup=backup, first=True)
            added = [each for each in engine.journal(limit=9_999)[::-1] if each.handled[0]["type"] == "add"]
            first = next((each.seq for each in added if each.handled[0]["attrs"]["by"] == limit), None)
            assert [each.seq for each in found.differences] == ([] if first is None else [first])
            assert first is None or (found.differences[0].rule or "").startswith("counting.add, line")
        backup.close()
