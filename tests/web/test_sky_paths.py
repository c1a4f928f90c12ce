"""The peer's paths, over a socket: every path, how parameters merge, what comes back."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from web.running import Running


def raw(site: Running, request: bytes) -> tuple[int, bytes]:
    """Status and body of a request that no client would write so."""
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request.replace(b"\n", b"\r\n"))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def attrs_of(response: httpx.Response) -> dict[str, Any]:
    """The attributes that the rule gave back, without the headers."""
    assert response.status_code == 200, response.text
    (directive,) = response.json()["directives"]
    attrs = dict(directive["options"])
    attrs.pop("_headers")
    return attrs


@pytest.mark.parametrize("path", ["/c/{eci}/event-wait/echo/back", "/sky/event/{eci}/none/echo/back"])
def test_an_event_is_answered_with_its_directives(site: Running, client: httpx.Client, path: str) -> None:
    told = client.get(path.format(eci=site.eci), params={"n": "5"}).json()
    assert set(told) == {"eid", "directives"}
    (directive,) = told["directives"]
    assert directive.pop("options")["n"] == "5"
    assert directive == {
        "type": "directive",
        "name": "back",
        "meta": {"rid": "echo", "rule_name": "back", "txnId": told["eid"]},
    }
    assert site.engine.journal(eid=told["eid"])


def test_an_event_may_be_answered_with_its_eid_alone(site: Running, client: httpx.Client) -> None:
    eid = client.post(f"/c/{site.eci}/event/echo/back").json()
    assert [entry.fired for entry in site.engine.journal(eid=eid)] == [["echo.back"]]


def test_the_eid_of_a_sky_event_is_the_one_in_its_path(site: Running, client: httpx.Client) -> None:
    told = client.get(f"/sky/event/{site.eci}/abc-1/echo/eid").json()
    assert told["eid"] == "abc-1" and told["directives"][0]["options"] == {"eid": "abc-1"}
    back = client.get(f"/sky/event/{site.eci}/abc-2/echo/back").json()
    assert back["directives"][0]["options"]["__eid"] == "abc-2"


@pytest.mark.parametrize(
    "path", ["/c/{eci}/query/echo/greet", "/sky/cloud/{eci}/echo/greet", "/sky/query/{eci}/echo/greet"]
)
def test_a_query_is_answered_with_its_value(site: Running, client: httpx.Client, path: str) -> None:
    response = client.get(path.format(eci=site.eci), params={"name": "ada"})
    assert response.json() == "hello ada"
    assert response.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("prefix", ["/sky/cloud/{eci}", "/c/{eci}/query"])
def test_a_suffix_asks_for_the_text(site: Running, client: httpx.Client, prefix: str) -> None:
    path = prefix.format(eci=site.eci)
    html = client.get(f"{path}/echo/page.html")
    assert (html.text, html.headers["content-type"]) == ("<b>bold</b>", "text/html; charset=utf-8")
    assert html.headers["content-security-policy"].startswith("sandbox")
    text = client.get(f"{path}/echo/greet.txt", params={"name": "ada"})
    assert (text.text, text.headers["content-type"]) == ("hello ada", "text/plain; charset=utf-8")
    assert client.get(f"{path}/echo/count.txt").text.isdecimal()


def test_an_event_may_be_followed_by_a_query(site: Running, client: httpx.Client) -> None:
    path = f"/c/{site.eci}/event/echo/back/query/echo/count"
    first = client.get(path).json()
    assert client.get(path).json() == first + 1


@pytest.mark.parametrize("path", ["event-wait/echo/back", "query/echo/greet"])
@pytest.mark.parametrize("content", ['{"name":"\\ud800"}', '{"\\udfff":1}'])
def test_half_a_character_is_refused(site: Running, client: httpx.Client, path: str, content: str) -> None:
    body = {"content": content, "headers": {"content-type": "application/json"}}
    answer = client.post(f"/c/{site.eci}/{path}", **body)
    assert (answer.status_code, "found half a character" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("query", "body", "merged"),
    [
        ("a=1&b=2", {}, {"a": "1", "b": "2"}),
        ("a=1&a=2&a=3", {}, {"a": ["1", "2", "3"]}),
        ("a=&b", {}, {"a": "", "b": ""}),
        ("a=%C3%A4+%26", {}, {"a": "ä &"}),
        ("a=1&b=2", {"json": {"b": 3, "c": [None, {"d": 1.5}]}}, {"a": "1", "b": 3, "c": [None, {"d": 1.5}]}),
        ("a=1&b=2", {"data": {"b": "3", "c": ["x", "y"]}}, {"a": "1", "b": "3", "c": ["x", "y"]}),
        ("a=1", {"files": {"b": (None, "täxt"), "c": (None, "2")}}, {"a": "1", "b": "täxt", "c": "2"}),
        ("", {"content": b"", "headers": {"content-type": "application/json"}}, {}),
        ("", {"content": b'{"a":1}', "headers": {"content-type": "application/ssi-agent-wire"}}, {"a": 1}),
        ("", {"content": b'{"a":1}', "headers": {"content-type": "a/ld+json; charset=utf-8"}}, {"a": 1}),
    ],
)  # fmt: skip
def test_parameters_merge_and_the_body_wins(
    site: Running, client: httpx.Client, query: str, body: dict[str, Any], merged: dict[str, Any]
) -> None:
    response = client.post(f"/c/{site.eci}/event-wait/echo/back?{query}", **body)
    assert attrs_of(response) == merged


def test_a_query_takes_its_arguments_from_a_body_too(site: Running, client: httpx.Client) -> None:
    response = client.post(f"/c/{site.eci}/query/echo/given?name=a&number=1", json={"number": 2})
    assert response.json() == {"name": "a", "number": 2}


def test_an_event_gets_the_headers(site: Running, client: httpx.Client) -> None:
    given = {"X-Test": "yes", "Cookie": "a=1"}
    response = client.get(f"/c/{site.eci}/event-wait/echo/back?_headers=mine", headers=given)
    headers = response.json()["directives"][0]["options"]["_headers"]
    assert (headers["x-test"], headers["cookie"]) == ("yes", "a=1")
    assert headers["host"] == site.url.removeprefix("http://")


def test_headers_that_come_twice_are_joined(site: Running) -> None:
    path = f"/c/{site.eci}/event-wait/echo/back".encode()
    request = b"GET %s HTTP/1.1\nHost: localhost\nX-A: 1\nX-A: 2\nConnection: close\n\n" % path
    status, body = raw(site, request)
    assert status == 200
    assert json.loads(body)["directives"][0]["options"]["_headers"]["x-a"] == "1, 2"


def test_cookies_are_set_under_sky_event_alone(site: Running, client: httpx.Client) -> None:
    response = httpx.get(f"{site.url}/sky/event/{site.eci}/1/echo/cookies")
    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]
    assert [each["name"] for each in response.json()["directives"]] == ["_cookie", "_cookie"]
    assert "set-cookie" not in httpx.get(f"{site.url}/c/{site.eci}/event-wait/echo/cookies").headers


@pytest.mark.parametrize(
    ("to", "location"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        ("/sky/ä b", "/sky/%C3%A4%20b"),
        ("/a\r\nSet-Cookie: x=1", "/a%0D%0ASet-Cookie:%20x=1"),
    ],
)
def test_a_redirection_is_obeyed_under_sky_event_alone(
    site: Running, client: httpx.Client, to: str, location: str
) -> None:
    response = client.get(f"/sky/event/{site.eci}/1/echo/go", params={"to": to})
    assert (response.status_code, response.headers["location"]) == (302, location)
    assert "x" not in response.cookies
    assert client.get(f"/c/{site.eci}/event-wait/echo/go", params={"to": to}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/c/{eci}/query/echo/count", "/sky/event/{eci}/1/echo/back", "/c/none/query/a/b"]
)
def test_anybody_may_call_from_anywhere(site: Running, client: httpx.Client, path: str) -> None:
    path = path.format(eci=site.eci)
    assert (
        client.get(path, headers={"origin": "https://elsewhere.example"}).headers[
            "access-control-allow-origin"
        ]
        == "*"
    )
    before = client.options(path)
    assert before.status_code == 200 and before.headers["access-control-allow-origin"] == "*"
    assert before.headers["access-control-allow-methods"] == "POST, GET, OPTIONS"


def test_what_a_rule_does_wrong_is_told_beside_what_others_gave(site: Running, client: httpx.Client) -> None:
    told = client.get(f"/c/{site.eci}/event-wait/echo/broken").json()
    assert told["directives"] == [] and "soon" in told["errors"][0]


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/c/nosuch/event-wait/echo/back", 404, "there is no channel nosuch"),
        ("GET", "/c/{eci}/query/nosuch/count", 404, "has no ruleset nosuch"),
        ("GET", "/c/{eci}/query/echo/nosuch", 404, "shares no nosuch"),
        ("GET", "/c/{closed}/event-wait/echo/back", 403, "the event echo:back is not allowed"),
        ("GET", "/c/{closed}/query/echo/count", 403, "the query echo:count is denied"),
        ("GET", "/c/{eci}", 404, "there is nothing at"),
        ("GET", "/c/{eci}/event-wait/echo", 404, "there is nothing at"),
        ("GET", "/c/{eci}/event-wait/echo/back/more", 404, "there is nothing at"),
        ("GET", "/sky/nosuch/{eci}/echo/back", 404, "there is nothing at"),
        ("GET", "/c//event-wait/echo/back", 404, "there is nothing at"),
        ("GET", "/c/{eci}//event-wait/echo/back", 404, "there is nothing at"),
        ("GET", "/c/%2e%2e/event-wait/echo/back", 404, "there is no channel .."),
        ("GET", "/c/{eci}%2Fevent-wait/echo/back/x", 404, "there is nothing at"),
        ("GET", "/c/%2e%2e%2fapi%2fpicos/event-wait/echo/back", 404, "there is no channel ../api/picos"),
        ("GET", "/c/{eci}/query/echo%00/count", 404, "has no ruleset"),
        ("GET", "/c/%ff/query/echo/count", 400, "wanted UTF-8"),
        ("GET", "/c/{eci}/query/echo/greet?name=%ff", 400, "fields that cannot be read"),
        ("DELETE", "/c/{eci}/query/echo/count", 405, "wanted GET or POST"),
        ("PUT", "/c/{eci}/event-wait/echo/back", 405, "wanted GET or POST"),
    ],
)  # fmt: skip
def test_a_refusal_says_why_with_an_honest_status(
    site: Running, client: httpx.Client, method: str, path: str, status: int, text: str
) -> None:
    closed = site.engine.root.new_channel([], allow_events=["tea:*"], deny_queries=["echo:*"])
    response = client.request(method, path.format(eci=site.eci, closed=closed.eci))
    assert (response.status_code, set(response.json())) == (status, {"error"})
    assert text in response.json()["error"]


@pytest.mark.parametrize(
    "path", [b"/c/../api/picos", b"/sky/../c/x", b"/c/./x/y", b"/c/a/b/../../../metrics"]
)
def test_dots_lead_nowhere(site: Running, path: bytes) -> None:
    status, body = raw(site, b"GET %s HTTP/1.1\nHost: localhost\nConnection: close\n\n" % path)
    assert status == 404 and b"there is nothing at" in body


@pytest.mark.parametrize("path", ["/c/{eci}/query/echo/count/", "/sky/cloud/{eci}/echo/count/"])
def test_a_slash_at_the_end_does_not_matter(site: Running, client: httpx.Client, path: str) -> None:
    assert client.get(path.format(eci=site.eci)).status_code == 200


def test_an_encoded_slash_is_part_of_a_name(site: Running, client: httpx.Client) -> None:
    eid = client.get(f"/c/{site.eci}/event/a%2Fb/c%2Fd").json()
    (entry,) = site.engine.journal(eid=eid)
    assert (entry.handled[0]["domain"], entry.handled[0]["type"]) == ("a/b", "c/d")


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        ("application/json", b'{"a":', "not JSON"),
        ("application/json", b"[1, 2]", "found a JSON body that is not an object"),
        ("application/json", b"\xff\xfe", "not JSON"),
        ("application/json", b'{"a": NaN}', "NaN"),
        ("application/x-www-form-urlencoded", b"a=%ff", "cannot be read"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(1001)), "cannot be read"),
        ("multipart/form-data; boundary=x", b"nothing of that", "cannot be read"),
        ("multipart/form-data", b"--x", "cannot be read"),
        ("text/plain", b"a=1", "the type text/plain"),
        ("", b"a=1", "the type (none)"),
    ],
)
def test_a_body_that_cannot_be_read_is_the_clients_fault(
    site: Running, client: httpx.Client, kind: str, content: bytes, text: str
) -> None:
    response = client.post(
        f"/c/{site.eci}/event-wait/echo/back", content=content, headers={"content-type": kind}
    )
    assert response.status_code == 400
    assert text in response.json()["error"]


def test_a_file_is_no_parameter(site: Running, client: httpx.Client) -> None:
    response = client.post(f"/c/{site.eci}/event-wait/echo/back", files={"f": ("a.txt", b"text")})
    assert response.status_code == 400 and "with files" in response.json()["error"]


class Slow(BaseHTTPRequestHandler):
    """A host that answers when it is let."""

    let = threading.Event()

    def do_GET(self) -> None:
        self.let.wait(20)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"at last")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.mark.slow
def test_a_turn_that_asks_a_slow_host_holds_up_nobody(site: Running, client: httpx.Client) -> None:
    host = HTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    Slow.let.clear()
    url = f"http://127.0.0.1:{host.server_port}/"
    answers: list[Any] = []

    def ask(path: str) -> None:
        answers.append(httpx.get(f"{site.url}{path}", params={"url": url}, timeout=20).json())

    paths = (f"/c/{site.eci}/event-wait/echo/asks", f"/c/{site.eci}/query/echo/asked")
    asking = [threading.Thread(target=ask, args=(path,)) for path in paths]
    for each in asking:
        each.start()
    try:
        for _ in range(20):
            assert client.get(f"/c/{site.eci}/event-wait/echo/back").status_code == 200
        assert answers == []
    finally:
        Slow.let.set()
        for each in asking:
            each.join()
        host.shutdown()
    (value,) = [each for each in answers if isinstance(each, str)]
    (turn,) = [each for each in answers if isinstance(each, dict)]
    assert value == "at last" and turn["directives"][0]["options"] == {"text": "at last"}


@pytest.mark.slow
def test_clients_at_once_each_get_their_own_answer(site: Running) -> None:
    wrong: list[Any] = []

    def ask(number: int) -> None:
        with site.client() as own:
            for turn in range(20):
                attrs = attrs_of(own.get(f"/c/{site.eci}/event-wait/echo/back?me={number}&turn={turn}"))
                if attrs != {"me": str(number), "turn": str(turn)}:
                    wrong.append(attrs)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    before = site.engine.commits
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []
    assert site.engine.commits - before < 16 * 20  # some shared a commit


def test_the_uis_channel_is_one_and_may_all(site: Running, client: httpx.Client) -> None:
    told = client.get("/api/ui-context").json()
    assert set(told) == {"version", "eci"}
    assert client.get("/api/ui-context").json() == told
    assert client.get(f"/c/{told['eci']}/query/echo/count").status_code == 200
    site.engine.root.delete_channel(told["eci"])
    assert client.get("/api/ui-context").json()["eci"] != told["eci"]


def test_an_event_with_a_key_is_handled_once(site: Running, client: httpx.Client) -> None:
    def count() -> int:
        found: int = client.get(f"/c/{site.eci}/query/echo/count").json()
        return found

    before, path = count(), f"/c/{site.eci}/event-wait/echo/back"
    first, again = (client.post(path, json={}, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.json()["directives"] and not again.json()["directives"]
    assert again.json()["eid"] == first.json()["eid"]
    assert count() - before == 1
    client.post(path, json={}, headers={"Idempotency-Key": "k2"})
    assert count() - before == 2
    assert client.post(path, headers={"Idempotency-Key": "k" * 10_000}).status_code == 413
