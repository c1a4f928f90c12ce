"""Who may: tokens, cookies, pages and hosts, over a socket."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from fastapi import WebSocket
from web.running import Running, running

from picosched.errors import PicoschedError
from picosched.web.access import COOKIE, Access, is_loopback, kept_hash, new_token

ELSEWHERE = "https://elsewhere.example"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that asks for a token."""
    with running(tmp_path_factory.mktemp("closed"), token=True) as found:
        yield found


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/picos"),
        ("POST", "/api/picos"),
        ("DELETE", "/api/picos/root"),
        ("GET", "/api/journal/live"),
        ("GET", "/api/version"),
        ("GET", "/api/openapi.json"),
        ("POST", "/api/simulate"),
        ("GET", "/api/nosuch"),
        ("GET", "/"),
        ("GET", "/%61pi/picos"),
        ("GET", "//api/picos"),
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": "Basic YTpi"},
        {"authorization": "Bearer \xe4".encode("latin-1")},
        {"cookie": f"{COOKIE}=wrong"},
        {"cookie": f"{COOKIE}=;;="},
    ],
)
@pytest.mark.slow
def test_without_the_token_nothing_is_told(
    closed: Running, method: str, path: str, headers: dict[str, str]
) -> None:
    request = httpx.Request(method, closed.url, headers=headers)
    request.url = request.url.copy_with(raw_path=path.encode())
    with httpx.Client() as client:
        response = client.send(request)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert set(response.json()) == {"error"}


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/api/health", "/api/ready", "/api/ui-context", "/metrics"]
)
def test_what_asks_for_no_token_on_loopback(closed: Running, path: str) -> None:
    assert httpx.get(closed.url + path).status_code == 200


def test_a_channel_is_its_own_key(closed: Running) -> None:
    assert httpx.get(f"{closed.url}/c/{closed.eci}/query/echo/count").status_code == 200


def test_the_token_lets_in(closed: Running) -> None:
    with closed.client() as client:
        assert client.get("/api/picos").status_code == 200
        assert client.post("/api/picos", json={"name": "by token"}).status_code == 201
        assert client.delete("/api/picos/by token").status_code == 204


def test_the_token_becomes_a_cookie_that_scripts_cannot_read(closed: Running) -> None:
    with httpx.Client(base_url=closed.url) as client:
        assert client.post("/api/session", json={"token": "wrong"}).status_code == 401
        assert not client.cookies
        answer = client.post("/api/session", json={"token": closed.token})
        assert answer.status_code == 204
        told = answer.headers["set-cookie"].lower()
        assert "httponly" in told and "samesite=strict" in told
        assert client.get("/api/picos").status_code == 200
        assert client.delete("/api/session").status_code == 204
        assert client.get("/api/picos").status_code == 401


@pytest.mark.parametrize(
    ("origin", "status"),
    [(None, 403), ("null", 403), (ELSEWHERE, 403), ("http://127.0.0.1:1", 403), ("ours", 201)],
)
def test_with_a_cookie_only_a_page_of_ours_writes(closed: Running, origin: str | None, status: int) -> None:
    headers = {} if origin is None else {"origin": closed.url if origin == "ours" else origin}
    with httpx.Client(base_url=closed.url, cookies={COOKIE: closed.token or ""}) as client:
        assert (
            client.post("/api/picos", json={"name": f"from {origin}"}, headers=headers).status_code == status
        )
        assert client.get("/api/picos").status_code == 200


@pytest.mark.parametrize("path", ["/api/picos", "/api/ui-context", "/metrics", "/ready"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.slow
def test_where_no_token_is_asked_for_a_page_of_others_gets_nothing(
    site: Running, method: str, path: str
) -> None:
    response = httpx.request(method, site.url + path, headers={"origin": ELSEWHERE})
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers
    assert httpx.get(site.url + path, headers={"origin": site.url}).status_code == 200


@pytest.mark.parametrize("path", ["/api/picos", "/c/x/query/a/b", "/health"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::2]:80"]
)
def test_a_name_that_is_not_ours_is_bent_dns(site: Running, host: str, path: str) -> None:
    response = httpx.get(site.url + path, headers={"host": host})
    assert response.status_code == 403
    assert "Host" in response.json()["error"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:99", "127.0.0.1", "[::1]:8123", "kitchen.example:80"]
)
def test_our_names_are_known(tmp_path: Path, host: str) -> None:
    Access("127.0.0.1", None, ["kitchen.example"]).check_host({"host": host})


def test_no_token_is_for_loopback_alone() -> None:
    with pytest.raises(PicoschedError, match=r"found the host 0.0.0.0 and no token"):
        Access("0.0.0.0", None)
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "::", "picos.example")))


def test_a_server_for_all_asks_for_the_token_where_one_of_loopback_does_not() -> None:
    access = Access("0.0.0.0", "hash")
    access.check_host({"host": "whatever.example"})
    assert not access.loopback


def shaken(site: Running, **headers: str) -> int:
    """The status of a WebSocket's handshake."""
    asked = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        **headers,
    }
    with httpx.stream("GET", f"{site.url}/ws", headers=asked) as response:
        return response.status_code


def test_a_websocket_is_for_our_pages_and_who_may(closed: Running, site: Running) -> None:
    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    for each in (closed, site):
        each.api.add_api_websocket_route("/ws", greet)
    cookie = f"{COOKIE}={closed.token}"
    assert shaken(closed, origin=closed.url, cookie=cookie) == 101
    assert shaken(closed, origin=closed.url) == 403
    assert shaken(closed, origin=ELSEWHERE, cookie=cookie) == 403
    assert shaken(closed, cookie=cookie) == 403
    assert shaken(site, origin=site.url) == 101
    assert shaken(site, origin=ELSEWHERE) == 403
    assert shaken(site, host="evil.example") == 403


def test_a_new_token_ends_the_old_one(closed: Running) -> None:
    hash = kept_hash(closed.engine)
    assert hash is not None and (closed.token or "") not in hash
    old = Access("127.0.0.1", hash)
    token = new_token(closed.engine)
    new = Access("127.0.0.1", kept_hash(closed.engine))
    known = [old.knows(closed.token or ""), new.knows(closed.token or ""), new.knows(token)]
    assert known == [True, False, True]


def test_the_key_of_a_link_lets_in_once_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access("127.0.0.1", sha256(b"SECRET").hexdigest())
    assert access.enter("") is None
    key = access.new_link_key()
    assert not access.knows(key)
    assert access.enter("another") is None
    token = access.enter(key)
    assert token is not None and access.knows(token) and access.knows("SECRET")
    assert access.enter(key) is None
    old, new = access.new_link_key(), access.new_link_key()
    assert access.enter(old) is None and access.enter(new) is not None
    monkeypatch.setattr("picosched.web.access.LINK_SECONDS", -1)
    assert access.enter(access.new_link_key()) is None


def test_rules_and_the_journal_never_see_the_token(closed: Running) -> None:
    headers = {"cookie": f"a=1; {COOKIE}={closed.token}; b=2"}
    with closed.client() as client:
        told = client.get(f"/c/{closed.eci}/event-wait/echo/back", headers=headers)
        own = client.get(f"/c/{closed.eci}/event-wait/echo/back", headers={"authorization": "Bearer theirs"})
    assert (closed.token or "") not in told.text
    assert (closed.token or "") not in str(closed.engine.journal(eid=told.json()["eid"]))
    given = told.json()["directives"][0]["options"]["_headers"]
    assert given["cookie"] == "a=1; b=2" and "authorization" not in given
    assert own.json()["directives"][0]["options"]["_headers"]["authorization"] == "Bearer theirs"


@pytest.mark.parametrize("path", ["/", "/api/picos", "/metrics", "/api/nosuch"])
@pytest.mark.slow
def test_our_pages_say_how_they_may_be_shown(site: Running, client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert ("no-store" in headers.get("cache-control", "")) == path.startswith("/api")
