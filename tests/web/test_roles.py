"""What each role may over HTTP: routes, sockets, streams and the calendar."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import WebSocket
from fastapi.routing import APIRoute
from web.running import Running, running
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from picosched import Engine, PicoschedError, VirtualClock
from picosched.acting import Role
from picosched.remote import Remote
from picosched.web.access import COOKIE
from picosched.web.api.needs import declared

DOCS = Path(__file__).parent.parent.parent / "docs" / "access.md"
TELLING_ECIS = (
    "/api/picos/root/channels",
    "/api/picos/root",
    "/api/journal",
    "/api/sources",
    "/api/sources/far",
)
"""What tells the eci of a channel: the beginning to everybody, the whole to authors."""
YEARLY = [{"name": "new year", "expr": "0 0 1 1 *"}]
ROW = re.compile(r"^\| `([A-Z]+) (/api\S*)` \| (read|operate|author|none) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that asks for a token."""
    with running(tmp_path_factory.mktemp("roles"), token=True) as found:
        yield found


@pytest.fixture(scope="module")
def tokens(closed: Running) -> dict[Role, str]:
    """A token of each role, made over HTTP."""
    with closed.client() as client:
        made = {role: client.post("/api/tokens", json={"name": role, "role": role}) for role in Role}
    assert {each.status_code for each in made.values()} == {201}
    return {role: each.json()["token"] for role, each in made.items()}


def as_role(site: Running, token: str) -> httpx.Client:
    return httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {token}"}, timeout=30)


def within(routes: Iterable[Any]) -> Iterator[APIRoute]:
    """All routes, those of routers too."""
    for each in routes:
        if isinstance(each, APIRoute):
            yield each
        elif hasattr(each, "original_router"):
            yield from within(each.original_router.routes)


def routes_of(site: Running) -> list[tuple[str, str, list[Role | None]]]:
    found = [each for each in within(site.api.routes) if each.path != "/"]
    assert len(found) > 60
    return [(method, each.path, declared(each)) for each in found for method in sorted(each.methods)]


def test_each_route_declares_what_it_needs_as_the_page_lists_it(closed: Running) -> None:
    routes = routes_of(closed)
    assert [(method, path) for method, path, roles in routes if len(roles) != 1] == []
    told = [(method, path, roles[0] or "none") for method, path, roles in routes]
    assert sorted(ROW.findall(DOCS.read_text(encoding="utf-8"))) == sorted(told)


def test_each_route_refuses_the_roles_before_the_one_it_needs(
    closed: Running, tokens: dict[Role, str]
) -> None:
    """The requests are empty or about nothing, so what is let in changes nothing."""
    for role, token in tokens.items():
        with as_role(closed, token) as client:
            for method, path, (needs,) in routes_of(closed):
                if path in ("/api/journal/live", "/api/ui-context", "/api/session", "/api/backup"):
                    continue
                known = re.sub(r"\{\w+\}", "nosuch", path)
                answer = client.request(method, known, params={"url": "nosuch"} if "flush" in path else {})
                refused = answer.status_code == 403
                assert refused == (needs is not None and not role.covers(needs)), (role, method, path)
                if refused:
                    told = f'the token "{role}" with the role {role}, wanted {needs}: '
                    told += f"{method} {path} is for that role and those above"
                    assert answer.json() == {"error": f"found {told}"}


def test_the_backup_is_for_authors(closed: Running, tokens: dict[Role, str]) -> None:
    """It has all keys."""
    for role, token in tokens.items():
        with as_role(closed, token) as client:
            refused = "wanted author" in client.get("/api/backup").text[:200]
            assert refused == (role is not Role.AUTHOR)


def test_ecis_are_for_authors(closed: Running, tokens: dict[Role, str]) -> None:
    httpx.post(f"{closed.url}/c/{closed.eci}/event-wait/echo/back")
    far = {"type": "crononome", "name": "far", "to": {"eci": closed.eci}, "entries": YEARLY}
    closed.engine.add_source(far)
    for role, token in tokens.items():
        with as_role(closed, token) as client:
            for path in TELLING_ECIS:
                text = client.get(path.replace("root", closed.engine.root.id)).text
                assert closed.eci[:8] in text, path
                assert (closed.eci in text) == (role is Role.AUTHOR), path


GIVES = """ruleset gives {
  meta { use module io.picolabs.wrangler alias wrangler shares channels }
  global { channels = function() { wrangler:channels() } }
  rule keep { select when gives asked
    send_directive("here", {"url": "http://127.0.0.1/c/" + wrangler:channels().head(){"id"} + "/query"})
    fired { ent:kept := wrangler:channels() } }
}"""


def test_ecis_that_rules_hand_out_are_for_authors(closed: Running, tokens: dict[Role, str]) -> None:
    root = closed.engine.root
    root.install("picosched://standard/io.picolabs.wrangler.krl")
    root.install(GIVES)
    asked = {"rid": "gives", "name": "channels"}
    for role, token in tokens.items():
        with as_role(closed, token) as client:
            answers = [client.post(f"/api/picos/{root.id}/query", json=asked)]
            if role is not Role.READ:
                event = {"domain": "gives", "type": "asked"}
                answers.append(client.post(f"/api/picos/{root.id}/raise", json=event))
                answers.append(client.get("/api/journal"))
        for answer in answers:
            assert int(answer.headers["content-length"]) == len(answer.content)
            whole = [each.eci for each in root.channels() if each.eci in answer.text]
            assert answer.status_code == 200 and bool(whole) == (role is Role.AUTHOR), answer.url
            assert role is Role.AUTHOR or "…" in answer.text


def test_the_owner_still_may_everything(closed: Running) -> None:
    with closed.client() as client:
        assert client.post("/api/picos", json={"name": "by the owner"}).status_code == 201
        assert client.delete("/api/picos/by the owner").status_code == 204
        assert closed.eci in client.get(f"/api/picos/{closed.engine.root.id}/channels").text


def test_a_change_says_who_made_it(closed: Running, tokens: dict[Role, str]) -> None:
    at = {"at": "2126-01-01T00:00:00Z"}
    httpx.post(f"{closed.url}/c/{closed.eci}/event-wait/echo/later", json=at)
    (row,) = [each for each in closed.engine.scheduled() if each.due and each.due.year == 2126]
    with as_role(closed, tokens[Role.OPERATE]) as client:
        assert client.post(f"/api/scheduled/{row.id}/pause", json={}).status_code == 200
    assert [each.by for each in closed.engine.agenda.changes_of(row.id)] == ['HTTP as "operate"']


def test_the_calendar_needs_no_more_than_reading(closed: Running, tokens: dict[Role, str]) -> None:
    for token in tokens.values():
        assert httpx.get(f"{closed.url}/api/calendar.ics", params={"token": token}).status_code == 200
    token = tokens[Role.AUTHOR]
    assert httpx.get(f"{closed.url}/api/picos", params={"token": token}).status_code == 401


def test_a_named_token_reaches_no_rule(closed: Running, tokens: dict[Role, str]) -> None:
    with as_role(closed, tokens[Role.READ]) as client:
        told = client.get(f"/c/{closed.eci}/event-wait/echo/back")
    assert told.status_code == 200 and tokens[Role.READ] not in told.text


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        await socket.send_text(await socket.receive_text())


def test_a_token_that_expires_is_not_valid_at_its_end(tmp_path: Path) -> None:
    clock = VirtualClock("2026-03-01T00:00:00Z")
    engine = Engine(tmp_path / "picos.db", clock=clock)
    with running(tmp_path, token=True, engine=engine) as site:
        token, _ = site.engine.make_token("short", "read", "2026-03-01T01:00:00Z")
        with as_role(site, token) as client:
            assert client.get("/api/picos").status_code == 200
            site.api.add_api_websocket_route("/echo", echo)
            headers, url = {"cookie": f"{COOKIE}={token}"}, f"{site.url}/echo".replace("http", "ws")
            with connect(url, origin=site.url, additional_headers=headers) as socket:  # type: ignore[arg-type]
                clock.advance(hours=1)
                with pytest.raises(ConnectionClosed):
                    socket.recv(10)
                assert socket.close_code == 1008
            assert client.get("/api/picos").status_code == 401


def test_what_a_token_opened_ends_when_it_is_revoked(closed: Running) -> None:
    closed.api.add_api_websocket_route("/echo", echo)
    token, _ = closed.engine.make_token("leaver", "read")
    headers = {"cookie": f"{COOKIE}={token}"}
    url = f"{closed.url}/echo".replace("http", "ws")
    ended = threading.Event()

    def follow() -> None:
        with as_role(closed, token).stream("GET", "/api/journal/live") as stream:
            for line in stream.iter_lines():
                if line.startswith("retry"):
                    ready.set()
        ended.set()

    ready = threading.Event()
    thread = threading.Thread(target=follow)
    thread.start()
    assert ready.wait(10)
    with connect(url, origin=closed.url, additional_headers=headers) as socket:
        socket.send("still here")
        assert socket.recv(10) == "still here"
        with closed.client() as client:
            assert client.delete("/api/tokens/leaver").status_code == 204
        with pytest.raises(ConnectionClosed):
            socket.recv(10)
        assert socket.close_code == 1008
    assert ended.wait(10)
    thread.join()
    with as_role(closed, token) as client:
        assert client.get("/api/picos").status_code == 401


def test_tokens_are_listed_without_themselves(closed: Running, tokens: dict[Role, str]) -> None:
    with closed.client() as client:
        listed = client.get("/api/tokens")
        assert {"read", "operate", "author"} <= {each["name"] for each in listed.json()}
        assert not any(token in listed.text for token in tokens.values())
        assert "hash" not in json.dumps(listed.json())
        assert client.post("/api/tokens", json={"name": "read", "role": "read"}).status_code == 409
        assert client.post("/api/tokens", json={"name": "x", "role": "king"}).status_code == 400
        assert client.delete("/api/tokens/nosuch").status_code == 404


def test_the_audit_tells_who_did_what(closed: Running, tokens: dict[Role, str]) -> None:
    with as_role(closed, tokens[Role.AUTHOR]) as client:
        pico = client.post("/api/picos", json={"name": "audited"}).json()["id"]
        client.post(f"/api/picos/{pico}/raise", json={"domain": "tea", "type": "started"})
        client.get(f"/api/picos/{pico}/export")
        for running in (False, False, True, True):
            client.put("/api/scheduler", json={"running": running})
        client.delete(f"/api/picos/{pico}")
    with as_role(closed, tokens[Role.READ]) as client:
        told = client.get("/api/audit", params={"name": "author", "limit": 5}).json()
        rest = client.get("/api/audit", params={"name": "author", "limit": 5, "after": told["next"]}).json()
        listed = [(each["what"], each["kind"], each["on"]) for each in told["items"]]
        assert [each[:2] for each in listed] == [
            ("deleted", "pico"),
            ("started", "scheduler"),
            ("stopped", "scheduler"),
            ("exported", "pico"),
            ("raised", "event"),
        ]
        assert listed[0][2] == listed[3][2] == pico and rest["items"][0]["what"] == "made"
        assert told["items"][0]["by"] == 'HTTP as "author"' and told["items"][0]["role"] == "author"
        assert client.get("/api/audit", params={"what": "eaten"}).status_code == 400
        assert client.get("/api/audit", params={"since": "2126-01-01"}).json()["items"] == []
        refused = client.post("/api/picos", json={"name": "never"})
        assert refused.status_code == 403
        assert "never" not in client.get("/api/audit").text


def test_what_comes_through_a_channel_is_not_in_the_audit(closed: Running) -> None:
    """Programs raise those; the journal has them."""
    before = closed.engine.audit()
    assert httpx.post(f"{closed.url}/c/{closed.eci}/event-wait/echo/back").status_code == 200
    assert closed.engine.audit() == before


def test_a_remote_engine_makes_lists_and_revokes_and_tells_who_did(closed: Running) -> None:
    with Remote(closed.url, closed.token) as remote:
        token, made = remote.make_token("dora", "operate", "2126-01-01T00:00:00Z")
        assert made in remote.tokens()
        with Remote(closed.url, token) as operator:
            assert [each.id for each in operator.picos()]
            with pytest.raises(PicoschedError, match="wanted author") as refused:
                operator.new_pico("den")
            assert refused.value.code == "refused"
        assert remote.revoke_token("dora") and not remote.revoke_token("dora")
        told = remote.audit(on="dora", kind="token")
        assert told == closed.engine.audit(on="dora", kind="token")
        assert [each.what for each in told] == ["revoked", "made"]


def test_versions_are_compared_and_taken_back_over_http(closed: Running, tokens: dict[Role, str]) -> None:
    one, two = (f'ruleset v {{ rule r {{ select when a b send_directive("{each}") }} }}\n' for each in "xy")
    with Remote(closed.url, tokens[Role.AUTHOR]) as author, Remote(closed.url, tokens[Role.READ]) as reader:
        pico = author.new_pico("versioned")
        pico.install(one)
        pico.install(two)
        seen = reader.pico(pico.id)
        assert [each.by for each in seen.versions("v")] == ['HTTP as "author"'] * 2
        assert seen.versions("v") == closed.engine.pico(pico.id).versions("v")
        assert '+ruleset v { rule r { select when a b send_directive("y") } }' in seen.diff("v")
        assert seen.diff("v", two) == ""
        with pytest.raises(PicoschedError, match="wanted author"):
            seen.go_back("v")
        assert pico.go_back("v").hash == pico.versions("v")[0].hash
        assert pico.raise_event("a", "b").directives[0].name == "x"
