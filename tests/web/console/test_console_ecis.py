"""No whole eci of a channel reaches anybody but authors, wherever a rule or an import put it.

A pico has ecis in its variables, attributes, directives, schedules, errors and log lines: bare, in URLs, as
names of maps, within longer words, behind escapes. All routes and pages are read, and what open pages are
sent is heard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from web.console.opened import opened
from web.console.spoken import Drawn, spoken
from web.console.test_console_by_hand import Furnished, example_of, furnished, paths_of_pages

from picosched.acting import Role

pytestmark = pytest.mark.slow

YEARLY = [{"name": "new year", "expr": "0 0 1 1 *"}]

OF_OTHERS = "0b6f1c52-7a43-4f0e-9d0a-5f1a2c3d4e5f"
"""An eci that an import keeps."""

KEEPS = r"""ruleset keeps {
  meta { shares kept }
  global {
    kept = function() { ent:kept }
    shapes = function(eci) { {
      "bare": eci, "url": "http://127.0.0.1/c/" + eci + "/query?next=%2Fc%2F" + eci + "%2Fevent",
      "within": "eci" + eci + "x", "twice": eci + eci, "line": "one\n" + eci + "\t" + eci,
      "json": {"a": "b\n" + eci}.encode(), "quoted": "<a href='" + eci + "'>",
      "escaped": eci.replace(re#-#g, "%2D"), "list": [[eci], {"deep": eci}]
    }.put([eci], eci).put(["door " + eci], 1) }
  }
  rule keep { select when door given
    pre { it = shapes(event:attrs{"eci"}) }
    send_directive("door " + event:attrs{"eci"}, it)
    fired {
      ent:kept := it
      log warn it
      schedule door event "later" at "2126-01-01T00:00:00Z" attributes it
      schedule door event "soon" at time:add(time:now(), {"seconds": 1}) attributes it
    }
  }
  rule soon { select when door soon send_directive("sum", {"n": time:add(event:attrs{"url"}, {"days": 1})}) }
}"""


@dataclass
class Kept:
    """A console whose rules hand out ecis."""

    furnished: Furnished
    ecis: list[str]
    """All that are keys now."""

    @property
    def url(self) -> str:
        return self.furnished.console.url

    def whole(self, text: str) -> list[str]:
        """The ecis that a text has whole."""
        text = re.sub("%2[dD]", "-", text)
        return [each for each in self.ecis if each in text]

    def client(self, role: Role, **headers: str) -> httpx.Client:
        known = {"authorization": f"Bearer {self.furnished.tokens[role]}", **headers}
        return httpx.Client(base_url=self.url, headers=known, timeout=60)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("ecis")
    with opened(folder) as console:
        it = furnished(console, folder)
        client, pico = console.client, it.names["pico"]
        client.put("/api/scheduler", json={"running": True}).raise_for_status()
        client.post(f"/api/picos/{pico}/rulesets", json={"text": KEEPS}).raise_for_status()
        door = client.post(f"/api/picos/{pico}/channels", json={"tags": ["door"]}).json()["eci"]
        client.post("/api/picos/child/channels", json={"tags": ["moved"]}).raise_for_status()
        document = client.get("/api/picos/child/export").json()
        document["channels"][0]["eci"] = OF_OTHERS
        moved = {"document": document, "name": "moved", "keep_ecis": True}
        client.post("/api/picos/import", json=moved).raise_for_status()
        for eci in (OF_OTHERS, door):
            client.post(f"/c/{eci}/event-wait/tell/me", json={"eci": eci}).raise_for_status()
            console.raise_event(pico, "door:given", eci=eci)
            soon = client.get("/api/scheduled", params={"pico": pico, "type": "soon"}).json()["items"][0][
                "id"
            ]
            client.post(f"/api/scheduled/{soon}/fire", json={}).raise_for_status()
        source = {"type": "crononome", "name": door, "to": {"eci": door}, "entries": YEARLY}
        client.post("/api/sources", json=source).raise_for_status()
        picos = client.get("/api/picos").json()
        picos = picos["items"] if isinstance(picos, dict) else picos
        channels = [client.get(f"/api/picos/{each['id']}/channels").json() for each in picos]
        ecis = sorted({each["eci"] for those in channels for each in those})
        assert {OF_OTHERS, door} <= {*ecis}
        yield Kept(it, ecis)


ASKED: dict[str, dict[str, str]] = {
    "/api/why": {"what": "{schedule}"},
    "/api/path": {"what": "{seq}"},
    "/api/why/between": {"what": "{schedule}", "from": "2026-01-01", "until": "2126-01-01"},
    "/api/ids": {"beginning": "a"},
    "/api/next": {"timespec": "0 * * * *"},
}
"""What a route must be asked."""

FOLLOWED = ("/api/journal/live", "/api/ui-context")
"""A stream, and what tells its key without a token on a loopback host."""


@pytest.mark.parametrize("role", [Role.READ, Role.OPERATE])
def test_no_route_tells_a_whole_eci(kept: Kept, role: Role) -> None:
    names = {**kept.furnished.names, "rid": "keeps", "source": "far", "id": kept.furnished.names["schedule"]}
    owner = kept.furnished.console.client
    with kept.client(role) as client:
        names["delivery"] = owner.get("/api/deliveries").json()[0]["id"]
        told = 0
        for path, methods in owner.get("/api/openapi.json").json()["paths"].items():
            if "get" not in methods or path in FOLLOWED:
                continue
            said = path.format(**names)
            asked = {name: text.format(**names) for name, text in ASKED.get(path, {}).items()}
            answer = client.get(said, params=asked)
            assert answer.status_code in (200, 403), (path, answer.text)
            assert kept.whole(answer.text) == [], path
            told += bool(kept.whole(owner.get(said, params=asked).text)) and path != "/api/backup"
        assert told > 8


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_no_page_tells_a_whole_eci_whatever_the_browser_takes(kept: Kept, coding: str) -> None:
    token, seen = kept.furnished.tokens[Role.READ], 0
    for path in paths_of_pages():
        example = example_of(kept.furnished, path)
        if not example or path == "/tokens":
            continue
        with kept.client(Role.READ, **{"accept-encoding": coding}) as client:
            text = client.get(example).raise_for_status().text
        assert kept.whole(text) == [], path
        seen += any(each[:8] in text for each in kept.ecis)
    assert seen > 2 and token


def test_no_open_page_is_told_a_whole_eci_later(kept: Kept) -> None:
    """Pages draw much of what they show after the browser has connected, and again as things change."""
    tokens, pico = kept.furnished.tokens, kept.furnished.names["pico"]
    for path in (f"/picos/{pico}", "/journal"):
        heard = {}
        for role in (Role.AUTHOR, Role.READ):
            page = Drawn(kept.url, path, tokens[role])
            with spoken(kept.url, tokens[role], page) as by:
                by.until(lambda by=by: by.told("door:given"))
                kept.furnished.console.raise_event(pico, "door:given", eci=OF_OTHERS)
                before = len(by.heard)
                by.until(lambda by=by, before=before: any("door:given" in each for each in by.heard[before:]))
                if "picos" in path:
                    by.until(lambda by=by: by.told("b\\\\n") or by.told("escaped"))
                heard[role] = "".join(by.heard)
        assert kept.whole(heard[Role.READ]) == [], path
        assert kept.whole(heard[Role.AUTHOR]) or path == "/journal"


def test_an_open_stream_is_told_no_whole_eci(kept: Kept) -> None:
    pico = kept.furnished.names["pico"]
    with kept.client(Role.READ) as client, client.stream("GET", "/api/journal/live") as stream:
        for line in stream.iter_lines():
            if line.startswith("retry"):
                kept.furnished.console.raise_event(pico, "door:given", eci=OF_OTHERS)
            if line.startswith("data"):
                assert OF_OTHERS[:8] in line and kept.whole(line) == []
                break
