"""Transcripts: what is compared, what is reported, what is rewritten."""

from pathlib import Path

import pytest

from picosched.errors import PicoschedError
from picosched.rehearsal.transcript import Mismatch, Played, play

RULESET = """\
ruleset t {
  meta { shares echo, count }
  global { echo = function(x){ x } count = function(){ ent:n.defaultsTo(0) } }
  rule say { select when t say
    send_directive("said", event:attrs) always { ent:n := count() + 1 } }
  rule twice { select when t twice every { send_directive("one") send_directive("two", {"n": 2}) } }
  rule fail { select when t fail pre { x = "a" - 1 } }
  rule later { select when t later
    always { schedule explicit event "now" at time:add(time:now(), {"minutes": 5}) attributes event:attrs } }
  rule daily { select when t daily
    always { schedule explicit event "now" repeat "0 9 * * *"
      attributes {"_name": "d", "_timezone": "Europe/Rome"} } }
  rule now { select when explicit now send_directive("now", event:attrs) }
}
"""


@pytest.fixture
def lines(tmp_path: Path) -> "Lines":
    (tmp_path / "t.krl").write_text(RULESET)
    return Lines(tmp_path)


class Lines:
    """Plays the lines of a transcript."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "played.txt"

    def play(self, *lines: str) -> Played:
        self.file.write_text("\n".join(lines) + "\n")
        return play(self.file)

    def mismatches(self, *lines: str) -> list[tuple[int, str, str]]:
        return [(each.line, each.expected, each.found) for each in self.play(*lines).mismatches]


def test_what_comes_as_written_matches(lines: Lines) -> None:
    assert not lines.mismatches(
        "# a comment",
        "clock 2026-03-01T00:00:00Z",
        "install t",
        "",
        '> raise t:say a=1 b="two words"',
        '< said {"b": "two words", "a": 1}',
        "  > raise t:twice  ",
        "  < one",
        '  < two {"n": 2.0}',
        "> query t:echo x=[1]",
        "= [1]",
        "> query t:count",
        "= 1",
    )


def test_a_line_that_differs_is_told_with_both_sides(lines: Lines) -> None:
    assert lines.mismatches("install t", "> raise t:say a=1", '< said {"a": true}') == [
        (3, '< said {"a": true}', '< said {"a": 1}')
    ]
    assert lines.mismatches("install t", "> query t:echo x=1", "= true") == [(3, "= true", "= 1")]


def test_a_line_too_few_and_a_line_too_many_are_told(lines: Lines) -> None:
    assert lines.mismatches("install t", "> raise t:twice", "< one") == [(2, "", '< two {"n": 2}')]
    assert lines.mismatches("install t", "> raise t:nobody", "< one") == [(3, "< one", "")]
    assert lines.mismatches("install t", "> query t:count") == [(2, "", "= 0")]


def test_an_error_is_expected_by_a_part_of_it(lines: Lines) -> None:
    assert not lines.mismatches(
        "install t",
        "> raise t:fail",
        "! t.krl:7:",
        "> query t:nosuch",
        "! shares no nosuch",
        "> query nosuch",
        "! wanted rid:name",
        "> nosuch",
        "! found the command nosuch",
        "install nosuch",
        "! there is no ruleset nosuch.krl",
        "clock 2026-01-01",
        "! at the beginning",
        "> advance soon",
        "! wanted a duration",
        "> cancel 1",
        "! wanted something scheduled",
        "> cancel tea",
        "! found `tea`",
        "> expect tea fires att 9",
        "! the sentence cannot be read: ",
    )
    assert lines.mismatches("install t", "> raise t:fail", "! other")[0][:2] == (3, "! other")
    assert lines.mismatches("install t", "> raise t:fail")[0][2].startswith("! t.krl:7:")


def test_all_faults_of_a_ruleset_are_told(lines: Lines) -> None:
    (lines.file.parent / "bad.krl").write_text("ruleset bad {\n  global {\n    a = b\n    c = d\n  }\n}\n")
    assert not lines.mismatches(
        "install bad", "! bad.krl:3:9: unknown name b", "! bad.krl:4:9: unknown name d"
    )


def test_schedules_are_listed_cancelled_paused_and_resumed(lines: Lines) -> None:
    assert not lines.mismatches(
        "clock 2026-03-01T12:00:30Z",
        "install t",
        "> raise t:daily",
        "> raise t:later n=1",
        "> raise t:later n=2",
        "> scheduled",
        '@ 2026-03-01T12:06:00Z explicit:now {"n": 1}',
        '@ 2026-03-01T12:06:00Z explicit:now {"n": 2}',
        '@ 2026-03-02T08:00:00Z explicit:now {} repeat "0 9 * * *" Europe/Rome d',
        "> cancel 1",
        "= true",
        "> pause 1",
        "= true",
        "> until 2026-03-01T12:10:00Z",
        "> scheduled",
        '@ 2026-03-01T12:06:00Z explicit:now {"n": 2} paused',
        '@ 2026-03-02T08:00:00Z explicit:now {} repeat "0 9 * * *" Europe/Rome d',
        "> resume 1",
        "= true",
        "> advance 0s",
        '< now {"n": 2}',
        "> advance 1d",
        "< now",
    )


def test_a_restart_keeps_what_is_on_disk_and_gives_new_ids(lines: Lines) -> None:
    assert not lines.mismatches(
        "install t", "> raise t:later n=1", "> restart", "> raise t:later n=2", "> restart", "> advance 1h",
        '< now {"n": 1}', '< now {"n": 2}', "> restart", "> advance 1h",
    )  # fmt: skip


def test_settings_are_those_of_the_transcript(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICOSCHED_GRANULARITY", "3600")
    assert not lines.mismatches(
        "clock 2026-03-01T00:00:07Z", "settings granularity=1", "install t", "> raise t:later", "> scheduled",
        "@ 2026-03-01T00:05:07Z explicit:now {}",
    )  # fmt: skip
    assert not lines.mismatches("settings nosuch=1", "install t", '! found the setting "nosuch"')


def test_chance_is_the_same_each_time(lines: Lines) -> None:
    (lines.file.parent / "c.krl").write_text(
        "ruleset c { rule r { select when c r send_directive(random:uuid()) } }"
    )
    first = lines.play("install c", "> raise c:r", "> restart", "> raise c:r")
    assert first.text == lines.play("install c", "> raise c:r", "> restart", "> raise c:r").text
    assert len(set(first.text.splitlines())) == 6 - 1


def test_update_keeps_what_says_the_same_and_writes_the_rest(lines: Lines) -> None:
    played = lines.play(
        "# why",
        "install t",
        "> raise t:say a=1",
        '< said   {"a":1}',
        "",
        "> raise t:twice",
        "< wrong",
        "> query t:count",
        "> raise t:nobody",
        "< gone",
        "# still here",
        "> raise t:fail",
        "! t.krl:7",
    )
    assert played.text.splitlines() == [
        "# why",
        "install t",
        "> raise t:say a=1",
        '< said   {"a":1}',
        "",
        "> raise t:twice",
        "< one {}",
        '< two {"n": 2}',
        "> query t:count",
        "= 1",
        "> raise t:nobody",
        "# still here",
        "> raise t:fail",
        "! t.krl:7",
    ]
    lines.file.write_text(played.text)
    assert not play(lines.file).mismatches


def test_an_expectation_before_any_command_is_refused(lines: Lines) -> None:
    with pytest.raises(PicoschedError, match=r"played.txt:1: found `= 1` before anything"):
        lines.play("= 1")


@pytest.mark.files
def test_a_store_that_is_given_is_used(tmp_path: Path, lines: Lines) -> None:
    lines.file.write_text("install t\n> raise t:say\n< said\n")
    assert not play(lines.file, tmp_path / "mine.db").mismatches
    assert (tmp_path / "mine.db").stat().st_size > 0


def test_a_mismatch_reads_well() -> None:
    assert str(Mismatch("a.txt", 3, "= 1", "")) == "a.txt:3:\n  expected  = 1\n  found     nothing more"
    assert str(Mismatch("a.txt", 3, "", "! bad")) == "a.txt:3:\n  expected  no error\n  found     ! bad"
    said = Mismatch("a.txt", 3, "", "! it does not", "tea fires at 9:00")
    assert str(said) == "a.txt:3:\n  expected  tea fires at 9:00\n  found     ! it does not"
