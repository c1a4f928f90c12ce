"""What check says of windows: who counts as asking for one, and what is not there to be asked for."""

from __future__ import annotations

import pytest

from picosched.check import check
from picosched.schedule.window import Window
from picosched.settings import Settings

DAY = 'window day from "0 8 * * *" to "0 18 * * *"'


def codes(meta: str = DAY, rule: str = "", function: str = "1") -> list[str]:
    text = f"""ruleset w {{
  meta {{ {meta} shares f }}
  global {{ f = function() {{ {function} }} }}
  rule w {{ select when t w {rule} }}
}}"""
    return [each.code for each in check(text)]


@pytest.mark.parametrize(
    "function",
    [
        'window:open("day")',
        '"day".window:open()',
        "window:list()",
        "window:open(event:attr(1))",
        'name = "day"; window:closes(name)',
    ],
)
def test_a_window_that_a_function_asks_for_is_used(function: str) -> None:
    assert codes(function=function) == []


@pytest.mark.parametrize(
    "rule",
    [
        'where window:open("day")',
        "or window opened",
        "or window closed name re#^d#",
        'always { schedule t event "w" repeat "0 * * * *" with _window = "day" }',
        'always { schedule t event "w" at time:now() attributes event:attrs }',
    ],
)
def test_a_window_that_a_rule_asks_for_is_used(rule: str) -> None:
    assert codes(rule=rule) == []


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ('where window:open("dya")', ["W107", "W406"]),
        ("or window closed name re#^night$#", ["W107", "W406"]),
        (
            'always { schedule t event "w" repeat "0 * * * *" with _window = "night" }',
            ["W107", "W406"],
        ),
        ("", ["W107"]),
    ],
)
def test_what_is_not_there_and_what_nobody_wants_is_told(rule: str, wanted: list[str]) -> None:
    assert sorted(codes(rule=rule)) == wanted


def test_a_module_of_that_name_is_another_matter() -> None:
    assert codes("use module io.example.glass alias window", 'where window:open("attic")') == []


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        ('from "0 25 * * *" to "0 18 * * *"', ["E304"]),
        ('from "0 8 * * *" to {"hours": [25]}', ["E304"]),
        ('from "0 8 * * *" to 5', ["E304"]),
        ('from time:now() to "0 18 * * *"', ["E304"]),
        ('from "0 8 * * *" to "0 18 * * *" in "Mars/Olympus"', ["E305"]),
        ('from "0 8 * * *" to "0 18 * * *" in 5', ["E305"]),
        ('from "0 8 * * 1" to "0 8 * * *"', ["E307"]),
    ],
)
def test_a_window_that_cannot_be_is_an_error(window: str, wanted: list[str]) -> None:
    assert codes(f"window day {window}", function='window:open("day")') == wanted


def test_in_the_value_of_a_global_it_is_asked_once() -> None:
    text = f'ruleset w {{ meta {{ {DAY} shares f }} global {{ f = window:open("day") }} }}'
    assert [each.code for each in check(text)] == ["W209"]


def test_a_window_of_the_settings_is_known() -> None:
    text = """ruleset r { rule a { select when a b where window:open("night") && window:open("noon") } }"""
    of_settings = (Window.parse("night", "0 22 * * *", "0 6 * * *"),)
    (found,) = check(text, settings=Settings(windows=of_settings))
    assert (found.code, found.message) == (
        "W406",
        "there is no window noon in this ruleset or the settings; "
        "`picosched add-window` makes one for all rulesets",
    )
