"""What goes back: large answers, clients that do not read them, and directives that are obeyed or not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from web.running import Running
from web.test_strangers import wait_for
from web.test_web_limits import connect

from picosched.acting import HTTP
from picosched.tokens import hash_of
from picosched.web import limits
from picosched.web import site as sites
from picosched.web.access import COOKIE, Access

LARGE = """ruleset large {
  meta { shares text }
  global {
    times = function(text, n) { 1.range(n).map(function(x){ text }).join("") }
    text = function(n) { times(times("0123456789", 100), n.as("Number")) }
  }
  rule say {
    select when large say
    send_directive("say", {"text": text(event:attrs{"n"})})
    always { ent:said := 1 }
  }
  rule set { select when large set foreach event:attrs{"cookies"} setting(cookie)
    send_directive("_cookie", {"cookie": cookie}) }
  rule go { select when large go send_directive("_redirect", {"url": event:attrs{"to"}}) }
}"""


def with_large(site: Running) -> Running:
    site.engine.root.install(LARGE)
    return site


@pytest.fixture(scope="module")
def large(site: Running) -> Running:
    return with_large(site)


# ---- large answers -------------------------------------------------------------------------------------


def test_a_large_answer_comes_whole(large: Running, client: httpx.Client) -> None:
    for n in (262, 263, 525, 1_050):  # around the size of a piece, and of several
        assert client.get(f"/c/{large.eci}/query/large/text?n={n}").json() == "0123456789" * 100 * n
        assert client.get(f"/c/{large.eci}/query/large/text.txt?n={n}").text == "0123456789" * 100 * n


@pytest.mark.slow
def test_large_answers_have_a_bound_all_together(
    serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query can be asked again. An event has happened, which its answer has to say."""
    monkeypatch.setattr(sites, "MOST_GOING", 1_000_000)
    with serving() as site, site.client() as client, connect(site) as slow:
        with_large(site)
        query = f"/c/{site.eci}/query/large/text?n="
        assert client.get(f"{query}1100").status_code == 200  # one alone may be larger
        slow.sendall(f"GET {query}15000 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_for(lambda: site.server.config.app.going.size > 15_000_000)
        refused = client.get(f"/c/{site.eci}/query/large/text?n=1100")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        for path in ("c/{eci}/event-wait", "sky/event/{eci}/none"):
            answer = client.get(f"/{path.format(eci=site.eci)}/large/say?n=1100")
            told = answer.json()
            assert (answer.status_code, told["directives"]) == (200, [])
            assert told["errors"] == [
                "the directives were left out of the answer: too many bytes are on their way to other clients"
            ]
            (turn,) = site.engine.journal(eid=told["eid"])
            assert len(turn.directives) == 1


@pytest.mark.slow
def test_who_does_not_read_is_left(serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "READ_SECONDS", 0.3)
    with serving() as site, ExitStack() as stack:
        with_large(site)
        for ending in ("", "Connection: close\r\n"):
            connection = stack.enter_context(connect(site))
            request = (
                f"GET /c/{site.eci}/query/large/text?n=15000 HTTP/1.1\r\nHost: localhost\r\n{ending}\r\n"
            )
            connection.sendall(request.encode())
            assert connection.recv(10).startswith(b"HTTP/1.1 2")
        wait_for(lambda: not site.server.server_state.connections)
        assert site.server.config.app.going.size == 0


# ---- cookies -------------------------------------------------------------------------------------------

OURS = [
    COOKIE,
    COOKIE.upper(),
    COOKIE.capitalize(),
    f" {COOKIE} ",
    f"__Host-{COOKIE}",
    f"__SECURE-{COOKIE}",
    f"__Host-Http-{COOKIE}",
]
NONE = [
    f"={COOKIE}=evil",  # a cookie without a name, which is sent as `picosched=evil`
    f" = {COOKIE}=evil",
    COOKIE,
    "; Path=/",
    "",
    "a b=1",
    "ä=1",
    f"a=1\r\nSet-Cookie: {COOKIE}=evil",
    f"a=1\n{COOKIE}=evil",
    "a=\x00",
    f"\t{COOKIE}=evil",
    f"{COOKIE}\u200b=evil",
    "a=" + "x" * 8_192,
]


def set_by(site: Running, client: httpx.Client, *cookies: str) -> tuple[list[str], list[str]]:
    """The cookies that an event sets, and the errors that it tells."""
    path = f"/sky/event/{site.eci}/none/large/set"
    answer = client.post(path, json={"cookies": cookies})
    assert answer.status_code == 200
    client.cookies.clear()
    return answer.headers.get_list("set-cookie"), answer.json().get("errors", [])


@pytest.mark.parametrize("name", OURS)
def test_a_rule_cannot_set_the_cookie_of_the_console(large: Running, client: httpx.Client, name: str) -> None:
    made, errors = set_by(large, client, "a=1; Path=/", f"{name}=evil; Path=/", f"b={COOKIE}")
    assert made == ["a=1; Path=/", f"b={COOKIE}"]
    assert errors == [
        f'large.set: _cookie: found the cookie "{name.strip()}", which is the console\'s; wanted another name'
    ]


@pytest.mark.parametrize("cookie", NONE)
def test_what_is_no_cookie_is_not_set_and_said_so(large: Running, client: httpx.Client, cookie: str) -> None:
    made, (error,) = set_by(large, client, cookie, "a=1")
    assert made == ["a=1"]
    assert error.startswith("large.set: _cookie: found ")


def test_an_answer_sets_only_so_many_cookies(large: Running, client: httpx.Client) -> None:
    made, errors = set_by(large, client, *(f"c{n}=1" for n in range(52)))
    assert made == [f"c{n}=1" for n in range(50)]
    assert errors == ["large.set: _cookie: found more than 50 cookies, wanted fewer"] * 2


def test_a_url_that_no_client_takes_is_not_gone_to(large: Running, client: httpx.Client) -> None:
    path = f"/sky/event/{large.eci}/none/large/go"
    answer = client.post(path, json={"to": "https://example.test/" + "x" * 8_192})
    assert (answer.status_code, "location" in answer.headers) == (200, False)
    assert answer.json()["errors"] == ["large.go: _redirect: found 8,213 bytes, wanted at most 8,192"]


@pytest.mark.parametrize(
    "cookies",
    [
        f"{COOKIE}=SECRET",
        f"{COOKIE}=evil; {COOKIE}=SECRET",
        f"{COOKIE}=SECRET; {COOKIE}=evil",
        f'a="x; {COOKIE}=SECRET; b=y"',
        f'a="; {COOKIE}=SECRET',
        f"a=[]; {COOKIE}=SECRET; ä=1; =; b",
    ],
)
def test_other_cookies_of_a_host_do_not_hide_ours(cookies: str) -> None:
    """A page of another port of this machine sets cookies that its browser sends to us as well."""
    access = Access("127.0.0.1", hash_of("SECRET"))
    assert str(access.check({"cookie": cookies}, "GET", HTTP).actor) == HTTP
    assert "SECRET" not in access.own({"cookie": cookies})["cookie"]
