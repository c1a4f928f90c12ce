"""`picosched check`: every fault and warning with its place."""

from pathlib import Path
from typing import Any

TWO = """\
ruleset two {
  rule first {
    select when explicit go
    fired {
      schedule explicit event "done" repeat "*/5 * * * *"
      schedule explicit event "done" at "tomorrow"
    }
  }
  rule second { select when explicit done }
}
"""


def test_findings_are_told_with_their_line_and_a_caret_and_faults_end_with_1(run: Any, folder: Path) -> None:
    (folder / "two.krl").write_text(TWO)
    result = run("check", "two.krl")
    assert result.status == 1
    assert result.out.splitlines() == [
        "two.krl:5:45: W403 comes every 300 s, and one schedule fires no more often than every 599 s "
        "unless min_period is set",
        '        schedule explicit event "done" repeat "*/5 * * * *"',
        "                                              ^^^^^^^^^^^^^",
        'two.krl:6:41: E303 schedule … at: "tomorrow" is not an ISO 8601 time',
        '        schedule explicit event "done" at "tomorrow"',
        "                                          ^^^^^^^^^^",
    ]


def test_warnings_alone_end_with_0(run: Any, folder: Path) -> None:
    (folder / "warned.krl").write_text(TWO.replace('"tomorrow"', "time:now()"))
    result = run("check", "warned.krl")
    assert (result.status, len(result.out.splitlines())) == (0, 3)


def test_json_has_all_that_a_program_could_want(run: Any, folder: Path) -> None:
    (folder / "two.krl").write_text(TWO)
    result = run("check", "two.krl", "nosuch.krl", "--json")
    assert result.status == 1
    warning, fault, unread = result.lines
    assert [warning["code"], warning["severity"], fault["severity"]] == ["W403", "warning", "error"]
    assert fault == {
        "code": "E303",
        "severity": "error",
        "file": "two.krl",
        "line": 6,
        "column": 41,
        "end_line": 6,
        "end_column": 51,
        "message": 'schedule … at: "tomorrow" is not an ISO 8601 time',
    }
    assert {key for key, value in unread.items() if value is None} == {
        *("code", "line", "column", "end_line", "end_column")
    }


def test_a_code_is_explained(picosched: Any) -> None:
    assert picosched("check", "--explain", "w204").out.startswith("W204 continued on a later line\n\nA line")
    result = picosched("check", "--explain", "W999")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error: there is no code W999; there are E001, ")


def test_without_a_file_or_a_code_there_is_nothing_to_do(run: Any) -> None:
    assert run("check").status == 2


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


def test_the_settings_are_those_of_the_file_here_or_of_the_one_that_is_named(run: Any, folder: Path) -> None:
    (folder / "two.krl").write_text(TWO.replace('at "tomorrow"', 'repeat "30 0 9 * * *"'))
    assert [each["code"] for each in run("check", "two.krl", "--json").lines] == ["W403", "W402"]
    (folder / "picosched.toml").write_text("[engine]\nmin_period = 900\n")
    fast, seconds = (each["message"] for each in run("check", "two.krl", "--json").lines)
    assert fast.endswith("no more often than every 900 s, the min_period of the settings")
    assert seconds.endswith("rounded up to 60 s, the granularity of the settings")
    (folder / "other.toml").write_text("[engine]\nmin_period = 0\ngranularity = 1\n")
    assert run("check", "two.krl", "--config", "other.toml").out == "two.krl: no faults\n"
    assert run("check", "two.krl", "--config", "nosuch.toml").status == 1
    (folder / "picosched.toml").write_text("[engine]\nmin_perod = 900\n")
    assert 'found the setting "min_perod", did you mean "min_period"?' in run("check", "two.krl").err


def test_what_is_installed_is_checked_as_a_whole(run: Any, folder: Path) -> None:
    assert run("install", "rulesets/tea_timer.krl").status == 0
    run("raise", "tea:started", "minutes=5")
    result = run("check", "--whole", "--db", "picosched.db")
    assert (result.status, result.out) == (0, "the whole: no faults\n")
    drawn = run("check", "--whole", "--dot", "--db", "picosched.db").out
    assert '"tea:started" -> "tea_timer/start" [label="1×, fired 1×"];' in drawn
    assert run("check", "--whole", "--json", "--db", "picosched.db").out == ""
    assert run("check", "--whole", "--svg", "tea.svg", "--db", "picosched.db").out == result.out
    assert ">1 of 1</text>" in (folder / "tea.svg").read_text()
    assert run("check", "--whole", "--svg", "text.svg", "rulesets/tea_timer.krl").status == 0
    assert "notification:tea_ready</text>" in (folder / "text.svg").read_text()
    assert run("check", "--whole", "--svg", "nosuch/tea.svg", "rulesets/tea_timer.krl").status == 1
    for words in (("--db", "picosched.db"), ("--whole", "--db", "picosched.db", "rulesets/tea_timer.krl")):
        refused = run("check", *words)
        assert refused.status == 2
        assert "--db and --url need --whole, and neither files nor --outside" in refused.err
