"""Bounds: sizes, depths, rates, and clients that take their time; over a socket."""

from __future__ import annotations

import json
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from web.running import Running

from picosched.web import limits, request
from picosched.web.errors import HttpError
from picosched.web.limits import Rate

pytestmark = pytest.mark.slow


def connect(site: Running) -> socket.socket:
    host, port = site.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def answer_of(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """The status and the JSON body that came, once the server hangs up."""
    answer = b""
    while piece := connection.recv(65_536):
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize("path", ["/c/{eci}/event-wait/echo/back", "/c/{eci}/query/echo/count", "/api/picos"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_while_it_comes(
    site: Running, client: httpx.Client, path: str, chunked: bool
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"text": "'
        for _ in range(200):
            yield b"x" * 100_000
        yield b'"}'

    content = pieces() if chunked else b"".join(pieces())
    before = len(site.engine.journal(limit=1000))
    response = client.post(
        path.format(eci=site.eci), content=content, headers={"content-type": "application/json"}
    )
    assert response.status_code == 413
    assert "wanted at most" in response.json()["error"]
    assert len(site.engine.journal(limit=1000)) == before
    assert client.get("/health").status_code == 200


def test_ten_megabytes_of_attributes_are_refused_before_they_come(site: Running) -> None:
    with connect(site) as connection:
        head = (
            f"POST /c/{site.eci}/event/echo/back HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n"
        )
        connection.sendall(f"{head}Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_attributes_over_the_setting_are_refused_whatever_their_form(
    site: Running, client: httpx.Client
) -> None:
    for body in ({"json": {"a": "x" * 1_000_001}}, {"data": {"a": "%" * 1_000_001}}):
        response = client.post(f"/c/{site.eci}/event/echo/back", **body)  # type: ignore[arg-type]
        assert (response.status_code, "attributes of 1,0" in response.text) == (413, True)
    assert client.post(f"/c/{site.eci}/event/echo/back", data={"a": "%" * 990_000}).status_code == 200


@pytest.mark.parametrize("depth", [1_100, 100_000])
def test_attributes_that_are_too_deep_are_refused(site: Running, client: httpx.Client, depth: int) -> None:
    text = '{"a":' + "[" * depth + "]" * depth + "}"
    response = client.post(
        f"/c/{site.eci}/event/echo/back", content=text, headers={"content-type": "application/json"}
    )
    assert response.status_code in (400, 413)
    assert "error" in response.json()


def test_headers_have_a_bound(site: Running) -> None:
    with connect(site) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
        connection.sendall(b"x" * 70_000)
        status, told = answer_of(connection)
    assert status == 431 and "headers" in told["error"]


@pytest.mark.parametrize(
    "line", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"\x16\x03\x01\x02\x00"]
)
def test_what_is_no_http_is_refused_as_json(site: Running, line: bytes) -> None:
    with connect(site) as connection:
        connection.sendall(line)
        status, told = answer_of(connection)
    assert (status, set(told)) == (400, {"error"})


def test_headers_that_do_not_come_are_not_waited_for(
    serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.3)
    with serving() as site, connect(site) as slow, connect(site) as silent:
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: loc")
        assert answer_of(slow)[0] == 408
        assert silent.recv(10) == b""


@pytest.mark.parametrize("path", ["/c/x/event/echo/back", "/api/picos"])
@pytest.mark.parametrize("begun", [b"", b"{"])
def test_a_body_that_does_not_come_is_not_waited_for(
    serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, path: str, begun: bytes
) -> None:
    monkeypatch.setattr(request, "BODY_SECONDS", 0.3)
    with serving() as site, connect(site) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: 9\r\n\r\n".encode()
            + begun
        )
        status, told = answer_of(connection)
    assert (status, told) == (408, {"error": "the body did not come within 0.3 s"})


def test_a_thousand_slow_connections_hold_up_nobody(site: Running, client: httpx.Client) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    head = f"POST /c/{site.eci}/event/echo/back HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
    slow = [b"GET /health HTTP/1.1\r\nHost: l", f"{head}Content-Type: application/json\r\n\r\n{{".encode()]
    try:
        with ExitStack() as stack:
            connections = [stack.enter_context(connect(site)) for _ in range(1_000)]
            for number, connection in enumerate(connections):
                connection.sendall(slow[number % 2])
            for _ in range(50):
                assert client.get(f"/c/{site.eci}/event-wait/echo/back", timeout=5).status_code == 200
                assert client.get("/health", timeout=5).status_code == 200
            last = connections[-1]
            last.sendall(b'"a":  1}')
            assert last.recv(65_536).startswith(b"HTTP/1.1 200 ")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_asks_too_often_is_told_when_to_come_again(serving: Callable[..., Any]) -> None:
    with serving(rate=2) as site, site.client() as client:
        found = [client.get("/health") for _ in range(20)]
    refused = [each for each in found if each.status_code == 429]
    assert found[0].status_code == found[1].status_code == 200
    assert refused and refused[0].headers["retry-after"] == "1"
    assert "more than 2 requests a second" in refused[0].json()["error"]


@given(
    rate=st.sampled_from([0.5, 1, 2, 10]),
    gaps=st.lists(st.floats(0, 2, allow_nan=False), max_size=60),
)
def test_no_address_gets_more_than_its_rate(rate: float, gaps: list[float]) -> None:
    """In any stretch of time, at most its length times the rate, and the burst."""
    now = 0.0
    let: list[float] = []
    limiter = Rate(rate, lambda: now)
    burst = max(1.0, rate)
    for gap in gaps:
        now += gap
        try:
            limiter.check("10.0.0.1")
            let.append(now)
        except HttpError as error:
            assert error.status == 429
            assert sum(1 for each in let if each > now - burst / rate) >= 1
    for place, first in enumerate(let):
        for count, last in enumerate(let[place:], 1):
            assert count <= burst + (last - first) * rate + 1e-6


def test_addresses_are_counted_each_for_itself_and_networks_as_one() -> None:
    limiter = Rate(1, lambda: 0.0)
    for address in ("10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8:0:1::1", "::1", "?"):
        limiter.check(address)
    for address in ("10.0.0.1", "2001:db8::ffff", "2001:db8:0:1:a:b:c:d"):
        with pytest.raises(HttpError):
            limiter.check(address)


def test_only_so_many_addresses_are_remembered_those_that_asked_last() -> None:
    limiter = Rate(1, lambda: 0.0)
    for number in range(limits.ADDRESSES):
        limiter.check(f"a{number}")
    limiter.check("b")
    limiter.check("a0")  # it was forgotten
    for address in ("b", "a0", f"a{limits.ADDRESSES - 1}"):
        assert limiter.wait(address) == 1.0
