"""An answer that is ready as a whole is one write, and the connection goes on or ends as the client asked."""

from __future__ import annotations

import re

import pytest
from web.running import Running
from web.test_web_limits import connect


def asked(site: Running, *heads: str) -> bytes:
    """All that comes back for requests sent at once, until the server closes or is asked to."""
    with connect(site) as socket:
        socket.sendall("".join(heads).encode())
        found = b""
        while piece := socket.recv(65_536):
            found += piece
    return found


def head(site: Running, method: str, name: str, *more: str, version: str = "1.1") -> str:
    lines = [f"{method} /c/{site.eci}/query/echo/greet?name={name} HTTP/{version}", "Host: 127.0.0.1", *more]
    return "\r\n".join((*lines, "", ""))


def test_requests_sent_at_once_are_answered_in_their_order(site: Running) -> None:
    names = ["ada", "bob", "cyd"]
    last = head(site, "GET", "dora", "Connection: close")
    found = asked(site, *(head(site, "GET", name) for name in names), last)
    assert re.findall(rb'"hello (\w+)"', found) == [b"ada", b"bob", b"cyd", b"dora"]
    assert found.count(b"HTTP/1.1 200 OK\r\n") == 4
    assert found.count(b"connection: close\r\n") == 1


def test_a_body_is_read_before_the_next_request(site: Running) -> None:
    body = "name=eve"
    post = head(
        site, "POST", "x", "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"
    )
    found = asked(site, post + body, head(site, "GET", "fay", "Connection: close"))
    assert re.findall(rb'"hello (\w+)"', found) == [b"eve", b"fay"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_of_http_1_0_gets_one_answer(site: Running, method: str) -> None:
    found = asked(site, head(site, method, "gus", version="1.0"))
    assert found.endswith(b'"hello gus"')
    assert b"connection: close\r\n" in found


def test_each_answer_has_its_length_and_a_date(site: Running) -> None:
    found = asked(site, head(site, "GET", "ida", "Connection: close"))
    start, _, body = found.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in start
    assert re.search(rb"\r\ndate: \w{3}, ", start)
    assert start.count(b"content-length") == start.count(b"\r\ndate") == 1
