"""`picosched serve` as a real process: it starts, is the only one, reloads, and stops in good order."""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from web.running import RULESET
from web.served import Served, eci_of

from picosched.clock import VirtualClock
from picosched.engine.engine import Engine

pytestmark = pytest.mark.slow

TOKEN = re.compile(r"the token, shown only now: (\S+)")


@pytest.mark.files
def test_the_token_is_shown_once_and_a_new_one_ends_it(served: Callable[..., Served], tmp_path: Path) -> None:
    def status(site: Served, token: str) -> int:
        return httpx.get(f"{site.url}/api/picos", headers={"authorization": f"Bearer {token}"}).status_code

    first = served()
    found = TOKEN.search(first.told("the token"))
    assert found and status(first, found[1]) == 200
    assert first.stop() == 0
    second = served()
    assert status(second, found[1]) == 200
    assert second.stop() == 0
    assert not any("the token" in each for each in second.errors)
    third = served("--new-token")
    new = TOKEN.search(third.told("the token"))
    assert new and status(third, found[1]) == 401 and status(third, new[1]) == 200
    assert third.stop(signal.SIGINT) == 0
    assert found[1].encode() not in (tmp_path / "picosched.db").read_bytes()


@pytest.mark.files
def test_a_second_server_on_one_store_says_who_has_it(served: Callable[..., Served]) -> None:
    first = served("--open")
    second = served("--open")
    assert second.ended() == 3
    assert f"in use by another picosched (process {first.process.pid})" in "".join(second.errors)
    assert httpx.get(f"{first.url}/ready").status_code == 200


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["--open", "--host", "0.0.0.0"], 1, "wanted a loopback host"),
        (["--open", "--new-token"], 2, "leave out --new-token"),
        (["--host", "no.such.host.example"], 1, '"no.such.host.example" is not a valid host'),
        (["nosuch.krl", "--open"], 1, "nosuch.krl"),
        (["--log", "loud"], 2, "loud"),
    ],
)
def test_a_server_that_cannot_be_says_why(
    served: Callable[..., Served], words: list[str], status: int, text: str
) -> None:
    site = served(*words)
    assert site.ended() == status
    assert text in "".join(site.errors) and "Traceback" not in "".join(site.errors)


def test_a_port_that_is_taken_is_told(served: Callable[..., Served]) -> None:
    port = served("--open").url.rpartition(":")[2]
    second = served("--open", "--db", "other.db", "--port", port)
    assert second.ended() == 3
    assert f"cannot listen on 127.0.0.1:{port}" in "".join(second.errors)


def test_a_stop_ends_the_turns_that_are_under_way(served: Callable[..., Served], tmp_path: Path) -> None:
    """Every event that was answered is in the store, and none was broken off."""
    site = served("echo.krl", "--open", "--no-access-log")
    eci = eci_of(site)
    answered: list[str] = []
    odd: list[Any] = []
    enough = threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=20) as client:
            while True:
                try:
                    response = client.get(f"{site.url}/c/{eci}/event/echo/back")
                except httpx.TransportError:
                    return  # it takes no more
                if response.status_code != 200:
                    odd.append(response.text)
                    return
                answered.append(response.json())
                if len(answered) > 200:
                    enough.set()

    asking = [threading.Thread(target=ask) for _ in range(8)]
    for each in asking:
        each.start()
    assert enough.wait(30)
    assert site.stop() == 0
    for each in asking:
        each.join()
    assert odd == []
    with Engine(tmp_path / "picosched.db", readonly=True) as engine:
        turns = engine.journal(limit=1_000_000)
        kept = {entry.eid for entry in turns if entry.handled[0]["domain"] == "echo"}
        assert set(answered) <= kept
        assert engine.root.query("echo", "count") == len(kept)


def test_rulesets_are_installed_at_the_start_and_again_when_they_change(
    served: Callable[..., Served], tmp_path: Path
) -> None:
    file = tmp_path / "echo.krl"
    site = served("echo.krl", "--open", "--reload", "--log", "json")
    greet = f"{site.url}/c/{eci_of(site)}/query/echo/greet?name=ada"
    assert httpx.get(greet).json() == "hello ada"
    file.write_text(RULESET.replace("hello ", "hello, "))
    hash = httpx.get(f"{site.url}/api/picos/root/rulesets").json()[0]["hash"]
    with httpx.Client() as client:
        for _ in range(2_000):
            if client.get(f"{site.url}/api/picos/root/rulesets").json()[0]["hash"] != hash:
                break
    assert httpx.get(greet).json() == "hello, ada"
    file.write_text(RULESET.replace('"hello "', "nobody_knows"))
    told = json.loads(site.told("not installed"))
    assert "unknown name nobody_knows" in told["error"] and told["level"] == "error"
    assert httpx.get(greet).json() == "hello, ada"
    assert site.stop() == 0
    again = served("echo.krl", "--open")
    assert again.ended() == 1 and "nobody_knows" in "".join(again.errors)


def test_what_is_there_already_is_not_installed_again(served: Callable[..., Served]) -> None:
    assert served("echo.krl", "--open").stop() == 0
    second = served("echo.krl", "--open")
    assert second.stop() == 0
    assert not any("installed" in each for each in second.errors)


def test_the_log_tells_of_requests_fires_and_the_end(served: Callable[..., Served]) -> None:
    site = served("echo.krl", "--open", "--log", "json")
    path = f"/c/{eci_of(site)}/event/echo/later"
    httpx.get(f"{site.url}{path}?at=2026-01-01T00:00:00Z")
    fire = json.loads(site.told('"fire"'))
    assert fire["event"] == "fire" and fire["outcome"] in ("fired", "late") and fire["rules"] == ["echo.back"]
    (recorded,) = httpx.get(f"{site.url}/api/history").json()["items"]
    assert fire["at"] == recorded["fired"]
    request = json.loads(site.told("/event/echo/later"))
    assert (request["event"], request["method"], request["status"]) == ("request", "GET", 200)
    eci = path.split("/")[2]
    assert request["path"] == f"/c/{eci[:8]}…/event/echo/later"  # an eci is a key
    assert not any(eci in each for each in site.errors)
    assert request["client"] == "127.0.0.1" and request["ms"] > 0
    assert site.stop() == 0
    assert all(json.loads(each) for each in site.errors if each)
    assert json.loads(site.told("stopping"))["signal"] == "SIGTERM"


def test_a_signal_in_the_middle_of_a_line_of_the_log_stops_it_all_the_same(
    served: Callable[..., Served],
) -> None:
    """A handler that logs would wait for ever for what it interrupted."""
    site = served("echo.krl", "--open", "--log", "json", "--no-access-log")
    eci = eci_of(site)
    with httpx.Client() as client:
        for _ in range(300):
            client.get(f"{site.url}/c/{eci}/event/echo/later?at=2026-01-01T00:00:00Z")
    site.told('"fire"')  # it tells of hundreds, now
    assert site.stop() == 0


def test_what_was_missed_waits_until_somebody_says_so(served: Callable[..., Served], tmp_path: Path) -> None:
    with Engine(tmp_path / "picosched.db", VirtualClock("2026-03-01T00:00:00Z"), granularity=1) as engine:
        engine.root.install(RULESET)
        engine.root.raise_event("echo", "later", {"at": "2026-03-01T01:00:00Z"})
    site = served("--open", "--no-access-log", "--catch-up", "rehearse")
    told = ""
    while not site.url:
        assert site.process.stdout is not None
        told += (line := site.process.stdout.readline())
        site.url = found[0] if (found := re.search(r"http://\S+\d", line)) else ""
    assert "2026-03-01T01:00:00Z  echo:back  root  late" in told
    assert "1 missed occurrence: 1 late" in told
    assert "PUT /api/scheduler starts it" in site.told("nothing was raised")
    with httpx.Client(base_url=site.url, timeout=20) as client:
        assert client.get("/api/scheduler").json() == {"running": False, "overdue": 1}
        (would,) = client.get("/api/catch-up").json()["fires"]
        assert (would["outcome"], would["rules"]) == ("late", ["echo.back"])
        assert client.get("/api/history").json()["items"] == []
        eci = eci_of(site)
        assert client.get(f"/c/{eci}/event-wait/echo/back").status_code == 200  # others are answered
        assert client.put("/api/scheduler", json={"running": True}).json()["running"]
        with client.stream("GET", "/api/journal/live?after=0") as journal:
            assert any('"nominal":"2026-03-01T01:00:00' in line for line in journal.iter_lines())
        assert client.get("/api/scheduler").json() == {"running": True, "overdue": 0}
    assert site.stop() == 0
