"""Events for other engines: sent until they are taken, known by their key if they come again."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from picosched import Engine, PicoRef, PicoschedError, VirtualClock
from picosched.due.deliveries import EXPIRES, FIRST_WAIT, LONGEST_WAIT
from picosched.due.entries import MOST_WAITING
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.schedule.backoff import backoff
from picosched.schedule.scheduled import Outcome

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

COUNTING = """ruleset counting {
  meta { shares lines, last }
  global { lines = function(){ ent:lines.defaultsTo(0) } last = function(){ ent:last } }
  rule line { select when table line send_directive("counted")
    always { ent:lines := lines() + 1; ent:last := event:attrs } }
}"""


class Receiver(ThreadingHTTPServer):
    """An engine behind the paths of HTTP. `troubles` says what happens to the first requests."""

    daemon_threads = True

    def __init__(self, *troubles: str | int) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.engine = Engine(clock=VirtualClock(START))
        self.engine.root.install(COUNTING)
        self.eci = self.engine.root.new_channel(["afar"]).eci
        self.troubles = [*troubles]
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.arrived = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def lines(self) -> int:
        return int(self.engine.root.query("counting", "lines"))

    def wait_for(self, count: int) -> None:
        """Until so many requests have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, timeout=20)


class Request(BaseHTTPRequestHandler):
    """One request, as the paths of the engine are served."""

    server: Receiver

    def do_POST(self) -> None:
        receiver = self.server
        attrs = json.loads(self.rfile.read(int(self.headers["content-length"])))
        parts = self.path.strip("/").split("/")
        if parts[:2] == ["sky", "event"]:
            _, _, eci, _, domain, type = parts
        else:
            _, eci, _, domain, type = parts
        trouble = receiver.troubles.pop(0) if receiver.troubles else None
        status = trouble if isinstance(trouble, int) else 200
        if trouble is None or trouble == "dies":
            receiver.engine.raise_event(eci, domain, type, attrs, once=self.headers["Idempotency-Key"])
        with receiver.arrived:
            receiver.requests.append(
                (self.path, {name.lower(): text for name, text in self.headers.items()}, attrs)
            )
            receiver.arrived.notify_all()
        if trouble == "dies":  # it has taken the event, and its answer is lost
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b'"taken"')

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(*troubles: str | int) -> Receiver:
        made.append(Receiver(*troubles))
        return made[-1]

    yield make
    for each in made:
        each.shutdown()
        each.server_close()
        each.engine.close()


def table(url: str, **more: Any) -> dict[str, Any]:
    entry = {"name": "line", "when": "0 * * * *", "event": "table:line", "attrs": {"n": 1, "é": [None]}}
    return {"type": "crontab", "name": "table", "to": {"url": url}, "entries": [entry], **more}


def new_engine(**options: Any) -> Engine:
    return Engine(clock=VirtualClock(START), http_allow=["127.0.0.1"], **options)


def waiting(engine: Engine) -> tuple[int, str | None]:
    (source,) = engine.sources()
    return source.waiting, source.error


@pytest.mark.parametrize("path", ["c", "sky/event"])
def test_an_event_is_posted_to_the_channel(receiver: Callable[..., Receiver], path: str) -> None:
    there = receiver()
    with new_engine() as engine:
        engine.add_source(table(f"{there.host}/{path}/{there.eci}"))
        assert engine.run_until(START + HOUR) == 1
        (fire,) = engine.history()
        ((asked, headers, attrs),) = there.requests
        shape = f"/c/{there.eci}/event" if path == "c" else f"/sky/event/{there.eci}/{fire.eid}"
        assert asked == f"{shape}/table/line"
        assert (headers["idempotency-key"], headers["content-type"]) == (fire.eid, "application/json")
        assert attrs == {"n": 1, "é": [None]} == there.engine.root.query("counting", "last")
        assert waiting(engine) == (0, None)
        assert fire.outcome is Outcome.FIRED


def test_the_user_of_a_url_is_sent_and_nothing_that_gives_access_is_shown(
    receiver: Callable[..., Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    there = receiver(404)
    channel = f"127.0.0.1:{there.server_port}/c/{there.eci}"
    short = f"http://{channel[: -len(there.eci)]}{there.eci[:8]}…"
    with new_engine() as engine:
        engine.add_source(table(f"http://anna:hunter2@{channel}"))
        engine.run_until(START + HOUR)
        ((_, headers, _),) = there.requests
        assert headers["authorization"] == "Basic " + b64encode(b"anna:hunter2").decode()
        (source,) = engine.sources()
        assert source.to == source.declaration["to"] == {"url": short}
        shown = f"{source.as_json()} {engine.history()} {engine.deliveries(dead=True)[0].as_json()}"
        assert f"{short}/event/table/line refused it: 404" in shown
        for each in (shown, caplog.text):
            assert "hunter2" not in each and there.eci not in each
        assert engine.run_until(START + 2 * HOUR) == 1  # it is kept whole
        assert there.lines == 1


def test_what_fails_twice_is_tried_until_it_is_taken(receiver: Callable[..., Receiver]) -> None:
    there = receiver(503, 500)
    with new_engine() as engine:
        engine.add_source(table(f"{there.host}/c/{there.eci}"))
        engine.run_until(START + HOUR)
        assert waiting(engine) == (1, "503 Service Unavailable")
        due = engine.next_due()
        assert due is not None and START + HOUR < due <= START + HOUR + timedelta(seconds=2)
        engine.run_until(START + HOUR + timedelta(minutes=1))
        assert (there.lines, len(there.requests)) == (1, 3)
        assert len({headers["idempotency-key"] for _, headers, _ in there.requests}) == 1
        assert waiting(engine) == (0, None)


def test_an_event_whose_answer_was_lost_comes_twice_and_counts_once(
    receiver: Callable[..., Receiver],
) -> None:
    there = receiver("dies")
    with new_engine() as engine:
        engine.add_source(table(f"{there.host}/c/{there.eci}"))
        engine.run_until(START + HOUR + timedelta(minutes=1))
        keys = [headers["idempotency-key"] for _, headers, _ in there.requests]
        assert len(keys) == 2 and len(set(keys)) == 1
        assert there.lines == 1
        assert waiting(engine) == (0, None)


def test_deliveries_survive_a_restart(receiver: Callable[..., Receiver], tmp_path: Any) -> None:
    there, path = receiver(503), tmp_path / "picos.db"
    with Engine(path, clock=VirtualClock(START), http_allow=["127.0.0.1"]) as engine:
        engine.add_source(table(f"{there.host}/c/{there.eci}"))
        engine.run_until(START + HOUR)
    with Engine(path, clock=VirtualClock(START + 1.5 * HOUR), http_allow=["127.0.0.1"]) as engine:
        assert waiting(engine) == (1, "503 Service Unavailable")
        engine.run_due()
        assert (there.lines, waiting(engine)) == (1, (0, None))


def test_in_the_background_it_is_sent_by_a_thread_of_its_own(receiver: Callable[..., Receiver]) -> None:
    there = receiver(503)
    with Engine(http_allow=["127.0.0.1"], granularity=1) as engine:
        source = {**table(f"{there.host}/c/{there.eci}"), "type": "metronome", "interval": 100}
        del source["entries"]
        engine.add_source(source)
        engine.start()
        there.wait_for(5)
        engine.stop()
        (state,) = engine.sources()
        assert state.fires >= 4
        assert state.fires - state.waiting <= len(there.requests)


def nobody(request: HttpRequest) -> HttpResponse:
    return HttpResponse(0, "nobody is there")


def test_what_nobody_takes_is_given_up_after_a_day() -> None:
    with new_engine(outside=nobody) as engine:
        engine.add_source(table("http://127.0.0.1:1/c/x", misfire="skip"))
        engine.run_until(START + HOUR)
        engine.pause_source("table")
        engine.run_until(START + HOUR + EXPIRES - timedelta(minutes=6))
        (fire,) = engine.history()
        assert (fire.outcome, waiting(engine)) == (Outcome.FIRED, (1, "nobody is there"))
        engine.run_until(START + HOUR + EXPIRES + timedelta(minutes=1))
        (fire,) = engine.history()
        assert fire.outcome is Outcome.FAILED
        assert fire.error is not None and fire.error.startswith(
            "http://127.0.0.1:1/c/x/event/table/line did not take it in 24 hours and "
        )
        (source,) = engine.sources()
        assert (source.waiting, source.entries[0].failed, source.entries[0].error) == (0, 1, fire.error)


def test_who_says_no_is_not_asked_again(receiver: Callable[..., Receiver]) -> None:
    there = receiver(403)
    with new_engine() as engine:
        engine.add_source(table(f"{there.host}/c/{there.eci}"))
        engine.run_until(START + HOUR + timedelta(minutes=30))
        assert len(there.requests) == 1
        (fire,) = engine.history()
        assert fire.error is not None and fire.error.endswith("/event/table/line refused it: 403 Forbidden")


def test_a_private_address_needs_leave() -> None:
    with Engine(clock=VirtualClock(START)) as engine:
        engine.add_source(table("http://127.0.0.1:9/c/x"))
        engine.run_until(START + HOUR)
        assert waiting(engine) == (1, "refused: 127.0.0.1 is loopback, and not listed in http_allow")


def test_only_so_many_wait() -> None:
    with new_engine(outside=nobody) as engine:
        engine.add_source(
            {"type": "metronome", "interval": 10, "name": "m", "to": {"url": "http://127.0.0.1:1/c/x"}}
        )
        engine.run_until(START + timedelta(milliseconds=10 * (MOST_WAITING + 5)))
        (source,) = engine.sources()
        assert (source.waiting, source.fires, source.entries[0].failed) == (MOST_WAITING, MOST_WAITING + 5, 5)
        assert source.entries[0].error == "1,000 events are on their way to http://127.0.0.1:1/c/x already"


def test_the_waits_double_up_to_a_bound_and_are_always_the_same() -> None:
    def wait(id: str, tries: int) -> timedelta:
        return backoff(id, tries, FIRST_WAIT, LONGEST_WAIT)

    waits = [wait("an id", tries) for tries in range(1, 200)]
    assert waits == [wait("an id", tries) for tries in range(1, 200)]
    for tries, found in enumerate(waits, 1):
        longest = min(timedelta(seconds=2 ** min(tries, 20)), LONGEST_WAIT)
        assert longest / 2 <= found <= longest
    assert len({wait(str(id), 9) for id in range(100)}) == 100


# ---- the receiver -----------------------------------------------------------------------------------


@pytest.fixture
def counting() -> Iterator[PicoRef]:
    with Engine(clock=VirtualClock(START), history_days=1) as engine:
        engine.root.install(COUNTING)
        yield engine.root


def test_an_event_with_a_key_is_handled_once(counting: PicoRef) -> None:
    engine, eci = counting.engine, counting.new_channel().eci
    first = engine.raise_event(eci, "table", "line", {"n": 1}, once="k")
    again = engine.raise_event(eci, "table", "line", {"n": 2}, once="k")
    assert (first.repeated, again.repeated) == (False, True)
    assert (again.eid, again.directives, again.errors) == (first.eid, [], [])
    assert (counting.query("counting", "lines"), counting.query("counting", "last")) == (1, {"n": 1})
    assert len(engine.journal()) == 1
    engine.raise_event(eci, "table", "line", once="other")
    engine.raise_event(eci, "table", "line")
    assert counting.query("counting", "lines") == 3


def test_a_key_is_that_of_one_pico(counting: PicoRef) -> None:
    engine, kitchen = counting.engine, counting.engine.new_pico("kitchen")
    for pico in (counting, kitchen):
        assert not engine.raise_event(pico.new_channel().eci, "a", "b", once="k").repeated


def test_a_key_is_kept_as_long_as_history(counting: PicoRef) -> None:
    engine, eci = counting.engine, counting.new_channel().eci
    engine.raise_event(eci, "table", "line", once="k")
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    clock.advance(hours=23)
    engine.prune()
    assert engine.raise_event(eci, "table", "line", once="k").repeated
    clock.advance(hours=2)
    assert engine.prune() > 0
    assert not engine.raise_event(eci, "table", "line", once="k").repeated


def test_a_refused_event_leaves_no_key(counting: PicoRef) -> None:
    engine, channel = counting.engine, counting.new_channel(allow_events=["x:*"])
    with pytest.raises(PicoschedError):
        engine.raise_event(channel.eci, "table", "line", once="k")
    open_channel = counting.new_channel()
    assert not engine.raise_event(open_channel.eci, "table", "line", once="k").repeated


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_is_a_text_of_some_length(counting: PicoRef, key: str) -> None:
    with pytest.raises(PicoschedError, match="key"):
        counting.engine.raise_event(counting.new_channel().eci, "table", "line", once=key)
