"""`picosched plan`: what it prints, and its exit status."""

from pathlib import Path
from typing import Any

import pytest

RULES = Path("rulesets/tea_timer.krl")


@pytest.fixture
def changed(run: Any) -> str:
    """A file with another text of an installed ruleset, whose event is still to come."""
    assert run("install", str(RULES)).status == 0
    assert run("raise", "tea:started", "minutes=5", "tea=Assam").status == 0
    Path("new.krl").write_text(RULES.read_text().replace("is ready>>", "is done>>"))
    return "new.krl"


def test_its_status_says_whether_something_changes(run: Any, changed: str) -> None:
    assert run("plan", str(RULES)).status == 0
    result = run("plan", changed, "--days", "1")
    assert result.status == 2
    assert result.out.startswith("deploy tea_timer on root\n1 pico changes, from ")
    assert '+ directive say {"text":"your Assam is done"}' in result.out
    assert '- directive say {"text":"your Assam is ready"}' in result.out
    broken = run("plan", changed, "--assert", "no more than 0 fires/day")
    assert broken.status == 1
    assert "BROKEN: no more than 0 fires/day: found 1 in the day of " in broken.out
    Path("faulty.krl").write_text("ruleset tea_timer { rule }")
    faulty = run("plan", "faulty.krl")
    assert (faulty.status, faulty.out) == (1, "")
    assert faulty.err.startswith("error: faulty.krl:1:")


def test_as_json_and_as_markdown(run: Any, changed: str) -> None:
    told = run("plan", changed, "--json").json
    assert (told["status"], [each["pico"] for each in told["picos"]]) == (2, ["root"])
    shown = run("plan", changed, "--markdown")
    assert shown.status == 2
    assert "**root**" in shown.out
    assert "```diff" in shown.out
    both = run("plan", changed, "--markdown", "--json")
    assert both.status == 1
    assert "give --markdown or --json, not both" in both.err


@pytest.mark.parametrize("line", ["plan x.krl", "replay --from-backup x.db"])
def test_wrong_use_is_a_fault_and_no_difference(run: Any, line: str) -> None:
    assert run(*line.split(), "--no-such-option").status == 1
    assert run(*line.split(), "--db", "a.db", "--url", "http://127.0.0.1:1").status == 1
    assert run("show", "x", "--no-such-option").status == 2


@pytest.mark.files
def test_nothing_is_changed(run: Any, changed: str) -> None:
    before = Path("picosched.db").read_bytes()
    run("plan", changed)
    assert Path("picosched.db").read_bytes() == before
