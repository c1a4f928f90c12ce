"""What rules do beyond their own pico: send events, make children and channels, install, ask outside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from picosched import Engine, PicoschedError, VirtualClock
from picosched.clock import format_time
from picosched.krl.requests import HttpRequest, HttpResponse

LISTENER = """ruleset listener {
  meta { shares heard }
  global { heard = function(){ ent:heard.defaultsTo([]) } }
  rule hear { select when t hello fired { ent:heard := heard().append(event:attrs{"n"}) } }
  rule installed { select when t installed fired { ent:heard := heard().append("installed") } }
}"""

SENDER = """ruleset sender {
  rule send { select when t send eci re#(.+)# setting(eci)
    event:send({"eci": eci, "domain": "t", "type": "hello", "attrs": {"n": event:attrs{"n"}}}) }
  rule fail { select when t fail eci re#(.+)# setting(eci)
    event:send({"eci": eci, "domain": "t", "type": "hello"}) fired { ent:x := "a" * 2 } }
}"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T00:00:00Z"), seed=1) as engine:
        yield engine


def test_an_event_that_is_sent_reaches_the_other_pico_once_it_is_due(engine: Engine) -> None:
    other = engine.new_pico("other")
    other.install(LISTENER)
    channel = other.new_channel(allow_events=["t:hello"])
    engine.root.install(SENDER)
    engine.root.raise_event("t", "send", {"eci": channel.eci, "n": 7})
    assert other.query("listener", "heard") == []
    assert engine.root.scheduled() == []  # a message, not an appointment
    assert (engine.run_due(), engine.run_due()) == (1, 0)
    assert other.query("listener", "heard") == [7]


def test_an_event_that_cannot_be_sent_is_recorded_with_its_reason(engine: Engine) -> None:
    other = engine.new_pico("other")
    other.install(LISTENER)
    closed = other.new_channel(allow_events=["t:other"])
    engine.root.install(SENDER)
    gone = other.new_channel().eci
    for eci in (closed.eci, gone):
        assert engine.root.raise_event("t", "send", {"eci": eci}).errors == []
    other.delete_channel(gone)
    engine.run_due()
    fires = engine.root.history()
    assert [fire.outcome for fire in fires] == ["failed", "failed"]
    assert f"there is no channel {gone}" in str(fires[0].error)
    assert "not allowed by the channel's policy" in str(fires[1].error)
    assert other.query("listener", "heard") == []


def test_an_unknown_eci_is_an_error_of_the_rule_that_sends_to_it(engine: Engine) -> None:
    engine.root.install(SENDER)
    turn = engine.root.raise_event("t", "send", {"eci": "nowhere"})
    assert [error.message for error in turn.errors] == ['there is no channel "nowhere"']
    assert engine.run_due() == 0


def test_a_rule_that_fails_sends_nothing(engine: Engine) -> None:
    other = engine.new_pico("other")
    other.install(LISTENER)
    engine.root.install(SENDER)
    engine.root.raise_event("t", "fail", {"eci": other.new_channel().eci})
    assert engine.run_due() == 0


PARENT = """ruleset parent {
  meta { shares view, of_child }
  global {
    view = function(){ {"children": ctx:children, "parent": ctx:parent} }
    of_child = function(){ ctx:query(ctx:children.head(), "listener", "heard") }
  }
  rule make { select when t make
    every {
      ctx:newPico([{"url": "listener.krl"}]) setting(eci)
      event:send({"eci": eci, "domain": "t", "type": "hello", "attrs": {"n": 1}})
    }
    fired { ent:child := eci } }
  rule unmake { select when t unmake ctx:delPico(ent:child) }
  rule channel { select when t channel
    ctx:newChannel(["App One"], {"allow": [{"domain": "t", "name": "*"}]}, {"allow": []}) setting(channel)
    fired { raise t event "made" attributes {"channel": channel, "count": ctx:channels.length()} } }
  rule made { select when t made send_directive("made", event:attrs) }
  rule install { select when t install ctx:install("listener.krl") fired { raise t event "installed" } }
  rule uninstall { select when t uninstall ctx:uninstall("listener") }
}"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "listener.krl").write_text(LISTENER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def family_engine(folder: Path) -> Engine:
    engine = Engine(
        ":memory:", clock=VirtualClock("2026-03-01T00:00:00Z"), seed=1, install_from=[str(folder)]
    )
    engine.root.install(PARENT)
    return engine


def test_a_rule_makes_a_child_with_rulesets_and_talks_to_it(folder: Path) -> None:
    with family_engine(folder) as engine:
        turn = engine.root.raise_event("t", "make")
        assert turn.errors == []
        (child,) = engine.root.children()
        assert list(child.rulesets()) == ["listener"]
        engine.run_due()
        assert child.query("listener", "heard") == [1]
        assert engine.root.query("parent", "of_child") == [1]
        view = engine.root.query("parent", "view")
        assert len(view["children"]) == 1
        family = view["children"][0]
        with pytest.raises(PicoschedError, match="for its family only"):
            engine.raise_event(family, "t", "hello", {"n": 2})
        with pytest.raises(PicoschedError, match="for its family only"):
            engine.query(family, "listener", "heard")
        engine.root.raise_event("t", "unmake")
        assert engine.root.children() == []
        assert engine.root.query("parent", "view")["children"] == []


def test_a_rule_makes_a_channel_with_its_policy(folder: Path) -> None:
    with family_engine(folder) as engine:
        (directive,) = engine.root.raise_event("t", "channel").directives
        channel = directive.options["channel"]
        assert (channel["tags"], directive.options["count"]) == (["app-one"], 1)
        assert engine.raise_event(channel["id"], "t", "channel").directives
        with pytest.raises(PicoschedError, match="not allowed"):
            engine.query(channel["id"], "parent", "view")


def test_a_ruleset_that_a_rule_installs_takes_part_in_the_rest_of_the_turn(folder: Path) -> None:
    with family_engine(folder) as engine:
        turn = engine.root.raise_event("t", "install")
        assert turn.errors == []
        assert engine.root.query("listener", "heard") == ["installed"]
        engine.root.raise_event("t", "uninstall")
        assert list(engine.root.rulesets()) == ["parent"]
        assert engine.root.raise_event("t", "hello").handled[0].considered == []


def test_rulesets_may_install_no_file_that_is_not_allowed(folder: Path) -> None:
    with Engine(":memory:", clock=VirtualClock()) as engine:
        engine.root.install(PARENT)
        turn = engine.root.raise_event("t", "install")
        assert "wanted a .krl file in a folder of the setting install_from" in turn.errors[0].message
        assert list(engine.root.rulesets()) == ["parent"]


ASKER = """ruleset asker {
  meta { shares got, ask }
  global {
    got = function(){ ent:got.defaultsTo([]) }
    ask = function(n){ http:get("https://example.test/" + n){"content"} }
  }
  rule ask { select when t ask n re#(.+)# setting(n)
    pre {
      first = http:get("https://example.test/" + n)
      second = http:get("https://example.test/" + first{"content"})
    }
    if first{"status_code"} == 200 then noop()
    fired { ent:got := got().append(second{"content"}) } }
  rule later { select when t later
    fired { schedule t event "ask" at time:now() with n = "due" } }
}"""


class World:
    """Answers every request with the last part of its path, twice over; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request.url)
        assert self.free.wait(10)
        word = request.url.rsplit("/", 1)[1]
        return HttpResponse(200, "OK", (("content-type", "text/plain"),), (word * 2).encode())


def test_a_turn_waits_for_answers_from_outside_and_asks_each_once() -> None:
    world = World()
    with Engine(":memory:", clock=VirtualClock(), outside=world) as engine:
        engine.root.install(ASKER)
        engine.root.raise_event("t", "ask", {"n": "a"})
        assert world.asked == ["https://example.test/a", "https://example.test/aa"]
        assert engine.root.query("asker", "got") == ["aaaa"]
        assert engine.root.query("asker", "ask", {"n": "q"}) == "qq"
        engine.root.raise_event("t", "later")
        assert engine.run_due() == 1
        assert engine.root.query("asker", "got") == ["aaaa", "dueduedue" + "due"]
        assert len(engine.root.history()) == 1


def test_a_slow_host_delays_nobody_but_the_pico_that_asks() -> None:
    world = World()
    world.free.clear()
    with Engine(":memory:", granularity=1, outside=world) as engine:
        engine.root.install(ASKER)
        other = engine.new_pico("other")
        other.install(LISTENER)
        engine.root.raise_event("t", "later")
        engine.start()
        waiting = threading.Event()
        while not world.asked:  # the scheduler's thread has come to ask
            waiting.wait(0.01)
        other.raise_event("t", "hello", {"n": 1})
        assert other.query("listener", "heard") == [1]
        assert engine.root.query("asker", "got") == []
        world.free.set()
        engine.stop()  # lets what is being asked come to its end
        assert engine.root.query("asker", "got") == ["dueduedue" + "due"]
        assert [fire.outcome for fire in engine.root.history()] in (["fired"], ["late"])


def test_a_rule_that_asks_without_end_is_stopped() -> None:
    text = """ruleset endless { rule ask { select when t ask
      pre { all = 1.range(200).map(function(n){ http:get("https://example.test/" + n) }) } noop() } }"""
    world = World()
    with Engine(":memory:", clock=VirtualClock(), outside=world) as engine:
        engine.root.install(text)
        turn = engine.root.raise_event("t", "ask")
        assert "made more than 50 requests" in turn.errors[0].message
        assert len(world.asked) == 50


def test_picos_that_ask_each_other_in_a_circle_get_an_error(engine: Engine) -> None:
    text = """ruleset ring { meta { shares ask }
      global { ask = function(eci, back){ ctx:query(eci, "ring", "ask", {"eci": back}) } } }"""
    one, two = engine.new_pico("one"), engine.new_pico("two")
    for pico in (one, two):
        pico.install(text)
    ecis: list[Any] = [pico.new_channel().eci for pico in (one, two)]
    with pytest.raises(PicoschedError, match="is waiting for an answer itself"):
        one.query("ring", "ask", {"eci": ecis[1], "back": ecis[0]})


def test_a_pico_that_is_asked_has_the_time_of_who_asks(engine: Engine) -> None:
    text = """ruleset clock { meta { shares ask, told }
      global { ask = function(eci){ ctx:query(eci, "clock", "told") } told = function(){ time:now() } } }"""
    other = engine.new_pico("other")
    for pico in (engine.root, other):
        pico.install(text)
    asked = {"eci": other.new_channel().eci}
    for _ in range(2):
        assert engine.root.query("clock", "ask", asked) == format_time(engine.now()).replace("Z", ".000Z")
        engine.clock.advance(days=1)  # type: ignore[attr-defined]


def test_a_ruleset_reads_what_the_rules_of_its_pico_logged(engine: Engine) -> None:
    engine.root.install(
        """ruleset logger { meta { shares logs } global { logs = function(){ ctx:logs() } }
          rule go { select when t go fired { log warn event:attrs{"n"} } } }"""
    )
    for n in (1, 2):
        engine.root.raise_event("t", "go", {"n": n})
    logs = engine.root.query("logger", "logs")
    assert [(each["level"], each["rule"], each["value"]) for each in logs] == [
        ("warn", "go", 1),
        ("warn", "go", 2),
    ]
    assert logs[0]["time"] == "2026-03-01T00:00:00Z"


def test_a_file_that_rulesets_may_install_is_read_each_time(folder: Path) -> None:
    with family_engine(folder) as engine:
        engine.root.raise_event("t", "install")
        (folder / "listener.krl").write_text(LISTENER.replace("t hello", "t hallo"))
        engine.root.raise_event("t", "make")
        engine.run_due()
        (child,) = engine.root.children()
        assert child.query("listener", "heard") == []  # it has the new text, which knows no t:hello
        (folder / "listener.krl").unlink()
        turn = engine.root.raise_event("t", "make")  # where there is no file, there is what came from it
        assert turn.errors == [] and len(engine.root.children()) == 2


FLUSHER = """ruleset flusher {
  rule flush { select when t flush url re#(.+)# setting(url) ctx:flush(url) }
  rule install { select when t install url re#(.+)# setting(url) ctx:install(url, {"k": 1}) }
}"""


def test_a_flush_reads_the_file_anew_and_says_if_it_may_not(folder: Path) -> None:
    url = str(folder / "listener.krl")
    with Engine(":memory:", clock=VirtualClock(), seed=1, install_from=[str(folder)]) as engine:
        engine.root.install(FLUSHER)
        engine.root.raise_event("t", "install", {"url": url})
        old = engine.root.rulesets()["listener"]
        (folder / "listener.krl").write_text(LISTENER.replace("t hello", "t hallo"))
        assert engine.root.raise_event("t", "flush", {"url": url}).errors == []
        new = engine.root.rulesets()["listener"]
        assert (old.hash != new.hash, new.config) == (True, {"k": 1})
        assert engine.root.raise_event("t", "flush", {"url": "nowhere.krl"}).errors == []
        (folder / "listener.krl").unlink()
        (error,) = engine.root.raise_event("t", "flush", {"url": url}).errors
        assert "there is no file" in error.message
        assert engine.root.rulesets()["listener"] == new


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "ftp://me:key@x/y.krl",
            'may not install ftp://x/y.krl: found the scheme "ftp", wanted http, https or file',
        ),
        (
            "HTTP://127.0.0.1:1/x.krl",
            "cannot read the ruleset HTTP://127.0.0.1:1/x.krl: refused: 127.0.0.1 is",
        ),
        ("file:///etc/x.krl", "wanted a .krl file in a folder of the setting install_from"),
    ],
)
def test_a_refused_install_says_what_was_wrong_with_its_url(url: str, told: str) -> None:
    with Engine(":memory:", http_allow=["127.0.0.1"]) as engine:
        engine.root.install(FLUSHER)
        engine.start()
        (error,) = engine.root.raise_event("t", "install", {"url": url}).errors
        assert told in error.message and "answer 0" not in error.message


def test_a_rule_tells_which_picos_can_be_asked(folder: Path) -> None:
    text = """ruleset teller { meta { shares can, name, journal }
      global { can = function(eci, rid){ ctx:canQuery(eci, rid) } name = function(){ ctx:name }
        journal = function(n){ ctx:journal(n) } } }"""
    with family_engine(folder) as engine:
        engine.root.install(text)
        engine.root.raise_event("t", "make")
        (child,) = engine.root.query("parent", "view")["children"]
        own, other = engine.root.new_channel(), engine.root.children()[0].new_channel()
        cases = [
            (child, "listener"),
            (child, "nosuch"),
            (own.eci, "parent"),
            (other.eci, "listener"),
            ("x", "y"),
        ]
        asked = [engine.root.query("teller", "can", {"eci": eci, "rid": rid}) for eci, rid in cases]
        assert asked == [True, False, False, True, False]
        assert engine.root.query("teller", "name") == "root"
        (turn,) = engine.root.query("teller", "journal", {"n": 1})
        assert (turn["handled"][0]["type"], turn["handled"][0]["considered"][0]["outcome"]) == (
            "make",
            "fired",
        )
        for limit in ("many", -1, 1001, 2**63, True):
            with pytest.raises(PicoschedError, match=r"as a limit, .*, wanted a whole Number from 0"):
                engine.root.query("teller", "journal", {"n": limit})


def test_a_child_is_born_with_the_channels_it_is_to_have(engine: Engine) -> None:
    engine.root.install("""ruleset maker {
      rule make { select when t make
        ctx:newPico([], "kid", [{"tags": "In", "eventPolicy": {"allow": [{"domain": "t", "name": "*"}]}}]) }
      rule wrong { select when t wrong ctx:newPico([], "kid", "In") } }""")
    engine.root.raise_event("t", "make")
    (child,) = engine.root.children()
    family, made = child.channels()
    assert (family.tags, made.tags, made.events.allow) == (("system", "child"), ("in",), ("t:*",))
    (error,) = engine.root.raise_event("t", "wrong").errors
    assert "found a String as channels" in error.message


def test_a_channel_is_found_by_its_tags_however_they_are_spelt(engine: Engine) -> None:
    engine.root.install(
        """ruleset maker { rule make { select when t make ctx:upsertChannel(["App One", "b"]) } }"""
    )
    for _ in range(2):
        engine.root.raise_event("t", "make")
    assert [each.tags for each in engine.root.channels()] == [("app-one", "b")]


def test_a_turn_that_is_tried_again_has_the_same_ids_chance_and_time() -> None:
    text = """ruleset chancy {
      meta { shares got, ask }
      global { got = function() { ent:got.defaultsTo([]) }
               url = function() { "https://example.test/" + [random:uuid(), random:integer(1000000),
                                   random:number(), time:now(), event:eid].join("-") }
               ask = function() { http:get(url()){"status_code"} } }
      rule ask { select when t ask
        pre { a = http:get(url()){"status_code"} b = http:get(url()){"status_code"} }
        fired { ent:got := got().append([[a, b]]) } }
      rule later { select when t later fired { schedule t event "ask" at time:now() } }
    }"""
    world = World()
    with Engine(":memory:", outside=world) as engine:  # the real clock goes on between two tries
        engine.root.install(text)
        assert engine.root.raise_event("t", "ask").errors == []
        engine.root.raise_event("t", "later")
        engine.run_due()
        assert engine.root.query("chancy", "ask") == 200
        assert engine.root.query("chancy", "got") == [[200, 200], [200, 200]]
        assert len(world.asked) == len({*world.asked}) == 5
