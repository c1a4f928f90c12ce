"""The engine as programs use it: picos, channels, rulesets, events, queries; real files, real threads."""

from __future__ import annotations

import http.server
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from picosched import Engine, KrlError, PicoschedError, Settings, Store, VirtualClock

START = "2026-03-01T00:00:00Z"

COUNTER = """
ruleset counter {
  meta { name "Counter" shares n, kept, echo }
  global {
    n = function() { ent:n.defaultsTo(0) }
    kept = function() { ent:kept }
    echo = function(x) { x }
  }
  rule count {
    select when count up
    send_directive("n", {"n": n() + 1, "attrs": event:attrs})
    fired { ent:n := n() + 1 }
  }
  rule keep {
    select when count keep
    send_directive("kept", {"value": ent:kept})
    fired { ent:kept := event:attrs{"value"} }
  }
  rule fail {
    select when count fail
    pre { x = "a" - 1 }
    fired { ent:n := 1000 }
  }
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", VirtualClock(START), min_period=0) as engine:
        yield engine


def error_of(code: str, wanted: str | None = None) -> Any:
    return pytest.raises(PicoschedError, match=wanted, check=lambda error: error.code == code)


# Picos


def test_the_root_is_there_from_the_start_and_the_same_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    with Engine(path) as engine:
        root = engine.root
        assert root.name == "root"
        assert root.parent is None
    with Engine(path) as engine:
        assert engine.root.id == root.id
        assert [pico.id for pico in engine.picos()] == [root.id]


def test_picos_have_names_parents_and_children(engine: Engine) -> None:
    house = engine.new_pico("house")
    kitchen = engine.new_pico(name="kitchen", parent=house)
    assert engine.pico("kitchen") == engine.pico(kitchen.id) == kitchen
    assert kitchen.parent == house
    assert house.children() == [kitchen]
    assert engine.root.children() == [house]
    assert [pico.name for pico in engine.picos()] == ["root", "house", "kitchen"]


def test_a_pico_that_is_not_there_is_not_found_and_a_name_of_two_is_a_conflict(engine: Engine) -> None:
    with error_of("not_found", "there is no pico attic"):
        engine.pico("attic")
    with error_of("not_found"):
        engine.new_pico("x", parent="nobody")
    engine.new_pico("twin")
    engine.new_pico("twin")
    with error_of("conflict", "2 picos have the name twin"):
        engine.pico("twin")


def test_a_deleted_pico_goes_with_its_children_channels_and_state(engine: Engine) -> None:
    house = engine.new_pico("house")
    kitchen = engine.new_pico("kitchen", house)
    kitchen.install(COUNTER)
    channel = kitchen.new_channel()
    engine.raise_event(channel.eci, "count", "up")
    house.delete()
    assert [pico.name for pico in engine.picos()] == ["root"]
    with error_of("not_found", "there is no channel"):
        engine.raise_event(channel.eci, "count", "up")
    with error_of("not_found"):
        kitchen.raise_event("count", "up")
    with error_of("not_found"):
        kitchen.scheduled()
    with error_of("refused"):
        engine.root.delete()


# Rulesets


def test_a_ruleset_comes_from_a_path_a_url_or_text(tmp_path: Path, engine: Engine) -> None:
    path = tmp_path / "my counter.krl"
    path.write_text(COUNTER)
    for number, ruleset in enumerate((path, str(path), path.as_uri(), COUNTER)):
        pico = engine.new_pico(f"p{number}")
        assert pico.install(ruleset).rid == "counter"
        pico.raise_event("count", "up")
        assert pico.query("counter", "n") == 1


@pytest.mark.slow
def test_a_ruleset_comes_over_http(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "counter.krl").write_text(COUNTER)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/counter.krl"
        assert engine.root.install(url).rid == "counter"
        assert engine.root.rulesets()["counter"].origin == url
        with error_of("not_found", "404"):
            engine.root.install(url.replace("counter", "other"))
        server.shutdown()
        thread.join()
    with error_of("invalid", "cannot be fetched"):
        engine.root.install(url)


def test_what_cannot_be_installed_is_said_and_changes_nothing(tmp_path: Path, engine: Engine) -> None:
    binary = tmp_path / "binary.krl"
    binary.write_bytes(b"ruleset \xff {}")
    with error_of("not_found", "no file"):
        engine.root.install(tmp_path / "none.krl")
    with error_of("invalid", "cannot read"):
        engine.root.install(tmp_path)
    with error_of("invalid", "not UTF-8"):
        engine.root.install(binary)
    with error_of("invalid", "wanted the path"):
        engine.root.install(7)  # type: ignore[arg-type]
    with error_of("invalid", "half a character"):
        engine.root.install("ruleset tea {} // \ud800")
    with pytest.raises(KrlError) as caught:
        engine.root.install("ruleset tea { rule }")
    assert caught.value.span is not None
    with pytest.raises(KrlError):
        engine.root.install('ruleset tea { global { a = "a" - 1 } }')
    with pytest.raises(KrlError, match="milk"):
        engine.root.install("ruleset tea { meta { use module milk } }")
    assert engine.root.rulesets() == {}


def test_installing_again_replaces_the_text_and_keeps_variables_and_configuration(engine: Engine) -> None:
    pico = engine.root
    pico.install(COUNTER, {"size": 3})
    pico.raise_event("count", "up")
    pico.install(COUNTER.replace("n() + 1 }", "n() + 10 }"))
    pico.raise_event("count", "up")
    assert pico.query("counter", "n") == 11
    assert pico.rulesets()["counter"].config == {"size": 3}
    pico.install(COUNTER, {})
    assert pico.rulesets()["counter"].config == {}


def test_a_module_must_be_there_and_stays_while_it_is_used(engine: Engine) -> None:
    pico = engine.root
    module = "ruleset milk { meta { provides drops } global { drops = 2 } }"
    client = "ruleset tea { meta { use module milk shares d } global { d = milk:drops } }"
    pico.install(module)
    pico.install(client)
    assert pico.query("tea", "d") == 2
    pico.install(module.replace("drops = 2", "drops = 3"))
    assert pico.query("tea", "d") == 3
    with pytest.raises(KrlError):  # the client could not live with it
        pico.install("ruleset milk { meta { provides drops } global { drops = undefined_thing } }")
    with error_of("conflict", "is used by tea"):
        pico.uninstall("milk")
    assert pico.query("tea", "d") == 3
    pico.uninstall("tea")
    pico.uninstall("milk")
    with error_of("not_found", "no ruleset milk"):
        pico.uninstall("milk")


def test_uninstalling_deletes_the_variables(engine: Engine) -> None:
    pico = engine.root
    pico.install(COUNTER)
    pico.raise_event("count", "up")
    pico.uninstall("counter")
    with error_of("not_found"):
        pico.query("counter", "n")
    pico.install(COUNTER)
    assert pico.query("counter", "n") == 0


def test_picos_share_one_compiled_ruleset(engine: Engine) -> None:
    rulesets = {id(engine.new_pico(f"p{number}").install(COUNTER)) for number in range(20)}
    assert len(rulesets) == 1


def test_a_ruleset_that_does_not_compile_any_more_stops_no_other(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    with Engine(path) as engine:
        engine.root.install(COUNTER)
        engine.root.install("ruleset tea { meta { shares one } global { one = function() { 1 } } }")
    store = Store(path)
    with store.transaction():
        store._database.run("UPDATE ruleset SET text = 'ruleset tea { rule }' WHERE rid = 'tea'")
    store.close()
    with Engine(path) as engine:
        engine.root.raise_event("count", "up")
        assert engine.root.query("counter", "n") == 1
        with pytest.raises(KrlError):
            engine.root.query("tea", "one")
        engine.root.install("ruleset tea { meta { shares one } global { one = function() { 2 } } }")
        assert engine.root.query("tea", "one") == 2


# Events and queries


def test_an_event_is_answered_with_its_directives_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    with Engine(path) as engine:
        engine.root.install(COUNTER)
        turn = engine.root.raise_event("count", "up", {"a": [1]})
        assert [(each.name, each.options) for each in turn.directives] == [
            ("n", {"n": 1, "attrs": {"a": [1]}})
        ]
        assert (turn.directives[0].rid, turn.directives[0].rule) == ("counter", "count")
        assert turn.errors == []
        assert turn.fired == ["counter.count"]
    with Engine(path) as engine:
        assert engine.root.query("counter", "n") == 1
        (entry,) = engine.root.journal()
        assert entry.eid == turn.eid


def test_an_eid_may_be_given(engine: Engine) -> None:
    engine.root.install(COUNTER)
    assert engine.root.raise_event("count", "up", eid="mine").eid == "mine"
    assert [entry.eid for entry in engine.journal(eid="mine")] == ["mine"]


def test_a_rule_that_fails_is_in_the_turn_and_its_effects_are_not(engine: Engine) -> None:
    engine.root.install(COUNTER)
    turn = engine.root.raise_event("count", "fail")
    assert len(turn.errors) == 1
    assert engine.root.query("counter", "n") == 0
    (entry,) = engine.journal()
    assert entry.errors == [str(turn.errors[0])]


def test_an_error_in_a_ruleset_without_a_file_names_its_rid_everywhere(engine: Engine) -> None:
    engine.root.install("""ruleset bank {
      rule pay { select when bank paid pre { rest = 80 / "soon" } noop() }
      rule told { select when system error send_directive("told", event:attrs{["msg"]}) } }""")
    turn = engine.root.raise_event("bank", "paid")
    said = str(turn.errors[0])
    assert said.startswith("bank:2:53: cannot / ")
    assert turn.directives[0].options == said
    assert engine.journal()[0].errors == [said]
    assert turn.failed == [("bank:paid", "bank.pay")]


def test_a_channel_lets_pass_what_its_policy_allows(engine: Engine) -> None:
    engine.root.install(COUNTER)
    channel = engine.root.new_channel(
        tags=["App One"], allow_events=["count:*"], deny_events=["count:fail"], allow_queries=["counter:n"]
    )
    assert channel.tags == ("app-one",)
    assert engine.raise_event(channel.eci, "count", "up").eci == channel.eci
    assert engine.query(channel.eci, "counter", "n") == 1
    with error_of("refused", "count:fail is denied"):
        engine.raise_event(channel.eci, "count", "fail")
    with error_of("refused", "tea:made is not allowed"):
        engine.raise_event(channel.eci, "tea", "made")
    with error_of("refused", "counter:kept is not allowed"):
        engine.query(channel.eci, "counter", "kept")
    with error_of("not_found", "there is no channel"):
        engine.query("none", "counter", "n")
    with error_of("invalid", "found the pattern"):
        engine.root.new_channel(allow_events=["count"])
    assert engine.root.channels() == [channel]
    assert engine.channel(channel.eci) == channel


def test_a_deleted_channel_lets_nothing_pass(engine: Engine) -> None:
    engine.root.install(COUNTER)
    channel = engine.root.new_channel()
    engine.raise_event(channel.eci, "count", "up")
    assert not engine.new_pico("other").delete_channel(channel.eci)
    assert engine.root.delete_channel(channel.eci)
    assert not engine.root.delete_channel(channel.eci)
    with error_of("not_found"):
        engine.raise_event(channel.eci, "count", "up")


def test_nothing_that_goes_in_or_out_is_shared(engine: Engine) -> None:
    pico = engine.root
    pico.install(COUNTER)
    value: dict[str, Any] = {"list": [1]}
    turn = pico.raise_event("count", "keep", {"value": value})
    value["list"].append(2)
    turn.handled[0].attrs["value"]["list"].append(3)
    pico.query("counter", "kept")["list"].append(4)
    assert pico.query("counter", "kept") == {"list": [1]}
    pico.raise_event("count", "keep", {"value": value}).directives[0].options["value"]["list"].append(5)
    assert pico.query("counter", "kept") == {"list": [1, 2]}


class Stranger:
    pass


def circle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


@pytest.mark.parametrize(
    ("attrs", "code"),
    [
        ([1], "invalid"),
        ("text", "invalid"),
        (0, "invalid"),
        ({"a": Stranger()}, "invalid"),
        ({"a": {1, 2}}, "invalid"),
        ({1: 2}, "invalid"),
        ({"a": {None: 1}}, "invalid"),
        ({"a": b"bytes"}, "invalid"),
        ({"a": [{"half": "x\ud800"}]}, "invalid"),
        ({"\udfff": 1}, "invalid"),
        ({"a": "\ud83d\ude00"}, "invalid"),
        ({"a": "x" * 2_000_000}, "too_large"),
        (circle(), "too_large"),
    ],
)
def test_attributes_that_are_not_a_json_object_are_refused(engine: Engine, attrs: Any, code: str) -> None:
    engine.root.install(COUNTER)
    with error_of(code, "attributes|nested"):
        engine.root.raise_event("count", "up", attrs)
    assert engine.root.query("counter", "n") == 0


@pytest.mark.parametrize("attrs", [None, {}, {"a": (1, 2)}, {"é": 2**70}])
def test_attributes_may_be_any_json_object(engine: Engine, attrs: Any) -> None:
    engine.root.install(COUNTER)
    (directive,) = engine.root.raise_event("count", "up", attrs).directives
    assert set(directive.options["attrs"]) == set(attrs or {})


@pytest.mark.parametrize(("domain", "type"), [("", "up"), ("count", ""), ("count", None), ("\ud800", "up")])
def test_an_event_has_a_domain_and_a_type(engine: Engine, domain: Any, type: Any) -> None:
    with error_of("invalid"):
        engine.root.raise_event(domain, type)


def test_a_query_asks_what_is_shared(engine: Engine) -> None:
    engine.root.install(COUNTER)
    assert engine.root.query("counter", "echo", {"x": {"a": [1, None]}}) == {"a": [1, None]}
    with error_of("not_found", "shares no nothing"):
        engine.root.query("counter", "nothing")
    with error_of("not_found"):
        engine.root.query("tea", "n")
    with error_of("invalid"):
        engine.root.query("counter", "echo", {"x": Stranger()})


def test_the_engine_is_not_to_be_called_from_inside_a_turn(engine: Engine) -> None:
    engine.root.install(COUNTER)
    root = engine.root
    for call in (lambda: root.raise_event("count", "up"), lambda: root.query("counter", "n"), engine.run_due):
        with error_of("conflict", "from inside"):
            engine.write(call)
        with error_of("conflict", "from inside"):
            engine.read(call)
    root.raise_event("count", "up")
    assert root.query("counter", "n") == 1


# Memory, files, threads


def test_picos_beyond_those_in_memory_are_read_again(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", cached_picos=2) as engine:
        picos = [engine.new_pico(f"p{number}") for number in range(5)]
        for pico in picos:
            pico.install(COUNTER)
        for _ in range(3):
            for pico in picos:
                pico.raise_event("count", "up")
        assert [pico.query("counter", "n") for pico in picos] == [3] * 5


@pytest.mark.files
def test_a_full_disk_fails_the_event_and_leaves_the_pico_as_it_was(engine: Engine) -> None:
    pico = engine.root
    pico.install(COUNTER)
    pico.raise_event("count", "keep", {"value": 1})
    engine.store._database.run("PRAGMA max_page_count = 1")
    with error_of("internal", "disk is full"):
        pico.raise_event("count", "keep", {"value": "x" * 500_000})
    assert pico.query("counter", "kept") == 1
    engine.store._database.run("PRAGMA max_page_count = 1000000")
    pico.raise_event("count", "keep", {"value": 2})
    assert pico.query("counter", "kept") == 2


@pytest.mark.files  # on PostgreSQL both may write
def test_an_engine_beside_one_that_writes_may_read(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    with Engine(path) as engine:
        engine.root.install(COUNTER)
        with error_of("conflict", "in use|another picosched has"):
            Engine(path)
        with Engine(path, readonly=True) as reader:
            engine.root.raise_event("count", "up")
            assert reader.root.query("counter", "n") == 1
            with error_of("refused", "opened readonly"):
                reader.root.raise_event("count", "up")
            with error_of("refused", "cannot raise events"):
                reader.start()


def test_settings_are_checked_and_a_database_must_be_reached() -> None:
    with error_of("invalid", "granularity"):
        Engine(granularity=0)
    with error_of("internal", "cannot be reached"):
        Engine("postgresql://localhost/picos")
    with Engine(settings=Settings(min_period=5), granularity=1) as engine:
        assert (engine.settings.min_period, engine.settings.granularity) == (5, 1)


def test_a_store_that_was_given_stays_open() -> None:
    store = Store()
    with Engine(store) as engine:
        root = engine.root
    with Engine(store) as engine:
        assert engine.root.id == root.id
    store.close()


@pytest.mark.slow
def test_64_threads_lose_nothing_and_share_commits(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db") as engine:
        picos = [engine.new_pico(f"p{number}") for number in range(10)]
        for pico in picos:
            pico.install(COUNTER)
        before = engine.commits
        answered: list[str] = []

        def raise_some(number: int) -> None:
            for step in range(20):
                pico = picos[(number + step) % len(picos)]
                answered.append(pico.raise_event("count", "up").eid)

        threads = [threading.Thread(target=raise_some, args=(number,)) for number in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(answered)) == 64 * 20
        assert sum(pico.query("counter", "n") for pico in picos) == 64 * 20
        assert {entry.eid for entry in engine.journal(limit=10_000)} == set(answered)
        assert engine.commits - before < 64 * 20


def test_turns_of_one_pico_are_serial(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db") as engine:
        engine.root.install(COUNTER)
        seen: list[int] = []

        def raise_some() -> None:
            for _ in range(25):
                seen.append(engine.root.raise_event("count", "up").directives[0].options["n"])

        threads = [threading.Thread(target=raise_some) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(seen) == list(range(1, 401))


def test_a_seed_repeats_every_id(tmp_path: Path) -> None:
    def run(path: Path) -> list[Any]:
        with Engine(path, VirtualClock(START), seed=7) as engine:
            engine.root.install(COUNTER)
            engine.root.raise_event("count", "up")
            engine.root.new_channel()
        with Engine(path, VirtualClock(START), seed=7) as engine:
            engine.root.raise_event("count", "up")
            engine.new_pico("more")
            return [engine.journal(), engine.root.channels(), engine.root.id]

    assert run(tmp_path / "a.db") == run(tmp_path / "b.db")


@pytest.mark.parametrize("options", [{"http_allow": ["no host"]}, {"seed": 1}])
def test_an_engine_that_cannot_be_made_lets_go_of_its_database(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    path = tmp_path / "picos.db"
    store = Store(path)
    with store.transaction():
        store.picos.set_meta("seeded", "no number")
    store.close()
    failed: list[BaseException] = []  # an error that is kept keeps alive what it came through
    try:
        Engine(path, **options)
    except (PicoschedError, ValueError) as error:
        failed.append(error)
    assert failed
    Engine(path).close()


def test_an_event_written_as_one_text_is_refused_with_the_two() -> None:
    with Engine() as engine:
        with pytest.raises(PicoschedError, match=r'found "t:go" as domain .* wanted two texts: "t", "go"'):
            engine.root.raise_event("t:go")
        assert repr(engine.root.install("ruleset one {\n}\n")) == "<Ruleset one of one>"


def test_a_traceback_of_a_ruleset_shows_all_its_errors() -> None:
    rules = "".join(f"  rule a {{ select when t {name} }}\n" for name in "abc")
    with Engine() as engine, pytest.raises(KrlError) as caught:
        engine.root.install(f"ruleset two {{\n{rules}}}\n")
    shown = "".join(traceback.format_exception(caught.value))
    assert "two:3:" in shown and "two:4:" in shown


def test_an_event_is_told_to_one_caller_once_its_turn_is_durable() -> None:
    with Engine(":memory:", clock=VirtualClock(START)) as engine:
        told: list[Any] = []
        engine.on_event("count", "up", told.append)
        with pytest.raises(PicoschedError, match="count:up already") as raised:
            engine.on_event("count", "up", print)
        assert raised.value.code == "conflict"
        engine.root.install(COUNTER)
        engine.root.raise_event("count", "up", {"by": 1})
        engine.root.raise_event("count", "keep", {"value": 2})
    assert told == [{"by": 1}]
