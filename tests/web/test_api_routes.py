"""Our own routes, over a socket: what each does, and how it says that it cannot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from racing import race
from web.running import RULESET, Running

from picosched.clock import VirtualClock, format_time

pytestmark = pytest.mark.slow

TEA = "ruleset tea { meta { shares cups } global { cups = function() { ent:cups.defaultsTo(0) } }\n%s }"
STEEP = """rule steep { select when tea steep
  always { ent:cups := cups() + 1  schedule tea event "done" at time:add(time:now(), {"minutes": 5}) } }"""


def pages(client: httpx.Client, path: str, **params: Any) -> list[Any]:
    """All items of a list, page by page."""
    items: list[Any] = []
    after: dict[str, str] = {}
    while True:
        told = client.get(path, params={**params, **after}).json()
        items += told["items"]
        if told["next"] is None:
            return items
        after = {"after": told["next"]}


@pytest.fixture
def pico(site: Running, client: httpx.Client, request: pytest.FixtureRequest) -> Any:
    """The name of a pico of this test alone."""
    name = request.node.name.partition("[")[0]
    client.post("/api/picos", json={"name": name}).raise_for_status()
    yield name
    client.delete(f"/api/picos/{name}")


def test_a_pico_is_made_shown_and_deleted(site: Running, client: httpx.Client) -> None:
    kitchen = client.post("/api/picos", json={"name": "kitchen"}).json()
    assert (kitchen["parent"], kitchen["parent_id"]) == ("root", site.engine.root.id)
    shelf = client.post("/api/picos", json={"name": "shelf", "parent": kitchen["id"]}).json()
    shown = client.get("/api/picos/kitchen").json()
    assert [each["name"] for each in shown["children"]] == ["shelf"]
    assert (shown["rulesets"], shown["channels"]) == ([], [])
    assert {each["id"] for each in pages(client, "/api/picos", limit=1)} >= {kitchen["id"], shelf["id"]}
    assert client.delete("/api/picos/kitchen").status_code == 204
    assert client.get(f"/api/picos/{shelf['id']}").status_code == 404


def test_of_many_who_make_a_pico_of_one_name_one_does(site: Running, client: httpx.Client) -> None:
    def make() -> list[int]:
        with site.client() as own:
            named = [{"name": f"raced {number}"} for number in range(10)]
            return [own.post("/api/picos", json=each).status_code for each in named]

    assert [sorted(each) for each in zip(*race(*[make] * 4), strict=True)] == [[201, 409, 409, 409]] * 10
    for number in range(10):
        client.delete(f"/api/picos/raced {number}").raise_for_status()


def test_a_channel_is_made_listed_and_deleted(client: httpx.Client, pico: str) -> None:
    new = {"tags": ["App"], "allow_events": ["tea:*"], "deny_queries": ["*:*"]}
    made = client.post(f"/api/picos/{pico}/channels", json=new)
    assert made.status_code == 201
    channel = made.json()
    assert channel["tags"] == ["app"] and channel["events"] == {"allow": ["tea:*"], "deny": []}
    assert client.get(f"/api/picos/{pico}/channels").json() == [channel]
    path = f"/api/picos/{pico}/channels/{channel['eci']}"
    assert [client.delete(path).status_code for _ in range(2)] == [204, 404]


def test_a_ruleset_is_installed_shown_replaced_and_taken_off(client: httpx.Client, pico: str) -> None:
    path = f"/api/picos/{pico}/rulesets"
    made = client.post(path, json={"text": TEA % STEEP, "config": {"a": 1}})
    assert made.status_code == 201 and made.json()["config"] == {"a": 1}
    client.post(f"/api/picos/{pico}/raise", json={"domain": "tea", "type": "steep"}).raise_for_status()
    client.post(path, json={"text": f"{TEA % STEEP}\n// new"}).raise_for_status()
    shown = client.get(f"{path}/tea").json()
    assert (shown["variables"], shown["config"]) == ({"cups": 1}, {"a": 1})
    assert shown["text"].endswith("// new") and shown["origin"] is None
    asked = client.post(f"/api/picos/{pico}/query", json={"rid": "tea", "name": "cups"})
    assert asked.json() == {"value": 1}
    assert client.delete(f"{path}/tea").status_code == 204
    assert client.get(path).json() == []


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, 'wanted either "text" or "url"'),
        ({"text": "ruleset", "url": "http://x"}, 400, "wanted either"),
        ({"text": "/etc/passwd"}, 400, "found `/`"),
        ({"text": "file:///etc/passwd"}, 400, "found `file`"),
        ({"text": "rulesets/tea_timer.krl"}, 400, "<ruleset>:1:1: found `rulesets`"),
        ({"url": "file:///etc/passwd"}, 403, "wanted http:, https: or picosched://standard/"),
        ({"url": "/etc/passwd"}, 403, "wanted http:, https: or picosched://standard/"),
        ({"url": "http://127.0.0.1:1/none.krl"}, 400, "cannot be fetched"),
        ({"text": "ruleset a { rule b { } }"}, 400, "without a select"),
        (
            {"text": "ruleset a{}", "colour": 1},
            400,
            "found colour in the body, wanted some of text, url, config",
        ),
        ({"text": 5}, 400, "body.text: found 5, wanted a valid string"),
    ],
)
def test_what_cannot_be_installed(
    client: httpx.Client, pico: str, body: dict[str, Any], status: int, text: str
) -> None:
    response = client.post(f"/api/picos/{pico}/rulesets", json=body)
    assert (response.status_code, set(response.json()) - {"errors"}) == (status, {"error"})
    assert text in response.json()["error"]


def test_a_text_is_checked_and_laid_out(client: httpx.Client) -> None:
    faulty = "ruleset a { rule b { select when c d send_directive(e) } }"
    (finding,) = client.post("/api/check", json={"text": faulty, "name": "a.krl"}).json()
    assert (finding["code"], finding["file"], finding["line"]) == ("E101", "a.krl", 1)
    assert client.post("/api/check", json={"text": RULESET}).json() == []
    unused = "ruleset a { global { b = 1 } }"
    (finding,) = client.post("/api/check", json={"text": unused}).json()
    assert (finding["code"], finding["severity"], finding["file"]) == ("W102", "warning", "a")
    laid = client.post("/api/format", json={"text": "ruleset a{}"}).json()
    assert (
        laid["changed"] and client.post("/api/format", json={"text": laid["text"]}).json()["changed"] is False
    )
    assert client.post("/api/format", json={"text": "ruleset {"}).status_code == 400


def planned(client: httpx.Client, pico: str, times: int = 1) -> list[str]:
    """Ids of events that a pico has scheduled, soonest first."""
    client.post(f"/api/picos/{pico}/rulesets", json={"text": TEA % STEEP}).raise_for_status()
    return [
        client.post(f"/api/picos/{pico}/raise", json={"domain": "tea", "type": "steep"}).json()["scheduled"][
            0
        ]
        for _ in range(times)
    ]


def test_what_is_scheduled_comes_in_pages(client: httpx.Client, pico: str) -> None:
    ids = planned(client, pico, 7)
    client.post(f"/api/scheduled/{ids[3]}/pause")
    client.delete(f"/api/scheduled/{ids[5]}")
    left = [each for each in ids if each != ids[5]]
    found = pages(client, "/api/scheduled", pico=pico, limit=2)
    assert sorted(each["id"] for each in found) == sorted(left)
    assert [each["due"] for each in found] == sorted(each["due"] for each in found)
    assert {each["event"] for each in found} == {"tea:done"}
    assert [each["id"] for each in pages(client, "/api/scheduled", pico=pico, status="paused")] == [ids[3]]
    every = {"status": ["pending", "paused", "finished", "cancelled"]}
    assert {each["id"] for each in pages(client, "/api/scheduled", pico=pico, limit=3, **every)} == set(ids)
    assert pages(client, "/api/scheduled", pico=pico, rid="other") == []


def test_a_scheduled_event_is_paused_moved_repeated_fired_and_cancelled(
    client: httpx.Client, pico: str
) -> None:
    (id,) = planned(client, pico)
    path = f"/api/scheduled/{id}"
    assert client.get(path).json()["status"] == "pending"
    assert client.post(f"{path}/resume").status_code == 409
    paused = client.post(f"{path}/pause", json={"until": "2099-01-01T00:00:00+01:00"}).json()
    assert (paused["paused"], paused["paused_until"]) == (True, "2098-12-31T23:00:00Z")
    assert client.post(f"{path}/resume").json()["status"] == "pending"
    assert (
        client.post(f"{path}/move", json={"to": "2099-01-01T00:00:00Z"}).json()["due"]
        == "2099-01-01T00:00:00Z"
    )
    assert client.post(f"{path}/move", json={"by": "-1d"}).json()["due"] == "2098-12-31T00:00:00Z"
    repeated = client.post(f"{path}/reschedule", json={"timespec": "0 9 1 1 *", "tz": "Europe/Berlin"}).json()
    assert (repeated["kind"], repeated["due"][5:]) == ("repeat", "01-01T08:00:00Z")
    assert len(client.get(f"{path}/next", params={"n": 3}).json()["next"]) == 3
    assert client.post(f"{path}/fire").json()["handled"][0]["type"] == "done"
    assert client.delete(path, params={"reason": "\0"}).status_code == 400
    assert client.delete(path, params={"reason": "x" * 1_001}).status_code == 413
    assert client.delete(path, params={"reason": "no more tea"}).json()["status"] == "cancelled"
    assert client.delete(path).status_code == 409
    outcomes = [each["outcome"] for each in pages(client, "/api/history", id=id, limit=1)]
    assert outcomes[0] == "cancelled" and "fired" in outcomes
    assert {each["event"] for each in pages(client, "/api/history", id=id)} == {"tea:done"}
    (record,) = pages(client, "/api/history", id=id, outcome="cancelled")
    assert record["why"] == "no more tea"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", "/api/scheduled/nosuch", None, 404, "no scheduled event has the id nosuch"),
        ("DELETE", "/api/scheduled/nosuch", None, 404, "nosuch"),
        ("POST", "/api/scheduled/nosuch/pause", None, 404, "nosuch"),
        ("POST", "/api/scheduled/nosuch/move", {}, 400, 'wanted either "to"'),
        ("POST", "/api/scheduled/nosuch/move", {"by": "soon"}, 400, "wanted a duration"),
        ("POST", "/api/scheduled/nosuch/reschedule", {"timespec": "61 * * * *"}, 400, "wanted 0 to 59"),
        ("GET", "/api/scheduled?after=x", None, 400, "wanted the `next`"),
        ("GET", "/api/scheduled?after=1.x", None, 400, "wanted the `next`"),
        ("GET", "/api/scheduled?since=soon", None, 400, "wanted an ISO 8601 time"),
        ("GET", "/api/scheduled?status=late", None, 400, "query.status.0"),
        ("GET", "/api/scheduled?kind=zap", None, 400, 'query.kind: found "zap", wanted'),
        ("GET", "/api/scheduled?knid=at", None, 400, 'found the parameter "knid", wanted some of status,'),
        ("GET", "/api/scheduler?x=1", None, 400, 'found the parameter "x", wanted none here'),
        ("GET", "/api/scheduled?limit=0", None, 400, 'query.limit: found "0", wanted greater'),
        ("GET", "/api/scheduled?pico=nosuch", None, 404, "there is no pico nosuch"),
        ("GET", "/api/history?after=-1", None, 400, "wanted the `next`"),
        ("GET", "/api/journal?after=1e5", None, 400, "wanted the `next`"),
        ("GET", "/api/journal?pico=nosuch", None, 404, "there is no pico nosuch"),
        ("GET", "/api/picos/nosuch", None, 404, "there is no pico nosuch"),
        ("DELETE", "/api/picos/root", None, 403, "the root pico cannot be deleted"),
        ("POST", "/api/picos", {"name": "root"}, 409, "there is a pico root already"),
        ("POST", "/api/picos", {"name": ""}, 400, "body.name"),
        ("POST", "/api/picos/root/channels", {"allow_events": ["x"]}, 400, "wanted \"domain:type\""),
        ("POST", "/api/picos/root/query", {"rid": "echo", "name": "nosuch"}, 404, "shares no nosuch"),
        ("DELETE", "/api/picos/root/rulesets/nosuch", None, 404, "has no ruleset nosuch"),
        ("GET", "/api/next?timespec=nonsense", None, 400, "timespec"),
        ("GET", "/api/next", None, 400, "found no timespec in the query, wanted one"),
        ("GET", "/api/nosuch", None, 404, "there is nothing at /api/nosuch"),
        ("PUT", "/api/picos", None, 405, "found PUT for /api/picos, wanted GET or POST"),
    ],
)  # fmt: skip
def test_a_refusal_of_the_api_says_why(
    client: httpx.Client, method: str, path: str, body: Any, status: int, text: str
) -> None:
    response = client.request(method, path, json=body)
    assert (response.status_code, set(response.json()) - {"errors"}) == (status, {"error"})
    assert text in response.json()["error"]


def test_broken_json_is_the_clients_fault(client: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    for content in (b"{", b"[]", b'"x"', b"\xff"):
        response = client.post("/api/picos", content=content, headers=headers)
        assert (response.status_code, set(response.json())) == (400, {"error"})


def test_a_body_of_another_type_is_told_so(client: httpx.Client) -> None:
    form = "application/x-www-form-urlencoded"
    response = client.post("/api/picos", content='{"name":"x"}', headers={"content-type": form})
    told = f"body: found the type {form}, wanted application/json"
    assert (response.status_code, response.json()["error"]) == (400, told)


def test_a_timespec_is_told_in_words_and_times(client: httpx.Client) -> None:
    params = {"timespec": "0 9 * * 1-5", "from": "2026-03-06T12:00:00Z", "n": 2}
    assert client.get("/api/next", params=params).json() == {
        "timespec": "0 9 * * 1-5",
        "tz": "UTC",
        "explain": "at 09:00 on Monday to Friday",
        "next": ["2026-03-09T09:00:00Z", "2026-03-10T09:00:00Z"],
        "left_out": [],
        "ending": None,
    }
    params = {"timespec": "weekdays at 9 except holidays('DE')", "from": "2026-04-02T12:00:00Z", "n": 1}
    told = client.get("/api/next", params=params).json()
    assert told["next"] == ["2026-04-07T09:00:00Z"]
    assert told["left_out"] == [
        {"day": "2026-04-03", "why": "Good Friday"},
        {"day": "2026-04-06", "why": "Easter Monday"},
    ]


def test_what_the_calendars_of_a_schedule_leave_out(client: httpx.Client, pico: str) -> None:
    text = """ruleset calm { rule r { select when calm begun
      always { schedule calm event "day" repeat "daily at 9 except holidays('DE')" } } }"""
    client.post(f"/api/picos/{pico}/rulesets", json={"text": text}).raise_for_status()
    client.post(f"/api/picos/{pico}/raise", json={"domain": "calm", "type": "begun"}).raise_for_status()
    (row,) = pages(client, "/api/scheduled", pico=pico)
    told = client.get(f"/api/scheduled/{row['id']}/next").json()
    assert told["explain"] == "at 09:00 every day, except on holidays of DE"
    assert len(told["left_out"]) == 5
    assert told["ending"] is None


def test_a_simulation_touches_nothing(site: Running, client: httpx.Client) -> None:
    before = site.engine.journal(limit=1)
    what = {
        "rulesets": [TEA % STEEP],
        "from": "2026-03-01T00:00:00Z",
        "until": "2026-03-02T00:00:00Z",
        "raise": ["tea:steep", {"at": "2026-03-01T12:00:00Z", "event": "tea:steep", "attrs": {"n": 1}}],
    }
    told = client.post("/api/simulate", json=what).json()
    assert told["complete"]
    assert [(each["at"], each["event"], each["rules"]) for each in told["records"]] == [
        ("2026-03-01T00:00:00Z", "tea:steep", ["steep"]),
        ("2026-03-01T00:05:00Z", "tea:done", []),
        ("2026-03-01T12:00:00Z", "tea:steep", ["steep"]),
        ("2026-03-01T12:05:00Z", "tea:done", []),
    ]
    assert client.post("/api/simulate", json={**what, "limit": 3}).json()["complete"] is False
    assert client.post("/api/simulate", json={**what, "limit": 4}).json()["complete"] is True
    assert site.engine.journal(limit=1) == before


@pytest.mark.parametrize(
    "text", ["/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/", "rulesets/x.krl", ""]
)
def test_a_simulation_reads_no_files_and_asks_nobody(client: httpx.Client, text: str) -> None:
    what = {"rulesets": [text], "from": "2026-03-01", "until": "2026-03-02"}
    response = client.post("/api/simulate", json=what)
    assert response.status_code == 400 and "<ruleset>:" in response.json()["error"]


def test_a_due_event_comes_back_while_it_is_served(site: Running, client: httpx.Client) -> None:
    at = format_time(site.engine.now() + timedelta(seconds=1))
    before = client.get(f"/c/{site.eci}/query/echo/count").json()
    client.post(f"/c/{site.eci}/event-wait/echo/later", json={"at": at}).raise_for_status()
    with client.stream("GET", "/api/journal/live") as stream:
        for line in stream.iter_lines():
            if line.startswith("data:") and '"scheduled":null' not in line:
                break
    assert client.get(f"/c/{site.eci}/query/echo/count").json() == before + 1


def test_what_needs_the_time_asks_the_engines_clock(serving: Any) -> None:
    from picosched.engine.engine import Engine

    clock = VirtualClock("2026-03-01T00:00:00Z")
    with serving(engine=Engine(clock=clock)) as site, site.client() as client:
        told = client.get("/api/next", params={"timespec": "0 9 * * *", "n": 1}).json()
    assert told["next"] == ["2026-03-01T09:00:00Z"]


def test_an_install_answers_with_the_warnings_and_every_error_of_the_text(
    client: httpx.Client, pico: str
) -> None:
    path = f"/api/picos/{pico}/rulesets"
    odd = "ruleset odd {\n  meta { shares f }\n  global { f = function() { tme:now() } }\n}\n"
    (warning,) = client.post(path, json={"text": odd}).json()["warnings"]
    assert (warning["code"], warning["line"], warning["column"]) == ("W109", 3, 29)
    rules = "".join(f"  rule a {{ select when t {name} }}\n" for name in "abc")
    refused = client.post(path, json={"text": f"ruleset two {{\n{rules}}}\n"})
    assert refused.status_code == 400
    assert [each["line"] for each in refused.json()["errors"]] == [3, 4]
    assert "errors" not in client.post(path, json={"text": odd, "url": "http://x"}).json()


def test_a_standard_ruleset_is_installed_and_simulated_by_its_url(client: httpx.Client, pico: str) -> None:
    url = "picosched://standard/io.picolabs.wrangler.krl"
    user = "ruleset user { meta { use module io.picolabs.wrangler alias wrangler } }\n"
    lacking = client.post(f"/api/picos/{pico}/rulesets", json={"text": user}).json()
    assert f"it is a standard ruleset: install {url} first" in lacking["error"]
    assert client.post(f"/api/picos/{pico}/rulesets", json={"url": url}).json()["origin"] == url
    assert client.post(f"/api/picos/{pico}/rulesets", json={"text": user}).status_code == 201
    span = {"from": "2026-03-01", "until": "2026-03-02"}
    assert client.post("/api/simulate", json={**span, "rulesets": [url, user]}).json()["complete"]
    other = client.post(f"/api/picos/{pico}/rulesets", json={"url": "picosched://other/x.krl"})
    assert other.status_code == 403 and "picosched://standard/" in other.json()["error"]


def test_an_event_is_scheduled_by_hand_and_with_a_key_only_once(
    site: Running, client: httpx.Client, pico: str
) -> None:
    path = f"/api/picos/{pico}/scheduled"
    new = {"domain": "tea", "type": "due", "at": "2099-03-01T08:00:00Z", "attrs": {"cups": 2, "_name": "tea"}}
    made = client.post(path, json=new, headers={"Idempotency-Key": "k"})
    shown = made.json()
    assert (made.status_code, shown["new"]) == (201, True)
    (warning,) = shown["warnings"]
    assert warning.startswith("no rule of the pico ") and warning.endswith(" selects tea:due so far")
    assert (shown["attrs"], shown["name"], shown["rid"]) == ({"cups": 2}, "tea", "")
    assert shown["created_by"] == "HTTP" and shown["pico"] == pico
    again = client.post(path, json={**new, "at": "2098-01-01"}, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (200, {**shown, "new": False, "warnings": []})
    often = client.post(path, json={"domain": "tea", "type": "due", "repeat": "* * * * *"}).json()
    assert (often["new"], often["kind"]) == (True, "repeat")
    listed = {each["id"] for each in pages(client, "/api/scheduled", pico=pico)}
    assert listed == {shown["id"], often["id"]}
    assert client.get(f"/api/scheduled/{shown['id']}").json()["created_by"] == "HTTP"
    assert (
        client.get("/api/why", params={"what": shown["id"]}).json()["links"][0]["text"].startswith("by HTTP")
    )
    deed = client.get("/api/audit", params={"on": shown["id"]}).json()["items"][0]
    assert (deed["what"], deed["kind"], deed["by"]) == ("scheduled", "schedule", "HTTP")


@pytest.mark.parametrize(
    ("given", "status", "wanted"),
    [
        ({}, 400, "found neither at nor repeat"),
        ({"at": "2099-01-01", "repeat": "@daily"}, 400, "found both"),
        ({"at": "soon"}, 400, "as the time of a schedule"),
        ({"at": True}, 400, "at"),
        ({"at": 1e300}, 400, "time"),
        ({"repeat": "61 * * * *"}, 400, "61"),
        ({"repeat": {"minutes": "x"}}, 400, "minutes"),
        ({"repeat": ["0"]}, 400, ""),
        ({"repeat": "0 9 * * *", "attrs": {"_count": 0}}, 400, "_count"),
        ({"at": "2099-01-01", "attrs": {"_name": "a\0b"}}, 400, "NUL"),
        ({"at": "2099-01-01", "attrs": {"a": "x" * 1_000_001}}, 413, "max_attrs_bytes"),
        ({"at": "2099-01-01", "when": 1}, 400, "found when in the body, wanted some of domain, type, attrs"),
    ],
)
def test_what_is_no_schedule(
    client: httpx.Client, pico: str, given: dict[str, Any], status: int, wanted: str
) -> None:
    path = f"/api/picos/{pico}/scheduled"
    answer = client.post(path, json={"domain": "tea", "type": "due", **given})
    assert answer.status_code == status and wanted in answer.json()["error"]
    infinite = '{"domain": "tea", "type": "due", "repeat": "@daily", "attrs": {"_jitter": Infinity}}'
    assert client.post(path, content=infinite).status_code == 400
    assert client.post("/api/picos/nosuch/scheduled", json={"domain": "a", "type": "b"}).status_code == 404
    key = {"Idempotency-Key": "k" * 256}
    new = {"domain": "tea", "type": "due", "at": "2099-01-01"}
    assert client.post(path, json=new, headers=key).status_code == 413
    assert pages(client, "/api/scheduled", pico=pico) == []


JSON = {"content-type": "application/json"}
HALF = r"""ruleset half {
  meta { shares odd }
  global {
    half = "[\"\ud800\"]".decode()[0]
    odd = {}.put([half], half)
  }
  rule make {
    select when half make
    send_directive("d" + half, odd)
    fired {
      log info half
      ent:kept := odd
      schedule half event "next" at time:add(time:now(), {"days": 1}) attributes odd
      raise half event "next" attributes odd
    }
  }
  rule next {
    select when half next
    event:send({"eci": "e", "host": "http://127.0.0.1:1", "domain": "a", "type": "b", "attrs": odd})
  }
  rule wrong { select when half next pre { wrong = "a".as(half) } noop() }
}"""


def test_half_characters_that_rules_make_are_shown(client: httpx.Client, pico: Any) -> None:
    client.post(f"/api/picos/{pico}/rulesets", json={"text": HALF}).raise_for_status()
    turn = client.post(f"/api/picos/{pico}/raise", json={"domain": "half", "type": "make"}).json()
    assert [(each["name"], each["options"]) for each in turn["directives"]] == [
        ("d\ufffd", {"\ufffd": "\ufffd"})
    ]
    (id,) = turn["scheduled"]
    for path, params in (
        ("scheduled", {"pico": pico}),
        (f"scheduled/{id}", {}),
        ("journal", {"pico": pico}),
        ("deliveries", {"pico": pico}),
        (f"picos/{pico}/rulesets/half", {}),
    ):
        answer = client.get(f"/api/{path}", params=params)
        assert (answer.status_code, '"\ufffd":"\ufffd"' in answer.text) == (200, True), path
    answer = client.post(f"/api/picos/{pico}/query", json={"rid": "half", "name": "odd"})
    assert answer.json() == {"value": {"\ufffd": "\ufffd"}}
    rehearsed = {"rulesets": [HALF], "from": "2030-01-01", "until": "2030-01-03", "raise": ["half:make"]}
    assert client.post("/api/simulate", json=rehearsed).json()["complete"]
    document = client.get(f"/api/picos/{pico}/export", params={"history": True}).text  # as it is
    moved = f'{{"name": "{pico} moved", "document": {document}}}'
    assert client.post("/api/picos/import", content=moved, headers=JSON).status_code == 201
    assert '"\\ud800":"\\ud800"' in client.get(f"/api/picos/{pico} moved/export").text


def test_half_characters_that_people_give_are_refused(client: httpx.Client, pico: Any) -> None:
    at, event = '"at": "2099-01-01"', '"domain": "a", "type": "b"'
    source = f'"type": "crononome", "name": "m", "to": {{"pico": "{pico}"}}'
    for path, body in (
        (f"picos/{pico}/raise", f'{event}, "attrs": {{"a": "\\ud800"}}'),
        (f"picos/{pico}/raise", f'{event}, "attrs": {{"\\ud800": 1}}'),
        (f"picos/{pico}/scheduled", f'{event}, {at}, "attrs": {{"a": "\\ud800"}}'),
        (f"picos/{pico}/scheduled", f'{event}, {at}, "attrs": {{"\\ud800": 1}}'),
        (f"picos/{pico}/query", '"rid": "a", "name": "b", "args": {"a": "\\ud800"}'),
        (f"picos/{pico}/rulesets", '"text": "ruleset a {}", "config": {"a": "\\ud800"}'),
        ("sources", f'{source}, "entries": [{{"name": "e", "expr": "@daily", "payload": "\\ud800"}}]'),
    ):
        answer = client.post(f"/api/{path}", content=f"{{{body}}}", headers=JSON)
        assert (answer.status_code, "half a character" in answer.text) == (400, True), (path, answer.text)
    assert pages(client, "/api/scheduled", pico=pico) == []
    assert pages(client, "/api/journal", pico=pico) == []
