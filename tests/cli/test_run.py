"""`picosched run`: the engine in the foreground."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from conftest import Run

RULESET = """ruleset now {
  rule later { select when t later fired { schedule t event "now" at time:now() with n = 1 } }
  rule now { select when t now send_directive("now", event:attrs) }
}"""


def test_what_is_due_is_raised_once_and_told(run: Run, folder: Path) -> None:
    (folder / "now.krl").write_text(RULESET)
    assert run("install", "now.krl").status == 0
    assert run("raise", "t:later").status == 0
    (turn,) = run("run", "--once", "--json").lines
    assert turn["directives"][0]["options"] == {"n": 1}
    assert turn["handled"][0]["considered"][0]["outcome"] == "fired"
    assert run("run", "--once").out == ""
    assert "fired" in run("history").out


def test_it_runs_until_it_is_stopped(run: Run, folder: Path) -> None:
    (folder / "now.krl").write_text(RULESET)
    run("install", "now.krl")
    run("raise", "t:later")
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("picosched")), "run", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ,
    ) as process:
        assert process.stdout is not None
        turn = json.loads(process.stdout.readline())
        refused = run("raise", "t:later")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert turn["directives"][0]["name"] == "now"
    assert (refused.status, "in use by another picosched" in refused.err) == (3, True)


def test_an_event_and_a_query_may_be_written_as_two_words(run: Run) -> None:
    assert run("install", "rulesets/tea_timer.krl").status == 0
    assert run("raise", "tea", "started", "minutes=5").out.startswith("say")
    assert run("query", "tea_timer", "steeping").json == 1
    assert "wanted rid:name" in run("query", "tea_timer").err
