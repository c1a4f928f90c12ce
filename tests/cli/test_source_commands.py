"""`sources add-source remove-source pause-source resume-source`, and what `run` does with picosched.toml."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from picosched.engine.engine import Engine

pytestmark = pytest.mark.slow

TICK = {"type": "metronome", "name": "tick", "interval": 20, "to": {"pico": "root"}}
TOML = """[engine]
granularity = 1

[[source]]
type = "metronome"
name = "tick"
interval = 20
to = { pico = "root" }
"""


@pytest.fixture(autouse=True)
def database(folder: Path) -> None:
    with Engine("picosched.db"):
        pass


def test_a_source_is_added_listed_paused_resumed_and_removed(run: Any) -> None:
    added = run("add-source", json.dumps(TICK), "--json").json
    assert (added["name"], added["type"]) == ("tick", "metronome")
    (listed,) = run("sources", "--json").lines
    assert (listed["id"], listed["to"], listed["fires"], listed["paused"]) == (
        added["id"], {"pico": "root"}, 0, False,
    )  # fmt: skip
    assert run("pause-source", "tick", "--until", "2099-01-01").out == (
        f"paused tick ({added['id'][:8]}) until 2099-01-01T00:00:00Z\n"
    )
    assert "paused until 2099-01-01T00:00:00Z" in run("sources").out
    assert run("resume-source", added["id"][:6]).out.startswith(f"resumed tick ({added['id'][:8]}), due 2")
    again = run("resume-source", "tick")
    assert (again.status, "is not paused" in again.err) == (1, True)
    assert run("remove-source", "tick").out == f"removed tick ({added['id'][:8]})\n"
    assert run("sources").out == "there are no sources\n"


def test_a_file_is_added_wholly_or_not_at_all(run: Any, folder: Path) -> None:
    table = '[[source]]\ntype = "metronome"\nname = "%s"\ninterval = 1000\nto = { pico = "%s" }\n'
    (folder / "sources.toml").write_text(table % ("a", "root") + table % ("b", "nosuch"))
    result = run("add-source", "sources.toml")
    assert (result.status, result.err) == (1, "error: there is no pico nosuch\n")
    assert run("sources", "--json").lines == []
    (folder / "sources.toml").write_text(table % ("a", "root") + table % ("b", "root"))
    assert [line.split()[1] for line in run("add-source", "sources.toml").out.splitlines()] == ["a", "b"]


@pytest.mark.parametrize(
    ("declaration", "told"),
    [
        ("nosuch.toml", "nosuch.toml: no such file"),
        ("empty.toml", "empty.toml: found no table [[source]], wanted at least one"),
        ('{"type": "x"}', 'the source, type: found "x", wanted one of metronome, crononome, crontab'),
        ('{"type"', "the declaration"),
    ],
)
def test_what_cannot_be_added_is_told(run: Any, folder: Path, declaration: str, told: str) -> None:
    (folder / "empty.toml").write_text("[engine]\n")
    result = run("add-source", declaration)
    assert result.status == 1
    assert told in result.err


@pytest.mark.files
def test_run_brings_the_configuration_in_line_and_ticks(run: Any, folder: Path) -> None:
    (folder / "picosched.toml").write_text(TOML)
    process = subprocess.Popen(
        [Path(sys.executable).with_name("picosched"), "run", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "sources of picosched.toml added: tick\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    (listed,) = run("sources", "--json").lines
    assert listed["configured"] and listed["fires"] > 5
    assert run("pause-source", "tick", "--until", "2026-01-01").status == 1
    assert run("pause-source", "tick", "--json").json["outcome"] == "paused"
    assert run("resume-source", "tick", "--json").json["due"]
    refused = run("remove-source", "tick")
    assert (refused.status, "is configured in picosched.toml" in refused.err) == (3, True)
    (folder / "picosched.toml").unlink()
    assert run("run", "--once").err == ""
    (folder / "picosched.toml").write_text("[engine]\n")
    assert run("run", "--once").err == "sources of picosched.toml removed: tick\n"
    assert run("sources").out == "there are no sources\n"
