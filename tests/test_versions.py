"""Versions of rulesets: which texts a pico had, what differs, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from picosched import Engine, KrlError, PicoschedError, VirtualClock
from picosched.acting import HTTP, Actor, Role
from picosched.engine.standard import BY, install_standard
from picosched.store.picos import hash_of
from picosched.versions import MOST, diff_of, read_version

TEA = """ruleset tea {
  meta { shares cups }
  global { cups = function() { ent:cups.defaultsTo(0) } }
  rule brew {
    select when tea started
    send_directive("DIRECTIVE")
    always {
      ent:cups := cups() + 1
      schedule tea event "ready" at time:add(time:now(), {"minutes": 5})
    }
  }
}
"""
ONE, TWO, THREE = (TEA.replace("DIRECTIVE", word) for word in ("one", "two", "three"))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock("2026-03-01T00:00:00Z")


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", clock=clock) as engine:
        yield engine


def directive(engine: Engine) -> str:
    return engine.root.raise_event("tea", "started").directives[0].name


def test_each_text_is_kept_with_who_installed_it_and_when(engine: Engine, clock: VirtualClock) -> None:
    engine.root.install(ONE)
    clock.advance(hours=1)
    engine.acting(Actor(HTTP, "anna")).root.install(TWO)
    engine.acting(Actor(HTTP, "bo")).root.install(TWO)  # the same again is no version
    found = engine.root.versions("tea")
    assert [(each.hash, each.by, each.at.hour) for each in found] == [
        (hash_of(TWO), 'HTTP as "anna"', 1),
        (hash_of(ONE), "Python", 0),
    ]
    assert [read_version(each.as_json()) for each in found] == found
    assert engine.root.text_of("tea") == TWO and engine.root.text_of("tea", hash_of(ONE)[:6]) == ONE


def test_going_back_keeps_variables_and_schedules_and_back_again_is_where_one_was(engine: Engine) -> None:
    engine.root.install(ONE)
    assert directive(engine) == "one"
    engine.root.install(TWO)
    anna = engine.acting(Actor(HTTP, "anna"))
    assert anna.root.go_back("tea").hash == hash_of(ONE)
    assert directive(engine) == "one" and engine.root.query("tea", "cups") == 2
    assert len(engine.root.scheduled()) == 2
    assert [each.by for each in engine.root.versions("tea")] == ['HTTP as "anna"', "Python", "Python"]
    assert [(each.what, each.on) for each in engine.audit()] == [("installed", "tea")]
    engine.root.go_back("tea")
    assert directive(engine) == "two"
    engine.root.install(THREE)
    engine.root.go_back("tea", hash_of(ONE)[:8])
    assert directive(engine) == "one"


def test_a_version_that_no_longer_runs_here_is_refused_and_nothing_changes(engine: Engine) -> None:
    module = "ruleset cups {{ meta {{ provides most }} global {{ most = function() {{ {} }} }} }}\n"
    user = """ruleset tea { meta { use module cups alias c } global { n = c:most() } }
"""
    engine.root.install(module.format(1))
    engine.root.install(user)
    engine.root.install("ruleset tea { }\n")
    engine.root.uninstall("cups")
    with pytest.raises((KrlError, PicoschedError)):
        engine.root.go_back("tea")
    assert engine.root.rulesets()["tea"].hash == hash_of("ruleset tea { }\n")
    assert len(engine.root.versions("tea")) == 2


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("p\nq\n", "p\u2028q\n", ["-p", "-q", r"+p\u2028q"]),
        ("p q\n", "p\fq\n", ["-p q", r"+p\x0cq"]),
        ("p\n", "p\r", ["-p", r"+p\r"]),
        ("p\n", "p\r\n", ["-p", r"+p\r"]),
        ("p\n", "p", ["-p", "+p", r"\ no line break at the end"]),
        ("p\n", "p\n\n", [" p", "+"]),
        ("a\tb\n", "a\tb\n", []),
    ],
)
def test_a_change_of_what_nobody_sees_is_seen(before: str, after: str, lines: list[str]) -> None:
    assert diff_of(before, after, ("old", "new")).splitlines()[3:] == lines


def test_what_differs_is_told_before_and_after(engine: Engine) -> None:
    engine.root.install(ONE)
    assert engine.root.diff("tea", ONE) == ""
    told = engine.root.diff("tea", TWO)
    assert '-    send_directive("one")\n+    send_directive("two")\n' in told
    assert told.startswith(f"--- tea {hash_of(ONE)[:8]}\n+++ tea, new\n")
    engine.root.install(TWO)
    assert engine.root.diff("tea").startswith(f"--- tea {hash_of(ONE)[:8]}\n+++ tea {hash_of(TWO)[:8]}\n")
    with pytest.raises(PicoschedError, match="more than 20,000 lines"):
        engine.root.diff("tea", "\n" * 20_001)


def test_what_there_is_not(engine: Engine) -> None:
    root = engine.root
    for ask in (root.versions, root.diff, root.go_back):
        with pytest.raises(PicoschedError, match="has no ruleset tea"):
            ask("tea")
    root.install(ONE)
    with pytest.raises(PicoschedError, match="there is no version to go back to"):
        root.go_back("tea")
    for hash in ("", "zz", "%"):
        with pytest.raises(PicoschedError, match=r"there is no version .*, wanted one of [0-9a-f]{8}"):
            root.go_back("tea", hash)
    for role in (Role.READ, Role.OPERATE):
        with pytest.raises(PicoschedError, match="wanted author"):
            engine.acting(Actor(HTTP, "bo", role)).root.go_back("tea")


def test_the_last_are_kept_and_they_go_with_the_ruleset_and_the_pico(engine: Engine) -> None:
    pico = engine.new_pico("kitchen")
    for number in range(MOST + 5):
        pico.install(TEA.replace("DIRECTIVE", f"d{number}"))
    found = pico.versions("tea")
    assert len(found) == MOST and found[-1].hash == hash_of(TEA.replace("DIRECTIVE", "d5"))
    engine.root.install(ONE)
    pico.uninstall("tea")
    assert engine.read(engine.store.picos.versions, pico.id, "tea") == []
    assert len(engine.root.versions("tea")) == 1
    pico.install(ONE)
    pico.delete()
    assert engine.read(engine.store.picos.versions, pico.id, "tea") == []


def test_what_rules_and_the_server_install_is_told_too(engine: Engine) -> None:
    install_standard(engine)
    wrangler = "io.picolabs.wrangler"
    assert [each.by for each in engine.root.versions(wrangler)] == [BY]
    turn = engine.root.raise_event("wrangler", "new_child_request", {"name": "den"})
    (child,) = [each for each in engine.picos() if each.name == "den"]
    assert [each.by for each in child.versions(wrangler)] == [f"a rule, in the turn {turn.eid}"]


def test_a_pico_that_arrives_has_its_versions_from_then_on(engine: Engine) -> None:
    engine.root.install(ONE)
    document = engine.export_pico(engine.root.id)
    pico = engine.acting("the shop").import_pico(document, name="copy")
    assert [each.by for each in pico.versions("tea")] == ["the shop"]
