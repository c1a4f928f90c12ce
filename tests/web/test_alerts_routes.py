"""Alerts by HTTP: made, changed, tested and removed; and who may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hooked import Received, receiving
from racing import until
from web.running import Running

from picosched.krl.urls import shown_host

pytestmark = pytest.mark.slow

FAULTY = Path(__file__).parent.parent / "rulesets" / "faulty.krl"


@pytest.fixture
def hook() -> Iterator[Received]:
    with receiving() as received:
        yield received


def test_an_alert_is_made_and_tells_and_is_removed(
    site: Running, client: httpx.Client, hook: Received
) -> None:
    to = hook.url.replace("://", "://ada:hunter2@") + "?key=hunter3"
    made = client.post("/api/alerts", json={"name": "ops", "to": to, "secret": "hunter4"})
    assert made.status_code == 201
    assert made.json() | {"made": "", "made_by": ""} == {
        "name": "ops",
        "to": shown_host(hook.url),
        "on": ["failed", "missed"],
        "after": 1,
        "signed": True,
        "waiting": 0,
        "dead": 0,
        "last": None,
        "configured": False,
        "made": "",
        "made_by": "",
        "fault": None,
    }
    assert client.post("/api/alerts", json={"name": "ops", "to": to}).status_code == 409
    assert client.post("/api/alerts/ops/test").status_code == 204
    until(lambda: len(hook) == 1)
    site.engine.root.install(FAULTY)
    site.engine.root.raise_event("plan", "broken", {"until": "2100-01-01"})
    turn = site.engine.root.raise_event("plan", "at", {"when": "2000-01-01T00:00:00Z", "_name": "old"})
    assert turn.scheduled
    until(lambda: len(hook) >= 2)
    changed = client.patch("/api/alerts/ops", json={"on": ["late"], "secret": ""}).json()
    assert (changed["on"], changed["signed"], changed["to"]) == (["late"], False, shown_host(hook.url))
    until(lambda: client.get("/api/alerts").json()[0]["last"]["became"] == "accepted")
    told = client.get("/api/alerts").text + client.get("/api/audit").text + client.get("/api/deliveries").text
    assert "hunter" not in told
    assert client.delete("/api/alerts/ops").status_code == 204
    assert client.delete("/api/alerts/ops").status_code == 404
    assert client.get("/api/alerts").json() == []


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"to": "https://x/"}, 400, "name"),
        ({"name": "a/b", "to": "https://x/"}, 400, 'found the name "a/b" of an alert'),
        ({"name": "ops", "to": "ftp://ada:hunter2@x/"}, 400, "wanted as `to` a URL"),
        ({"name": "ops", "to": "eci:nosuch"}, 404, "there is no channel nosuch"),
        ({"name": "ops", "to": "https://x/", "on": ["fired"]}, 400, "wanted as `on` a list of some of"),
        ({"name": "ops", "to": "https://x/", "on": ["late"] * 1000}, 400, "wanted as `on` a list of some of"),
        ({"name": "ops", "to": "https://x/", "after": 0}, 400, "wanted as `after`"),
        ({"name": "ops", "to": "https://x/", "colour": "red"}, 400, "colour"),
    ],
)
def test_what_is_wrong_is_said(client: httpx.Client, body: dict[str, Any], status: int, said: str) -> None:
    answer = client.post("/api/alerts", json=body)
    assert answer.status_code == status and said in answer.json()["error"]
    assert "hunter" not in answer.text


def test_what_is_not_there_is_not_found(client: httpx.Client) -> None:
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/test")):
        answer = client.request(
            method, f"/api/alerts/nosuch{path}", json={"after": 2} if method == "PATCH" else None
        )
        assert (answer.status_code, answer.json()) == (404, {"error": "there is no alert nosuch"})
