"""Keys of rulesets: who may read them, and that nothing shows them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from picosched import Engine, KrlError, PicoschedError, VirtualClock, compile_ruleset
from picosched.check import check
from picosched.covered import Covers, without_keys
from picosched.settings import load_settings

RULESETS = Path(__file__).parent / "rulesets"
SECRETS = ("AC0123456789", "very-secret", "+15550100", "open-sesame", "for me alone", "123456")
READING = """ruleset reading {
  meta { shares size, config }
  global { size = function(){ keys:pager("token").length() }
    config = function(){ [ctx:rid_config, meta:rulesetConfig, ctx:rulesets[0]{"config"}] } }
}"""


def shows_none(shown: object) -> None:
    text = json.dumps(shown, default=repr, ensure_ascii=False)
    assert [secret for secret in SECRETS if secret in text] == []


def test_neither_journal_nor_answer_nor_error_nor_log_has_a_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Engine(clock=VirtualClock(), seed=1) as engine:
        for name in ("keyring", "texting", "sender"):
            engine.root.install(RULESETS / f"{name}.krl")
        turns = [engine.root.raise_event("t", type) for type in ("leak", "kept")]
        # Of the picos's own memory the second turn tells the text of a variable.
        assert turns[1].directives[0].options["is"] == "•••"
        for turn in turns:
            shows_none([turn.directives, turn.log, turn.handled, [str(error) for error in turn.errors]])
            shows_none([error.render(error.text) for error in turn.errors])
        assert len(turns[0].errors) == 1
        shows_none([engine.journal(), engine.history(), engine.root.query("sender", "leak")])
        shows_none([caplog.text, repr(engine.settings)])


def test_neither_the_name_of_a_directive_nor_the_type_of_an_event_shows_a_key() -> None:
    with Engine(clock=VirtualClock()) as engine:
        engine.root.install(
            """ruleset naming {
              meta { key pin "open-sesame" }
              rule name { select when t go send_directive(keys:pin)
                fired { raise t event keys:pin } }
            }"""
        )
        turn = engine.root.raise_event("t", "go")
        assert [each.name for each in turn.directives] == ["•••"]
        assert [each.type for each in turn.handled] == ["go", "•••"]
        shows_none(engine.journal())


@pytest.mark.parametrize(
    "text",
    [
        'ruleset r { meta { key a "open-sesame" "very-secret" } }',
        'ruleset r { meta { key a {"sid" "very-secret"} } }',
        'ruleset r { meta { key a {"sid": "very-secret", } } global { x = } }',
        'ruleset r { meta { key a {"sid": "very-secret" } key b 123456 x',
        "ruleset r { meta { key a <<very-secret }",
        'ruleset r { meta { key a {"t": "very-secret".nosuch()} } }',
        'ruleset r { meta { keys a ["very-secret", unknown] } }',
        'ruleset r { meta { key /* the one */ a "very-secret" x } }',
        'ruleset r { meta { key a // the one\n "very-secret" x } }',
        'ruleset r { meta { key a ("very-secret") x } }',
        "ruleset r { meta { key a -123456 x } }",
    ],
)
def test_an_error_in_a_ruleset_shows_none_of_its_keys(text: str) -> None:
    with pytest.raises(KrlError) as raised:
        compile_ruleset(text)
    shows_none([each.render(text) for each in (raised.value, *raised.value.others)])
    shows_none([finding.error.render(text) for finding in check(text)])


def test_what_is_no_key_keeps_its_text_and_all_keeps_its_place() -> None:
    text = 'ruleset r {\n  meta { key a {"b": "c}"} name "x"\n  } global { keys = {"key": "y"} }\n}'
    covered = without_keys(text)
    assert covered == text.replace('{"b": "c}"}', "••••• •••••")
    assert len(covered) == len(text)


def test_a_ruleset_may_read_a_bounded_number_of_texts() -> None:
    keys = " ".join(f'key k{n} "text {n}"' for n in range(65))
    wanted = "found 65 texts in the keys that r may read, wanted at most 64"
    with Engine(clock=VirtualClock()) as engine, pytest.raises(KrlError, match=wanted):
        engine.root.install(f"ruleset r {{ meta {{ {keys} }} }}")


def test_covering_is_paid_for() -> None:
    text = """ruleset r { meta { key a "abcd" shares f }
        global { s = "x".sprintf("%900000s") f = function(){ [s, s, s, s, s, s, s, s].join("") } }
        rule go { select when t go foreach 0.range(9) setting(i) send_directive("s", {"s": s}) } }"""
    with Engine(clock=VirtualClock()) as engine:
        taken = []
        for each in (text, text.replace('key a "abcd"', " ".join(f'key k{n} "abc{n}"' for n in range(64)))):
            engine.root.install(each)
            engine.root.raise_event("t", "go")
            taken.append(engine.loaded.budget.taken)
        assert taken[1] - taken[0] > 1_000_000


def test_the_longest_text_is_covered_first_and_short_ones_are_not() -> None:
    covers = Covers()
    covers.add({"a": "abcd", "b": ["abcdef", "xy", 12345, True]})
    given = {"abcdef": ["abcdefabcd", 12345, 1234, "true xy", None, True]}
    assert covers.value(given) == {"•••": ["••••••", "•••", 1234, "true xy", None, True]}


def test_a_key_of_the_configuration_is_for_the_rulesets_it_names(tmp_path: Path) -> None:
    toml = tmp_path / "picosched.toml"
    toml.write_text('[key.pager]\nto = ["reading"]\nvalue = { token = "very-secret" }\n')
    settings = load_settings(toml, {})
    with Engine(clock=VirtualClock(), settings=settings) as engine:
        engine.root.install(READING)
        assert engine.root.query("reading", "size") == 11
        engine.root.install(READING.replace("ruleset reading", "ruleset another"))
        with pytest.raises(KrlError, match="found no key pager for another") as raised:
            engine.root.query("another", "size")
        assert raised.value.code == "not_found"


def test_a_key_comes_from_the_environment_or_the_configuration_of_an_install() -> None:
    given = {"pager": {"to": "reading", "value": {"token": "four"}}}
    settings = load_settings(None, {"PICOSCHED_KEYS": json.dumps(given)})
    with Engine(clock=VirtualClock(), settings=settings) as engine:
        engine.root.install(READING)
        assert engine.root.query("reading", "size") == 4
        engine.root.install(READING, {"n": 1, "keys": {"pager": {"token": "very-secret"}}})
        assert engine.root.query("reading", "size") == 11
        assert engine.root.query("reading", "config") == [{"n": 1, "keys": {"pager": "•••"}}] * 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("very-secret", "text that is not JSON"),
        ({"a": "very-secret"}, "the key a: wanted a table of `to` and `value`"),
        ({"a": {"to": 5, "value": "very-secret"}}, "wanted a rid as `to`"),
        ({"a": {"to": [], "value": None}}, "wanted a text, a number, a list or a map as `value`"),
        ({"a": {"to": [], "value": "very-secret", "x": 1}}, "and only these"),
    ],
)
def test_an_invalid_key_is_refused_without_its_value(given: object, said: str) -> None:
    with pytest.raises(PicoschedError, match=said) as raised:
        Engine(keys=given)
    shows_none([str(raised.value), raised.value.__cause__])
