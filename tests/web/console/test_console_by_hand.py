"""Pages of the console for somebody who needs no browser and sends what nobody would press.

Every page is opened by somebody of a lower role, and every event of every element on it is sent by hand: of
buttons that are off, of those that only authors are shown, and of what appears meanwhile. The engine refuses
all the same what a role may not; that it never has to is what `needs=` at a button is for. So a new button
without it fails here, as does a new page without an example, and a new kind of event that nothing here says.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from web.console.opened import Opened, opened
from web.console.spoken import Drawn, RefusedError, Spoken, spoken

from picosched.acting import ACTIONS, Role
from picosched.web import console as pages

pytestmark = pytest.mark.slow

OFF = 'The token \\"{role}\\" has the role {role}: this needs the role'
"""What the server tells whoever presses a button that is off."""

ENGINES = "found the role {role} of the token"
"""What the engine tells, if nothing before it did."""

VALUES: dict[str, list[Any]] = {
    "click": [{}],
    "keydown": [{"key": "Enter"}],
    "keybinding": [{"key": "Mod-s"}, {"key": "Mod-Shift-f"}],
    "update:value": ["1"],
    "nicegui-codemirror update:value": [],
    "update:modelValue": [True],
    "nicegui-select update:modelValue": [{"value": 0, "label": "x"}],
    "q-btn-toggle update:modelValue": [0],
    "q-date update:modelValue": ["2126-01-01"],
    "q-input update:modelValue": ["1"],
    "open": ["{schedule}"],
    "more": [{"pico": "{pico}", "rid": "clocks"}],
    "pick": [["{schedule}"]],
    "theme": ["dark"],
    "zone": ["UTC"],
    "hidden": [False],
    "change": [{}],
    "popupShow": [],
    "popupHide": [],
    "blur": [],
    "hide": [],
    "anchorPositions": [],
    "sub_pages_open": [],
    "sub_pages_navigate": [],
}
"""Event → what is sent with it, each in turn; nothing of those that NiceGUI's own elements hear."""

QUIET = 0.3
"""Seconds without a packet, after which whatever else comes belongs to the next page."""

ROUNDS = 4
"""The page, its dialogs, their confirmations, and what these change."""

ACTION = re.compile(r'\\?"name\\?":\s?\\?"([\w ]+)\\?",\s?\\?"text\\?"')
KEY = re.compile(r'\\?"key\\?":\s?\\?"([^"\\]+)\\?"')


@dataclass
class Furnished:
    """A console with something of everything, whose scheduler rests, so that nothing changes by itself."""

    console: Opened
    file: Path
    tokens: dict[str, str]
    examples: dict[str, str]
    """The path of each page → an example."""
    names: dict[str, str]


COURIER = """ruleset courier { rule send { select when parcel posted
  event:send({"eci": "abc", "domain": "parcel", "type": "came"}, "https://shop.example") } }"""


def furnished(console: Opened, folder: Path) -> Furnished:
    client = console.client
    pico = console.pico("hand")
    console.raise_event(pico, "clocks:begin")
    console.raise_event(pico, "tell:wrong")
    client.post(f"/api/picos/{pico}/channels", json={"tags": ["door"]}).raise_for_status()
    client.post("/api/picos", json={"name": "child", "parent": pico}).raise_for_status()
    for text in (COURIER, COURIER + "\n"):
        client.post(f"/api/picos/{pico}/rulesets", json={"text": text}).raise_for_status()
    client.put("/api/scheduler", json={"running": False}).raise_for_status()
    console.raise_event(pico, "parcel:posted")
    entries = [{"name": "new year", "expr": "0 0 1 1 *"}]
    source = {"type": "crononome", "name": "far", "to": {"pico": "hand"}, "entries": entries}
    client.post("/api/sources", json=source).raise_for_status()
    made = {
        role: client.post("/api/tokens", json={"name": role, "role": role}).json()["token"] for role in Role
    }
    rows = client.get("/api/scheduled", params={"pico": pico, "type": "never"}).json()["items"]
    seq = client.get("/api/journal", params={"pico": pico}).json()["items"][0]["seq"]
    names = {"pico": pico, "schedule": rows[0]["id"], "seq": str(seq)}
    examples = {
        "/picos/{id}": f"/picos/{pico}",
        "/path/{what}": f"/path/{seq}",
        "/sources/{id}": "/sources/far",
        "/rulesets/{rid}": f"/rulesets/courier?pico={pico}",
        "/journal/{seq}": f"/journal/{seq}",
        "/schedules/{id}": f"/schedules/{rows[0]['id']}",
        "/events": f"/events?pico={pico}",
        "/edit": f"/edit?pico={pico}",
        "/{path:path}": "",
    }
    return Furnished(console, next(folder.glob("*.db")), made, examples, names)


class Routes:
    """Takes the paths of pages instead of a console."""

    shared: Any = None

    def __init__(self) -> None:
        self.paths: list[str] = []

    def page(self, path: str) -> Any:
        self.paths.append(path)
        return lambda drawn: drawn


def paths_of_pages() -> list[str]:
    routes = Routes()
    for name in pages.PAGES:
        import_module(f"{pages.__name__}.{name}").add_pages(routes)
    return routes.paths


def dumped(file: Path) -> list[str]:
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        return [*database.iterdump()]


def example_of(it: Furnished, path: str) -> str:
    found = it.examples.get(path, path)
    assert "{" not in found, f"the page {path} has no example here"
    return found


def acts_of_authors(it: Furnished, path: str) -> list[dict[str, str]]:
    """Each action of a row that an author is shown on a page, on each row."""
    page = Drawn(it.console.url, path, it.tokens[Role.AUTHOR])
    with spoken(it.console.url, it.tokens[Role.AUTHOR], page) as author:
        author.listen(QUIET)
        text = page.text.replace("&quot;", '"') + "".join(author.heard)
    keys = sorted({*KEY.findall(text)})[:20]
    return [{"action": action, "key": key} for action in sorted({*ACTION.findall(text)}) for key in keys]


def fire_all(by: Spoken, it: Furnished, acts: list[dict[str, str]]) -> dict[str, str]:
    """Send every event of every element, also of those that come meanwhile; the buttons that were off, by id.

    There is no end of those that come where one is drawn for another, as Pause for Resume: so in rounds.
    """
    fired: set[str] = set()
    off: dict[str, str] = {}
    for _ in range(ROUNDS):
        new = [
            (id, each, heard)
            for id, each in by.elements.items()
            for heard in each.get("events", ())
            if heard["listener_id"] not in fired
        ]
        if not new:
            break
        for id, element, heard in new:
            fired.add(heard["listener_id"])
            kind = heard["type"].partition(".")[0]
            assert kind == "act" or kind in VALUES, f"this file cannot say {kind} of {element}"
            values = acts if kind == "act" else VALUES.get(f"{element['tag']} {kind}", VALUES[kind])
            if element.get("props", {}).get("multiple"):
                values = [[]]
            for value in values:
                said = json.loads(re.sub(r"\{(\w+)\}", lambda name: it.names[name[1]], json.dumps(value)))
                by.fire(id, heard["listener_id"], said)
            if kind == "click" and element.get("props", {}).get("disabled"):
                off[id] = element["text"]
        by.listen(QUIET)
    return off


@pytest.mark.parametrize("role", [Role.READ, Role.OPERATE])
def test_no_event_of_any_page_gets_as_far_as_the_engines_refusal(role: Role, tmp_path: Path) -> None:
    with opened(tmp_path) as console:
        it = furnished(console, tmp_path)
        before, url, token = dumped(it.file), console.url, it.tokens[role]
        all_off: set[str] = set()
        for path in paths_of_pages():
            example = example_of(it, path)
            if not example or path == "/tokens":
                continue
            page = Drawn(url, example, token)
            acts = acts_of_authors(it, example) if page.hears("act") else []
            with spoken(url, token, page) as by:
                off = fire_all(by, it, acts)
                told = OFF.format(role=role)
                # One that was drawn anew meanwhile may have been gone when its event came.
                by.until(lambda by=by, off=off, told=told: by.times(told) >= len(off.keys() & by.elements))
                refused = [each for each in by.heard if ENGINES.format(role=role) in each]
                assert refused == [], path
            all_off |= {*off.values()}
        assert console.client.get("/api/deliveries").json() != [] or role is Role.OPERATE
        assert {"Install…", "Delete…", "New channel…", "New child…", "Plan", "Replay"} <= all_off
        assert ("Fire now…" in all_off) == (role is Role.READ)
        deeds = console.client.get("/api/audit", params={"name": role}).json()["items"]
        assert all(role.covers(ACTIONS[each["what"]]) for each in deeds)
        assert not console.client.get("/api/scheduler").json()["running"] or role is Role.OPERATE
        if role is Role.READ:  # before the server ends, which takes its own notes with it
            assert deeds == [] and dumped(it.file) == before


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("by_hand")) as found:
        yield found


def made(guarded: Opened, name: str, role: str) -> str:
    answer = guarded.client.post("/api/tokens", json={"name": name, "role": role})
    return str(answer.raise_for_status().json()["token"])


@pytest.mark.parametrize("also", ["&implicit_handshake=x", "&client_id=x"])
def test_an_address_that_says_things_twice_opens_nothing(guarded: Opened, also: str) -> None:
    author, reader = made(guarded, f"one{len(also)}", "author"), made(guarded, f"two{len(also)}", "read")
    page = Drawn(guarded.url, "/audit", author)
    with pytest.raises(RefusedError), spoken(guarded.url, reader, page, also=also):
        pass


@pytest.mark.parametrize("implicit", [True, False])
def test_a_socket_opens_no_page_of_somebody_else(guarded: Opened, implicit: bool) -> None:
    author, reader = (made(guarded, f"{role}-{implicit}", role) for role in ("author", "read"))
    page = Drawn(guarded.url, "/", author)
    with pytest.raises(RefusedError), spoken(guarded.url, reader, page, implicit=implicit):
        pass
    with spoken(guarded.url, author, page, implicit=implicit) as owner:
        owner.until(lambda: len(owner.heard) > 2)


def test_a_socket_speaks_for_no_page_of_somebody_else(guarded: Opened) -> None:
    """Not even with the id of the page, its element and its listener: the confirmation waits for its own."""
    pico = guarded.pico("kept")
    author, reader = made(guarded, "owner", "author"), made(guarded, "stranger", "read")
    path = f"/picos/{pico}"
    theirs, own = Drawn(guarded.url, path, author), Drawn(guarded.url, path, reader)
    with spoken(guarded.url, author, theirs) as owner, spoken(guarded.url, reader, own) as stranger:
        owner.press("Delete…")
        element, listener = owner.until(lambda: owner.button("Delete"))
        stranger.fire(element, listener, {}, page=theirs.id)
        stranger.press("Delete…")
        stranger.until(lambda: stranger.told("this needs the role author"))
        assert guarded.client.get(f"/api/picos/{pico}").status_code == 200
        owner.fire(element, listener, {})
        owner.until(lambda: owner.told('"/picos"'))
    assert guarded.client.get(f"/api/picos/{pico}").status_code == 404
    deeds = guarded.client.get("/api/audit", params={"what": "deleted"}).json()["items"]
    assert [each["by"] for each in deeds] == ['the console as "owner"']


def test_a_page_of_a_token_that_was_replaced_by_a_lower_one_ends(guarded: Opened) -> None:
    before = made(guarded, "lowered", "author")
    page = Drawn(guarded.url, "/", before)
    with spoken(guarded.url, before, page) as owner:
        guarded.client.delete("/api/tokens/lowered").raise_for_status()
        after = made(guarded, "lowered", "read")
        assert owner.ended() == 1008
    with pytest.raises(RefusedError), spoken(guarded.url, after, page):
        pass
    assert "Overview" in Drawn(guarded.url, "/", after).text


def test_logging_out_ends_what_is_open_and_others_with_the_token_go_on(guarded: Opened) -> None:
    token = made(guarded, "shared", "operate")
    one, other = (Drawn(guarded.url, "/", token) for _ in range(2))
    with spoken(guarded.url, token, one) as here, spoken(guarded.url, token, other) as there:
        httpx.post(f"{guarded.url}/logout", headers={"cookie": f"picosched={token}"})
        assert here.ended() == there.ended() == 1008
    with spoken(guarded.url, token, other) as there:
        there.until(lambda: len(there.heard) > 2)
