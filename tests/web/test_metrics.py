"""What Prometheus reads, over a socket, and whether it says what happened."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from picosched.clock import VirtualClock, format_time
from picosched.engine.engine import Engine
from picosched.web import health

pytestmark = pytest.mark.slow


def metrics(client: httpx.Client) -> dict[str, float]:
    """`name{label=value}` → its value."""
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_requests_and_turns_are_counted(serving: Callable[..., Any]) -> None:
    with serving() as site, site.client() as client:
        before = metrics(client)["picosched_turns_total{}"]
        for _ in range(3):
            client.get(f"/c/{site.eci}/event-wait/echo/back")
        client.get("/c/nosuch/event-wait/echo/back")
        client.get("/c/x")
        client.get("/api/picos/root")
        client.get("/api/nosuch")
        found = metrics(client)
    path = "/c/:eci/event-wait/:domain/:type"
    assert found[f"picosched_http_requests_total{{path={path},status=200}}"] == 3
    assert found[f"picosched_http_requests_total{{path={path},status=404}}"] == 1
    assert found["picosched_http_requests_total{path=/api/picos/{pico},status=200}"] == 1
    assert found["picosched_http_requests_total{path=(other),status=404}"] == 2
    assert found["picosched_http_turn_seconds_count{}"] == 3
    assert 0 < found["picosched_http_turn_seconds_sum{}"] < 10
    assert found["picosched_turns_total{}"] - before == 3


def test_the_backlog_and_the_lateness_are_read_when_asked_for(serving: Callable[..., Any]) -> None:
    clock = VirtualClock("2026-03-01T00:00:00Z")
    engine = Engine(clock=clock, granularity=1, min_period=0)
    with serving(engine=engine) as site, site.client() as client:
        for seconds in (1, 2, 1000):
            at = format_time(clock.now() + timedelta(seconds=seconds))
            client.get(f"/c/{site.eci}/event/echo/later", params={"at": at})
        cancelled = engine.scheduled()[-1].id
        found = metrics(client)
        assert (found["picosched_scheduled{}"], found["picosched_due_backlog{}"]) == (3, 0)
        engine.stop()
        clock.advance(seconds=62)
        assert metrics(client)["picosched_due_backlog{}"] == 2
        engine.run_due()
        engine.agenda.cancel(cancelled)
        found = metrics(client)
    assert (found["picosched_scheduled{}"], found["picosched_due_backlog{}"]) == (0, 0)
    assert found["picosched_fires_total{outcome=late}"] == 2
    assert found["picosched_fires_total{outcome=cancelled}"] == 1
    assert found["picosched_lateness_seconds_bucket{le=60.0}"] == 1
    assert found["picosched_lateness_seconds_bucket{le=600.0}"] == 2
    assert found["picosched_lateness_seconds_count{}"] == 2
    assert found["picosched_lateness_seconds_sum{}"] == 61 + 60


def test_a_server_that_does_no_work_is_not_ready(serving: Callable[..., Any]) -> None:
    with serving() as site, site.client() as client:
        assert client.get("/ready").json() == {"status": "ready", "store": True, "scheduler": True}
        site.engine.stop()
        for path in ("/ready", "/api/ready"):
            response = client.get(path)
            assert (response.status_code, response.json()["scheduler"]) == (503, False)
        assert client.get("/health").json() == {"status": "ok"}


def test_health_is_told_while_a_rule_computes(serving: Callable[..., Any]) -> None:
    """A turn may take its time; the loop has none of it."""
    slow = """ruleset slow { meta { shares spin }
      global { spin = function(n) { n == 0 => 0 | spin(n - 1) } }
      rule spin { select when slow spin foreach 1.range(300) setting(x) pre { y = spin(900) } } }"""
    with serving() as site, site.client() as client:
        site.engine.root.install(slow)
        done = threading.Event()

        def spin() -> None:
            with site.client() as own:
                own.get(f"/c/{site.eci}/event/slow/spin")
            done.set()

        spinning = threading.Thread(target=spin)
        spinning.start()
        answers = 0
        while not done.is_set():
            assert client.get("/health", timeout=5).status_code == 200
            answers += 1
        spinning.join()
    assert answers >= 2


@contextmanager
def held(engine: Engine) -> Iterator[None]:
    """The engine as a turn has it that takes long."""
    begun, over = threading.Event(), threading.Event()

    def turn() -> None:
        begun.set()
        over.wait(30)

    holding = threading.Thread(target=engine.write, args=(turn,))
    holding.start()
    assert begun.wait(20)
    try:
        yield
    finally:
        over.set()
        holding.join()


def test_a_turn_that_takes_long_is_no_reason_not_to_answer(
    serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many who ask whether it is ready keep one thread from others, not one each."""
    monkeypatch.setattr(health, "METRICS_SECONDS", 0.2)
    with serving() as site, site.client() as client:
        with held(site.engine), ExitStack() as stack:
            host, port = site.url.removeprefix("http://").split(":")
            for _ in range(60):
                asking = stack.enter_context(socket.create_connection((host, int(port))))
                asking.sendall(f"GET /ready HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert client.get("/health").json() == {"status": "ok"}
            assert client.get("/api/version").status_code == 200
            answer = client.get("/ready")
            assert answer.status_code == 503
            assert answer.json() == {"status": "not ready", "store": False, "scheduler": True}
            answer = client.get("/metrics")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        pause = threading.Event()
        for _ in range(2_000):
            if client.get("/ready").status_code == 200:
                break
            pause.wait(0.01)
        assert client.get("/ready").json() == {"status": "ready", "store": True, "scheduler": True}
        assert metrics(client)["picosched_scheduled{}"] == 0
