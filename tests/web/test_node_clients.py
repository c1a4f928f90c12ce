"""What people have for the Node engine, over HTTP: its pages, links, scripts and applications elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from web.running import Running
from web.served import Served

from picosched import Engine, PicoschedError
from picosched.cli.serving import of_a_developer
from picosched.settings import load_settings
from picosched.web.origins import Origins
from picosched.web.request import host_of

pytestmark = pytest.mark.slow

ELSEWHERE = "https://app.example"

UI = "io.picolabs.pico-engine-ui"

LINKS = """ruleset links {
  meta {
    name "Links"
    description <<Pages with links.>>
    shares page, asked, at_load, through
    use module io.picolabs.wrangler alias wrangler
  }
  global {
    at_load = meta:host
    page = function() { <<<a href="#{meta:host}/c/#{meta:eci}/event-wait/link/followed?n=1">go</a> >> }
    asked = function() { [meta:host, meta:eci, meta:txnId, meta:inQuery, meta:inEvent] }
    through = function(eci) { ctx:query(eci, "links", "asked") }
  }
  rule followed { select when link followed n re#(.+)# setting(n)
    send_directive("followed", {"n": n, "host": meta:host, "eci": meta:eci, "txnId": meta:txnId,
      "asked": asked()}) }
  rule later { select when link later
    always { schedule link event "came" at time:add(time:now(), {"seconds": 1}) } }
  rule came { select when link came fired { log info {"host": meta:host} } }
  rule call { select when link call
    pre { answer = http:get(event:attrs{"url"}) }
    send_directive("called", {"status": answer{"status_code"}, "content": answer{"content"}}) }
  rule wrong { select when link wrong
    pre { answer = http:get(event:attrs{"url"}.replace(re#^http:#, "ftp:")) }
    send_directive("called", answer) }
}"""


class Seen(BaseHTTPRequestHandler):
    """Answers with what it got."""

    texts: dict[str, str]

    def do_GET(self) -> None:
        text = self.texts.get(self.path, f"{self.path} {self.headers.get('authorization')}")
        status = 302 if text.startswith("to:") else 404 if text == "404" else 200
        self.send_response(status)
        if status == 302:
            self.send_header("location", text.removeprefix("to:"))
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def elsewhere(texts: dict[str, str]) -> Iterator[str]:
    """Another server on this machine, with these texts; its address without the scheme."""
    handler = type("Handler", (Seen,), {"texts": texts})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def linked(serving: Callable[..., Any]) -> Iterator[Running]:
    with serving() as site:
        site.engine.root.install(LINKS)
        yield site


# ---- meta:host, meta:eci, meta:txnId ----------------------------------------------------------------


def test_a_link_on_a_page_leads_back(linked: Running) -> None:
    page = httpx.get(f"{linked.url}/c/{linked.eci}/query/links/page.html").text
    link = page.split('"')[1]
    assert link == f"{linked.url}/c/{linked.eci}/event-wait/link/followed?n=1"
    told = httpx.get(link).json()
    (directive,) = told["directives"]
    host, eci, txn, in_query, in_event = directive["options"]["asked"]
    assert (host, eci, txn, in_query, in_event) == (linked.url, linked.eci, told["eid"], False, True)
    assert directive["options"]["host"] == linked.url


def test_the_host_is_the_one_that_the_client_asked_for(linked: Running) -> None:
    port = linked.url.rpartition(":")[2]
    asked = linked.url.replace("127.0.0.1", "localhost")
    host, eci, txn, in_query, in_event = httpx.get(f"{asked}/c/{linked.eci}/query/links/asked").json()
    assert (host, eci, in_query, in_event) == (f"http://localhost:{port}", linked.eci, True, False)
    again = httpx.get(f"{asked}/sky/cloud/{linked.eci}/links/asked").json()[2]
    assert len(txn) == len(again) == 32 and txn != again
    with linked.client() as client:
        body = {"rid": "links", "name": "asked"}
        for path in (f"/api/channels/{linked.eci}/query", f"/api/picos/{linked.engine.root.id}/query"):
            told = client.post(path, json=body, headers={"host": f"localhost:{port}"}).json()
            assert told["value"][0] == f"http://localhost:{port}"


def test_what_outlives_a_request_has_the_address_of_the_server(linked: Running) -> None:
    """Not the Host of whoever was the first to ask."""
    asked = linked.url.replace("127.0.0.1", "localhost")
    assert httpx.get(f"{asked}/c/{linked.eci}/query/links/at_load").json() == linked.url
    httpx.get(f"{asked}/c/{linked.eci}/event/link/later")
    for entry in linked.engine.follow(0):
        if entry.handled[0]["type"] == "came":
            assert entry.log[0]["value"] == {"host": linked.url}
            break


def test_a_query_of_another_pico_is_part_of_the_one_that_asks(linked: Running) -> None:
    child = linked.engine.new_pico("child")
    child.install(LINKS.replace("use module io.picolabs.wrangler alias wrangler", ""))
    eci = child.new_channel(["t"]).eci
    asked = linked.url.replace("127.0.0.1", "localhost")
    told = httpx.get(f"{asked}/c/{linked.eci}/query/links/through", params={"eci": eci}).json()
    assert told[:2] == [asked, eci] and len(told[2]) == 32


def test_the_setting_wins_over_the_host(serving: Callable[..., Any], tmp_path: Path) -> None:
    engine = Engine(tmp_path / "other.db", granularity=1, base_url="https://picos.example/")
    with serving(engine=engine) as site:
        site.engine.root.install(LINKS)
        told = httpx.get(f"{site.url}/c/{site.eci}/query/links/asked").json()
        assert told[0] == "https://picos.example"


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("picos.example", "http://picos.example"),
        ("PICOS.example:80", "http://picos.example:80"),
        ("[::1]:8123", "http://[::1]:8123"),
        ("", None),
        ("a/b", None),
        ('a"onload=x', None),
        ("user@evil.example", None),
        ("evil.example#", None),
        ("a, b", None),
        ("ä.example", None),
        ("a" * 300, None),
        ("a:123456", None),
    ],
)
def test_a_host_that_no_link_may_have_is_not_used(host: str, found: str | None) -> None:
    assert host_of({"scheme": "http"}, {"host": host}) == found
    assert host_of({"scheme": "ws"}, {"host": host}) is None


@pytest.mark.parametrize("text", ["picos.example", "ftp://a", "http://u:p@a", "http://a?b", "http://a b", 1])
def test_what_is_not_a_base_url_is_refused(text: Any) -> None:
    with pytest.raises(PicoschedError, match=r"base_url: found .*, wanted a URL such as"):
        Engine(base_url=text)


def test_without_a_server_there_is_no_host() -> None:
    with Engine(":memory:") as engine:
        engine.root.install(LINKS.replace("use module io.picolabs.wrangler alias wrangler", ""))
        assert engine.root.query("links", "asked")[:2] == [None, None]


# ---- user and password in a URL ----------------------------------------------------------------------


def test_user_and_password_of_a_url_are_sent_and_shown_nowhere(
    linked: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with elsewhere({"/moved": "to:/landed"}) as place:
        answers = []
        for url in (f"http://AC1:to%40ken@{place}/Messages.json?a=1", f"http://AC1:secret@{place}/moved"):
            told = httpx.post(f"{linked.url}/c/{linked.eci}/event-wait/link/call", json={"url": url}).json()
            answers.append(told["directives"][0]["options"]["content"])
    assert answers == ["/Messages.json?a=1 Basic QUMxOnRvQGtlbg==", "/landed Basic QUMxOnNlY3JldA=="]
    wrong = {"url": "http://AC1:secret@127.0.0.1:1/"}
    told = httpx.post(f"{linked.url}/c/{linked.eci}/event-wait/link/wrong", json=wrong).json()
    assert "needs a URL that begins with http" in told["error"] and "127.0.0.1:1" in told["error"]
    assert "secret" not in told["error"] and "secret" not in caplog.text
    for entry in linked.engine.journal():
        told_of = (entry.errors, entry.log, entry.directives)
        assert "secret" not in str(told_of) or "Basic" in str(told_of)


# ---- failed installs ---------------------------------------------------------------------------------


def test_a_failed_install_names_the_setting_that_would_allow_it(
    served: Callable[..., Served], tmp_path: Path
) -> None:
    with elsewhere({"/x.krl": LINKS, "/gone.krl": "404"}) as place:
        site = served()
        eci = httpx.get(f"{site.url}/api/ui-context").json()["eci"]
        install = f"{site.url}/c/{eci}/event/engine_ui/install/query/{UI}/pico"
        (tmp_path / "own.krl").write_text(LINKS)
        for url, setting in (
            (f"http://{place}/x.krl", "the setting install_from"),
            ((tmp_path / "own.krl").as_uri(), "the setting install_from"),
        ):
            answer = httpx.post(install, json={"url": url, "config": {}})
            assert setting in answer.json()["error"] and answer.status_code == 200
            told = site.told("the event wrangler:install_ruleset_request (")
            assert " in io.picolabs.wrangler.install: " in told and setting in told
        assert "rulesets" not in answer.json()
        told = httpx.post(f"{site.url}/c/{eci}/event-wait/engine_ui/install", json={"url": url}).json()
        assert told["error"] == told["errors"][0] and told["directives"] == []


def test_a_developer_installs_own_files_and_from_this_machine(
    served: Callable[..., Served], tmp_path: Path
) -> None:
    with elsewhere(
        {"/x.krl": LINKS.replace("ruleset links", "ruleset fetched"), "/gone.krl": "404"}
    ) as place:
        site = served("--open")
        eci = httpx.get(f"{site.url}/api/ui-context").json()["eci"]
        install = f"{site.url}/c/{eci}/event/engine_ui/install/query/{UI}/pico"
        folder = tmp_path / "my rulesets"
        folder.mkdir()
        (folder / "links.krl").write_text(LINKS)
        for url in (f"http://{place}/x.krl", (folder / "links.krl").as_uri()):
            found = httpx.post(install, json={"url": url, "config": {"a": 1}}).json()["rulesets"][-1]
            assert (found["url"], found["config"]) == (url, {"a": 1})
        assert found["meta"]["flushed"].endswith("Z")
        assert found["meta"]["krlMeta"]["description"] == "Pages with links."
        gone = httpx.post(install, json={"url": f"http://{place}/gone.krl"}).json()
        assert "404" in gone["error"]
        for path in ("/etc/passwd", str(folder / "notes.txt"), "/usr/x.krl"):
            (folder / "notes.txt").write_text(LINKS)
            told = httpx.post(install, json={"url": f"file://{path}"}).json()
            assert "wanted a .krl file in a folder of the setting install_from" in told["error"]
        # Only installs: what rules ask of this machine stays refused.
        called = httpx.post(
            f"{site.url}/c/{eci}/event-wait/link/call", json={"url": f"http://{place}/"}
        ).json()
        assert called["directives"][0]["options"]["status"] == 0
        assert "not listed in http_allow" in site.told("an HTTP call was refused")


def test_a_configured_list_is_not_widened(tmp_path: Path) -> None:
    toml = tmp_path / "picosched.toml"
    toml.write_text("[engine]\ninstall_from = []\n")
    mine = of_a_developer()
    assert {str(Path.cwd()), "http://localhost"} <= {*load_settings(None, {}, mine).install_from}
    assert load_settings(toml, {}, mine).install_from == ()
    assert load_settings(None, {"PICOSCHED_INSTALL_FROM": "/srv"}, mine).install_from == ("/srv",)
    assert load_settings(None, {}).install_from == ()


# ---- /api/flush --------------------------------------------------------------------------------------


def test_a_flush_reads_a_ruleset_again_for_every_pico(serving: Callable[..., Any], tmp_path: Path) -> None:
    text = """ruleset r { meta { version "1" shares v } global { v = function() { meta:version } } }"""
    file = tmp_path / "r.krl"
    file.write_text(text)
    with serving(token=True) as site, site.client() as client:
        picos = [site.engine.root, site.engine.new_pico("child")]
        for pico in picos:
            pico.install(file)
        file.write_text(text.replace('"1"', '"2"'))
        assert httpx.get(f"{site.url}/api/flush", params={"url": str(file)}).status_code == 401
        told = client.get("/api/flush", params={"url": file.as_uri()}).json()
        assert (told["rid"], told["picos"], told["url"]) == ("r", 2, file.as_uri())
        assert set(told) == {"url", "rid", "hash", "flushed", "compiler", "picos"}
        assert [pico.query("r", "v") for pico in picos] == ["2", "2"]

        file.write_text(text.replace("function()", "functio()"))
        broken = client.get("/api/flush", params={"url": str(file)})
        assert broken.status_code == 400 and "r.krl" in broken.json()["error"]
        assert client.get("/api/flush", params={"url": "https://x.example/a.krl"}).status_code == 404
        assert client.get("/api/flush").status_code == 400
        foreign = {"sec-fetch-site": "cross-site"}
        assert client.get("/api/flush", params={"url": str(file)}, headers=foreign).status_code == 403
        assert [pico.query("r", "v") for pico in picos] == ["2", "2"]


# ---- pages of other origins --------------------------------------------------------------------------


def test_a_page_of_an_allowed_origin_uses_the_server(serving: Callable[..., Any]) -> None:
    with serving(origins=[f"{ELSEWHERE}/", "http://localhost:3000"]) as site, site.client() as client:
        page = {"origin": ELSEWHERE}
        told = client.get("/api/ui-context", headers=page)
        assert told.headers["access-control-allow-origin"] == ELSEWHERE
        assert told.headers["vary"] == "Origin" and told.json()["eci"]
        ask = {
            **page,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type, x-app",
            "access-control-request-private-network": "true",
        }
        for path in (
            "/api/ui-context",
            f"/c/{site.eci}/event-wait/echo/back",
            f"/sky/cloud/{site.eci}/echo/count",
        ):
            allowed = client.options(path, headers=ask)
            assert allowed.status_code == 200
            assert allowed.headers["access-control-allow-origin"] == ELSEWHERE
            assert allowed.headers["access-control-allow-headers"] == "content-type, x-app"
            assert allowed.headers["access-control-allow-private-network"] == "true"
            assert "access-control-allow-credentials" not in allowed.headers
        for path in ("/api/picos", "/metrics", "/api/flush?url=x"):  # the rest stays ours
            assert client.get(path, headers=page).status_code == 403
            assert client.options(path, headers=ask).status_code == 403


def test_on_a_public_host_such_a_page_needs_the_token_too(serving: Callable[..., Any]) -> None:
    with serving(token=True, host="0.0.0.0", origins=[ELSEWHERE]) as site:
        page = {"origin": ELSEWHERE}
        assert httpx.get(f"{site.url}/api/ui-context", headers=page).status_code == 401
        ask = {**page, "access-control-request-headers": "authorization"}
        allowed = httpx.options(f"{site.url}/api/ui-context", headers=ask)
        assert allowed.headers["access-control-allow-headers"] == "authorization"
        with site.client() as client:
            told = client.get("/api/ui-context", headers=page)
        assert told.json()["eci"] and told.headers["access-control-allow-origin"] == ELSEWHERE


@pytest.mark.parametrize(
    "origin", [ELSEWHERE + ".evil.example", "http://app.example", "null", f"{ELSEWHERE}:8"]
)
def test_a_page_of_another_origin_gets_no_key(serving: Callable[..., Any], origin: str) -> None:
    with serving(origins=[ELSEWHERE]) as site, site.client() as client:
        for method in ("GET", "OPTIONS"):
            told = client.request(method, "/api/ui-context", headers={"origin": origin})
            assert told.status_code == 403 and "access-control-allow-origin" not in told.headers
            assert f"serve --allow-origin {origin}" in told.json()["error"]
        assert (
            client.options(f"/c/{site.eci}/query/echo/count", headers={"origin": origin}).headers[
                "access-control-allow-origin"
            ]
            == "*"
        )


@pytest.mark.parametrize(
    "text", ["*", "app.example", "null", "https://app.example/x", "https://u@a", "ftp://a"]
)
def test_what_is_not_an_origin_is_refused(text: str) -> None:
    with pytest.raises(PicoschedError, match=r"found the origin .* wanted a scheme, a host"):
        Origins([text])


def test_a_browser_leaves_out_the_usual_port() -> None:
    assert Origins(["HTTPS://App.Example:443/"]).allow({"origin": ELSEWHERE})


# ---- the pages of the Node engine --------------------------------------------------------------------


class Pages:
    """What the browser's pages ask, as they ask it; an answer with an `error` is one that they show."""

    def __init__(self, site: Served) -> None:
        self.site = site
        eci = self.get("/api/ui-context")["eci"]
        self.eci = self.get(f"/c/{eci}/query/{UI}/box")["eci"]

    def get(self, path: str) -> Any:
        return self._told(httpx.get(self.site.url + path, timeout=30))

    def post(self, path: str, body: Any) -> Any:
        return self._told(httpx.post(self.site.url + path, json=body, timeout=30))

    def ui(self, type: str, **body: Any) -> Any:
        return self.post(f"/c/{self.eci}/event/engine_ui/{type}/query/{UI}/pico", body)

    def query(self, rid: str, name: str) -> Any:
        return self.get(f"/c/{self.eci}/query/{rid}/{name}")

    def _told(self, response: httpx.Response) -> Any:
        told = response.json()
        assert not (isinstance(told, dict) and told.get("error")), told
        return told


@pytest.fixture
def pages(served: Callable[..., Served], tmp_path: Path) -> Pages:
    (tmp_path / "links.krl").write_text(LINKS)
    return Pages(served("--open"))


def test_every_tab_of_the_pages_works_by_default_settings(pages: Pages, tmp_path: Path) -> None:
    # The map of picos, and the tab About.
    box = pages.post(
        f"/c/{pages.eci}/event/engine_ui/new/query/{UI}/box", {"name": "kid", "backgroundColor": "#00ff00"}
    )
    (kid,) = box["children"]
    moved = {"x": 10.5, "y": 20, "width": 120, "height": 90}
    told = pages.post(f"/c/{kid}/event/engine_ui/box/query/{UI}/box", moved)
    assert {key: told[key] for key in moved} == moved
    assert pages.post(f"/c/{kid}/event/engine_ui/box/query/{UI}/box", {"name": "Kid"})["name"] == "Kid"
    about = pages.query(UI, "pico")
    assert about["parent"] is None and about["children"] == [kid]

    # Rulesets.
    url = (tmp_path / "links.krl").as_uri()
    ruleset = pages.ui("install", url=url, config={"a": 1})["rulesets"][-1]
    assert (ruleset["rid"], ruleset["url"], ruleset["config"]) == ("links", url, {"a": 1})
    first = ruleset["meta"]["flushed"]
    flushed = pages.ui("flush", url=url)["rulesets"][-1]["meta"]
    assert flushed["flushed"] > first and flushed["compiler"]["warnings"] == []

    # Channels.
    allow = {"allow": [{"domain": "*", "name": "*"}], "deny": []}
    ask = {"allow": [{"rid": "*", "name": "*"}], "deny": []}
    made = pages.ui("new_channel", tags=["app"], eventPolicy=allow, queryPolicy=ask)["channels"][-1]
    assert (made["tags"], made["eventPolicy"]) == (["app"], allow)

    # Testing: through the channel that was chosen.
    offered = pages.query("links", "__testing")
    assert {"name": "asked", "args": []} in offered["queries"]
    assert {"domain": "link", "name": "later", "attrs": []} in offered["events"]
    assert pages.post(f"/c/{made['id']}/query/links/asked", {})[1] == made["id"]
    followed = pages.post(f"/c/{made['id']}/event-wait/link/followed", {"n": 1})
    assert followed["directives"][0]["options"]["n"] == "1"

    # Logging: turns and queries, the newest first.
    groups = pages.query(UI, "logs")
    assert all(set(each) == {"txnId", "time", "header", "entries"} for each in groups)
    headers = [each["header"] for each in groups]
    assert headers[0] == f'EVENT {made["id"]} link:followed {{"n":1}}'
    assert headers[1] == f"QUERY {made['id']} links/asked {{}}"
    assert headers[2].startswith("QUERY ") and headers[2].endswith(" links/__testing {}")
    assert not any("logs" in each or "/pico" in each for each in headers if each.startswith("QUERY"))

    # Subscriptions.
    for name in ("established", "inbound", "outbound"):
        assert pages.query("io.picolabs.subscription", name) == []
    door = pages.get(f"/c/{kid}/query/io.picolabs.subscription/wellKnown_Rx")["id"]
    wanted = {
        "wellKnown_Tx": door,
        "Rx_role": "a",
        "Tx_role": "b",
        "name": "n",
        "Tx_host": None,
        "password": None,
    }
    pages.post(f"/c/{pages.eci}/event/wrangler/subscription", wanted)
    (outbound,) = pages.query("io.picolabs.subscription", "outbound")
    assert outbound["wellKnown_Tx"] == door

    # Back to where it began.
    assert made["id"] not in [each["id"] for each in pages.ui("del_channel", eci=made["id"])["channels"]]
    assert "links" not in [each["rid"] for each in pages.ui("uninstall", rid="links")["rulesets"]]
    pages.get(f"/c/{pages.eci}/event-wait/engine_ui/del?eci={kid}")
    assert pages.query(UI, "box")["children"] == []
