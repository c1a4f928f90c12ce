"""`windows` and its kin: which are open, and windows that are made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SETTINGS = '[window.night]\nfrom = "0 22 * * *"\nto = "0 6 * * *"\n'
TIED = """ruleset tied {
  rule edge { select when window opened name re#^day$# send_directive("open") }
}"""

ASKS = """ruleset asks {
  rule tea { select when tea time where window:open("morning") send_directive("tea") }
}"""


def test_without_windows_it_says_so(run: Any, folder: Path) -> None:
    (folder / "tied.krl").write_text(TIED)
    assert run("install", "tied.krl").status == 0
    assert run("windows").out == (
        "there are no windows; `picosched add-window` makes one, or a table [window.NAME]\n"
    )
    assert run("windows", "--json").lines == []


def test_a_window_is_made_changed_and_removed(run: Any, folder: Path) -> None:
    (folder / "picosched.toml").write_text(SETTINGS)
    (folder / "tied.krl").write_text(TIED)
    assert run("install", "tied.krl").status == 0
    made = run("add-window", "day", "weekdays at 8:00", "0 18 * * 1-5", "--tz", "Europe/Berlin")
    assert made.out == "added: day from weekdays at 8:00 to 0 18 * * 1-5, Europe/Berlin\n"
    changed = run("change-window", "day", "--from", "0 7 * * *", "--tz", "UTC", "--json").json
    assert (changed["from"], changed["to"], changed["in"]) == ("0 7 * * *", "0 18 * * 1-5", "UTC")
    assert changed["outcome"] == "changed"
    night, day = run("windows", "--json").lines
    assert [each["configured"] for each in (night, day)] == [True, False]
    assert day["made_by"].startswith("the command line") and day["uses"]["rulesets"] == 1
    table = run("windows").out
    assert "the settings" in table and "1 ruleset" in table and "nothing" in table
    deeds = [(each["what"], each["on"]) for each in run("audit", "--kind", "window", "--json").lines]
    assert deeds == [("changed", "day"), ("added", "day")]
    refused = run("remove-window", "day")
    assert (refused.status, "in use by the ruleset tied; wanted" in refused.err) == (3, True)
    assert run("remove-window", "day", "--force").out == "removed: day\n"


@pytest.mark.files
def test_the_doctor_finds_nothing_wrong_with_a_window_that_was_made(run: Any, folder: Path) -> None:
    (folder / "tied.krl").write_text(TIED)
    assert run("install", "tied.krl").status == 0
    assert run("add-window", "day", "weekdays at 8:00", "0 18 * * 1-5").status == 0
    assert run("doctor").status == 0


def test_what_is_wrong_with_a_window_is_said(run: Any, folder: Path) -> None:
    (folder / "picosched.toml").write_text(SETTINGS)
    (folder / "tied.krl").write_text(TIED)
    assert run("install", "tied.krl").status == 0
    for words, told in (
        (("add-window", "night", "@daily", "0 9 * * *"), "a table [window.night] of the settings"),
        (("add-window", "new", "at dinner", "@daily"), 'timespec "at dinner"'),
        (("add-window", "new", "@daily", "0 9 * * *", "--tz", "Mars"), "Mars"),
        (("remove-window", "night"), "a table [window.night] of the settings"),
        (("remove-window", "nosuch"), "there is no window nosuch"),
        (("change-window", "nosuch", "--tz", "UTC"), "there is no window nosuch"),
    ):
        failed = run(*words)
        assert (failed.status, told in failed.err) == (3 if "[window." in told else 1, True), failed.err
    assert run("change-window", "night").status == 2


def test_a_server_does_not_start_with_two_windows_of_a_name(run: Any, folder: Path) -> None:
    (folder / "tied.krl").write_text(TIED)
    assert run("install", "tied.krl").status == 0
    assert run("add-window", "night", "0 22 * * *", "0 6 * * *").status == 0
    (folder / "picosched.toml").write_text(SETTINGS)
    for words in (("run", "--once"), ("serve", "--port", "0")):
        failed = run(*words)
        assert failed.status == 3
        assert "found the window night in the settings, and one made by" in failed.err
    (listed,) = run("windows", "--json").lines
    assert listed["configured"] and listed["fault"].startswith("one made by the command line")
    assert run("remove-window", "night").status == 0
    assert run("run", "--once").status == 0


def test_a_name_that_is_almost_right_is_suggested(run: Any, folder: Path) -> None:
    (folder / "asks.krl").write_text(ASKS)
    warned = run("install", "asks.krl").err
    assert "W406 there is no window morning in this ruleset or the settings; `picosched add-window`" in warned
    assert run("add-window", "morning", "0 8 * * *", "0 9 * * *").status == 0
    assert "W406" not in run("install", "asks.krl").err
    for words in (("remove-window", "mornings"), ("change-window", "mornings", "--tz", "UTC")):
        failed = run(*words)
        assert (failed.status, failed.err) == (
            1,
            "error: there is no window mornings; did you mean morning?\n",
        )
    failed = run("schedule", "tea:time", "--repeat", "@daily", "_window=noon")
    assert failed.err == "error: there is no window noon; there is morning\n"
