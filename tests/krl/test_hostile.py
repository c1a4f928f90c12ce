"""Rules that would take the engine down: each ends with `too_large`, and the next event is served.

They run on a virtual clock, where seconds bound nothing: what ends them is counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from picosched import Engine, KrlError, SystemClock, VirtualClock, compile_ruleset
from picosched.krl.budget import Limits

pytestmark = pytest.mark.slow

LONG = '"x".sprintf("%15000000s")'
SHARED = "0.range(40).reduce(function(a, i){ [a, a] }, [1])"
SPARE = 2_000
"""Steps of the rules behind it."""

WORK = {
    "a digest of much, again and again": f"""s = {LONG}
        x = 0.range(1999998).map(function(i){{ math:hash("sha512", s) }})""",
    "sorts of texts as numbers": """x = 0.range(50000).map(function(i){ "" + (i * 7919 % 50000) })
        y = 0.range(20).map(function(i){ x.sort("numeric") })""",
    "searches that explode": """s = "x".sprintf("%9000s")
        x = 0.range(999).map(function(i){ s.match(re#( |  )+y#) })""",
    "short searches without end": """s = "x".sprintf("%900s")
        x = 0.range(999999).map(function(i){ s.match(re# *(?=[cd])#) })""",
    "patterns made anew": 'x = 0.range(999999).map(function(i){ "a".match("[a-z]+" + i) })',
    "one expression, long": f"""f = function(x){{ {" + ".join(["x * 1.5"] * 300)} }}
        x = 0.range(1999998).map(f)""",
    "moments": 'x = 0.range(999999).map(function(i){ time:add("2026-01-01 10:00", {"days": i}) })',
    "comparing what is shared": f"a = {SHARED}; b = {SHARED}; x = a == b",
    "walking what is shared": f"a = {SHARED}; x = a.encode()",
    "searching a long array": "a = 0.range(999999); x = 0.range(999).map(function(i){ a.index(-1) })",
    "sets": "a = 0.range(99999); x = 0.range(999).map(function(i){ a.has(a) })",
    "numbers as long as books": """t = 0.range(99999).map(function(i){ "1111111111" }).join("")
        x = 0.range(1999998).map(function(i){ t * 1 })""",
    "recursion": "f = function(n){ f(n + 1) }; x = f(0)",
    "a tree that doubles": "f = function(n){ n == 0 => 1 | [f(n - 1), f(n - 1)] }; x = f(40)",
}
MEMORY = {
    "strings": f"x = 0.range(200).map(function(i){{ {LONG} }})",
    "wide strings": 'x = 0.range(200).map(function(i){ "x".sprintf("%4000000s") + "😀" })',
    "arrays of one array": "a = 0.range(1999998); x = 0.range(1999).map(function(i){ a }).pick('$[*][*]')",
    "arrays written out": "x = 0.range(1999998).map(function(i){ [[], [], [], [], [], []] })",
    "maps written out": 'x = 0.range(1999998).map(function(i){ {"a": {}, "b": {}} })',
    "functions": "x = 0.range(1999998).map(function(i){ function(x){ x + i } })",
    "JSON, indented": "x = 0.range(180).reduce(function(a, i){ [a] }, 0.range(500000)).encode(10)",
    "chevrons": f"s = {LONG}; x = <<#{{s}}#{{s}}#{{s}}#{{s}}>>",
    "what stands around matches": 's = "x".sprintf("%100000s"); x = s.replace(re#[ ]#g, "$`")',
    "templates": """t = 0.range(99999).map(function(i){ "%9999d" }).join("")
        x = 1.sprintf(t)""",
}


def rule(prelude: str = "", postlude: str = "", loop: str = "", action: str = "noop()") -> str:
    again = f"foreach {loop} setting(i)" if loop else ""
    fired = f"fired {{ {postlude} }}" if postlude else ""
    return f"ruleset h {{ rule r {{ select when t go {again} pre {{ {prelude} }} {action} {fired} }} }}"


CHANNEL = 'ctx:newChannel(["x"]) setting(c)'
SEND = 'event:send({"eci": c{"id"}, "domain": "a", "type": "b", "attrs": m})'
DELIVER = 'event:send({"eci": "e", "domain": "a", "type": "b", "attrs": m}, "https://e.example")'
KEY = f"s = {LONG}; m = {{}}.put([s], 1)"
SAID = {
    "directives": rule(f"s = {LONG}", loop="0.range(200)", action='send_directive("a", {"s": s})'),
    "log": rule(f"s = {LONG}", "log info s", loop="0.range(200)"),
    "variables": rule(f"s = {LONG}", "; ".join(f"ent:v{n} := s" for n in range(9))),
    "keys of maps sent": rule(KEY, action=f"{{ {' '.join([CHANNEL, *[SEND] * 9])} }}"),
    "deliveries": rule('m = {"a": 0.range(100000)}', loop="0.range(99999)", action=DELIVER),
    "keys of maps scheduled": rule(KEY, "; ".join(['schedule t event "x" at "2030-01-01" attributes m'] * 9)),
    "keys of maps raised": rule(KEY, "; ".join(['raise t event "x" attributes m'] * 9)),
    "directives without number": rule(loop="0.range(1999998)", action='send_directive("a")'),
    "errors without number": rule(postlude='error warn "x"', loop="0.range(1999998)"),
    "children": rule(loop="0.range(99999)", action='ctx:newPico([], "x")'),
    "schedules": rule(postlude='schedule t event "x" at "2030-01-01"', loop="0.range(99999)"),
    "timespecs": rule(
        """s = 0.range(59).map(function(k){ k + " " + ((k + i) % 24) + " " + (k % 28 + 1) + " * *" })
        t = s.join(" | ")""",
        'schedule t event "x" repeat t',
        loop="0.range(999)",
    ),
    "chance": rule("x = 0.range(1999998).map(function(i){ random:uuid() })"),
    "a string, character by character": rule(loop=LONG),
    "loops in loops": rule("x = 0.range(99999).map(function(a){ a })", loop="0.range(99999)"),
}

HOSTILE = {name: rule(text) for name, text in (WORK | MEMORY).items()} | SAID


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    # A tenth of the usual bounds: what holds is a matter of counting.
    with Engine(clock=VirtualClock(), max_steps=500_000, max_turn_steps=1_000_000, seed=1) as engine:
        yield engine


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_rule_ends_within_its_bounds(name: str, engine: Engine) -> None:
    engine.root.install(HOSTILE[name])
    engine.root.install('ruleset good { rule r { select when t go or t next send_directive("here") } }')
    turn = engine.root.raise_event("t", "go")
    assert [error.code for error in turn.errors] == ["too_large"]
    (error,) = turn.errors
    assert error.span is not None  # where in the rule it was
    assert "here" in [directive.name for directive in turn.directives]
    assert engine.loaded.budget.taken <= 500_000 + SPARE
    assert [each.name for each in engine.root.raise_event("t", "next").directives] == ["here"]


def test_a_turn_of_many_rules_is_bounded_as_a_whole_and_tells_whom_it_did_not_reach() -> None:
    busy = " ".join(
        f"rule r{n} {{ select when t go pre {{ x = 0.range(9000).map(function(x){{ x }}) }} noop() }}"
        for n in range(100)
    )
    with Engine(clock=VirtualClock(), max_steps=100_000, max_turn_steps=300_000) as engine:
        engine.root.install(f"ruleset busy {{ {busy} }}")
        engine.root.install('ruleset later { rule r { select when t go send_directive("later") } }')
        turn = engine.root.raise_event("t", "go")
        assert turn.directives == []
        assert "max_turn_steps" in turn.errors[0].message
        outcomes = [(each.rid, each.outcome) for each in turn.handled[0].considered]
        assert outcomes[-2:] == [("busy", "unreached"), ("later", "unreached")]
        assert 0 < outcomes.count(("busy", "fired")) < 100
        assert engine.loaded.budget.taken < 300_000 + SPARE


def test_events_raised_in_a_turn_share_its_steps() -> None:
    with Engine(clock=VirtualClock(), max_steps=100_000, max_turn_steps=200_000) as engine:
        engine.root.install(
            "ruleset h { rule r { select when t go pre { x = 0.range(20000).map(function(x){ x }) }"
            ' fired { raise t event "go" } } }'
        )
        turn = engine.root.raise_event("t", "go")
        assert ["max_turn_steps" in error.message for error in turn.errors] == [True]
        assert len(turn.handled) < 20


def test_a_query_of_another_pico_is_paid_by_whoever_asks() -> None:
    with Engine(clock=VirtualClock(), max_steps=200_000) as engine:
        child = engine.new_pico("child")
        child.install(
            "ruleset c { meta { shares f } global {"
            " f = function(){ 0.range(9999).map(function(x){ x }).length() } } }"
        )
        eci = child.new_channel().eci
        engine.root.install(
            "ruleset h { meta { shares g } global {"
            f' g = function(n){{ 1.range(n).map(function(i){{ ctx:query("{eci}", "c", "f") }}).length() }}'
            " } }"
        )
        assert engine.root.query("h", "g", {"n": 3}) == 3
        with pytest.raises(Exception, match="max_steps"):
            engine.root.query("h", "g", {"n": 100})


class Late(SystemClock):
    """A clock on which every look costs a second."""

    seconds = 0.0

    def ticks(self) -> float:
        self.seconds += 1
        return self.seconds


def test_a_turn_that_takes_too_long_by_the_clock_ends() -> None:
    with Engine(clock=Late(), max_seconds=2) as engine:
        engine.root.install(rule("x = 0.range(99999).map(function(x){ x })"))
        (error,) = engine.root.raise_event("t", "go").errors
        assert (error.code, "2 s (max_seconds)" in error.message) == ("too_large", True)


class Fast(SystemClock):
    """A clock on which a second is a twentieth of one."""

    def ticks(self) -> float:
        return 20 * super().ticks()


def test_compiling_what_an_operator_installs_is_not_held_to_the_seconds_of_a_turn() -> None:
    many = " ".join(f"rule r{n} {{ select when t go{n} noop() }}" for n in range(900))
    with Engine(clock=Fast(), max_seconds=2) as engine:
        engine.root.install(f"ruleset h {{ global {{ x = 0.range(5000).map(function(x){{ x }}) }} {many} }}")
        assert engine.root.raise_event("t", "go7").fired == ["h.r7"]


def test_values_that_are_built_and_dropped_are_no_matter() -> None:
    with Engine(clock=VirtualClock()) as engine:
        engine.root.install(
            "ruleset h { meta { shares texts, arrays, maps } global {"
            ' texts = function(){ 1.range(9999).reduce(function(a, i){ a + "0123456789" }, "").length() }'
            " arrays = function(){ 1.range(9999).reduce(function(a, i){ a.append(i) }, []).length() }"
            ' maps = function(){ 1.range(1999).reduce(function(a, i){ a.put("k" + i, i) }, {}).length() } }'
            f" rule r {{ select when t go foreach 1.range(20) setting(i) pre {{ s = {LONG} }} noop() }} }}"
        )
        found = [engine.root.query("h", name) for name in ("texts", "arrays", "maps")]
        assert found == [99_990, 9_999, 1_999]
        assert engine.root.raise_event("t", "go").errors == []


def test_what_is_given_back_was_claimed_before() -> None:
    # Arrays that are written out are claimed by nobody, and so give nothing back.
    with Engine(clock=VirtualClock()) as engine:
        written = f"function(a, i){{ b = [i].append(i); {[*range(50)]} }}"
        again = f"x = 0.range(100000).reduce({written}, [])"
        engine.root.install(rule(f"{again}; y = 0.range(8).map(function(i){{ {LONG} }})"))
        (error,) = engine.root.raise_event("t", "go").errors
        assert "max_turn_bytes" in error.message


def test_the_defaults_leave_one_rule_half_of_its_turn() -> None:
    assert Limits().max_turn_steps == 2 * Limits().max_steps


IN_GLOBAL = "ruleset h {{ global {{ f = {} }} }}"
TOO_LARGE = {
    "words": (IN_GLOBAL.format(f"[{'1, ' * 40_000}1]"), "more than 60,000 tokens"),
    "a chain": (IN_GLOBAL.format(f"{'not ' * 59_000}1"), "nested more than 1000 deep"),
    "functions": (IN_GLOBAL.format(f"[{'function(x){x}, ' * 4_001}1]"), "more than 4,000 functions"),
    "rules": (
        f"ruleset h {{ {' '.join(f'rule r{n} {{ select when a b noop() }}' for n in range(1_001))} }}",
        "more than 1,000 rules",
    ),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_text_that_would_take_long_to_compile_is_refused(name: str) -> None:
    text, message = TOO_LARGE[name]
    with pytest.raises(KrlError, match=message) as raised:
        compile_ruleset(text)
    assert raised.value.code == "too_large"


def test_nobody_waits_while_a_long_text_is_compiled() -> None:
    rules = " ".join(f"rule r{n} {{ select when a b noop() }}" for n in range(1_000))
    with Engine(clock=VirtualClock()) as engine:
        engine.root.install("ruleset s { meta { shares one } global { one = function() { 1 } } }")
        installing = threading.Thread(target=engine.root.install, args=(f"ruleset long {{ {rules} }}",))
        installing.start()
        answered = 0
        while installing.is_alive():
            answered += engine.root.query("s", "one")
        installing.join()
        assert answered > 5
        assert "long" in engine.root.rulesets()
