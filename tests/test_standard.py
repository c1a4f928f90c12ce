"""The rulesets that ship, as other rulesets, scripts and the browser's pages use them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from picosched import Engine, PicoRef, PicoschedError, Turn, VirtualClock, standard
from picosched.check import check
from picosched.engine.standard import announce_start, install_standard, ui_channel
from picosched.krl.printer import formatted
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.krl.ruleset import compile_ruleset
from picosched.standard import ALL, OF_ROOT, PDS, RIDS, SUBSCRIPTION, UI, WRANGLER
from picosched.turns import install as installing

pytestmark = pytest.mark.slow

START = "2026-03-01T00:00:00Z"

WITNESS = """ruleset witness {
  meta { shares seen }
  global { seen = function(){ ent:seen.defaultsTo([]) } }
  rule see { select where event:domain == "wrangler"
    always { ent:seen := seen().append({"type": event:type, "attrs": event:attrs}) } }
}"""

CLIENT = """ruleset client {
  meta {
    use module io.picolabs.wrangler alias wrangler
    shares children, ask, sky, asked
  }
  global {
    children = function(){ wrangler:children() }
    ask = function(eci, name, args){ wrangler:picoQuery(eci, "greeter", name, args) }
    sky = function(eci, name, args){ wrangler:skyQuery(eci, "greeter", name, args) }
    asked = function(eci, host){ wrangler:picoQuery(eci, "greeter", "greet", {"name": "Ada"}, host) }
  }
  rule open { select when door wanted
    wrangler:createChannel(["Front Door"], {"allow": [{"domain": "door", "name": "*"}], "deny": []},
      {"allow": [], "deny": []}) setting(channel)
    fired { raise door event "made" attributes {"channel": channel} } }
  rule opened { select when door made send_directive("made", event:attrs) }
  rule child { select when child wanted name re#(.+)# setting(name)
    always { raise wrangler event "new_child_request" attributes {"name": name, "for": "client"} } }
  rule born { select when wrangler new_child_created
    send_directive("born", {"attrs": event:attrs, "children": wrangler:children()}) }
}"""

GREETER = """ruleset greeter {
  meta { name "Greeter" version "2.1" shares greet, greeting }
  global {
    greet = function(name){ ctx:rid_config{"hello"}.defaultsTo("hello") + " " + name }
    greeting = function(){ null }
  }
}"""

TEXTS = {"witness": WITNESS, **{rid: standard.read(standard.url_of(rid)) for rid in ALL}}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "greeter.krl").write_text(GREETER)
    clock = VirtualClock(START)
    with Engine(":memory:", clock=clock, seed=1, install_from=[str(tmp_path)]) as engine:
        install_standard(engine)
        engine.root.install(WITNESS)
        yield engine
        # Nothing here may fail unseen: neither a rule nor an event on its way to another pico.
        assert [error for entry in engine.journal(limit=10_000) for error in entry.errors] == []
        assert [fire for fire in engine.history(limit=10_000) if fire.outcome != "fired"] == []


def seen(pico: PicoRef, type: str) -> list[dict[str, Any]]:
    """The attributes of the events wrangler:`type` that the witness of a pico has seen."""
    return [each["attrs"] for each in pico.query("witness", "seen") if each["type"] == type]


def new_child(engine: Engine, name: str = "kid", **attrs: Any) -> PicoRef:
    """A child made through wrangler, that has had its first events."""
    engine.root.raise_event("wrangler", "new_child_request", {"name": name, **attrs})
    engine.run_due()
    child = engine.root.children()[-1]
    child.install(WITNESS)
    return child


def family_eci(engine: Engine, name: str = "kid") -> str:
    """What the root knows a child by."""
    (eci,) = [each["eci"] for each in engine.root.query(WRANGLER, "children") if each["name"] == name]
    return str(eci)


def door_of(pico: PicoRef) -> str:
    return str(pico.query(SUBSCRIPTION, "wellKnown_Rx")["id"])


# ---- where they live -------------------------------------------------------------------------------


@pytest.mark.parametrize("rid", ALL)
def test_a_ruleset_that_ships_is_laid_out_and_without_a_warning(rid: str) -> None:
    assert check(TEXTS[rid]) == []
    assert formatted(TEXTS[rid]) == TEXTS[rid]


def test_an_engine_is_bare_until_it_is_asked() -> None:
    with Engine(":memory:", clock=VirtualClock(START)) as engine:
        assert engine.root.rulesets() == {}
        with pytest.raises(PicoschedError, match="install_standard"):
            ui_channel(engine)


def test_the_root_has_them_once_however_often_they_are_installed() -> None:
    with Engine(":memory:", clock=VirtualClock(START), seed=1) as engine:
        assert install_standard(engine) == len(OF_ROOT)
        turns = len(engine.journal())
        channels = engine.root.channels()
        assert install_standard(engine) == 0
        assert (len(engine.journal()), engine.root.channels()) == (turns, channels)
        assert tuple(engine.root.rulesets()) == OF_ROOT
        tags = {each.tags for each in channels}
        assert tags == {("self", "system"), ("engine", "ui"), ("wellknown-rx", "tx-rx"), ("sources",)}


def test_a_text_of_an_older_package_is_brought_up_to_date_and_keeps_its_variables(engine: Engine) -> None:
    child = new_child(engine)
    url = standard.url_of(WRANGLER)
    older = TEXTS[WRANGLER] + "\n// as it was\n"
    for pico in (engine.root, child):
        now = engine.now()
        ruleset = compile_ruleset(older, url)
        put = partial(
            installing.install, engine.store, engine.loaded, pico.id, ruleset, url, None, now, "Python"
        )
        engine.write(put)
    mine = new_child(engine, "mine")
    mine.install(TEXTS[WRANGLER].replace('author "picosched"', 'author "me"'))
    texts = {engine.root.rulesets()[WRANGLER].hash, child.rulesets()[WRANGLER].hash}
    assert install_standard(engine) == 2
    assert child.query(WRANGLER, "name") == "kid"
    assert {engine.root.rulesets()[WRANGLER].hash, child.rulesets()[WRANGLER].hash}.isdisjoint(texts)
    assert mine.query(WRANGLER, "rulesetMeta", {"rid": WRANGLER})["author"] == "me"
    assert install_standard(engine) == 0


def test_a_url_that_names_no_ruleset_that_ships_is_refused() -> None:
    with pytest.raises(PicoschedError, match=r"found picosched://standard/nosuch\.krl, wanted one of"):
        standard.read("picosched://standard/nosuch.krl")
    with Engine(":memory:", clock=VirtualClock(START)) as engine:
        assert engine.root.install(standard.url_of(WRANGLER)).rid == WRANGLER
        assert engine.root.rulesets()[WRANGLER].origin == standard.url_of(WRANGLER)


# ---- wrangler: children ----------------------------------------------------------------------------


def test_a_child_is_born_with_its_rulesets_and_told_who_it_is(engine: Engine) -> None:
    engine.root.raise_event("wrangler", "new_child_request", {"name": "kid", "colour": "red"})
    (child,) = engine.root.children()
    assert tuple(child.rulesets()) == RIDS
    (created,) = seen(engine.root, "new_child_created")
    door = created.pop("uiEci")
    assert engine.query(door, UI, "box")["eci"] == door
    assert created == {"name": "kid", "colour": "red", "eci": family_eci(engine)}
    assert seen(engine.root, "child_initialized") == []
    engine.run_due()
    assert seen(engine.root, "child_initialized") == [created]
    assert child.query(WRANGLER, "myself") == {"name": "kid", "id": child.id, "eci": created["eci"]}
    (listed,) = engine.root.query(WRANGLER, "children")
    assert listed["parent_eci"] == child.query(WRANGLER, "parent_eci")
    assert engine.run_due() == 0


@pytest.mark.parametrize("attrs", [{}, {"name": None}, {"name": ""}])
def test_a_child_without_a_name_has_the_name_null(engine: Engine, attrs: dict[str, Any]) -> None:
    engine.root.raise_event("wrangler", "new_child_request", attrs)
    (listed,) = engine.root.query(WRANGLER, "children")
    assert listed["name"] is None
    engine.run_due()
    (child,) = engine.root.children()
    assert [child.query(rid, "name") for rid in (WRANGLER, UI)] == [None, None]
    assert engine.root.query(WRANGLER, "children") == [listed]


def test_a_rule_sees_the_child_in_the_turn_that_makes_it(engine: Engine) -> None:
    engine.root.install(CLIENT)
    turn = engine.root.raise_event("child", "wanted", {"name": "kid"})
    (born,) = turn.directives
    assert [each["name"] for each in born.options["children"]] == ["kid"]
    assert born.options["attrs"]["for"] == "client"
    assert engine.root.query("client", "children") == born.options["children"]


def test_wrangler_tells_what_the_meta_of_a_ruleset_says(engine: Engine) -> None:
    engine.root.install(
        """ruleset told {
          meta {
            name "Told"
            description <<What it is for.>>
            use module io.picolabs.wrangler alias w
            use module io.picolabs.subscription
            provides f
            shares f, g
          }
          global { f = function() { w:name() } g = function() { f() } }
        }"""
    )
    meta = engine.root.query(WRANGLER, "rulesetMeta", {"rid": "told"})
    assert {key: meta[key] for key in ("name", "description", "shares", "provides", "use")} == {
        "name": "Told",
        "description": "What it is for.",
        "shares": ["f", "g"],
        "provides": ["f"],
        "use": [
            {"kind": "module", "rid": WRANGLER, "alias": "w"},
            {"kind": "module", "rid": SUBSCRIPTION, "alias": SUBSCRIPTION},
        ],
    }


def test_uninstalling_a_ruleset_that_is_not_there_is_silent(engine: Engine) -> None:
    turn = engine.root.raise_event("wrangler", "uninstall_ruleset_request", {"rid": "nosuch"})
    assert turn.errors == []
    assert seen(engine.root, "ruleset_uninstalled") == [{"rid": "nosuch"}]


def test_a_ruleset_tells_when_it_was_last_read(engine: Engine, tmp_path: Path) -> None:
    url = (tmp_path / "greeter.krl").as_uri()
    engine.root.raise_event("wrangler", "install_ruleset_request", {"url": url})

    def flushed() -> Any:
        rulesets = engine.root.query(UI, "pico")["rulesets"]
        return next(each["meta"]["flushed"] for each in rulesets if each["rid"] == "greeter")

    assert flushed() == START
    engine.clock.reach(engine.now() + timedelta(minutes=5))
    engine.root.raise_event("wrangler", "rulesets_need_flushing")
    assert flushed() == "2026-03-01T00:05:00Z"


def test_the_store_of_personal_data_is_installed_by_its_name(engine: Engine) -> None:
    engine.root.raise_event("wrangler", "install_ruleset_request", {"rid": PDS})
    engine.root.raise_event("pds", "new_data_available", {"namespace": "a", "keyvalue": "b", "value": [1]})
    assert engine.root.query(PDS, "get_item", {"namespace": "a", "key": "b"}) == [1]


def test_a_subscription_between_picos_of_one_server_needs_no_host(tmp_path: Path) -> None:
    with Engine(":memory:", clock=VirtualClock(START), base_url="https://picos.test") as engine:
        install_standard(engine)
        child = new_child(engine)
        wanted = {"wellKnown_Tx": door_of(child)}
        for host in ({}, {"Tx_host": "https://picos.test"}):
            engine.root.raise_event("wrangler", "subscription", {**wanted, **host})
            engine.run_due()
        assert [each.get("Tx_host") for each in child.query(SUBSCRIPTION, "inbound")] == [None, None]


def test_the_root_is_called_pico_and_has_a_channel_to_itself(engine: Engine) -> None:
    myself = engine.root.query(WRANGLER, "myself")
    assert (myself["name"], myself["id"]) == ("Pico", engine.root.id)
    engine.root.install(
        """ruleset sender { rule go { select when t go eci re#(.+)# setting(eci)
          event:send({"eci": eci, "domain": "wrangler", "type": "name_changed", "attrs": {"name": "Home"}})
        } }"""
    )
    engine.root.raise_event("t", "go", {"eci": myself["eci"]})
    engine.run_due()
    assert engine.root.query(WRANGLER, "name") == "Home"
    with pytest.raises(PicoschedError, match="for its family only"):
        engine.raise_event(myself["eci"], "t", "go")
    assert engine.root.query(WRANGLER, "children") == []


def test_a_child_is_deleted_by_its_parent_or_because_it_asks_for_it(engine: Engine) -> None:
    new_child(engine, "one")
    two = new_child(engine, "two")
    eci = family_eci(engine, "one")
    engine.root.raise_event("wrangler", "child_deletion_request", {"eci": eci, "why": "old"})
    assert seen(engine.root, "child_deleted") == [{"eci": eci, "why": "old"}]
    two.raise_event("wrangler", "ready_for_deletion")
    assert engine.root.children() == [two]
    engine.run_due()
    assert engine.root.children() == []
    assert engine.root.query(WRANGLER, "children") == []


def test_a_child_that_wrangler_did_not_make_has_no_name_there(engine: Engine) -> None:
    engine.root.install("""ruleset maker { rule make { select when t make ctx:newPico([], "bare") } }""")
    engine.root.raise_event("t", "make")
    (child,) = engine.root.query(WRANGLER, "children")
    assert child["name"] is None
    assert engine.query(ui_channel(engine).eci, UI, "box")["children"] == []


def test_a_grandchild_inherits_what_its_parent_has(engine: Engine) -> None:
    child = new_child(engine)
    child.uninstall(SUBSCRIPTION)
    child.raise_event("wrangler", "new_child_request", {"name": "grandchild"})
    engine.run_due()
    (grandchild,) = child.children()
    assert tuple(grandchild.rulesets()) == (UI, WRANGLER)
    assert len(seen(child, "child_initialized")) == 1


# ---- wrangler: rulesets ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attrs",
    [
        lambda folder: {"url": f"{folder}/greeter.krl"},
        lambda folder: {"url": f"file://{folder}/greeter.krl"},
        lambda folder: {"absoluteURL": f"{folder}/other.krl", "rid": "greeter"},
    ],
    ids=["url", "file URL", "absoluteURL and rid"],
)
def test_a_ruleset_is_installed_in_a_child_from_where_the_event_says(
    engine: Engine, tmp_path: Path, attrs: Any
) -> None:
    child = new_child(engine)
    wanted = {**attrs(tmp_path), "config": {"hello": "good day"}, "mark": 7}
    turn = child.raise_event("wrangler", "install_ruleset_request", wanted)
    assert turn.errors == []
    assert child.query("greeter", "greet", {"name": "Ada"}) == "good day Ada"
    (installed,) = seen(child, "ruleset_installed")
    assert (installed["rids"], installed["mark"]) == (["greeter"], 7)
    assert child.query(WRANGLER, "installedRIDs") == [*RIDS, "witness", "greeter"]
    assert child.query(WRANGLER, "rulesetConfig", {"rid": "greeter"}) == {"hello": "good day"}
    assert child.query(WRANGLER, "rulesetMeta", {"rid": "greeter"})["version"] == "2.1"
    child.raise_event("wrangler", "uninstall_ruleset_request", {"rid": "greeter"})
    assert seen(child, "ruleset_uninstalled") == [{"rid": "greeter"}]
    assert "greeter" not in child.rulesets()


def test_a_ruleset_that_ships_is_installed_by_its_rid(engine: Engine) -> None:
    child = new_child(engine)
    child.uninstall(SUBSCRIPTION)
    child.raise_event("wrangler", "install_ruleset_request", {"rid": SUBSCRIPTION})
    assert child.rulesets()[SUBSCRIPTION].origin == standard.url_of(SUBSCRIPTION)


def test_a_ruleset_that_was_changed_is_read_anew_when_it_is_installed_or_flushed(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "greeter.krl"
    one, two = new_child(engine, "one"), new_child(engine, "two")
    wanted = {"url": str(file), "config": {"hello": "good day"}}
    one.raise_event("wrangler", "install_ruleset_request", wanted)
    file.write_text(GREETER.replace('" " + name', '", " + name'))
    two.raise_event("wrangler", "install_ruleset_request", {"url": str(file)})
    assert two.query("greeter", "greet", {"name": "Ada"}) == "hello, Ada"
    assert one.query("greeter", "greet", {"name": "Ada"}) == "good day Ada"
    assert one.raise_event("wrangler", "rulesets_need_flushing").errors == []
    assert one.query("greeter", "greet", {"name": "Ada"}) == "good day, Ada"
    assert len(seen(one, "rulesets_flushed")) == 1


def test_a_module_cannot_be_taken_from_its_client() -> None:
    with Engine(":memory:", clock=VirtualClock(START), seed=1) as engine:
        install_standard(engine)
        turn = engine.root.raise_event("wrangler", "uninstall_ruleset_request", {"rid": WRANGLER})
        assert [error.message for error in turn.errors] == [
            f"the ruleset {WRANGLER} is used by {SUBSCRIPTION}"
        ]
        assert tuple(engine.root.rulesets()) == OF_ROOT


# ---- wrangler: channels, and questions -------------------------------------------------------------


def test_a_client_makes_a_channel_and_finds_it_by_its_tags(engine: Engine) -> None:
    engine.root.install(CLIENT)
    (made,) = engine.root.raise_event("door", "wanted").directives
    channel = made.options["channel"]
    assert channel["tags"] == ["front-door"]
    for tags in ("Front Door", ["front-door"], " FRONT DOOR ,"):
        assert engine.root.query(WRANGLER, "channels", {"tags": tags}) == [channel]
    assert len(engine.root.query(WRANGLER, "channels")) == len(engine.root.channels())
    assert engine.root.query(WRANGLER, "channels", {"tags": "front"}) == []


def test_channels_are_made_changed_and_deleted_by_events(engine: Engine) -> None:
    root = engine.root
    wanted = {"tags": ["a", "b"], "eventPolicy": {"allow": [{"domain": "t", "name": "*"}], "deny": []}}
    assert root.raise_event("wrangler", "new_channel_request", wanted).errors == []
    assert seen(root, "channel_created") == []  # a policy is missing
    wanted["queryPolicy"] = {"allow": [], "deny": []}
    root.raise_event("wrangler", "new_channel_request", {**wanted, "mark": 1})
    (created,) = seen(root, "channel_created")
    eci = created["channel"]["id"]
    assert created["mark"] == 1
    assert engine.channel(eci).events.allow == ("t:*",)
    root.raise_event("wrangler", "channel_update_request", {**wanted, "eci": eci, "tags": "c,d"})
    assert seen(root, "channel_updated")[0]["channel"]["tags"] == ["c", "d"]
    root.raise_event("wrangler", "channel_deletion_request", {"eci": eci})
    assert seen(root, "channel_deleted") == [{"eci": eci}]
    with pytest.raises(PicoschedError, match="there is no channel"):
        engine.channel(eci)


@pytest.mark.parametrize("query", ["ask", "sky"])
def test_a_pico_asks_another_but_not_itself(engine: Engine, query: str) -> None:
    child = new_child(engine)
    child.install(GREETER)
    engine.root.install(CLIENT)
    args = {"eci": family_eci(engine), "name": "greet", "args": {"name": "Ada"}}
    assert engine.root.query("client", query, args) == "hello Ada"
    assert engine.root.query("client", query, {**args, "name": "greeting", "args": None}) is None
    refused = engine.root.query("client", query, {**args, "eci": ui_channel(engine).eci})
    assert refused["httpStatus"]["code"] == 400


def test_a_pico_of_another_engine_is_asked_by_http() -> None:
    def outside(request: HttpRequest) -> HttpResponse:
        assert request.url == "https://b.test/sky/cloud/ECI/greeter/greet?name=Ada"
        return HttpResponse(*answers.pop(0))

    answers: list[Any] = [
        (200, "OK", (), b'"hello Ada"'),
        (200, "OK", (), b'{"error": "no such query"}'),
        (404, "Not Found", (), b"gone"),
        (0, "nobody answers", (), b""),
    ]
    with Engine(":memory:", clock=VirtualClock(START), outside=outside) as engine:
        install_standard(engine)
        engine.root.install(CLIENT)
        asked = [
            engine.root.query("client", "asked", {"eci": "ECI", "host": "https://b.test"}) for _ in range(4)
        ]
    assert asked[0] == "hello Ada"
    assert [each["httpStatus"]["code"] for each in asked[1:]] == [200, 404, 0]
    assert asked[1]["picoQueryError"] == "no such query"
    assert asked[2]["picoQueryReturnValue"] == "gone"


# ---- subscription ----------------------------------------------------------------------------------


def subscribe(engine: Engine, one: PicoRef, two: PicoRef) -> str:
    """Have one ask two and two agree; the Id."""
    wanted = {"wellKnown_Tx": door_of(two), "Rx_role": "boss", "Tx_role": "worker", "name": "work", "note": 1}
    one.raise_event("wrangler", "subscription", wanted)
    engine.run_due()
    (bus,) = two.query(SUBSCRIPTION, "inbound")
    two.raise_event("wrangler", "pending_subscription_approval", {"Id": bus["Id"]})
    engine.run_due()
    return str(bus["Id"])


def test_two_picos_agree_on_a_pair_of_channels_and_part(engine: Engine) -> None:
    root, child = engine.root, new_child(engine)
    id = subscribe(engine, root, child)
    (mine,), (its,) = root.query(SUBSCRIPTION, "established"), child.query(SUBSCRIPTION, "established")
    assert mine == {"Id": id, "Rx": its["Tx"], "Tx": its["Rx"], "Rx_role": "boss", "Tx_role": "worker"}
    assert (its["Rx_role"], its["Tx_role"]) == ("worker", "boss")
    for pico in (root, child):
        assert pico.query(SUBSCRIPTION, "inbound") == pico.query(SUBSCRIPTION, "outbound") == []
        assert [each["bus"]["Id"] for each in seen(pico, "subscription_added")] == [id]
    assert engine.channel(its["Rx"]).tags == ("work", "tx-rx")
    assert seen(child, "inbound_pending_subscription_added")[0]["note"] == 1
    assert root.query(SUBSCRIPTION, "established", {"key": "Tx_role", "value": "worker"}) == [mine]
    assert root.query(SUBSCRIPTION, "established", {"key": "Tx_role", "value": "boss"}) == []

    event = {"Tx_role": "worker", "domain": "wrangler", "type": "work", "attrs": {"n": 7}}
    root.raise_event("wrangler", "send_event_on_subs", event)
    engine.run_due()
    assert seen(child, "work") == [{"n": 7}]
    root.raise_event("wrangler", "send_event_on_subs", {**event, "Tx_role": "nobody"})
    assert seen(root, "failed_to_send_event_to_sub")[0]["foundSubsToSendTo"] is False

    child.raise_event("wrangler", "subscription_cancellation", {"Id": id})
    engine.run_due()
    for pico, bus in ((root, mine), (child, its)):
        assert pico.query(SUBSCRIPTION, "established") == []
        assert [each["bus"] for each in seen(pico, "subscription_removed")] == [bus]
        assert all(each.eci != bus["Rx"] for each in pico.channels())


@pytest.mark.parametrize("who", ["the one that asked", "the one that was asked"])
def test_what_is_not_agreed_on_yet_is_taken_back_or_rejected(engine: Engine, who: str) -> None:
    root, child = engine.root, new_child(engine)
    root.raise_event("wrangler", "subscription", {"wellKnown_Tx": door_of(child)})
    engine.run_due()
    (outbound,) = root.query(SUBSCRIPTION, "outbound")
    assert (outbound["wellKnown_Tx"], set(outbound)) == (door_of(child), {"Id", "Rx", "wellKnown_Tx"})
    id = {"Id": outbound["Id"]}
    if who == "the one that asked":
        root.raise_event("wrangler", "outbound_cancellation", id)
    else:
        child.raise_event("wrangler", "inbound_rejection", id)
    engine.run_due()
    assert root.query(SUBSCRIPTION, "outbound") == child.query(SUBSCRIPTION, "inbound") == []
    assert len(seen(root, "outbound_subscription_cancelled")) == 1
    assert len(seen(child, "inbound_subscription_cancelled")) == 1
    assert [each.tags for each in child.channels() if "tx-rx" in each.tags] == [("wellknown-rx", "tx-rx")]


def test_a_request_is_accepted_unasked_where_a_configuration_fits(engine: Engine) -> None:
    root, child = engine.root, new_child(engine)
    child.raise_event("wrangler", "autoAcceptConfigUpdate", {"password": "x"})
    assert len(seen(child, "autoAcceptConfigUpdate_failure")) == 1
    config = {"configName": "bosses", "regexMap": json.dumps({"Tx_role": ["^boss$"], "word": ["^sesame"]})}
    child.raise_event("wrangler", "autoAcceptConfigUpdate", config)
    assert list(child.query(SUBSCRIPTION, "autoAcceptConfig")) == ["bosses"]
    for attrs in ({"Rx_role": "boss"}, {"Rx_role": "bosses"}, {"word": "sesame, open"}, {}):
        root.raise_event(
            "wrangler", "subscription", {"wellKnown_Tx": door_of(child), "Tx_role": "w", **attrs}
        )
    engine.run_due()
    assert len(child.query(SUBSCRIPTION, "established")) == len(root.query(SUBSCRIPTION, "established")) == 2
    assert len(seen(child, "auto_accepted_subscription_request")) == 2
    assert len(child.query(SUBSCRIPTION, "inbound")) == 2
    child.raise_event("wrangler", "autoAcceptConfigUpdate", {"configName": "bosses", "delete": True})
    assert child.query(SUBSCRIPTION, "autoAcceptConfig") == {}


def test_a_pico_parts_with_all_at_once(engine: Engine) -> None:
    root, one, two = engine.root, new_child(engine, "one"), new_child(engine, "two")
    subscribe(engine, root, one)
    root.raise_event("wrangler", "subscription", {"wellKnown_Tx": door_of(two)})
    two.raise_event("wrangler", "subscription", {"wellKnown_Tx": door_of(root)})
    engine.run_due()
    root.raise_event("wrangler", "cancel_subscriptions")
    engine.run_due()
    for pico in (root, one, two):
        kinds = ("established", "inbound", "outbound")
        assert [pico.query(SUBSCRIPTION, kind) for kind in kinds] == [[], [], []]


def test_a_pico_subscribes_to_itself(engine: Engine) -> None:
    child = new_child(engine)
    id = subscribe(engine, child, child)
    one, two = child.query(SUBSCRIPTION, "established")
    assert (one["Id"], one["Tx"], one["Rx"]) == (id, two["Rx"], two["Tx"])
    child.raise_event("wrangler", "subscription_cancellation", {"Id": id})
    engine.run_due()
    assert child.query(SUBSCRIPTION, "established") == []
    assert {one["Rx"], two["Rx"]}.isdisjoint(each.eci for each in child.channels())


def test_a_child_parts_and_goes(engine: Engine) -> None:
    child = new_child(engine)
    id = subscribe(engine, engine.root, child)
    child.raise_event("wrangler", "intent_to_delete", {"Id": id})
    engine.run_due()
    assert engine.root.children() == []
    assert engine.root.query(SUBSCRIPTION, "established") == []


def test_a_request_without_a_place_to_go_is_told(engine: Engine) -> None:
    engine.root.raise_event("wrangler", "subscription", {"name": "nowhere"})
    assert seen(engine.root, "wellKnown_Tx_format_failure") == [{"name": "nowhere"}]
    engine.root.raise_event("wrangler", "new_subscription_request", {"Id": "x"})
    assert seen(engine.root, "no_Tx_failure") == [{"Id": "x"}]
    engine.root.raise_event("wrangler", "pending_subscription_approval", {"Id": "nosuch"})
    assert engine.root.query(SUBSCRIPTION, "established") == []


def test_picos_of_two_engines_subscribe_by_http() -> None:
    engines: dict[str, Engine] = {}

    def outside(request: HttpRequest) -> HttpResponse:
        """Each engine is the world of the other."""
        place = urlsplit(request.url)
        _, _, eci, _, domain, type = place.path.split("/")
        if place.netloc not in engines:
            return HttpResponse(0, "nobody answers")
        engines[place.netloc].raise_event(eci, domain, type, json.loads(request.body))
        return HttpResponse(200, "OK")

    clock = VirtualClock(START)
    with (
        Engine(":memory:", clock=clock, seed=1, outside=outside) as here,
        Engine(":memory:", clock=clock, seed=2, outside=outside) as there,
    ):
        engines |= {"here.test": here, "there.test": there}
        for engine in engines.values():
            install_standard(engine)
        wanted = {"wellKnown_Tx": door_of(there.root), "name": "far"}
        hosts = {"Tx_host": "https://there.test", "Rx_host": "https://here.test"}
        here.root.raise_event("wrangler", "subscription", {**wanted, **hosts})
        assert here.run_due() == 1
        (bus,) = there.root.query(SUBSCRIPTION, "inbound")
        assert bus["Tx_host"] == "https://here.test"
        there.root.raise_event("wrangler", "pending_subscription_approval", {"Id": bus["Id"]})
        there.run_due()
        (mine,), (its,) = (each.root.query(SUBSCRIPTION, "established") for each in (here, there))
        assert (mine["Tx"], mine["Rx"], mine["Tx_host"]) == (its["Rx"], its["Tx"], "https://there.test")
        here.root.raise_event("wrangler", "subscription_cancellation", {"Id": bus["Id"]})
        here.run_due()
        assert there.root.query(SUBSCRIPTION, "established") == []

        here.root.raise_event("wrangler", "subscription", {**wanted, "Tx_host": "https://nowhere.test"})
        here.run_due()
        assert "https://nowhere.test/c/" in here.root.journal(limit=1)[0].log[0]["value"]


# ---- the browser's pages ---------------------------------------------------------------------------


class Page:
    """What the Node engine's pages ask of a pico, by its channel and nothing else."""

    def __init__(self, engine: Engine, eci: str) -> None:
        self.engine, self.eci = engine, eci

    def box(self) -> dict[str, Any]:
        box: dict[str, Any] = self.engine.query(self.eci, UI, "box")
        return box

    def pico(self) -> dict[str, Any]:
        pico: dict[str, Any] = self.engine.query(self.eci, UI, "pico")
        return pico

    def tell(self, type: str, **attrs: Any) -> Turn:
        turn = self.engine.raise_event(self.eci, "engine_ui", type, attrs)
        assert turn.errors == []
        return turn

    def children(self) -> list[Page]:
        return [Page(self.engine, eci) for eci in self.box()["children"]]


@pytest.fixture
def page(engine: Engine) -> Page:
    return Page(engine, ui_channel(engine).eci)


def test_a_box_has_what_the_page_of_picos_draws(page: Page) -> None:
    assert page.box() == {
        "eci": page.eci,
        "parent": None,
        "children": [],
        "name": "Pico",
        "backgroundColor": "#87cefa",
        "x": 100,
        "y": 100,
        "width": 100,
        "height": 100,
    }
    page.tell("box", x="17", y=0, width=200.5, name="Home", backgroundColor="#ff0000")
    page.tell("box", height="high", backgroundColor="red", name="")
    box = page.box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (17, 0, 200.5, 100)
    assert (box["name"], box["backgroundColor"]) == ("Home", "#ff0000")
    assert page.engine.root.query(WRANGLER, "name") == "Home"


def test_the_pages_make_and_delete_children(page: Page) -> None:
    page.tell("new", name="kid", backgroundColor="#00ff00")
    (child,) = page.children()  # at once: the page asks again as soon as its event is answered
    assert (child.box()["name"], child.box()["parent"]) == ("kid", page.eci)
    page.engine.run_due()
    assert child.box()["backgroundColor"] == "#00ff00"
    child.tell("new", name="", backgroundColor="")
    page.engine.run_due()
    (grandchild,) = child.children()
    assert (grandchild.box()["name"], grandchild.box()["backgroundColor"]) == ("kid", "#00ff00")
    child.tell("del", eci=grandchild.eci)
    assert child.children() == []
    page.tell("del", eci=child.eci)
    assert page.engine.root.children() == []
    assert len(seen(page.engine.root, "child_deleted")) == 1
    assert page.tell("del", eci="nosuch").log[0].level == "warn"


def test_a_pico_has_what_the_pages_of_rulesets_and_channels_read(page: Page, tmp_path: Path) -> None:
    url = str(tmp_path / "greeter.krl")
    page.tell("install", url=url, config={"hello": "hi"})
    pico = page.pico()
    assert set(pico) == {"eci", "parent", "children", "channels", "rulesets"}
    greeter = pico["rulesets"][-1]
    assert (greeter["rid"], greeter["version"], greeter["url"]) == ("greeter", "2.1", url)
    assert greeter["config"] == {"hello": "hi"}
    assert set(greeter["meta"]) == {"krlMeta", "hash", "flushed", "compiler"}
    assert greeter["meta"]["compiler"]["warnings"] == []
    (tmp_path / "greeter.krl").write_text(GREETER.replace("2.1", "2.2"))
    page.tell("flush", url=url)
    assert page.pico()["rulesets"][-1]["version"] == "2.2"
    assert page.pico()["rulesets"][-1]["config"] == {"hello": "hi"}
    page.tell("uninstall", rid="greeter")
    assert "greeter" not in [each["rid"] for each in page.pico()["rulesets"]]

    policy = {"eventPolicy": {"allow": [{"domain": "t", "name": "*"}], "deny": []}, "queryPolicy": None}
    page.tell("new_channel", tags=["App One"], **policy)
    made = page.pico()["channels"][-1]
    assert (made["tags"], made["familyChannelPicoID"]) == (["app-one"], None)
    assert made["queryPolicy"] == {"allow": [{"rid": "*", "name": "*"}], "deny": []}
    page.tell("update_channel", eci=made["id"], tags=["app-two"], **policy)
    assert page.pico()["channels"][-1]["tags"] == ["app-two"]
    page.tell("del_channel", eci=made["id"])
    assert made["id"] not in [each["id"] for each in page.pico()["channels"]]
    page.tell("testing_eci", eci=page.eci)
    assert page.engine.query(page.eci, UI, "testingECI") == page.eci


@pytest.mark.parametrize("rid", [*OF_ROOT, "witness"])
def test_the_page_for_testing_learns_what_a_ruleset_offers(page: Page, rid: str) -> None:
    offered = page.engine.query(page.eci, rid, "__testing")
    assert all(set(each) == {"name", "args"} for each in offered["queries"])
    assert all(set(each) == {"domain", "name", "attrs"} for each in offered["events"])
    for each in offered["queries"]:
        assert each["name"] in compile_ruleset(TEXTS[rid]).shares


def test_the_log_tells_turns_newest_first_with_what_became_of_each_rule(page: Page) -> None:
    page.engine.root.install(
        """ruleset logger { rule go { select when t go
          if event:attrs{"n"} > 1 then send_directive("gone", {"n": event:attrs{"n"}})
          fired { log warn {"went": event:attrs{"n"}} } } }"""
    )
    for n in (1, 2):
        page.engine.root.raise_event("t", "go", {"n": n, "_headers": {"cookie": "secret"}})
    later, earlier = page.engine.query(page.eci, UI, "logs")[:2]
    assert (later["header"], later["time"]) == ('EVENT - t:go {"n":2}', START)
    assert later["entries"] == [
        '00:00:00Z [DEBUG] EVENT - t:go {"n":2}',
        "00:00:00Z [DEBUG] t:go logger : go fired",
        '00:00:00Z [WARN] logger : go {"went":2}',
        '00:00:00Z [DEBUG] directive gone {"n":2}',
    ]
    assert "notfired: its condition on line 2 is false" in earlier["entries"][1]
    assert later["txnId"] != earlier["txnId"]


def test_the_channel_of_the_pages_lets_pass_what_they_need_and_no_more(page: Page) -> None:
    for rid, name in ((SUBSCRIPTION, "established"), (SUBSCRIPTION, "wellKnown_Rx"), (WRANGLER, "__testing")):
        page.engine.query(page.eci, rid, name)
    with pytest.raises(PicoschedError, match="not allowed"):
        page.engine.query(page.eci, WRANGLER, "children")
    with pytest.raises(PicoschedError, match="not allowed"):
        page.engine.raise_event(page.eci, "wrangler", "install_ruleset_request", {"url": "x"})
    page.engine.root.delete_channel(page.eci)
    again = ui_channel(page.engine)
    assert again.eci != page.eci and again.events == ui_channel(page.engine).events


def test_the_start_is_announced_through_the_channel_of_the_pages(engine: Engine) -> None:
    engine.root.install(
        """ruleset starter { meta { shares by } global { by = function(){ ent:by } }
          rule start { select when engine started fired { ent:by := meta:eci } } }"""
    )
    engine.root.delete_channel(door_of(engine.root))
    announce_start(engine)
    assert engine.root.query("starter", "by") == ui_channel(engine).eci
    assert door_of(engine.root)  # made again
