"""What a rule changes of picos is paid for and tried when it is said: a rule that fails, fails alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from picosched import Engine, VirtualClock

WITNESS = """ruleset witness {
  meta { shares seen }
  global { seen = function() { ent:seen.defaultsTo(0) } }
  rule see { select when t go fired { ent:seen := seen() + 1 } }
}"""
MODULE = "ruleset module { meta { provides x } global { x = 1 } }"
CLIENT = "ruleset client { meta { use module module alias m } global { y = m:x + 1 } }"
ASKER = """ruleset asker {
  rule make { select when t make ctx:newPico([], "kid") setting(eci) fired { ent:kid := eci } }
  rule ask { select when t go RULE }
}"""


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ('foreach 1.range(190) setting(i) ctx:newChannel(["t" + i])', "more than 200000 steps (max_steps)"),
        ("ctx:delPico(ent:kid)", "more than 200000 steps (max_steps)"),
        ('ctx:install("module.krl")', "unknown member m:x"),
    ],
    ids=["many channels", "a pico with many under it", "a module that its clients cannot use"],
)
def test_a_rule_that_asks_too_much_of_picos_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "module.krl").write_text(MODULE.replace("x", "z"))
    bounds = {"max_steps": 200_000, "max_turn_steps": 220_000}
    with Engine(clock=VirtualClock(), install_from=[str(tmp_path)], **bounds) as engine:
        for text in (WITNESS, MODULE, CLIENT, ASKER.replace("RULE", rule)):
            engine.root.install(text)
        engine.root.raise_event("t", "make")
        for number in range(100):
            engine.new_pico(str(number), engine.root.children()[0])
        turn = engine.root.raise_event("t", "go")
        assert told in str(turn.errors[0])
        assert engine.root.query("witness", "seen") == 1
        assert told in engine.root.journal()[0].errors[0]
        assert len(engine.root.children()) == 1


def test_a_ruleset_of_a_child_that_cannot_begin_does_not_undo_the_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.krl").write_text('ruleset bad { global { x = "a" * 2 } rule r { select when t go } }')
    with Engine(clock=VirtualClock(), install_from=[str(tmp_path)]) as engine:
        engine.root.install(WITNESS)
        engine.root.install(ASKER.replace("RULE", 'ctx:newPico([{"url": "bad.krl"}], "kid")'))
        assert engine.root.raise_event("t", "go").errors == []
        assert engine.root.query("witness", "seen") == 1
        (child,) = engine.root.children()
        (error,) = child.raise_event("t", "go").errors
        assert error.span is not None and error.span.file == "bad.krl"
