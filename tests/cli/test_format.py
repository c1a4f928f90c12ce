"""`picosched format`: rulesets are laid out and written back whole, or told to be no KRL."""

import os
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.files

UNTIDY = """\
// tea
ruleset   tea{rule start
{ select when tea started  /* by hand */
  noop()}}
"""
FAULTY = """\
ruleset faulty {
  rule one { select when t one noop( }
  rule two { select when t two noop() ) }
}
"""


@pytest.fixture
def untidy(folder: Path) -> Path:
    path = folder / "untidy.krl"
    path.write_text(UNTIDY)
    return path


def test_a_file_is_written_back_and_then_stays(run: Any, untidy: Path) -> None:
    result = run("format", "untidy.krl")
    assert (result.status, result.out) == (0, "untidy.krl: rewritten\n")
    tidy = untidy.read_text()
    assert tidy.startswith("// tea\nruleset tea {\n  rule start {\n")
    assert "/* by hand */" in tidy
    written = untidy.stat().st_mtime_ns
    result = run("format", "untidy.krl")
    assert (result.status, result.out) == (0, "untidy.krl: already formatted\n")
    assert untidy.stat().st_mtime_ns == written


def test_what_is_laid_out_once_is_laid_out(run: Any, folder: Path) -> None:
    files = sorted(map(str, (folder / "rulesets").glob("*.krl")))
    run("format", *files)
    result = run("format", "--check", *files)
    assert (result.status, result.out) == (0, "")


def test_check_names_what_would_change_and_writes_nothing(run: Any, untidy: Path) -> None:
    result = run("format", "--check", "rulesets/tea_timer.krl", "untidy.krl")
    assert (result.status, result.out) == (1, "untidy.krl: would be rewritten\n")
    assert untidy.read_text() == UNTIDY


def test_diff_shows_what_would_change_and_writes_nothing(run: Any, untidy: Path) -> None:
    result = run("format", "--diff", "rulesets/tea_timer.krl", "untidy.krl")
    assert result.status == 0
    assert result.out.startswith("--- untidy.krl\n+++ untidy.krl, formatted\n@@ -1,4 +1,")
    assert "\n-ruleset   tea{rule start\n" in result.out
    assert untidy.read_text() == UNTIDY
    assert run("format", "--diff", "--check", "untidy.krl").status == 1


def test_a_dash_is_stdin(picosched: Any, untidy: Path) -> None:
    result = picosched("format", "-", input=UNTIDY)
    assert result.status == 0
    picosched("format", "untidy.krl")
    assert result.out == untidy.read_text()
    assert picosched("format", "-", input=result.out).out == result.out
    result = picosched("format", "--check", "-", input=UNTIDY)
    assert (result.status, result.out) == (1, "<stdin>: would be rewritten\n")


def test_what_is_not_krl_is_told_as_check_tells_it_and_left_alone(
    picosched: Any, folder: Path, untidy: Path
) -> None:
    (folder / "faulty.krl").write_text(FAULTY)
    result = picosched("format", "faulty.krl", "nosuch.krl", "untidy.krl")
    assert (result.status, result.out) == (1, "untidy.krl: rewritten\n")
    *told, unread = result.err.splitlines()
    assert told == picosched("check", "faulty.krl").out.splitlines()
    assert [line.split()[1] for line in told[::3]] == ["E001", "E001"]
    assert unread == "error: there is no file nosuch.krl"
    assert (folder / "faulty.krl").read_text() == FAULTY


def test_a_file_keeps_its_mode_and_a_link_stays_one(run: Any, folder: Path, untidy: Path) -> None:
    untidy.chmod(0o640)
    (folder / "link.krl").symlink_to(untidy)
    assert run("format", "link.krl").status == 0
    assert (folder / "link.krl").is_symlink()
    assert untidy.stat().st_mode & 0o777 == 0o640
    assert untidy.read_text() != UNTIDY
    assert sorted(each.name for each in folder.iterdir()) == ["link.krl", "rulesets", "untidy.krl"]


def test_a_write_that_fails_leaves_the_file_as_it_was(
    run: Any, folder: Path, untidy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    result = run("format", "untidy.krl")
    assert result.status == 1
    assert result.err == "error: cannot write untidy.krl: No space left on device\n"
    assert untidy.read_text() == UNTIDY
    assert sorted(each.name for each in folder.iterdir()) == ["rulesets", "untidy.krl"]


def test_line_ends_and_a_byte_order_mark_are_no_part_of_the_layout(run: Any, untidy: Path) -> None:
    run("format", "untidy.krl")
    tidy = untidy.read_bytes()
    untidy.write_bytes(b"\xef\xbb\xbf" + tidy.replace(b"\n", b"\r\n"))
    assert run("format", "untidy.krl").out == "untidy.krl: rewritten\n"
    assert untidy.read_bytes() == tidy
