"""Rulesets in the shape of the classic engine's: their lines say what cannot run here, and the rest works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from picosched import Engine
from picosched.clock import VirtualClock
from picosched.errors import KrlError
from picosched.krl.grammar import parse
from picosched.krl.printer import formatted
from picosched.krl.ruleset import compile_ruleset
from picosched.krl.source import Source

CLASSIC = sorted((Path(__file__).parent / "classic").glob("*.krl"))

PAGES = """
ruleset shop.pages {{
  rule tell {{
    select when pageview "/tea"
    {}
    fired {{ ent:told := true }}
  }}
  rule works {{ select when pageview "/tea" send_directive("works", {{"told": ent:told}}) }}
}}
"""


@pytest.mark.parametrize("path", CLASSIC, ids=lambda path: path.stem)
def test_a_classic_ruleset_loads_and_says_what_cannot_run(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    wanted = [
        (number, part)
        for number, line in enumerate(text.splitlines(), 1)
        for part in re.findall(r'"([^"]*)"', line.partition("// ###")[2])
    ]
    found = [(each.span.line, each.message) for each in compile_ruleset(text).warnings if each.span]
    assert found == wanted
    with Engine(clock=VirtualClock()) as engine:
        engine.root.install(text)


@pytest.mark.parametrize("path", CLASSIC, ids=lambda path: path.stem)
def test_a_classic_ruleset_is_formatted_without_a_change_of_meaning(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    neat = formatted(text)
    assert parse(Source("neat", neat)) == parse(Source("given", text))
    assert formatted(neat) == neat


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ('notify("tea", "ready")', "the action notify changes a web page"),
        ("emit << alert(1) >>", "emit changes a web page"),
        ('if page:env("ip") then noop()', "unknown module page"),
        ("if nosuch > 1 then noop()", "unknown name nosuch"),
        (
            "if ent:n > 3 within 2 days then noop()",
            "a condition with `within` asks when its variable",
        ),
        ('if "x".match(re#(#) then noop()', "is not a RegExp"),
    ],
)
def test_a_rule_that_cannot_run_does_nothing_and_the_journal_says_why(does: str, why: str) -> None:
    with Engine(clock=VirtualClock()) as engine:
        engine.root.install(PAGES.format(does))
        turn = engine.root.raise_event("web", "pageview", {"url": "/tea"})
        assert [(each.name, each.options) for each in turn.directives] == [("works", {"told": None})]
        assert turn.errors == []
        entry = engine.root.journal(limit=1)[0]
        told = {each["rule"]: (each["outcome"], each["why"]) for each in entry.handled[0]["considered"]}
        assert told["tell"][0] == "inactive"
        assert why in str(told["tell"][1])
        other = engine.root.raise_event("web", "pageview", {"url": "/other"})
        assert [each.outcome for each in other.handled[0].considered] == ["unselected", "unselected"]


def test_a_rule_whose_select_cannot_be_evaluated_is_never_selected() -> None:
    text = PAGES.format("noop()").replace('"/tea"\n', '"/tea" where location:city() == "Rome"\n')
    ruleset = compile_ruleset(text)
    assert ruleset.inactive == {"tell": "unknown module location"}
    assert [rule.name for rule in ruleset.rules] == ["works"]


def test_an_unknown_name_is_an_error_in_any_other_ruleset() -> None:
    text = "ruleset shop { rule r { select when t go if nosuch then noop() } }"
    with pytest.raises(KrlError, match="unknown name nosuch"):
        compile_ruleset(text)


def test_an_action_of_the_ruleset_hides_one_on_web_pages() -> None:
    text = """
    ruleset shop {
      global { notify = defaction(text) { send_directive("notify", {"text": text}) } }
      rule r { select when t go notify("tea") }
    }"""
    with Engine(clock=VirtualClock()) as engine:
        engine.root.install(text)
        assert [each.name for each in engine.root.raise_event("t", "go").directives] == ["notify"]


def test_a_module_of_a_classic_ruleset_may_be_installed_later() -> None:
    with Engine(clock=VirtualClock()) as engine:
        meta = "use module a41x186 alias log"
        engine.root.install("ruleset a16x1 { meta { %s } rule r { select when t go log:say() } }" % meta)
        (error,) = engine.root.raise_event("t", "go").errors
        assert "the module a41x186 is not installed" in str(error)
        engine.root.install(
            "ruleset a41x186 { meta { provides say } "
            'global { say = defaction() { send_directive("said") } } }'
        )
        assert [each.name for each in engine.root.raise_event("t", "go").directives] == ["said"]


@pytest.mark.parametrize(
    ("select", "event"),
    [
        ('a b where (m){"k"} == 1', ("a", "b", {"m": {"k": 1}})),
        ("a b where (m == 1) { noop(); }", ("a", "b", {"m": 1})),
        ("a b where (m == 1) { one => noop() two => noop() }", ("a", "b", {"m": 1})),
        ("call from #^8# to #1#", ("web", "call", {"from": "80", "to": "1"})),
        ("web call from #^8#", ("web", "call", {"from": "80"})),
        ("tel call from re#^8#", ("tel", "call", {"from": "80"})),
        ("tel call from #^8# or call to #1#", ("web", "call", {"to": "1"})),
    ],
)
def test_a_select_of_classic_form_selects(select: str, event: tuple[str, str, dict[str, object]]) -> None:
    with Engine(clock=VirtualClock()) as engine:
        engine.root.install(f"ruleset forms {{ rule r {{ select when {select} }} }}")
        assert engine.root.raise_event(*event).fired == ["forms.r"]
        assert engine.root.raise_event(event[0], event[1]).fired == []
