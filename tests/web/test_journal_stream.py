"""The journal as it happens: server-sent events."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from web.running import Running

from picosched.web.api.journal import MOST_FOLLOWERS

pytestmark = pytest.mark.slow


def messages(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """`{id, event, data}` of each message."""
    message: dict[str, Any] = {}
    for line in lines:
        if not line:
            if "data" in message:
                yield message
            message = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            message[name] = json.loads(value) if name == "data" else value


def raised(site: Running, client: httpx.Client, n: int) -> str:
    eid: str = client.post(f"/c/{site.eci}/event/echo/back", json={"n": n}).json()
    return eid


def test_turns_come_as_they_happen_in_order(site: Running, client: httpx.Client) -> None:
    with site.client() as follower, follower.stream("GET", "/api/journal/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines).startswith("retry:")
        eids = [raised(site, client, n) for n in range(5)]
        found = messages(lines)
        told = [next(found) for _ in eids]
    assert [each["data"]["eid"] for each in told] == eids
    assert [each["event"] for each in told] == ["turn"] * 5
    assert [int(each["id"]) for each in told] == [each["data"]["seq"] for each in told]


def test_a_follower_goes_on_where_it_was(site: Running, client: httpx.Client) -> None:
    eids = [raised(site, client, n) for n in range(4)]
    seqs = [site.engine.journal(eid=eid)[0].seq for eid in eids]
    for how in (
        {"params": {"after": seqs[0]}},
        {"headers": {"last-event-id": str(seqs[0])}, "params": {"after": 0}},
    ):
        with client.stream("GET", "/api/journal/live", **how) as stream:
            found = messages(stream.iter_lines())
            assert [next(found)["data"]["eid"] for _ in range(3)] == eids[1:]


def test_a_follower_may_follow_one_pico(site: Running, client: httpx.Client) -> None:
    other = site.engine.new_pico("followed")
    with site.client() as follower, follower.stream("GET", "/api/journal/live?pico=followed") as stream:
        lines = stream.iter_lines()
        next(lines)
        raised(site, client, 1)
        turn = other.raise_event("echo", "back")
        assert next(messages(lines))["data"]["eid"] == turn.eid


def test_where_to_begin_is_a_number(client: httpx.Client) -> None:
    assert client.get("/api/journal/live", headers={"last-event-id": "x"}).status_code == 400
    assert client.get("/api/journal/live?after=-1").status_code == 400


def test_a_stop_ends_the_streams(serving: Callable[..., Any]) -> None:
    ended = threading.Event()
    began = threading.Event()

    def follow(url: str) -> None:
        with httpx.stream("GET", f"{url}/api/journal/live", timeout=20) as stream:
            for _ in stream.iter_lines():
                began.set()
        ended.set()

    with serving() as site:
        following = threading.Thread(target=follow, args=(site.url,))
        following.start()
        assert began.wait(10)
    assert ended.wait(10)
    following.join()


def test_exactly_so_many_may_follow_however_many_come_at_once(site: Running, client: httpx.Client) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    request = f"GET /api/journal/live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()

    def status_of(connection: socket.socket) -> int:
        connection.settimeout(20)
        return int(connection.recv(13).split()[1])

    with ExitStack() as stack:
        made = [
            stack.enter_context(socket.create_connection((host, int(port))))
            for _ in range(MOST_FOLLOWERS + 50)
        ]
        for each in made:
            each.sendall(request)
        found = sorted(map(status_of, made))
        assert found == [200] * MOST_FOLLOWERS + [503] * 50
        assert client.get("/api/journal/live").status_code == 503
        assert client.get("/api/version").status_code == 200
    pause = threading.Event()
    for _ in range(2_000):  # their places are free again
        with client.stream("GET", "/api/journal/live") as stream:
            if stream.status_code == 200:
                break
        pause.wait(0.01)
    assert stream.status_code == 200


def test_who_follows_in_vain_takes_no_place(site: Running, client: httpx.Client) -> None:
    for _ in range(MOST_FOLLOWERS + 1):
        assert client.get("/api/journal/live", params={"pico": "nosuch"}).status_code == 404
    with client.stream("GET", "/api/journal/live") as stream:
        assert stream.status_code == 200
