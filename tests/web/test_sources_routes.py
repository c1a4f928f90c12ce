"""Sources by HTTP: declared, listed, paused, removed; and what is wrong is said."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from web.running import Running

CRONONOME = {
    "type": "crononome",
    "name": "chimes",
    "to": {"pico": "root"},
    "entries": [{"name": "yearly", "expr": "@yearly", "payload": {"n": 1}}],
}


@pytest.mark.slow
def test_a_source_is_made_shown_paused_and_removed(site: Running, client: httpx.Client) -> None:
    made = client.post("/api/sources", json=CRONONOME)
    assert made.status_code == 201
    (entry,) = made.json()["entries"]
    assert (entry["when"], entry["event"]) == ("at 00:00 on day 1 of January", "crononome:trigger")
    id = made.json()["id"]
    assert [each["name"] for each in client.get("/api/sources").json()] == ["chimes"]
    assert client.get("/api/sources/chimes").json()["id"] == id
    paused = client.post("/api/sources/chimes/pause", json={"until": "2100-01-01T00:00:00Z"}).json()
    assert (paused["paused"], paused["paused_until"], paused["due"]) == (True, "2100-01-01T00:00:00Z", None)
    assert not client.post(f"/api/sources/{id}/resume").json()["paused"]
    assert client.delete("/api/sources/chimes").status_code == 204
    assert client.delete("/api/sources/chimes").status_code == 404
    assert client.get("/api/sources/chimes").status_code == 404
    assert client.post("/api/sources/chimes/pause").status_code == 404
    assert client.get("/api/sources").json() == []


def test_of_a_list_of_sources_all_are_made_or_none(client: httpx.Client) -> None:
    other, lost = CRONONOME | {"name": "bells"}, CRONONOME | {"name": "lost", "to": {"pico": "nobody"}}
    assert client.post("/api/sources", json=[CRONONOME, lost]).status_code == 404
    assert client.get("/api/sources").json() == []
    made = client.post("/api/sources", json=[CRONONOME, other])
    assert (made.status_code, [each["name"] for each in made.json()]) == (201, ["chimes", "bells"])
    for name in ("chimes", "bells"):
        client.delete(f"/api/sources/{name}")


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"type": "sundial"}, 400, "sundial"),
        ({"colour": "red"}, 400, "colour"),
        ({"to": {"pico": "nobody"}}, 404, "nobody"),
        ({"entries": []}, 400, "entries"),
        ({"entries": [{"name": "x", "expr": "61 * * * *", "payload": {}}]}, 400, "x"),
        ({"type": "crontab", "entries": None, "file": "/etc/crontab"}, 403, "file"),
    ],
)
def test_what_is_wrong_in_a_declaration_is_said(
    client: httpx.Client, changed: dict[str, Any], status: int, said: str
) -> None:
    declaration = {key: value for key, value in (CRONONOME | changed).items() if value is not None}
    answer = client.post("/api/sources", json=declaration)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text
    assert client.get("/api/sources").json() == []
