"""`picosched load`: what it draws, in which colours, and what it suggests."""

from __future__ import annotations

import json
from typing import Any

import pytest

WEEK = ("--from", "2040-03-05", "--until", "2040-03-07")
TABLE = {
    "type": "crontab",
    "name": "table",
    "to": {"pico": "root"},
    "entries": [
        {"name": "early", "when": "0 9 * * *", "event": "report:due"},
        {"name": "often", "when": "*/10 9,17 * * *", "event": "poll:due"},
    ],
}
BEAT = {"type": "metronome", "name": "beat", "interval": 250, "to": {"pico": "root"}}


@pytest.fixture
def busy(run: Any) -> None:
    run("picos", "--new", "kitchen")
    for each in (TABLE, BEAT):
        assert run("add-source", json.dumps(each)).status == 0


def test_the_load_is_drawn_by_day_and_hour(run: Any, busy: None) -> None:
    lines = run("load", *WEEK, "--suggest", "0 9 * * *").out.splitlines()
    assert lines[:4] == [
        "            0      6      12     18",
        "Mon 05 Mar  ······ ···█·· ·····█ ······",
        "Tue 06 Mar  ······ ···█·· ·····█ ······",
        "events in an hour: █ 6 to 7; 26 in all",
    ]
    assert lines[4].startswith("in every minute: 240 of metronome:tick (beat, ")
    assert lines[5] == "2040-03-05T09:00:00Z  2 events"
    assert {line.partition(" (")[0] for line in lines[6:8]} == {"  1 of report:due", "  1 of poll:due"}
    assert lines[-3:] == [
        "0 9 * * *: 2 others at 2040-03-05T09:00:00Z",
        "  1 9 * * *, 1 minute later: no others",
        "  with a _jitter of 3600: 0.12 others on average",
    ]


@pytest.mark.slow
def test_the_marks_have_colours_unless_somebody_wants_none(picosched: Any, busy: None) -> None:
    coloured = picosched("load", *WEEK, FORCE_COLOR="1", COLUMNS="80").out
    assert "\x1b[31m█\x1b[0m" in coloured
    plain = picosched("load", *WEEK, FORCE_COLOR="1", NO_COLOR="1").out
    assert "\x1b[3" not in plain and "█" in plain
    assert "\x1b" not in picosched("load", *WEEK).out


def test_the_load_as_json_is_one_value(run: Any, busy: None) -> None:
    told = run("load", *WEEK, "--json").json
    assert (told["total"], told["complete"]) == (26, "2040-03-07T00:00:00Z")
    assert [each["per_minute"] for each in told["steady"]] == [240]
    assert told["suggestion"] is None


def test_where_nothing_comes_it_says_so(run: Any) -> None:
    run("picos", "--new", "kitchen")
    result = run("load", *WEEK)
    assert result.out == "nothing comes from 2040-03-05T00:00:00Z to 2040-03-07T00:00:00Z\n"
    assert run("load", "--until", "2000-01-01").status == 1
