"""Rulesets in the styles of other engines do what their logs say, and the page says what they do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .page import CLIENTS, DIFFERENCES, HERE, PAGE, ROOT, date_of, page
from .replay import logs, replay

LOGS = [log for folder in ("node", "classic") for log in logs(HERE / folder)]


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_each_outcome_is_as_the_log_says_or_meant_to_differ(log: Path) -> None:
    for outcome in replay(log):
        assert outcome.same != ("meant" in outcome.step), f"{outcome.asked}: {outcome.wanted} {outcome.found}"


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_each_meant_difference_has_a_row_on_the_page_of_differences(log: Path) -> None:
    rows = DIFFERENCES.read_text(encoding="utf-8").splitlines()
    for step in json.loads(log.read_text(encoding="utf-8")):
        if "meant" in step:
            assert [row for row in rows if row.startswith(f"| {step['meant']} |")], step


@pytest.mark.slow
def test_the_page_is_what_the_logs_give() -> None:
    now_stands = PAGE.read_text(encoding="utf-8")
    date = date_of(now_stands)
    assert date and page(date) == now_stands, "run python -m tests.compat, and review the diff"


def test_an_outcome_that_differs_is_seen(tmp_path: Path) -> None:
    (tmp_path / "r.krl").write_text("ruleset r { meta { shares n } global { n = function() { 1 } } }")
    steps = [
        {"install": "r", "outcome": {"installed": "r"}},
        {"query": "r/n", "outcome": {"answer": 1.0}},
        {"query": "r/n", "outcome": {"answer": True}},
        {"query": "r/n", "outcome": {"error": "no"}},
        {"query": "r/m", "outcome": {"answer": None}},
    ]
    (tmp_path / "r.json").write_text(json.dumps(steps))
    assert [outcome.same for outcome in replay(tmp_path / "r.json")] == [True, True, False, False, False]


@pytest.mark.slow
def test_the_command_checks_the_page() -> None:
    command = [sys.executable, "-m", "tests.compat"]
    done = subprocess.run([*command, "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    wrong = subprocess.run([*command, "--chek"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert wrong.returncode == 2 and "wanted nothing or --check" in wrong.stderr


def test_the_tests_of_http_are_on_the_page() -> None:
    names = [line.split("(")[0] for line in CLIENTS.read_text().splitlines() if line.startswith("def test_")]
    text = PAGE.read_text(encoding="utf-8")
    missing = [name for name in names if name.removeprefix("def test_").replace("_", " ") not in text]
    assert names and missing == []
