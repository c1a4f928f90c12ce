"""`picosched check`: every fault and warning with its place."""

from pathlib import Path
from typing import Any

import pytest

RULESET = """\
ruleset checked {
  rule first {
    select when explicit go
    fired {
      STATEMENT
    }
  }
  rule second { select when explicit done or tea done }
}
"""

WARNED = [
    ('schedule tea event "done" at time:now()', 7, 'domain "tea", which classic engines refuse'),
    ('schedule event "tea:done" at time:now()', 7, 'domain "tea", which classic engines refuse'),
    ('schedule explicit event "other" at time:now()', 7, "no rule of checked selects"),
    ('schedule explicit event "done" repeat "0 0 9 * * *"', 45, "the first field"),
    ('schedule explicit event "done" repeat "*/5 * * * *"', 45, "no more often than every 599 s"),
    ('schedule explicit event "done" at time:now() with _name = "x"', 7, "an at ignores it"),
]
FAULTY = [
    ('schedule explicit event "done" at "tomorrow"', 41, "is not a time"),
    ('schedule explicit event "done" at "2026-02-30T00:00:00Z"', 41, "is not a time"),
    ('schedule explicit event "done" at 0', 41, "needs a time"),
    ('schedule explicit event "done" repeat "* * * *"', 45, "found 4 fields"),
    ('schedule explicit event "done" repeat "61 * * * *"', 45, 'minute: found "61"'),
    ('schedule explicit event "done" repeat "0 0 30 2 *"', 45, "never"),
    ('schedule explicit event "done" repeat 5', 45, "found a timespec that is not a string"),
    ('schedule explicit event "done" repeat "0 9 * * *" with _timezone = "Mars"', 45, "time zone"),
    ('schedule explicit event "done" at tiem:now()', 41, "unknown module tiem"),
    ('schedule explicit event "done" at time:now() if nosuch', 55, "unknown name nosuch"),
]
CLEAN = [
    'schedule explicit event "done" at time:now()',
    'schedule explicit event "done" at "2026-07-01T13:50:05Z" with a = 1 and b = "two" setting(id)',
    'schedule explicit event "done" at 1782913805000',
    'schedule explicit event "done" repeat "5 0 * * *" with _name = "just_one" and _timezone = "Europe/Rome"',
    'schedule explicit event event:type() repeat event:attrs{"when"}',
]


def written(folder: Path, statement: str) -> str:
    (folder / "checked.krl").write_text(RULESET.replace("STATEMENT", statement))
    return "checked.krl"


@pytest.mark.parametrize(("statement", "column", "said"), WARNED)
def test_a_warning_has_its_place_and_ends_with_0(
    run: Any, folder: Path, statement: str, column: int, said: str
) -> None:
    result = run("check", written(folder, statement))
    assert result.status == 0
    line, source, caret = result.out.splitlines()[:3]
    assert line.startswith(f"checked.krl:5:{column}: warning: ")
    assert said in line
    assert source.strip() == statement
    assert caret.index("^") == column + 1


@pytest.mark.parametrize(("statement", "column", "said"), FAULTY)
def test_a_fault_has_its_place_and_ends_with_1(
    run: Any, folder: Path, statement: str, column: int, said: str
) -> None:
    result = run("check", written(folder, statement), "--json")
    assert result.status == 1
    (fault,) = [each for each in result.lines if each["severity"] == "error"]
    assert (fault["file"], fault["line"], fault["col"]) == ("checked.krl", 5, column)
    assert said in fault["message"]


@pytest.mark.parametrize("statement", CLEAN)
def test_what_is_well_is_told_so(run: Any, folder: Path, statement: str) -> None:
    result = run("check", written(folder, statement))
    assert (result.status, result.out) == (0, "checked.krl: no faults\n")
    assert run("check", "checked.krl", "--json").out == ""


def test_all_faults_of_a_text_are_told_at_once(picosched: Any, folder: Path) -> None:
    (folder / "two.krl").write_text(
        "ruleset two {\n  global {\n    a = nosuch\n\tb = [1].nothing()\n  }\n}\n"
    )
    result = picosched("check", "two.krl")
    assert result.status == 1
    assert result.out.splitlines() == [
        "two.krl:3:9: unknown name nosuch",
        "      a = nosuch",
        "          ^^^^^^",
        result.out.splitlines()[3],
        "  \tb = [1].nothing()",
        "  \t        ^^^^^^^",
    ]
    assert result.out.splitlines()[3].startswith("two.krl:4:10: unknown operator nothing")


def test_what_cannot_be_read_does_not_hide_the_rest(picosched: Any, folder: Path) -> None:
    (folder / "latin.krl").write_bytes(b"ruleset caf\xe9 {}")
    result = picosched("check", "nosuch.krl", "latin.krl", "rulesets", "rulesets/tea_timer.krl")
    assert result.status == 1
    assert result.out.splitlines() == [
        "nosuch.krl: there is no file nosuch.krl",
        "latin.krl: latin.krl is not UTF-8: found the byte 0xe9 at offset 11",
        "rulesets: cannot read rulesets: Is a directory",
        "rulesets/tea_timer.krl: no faults",
    ]


def test_the_rulesets_that_ship_are_without_fault(run: Any, folder: Path) -> None:
    files = sorted(str(each) for each in (folder / "rulesets").glob("*.krl"))
    result = run("check", *files, "--json")
    assert (result.status, result.out) == (0, "")


def test_an_inactive_rule_is_left_alone(run: Any, folder: Path) -> None:
    (folder / "off.krl").write_text(
        'ruleset off { rule r is inactive { select when x y fired { schedule x event "z" at "no" } } }'
    )
    assert run("check", "off.krl").status == 0
