"""Windows by HTTP: made, listed, changed and removed; and what is wrong with them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from web.running import Running

pytestmark = pytest.mark.slow

DAY = {"name": "day", "from": "0 8 * * *", "to": "0 18 * * *", "in": "Europe/Berlin"}


def test_a_window_is_made_changed_and_removed(site: Running, client: httpx.Client) -> None:
    made = client.post("/api/windows", json=DAY)
    assert made.status_code == 201
    told = made.json()
    assert told.pop("next_opening") != told.pop("next_closing")
    assert told | {"open": False, "made": "", "made_by": ""} == {
        **DAY,
        "open": False,
        "fault": None,
        "uses": {"schedules": 0, "sources": 0, "rulesets": 0},
        "configured": False,
        "made": "",
        "made_by": "",
    }
    assert told["made_by"] == "HTTP"
    assert client.post("/api/windows", json=DAY).status_code == 409
    attrs = {"_window": "day"}
    tied = {"domain": "a", "type": "b", "repeat": "@daily", "attrs": attrs}
    root = site.engine.root
    root.schedule(tied["domain"], tied["type"], repeat=tied["repeat"], attributes=attrs)
    changed = client.patch("/api/windows/day", json={"in": "UTC"}).json()
    assert (changed["in"], changed["from"], changed["uses"]["schedules"]) == ("UTC", DAY["from"], 1)
    refused = client.delete("/api/windows/day")
    assert (refused.status_code, "in use by the schedule" in refused.json()["error"]) == (409, True)
    assert client.delete("/api/windows/day", params={"force": "true"}).status_code == 204
    assert client.delete("/api/windows/day").status_code == 404
    assert client.get("/api/windows").json() == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"from": "0 8 * * *", "to": "0 9 * * *"}, "name"),
        ({"name": "a/b", "from": "0 8 * * *", "to": "0 9 * * *"}, 'found the name "a/b" of a window'),
        ({"name": "day", "from": "at dinner", "to": "0 9 * * *"}, 'timespec "at dinner"'),
        ({"name": "day", "from": "0 8 * * *", "to": "0 9 * * *", "in": "Mars"}, "Mars"),
        ({"name": "day", "from": "0 8 * * *", "to": "0 8 * * *"}, "no time at which it opens"),
        (
            {"name": "day", "from": "0 8 * * *", "to": "0 9 * * *", "tz": "UTC"},
            "found tz in the body, did you mean in?",
        ),
    ],
)
def test_what_is_wrong_is_said(client: httpx.Client, body: dict[str, Any], said: str) -> None:
    answer = client.post("/api/windows", json=body)
    assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text


def test_what_is_not_there_is_not_found(client: httpx.Client) -> None:
    for method in ("PATCH", "DELETE"):
        answer = client.request(
            method, "/api/windows/nosuch", json={"in": "UTC"} if method == "PATCH" else None
        )
        assert answer.status_code == 404
        assert answer.json()["error"].startswith("there is no window nosuch")


def test_a_timespec_may_be_a_map(client: httpx.Client) -> None:
    made = client.post("/api/windows", json=DAY | {"name": "noon", "to": {"hours": 18, "minutes": 0}}).json()
    assert (made["from"], made["to"]) == ("0 8 * * *", '{"minutes":0,"hours":18}')
    changed = client.patch("/api/windows/noon", json={"from": {"hours": 7, "minutes": 30}}).json()
    assert (changed["from"], changed["to"]) == ('{"minutes":30,"hours":7}', made["to"])
    assert client.delete("/api/windows/noon").status_code == 204


@pytest.mark.parametrize("kind", ["windows", "alerts"])
def test_a_change_of_nothing_is_refused(client: httpx.Client, kind: str) -> None:
    for body in ({}, {"to": None}):
        answer = client.patch(f"/api/{kind}/day", json=body)
        assert (answer.status_code, "found nothing to change, wanted some of" in answer.text) == (400, True)


def test_the_check_of_a_text_knows_windows_that_were_made(client: httpx.Client) -> None:
    text = 'ruleset r { rule a { select when a b where window:open("day") send_directive("x") } }'

    def kinds() -> list[str]:
        return [each["code"] for each in client.post("/api/check", json={"text": text}).json()]

    assert "W406" in kinds()
    client.post("/api/windows", json=DAY)
    assert "W406" not in kinds()
