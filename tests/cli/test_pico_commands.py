"""`install uninstall raise query picos channels`: the real command on a real database."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

COUNTER = """\
ruleset counter {
  meta { shares total, greeting  configure using greeting = "hello" }
  global { total = function(){ ent:total.defaultsTo(0) } }
  rule count {
    select when counter add by re#(\\d+)# setting(by)
    send_directive("total", {"total": total() + by.as("Number")})
    always { ent:total := total() + by.as("Number") }
  }
  rule broken {
    select when counter broken
    pre { lost = {}.get("x") - "y" }
    always { ent:total := lost }
  }
  rule later {
    select when counter later
    always {
      schedule explicit event "added" at "2099-01-01T00:00:00Z" with by = 1 setting(id)
      ent:id := id
    }
  }
  rule never { select when counter never  event:remove_scheduled(ent:id) }
}
"""


@pytest.fixture
def counter(run: Any, folder: Path) -> None:
    (folder / "counter.krl").write_text(COUNTER)
    assert run("install", "counter.krl").status == 0


def test_the_main_job_from_install_to_query(picosched: Any, folder: Path) -> None:
    assert picosched("install", "rulesets/tea_timer.krl").out == "installed tea_timer on root\n"
    raised = picosched("raise", "tea:started", "minutes=5").out.splitlines()
    assert raised[0] == 'say {"text":"steeping"}'
    assert raised[1].startswith("scheduled notification:tea_ready tea=tea for 20")
    assert picosched("query", "tea_timer:steeping").out == "1\n"
    assert picosched("query", "tea_timer:cups").json == 0


def test_install_and_check_show_what_fails_only_where_it_is_used(run: Any, folder: Path) -> None:
    text = "ruleset odd {\n  meta { shares f, g }\n  global { f = function() { tme:now() } g = 1 }\n"
    text += '  rule tell { select when t go alert("x") }\n}\n'
    (folder / "odd.krl").write_text(text)
    said = run("check", "odd.krl")
    assert said.status == 0
    assert "odd.krl:3:29: W109 unknown module tme; near it: time\n" in said.out
    assert f"{' ' * 30}^^^^^^^\n" in said.out
    installed = run("install", "odd.krl")
    assert (installed.status, installed.out) == (0, "installed odd on root\n")
    assert installed.err == (
        "warning: odd.krl:3:29: W109 unknown module tme; near it: time\n"
        "warning: odd.krl:4:32: W305 the rule tell is inactive: the action alert changes a web page\n"
    )
    assert run("query", "odd:g").out == "1\n"
    assert run("query", "odd:f").status == 1


@pytest.mark.usefixtures("counter")
def test_raise_prints_json(run: Any) -> None:
    answer = run("raise", "counter:add", "by=3", "--json").json
    assert answer["directives"] == [
        {"name": "total", "options": {"total": 3}, "rid": "counter", "rule": "count"}
    ]
    assert answer["errors"] == []
    assert answer["scheduled"] == []
    assert len(answer["eid"]) == 32
    assert run("query", "counter:total", "--json").json == 3


@pytest.mark.usefixtures("counter")
def test_explain_tells_why_a_rule_did_not_fire(run: Any) -> None:
    result = run("raise", "counter:add", "by=x", "--explain")
    assert result.out.splitlines()[0] == "  counter:add by=x"
    assert result.out.splitlines()[1].startswith("    unselected  counter.count: ")
    (handled,) = run("raise", "counter:add", "by=x", "--explain", "--json").json["handled"]
    assert handled["considered"][0]["outcome"] == "unselected"


@pytest.mark.usefixtures("counter")
def test_an_event_nobody_selects_is_told_so(run: Any) -> None:
    result = run("raise", "counter:ad")
    assert (result.status, result.out) == (0, "no rule selects counter:ad\n")


def test_installing_and_raising_warn_of_a_timespec_that_comes_too_often(run: Any, folder: Path) -> None:
    text = """ruleset often {
  rule make {
    select when often made
    fired { schedule often event "came" repeat "* * * * *" }
  }
}
"""
    (folder / "often.krl").write_text(text)
    installed = run("install", "often.krl")
    assert (installed.status, installed.out) == (0, "installed often on root\n")
    assert "warning: often.krl:4:48: W403 comes every 60 s, and one schedule fires no more" in installed.err
    assert "comes every 60 s: what comes less than 599 s (min_period)" in run("raise", "often:made").err


@pytest.mark.usefixtures("counter")
def test_a_rule_that_fails_is_shown_with_its_line(run: Any) -> None:
    result = run("raise", "counter:broken")
    assert result.status == 0  # the event is handled, and what other rules did is kept
    first, source, caret = result.err.splitlines()
    assert first.startswith("error: counter.broken: counter.krl:11:")
    assert source.strip().startswith("pre { lost")
    assert caret.strip("^ ") == ""
    assert run("raise", "counter:broken", "--json").json["errors"][0].startswith("counter.krl:11:")


@pytest.mark.usefixtures("counter")
def test_a_fault_is_shown_in_the_text_that_is_installed(run: Any, folder: Path) -> None:
    file = folder / "counter.krl"
    file.write_text("\n\n" + file.read_text())
    assert run("raise", "counter:broken").err.splitlines()[1].strip() == 'pre { lost = {}.get("x") - "y" }'


@pytest.mark.usefixtures("counter")
def test_attributes_come_as_words_and_as_json_and_words_win(run: Any) -> None:
    answer = run(
        "raise", "counter:add", "by=2", "--attrs", '{"by": 1, "other": [1]}', "--explain", "--json"
    ).json
    assert answer["handled"][0]["attrs"] == {"by": 2, "other": [1]}


@pytest.mark.usefixtures("counter")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("counter",), "wanted domain:type"),
        (("counter:",), "wanted domain:type"),
        (("counter:add", "by"), "wanted name=value"),
        (("counter:add", "by=1", "by=2"), "found by twice"),
        (("counter:add", "--attrs", "{nope"), "wanted JSON"),
        (("counter:add", "--attrs", "[1]"), "wanted a JSON map"),
        (("counter:add", "--pico", "nosuch"), "there is no pico nosuch"),
        (("counter:add", "--eci", "nosuch"), "there is no channel nosuch"),
    ],
)
def test_an_event_that_cannot_be_raised_is_1(run: Any, words: tuple[str, ...], said: str) -> None:
    result = run("raise", *words)
    assert (result.status, result.out) == (1, "")
    assert said in result.err


@pytest.mark.usefixtures("counter")
def test_a_pico_and_a_channel_at_once_are_wrong_usage(run: Any) -> None:
    assert run("raise", "a:b", "--pico", "root", "--eci", "1").status == 2
    assert run("query", "a:b", "--pico", "root", "--eci", "1").status == 2
    assert run("picos", "--parent", "root").status == 2
    assert run("channels", "--tag", "x").status == 2


@pytest.mark.usefixtures("counter")
def test_a_turn_tells_what_it_scheduled_and_cancelled(run: Any) -> None:
    made = run("raise", "counter:later")
    assert made.out.startswith("scheduled explicit:added by=1 for 2099-01-01T00:00:00Z (")
    assert run("raise", "counter:never").out == f"cancelled {made.out.split('(')[1][:8]}\n"


@pytest.mark.usefixtures("counter")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("counter:nosuch",), "shares no nosuch"),
        (("nosuch:total",), "no ruleset nosuch"),
        (("counter",), "wanted rid:name"),
    ],
)
def test_a_query_nobody_can_answer_is_1(run: Any, words: tuple[str, ...], said: str) -> None:
    result = run("query", *words)
    assert (result.status, result.out) == (1, "")
    assert said in result.err


def test_a_ruleset_with_a_fault_is_not_installed(run: Any, folder: Path) -> None:
    (folder / "bad.krl").write_text("ruleset bad {\n  rule r { select when x y  send_directve() }\n}\n")
    result = run("install", "bad.krl")
    assert result.status == 1
    assert result.err.splitlines()[0].startswith("error: bad.krl:2:29: unknown action send_directve")
    assert result.err.splitlines()[2].strip() == "^" * len("send_directve")
    assert run("picos", "--json").json["rulesets"] == []


@pytest.mark.parametrize(
    "place", ["nosuch.krl", "rulesets", "file:/nosuch.krl", "no{such}.krl", "http://127.0.0.1:1/x"]
)
def test_a_ruleset_that_is_not_there_is_1(run: Any, place: str) -> None:
    result = run("install", place)
    assert (result.status, result.err.startswith("error: ")) == (1, True)


@pytest.mark.files
def test_a_database_without_a_folder_is_1(run: Any) -> None:
    result = run("install", "rulesets/tea_timer.krl", "--db", "nosuch/a.db")
    assert (result.status, "there is no folder nosuch" in result.err) == (1, True)


@pytest.mark.usefixtures("counter")
def test_a_configuration_comes_with_the_ruleset_and_stays(run: Any) -> None:
    assert run("install", "counter.krl", "--config", "[1]").status == 1
    assert run("install", "counter.krl", "--json").json["rid"] == "counter"


@pytest.mark.usefixtures("counter")
def test_a_ruleset_is_taken_off(run: Any) -> None:
    assert run("uninstall", "counter").out == "uninstalled counter from root\n"
    assert run("uninstall", "counter").status == 1


def test_picos_are_made_listed_and_deleted(run: Any) -> None:
    assert run("picos", "--new", "kitchen").status == 0
    run("picos", "--new", "shelf", "--parent", "kitchen")
    run("install", "rulesets/tea_timer.krl", "--pico", "shelf")
    listed = [(each["name"], each["parent"], each["rulesets"]) for each in run("picos", "--json").lines]
    assert listed == [("root", None, []), ("kitchen", "root", []), ("shelf", "kitchen", ["tea_timer"])]
    assert run("picos", "--new", "shelf").status == 3
    assert run("raise", "tea:started", "--pico", "shelf").status == 0
    assert len(run("picos", "--delete", "kitchen", "--json").lines) == 1
    assert run("picos", "--delete", "root").status == 1


@pytest.mark.usefixtures("counter")
def test_channels_let_pass_what_their_policy_allows(run: Any) -> None:
    run(
        "channels",
        "--new",
        "--tag",
        "My App",
        "--allow-events",
        "counter:add",
        "--allow-queries",
        "counter:*",
    )
    channel = run("channels", "--json").json
    assert channel["tags"] == ["my-app"]
    assert channel["events"] == {"allow": ["counter:add"], "deny": []}
    assert run("raise", "counter:add", "by=1", "--eci", channel["eci"]).status == 0
    refused = run("raise", "counter:never", "--eci", channel["eci"])
    assert (refused.status, "not allowed by the channel's policy" in refused.err) == (1, True)
    assert run("query", "counter:total", "--eci", channel["eci"]).json == 1
    assert run("channels", "--new", "--allow-events", "nocolon").status == 1
    assert run("channels", "--delete", channel["eci"], "--json").out == ""
    assert run("channels", "--delete", channel["eci"]).status == 1


@pytest.mark.usefixtures("counter")
def test_tables_are_not_cut_where_nobody_sees_them(picosched: Any) -> None:
    name = "a" * 150
    picosched("picos", "--new", name)
    assert name in picosched("picos").out


def on_a_terminal(folder: Path, *words: str, width: int = 80) -> str:
    """What a command prints on a terminal of that width, without its styles."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    script = Path(sys.executable).with_name("picosched")
    env = {**os.environ, "TERM": "xterm"}
    env.pop("COLUMNS", None)
    process = subprocess.Popen([script, *words], stdin=theirs, stdout=theirs, cwd=folder, env=env)
    os.close(theirs)
    written = bytearray()
    with contextlib.suppress(OSError):  # at its end a terminal raises one
        while part := os.read(ours, 4096):
            written += part
    os.close(ours)
    assert process.wait(60) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", written.decode()).replace("\r\n", "\n")


@pytest.mark.files
@pytest.mark.slow
def test_a_narrow_terminal_shortens_no_id_and_no_time(run: Any, folder: Path) -> None:
    run("install", "rulesets/tea_timer.krl")
    run("raise", "tea:started", "minutes=90", 'tea="a very long name of a tea that nobody knows"')
    events = [f"--allow-events=some_domain:type_{n}" for n in range(20)]
    run("channels", "--new", *events)
    (row,) = run("scheduled", "--json").lines
    shown = on_a_terminal(folder, "scheduled")
    assert f"{row['due']} " in shown and row["id"][:8] in shown and "…" not in shown
    run("fire", row["id"])
    (fire,) = run("history", "--json").lines
    shown = on_a_terminal(folder, "history")
    assert f"{fire['nominal']}  " in shown and f"  {fire['fired']}  " in shown
    assert run("picos", "--json").json["id"] in on_a_terminal(folder, "picos", width=40)
    channel = run("channels", "--json").lines[-1]
    assert channel["eci"] in on_a_terminal(folder, "channels")
    assert "some_domain:type_3 and 16 more" in run("channels").out and len(channel["events"]["allow"]) == 20


def test_the_history_names_the_pico_whose_rules_ran(run: Any, folder: Path) -> None:
    (folder / "sender.krl").write_text(
        "ruleset sender { rule go { select when t go "
        'event:send({"eci": event:attrs{"eci"}, "domain": "t", "type": "hello"}) } }'
    )
    (folder / "hearer.krl").write_text("ruleset hearer { rule hear { select when t hello noop() } }")
    run("install", "sender.krl")
    run("picos", "--new", "attic")
    run("install", "hearer.krl", "--pico", "attic")
    eci = run("channels", "--new", "--pico", "attic", "--json").lines[-1]["eci"]
    run("raise", "t:go", f"eci={eci}")
    closed = run("channels", "--new", "--pico", "attic", "--allow-events", "t:other", "--json").lines[-1][
        "eci"
    ]
    run("raise", "t:go", f"eci={closed}")
    run("run", "--once")
    failed, heard = run("history", "--json").lines
    assert (heard["pico"], heard["rules"]) == ("attic", ["hearer.hear"])
    assert (failed["pico"], failed["outcome"]) == ("root", "failed")
    assert run("history", "--pico", "attic", "--json").json == heard
    assert "made by    sender.go at " in run("show", heard["id"]).out


def test_a_missing_standard_ruleset_is_named_with_its_cure(run: Any, folder: Path) -> None:
    (folder / "wovyn.krl").write_text(
        "ruleset wovyn { meta { use module io.picolabs.wrangler alias wrangler } }"
    )
    url = "picosched://standard/io.picolabs.wrangler.krl"
    span = ("--from", "2026-03-01", "--until", "2026-03-02")
    for words in (("install", "wovyn.krl"), ("simulate", "wovyn.krl", *span)):
        refused = run(*words)
        assert (refused.status, f"it is a standard ruleset: install {url} first" in refused.err) == (1, True)
    assert run("install", url, "wovyn.krl").status == 0
    assert run("simulate", url, "wovyn.krl", *span).status == 0


def test_an_event_that_fires_no_rule_says_where_to_look(run: Any, folder: Path) -> None:
    (folder / "idle.krl").write_text(
        "ruleset idle { rule plan { select when idle wanted always {"
        ' schedule idle event "due" repeat "0 9 * * *" } }'
        " rule due { select when idle due if 1 == 2 then noop() } }"
    )
    run("install", "idle.krl")
    assert run("raise", "idle:due").out == "no rule fired; --explain says why\n"
    assert "notfired" in run("raise", "idle:due", "--explain").out
    run("raise", "idle:wanted")
    (row,) = run("scheduled", "--json").lines
    assert "no rule fired; --explain says why" in run("fire", row["id"]).out
    assert "notfired    idle.due: its condition" in run("fire", row["id"], "--explain").out
