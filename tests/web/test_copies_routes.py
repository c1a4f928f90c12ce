"""Copies and changes of many over a socket: `/api/backup`, `/api/picos/…/export`, `/api/changes`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from web.running import Running

from picosched.engine.engine import Engine
from picosched.remote import Remote
from picosched.schedule.filter import Filter

FAR = {"at": "2099-01-01T00:00:00Z"}


@pytest.fixture
def ids(site: Running) -> list[str]:
    """Three that are scheduled."""
    turns = [site.engine.root.raise_event("echo", "later", FAR) for _ in range(3)]
    return [id for turn in turns for id in turn.scheduled]


def changed(client: httpx.Client, **change: Any) -> list[Any]:
    answer = client.post("/api/changes", json=change)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()
    return found


@pytest.mark.slow
def test_many_are_changed_at_once_and_those_that_ended_left_out(client: httpx.Client, ids: list[str]) -> None:
    dry = changed(client, ids=ids, change="cancel", dry_run=True)
    assert [each["status"] for each in dry] == ["cancelled"] * 3
    assert len(changed(client, ids=ids[:1], change="cancel")) == 1
    assert [each["id"] for each in changed(client, ids=ids, change="pause", until=FAR["at"])] == ids[1:]
    assert changed(client, ids=ids[1:], change="resume")[0]["status"] == "pending"
    assert changed(client, ids=ids[1:2], change="move", by="1h")[0]["due"] == "2099-01-01T01:00:00Z"
    (daily,) = changed(client, ids=ids[2:], change="reschedule", timespec="@daily", tz="Europe/Rome")
    assert (daily["kind"], daily["tz"]) == ("repeat", "Europe/Rome")
    for wrong in ({"change": "move"}, {"change": "reschedule"}, {"change": "forget"}, {}):
        assert client.post("/api/changes", json={"ids": ids, **wrong}).status_code == 400


def test_ids_are_found_by_their_beginning(client: httpx.Client, ids: list[str]) -> None:
    client.delete(f"/api/scheduled/{ids[0]}")
    assert client.get("/api/ids", params={"beginning": ids[0]}).json() == [ids[0]]
    assert client.get("/api/ids", params={"beginning": ids[0], "live": True}).json() == []
    assert client.get("/api/ids", params={"beginning": ids[1][:31], "live": True}).json() == [ids[1]]
    assert client.get("/api/ids", params={"beginning": ""}).status_code == 400


def test_the_total_is_told_if_asked_for(client: httpx.Client, site: Running, ids: list[str]) -> None:
    asked = client.get("/api/scheduled", params={"limit": 1, "count": True}).json()
    assert asked["total"] == site.engine.agenda.count() >= len(ids)
    assert client.get("/api/scheduled", params={"limit": 1}).json()["total"] is None


def test_the_settings_are_those_of_the_engine(client: httpx.Client) -> None:
    assert client.get("/api/settings").json() == {
        "granularity": 1, "min_period": 0, "misfire": "once", "history_days": 30
    }  # fmt: skip


@pytest.mark.files
def test_a_backup_comes_as_a_file_that_opens(client: httpx.Client, site: Running, tmp_path: Path) -> None:
    answer = client.get("/api/backup")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vnd.sqlite3")
    (tmp_path / "copy.db").write_bytes(answer.content)
    with Engine(tmp_path / "copy.db") as copy:
        assert [each.id for each in copy.picos()] == [each.id for each in site.engine.picos()]
    assert not [*Path(site.engine.store.name).parent.glob(".backup-*")]


@pytest.mark.files
@pytest.mark.slow
def test_a_database_in_memory_has_no_backup(serving: Callable[..., Any]) -> None:
    with serving(engine=Engine(granularity=1)) as site, site.client() as client:
        answer = client.get("/api/backup")
        assert (answer.status_code, answer.json()) == (
            400, {"error": "found a database in memory, wanted one in a file"}
        )  # fmt: skip


def test_a_pico_goes_out_and_comes_in(client: httpx.Client, ids: list[str]) -> None:
    document = client.get("/api/picos/root/export", params={"history": True}).json()
    made = client.post("/api/picos/import", json={"document": document, "name": "second"})
    assert (made.status_code, made.json()["parent"]) == (201, "root")
    assert client.post("/api/picos/import", json={"document": document}).status_code == 409
    assert client.post("/api/picos/import", json={"document": {}, "name": "x"}).status_code == 400
    assert client.delete("/api/picos/second").status_code == 204


def test_an_event_through_a_channel_is_answered_in_full(client: httpx.Client, site: Running) -> None:
    new = {"domain": "echo", "type": "later", "attrs": FAR}
    turn = client.post(f"/api/channels/{site.eci}/raise", json=new).json()
    assert [each["id"] for each in turn["made"]] == turn["scheduled"]
    assert turn["handled"][0]["attrs"] == FAR
    asked = {"rid": "echo", "name": "greet", "args": {"name": "ada"}}
    assert client.post(f"/api/channels/{site.eci}/query", json=asked).json() == {"value": "hello ada"}
    assert client.post("/api/channels/nosuch/raise", json=new).status_code == 404


@pytest.mark.slow
def test_a_remote_pages_through_thousands(serving: Callable[..., Any]) -> None:
    many = """ruleset many { rule make { select when many make
      foreach 1.range(event:attrs{"n"}) setting(i)
      fired { schedule many event "rang" at "2099-01-01T00:00:00Z" with i = i } } }
    """
    with serving(token=True) as site, Remote(site.url, site.token) as remote:
        site.engine.root.install(many)
        for _ in range(3):
            remote.root.raise_event("many", "make", {"n": 834})
        which = Filter(rid="many")
        rows = remote.agenda.scheduled(which)
        assert len(rows) == remote.agenda.count(which) == 2502
        assert rows == site.engine.agenda.scheduled(which)
        assert len(remote.agenda.scheduled(which, 1001)) == 1001
        assert len(remote.agenda.cancel([row.id for row in rows])) == 2502
        assert site.engine.agenda.count(which) == 0
        assert remote.history(limit=1500) == site.engine.history(limit=1500)
        assert remote.journal() == site.engine.journal()
        assert (remote.root, [*remote.root.rulesets()]) == (
            remote.pico("root"),
            [*site.engine.root.rulesets()],
        )
        assert remote.settings.granularity == 1
