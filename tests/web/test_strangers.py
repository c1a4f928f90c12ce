"""What comes from somebody who may not: it costs little, holds up nobody, and locks nobody out who may."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from starlette.websockets import WebSocket
from web.running import Running
from web.test_web_limits import answer_of, connect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as open_socket

from picosched.web import limits
from picosched.web import site as sites
from picosched.web.access import COOKIE
from picosched.web.request import SMALL

pytestmark = pytest.mark.slow

POST = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def begin(site: Running, path: str, head: str, body: bytes = b"") -> socket.socket:
    """A connection on which a request was begun."""
    connection = connect(site)
    connection.sendall((POST.format(path=path) + head + "\r\n\r\n").encode() + body)
    return connection


def status_of(connection: socket.socket) -> int:
    return int(connection.recv(65_536).split()[1])


@pytest.fixture(scope="module")
def closed_eci(site: Running) -> str:
    """A channel that lets nothing pass of what these tests send."""
    return site.engine.root.new_channel(["narrow"], allow_events=["t:t"], allow_queries=["t:t"]).eci


# ---- the body ------------------------------------------------------------------------------------------

WHOLE = "Content-Length: 900000"
CHUNKED = "Transfer-Encoding: chunked"
CHUNK = b"%x\r\n%s\r\n" % (SMALL + 1, b" " * (SMALL + 1))


@pytest.mark.parametrize("path", ["event/echo/back", "query/echo/count", "event/echo/back/query/echo/count"])
@pytest.mark.parametrize(("head", "begun"), [(WHOLE, b"{"), (CHUNKED, CHUNK)])
def test_a_large_body_waits_until_its_channel_was_asked(
    site: Running, closed_eci: str, path: str, head: str, begun: bytes
) -> None:
    """The rest of the body never comes: who is refused is refused without it."""
    for eci, status in (("nosuch", 404), (closed_eci, 403)):
        with begin(site, f"/c/{eci}/{path}", head, begun) as connection:
            assert status_of(connection) == status


def test_a_channel_that_was_made_a_moment_ago_takes_a_large_body_and_a_deleted_one_does_not(
    site: Running, client: httpx.Client
) -> None:
    body = {"text": "x" * 100_000}
    for _ in range(20):
        made = client.post("/api/picos/root/channels", json={"tags": ["new"]}).json()["eci"]
        assert client.post(f"/c/{made}/event/echo/back", json=body).status_code == 200
        assert client.delete(f"/api/picos/root/channels/{made}").status_code == 204
        assert client.post(f"/c/{made}/event/echo/back", json=body).status_code == 404


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("application/json", 1_065_536),
        ("application/x-www-form-urlencoded", 3_065_536),
        ("multipart/form-data; boundary=b", 3_065_536),
        ("text/plain", 1_065_536),
    ],
)
def test_a_body_is_bounded_by_the_attributes_and_what_its_form_may_add(
    site: Running, kind: str, most: int
) -> None:
    head = f"POST /c/{site.eci}/event/echo/back HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    for size, status in ((most, b"HTTP/1.1 100 "), (most + 1, b"HTTP/1.1 413 ")):
        with connect(site) as connection:
            connection.sendall(f"{head}Content-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode())
            assert connection.recv(65_536).startswith(status)


def test_the_loop_has_little_to_do_with_a_large_body(site: Running, client: httpx.Client) -> None:
    (loop,) = [each for each in threading.enumerate() if each.name.endswith("(serve)")]
    assert loop.ident is not None
    clock = time.pthread_getcpuclockid(loop.ident)
    before, all_before = time.clock_gettime(clock), time.process_time()
    body = b'{"a": [%s0]}' % (b"[]," * 300_000)
    head = {"content-type": "application/json"}
    for _ in range(2):
        assert client.post(f"/c/{site.eci}/event/echo/eid", content=body, headers=head).status_code == 200
    of_loop, of_all = time.clock_gettime(clock) - before, time.process_time() - all_before
    assert of_loop < 0.2 * of_all


def test_bodies_have_a_bound_all_together(
    serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites, "MOST_HELD", 1_000_000)
    with serving() as site, site.client() as client, ExitStack() as stack:
        path = f"/c/{site.eci}/event/echo/back"
        for _ in range(9):  # 100,000 bytes each have come, and one is missing
            stack.enter_context(begin(site, path, "Content-Length: 100001", b" " * 100_000))
        wait_for(lambda: site.server.config.app.bodies.size == 900_000)
        answer = client.post(path, json={"text": "x" * 150_000})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "bodies of 1,000,000 bytes are under way already" in answer.json()["error"]
        assert client.post(path, json={"text": "x" * 50_000}).status_code == 200
        stack.close()
        wait_for(lambda: site.server.config.app.bodies.size == 0)
        assert client.post(path, json={"text": "x" * 150_000}).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/api/session", "/login", "/ready"])
def test_who_has_no_token_sends_no_large_body(serving: Callable[..., Any], path: str) -> None:
    with serving(token=True) as site, begin(site, path, "Content-Length: 16385") as connection:
        assert status_of(connection) == 413


def test_what_is_left_of_a_refused_body_is_not_waited_for(
    serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LINGER_SECONDS", 0.2)
    with serving() as site, begin(site, "/c/nosuch/event/a/b", WHOLE) as connection:
        assert status_of(connection) == 404
        with pytest.raises(ConnectionError):
            for _ in range(2_000):
                connection.sendall(b" ")
                threading.Event().wait(0.01)


@pytest.mark.parametrize("head", ["Content-Length: 5\r\nContent-Length: 6", "Content-Length: -1"])
def test_a_length_that_is_none_is_refused(site: Running, head: str) -> None:
    with begin(site, f"/c/{site.eci}/event/echo/back", head, b"{}") as connection:
        assert answer_of(connection)[0] == 400


# ---- how often -----------------------------------------------------------------------------------------


@pytest.fixture
def strict(serving: Callable[..., Any]) -> Iterator[Running]:
    """A server with a token that lets an address be refused a hundred times, and then hardly ever again."""
    with serving(token=True, refusals=0.001) as site:
        yield site


def test_who_is_refused_too_often_is_told_to_pause_and_others_of_the_address_are_not(strict: Running) -> None:
    site = strict
    with httpx.Client(base_url=site.url, timeout=20) as stranger, site.client() as client:
        refused = [stranger.post("/c/nosuch/event/a/b", json={"n": n}) for n in range(101)]
        assert {each.status_code for each in refused[:100]} == {404}
        assert refused[100].status_code == 429
        assert int(refused[100].headers["retry-after"]) > 0
        assert "there is no channel nosuch" in refused[100].json()["error"]
        # All that was asked for in vain is told so, before any body is read.
        with begin(site, "/c/nosuch/event/a/b", "Content-Length: 9") as connection:
            assert status_of(connection) == 429
        asked = ("/api/picos", "/c/x", f"/c/{site.eci}x/query/echo/count")
        assert [stranger.get(path).status_code for path in asked] == [429] * 3
        wrong = {"authorization": "Bearer wrong"}
        assert stranger.get("/api/picos", headers=wrong).status_code == 429
        # Who may goes on.
        assert stranger.post(f"/c/{site.eci}/event-wait/echo/back", json={"n": 1}).status_code == 200
        assert stranger.get(f"/c/{site.eci}/query/echo/count").json() == 1
        assert stranger.get("/health").status_code == 200
        assert client.get("/api/picos").status_code == 200
        assert client.get("/api/picos/nosuch").status_code == 404


def test_refused_sockets_are_counted_as_well(strict: Running) -> None:
    """A guess at a token costs the same, whichever way it is made."""
    cookie = {"cookie": f"{COOKIE}=wrong"}
    url = f"{strict.url}/_nicegui_ws/socket.io/?EIO=4&transport=websocket".replace("http", "ws")
    for _ in range(101):
        with pytest.raises(InvalidStatus), open_socket(url, origin=strict.url, additional_headers=cookie):  # type: ignore[arg-type]
            pass
    assert httpx.get(f"{strict.url}/api/picos").status_code == 429


def test_who_may_is_never_counted(strict: Running) -> None:
    with strict.client() as client, httpx.Client(base_url=strict.url) as stranger:
        for _ in range(150):
            assert client.get("/api/picos/nosuch").status_code == 404
        assert stranger.get("/c/nosuch/query/a/b").status_code == 404


def test_the_limit_can_be_turned_off(serving: Callable[..., Any]) -> None:
    with serving(refusals=0) as site, site.client() as client:
        assert {client.get("/c/nosuch/query/a/b").status_code for _ in range(150)} == {404}


# ---- connections ---------------------------------------------------------------------------------------


def test_connections_have_a_bound(serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CONNECTIONS", 5)
    with serving() as site, ExitStack() as stack:
        for _ in range(5):
            connection = stack.enter_context(connect(site))
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert status_of(connection) == 200
        with connect(site) as sixth:
            status, told = answer_of(sixth)
        assert (status, told) == (503, {"error": "found too many connections, wanted fewer"})
        stack.close()
        wait_for(lambda: not site.server.server_state.connections)
        with site.client() as client:
            assert client.get("/health").status_code == 200


def test_sockets_of_the_console_have_a_bound(
    serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites, "MOST_SOCKETS", 3)

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive()

    with serving() as site, ExitStack() as stack:
        site.api.add_api_websocket_route("/ws", listen)
        head = (
            "GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n"
        )
        made = [stack.enter_context(connect(site)) for _ in range(5)]
        for each in made:
            each.sendall(head.encode())
        assert sorted(map(status_of, made)) == [101, 101, 101, 403, 403]


def wait_for(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(2_000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it never came to be")
