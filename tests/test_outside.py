"""Calls to the world outside: to a real server on this machine, and to all that must not be reached."""

from __future__ import annotations

import base64
import gzip
import http.server
import json
import logging
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picosched import PicoschedError, Settings
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.outside import Outside
from picosched.outside.addresses import Addresses, fault_of, inner

pytestmark = pytest.mark.files

LOCAL = Settings(http_allow=("127.0.0.1",))
Resolved = Callable[..., list[tuple[Any, ...]]]


class Answers(http.server.BaseHTTPRequestHandler):
    """Says what was asked, or misbehaves as the path wants it."""

    def answer(self) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        path, _, argument = self.path.partition("?")
        wanted: Callable[[str], None] | None = getattr(self, path.strip("/"), None)
        if path.startswith("/do_") and wanted:
            wanted(argument)
            return
        self.say(
            json.dumps(
                {
                    "method": self.command,
                    "path": self.path,
                    "headers": {name.lower(): text for name, text in self.headers.items()},
                    "body": body.decode("latin-1"),
                }
            ).encode()
        )

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def say(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_redirect(self, argument: str) -> None:
        """`302=/where`"""
        status, _, where = argument.partition("=")
        self.say(b"moved", int(status), Location=where)

    def do_count(self, argument: str) -> None:
        """Redirect that many times more."""
        left = int(argument)
        self.say(b"", 302, Location=f"/do_count?{left - 1}" if left else "/end")

    def do_bytes(self, argument: str) -> None:
        self.say(b"x" * int(argument))

    def do_endless(self, argument: str) -> None:
        """Send without an end, until nobody reads."""
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
                self.server.written += 65536  # type: ignore[attr-defined]
        except OSError:
            self.server.gone.set()  # type: ignore[attr-defined]

    def do_gzip(self, argument: str) -> None:
        self.say(gzip.compress(b"x" * int(argument)), Content_Encoding="gzip")

    def do_broken_gzip(self, argument: str) -> None:
        self.say(gzip.compress(b"x" * 100)[: int(argument)], Content_Encoding="gzip")

    def do_silence(self, argument: str) -> None:
        self.server.gone.wait(10)  # type: ignore[attr-defined]

    def do_drip(self, argument: str) -> None:
        """A byte now and then: of the body, or of the headers."""
        self.wfile.write(b"HTTP/1.0 200 OK\r\n" + (b"\r\n" if argument == "body" else b"x: "))
        try:
            while not self.server.gone.wait(0.02):  # type: ignore[attr-defined]
                self.wfile.write(b"x")
        except OSError:
            pass

    def do_short(self, argument: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")

    def do_nonsense(self, argument: str) -> None:
        self.wfile.write(b"tea\r\n\r\n")

    def do_cookie(self, argument: str) -> None:
        self.say(b"", Set_Cookie="a=1")

    def log_message(self, *arguments: Any) -> None: ...


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.seen: list[str] = []
        self.written = 0
        self.gone = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.gone.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The hosts that there are: name → addresses. All else is unknown, and literals are themselves."""
    known: dict[str, list[str]] = {}
    genuine = socket.getaddrinfo

    def resolved(host: str, *arguments: Any, **named: Any) -> list[tuple[Any, ...]]:
        if host in known:
            addresses = known[host]
        elif host.strip("0123456789abcdefx.:"):
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        else:
            addresses = [host]
        return [found for each in addresses for found in genuine(each, *arguments, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return known


def get(url: str, outside: Outside | None = None, **named: Any) -> HttpResponse:
    return (outside or Outside(LOCAL)).fetch(HttpRequest("GET", url, **named))


def seen_by(response: HttpResponse) -> dict[str, Any]:
    assert response.status == 200, response.reason
    seen: dict[str, Any] = json.loads(response.body)
    return seen


# ---- what is asked and answered -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("body", [b"", b'{"a": "\xc3\xbc"}'])
def test_each_method_reaches_the_server(server: Server, method: str, body: bytes) -> None:
    request = HttpRequest(method, f"{server.url}/cups?a=1#x", (("content-type", "application/json"),), body)
    seen = seen_by(Outside(LOCAL).fetch(request))
    assert (seen["method"], seen["path"], seen["body"]) == (method, "/cups?a=1", body.decode("latin-1"))
    assert seen["headers"]["content-type"] == "application/json"
    has_length = bool(body) or method in ("POST", "PUT", "PATCH")
    assert seen["headers"].get("content-length") == (str(len(body)) if has_length else None)


def test_head_has_headers_and_no_body(server: Server) -> None:
    response = Outside(LOCAL).fetch(HttpRequest("HEAD", f"{server.url}/do_gzip?100"))
    assert (response.status, response.reason, response.body) == (200, "OK", b"")
    assert int(dict(response.headers)["Content-Length"]) > 0


def test_a_request_has_a_host_an_agent_and_nothing_of_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login bob password nopass")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    outside = Outside(LOCAL)
    get(f"{server.url}/do_cookie", outside)
    assert seen_by(get(server.url, outside))["headers"] == {
        "host": f"127.0.0.1:{server.server_port}",
        "connection": "close",
        "user-agent": "picosched",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
    }


def test_a_password_goes_as_basic_auth(server: Server) -> None:
    seen = seen_by(get(server.url, auth=("bob", "né:x"), headers=(("Authorization", "mine"),)))
    assert base64.b64decode(seen["headers"]["authorization"].removeprefix("Basic ")).decode() == "bob:né:x"


def test_a_url_is_escaped_where_it_has_to_be(server: Server) -> None:
    assert seen_by(get(f"{server.url}/ü%20 x?q=ü&r=[1]"))["path"] == "/%C3%BC%20%20x?q=%C3%BC&r=[1]"


def test_many_threads_may_ask_at_once(server: Server) -> None:
    outside = Outside(LOCAL)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(get(server.url, outside).status)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 16


def test_what_is_not_there_is_an_answer_without_a_status(names: dict[str, list[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert get(f"http://127.0.0.1:{port}/") == HttpResponse(0, "no answer: Connection refused")
    assert get("http://nowhere.invalid/") == HttpResponse(0, "there is no such host")


@pytest.mark.parametrize("path", ["/do_short", "/do_nonsense", "/do_broken_gzip?15", "/do_broken_gzip?5"])
def test_an_answer_that_makes_no_sense_is_none(server: Server, path: str) -> None:
    response = get(f"{server.url}{path}")
    assert response.status == 0
    assert response.reason.startswith("no answer: ")


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest("GET", "http://127.0.0.1:1/", (("a b", "c"),)),
        HttpRequest("GET", "http://127.0.0.1:1/", (("a", "c\r\nd: e"),)),
        HttpRequest("GET\r\nX: y", "http://127.0.0.1:1/"),
        HttpRequest("GET", "http://127.0.0.1:1/\ud800"),
        HttpRequest("GET", "http://127.0.0.1:1/", (("ü", "c"),)),
    ],
)
def test_a_request_that_cannot_be_written_is_not_sent(server: Server, request_: HttpRequest) -> None:
    url = request_.url.replace("http://127.0.0.1:1", server.url)
    assert Outside(LOCAL).fetch(replace(request_, url=url)).status == 0
    assert server.seen == []


# ---- redirects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "GET", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ],
)
def test_a_redirect_is_followed_as_browsers_do(server: Server, status: int, method: str, then: str) -> None:
    url = f"{server.url}/do_redirect?{status}=other"
    seen = seen_by(Outside(LOCAL).fetch(HttpRequest(method, url, (("Content-Type", "text/x"),), b"body")))
    assert (seen["method"], seen["path"]) == (then, "/other")
    kept = then == method
    assert (seen["body"], seen["headers"].get("content-type")) == (("body", "text/x") if kept else ("", None))


def test_a_redirect_is_left_to_the_rule_that_wants_it(server: Server) -> None:
    response = get(f"{server.url}/do_redirect?302=/other", redirects=False)
    assert (response.status, response.body) == (302, b"moved")
    assert dict(response.headers)["Location"] == "/other"


def test_five_redirects_are_followed_and_no_sixth(server: Server) -> None:
    assert seen_by(get(f"{server.url}/do_count?4"))["path"] == "/end"
    server.seen.clear()
    assert get(f"{server.url}/do_count?99") == HttpResponse(0, "more than 5 redirects")
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("http://10.0.0.1/", "refused: 10.0.0.1 is private"),
        ("//169.254.169.254/latest/meta-data", "refused: 169.254.169.254 is link-local"),
        ("http://localhost:PORT/", "is loopback"),
        ("http://2130706434/", "refused: 2130706434 is at 127.0.0.2, which is loopback"),
        ("file:///etc/passwd", 'refused: found the scheme "file", wanted http:// or https://'),
        ("http://bob@127.0.0.1:PORT/", "is loopback"),
        ("http://[::1", "no answer: Invalid IPv6 URL"),
    ],
)
def test_each_redirect_is_checked_anew(server: Server, where: str, reason: str) -> None:
    outside = Outside(Settings(http_allow=(f"127.0.0.1:{server.server_port}",)))
    where = where.replace("PORT", "1")
    response = get(f"{server.url}/do_redirect?302={where}", outside)
    assert response.status == 0
    assert reason in response.reason


def test_another_host_gets_no_secrets(server: Server, names: dict[str, list[str]]) -> None:
    names["tea.example"] = ["127.0.0.1"]
    headers = (("Cookie", "a=1"), ("X-Kept", "1"), ("Authorization", "Bearer x"))
    for where, secret in ((f"http://tea.example:{server.server_port}/", False), ("/other", True)):
        url = f"{server.url}/do_redirect?302={where}"
        for auth in (None, ("bob", "nopass")):
            seen = seen_by(get(url, headers=headers, auth=auth))["headers"]
            assert ("cookie" in seen, "authorization" in seen, "x-kept" in seen) == (secret, secret, True)


# ---- bounds -------------------------------------------------------------------------------------------


def test_an_answer_is_read_up_to_its_bound_and_no_further(server: Server) -> None:
    outside = Outside(LOCAL, most_bytes=100_000)
    assert len(get(f"{server.url}/do_bytes?100000", outside).body) == 100_000
    assert get(f"{server.url}/do_bytes?100001", outside) == HttpResponse(
        0, "the answer has more than 100000 bytes"
    )
    assert get(f"{server.url}/do_endless", outside).reason == "the answer has more than 100000 bytes"
    assert server.gone.wait(5)
    assert server.written < 20_000_000  # what the buffers of the connection hold


def test_a_compressed_answer_is_bounded_by_what_it_holds(server: Server) -> None:
    outside = Outside(LOCAL, most_bytes=100_000)
    response = get(f"{server.url}/do_gzip?100000", outside)
    assert response.body == b"x" * 100_000
    assert not {"content-encoding", "content-length"} & {name.lower() for name, _ in response.headers}
    assert get(f"{server.url}/do_gzip?100001", outside).status == 0
    assert get(f"{server.url}/do_gzip?50000000", outside).reason == "the answer has more than 100000 bytes"


def test_a_request_has_a_bound(server: Server) -> None:
    outside = Outside(LOCAL, most_bytes=1_000)
    for request in (
        HttpRequest("POST", server.url, body=b"x" * 1_001),
        HttpRequest("GET", server.url, (("a", "x" * 1_001),)),
    ):
        assert outside.fetch(request).reason == "the request has more than 1000 bytes"
    assert server.seen == []


@pytest.mark.parametrize("path", ["/do_silence", "/do_drip?body", "/do_drip?headers"])
@pytest.mark.slow
def test_a_slow_answer_is_given_up(server: Server, path: str) -> None:
    outside = Outside(LOCAL, seconds=0.2)
    assert get(f"{server.url}{path}", outside) == HttpResponse(0, "no answer within 0.2 seconds")


@pytest.mark.slow
def test_a_slow_handshake_is_given_up(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        assert get(url, Outside(LOCAL, seconds=0.2)).reason == "no answer within 0.2 seconds"


@pytest.mark.slow
def test_a_server_that_does_not_read_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        request = HttpRequest("POST", f"http://127.0.0.1:{deaf.getsockname()[1]}/", body=b"x" * 20_000_000)
        outside = Outside(LOCAL, seconds=0.2, most_bytes=30_000_000)
        assert outside.fetch(request).reason == "no answer within 0.2 seconds"


# ---- addresses ----------------------------------------------------------------------------------------

REFUSED = [
    "http://127.0.0.1",
    "http://127.0.0.1.",
    "http://127.1",
    "http://127.255.255.254/x",
    "http://[::1]",
    "http://[0:0:0:0:0:0:0:1]:80/",
    "http://[::]",
    "http://0/",
    "http://0.0.0.0",
    "http://0x7f000001",
    "http://0x7f.0.0.1",
    "http://0177.0.0.1",
    "http://2130706433",
    "http://017700000001",
    "http://①②⑦.⓪.⓪.①/",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]",
    "http://[::127.0.0.1]",
    "http://[64:ff9b::127.0.0.1]",
    "http://[64:ff9b:1::1]",
    "http://[2002:7f00:1::]",
    "http://[2002:a9fe:a9fe::1]",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "http://169.254.169.254",
    "http://169.254.169.254:80/latest/meta-data/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://100.100.100.200/",
    "http://10.0.0.1",
    "http://172.16.0.1",
    "http://172.31.255.255",
    "http://192.168.1.1",
    "http://198.18.0.1",
    "http://192.0.2.1",
    "http://224.0.0.1",
    "http://240.0.0.1",
    "http://255.255.255.255",
    "http://[fe80::1]",
    "http://[fec0::1]",
    "http://[fd00:ec2::254]",
    "http://[fc00::1]",
    "http://[ff02::1]",
    "http://[2001:db8::1]",
    "http://[100::1]",
    "http://localhost",
    "http://LOCALHOST:8080/",
    "http://localhost./",
    "https://127.0.0.1/",
    "http://127.0.0.1:22/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1?@example.com/",
    "http://127.0.0.1\t/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://user:pass@example.com/",
    "http://@127.0.0.1/",
    "http://example.com%40127.0.0.1/",
    "http://127.0.0.1%2f@example.com/",
    "http:///127.0.0.1/",
    "http:127.0.0.1/",
    "//127.0.0.1/",
    "127.0.0.1",
    "",
    "http://",
    "http://[::1",
    "http://[fe80::1%25eth0]/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:x/",
    "http://exa mple.com/",
    f"http://{'a' * 64}.example/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:11211/_stats",
    "unix:///var/run/docker.sock",
]


@pytest.fixture
def no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(self: socket.socket, place: Any) -> None:
        raise AssertionError(f"connected to {place}")

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.mark.parametrize("url", REFUSED)
@pytest.mark.usefixtures("no_connections")
def test_what_is_not_public_is_refused_in_all_its_writings(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = get(url, Outside(Settings()))
    assert response.status == 0
    assert response.reason.startswith("refused: ") or response.reason == "there is no such host", response
    if response.reason.startswith("refused: "):
        assert caplog.messages == [f"an HTTP call was {response.reason}"]


@pytest.mark.usefixtures("no_connections")
@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["93.184.215.14", "10.0.0.7"], ["2606:4700::1111", "::1"], ["::ffff:192.168.0.1"]],
)
def test_a_name_that_has_a_private_address_is_refused(
    names: dict[str, list[str]], addresses: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    names["tea.example"] = addresses
    with caplog.at_level(logging.WARNING):
        response = get("http://tea.example/secret?token=1", Outside(Settings()))
    assert f"refused: tea.example is at {addresses[-1]}, which is " in response.reason
    assert "not listed in http_allow" in response.reason
    assert "token" not in caplog.text


def test_the_address_that_was_checked_is_the_one_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]]
) -> None:
    """A name whose address changes between two looks gains nothing: nobody looks twice."""
    names["tea.example"] = ["93.184.215.14"]
    connected: list[Any] = []

    def connect(self: socket.socket, place: Any) -> None:
        connected.append(place)
        raise ConnectionRefusedError(111, "Connection refused")

    resolved: Resolved = socket.getaddrinfo
    looked: list[str] = []

    def rebinding(host: str, *arguments: Any, **named: Any) -> list[tuple[Any, ...]]:
        found = resolved(host, *arguments, **named)
        looked.append(host)
        names["tea.example"] = ["127.0.0.1"]
        return found

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket.socket, "connect", connect)
    assert get("http://tea.example/", Outside(Settings())).reason == "no answer: Connection refused"
    assert (looked, connected) == (["tea.example"], [("93.184.215.14", 80)])


def test_the_next_address_is_tried_where_one_does_not_answer(
    server: Server, names: dict[str, list[str]]
) -> None:
    names["tea.example"] = ["127.0.0.2", "127.0.0.1"]
    outside = Outside(Settings(http_allow=("tea.example",)))
    seen = seen_by(get(f"http://tea.example:{server.server_port}/", outside))
    assert seen["headers"]["host"] == f"tea.example:{server.server_port}"


@pytest.mark.parametrize(
    ("allow", "url", "allowed"),
    [
        ("127.0.0.1", "http://127.0.0.1:5/", True),
        ("127.0.0.1", "http://tea.example/", True),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/", True),
        ("127.0.0.1", "http://127.0.0.2/", False),
        ("127.0.0.0/8", "http://127.9.9.9/", True),
        ("127.0.0.1:80", "http://127.0.0.1/", True),
        ("127.0.0.1:443", "https://127.0.0.1/", True),
        ("127.0.0.1:80", "http://127.0.0.1:81/", False),
        ("127.0.0.0/8:81", "http://127.0.0.1:81/", True),
        ("tea.example", "http://TEA.example:9/", True),
        ("TEA.example:8080", "http://tea.example:8080/", True),
        ("tea.example:8080", "http://tea.example/", False),
        ("tea.example", "http://127.0.0.1/", False),
        ("example", "http://tea.example/", False),
        ("::1", "http://[::1]/", True),
        ("[::1]:80", "http://[::1]/", True),
        ("[::1]:80", "http://[::1]:81/", False),
        ("fc00::/7", "http://[fd00::1]/", True),
        ("fc00::/7", "http://[fe80::1]/", False),
        ("::/0", "http://127.0.0.1/", False),
        ("0.0.0.0/0", "http://127.0.0.1/", True),
    ],
)
def test_what_is_allowed_is_asked(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]], allow: str, url: str, allowed: bool
) -> None:
    names["tea.example"] = ["127.0.0.1"]

    def connect(self: socket.socket, place: Any) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket.socket, "connect", connect)
    reason = get(url, Outside(Settings(http_allow=(" 10.0.0.0/8", allow)))).reason
    assert reason.startswith("no answer: Connection refused" if allowed else "refused: ")


@pytest.mark.parametrize("text", ["", "http://tea.example", "10.0.0.0/99", "a:99999", "a:b", "[tea]:1", "*"])
def test_a_wrong_exemption_is_told_at_once(text: str) -> None:
    with pytest.raises(PicoschedError, match="wanted a host, an address or a network"):
        Outside(Settings(http_allow=(text,)))


def test_a_host_that_rules_may_call_is_not_one_to_install_from(server: Server) -> None:
    url = f"http://127.0.0.1:{server.server_port}/x.krl"
    refused = get(url, Outside(LOCAL), installs=True)
    assert (refused.status, server.seen) == (0, [])
    assert refused.reason.endswith("127.0.0.1 is loopback, and not listed in the setting install_from")
    of_rulesets = Outside(Settings(install_from=(f"http://127.0.0.1:{server.server_port}",)))
    assert get(url, of_rulesets, installs=True).status == 200
    assert get(url, of_rulesets).reason.endswith("not listed in http_allow")


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_all_its_ipv6_forms(address: Any) -> None:
    number = int(address)
    for high in (0xFFFF << 32, 0x64FF9B << 96, None):
        six = ip_address((high | number) if high is not None else (0x2002 << 112) | (number << 80))
        assert fault_of(inner(six)) == fault_of(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_may_be_asked(address: str) -> None:
    assert Addresses().refusal(address, 80, address) is None


# ---- https --------------------------------------------------------------------------------------------


@pytest.fixture
def secure(server: Server, tmp_path: Path) -> ssl.SSLContext:
    """Make the server one of https, for tea.example; the context that trusts it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    options = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=tea"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        [openssl, "req", "-x509", "-addext", "subjectAltName=DNS:tea.example", *options.split(), *files],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked: list[str | None] = []
    context.sni_callback = lambda connection, name, _: asked.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.names = asked  # type: ignore[attr-defined]
    return ssl.create_default_context(cafile=str(certificate))


def test_https_is_for_the_name_and_not_for_the_address(
    server: Server, secure: ssl.SSLContext, names: dict[str, list[str]]
) -> None:
    names["tea.example"] = names["coffee.example"] = ["127.0.0.1"]
    outside = Outside(LOCAL)
    url = f"https://tea.example:{server.server_port}/x"
    assert get(url, outside).reason == "no answer: self-signed certificate"
    outside.tls = secure
    assert seen_by(get(url, outside))["headers"]["host"] == urlsplit(url).netloc
    assert server.names[-1] == "tea.example"  # type: ignore[attr-defined]
    assert "coffee.example" in get(url.replace("tea", "coffee"), outside).reason


@pytest.mark.slow
def test_an_engine_that_asks_nobody_does_not_import_the_client() -> None:
    script = "import sys, picosched.engine.engine, picosched.outside; print('httpcore' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert found.stdout == "False\n"
