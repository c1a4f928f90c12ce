"""`picosched simulate` and `picosched test`."""

import json
from pathlib import Path
from typing import Any

import pytest

TEA = "rulesets/tea_timer.krl"
A_DAY = ("--from", "2026-03-01T00:00:00Z", "--until", "2026-03-02T00:00:00Z")


def test_a_simulation_is_a_line_for_each_event(picosched: Any) -> None:
    result = picosched("simulate", TEA, *A_DAY, "--raise", "tea:started minutes=5 tea='green tea'", "--json")
    assert result.status == 0
    first, second = result.lines
    assert first == {
        "at": "2026-03-01T00:00:00Z",
        "pico": "simulated",
        "event": "tea:started",
        "attrs": {"minutes": 5, "tea": "green tea"},
        "scheduled": None,
        "rules": ["start"],
        "directives": [{"name": "say", "options": {"text": "steeping"}}],
        "errors": [],
    }
    assert second["event"] == "notification:tea_ready"
    assert second["scheduled"] == {
        "id": second["scheduled"]["id"], "name": None, "nominal": "2026-03-01T00:05:00Z"
    }  # fmt: skip
    assert list(second) == list(first)


def test_the_same_input_gives_the_same_bytes(picosched: Any) -> None:
    words = ("simulate", TEA, "rulesets/reminder.krl", *A_DAY, "--raise", "reminder:wanted what=x", "--json")
    assert picosched(*words).out == picosched(*words).out != ""


def test_events_come_from_a_file_in_either_form(picosched: Any, folder: Path) -> None:
    (folder / "events.txt").write_text(
        "# in the morning\n\n"
        "2026-03-01T08:00:00Z tea:started minutes=5\n"
        '{"at": "2026-03-01T07:00:00Z", "event": "tea:started", "attrs": {"minutes": 1}, "rules": []}\n'
    )
    result = picosched("simulate", TEA, *A_DAY, "--events", "events.txt", "--json")
    assert [each["at"][11:16] for each in result.lines] == ["07:00", "07:01", "08:00", "08:05"]
    piped = picosched(
        "simulate", TEA, *A_DAY, "--events", "-", "--json", input=(folder / "events.txt").read_text()
    )
    assert piped.out == result.out


def test_a_simulation_for_people_tells_why(run: Any) -> None:
    result = run(
        "simulate", TEA, *A_DAY, "--raise", "tea:started minutes=0", "--raise", "tea:started minutes=oops"
    )
    assert result.out.splitlines()[:2] == [
        "2026-03-01T00:00:00Z  tea:started minutes=0",
        "    notfired    tea_timer.start: its condition on line 26 is false: minutes was 0",
    ]
    assert f"    error: {TEA}:23:18: time:add was given a String" in result.out


def test_a_copy_of_a_database_is_run_ahead_and_the_database_is_not(run: Any) -> None:
    run("install", TEA)
    run("raise", "tea:started", "minutes=5")
    (pending,) = run("scheduled", "--json").lines
    ahead = run(
        "simulate", "--db", "picosched.db", "--from", pending["created"], "--until", pending["due"], "--json"
    )
    assert ahead.json["scheduled"]["id"] == pending["id"]
    assert ahead.json["directives"] == [{"name": "say", "options": {"text": "your tea is ready"}}]
    assert run("scheduled", "--json").json == pending


@pytest.mark.files
@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((TEA, "--from", "now", "--until", "2026-03-02"), 1, "ISO 8601"),
        ((TEA, "--from", "2026-03-02", "--until", "2026-03-01"), 1, "before the start"),
        ((TEA, *A_DAY, "--raise", "tea"), 1, "wanted domain:type"),
        ((TEA, *A_DAY, "--raise", "tea:started 'x"), 1, "cannot split"),
        ((TEA, *A_DAY, "--raise", "2027-01-01 tea:started"), 1, "wanted a time from"),
        ((TEA, *A_DAY, "--events", "nosuch.txt"), 1, "no file nosuch.txt"),
        (("nosuch.krl", *A_DAY), 1, "no file nosuch.krl"),
        (("--db", "nosuch.db", *A_DAY), 1, "no database nosuch.db"),
        (A_DAY, 2, "at least one"),
        ((TEA, "--from", "2026-03-02"), 2, "--until"),
    ],
)
def test_what_cannot_be_simulated_is_told(run: Any, words: tuple[str, ...], status: int, said: str) -> None:
    result = run("simulate", *words)
    assert (result.status, result.out) == (status, "")
    assert said in result.err


def test_a_fault_in_an_events_file_has_its_line(run: Any, folder: Path) -> None:
    (folder / "events.txt").write_text('tea:started\n{"event": 1}\n')
    result = run("simulate", TEA, *A_DAY, "--events", "events.txt")
    assert (result.status, "events.txt:2: " in result.err) == (1, True)


TRANSCRIPT = """\
install tea_timer
> raise tea:started minutes=5
< say {"text": "steeping"}
> advance 5m
< say {"text": "your tea is ready"}
> restart
> query tea_timer:cups
= 1
"""


def test_a_transcript_that_holds_is_told_so(picosched: Any, folder: Path) -> None:
    (folder / "tea.txt").write_text(TRANSCRIPT)
    result = picosched("test", "tea.txt")
    assert (result.status, result.out) == (0, "tea.txt: passed\n")
    assert picosched("test", ".", "--json").json == {"file": "tea.txt", "ok": True, "mismatches": []}


def test_where_a_transcript_differs_is_told_with_its_line(picosched: Any, folder: Path) -> None:
    (folder / "tea.txt").write_text(TRANSCRIPT.replace("= 1", "= 2"))
    result = picosched("test", "tea.txt")
    assert result.status == 1
    assert result.out.splitlines() == ["tea.txt:8:", "  expected  = 2", "  found     = 1"]
    assert picosched("test", "tea.txt", "--json").json["mismatches"] == [
        {"line": 8, "expected": "= 2", "found": "= 1"}
    ]


def test_update_writes_what_was_found(run: Any, folder: Path) -> None:
    (folder / "tea.txt").write_text(TRANSCRIPT.replace("= 1", "= 2"))
    assert run("test", "tea.txt", "--update").out == "tea.txt: rewritten\n"
    assert (folder / "tea.txt").read_text() == TRANSCRIPT


@pytest.mark.parametrize("path", ["nosuch.txt", "rulesets"])
def test_a_transcript_that_is_not_there_is_1(run: Any, path: str) -> None:
    result = run("test", path)
    assert (result.status, result.err.startswith("error: ")) == (1, True)


def test_rulesets_may_lie_elsewhere(run: Any, folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "rulesets").rename(folder / "shelf")
    (folder / "deep" / "tea.txt").write_text(TRANSCRIPT)
    assert run("test", "deep").status == 1
    assert run("test", "deep", "--rulesets", "shelf").status == 0


def test_what_a_simulation_prints_can_be_raised_again(picosched: Any, folder: Path) -> None:
    first = picosched("simulate", TEA, *A_DAY, "--raise", "tea:started minutes=5", "--json")
    raised = [line for line in first.out.splitlines() if json.loads(line)["scheduled"] is None]
    (folder / "again.txt").write_text("\n".join(raised).replace(', "pico": "simulated"', ""))
    again = picosched("simulate", TEA, *A_DAY, "--events", "again.txt", "--json")
    assert again.out == first.out


def test_a_simulation_configures_its_rulesets(run: Any, folder: Path) -> None:
    (folder / "greeter.krl").write_text("""ruleset greeter {
      meta { configure using greeting = "hello" }
      rule greet { select when greeter asked send_directive(greeting) } }""")
    words = ("simulate", "greeter.krl", *A_DAY, "--raise", "greeter:asked", "--json")
    assert [each["name"] for each in run(*words).json["directives"]] == ["hello"]
    configured = run(*words, "--config", '{"greeting": "hi"}')
    assert [each["name"] for each in configured.json["directives"]] == ["hi"]
    assert run(*words, "--config", "[1]").err.startswith("error: --config: found [1], wanted a JSON map")
    run("picos", "--new", "kitchen")
    assert run("simulate", "--db", "picosched.db", *A_DAY, "--config", "{}").status == 2


@pytest.mark.files  # PostgreSQL is backed up by pg_dump
def test_the_past_is_replayed_from_a_backup(run: Any, folder: Path) -> None:
    run("install", "rulesets/tea_timer.krl")
    run("raise", "tea:started", "minutes=0")
    run("backup", "before.db")
    for minutes in (0, 5, 0):
        run("raise", "tea:started", f"minutes={minutes}")
    same = run("replay", "--from-backup", "before.db")
    assert same.status == 0 and same.out.splitlines()[-1] == "each turn is as it was"
    text = (folder / "rulesets" / "tea_timer.krl").read_text()
    (folder / "other.krl").write_text(text.replace("minutes > 0", "minutes >= 0"))
    other = run("replay", "--from-backup", "before.db", "other.krl", "--json")
    assert other.status == 2 and (other.json["turns"], other.json["outside"]) == (3, 3)
    (difference,) = other.json["differences"]
    assert difference["was"][1].startswith("notfired tea_timer.start")
    assert difference["became"][1] == "fired tea_timer.start"
    first = run("replay", "--from-backup", "before.db", "other.krl", "--bisect")
    assert first.status == 2 and "+ fired tea_timer.start" in first.out
    until = run("replay", "--from-backup", "before.db", "--until", "2020-01-01")
    assert until.status == 1 and "found the time 2020-01-01T00:00:00Z to end at, wanted 2" in until.err
    nowhere = run("replay", "other.krl")
    assert nowhere.status == 1 and "wanted --from TIME or --from-backup FILE" in nowhere.err
    without = run("replay", "--from", "2020-01-01")
    assert without.status == 1 and "the setting snapshots_in names no folder" in without.err
    missing = run("replay", "--from-backup", "nosuch.db")
    assert missing.status != 0 and "there is no backup nosuch.db" in missing.err
