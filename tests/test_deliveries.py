"""Events that rules send to picos of other engines: on their way with their turn, and taken once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from web.running import Running, running

from picosched import Engine, VirtualClock
from picosched.due.deliveries import EXPIRES, OF_ONE
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.pico.delivery import read_delivery

COURIER = Path(__file__).parent / "rulesets" / "courier.krl"
COUNTING = """ruleset counting {
  meta { shares all }
  global { all = function(){ ent:all.defaultsTo([]) } }
  rule arrived { select when parcel arrived always { ent:all := all().append(event:attrs{"n"}) } }
}"""
START = "2026-03-01T00:00:00Z"
DAY = timedelta(days=1)


class World:
    """Answers requests with the next of `statuses`, then with the last again; 0 is no answer."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = [*statuses]
        self.asked: list[HttpRequest] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return HttpResponse(status, "so it is")


def sender(world: Any = None, **options: Any) -> Engine:
    engine = Engine(clock=VirtualClock(START), outside=world, **options)
    engine.root.install(COURIER)
    return engine


def post(engine: Engine, n: int = 1, host: str = "https://shop.example") -> Any:
    return engine.root.raise_event("parcel", "posted", {"eci": "abc", "host": host, "n": n})


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as site:
        site.engine.root.install(COUNTING)
        yield site


@pytest.mark.slow
@pytest.mark.parametrize("event", ["posted", "addressed"])
def test_a_rule_reaches_a_pico_of_another_server(there: Running, event: str) -> None:
    with sender(http_allow=["127.0.0.1"]) as engine:
        attrs = {"eci": there.eci, "host": f"{there.url}/", "n": 7}
        assert engine.root.raise_event("parcel", event, attrs).errors == []
        (delivery,) = engine.deliveries()
        assert (delivery.pico_id, delivery.rid, delivery.tries) == (engine.root.id, "courier", 0)
        assert delivery.url == f"{there.url}/c/{there.eci}/event/parcel/arrived"
        engine.run_due()
        assert there.engine.root.query("counting", "all") == [7]
        assert engine.deliveries() == engine.deliveries(dead=True) == []


@pytest.mark.slow
def test_a_delivery_that_comes_twice_is_handled_once(there: Running) -> None:
    with sender(http_allow=["127.0.0.1"]) as engine:
        engine.root.raise_event("parcel", "posted", {"eci": there.eci, "host": there.url, "n": 7})
        (delivery,) = engine.deliveries()
        engine.run_due()
        engine.write(engine.store.deliveries.add, delivery)  # as if the answer had been lost
        engine.run_due()
        assert there.engine.root.query("counting", "all") == [7]
        assert engine.deliveries() == []


def test_a_delivery_is_tried_until_it_is_taken() -> None:
    world = World(0, 503, 200)
    with sender(world) as engine:
        post(engine)
        engine.run_due()
        (delivery,) = engine.deliveries()
        assert (delivery.tries, delivery.error) == (1, "so it is")
        engine.run_until(engine.now() + DAY)
        assert engine.deliveries() == engine.deliveries(dead=True) == []
        assert len({dict(each.headers)["Idempotency-Key"] for each in world.asked}) == 1
        assert len(world.asked) == 3


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (0, None)])
def test_a_delivery_given_up_is_a_dead_letter_until_it_is_retried_or_dropped(
    status: int, tries: int | None
) -> None:
    world = World(status)
    with sender(world) as engine:
        post(engine)
        engine.run_until(engine.now() + EXPIRES + DAY)
        assert engine.deliveries() == []
        (dead,) = engine.deliveries(dead=True)
        assert dead.dead is not None and dead.tries == (tries or len(world.asked))
        assert dead.url == "https://shop.example/c/abc/event/parcel/arrived"
        assert dead.error is not None and dead.url not in dead.error
        assert engine.next_due() is None
        assert read_delivery(dead.as_json()).as_json() == dead.as_json()

        assert engine.retry_delivery(dead.id)
        assert [each.id for each in engine.deliveries()] == [dead.id]
        engine.run_until(engine.now() + EXPIRES + DAY)
        (again,) = engine.deliveries(dead=True)
        assert again.tries == dead.tries + 1 if tries else again.tries > dead.tries + 1

        world.statuses = [200]
        engine.retry_delivery(dead.id)
        engine.run_due()
        assert engine.deliveries() == engine.deliveries(dead=True) == []
        assert not engine.retry_delivery(dead.id) and not engine.drop_delivery(dead.id)


def test_a_dropped_delivery_is_not_sent() -> None:
    world = World(200)
    with sender(world) as engine:
        post(engine)
        (delivery,) = engine.deliveries()
        assert engine.drop_delivery(delivery.id)
        engine.run_due()
        assert world.asked == []


def test_a_dead_letter_is_kept_as_long_as_history() -> None:
    with sender(World(404), history_days=2) as engine:
        post(engine)
        engine.run_due()
        engine.run_until(engine.now() + DAY)
        assert engine.prune() == 0 and len(engine.deliveries(dead=True)) == 1
        engine.run_until(engine.now() + 3 * DAY)
        engine.prune()
        assert engine.deliveries(dead=True) == []


def test_deliveries_go_with_their_pico() -> None:
    with sender(World(200)) as engine:
        child = engine.new_pico("child")
        child.install(COURIER)
        child.raise_event("parcel", "posted", {"eci": "abc", "host": "https://shop.example"})
        assert [each.pico_id for each in engine.deliveries(pico_id=child.id)] == [child.id]
        child.delete()
        assert engine.deliveries() == []


def test_what_is_too_large_is_an_error_of_the_rule() -> None:
    with sender(World(200), max_attrs_bytes=1_000) as engine:
        turn = post(engine)
        assert turn.errors == []
        sending = """ruleset large { rule r { select when t large
            event:send({"eci": "abc", "domain": "t", "type": "t", "attrs": {"a": 0.range(900)}},
                "https://shop.example") } }"""
        engine.root.install(sending)
        (error,) = engine.root.raise_event("t", "large").errors
        assert (error.code, "(max_attrs_bytes)" in error.message) == ("too_large", True)
        assert len(engine.deliveries()) == 1


@pytest.mark.slow
def test_a_pico_whose_host_never_answers_does_not_delay_another(tmp_path: Path) -> None:
    stuck, done, held = threading.Event(), threading.Event(), threading.Semaphore(0)

    def world(request: HttpRequest) -> HttpResponse:
        if "slow" in request.url:
            held.release()
            stuck.wait(20)
        else:
            done.set()
        return HttpResponse(200, "taken")

    with Engine(tmp_path / "picos.db", outside=world) as engine:
        engine.root.install(COURIER)
        other = engine.new_pico("other")
        other.install(COURIER)
        for n in range(200):
            engine.root.raise_event("parcel", "posted", {"eci": "a", "host": "https://slow.example", "n": n})
        engine.start()
        try:
            for _ in range(OF_ONE):
                assert held.acquire(timeout=20)
            other.raise_event("parcel", "posted", {"eci": "a", "host": "https://quick.example"})
            assert done.wait(20)
            assert not held.acquire(blocking=False)
        finally:
            stuck.set()


@pytest.mark.parametrize("host", ["http://picos.example:8123", "HTTP://Picos.Example:8123/"])
def test_the_base_url_of_this_engine_is_here(host: str) -> None:
    with sender(World(200), base_url="http://picos.example:8123") as engine:
        engine.root.install(COUNTING)
        eci = engine.root.new_channel().eci
        attrs = {"eci": eci, "host": host, "n": 7}
        assert engine.root.raise_event("parcel", "posted", attrs).errors == []
        assert engine.deliveries() == []
        engine.run_due()
        assert engine.root.query("counting", "all") == [7]


def test_the_host_that_a_client_asks_for_makes_no_delivery_local() -> None:
    with sender(World(200)) as engine:
        forged = "https://shop.example"
        eci = engine.root.new_channel().eci
        event = engine.new_event(
            "parcel", "posted", {"eci": "abc", "host": forged, "n": 1}, eci=eci, host=forged
        )
        assert engine.raise_one(event).errors == []
        assert [each.url for each in engine.deliveries()] == [f"{forged}/c/abc/event/parcel/arrived"]


def test_half_a_character_is_in_no_url() -> None:
    rules = """ruleset half { rule send { select when half sent
      event:send({"eci": "[\\"\\ud800\\"]".decode()[0], "host": "https://h", "domain": "a", "type": "b"})
    } }"""
    with sender() as engine:
        engine.root.install(rules)
        (error,) = engine.root.raise_event("half", "sent").errors
        assert "found half a character in the eci" in error.message


def test_a_dead_letter_that_is_retried_has_another_day() -> None:
    world = World(404, 503)
    with sender(world) as engine:
        post(engine)
        engine.run_due()
        (dead,) = engine.deliveries(dead=True)
        engine.clock.advance(DAY * 2)  # type: ignore[attr-defined]
        assert engine.retry_delivery(dead.id)
        engine.run_due()
        (going_on,) = engine.deliveries()
        assert (going_on.tries, going_on.dead) == (2, None)
