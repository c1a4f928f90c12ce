"""A signal to stop ends a real process within its grace, whatever it does; and nothing is lost by that."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from web.served import Served, eci_of

from picosched.clock import VirtualClock
from picosched.engine.engine import Engine

pytestmark = pytest.mark.slow

RULESET = """
ruleset stopping {
  meta { shares count, burn, ran }
  global {
    count = function() { ent:count.defaultsTo(0) }
    ran = function() { ent:ran.defaultsTo([]) }
    spin = function(n) { n == 0 => 0 | spin(n - 1) }
    burn = function() { 1.range(1000000).map(function(x){ spin(900) }).length() }
  }
  rule count { select when t count always { ent:count := count() + 1 } }
  rule later {
    select when t later
    always { schedule t event event:attrs{"type"} at "2026-03-01T00:00:00Z" attributes event:attrs }
  }
  rule burn { select when t burn pre { n = burn() } always { ent:burnt := n } }
  rule ask {
    select when t ask
    pre { got = http:get(event:attrs{"url"}) n = event:attrs{"then"} == "burn" => burn() | 0 }
    always { ent:asked := got{"status_code"} }
  }
  rule run { select when t run proc:run("/bin/sh", ["-c", event:attrs{"script"}]) setting(id) }
  rule told { select when proc finished always { ent:ran := ran().append(event:attrs{"outcome"}) } }
}
"""
MARGIN = 5.0
"""Seconds beyond the grace that a busy machine may take to end a process."""

ENDLESS = {"PICOSCHED_MAX_STEPS": "1000000000000"}


@pytest.fixture
def rules(tmp_path: Path) -> None:
    (tmp_path / "rules.krl").write_text(RULESET)


def serve(served: Callable[..., Served], grace: float, **env: str) -> Served:
    return served("rules.krl", "--open", "--no-access-log", "--grace", str(grace), **env)


def counted(site: Served, eci: str, times: int) -> None:
    for _ in range(times):
        assert httpx.get(f"{site.url}/c/{eci}/event-wait/t/count").status_code == 200


def wait_until_busy(site: Served) -> None:
    """Until the engine is held by a turn, which is when the server says that it is not ready."""
    with httpx.Client(timeout=20) as client:
        for _ in range(200):
            answer = client.get(f"{site.url}/ready")
            if answer.status_code == 503:
                assert answer.json() == {"status": "not ready", "store": False, "scheduler": True}
                assert client.get(f"{site.url}/health").status_code == 200
                return
    raise AssertionError("the engine was never held")


def count_of(folder: Path) -> int:
    with Engine(folder / "picosched.db", granularity=1) as engine:
        count: int = engine.root.query("stopping", "count")
        return count


@contextmanager
def asking(*urls: str) -> Iterator[list[Any]]:
    """Ask each in a thread of its own; what came of it, by the end of the block."""
    outcomes: list[Any] = []

    def ask(url: str) -> None:
        try:
            outcomes.append(httpx.get(url, timeout=30).status_code)
        except httpx.TransportError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=ask, args=(url,)) for url in urls]
    for each in threads:
        each.start()
    yield outcomes
    for each in threads:
        each.join()


@contextmanager
def silent() -> Iterator[tuple[str, Callable[[], socket.socket]]]:
    """The URL of a server that takes connections and says nothing, and how to wait for the next one."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listening.settimeout(20)
        yield (
            f"http://127.0.0.1:{listening.getsockname()[1]}/",
            lambda: stack.enter_context(listening.accept()[0]),
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The database as another program holds it that writes: whoever wants to write as well has to wait."""
    other = sqlite3.connect(folder / "picosched.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@pytest.mark.usefixtures("rules")
def test_a_stop_waits_for_no_rule_that_computes(served: Callable[..., Served], tmp_path: Path) -> None:
    site = serve(served, 1, **ENDLESS)
    eci = eci_of(site)
    counted(site, eci, 5)
    assert httpx.get(f"{site.url}/c/{eci}/event/t/later?type=burn").status_code == 200
    query = f"{site.url}/c/{eci}/query/stopping/burn"
    with asking(query, query):
        wait_until_busy(site)
        site.process.send_signal(signal.SIGTERM)
        status = site.ended(1 + MARGIN)
    assert status in (0, 3)
    with Engine(tmp_path / "picosched.db", granularity=1) as engine:
        assert engine.root.query("stopping", "count") == 5
        assert len(engine.scheduled()) + len(engine.history()) == 1
    if status == 3:
        assert "picosched ended at once: it had not ended 1 s after SIGTERM" in "".join(site.errors)


def run(served: Callable[..., Served], folder: Path, grace: float, *events: Any, **env: str) -> Served:
    """`picosched run` on a database where these events are due, and `t:count` was raised once."""
    with Engine(folder / "picosched.db", VirtualClock("2026-02-01T00:00:00Z"), granularity=1) as engine:
        engine.root.install(RULESET)
        engine.root.raise_event("t", "count")
        for attrs in events:
            engine.root.raise_event("t", "later", attrs)
    return served("--grace", str(grace), command="run", PICOSCHED_HTTP_ALLOW="127.0.0.1", **env)


def test_run_waits_for_no_rule_that_computes(served: Callable[..., Served], tmp_path: Path) -> None:
    with silent() as (url, accept):
        running = run(served, tmp_path, 1, {"type": "ask", "url": url, "then": "burn"}, **ENDLESS)
        connection = accept()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert connection.recv(1 << 16)
        assert connection.recv(1 << 16) == b""  # it has the answer, and computes
        running.process.send_signal(signal.SIGINT)
        assert running.ended(1 + MARGIN) in (0, 3)
    assert count_of(tmp_path) == 1


def test_run_waits_for_no_answer_from_outside(served: Callable[..., Served], tmp_path: Path) -> None:
    with silent() as (url, accept):
        running = run(served, tmp_path, 1, {"type": "ask", "url": url})
        accept()
        running.process.send_signal(signal.SIGTERM)
        assert running.ended(1 + MARGIN) == 0
    with Engine(tmp_path / "picosched.db", granularity=1) as engine:
        (row,) = engine.scheduled()  # it is asked again
        assert (row.type, engine.history()) == ("ask", [])


def test_a_second_signal_ends_it_at_once(served: Callable[..., Served], tmp_path: Path) -> None:
    with silent() as (url, accept):
        running = run(served, tmp_path, 60, {"type": "ask", "url": url})
        accept()
        for _ in range(40):
            running.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                running.process.wait(0.1)
                break
        assert running.ended(0.1) == 3
    assert "picosched ended at once: SIGINT came after SIGINT" in running.told("ended at once")


def test_a_stop_waits_for_no_program(served: Callable[..., Served], tmp_path: Path) -> None:
    script = "trap '' TERM; echo $$ > begun; while true; do /bin/sleep 0.1; done"
    running = run(
        served, tmp_path, 1, {"type": "run", "script": script}, PICOSCHED_PROC_ALLOW=f"/bin/sh cwd={tmp_path}"
    )
    begun, pause = tmp_path / "begun", threading.Event()
    for _ in range(3_000):
        if begun.exists() and begun.read_text():
            break
        pause.wait(0.01)
    running.process.send_signal(signal.SIGTERM)
    assert running.ended(1 + MARGIN) == 3
    with suppress(ProcessLookupError):
        for _ in range(3_000):  # it was killed, and is gone once somebody has looked after it
            os.kill(int(begun.read_text()), 0)
            pause.wait(0.01)
        raise AssertionError("the program goes on")
    with Engine(tmp_path / "picosched.db", granularity=1) as engine:
        engine.run_due()
        assert engine.root.query("stopping", "ran") == ["interrupted"]


@pytest.mark.usefixtures("rules")
def test_a_stop_waits_for_no_answer_that_a_request_asks_for(served: Callable[..., Served]) -> None:
    with silent() as (url, accept):
        site = serve(served, 2, PICOSCHED_HTTP_ALLOW="127.0.0.1")
        with asking(f"{site.url}/c/{eci_of(site)}/event/t/ask?url={url}") as outcomes:
            accept()
            site.process.send_signal(signal.SIGTERM)
            assert site.ended(2 + MARGIN) == 0
        assert outcomes == [503]


@pytest.mark.files
@pytest.mark.usefixtures("rules")
def test_a_stop_waits_for_no_queue(served: Callable[..., Served], tmp_path: Path) -> None:
    site = serve(served, 1)
    eci = eci_of(site)
    counted(site, eci, 3)
    host, port = site.url.removeprefix("http://").split(":")
    request = f"GET /c/{eci}/event-wait/t/count HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    with locked(tmp_path), ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(500)]
        for each in clients:
            each.settimeout(20)
            each.sendall(request)
        wait_until_busy(site)
        site.process.send_signal(signal.SIGTERM)
        assert site.ended(1 + MARGIN) == 3
        assert "At work were" in site.told("picosched ended at once")
        for each in clients:
            answer = b""
            with suppress(ConnectionError):
                answer = each.recv(1 << 16)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 503 ")
    assert count_of(tmp_path) == 3


@pytest.mark.usefixtures("rules")
def test_streams_and_slow_clients_are_no_reason_to_end_badly(served: Callable[..., Served]) -> None:
    site = serve(served, 3)
    eci = eci_of(site)
    host, port = site.url.removeprefix("http://").split(":")
    begun = [
        b"GET /hea",
        f"POST /c/{eci}/event/t/count HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n{{".encode(),
    ]
    with httpx.stream("GET", f"{site.url}/api/journal/live") as stream, ExitStack() as stack:
        lines = stream.iter_lines()
        next(lines)
        for each in begun:
            client = stack.enter_context(socket.create_connection((host, int(port))))
            client.sendall(each)
        assert httpx.get(f"{site.url}/health").status_code == 200
        site.process.send_signal(signal.SIGTERM)
        assert list(lines) == [""]
        assert site.ended(3 + MARGIN) == 0
