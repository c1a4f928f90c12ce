"""`picosched run`: the engine in the foreground."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from racing import until

from picosched import Engine, VirtualClock

RULESET = """ruleset now {
  rule later { select when t later fired { schedule t event "now" at time:now() with n = 1 } }
  rule now { select when t now send_directive("now", event:attrs) }
}"""


def test_what_is_due_is_raised_once_and_told(run: Any, folder: Path) -> None:
    (folder / "now.krl").write_text(RULESET)
    assert run("install", "now.krl").status == 0
    assert run("raise", "t:later").status == 0
    (turn,) = run("run", "--once", "--json").lines
    assert turn["directives"][0]["options"] == {"n": 1}
    assert turn["handled"][0]["considered"][0]["outcome"] == "fired"
    assert run("run", "--once").out == ""
    assert "fired" in run("history").out


def test_a_message_that_is_refused_is_told(run: Any, folder: Path) -> None:
    send = """rule send { select when t send every {
        ctx:newChannel(["closed"], {"allow": []}) setting(closed)
        event:send({"eci": closed{"id"}, "domain": "t", "type": "now"}) } }"""
    (folder / "lost.krl").write_text(f"ruleset lost {{ {send} }}")
    run("install", "lost.krl")
    run("raise", "t:send")
    refused = "the event t:now is not allowed by the channel's policy"
    assert run("run", "--once").out.endswith(f"    failed: {refused}\n")
    run("raise", "t:send")
    (told,) = run("run", "--once", "--json").lines
    assert (told["outcome"], told["why"]) == ("failed", refused)


@pytest.mark.files
@pytest.mark.slow
def test_it_runs_until_it_is_stopped(run: Any, folder: Path) -> None:
    (folder / "now.krl").write_text(RULESET)
    run("install", "now.krl")
    run("raise", "t:later")
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("picosched")), "run", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    ) as process:
        assert process.stdout is not None
        turn = json.loads(process.stdout.readline())
        refused = run("raise", "t:later")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert turn["directives"][0]["name"] == "now"
    assert (refused.status, "in use by another picosched" in refused.err) == (3, True)


@pytest.mark.files
@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "worker"])
def test_a_signal_that_another_thread_gets_stops_it_too(run: Any, folder: Path, command: str) -> None:
    (folder / "now.krl").write_text(RULESET)
    run("install", "now.krl")
    words = [Path(sys.executable).with_name("picosched"), command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=folder) as process:
        assert process.stdout is not None and process.stdout.readline()
        threads = Path(f"/proc/{process.pid}/task")
        until(lambda: len([*threads.iterdir()]) > 1)
        other = next(int(each.name) for each in threads.iterdir() if int(each.name) != process.pid)
        ctypes.CDLL(None).tgkill(process.pid, other, signal.SIGTERM)
        assert process.wait(30) == 0


def test_an_event_and_a_query_may_be_written_as_two_words(run: Any) -> None:
    assert run("install", "rulesets/tea_timer.krl").status == 0
    assert run("raise", "tea", "started", "minutes=5").out.startswith("say")
    assert run("query", "tea_timer", "steeping").json == 1
    assert "wanted rid:name" in run("query", "tea_timer").err


EVERY = """ruleset every {
  rule make { select when t make fired {
    schedule t event "now" repeat "*/20 * * * *" with _misfire = "once" and _until = "2026-03-02"
    schedule t event "now" repeat "0 * * * *" with _misfire = "skip" and _until = "2026-03-02" } }
  rule now { select when t now send_directive("now") }
}"""  # they end, so that no time at which the test is run is one of theirs


@pytest.mark.slow
def test_what_was_missed_is_rehearsed_before_anything_is_raised(run: Any, folder: Path) -> None:
    with Engine(folder / "picosched.db", VirtualClock("2026-03-01T00:00:00Z")) as engine:
        engine.root.install(EVERY)
        engine.root.raise_event("t", "make")
    rehearsed = run("run", "--once", "--catch-up", "rehearse")
    assert rehearsed.status == 0
    assert "2026-03-01T00:20:00Z  t:now  root  coalesced" in rehearsed.out
    assert "skipped: it was missed, and its misfire policy is skip" in rehearsed.out
    assert "missed occurrences: 1 coalesced, 1 skipped" in rehearsed.out
    assert "nothing was raised" in rehearsed.err
    lines = run("run", "--once", "--catch-up", "rehearse", "--json").lines
    assert [(each["outcome"], each["rules"]) for each in lines] == [
        ("coalesced", ["every.now"]),
        ("skipped", []),
    ]
    assert run("history", "--json").out == ""
    assert run("run", "--once").status == 0
    done = {each["id"]: (each["outcome"], each["rules"]) for each in run("history", "--json").lines}
    assert done == {each["id"]: (each["outcome"], each["rules"]) for each in lines}
    assert "nothing was missed" in run("run", "--once", "--catch-up", "rehearse").out


def test_a_grace_of_more_than_a_day_is_refused(run: Any) -> None:
    """A thread could not count it, and the process would not end."""
    ended = run("run", "--grace", "1e10")
    assert (ended.status, "--grace" in ended.err, "86400" in ended.err) == (2, True, True)


ENDING = """ruleset ending {
  rule tick { select when metronome tick
    always { ent:ticks := ent:ticks.defaultsTo(0) + 1; raise done event "now" attributes {"exit": %s}
      if ent:ticks == 3 } }
  rule end { select when t end fired { raise done event "now" attributes event:attrs } }
  rule later { select when t later fired { schedule t event "end" at time:now() attributes event:attrs } }
}"""


@pytest.mark.slow
def test_an_event_ends_it_with_the_status_it_has(picosched: Any, run: Any, folder: Path) -> None:
    (folder / "ending.krl").write_text(ENDING % "7")
    run("install", "ending.krl")
    run("add-source", json.dumps({"type": "metronome", "interval": 20, "to": {"pico": "root"}}))
    result = picosched("run", "--exit-on", "done:now")
    assert (result.status, result.err) == (7, "")
    assert "Ctrl-C stops" in result.out


@pytest.mark.parametrize(
    ("attrs", "status", "error"),
    [
        ((), 0, ""),
        (("exit=0",), 0, ""),
        (("exit=3",), 3, ""),
        (('exit="255"',), 255, ""),
        (("exit=256",), 1, "error: found 256 as exit, wanted a whole number from 0 to 255\n"),
        (("exit=-1",), 1, "error: found -1 as exit, wanted a whole number from 0 to 255\n"),
        (("exit=true",), 1, "error: found True as exit, wanted a whole number from 0 to 255\n"),
    ],
)
def test_the_status_is_that_of_the_event(
    run: Any, folder: Path, attrs: tuple[str, ...], status: int, error: str
) -> None:
    (folder / "ending.krl").write_text(ENDING % "7")
    run("install", "ending.krl")
    run("raise", "t:later", *attrs)
    result = run("run", "--once", "--exit-on", "done:now")
    assert (result.status, result.err) == (status, error)
    assert run("run", "--once", "--exit-on", "done:now").status == 0  # nothing was due


def test_what_ends_it_is_an_event(run: Any) -> None:
    assert run("run", "--exit-on", "done").status == 2
