"""Turns: the order of rules and events, what a failing rule leaves behind, what bounds a turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from picosched import Engine, KrlError, PicoschedError, VirtualClock
from picosched.pico.turn import Turn


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T00:00:00Z"), seed=1, max_raised=50) as engine:
        yield engine


def rules(*texts: str, rid: str = "demo", globals: str = "", meta: str = "") -> str:
    return f"ruleset {rid} {{ meta {{ {meta} }} global {{ {globals} }} {' '.join(texts)} }}"


NAMES = [f"name{number:03}" for number in range(150)]


def told(turn: Turn) -> list[Any]:
    return [(directive.name, directive.options) for directive in turn.directives]


def outcomes(turn: Turn) -> list[tuple[str, str]]:
    return [(each.rule, each.outcome) for handled in turn.handled for each in handled.considered]


def test_each_ruleset_finishes_an_event_before_any_handles_what_was_raised(engine: Engine) -> None:
    pico = engine.root
    for rid in ("one", "two"):
        pico.install(
            rules(
                f'rule a {{ select when t go send_directive("{rid} a") fired {{ raise t event "next" }} }}',
                f'rule b {{ select when t go send_directive("{rid} b") }}',
                f'rule c {{ select when t next send_directive("{rid} c") }}',
                rid=rid,
            )
        )
    names = [name for name, _ in told(pico.raise_event("t", "go"))]
    assert names == ["one a", "one b", "two a", "two b", "one c", "two c", "one c", "two c"]


def test_raise_for_reaches_only_the_rulesets_it_names(engine: Engine) -> None:
    pico = engine.root
    listening = "rule heard { select when t heard send_directive(meta:rid) }"
    pico.install(rules(listening, rid="one"))
    pico.install(rules(listening, rid="two"))
    for target, heard in [("two", ["two"]), ('["two", "one.dev"]', ["one", "two"]), ("nobody", [])]:
        pico.install(
            rules(f"rule go {{ select when t go fired {{ raise t event heard for {target} }} }}", rid="from")
        )
        assert [name for name, _ in told(pico.raise_event("t", "go"))] == heard


def test_an_event_may_be_raised_by_its_whole_name(engine: Engine) -> None:
    engine.root.install(
        rules(
            'rule go { select when t go fired { raise event " t : one:two" attributes {"n": 1} } }',
            'rule heard { select where event:type == "one:two" send_directive("heard", event:attrs) }',
        )
    )
    assert told(engine.root.raise_event("t", "go")) == [("heard", {"n": 1})]


def test_a_rule_that_fails_leaves_nothing_and_the_others_go_on(engine: Engine) -> None:
    pico = engine.root
    pico.install(
        rules(
            'rule first { select when t go send_directive("first") fired { ent:n := 1 } }',
            """rule bad { select when t go send_directive("bad") fired {
                 ent:n := 99; ent:m := 1
                 raise t event "never"
                 schedule t event "later" at "2030-01-01T00:00:00Z"
                 ent:x := "two" * 2 } }""",
            'rule after { select when t go send_directive("after", {"n": ent:n}) }',
            'rule never { select when t never send_directive("never") }',
            'rule told { select when system error send_directive("told", event:attrs) }',
            meta="shares n, m",
            globals="n = function(){ ent:n } m = function(){ ent:m }",
        )
    )
    turn = pico.raise_event("t", "go")
    assert [name for name, _ in told(turn)] == ["first", "after", "told"]
    assert told(turn)[1] == ("after", {"n": 1})
    assert (pico.query("demo", "n"), pico.query("demo", "m"), pico.scheduled()) == (1, None, [])
    attrs = told(turn)[2][1]
    assert (attrs["level"], attrs["rid"], attrs["rule_name"], attrs["genus"]) == (
        "error",
        "demo",
        "bad",
        "runtime",
    )
    assert "cannot * a String and a Number" in attrs["msg"] == attrs["data"]
    (error,) = turn.errors
    assert error.span is not None
    assert ("bad", "failed") in outcomes(turn)


def test_an_error_in_handling_an_error_is_only_recorded(engine: Engine) -> None:
    engine.root.install(rules('rule bad { select when t go or system error pre { x = 1 - "x" } noop() }'))
    turn = engine.root.raise_event("t", "go")
    assert len(turn.errors) == 2
    assert [handled.domain for handled in turn.handled] == ["t", "system"]


def test_what_passes_a_bound_is_told_of_the_bound_and_not_of_a_value() -> None:
    plan = """rule plan { select when t plan foreach 0.range(99) setting(i)
        fired { schedule t event "x" at "2030-01-01T00:00:00+01:00" } }
        rule read { select when t read foreach 0.range(999) setting(i)
        send_directive("read", {"x": "[1]".decode()}) }"""
    with Engine(":memory:", clock=VirtualClock("2026-03-01T00:00:00Z"), seed=1, max_steps=3_000) as engine:
        engine.root.install(rules(plan))
        for type in ("plan", "read"):
            (error,) = engine.root.raise_event("t", type).errors
            assert isinstance(error, KrlError)
            assert (error.code, "took more than 3000 steps (max_steps)" in error.message) == (
                "too_large",
                True,
            )


def test_a_fault_in_a_statement_of_many_lines_has_the_place_of_the_statement(engine: Engine) -> None:
    engine.root.install(
        rules(
            """rule plan { select when t plan fired {
                 schedule t event "x"
                   at "soon"
                   with a = 1
                   setting(id)
               } }"""
        )
    )
    (error,) = engine.root.raise_event("t", "plan").errors
    assert isinstance(error, KrlError) and error.span is not None
    assert (error.span.line, error.span.column, error.span.end_line) == (2, 18, 5)


def test_error_statements_raise_system_error_for_their_own_ruleset(engine: Engine) -> None:
    pico = engine.root
    pico.install(
        rules(
            'rule warn { select when t warn fired { error "careful"; raise t event "next" } }',
            'rule stop { select when t stop fired { raise t event "next"; error error "no more" } }',
            'rule unreached { select when t stop send_directive("unreached") }',
            'rule next { select when t next send_directive("next") }',
            'rule told { select when system error send_directive("told", event:attrs{["level"]}) }',
        )
    )
    pico.install(rules('rule deaf { select when system error send_directive("deaf") }', rid="other"))
    assert [name for name, _ in told(pico.raise_event("t", "warn"))] == ["told", "next"]
    assert told(pico.raise_event("t", "stop")) == [("told", "error")]


def test_last_ends_the_passes_and_the_rules_of_its_ruleset(engine: Engine) -> None:
    pico = engine.root
    pico.install(
        rules(
            """rule loop { select when t go foreach [1, 2, 3] setting(x) foreach ["a", "b"] setting(y)
                 send_directive("pass", {"at": x + y}) fired { last if x == 2 } }""",
            'rule unreached { select when t go send_directive("unreached") }',
        )
    )
    pico.install(rules('rule other { select when t go send_directive("other") }', rid="other"))
    names = told(pico.raise_event("t", "go"))
    assert names == [("pass", {"at": at}) for at in ("1a", "1b", "2a")] + [("other", {})]


def test_foreach_walks_arrays_maps_strings_and_scalars(engine: Engine) -> None:
    pico = engine.root
    for over, passes in [
        ("[5, 6]", [(5, 0), (6, 1)]),
        ('{"a": 1, "b": 2}', [(1, "a"), (2, "b")]),
        ('"hi"', [("h", "0"), ("i", "1")]),
        ("7", [(7, 0)]),
        ("null", []),
        ("[]", []),
    ]:
        pico.install(
            rules(
                f"""rule each {{ select when t go foreach {over} setting(v, k)
                    send_directive("pass", [v, k]) always {{ raise t event "end" on final }} }}""",
                'rule end { select when t end send_directive("end") }',
            )
        )
        turn = pico.raise_event("t", "go")
        end = [("end", {})] if passes else []
        assert told(turn) == [("pass", list(each)) for each in passes] + end
        if not passes:
            assert outcomes(turn) == [("each", "idle")]


WAITS = "its event expression waits for t:stop (part 2 of 2), since 2026-03-01T00:00:00Z"


def test_a_turn_says_why_a_rule_did_not_fire(engine: Engine) -> None:
    engine.root.install(
        """ruleset demo {
  rule attribute { select when t go colour re#red# noop() }
  rule where { select when t go where
    amount > 3
    noop() }
  rule condition { select when t go
    if event:attrs{"amount"} > 3 then noop() }
  rule waits { select when t go before t stop noop() }
  rule fires { select when t go noop() }
}"""
    )
    turn = engine.root.raise_event("t", "go", {"colour": "blue", "amount": 2})
    (handled,) = turn.handled
    assert [(each.rule, each.outcome, each.why) for each in handled.considered] == [
        ("attribute", "unselected", 'the attribute colour does not match re#red#: it was "blue"'),
        ("where", "unselected", "its `where` on line 4 is false: amount was 2"),
        ("condition", "notfired", 'its condition on line 7 is false: event:attrs{"amount"} was 2'),
        ("waits", "waiting", WAITS),
        ("fires", "fired", None),
    ]
    assert turn.fired == ["demo.fires"]


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("level > 5 && not quiet", "level was 3, quiet was not reached"),
        ("(level > 2 && quiet) || name like re#^b#", 'level was 3, quiet was null, name was "anna"'),
        ("level > 5 || level == 1", "level was 3"),
        ("quiet && level > 5 || level > 4", "quiet was null, level was 3"),
        ("twice(level) > 100", "twice(level) was 6"),
        ("level * 2 + 1 > 100", "level * 2 + 1 was 7"),
        ("list.length() == 0", "list.length() was 2"),
        ("list >< level", "list was an Array of 2, level was 3"),
        ("event:attrs == {}", "event:attrs was a Map of 2, {} was a Map of 0"),
        ("quiet", "quiet was null"),
        ("ent:seen > 0", "ent:seen was null"),
        ("1 > 2", None),
    ],
)
def test_a_false_condition_says_what_its_operands_were(
    engine: Engine, condition: str, values: str | None
) -> None:
    rule = f"""rule r {{
      select when t go
      pre {{ level = event:attrs{{"level"}} quiet = event:attrs{{"quiet"}} name = event:attrs{{"name"}} }}
      if {condition} then noop()
    }}"""
    engine.root.install(rules(rule, globals="twice = function(n) { n * 2 } list = [1, 2]"))
    turn = engine.root.raise_event("t", "go", {"level": 3, "name": "anna"})
    (considered,) = turn.handled[0].considered
    assert considered.outcome == "notfired"
    assert considered.why == "its condition on line 4 is false" + (f": {values}" if values else "")


def test_the_first_pass_that_did_not_fire_says_why(engine: Engine) -> None:
    engine.root.install(rules("rule r { select when t go foreach [1, 2] setting(i) if i > 2 then noop() }"))
    (considered,) = engine.root.raise_event("t", "go").handled[0].considered
    assert considered.why == "its condition on line 1 is false: i was 1"


def test_what_a_condition_says_is_short_and_hides_keys(engine: Engine) -> None:
    rule = """rule r { select when t go
      if event:attrs{"long"} == keys:door || keys:door == "open" then noop() }"""
    engine.root.install(rules(rule, meta='key door "sesame"'))
    (considered,) = engine.root.raise_event("t", "go", {"long": "y" * 1_000}).handled[0].considered
    assert considered.why is not None
    assert "y" * 60 + "…" in considered.why
    assert "y" * 61 not in considered.why
    assert "keys:door" not in considered.why
    assert "sesame" not in considered.why


def test_a_rule_that_raises_itself_for_ever_is_stopped(engine: Engine) -> None:
    pico = engine.root
    pico.install(
        rules(
            'rule loop { select when t go send_directive("n", event:attrs{"n"}) fired {'
            ' raise t event "go" attributes {"n": event:attrs{"n"} + 1} } }',
            "rule other { select when t go fired { ent:n := ent:n.defaultsTo(0) + 1 } }",
            meta="shares n",
            globals="n = function(){ ent:n }",
        )
    )
    turn = pico.raise_event("t", "go", {"n": 0})
    assert [error.code for error in turn.errors] == ["too_large"]
    assert "does a rule raise itself for ever" in turn.errors[0].message
    assert len(turn.directives) == 50
    assert pico.query("demo", "n") == 51  # the other rule's turns are kept
    assert pico.raise_event("t", "go", {"n": 0}).directives  # and the pico goes on


def test_writes_are_visible_at_once_to_the_rule_and_to_those_after_it(engine: Engine) -> None:
    engine.root.install(
        rules(
            """rule one { select when t go fired {
                 ent:m{["a", "b"]} := 1; ent:m{"c"} := ent:m{["a", "b"]} + 1 } }""",
            """rule two { select when t go send_directive("m", ent:m) fired {
                 clear ent:m{["a"]}; clear ent:gone } }""",
            'rule three { select when t go send_directive("m", ent:m) fired { ent:m := null } }',
            'rule four { select when t go send_directive("m", {"m": ent:m}) }',
        )
    )
    assert [options for _, options in told(engine.root.raise_event("t", "go"))] == [
        {"a": {"b": 1}, "c": 2},
        {"c": 2},
        {"m": None},
    ]


def test_values_that_leave_a_pico_share_nothing_with_it(engine: Engine) -> None:
    pico = engine.root
    pico.install(
        rules(
            "rule set { select when t set fired { ent:m := event:attrs } }",
            'rule get { select when t get send_directive("m", ent:m) }',
            meta="shares m",
            globals="m = function(){ ent:m }",
        )
    )
    attrs = {"list": [1]}
    pico.raise_event("t", "set", attrs)
    attrs["list"].append(2)
    told(pico.raise_event("t", "get"))[0][1]["list"].append(3)
    pico.query("demo", "m")["list"].append(4)
    assert pico.query("demo", "m") == {"list": [1]}


def test_app_variables_belong_to_the_ruleset_in_every_pico(engine: Engine) -> None:
    text = rules(
        "rule count { select when t go fired { app:n += 1 from 1; ent:n += 1 from 1 } }",
        meta="shares n",
        globals="n = function(){ [app:n, ent:n] }",
    )
    picos = [engine.root, engine.new_pico("child")]
    for pico in picos:
        pico.install(text)
    for pico in picos:
        pico.raise_event("t", "go")
    assert [pico.query("demo", "n") for pico in picos] == [[2, 1], [2, 1]]


def test_a_module_keeps_its_own_variables_and_gives_its_clients_directives(engine: Engine) -> None:
    pico = engine.root
    pico.install(
        rules(
            rid="lib.counter",
            meta="provides next, step, tell, add configure using step = 1",
            globals="""next = function(){ ent:n.defaultsTo(0) + step }
                tell = defaction(to){ send_directive("told", {"to": to, "step": step}) return to + "!" }
                add = function(a, b){ a + b }""",
        )
    )
    pico.install(
        rules(
            """rule go { select when t go
                 every { ten:tell("ada") setting(answer) one:tell("bob") }
                 fired { ent:got := [answer, ten:next(), one:next(), one:step, 2.one:add(3)] } }""",
            rid="client",
            meta="""use module lib.counter alias ten with step = 10
                use module lib.counter alias one shares got""",
            globals="got = function(){ ent:got }",
        )
    )
    turn = pico.raise_event("t", "go")
    assert told(turn) == [("told", {"to": "ada", "step": 10}), ("told", {"to": "bob", "step": 1})]
    assert {(each.rid, each.rule) for each in turn.directives} == {("client", "go")}
    assert pico.query("client", "got") == ["ada!", 10, 1, 1, 5]
    with pytest.raises(PicoschedError, match="is used by client"):
        pico.uninstall("lib.counter")


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("m:childs()", "unknown member m:childs; near it: children"),
        ("m:zzz()", f"unknown member m:zzz: lib.family provides children, {', '.join(NAMES[:99])}, …"),
        ('ctx:install("")', "found an empty String as the url of a ruleset, wanted one that is not empty"),
        ("m:children()", "found an Array, wanted an action: [Array]"),
        ("math:abs(1)", "math:abs is a function, wanted an action"),
    ],
)
def test_a_use_that_cannot_work_says_what_would(engine: Engine, use: str, message: str) -> None:
    names = f"children, {', '.join(NAMES)}"
    values = " ".join(f"{name} = 1" for name in NAMES)
    family = f"meta {{ provides {names} }} global {{ children = [] {values} }}"
    engine.root.install(f"ruleset lib.family {{ {family} }}")
    engine.root.install(rules(f"rule go {{ select when t go {use} }}", meta="use module lib.family alias m"))
    (error,) = engine.root.raise_event("t", "go").errors
    assert error.message == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rules(meta="use module missing.one alias m"), "the module missing.one is not installed"),
        (rules(globals='x = ent:a - "b"'), "cannot - "),
        (rules(globals="f = function(){ f() } x = f()"), "nested more than"),
        ("ruleset demo { rule r { select when a b noop( } }", "found `}`"),
    ],
)
def test_a_ruleset_that_cannot_start_is_not_installed(engine: Engine, text: str, message: str) -> None:
    with pytest.raises(KrlError, match=message):
        engine.root.install(text)
    assert engine.root.rulesets() == {}


def test_an_action_chooses_samples_and_takes_options(engine: Engine) -> None:
    engine.root.install(
        rules(
            """rule choose { select when t choose choose (event:attrs{"which"}) {
                 one => send_directive("one") two => send_directive("two") }
                 fired { ent:n := 1 } else { ent:n := 0 } }""",
            'rule sample { select when t sample sample { send_directive("a") send_directive("b") } }',
            'rule classic { select when t classic send_directive("say") with text = "hi" and n = 2; }',
        )
    )
    pico = engine.root
    assert told(pico.raise_event("t", "choose", {"which": "two"})) == [("two", {})]
    turn = pico.raise_event("t", "choose", {"which": "none"})
    assert (told(turn), outcomes(turn)) == ([], [("choose", "fired")])
    assert {told(pico.raise_event("t", "sample"))[0][0] for _ in range(30)} == {"a", "b"}
    assert told(pico.raise_event("t", "classic")) == [("say", {"text": "hi", "n": 2})]


def test_a_waiting_rule_still_waits_after_a_restart(tmp_path: Any) -> None:
    path = tmp_path / "waiting.db"
    clock = VirtualClock("2026-03-01T00:00:00Z")
    with Engine(path, clock=clock) as engine:
        engine.root.install(
            rules(
                "rule pair { select when t a k re#(.*)# setting(x) before t b k re#(.*)# setting(y) "
                'send_directive("pair", [x, y]) }'
            )
        )
        engine.root.raise_event("t", "a", {"k": "1"})
    with Engine(path, clock=clock) as engine:
        assert told(engine.root.raise_event("t", "b", {"k": "2"})) == [("pair", ["1", "2"])]
        assert told(engine.root.raise_event("t", "b", {"k": "2"})) == []


def test_and_of_many_events_costs_no_more_than_its_parts(engine: Engine) -> None:
    parts = [f"t:e{n}" for n in range(16)]
    engine.root.install(rules(f'rule all {{ select when and({", ".join(parts)}) send_directive("all") }}'))
    for n in reversed(range(1, 16)):
        assert not engine.root.raise_event("t", f"e{n}").directives
    assert engine.root.raise_event("t", "e0").directives


def test_a_local_keeps_its_value_where_a_guarded_statement_does_not_run(engine: Engine) -> None:
    engine.root.install(
        rules(
            """rule go { select when t go if event:attrs{"fire"} then noop()
                 fired { x = 1; x = 2 if event:attrs{"again"} }
                 finally { y = 3; y = x + 1 if x; raise t event "done" attributes {"x": x, "y": y} } }""",
            'rule done { select when t done send_directive("done", event:attrs) }',
        )
    )
    pico = engine.root
    assert told(pico.raise_event("t", "go", {"fire": True})) == [("done", {"x": 1, "y": 2})]
    assert told(pico.raise_event("t", "go", {"fire": True, "again": 1})) == [("done", {"x": 2, "y": 3})]
    assert told(pico.raise_event("t", "go")) == [("done", {"x": None, "y": 3})]


def test_where_sees_what_earlier_events_of_the_pattern_bound(engine: Engine) -> None:
    engine.root.install(
        rules(
            """rule pair { select when t a k re#(.)# setting(x) before t b where event:attr("k") == x
                 send_directive("pair", x) }"""
        )
    )
    pico = engine.root
    pico.raise_event("t", "a", {"k": "1"})
    assert told(pico.raise_event("t", "b", {"k": "2"})) == []
    assert told(pico.raise_event("t", "b", {"k": "1"})) == [("pair", "1")]


def test_the_size_of_values_is_a_setting() -> None:
    text = rules(
        meta="shares f", globals='f = function(n){ 1.range(n).map(function(x){ "xxxxxxxxxx" }).join("") }'
    )
    with Engine(":memory:", clock=VirtualClock(), max_value_bytes=1_000) as engine:
        engine.root.install(text)
        assert len(engine.root.query("demo", "f", {"n": 90})) == 900
        with pytest.raises(KrlError, match="the most is 1000"):
            engine.root.query("demo", "f", {"n": 110})


def test_keys_are_called_and_operators_of_the_scope_are_values(engine: Engine) -> None:
    engine.root.install(
        rules(
            meta='key a "abc" key b {"id": "x"} shares f',
            globals='f = function(){ [keys:a(), keys:a, keys:b("id"), [5].map(klog), {null: 1, true: 2}] }',
        )
    )
    assert engine.root.query("demo", "f") == ["abc", "abc", "x", [5], {"null": 1, "true": 2}]


def test_a_bare_block_is_every(engine: Engine) -> None:
    engine.root.install(
        rules('rule go { select when t go { send_directive("a") send_directive("b") } fired { ent:x := 1 } }')
    )
    assert [name for name, _ in told(engine.root.raise_event("t", "go"))] == ["a", "b"]


def test_a_turn_names_the_rules_behind_a_last_and_the_rulesets_that_an_event_was_not_for() -> None:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T00:00:00Z")) as engine:
        engine.root.install(
            """ruleset first {
      rule ends { select when t go noop() fired { last } }
      rule behind { select when t go noop() }
      rule asks { select when t ask noop() fired { schedule t event "go" at time:now() } }
    }"""
        )
        engine.root.install("ruleset second { rule other { select when t go noop() } }")
        engine.root.raise_event("t", "ask")
        engine.run_due()
        (entry,) = engine.journal(limit=1)
        why = [
            (each["rid"], each["rule"], each["outcome"], each["why"])
            for each in entry.handled[0]["considered"]
        ]
        assert why == [
            ("second", "*", "bypassed", "the event was only for first"),
            ("first", "ends", "fired", None),
            ("first", "behind", "unreached", "the rule ends ended it with `last`"),
        ]


def test_the_reason_of_a_where_says_what_was_not_reached_and_hides_keys() -> None:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T00:00:00Z")) as engine:
        engine.root.install(
            """ruleset demo {
      meta { key secret "abcd1234" }
      rule both { select when t go where level > 5 && not quiet noop() }
      rule pattern { select when t go token re#x# noop() }
      rule either { select when t go where token == keys:secret && level > 5 noop() }
    }"""
        )
        turn = engine.root.raise_event("t", "go", {"level": 3, "token": "abcd1234"})
        assert [each.why for each in turn.handled[0].considered] == [
            "its `where` on line 3 is false: level was 3, quiet was not reached",
            'the attribute token does not match re#x#: it was "•••"',
            'its `where` on line 5 is false: token was "•••", level was 3',
        ]
