"""`picosched eval` and `picosched next`."""

from pathlib import Path
from typing import Any

import pytest

VALUES = [
    ("1 + 2", 3),
    ("a = 3; a * a", 9),
    ('{"a": [1, null, true]}', {"a": [1, None, True]}),
    ("[1, 2].map(function(x){ x * x })", [1, 4]),
    ("ent:nothing", None),
    ("event:attrs", None),
    ("event:list_scheduled()", []),
    ("1 / 0", 0),
    ('"é".uc() + "☕"', "É☕"),
]


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_eval_prints_json(run: Any, expression: str, value: Any) -> None:
    result = run("eval", expression)
    assert (result.status, result.json) == (0, value)
    assert result.out.count("\n") == 1


def test_eval_sees_attributes(run: Any) -> None:
    result = run("eval", 'event:attrs{"who"} + event:attr("n")', "--attrs", '{"who": "ada", "n": 1}')
    assert result.json == "ada1"


@pytest.mark.parametrize("attrs", ["{", "[1]", "1", "", '{"a": NaN}', "{'a': 1}"])
def test_attributes_that_are_no_json_map_are_told(run: Any, attrs: str) -> None:
    result = run("eval", "1", "--attrs", attrs)
    assert result.status == 1
    assert "--attrs" in result.err
    assert "JSON" in result.err


def test_a_fault_in_an_expression_has_its_caret(picosched: Any) -> None:
    result = picosched("eval", "1 + foo(2)")
    assert result.status == 1
    assert result.out == ""
    assert result.err.splitlines()[1:] == ["  1 + foo(2)", "      ^^^"]


@pytest.mark.parametrize(
    "expression",
    [
        "1 +",
        "",
        "nosuch",
        "random:nosuch()",
        "[1].map(3)",
        "f = function(n){ f(n + 1) }; f(0)",
        "send_directive(1)",
    ],
)
def test_a_faulty_expression_is_1(run: Any, expression: str) -> None:
    result = run("eval", expression)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error: <expression>:1:")


def test_characters_the_terminal_lacks_are_escaped(picosched: Any) -> None:
    assert picosched("eval", '"☕"', PYTHONIOENCODING="ascii").json == "☕"
    assert picosched("eval", '"\ud83d".length()'.encode("utf-8", "replace").decode()).status == 0


def test_next_is_words_and_times(run: Any) -> None:
    result = run("next", "0 9 * * 1-5", "--from", "2026-03-06T09:00:00Z", "-n", "2")
    assert result.out.splitlines()[:3] == [
        "at 09:00 on Monday to Friday",
        "  2026-03-09T09:00:00Z  Mon",
        "  2026-03-10T09:00:00Z  Tue",
    ]


def test_next_as_json_is_one_value(run: Any) -> None:
    result = run("next", "30 2 * * *", "--tz", "Europe/Berlin", "--from", "2026-03-28", "-n", "2", "--json")
    assert result.json == {
        "timespec": "30 2 * * *",
        "tz": "Europe/Berlin",
        "explain": "at 02:30 every day, Europe/Berlin time",
        "next": ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"],
        "left_out": [],
        "ending": None,
    }


def test_next_tells_what_calendars_leave_out(run: Any, folder: Path) -> None:
    (folder / "picosched.toml").write_text('[calendar]\nworks = {dates = {"2026-03-10" = "outing"}}')
    line = ("next", "weekdays at 9 except calendar('works')", "--from", "2026-03-09T12:00:00Z", "-n", "2")
    assert run(*line, "--picture", "none").out.splitlines() == [
        "at 09:00 on Monday to Friday, except on days of the calendar works",
        "  2026-03-11T09:00:00Z  Wed",
        "  2026-03-12T09:00:00Z  Thu",
        "  left out: Tue 2026-03-10: outing",
        'calendar("works") knows no day after 2026-03-10: from then on it leaves none out',
    ]
    assert run(*line, "--json").json["left_out"] == [{"day": "2026-03-10", "why": "outing"}]


def test_next_shows_the_times_of_a_zone_beside_utc(run: Any) -> None:
    result = run("next", "30 2 * * *", "--tz", "Europe/Berlin", "--from", "2026-03-29", "-n", "1")
    assert result.out.splitlines()[2].split() == [
        "2026-03-29T01:00:00Z", "Sun", "2026-03-29", "03:00:00", "CEST"
    ]  # fmt: skip


def test_next_tells_when_there_is_none(run: Any) -> None:
    result = run("next", "0 0 0 1 1 * 2020", "--from", "2026-01-01")
    assert (result.status, result.out.splitlines()[-1]) == (0, "  never again")
    assert run("next", "0 0 0 1 1 * 2020", "--from", "2026-01-01", "--json").json["next"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("61 * * * *",),
        ("",),
        ("0 0 30 2 *",),
        ("* * * * *", "--tz", "Mars/Base"),
        ("* * * * *", "--from", "yesterday"),
    ],
)
def test_what_next_cannot_read_is_1(run: Any, words: tuple[str, ...]) -> None:
    result = run("next", *words)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error: ")


def test_next_needs_a_positive_count(run: Any) -> None:
    assert run("next", "* * * * *", "-n", "0").status == 2
