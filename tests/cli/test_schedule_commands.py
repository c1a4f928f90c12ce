"""`scheduled show cancel pause resume fire move reschedule history journal`, on a real database."""

import itertools
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from picosched.clock import SystemClock, VirtualClock
from picosched.engine.engine import Engine
from picosched.settings import Settings

TEA = "rulesets/tea_timer.krl"


@pytest.fixture
def pending(run: Any) -> list[dict[str, Any]]:
    """Two teas and a digest are scheduled."""
    with Engine("picosched.db", settings=Settings(durability="normal")) as engine:
        engine.root.install(Path(TEA))
        engine.root.install(Path("rulesets/daily_digest.krl"))
        engine.root.raise_event("tea", "started", {"minutes": 100})
        engine.root.raise_event("tea", "started", {"minutes": 200, "tea": "oolong"})
        engine.root.raise_event("digest", "wanted", {"zone": "Europe/Rome"})
    found: list[dict[str, Any]] = run("scheduled", "--json").lines
    assert len(found) == 3
    return found


def test_what_is_scheduled_is_listed_soonest_first(run: Any, pending: list[dict[str, Any]]) -> None:
    assert [each["due"] for each in pending] == sorted(each["due"] for each in pending)
    digest = next(each for each in pending if each["kind"] == "repeat")
    assert (digest["timespec"], digest["tz"], digest["name"]) == ("0 7 * * *", "Europe/Rome", "daily digest")
    assert (digest["event"], digest["rid"], digest["rule"]) == (
        "notification:digest_due", "daily_digest", "subscribe"
    )  # fmt: skip
    table = run("scheduled").out.splitlines()
    assert table[0].split() == ["DUE", "EVENT", "WHEN", "PICO", "MADE", "BY", "FIRES", "ID"]
    assert len(table) == 4
    assert len(run("scheduled", "--rid", "tea_timer", "--json").lines) == 2
    assert run("scheduled", "--pico", "nosuch").status == 1


def test_cancel_takes_the_beginning_of_an_id(run: Any, pending: list[dict[str, Any]]) -> None:
    first, second, third = (each["id"] for each in pending)
    assert run("cancel", first[:8]).out.startswith("cancelled ")
    assert run("cancel", second, third, "--json").lines[1]["outcome"] == "cancelled"
    assert run("scheduled").out == "nothing is scheduled\n"
    assert run("cancel", first).status == 1


def test_the_reason_of_a_cancel_is_in_the_history(run: Any, pending: list[dict[str, Any]]) -> None:
    id = pending[0]["id"]
    assert run("cancel", id, "--reason", "x" * 1_001).err.startswith("error: found a reason of 1,001 charac")
    assert run("cancel", id, "--reason", "").err == "error: found an empty reason, wanted a text\n"
    run("cancel", id, "--reason", "the shop is closed")
    assert "cancelled: the shop is closed" in run("history", id).out
    assert "cancelled: the shop is closed" in run("show", id).out
    assert run("history", id, "--json").lines[0]["why"] == "the shop is closed"
    assert run("audit", "--json").lines[0]["told"].endswith(": the shop is closed")


def test_a_slip_in_one_id_cancels_none(run: Any, pending: list[dict[str, Any]]) -> None:
    assert run("cancel", pending[0]["id"], "nosuch").status == 1
    assert run("cancel", "").status == 1
    assert len(run("scheduled", "--json").lines) == 3


def test_a_beginning_that_is_not_clear_is_3(run: Any, folder: Path) -> None:
    run("install", TEA)
    with Engine("picosched.db", VirtualClock("2026-01-01T00:00:00Z"), settings=Settings()) as engine:
        for _ in range(17):  # so many ids that two must begin alike
            engine.root.raise_event("tea", "started", {"minutes": 5})
        beginnings = [each.id[0] for each in engine.scheduled()]
    twice = next(each for each in beginnings if beginnings.count(each) > 1)
    assert run("cancel", twice).status == 3


def test_a_pause_ends_by_hand_or_by_itself(run: Any, pending: list[dict[str, Any]]) -> None:
    id = pending[0]["id"]
    assert run("pause", id, "--until", "2099-01-01").status == 0
    paused = next(each for each in run("scheduled", "--json").lines if each["id"] == id)
    assert (paused["paused"], paused["paused_until"]) == (True, "2099-01-01T00:00:00Z")
    assert " paused " in run("scheduled").out
    assert run("resume", id).out.startswith("resumed ")
    assert run("resume", id, "--json").json["outcome"] == "not paused"
    assert run("pause", id, "--until", "later").status == 1


def test_a_name_stands_for_an_id(run: Any, pending: list[dict[str, Any]]) -> None:
    digest = next(each for each in pending if each["name"] == "daily digest")
    assert run("show", "daily digest", "--json").json["id"] == digest["id"]
    assert run("pause", "daily digest", "--json").json["id"] == digest["id"]
    assert run("resume", "daily digest", "--json").json["outcome"] == "resumed"
    assert run("fire", "daily digest", "--json").json["id"] == digest["id"]
    assert run("move", "daily digest", "--by", "1h", "--json").json["outcome"] == "moved"
    assert run("history", "daily digest", "--json").json["id"] == digest["id"]
    assert run("cancel", "daily digest", "--json").json["outcome"] == "cancelled"
    assert run("show", "daily digest", "--json").json["status"] == "cancelled"
    assert run("cancel", "daily digest").err == "error: no pending event has the id or name daily digest\n"
    assert run("show", "").err == "error: no scheduled event has the id or name (an empty one)\n"


def test_a_name_of_several_is_refused_with_their_ids(run: Any, pending: list[dict[str, Any]]) -> None:
    with Engine("picosched.db", settings=Settings(durability="normal")) as engine:
        kitchen = engine.new_pico("kitchen")
        kitchen.install(Path("rulesets/daily_digest.krl"))
        kitchen.raise_event("digest", "wanted")
    ids = [each["id"] for each in run("scheduled", "--name", "daily digest", "--json").lines]
    refused = run("cancel", "daily digest")
    assert refused.status == 3
    told = {
        f"{id[:8]} (notification:digest_due of {pico})"
        for id, pico in zip(ids, ("root", "kitchen"), strict=True)
    }
    found, _, listed = refused.err.partition(", wanted one of: ")
    assert found == "error: daily digest may mean 2 scheduled events"
    assert set(listed.strip().split(", ")) == told
    assert len(run("scheduled", "--json").lines) == 4
    assert run("cancel", ids[0][:8]).status == 0
    assert run("show", "daily digest", "--json").json["id"] == ids[1]  # the one that is to come


def test_a_name_that_an_id_begins_with_is_not_guessed(run: Any, folder: Path) -> None:
    (folder / "named.krl").write_text("""ruleset named {
      rule make { select when named made
        fired { schedule named event "came" at "2099-01-01" with _name = event:attrs{"name"} } } }""")
    run("install", "named.krl")
    first = run("raise", "named:made", "name=x", "--json").json["scheduled"][0]
    second = run("raise", "named:made", f'name="{first[:4]}"', "--json").json["scheduled"][0]
    assert first[:8] in (said := run("pause", first[:4]).err) and second[:8] in said
    assert run("pause", first[:5], "--json").json["id"] == first


def words_of(each: Any) -> str | None:
    """The words of a command, as the name of its case."""
    return " ".join(each) if isinstance(each, tuple) else None


# ---- which of them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), ["tea", "oolong", "digest"]),
        (("--rid", "tea_timer"), ["tea", "oolong"]),
        (("--pico", "root", "--rid", "tea_timer", "-n", "1"), ["tea"]),
        (("--name", "daily digest"), ["digest"]),
        (("--event", "notification"), ["tea", "oolong", "digest"]),
        (("--event", "notification:tea_ready"), ["tea", "oolong"]),
        (("--event", "tea"), []),
        (("--kind", "repeat"), ["digest"]),
        (("--text", "OOLONG"), ["oolong"]),
        (("--status", "paused"), []),
        (("--status", "all"), ["tea", "oolong", "digest"]),
        (("--since", "2099-01-01"), []),
        (("--until", "2099-01-01"), ["tea", "oolong", "digest"]),
        (("--due-until", "2020-01-01"), []),
    ],
    ids=words_of,
)
@pytest.mark.usefixtures("pending")
def test_a_filter_lists_what_it_means(run: Any, words: tuple[str, ...], wanted: list[str]) -> None:
    found = run("scheduled", *words, "--json").lines
    assert sorted(each["attrs"].get("tea", "digest") for each in found) == sorted(wanted)
    if not wanted:
        assert run("scheduled", *words).out == "no matching event is scheduled\n"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--event", ":"), 2),
        (("--kind", "daily"), 2),
        (("--status", "late"), 2),
        (("--since", "soon"), 1),
        (("--pico", "nosuch"), 1),
        (("-n", "0"), 2),
    ],
    ids=words_of,
)
@pytest.mark.usefixtures("pending")
def test_a_filter_that_is_none_is_told(run: Any, words: tuple[str, ...], status: int) -> None:
    assert run("scheduled", *words).status == status


@pytest.mark.usefixtures("pending")
def test_what_a_limit_leaves_out_is_counted(run: Any) -> None:
    lines = run("scheduled", "-n", "2").out.splitlines()
    assert (len(lines), lines[-1]) == (4, "and 1 more")
    assert len(run("scheduled", "-n", "3").out.splitlines()) == 4


CHANGES = [
    (("cancel",), "cancelled", None),
    (("pause",), "paused", None),
    (("move", "--to", "2098-01-01"), "moved", "2098-01-01T00:00:00Z"),
    (("reschedule", "--timespec", "0 0 1 1 *"), "rescheduled", None),
]


@pytest.mark.parametrize(("words", "done", "due"), CHANGES, ids=words_of)
def test_many_are_changed_by_a_filter_once_a_dry_run_has_told_which(
    run: Any, pending: list[dict[str, Any]], words: tuple[str, ...], done: str, due: str | None
) -> None:
    which = ("--event", "notification:tea_ready")
    told = run(*words, *which, "--dry-run")
    assert [line.split()[:3] for line in told.out.splitlines()] == [["would", "be", done]] * 2
    before = run("scheduled", "--json").lines
    assert before == pending
    dry = run(*words, *which, "--dry-run", "--json").lines
    assert [(each["outcome"], each["dry_run"]) for each in dry] == [(done, True)] * 2
    changed = run(*words, *which, "--yes", "--json").lines
    assert [each["outcome"] for each in changed] == [done, done]
    assert [each["id"] for each in changed] == [each["id"] for each in before if each["kind"] == "at"]
    if due:
        assert {each["due"] for each in changed} == {due}
    assert [each["id"] for each in dry] == [each["id"] for each in changed]
    assert [each["due"] for each in dry] == [each["due"] for each in changed]
    digest = next(each for each in pending if each["kind"] == "repeat")
    assert digest in run("scheduled", "--json").lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cancel",), "give IDs"),
        (("cancel", "--yes"), "give IDs"),
        (("pause", "--until", "2099-01-01"), "give IDs"),
        (("cancel", "--rid", "tea_timer"), "this would cancel 2 events: add --yes"),
        (("fire", "--kind", "repeat"), "this would fire 1 event: add --yes"),
        (("cancel", "1", "--rid", "tea_timer"), "give IDs or a filter, not both"),
        (("move", "1"), "say when: --to TIME or --by DURATION"),
        (("move", "1", "--to", "2099-01-01", "--by", "1h"), "say when"),
        (("reschedule", "1"), "--timespec"),
    ],
    ids=words_of,
)
def test_usage_that_says_too_little_is_2_and_teaches(
    run: Any, pending: list[dict[str, Any]], words: tuple[str, ...], said: str
) -> None:
    result = run(*words)
    assert result.status == 2
    assert said in " ".join(result.err.replace("│", " ").split())
    assert run("scheduled", "--json").lines == pending


@pytest.mark.parametrize("words", [*(words for words, _, _ in CHANGES), ("resume",), ("fire",)], ids=" ".join)
@pytest.mark.usefixtures("pending")
def test_a_filter_that_means_nothing_says_so(run: Any, words: tuple[str, ...]) -> None:
    for more in ((), ("--yes",), ("--dry-run",)):
        result = run(*words, "--rid", "nosuch", *more)
        assert (result.status, result.out) == (0, "no matching event is scheduled\n")
    assert run(*words, "--rid", "nosuch", "--json").out == ""


@pytest.mark.files
@pytest.mark.slow
@pytest.mark.parametrize(("answer", "status", "left"), [("y", 0, 1), ("n", 1, 3), ("", 1, 3)])
@pytest.mark.usefixtures("pending")
def test_on_a_terminal_one_is_asked(run: Any, folder: Path, answer: str, status: int, left: int) -> None:
    ours, theirs = pty.openpty()
    script = Path(sys.executable).with_name("picosched")
    process = subprocess.Popen(
        [str(script), "cancel", "--rid", "tea_timer"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    os.write(ours, f"{answer}\n".encode())
    _, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert "cancel 2 events? [y/N]" in err
    assert process.returncode == status
    assert len(run("scheduled", "--json").lines) == left


def test_half_a_character_that_a_rule_made_is_escaped(run: Any, folder: Path) -> None:
    (folder / "half.krl").write_text(r"""ruleset half {
      rule make {
        select when half make
        fired { schedule half event "next" at "2099-01-01" attributes "{\"a\":\"\ud800\"}".decode() }
      }
    }""")
    run("install", "half.krl")
    run("raise", "half:make")
    assert "a='\\ud800'" in run("scheduled").out
    refused = run("raise", "half:make", "a=\ud800")
    assert (refused.status, refused.err[:34]) == (1, "error: found half a character in a")


@pytest.mark.files
@pytest.mark.slow
def test_a_terminal_gets_no_control_characters(run: Any, folder: Path) -> None:
    run("install", TEA)
    name = "a\x1b]0;title\x07b\rc"
    run("raise", "tea:started", f"tea={name}", "minutes=3")
    ours, theirs = pty.openpty()
    script = Path(sys.executable).with_name("picosched")
    for words in (("scheduled",), ("journal",)):
        process = subprocess.Popen([str(script), *words], stdout=theirs, cwd=folder)
        assert process.wait(60) == 0
    os.close(theirs)
    shown = bytearray()
    with suppress(OSError):  # how a terminal says that nobody writes any more
        while part := os.read(ours, 65_536):
            shown += part
    os.close(ours)
    assert b"\\x1b]0;title\\x07b" in shown and b"\x1b]0" not in shown
    assert name in run("scheduled", "--json").json["attrs"].values()


# ---- one, in full -----------------------------------------------------------------------------------------


def test_one_is_shown_in_full(run: Any, pending: list[dict[str, Any]]) -> None:
    digest = next(each for each in pending if each["kind"] == "repeat")
    run("fire", digest["id"])
    shown = run("show", digest["id"][:10], "-n", "2", "--json").json
    assert {key: shown[key] for key in digest if key not in ("fires", "fired")} == {
        key: digest[key] for key in digest if key not in ("fires", "fired")
    }
    assert (shown["fires"], shown["created_by"]) == (1, "daily_digest.subscribe:31")
    assert shown["explain"] == "at 07:00 every day, Europe/Rome time"
    assert len(shown["next"]) == 2 and shown["next"][0] == shown["due"]
    (fire,) = shown["history"]
    assert (fire["outcome"], fire["why"]) == ("fired", "somebody fired it outside its times")
    lines = [line.split(maxsplit=1) for line in run("show", digest["id"]).out.splitlines()]
    told = {line[0]: line[-1] for line in lines}
    assert lines[0] == ["notification:digest_due"]
    assert told["when"] == "at 07:00 every day, Europe/Rome time"
    assert told["name"] == "daily digest"
    assert {"id", "pico", "status", "due", "timespec", "fires", "made", "next:", "history:"} <= told.keys()
    assert "jitter" not in told and "until" not in told


@pytest.mark.usefixtures("lived")
def test_one_that_is_over_is_shown_too(run: Any) -> None:
    (fire,) = run("history", "--json").lines
    shown = run("show", fire["id"], "--json").json
    assert (shown["status"], shown["due"], shown["next"], shown["history"]) == ("finished", None, [], [fire])
    assert "  status     finished\n" in run("show", fire["id"][:8]).out
    assert [each["id"] for each in run("scheduled", "--status", "finished", "--json").lines] == [fire["id"]]
    assert "– finished" in run("scheduled", "--status", "all").out
    assert run("cancel", fire["id"]).err == f"error: no pending event has the id or name {fire['id']}\n"
    assert run("show", "nosuch").status == 1


STEERED = """
ruleset steered {
  rule start {
    select when steered wanted
    fired { schedule steered event "came" repeat "0 9 * * *" attributes event:attrs }
  }
}
"""


def test_what_steers_it_is_shown(run: Any, folder: Path) -> None:
    (folder / "steered.krl").write_text(STEERED)
    run("install", "steered.krl")
    run("raise", "steered:wanted", "_misfire=skip", "_count=1000", "_until=2099-01-01", "_jitter=90.5",
        "_description=the morning bell", "cups=2")  # fmt: skip
    (each,) = run("scheduled", "--json").lines
    assert {key: each[key] for key in ("misfire", "count", "until", "jitter", "description", "attrs")} == {
        "misfire": "skip", "count": 1000, "until": "2099-01-01T00:00:00Z", "jitter": 90.5,
        "description": "the morning bell", "attrs": {"cups": 2},
    }  # fmt: skip
    assert "DESCRIPTION" in run("scheduled").out
    shown = run("show", each["id"]).out
    for part in ("up to 90.5 s, here ", "0 of 1,000", "the morning bell", "2099-01-01T00:00:00Z", "skip"):
        assert part in shown


# ---- fired, moved, by another timespec --------------------------------------------------------------------


def test_fire_raises_it_now_and_prints_the_turn(run: Any, pending: list[dict[str, Any]]) -> None:
    teas = [each for each in pending if each["kind"] == "at"]
    told = run("fire", "--kind", "at", "--dry-run").out
    assert told.count("would be fired notification:tea_ready") == 2
    assert run("history").out == "nothing has come due yet\n"
    lines = run("fire", teas[0]["id"]).out.splitlines()
    assert lines[0].startswith("fired notification:tea_ready") and len(lines) == 2
    assert lines[1] == 'say {"text":"your tea is ready"}'
    fired = run("fire", "--kind", "at", "--yes", "--json").json
    assert (fired["id"], fired["outcome"]) == (teas[1]["id"], "fired")
    assert fired["directives"][0]["options"] == {"text": "your oolong is ready"}
    assert [each["kind"] for each in run("scheduled", "--json").lines] == ["repeat"]


def test_fire_goes_on_with_the_others_where_one_cannot_be_fired(run: Any, folder: Path) -> None:
    (folder / "once.krl").write_text("""ruleset once {
      rule make { select when once made
        fired { schedule once event "came" at "2099-01-01" with _name = "a"
                schedule once event "came" at "2099-01-02" with _name = "b" } }
      rule came { select when once came event:delete_all({}) setting(gone)
        always { ent:gone := gone } } }""")
    run("install", "once.krl")
    run("raise", "once:made")
    result = run("fire", "--event", "once", "-y")
    assert result.status == 1
    assert "nothing that is still to come has the id" in result.err
    assert run("scheduled").out == "nothing is scheduled\n"


def test_move_and_reschedule(run: Any, pending: list[dict[str, Any]]) -> None:
    id, event = pending[0]["id"], pending[0]["event"]
    assert run("move", id, "--to", "2098-05-01").out == (
        f"moved {event} ({id[:8]}), due 2098-05-01T00:00:00Z\n"
    )
    assert run("move", id, "--by", "1d12h", "--json").json["due"] == "2098-05-02T12:00:00Z"
    assert run("move", id, "--by=-12h", "--json").json["due"] == "2098-05-02T00:00:00Z"
    assert run("move", id, "--by", "-1d", "--json").json["due"] == "2098-05-01T00:00:00Z"
    assert run("move", id, "--by", "soon").status == run("move", id, "--to", "soon").status == 1
    told = run("reschedule", id, "--timespec", "0 0 1 1 * ", "--tz", "Asia/Tokyo", "--json").json
    assert told["due"].endswith("-12-31T15:00:00Z")
    (row,) = run("scheduled", "--json", "--text", "0 0 1 1").lines
    assert (row["kind"], row["tz"], row["timespec"]) == ("repeat", "Asia/Tokyo", "0 0 1 1 *")
    result = run("reschedule", id, "--timespec", "0 25 * * *")
    assert (result.status, 'found "25"' in result.err) == (1, True)


def test_ids_are_taken_once_each(run: Any, pending: list[dict[str, Any]]) -> None:
    id = pending[0]["id"]
    assert len(run("cancel", id, id[:12], id).out.splitlines()) == 1


# ---- what became of it ------------------------------------------------------------------------------------


@pytest.fixture
def lived(run: Any) -> None:
    """Tea was made in March 2026, on a virtual clock, and once it was none."""
    run("install", TEA)
    clock = VirtualClock("2026-03-01T16:00:00Z")
    with Engine("picosched.db", clock, settings=Settings(history_days=100_000)) as engine:
        engine.root.raise_event("tea", "started", {"minutes": 5})
        engine.run_until("2026-03-01T17:00:00Z")
        engine.root.raise_event("tea", "started", {"minutes": 0})


@pytest.mark.usefixtures("lived")
def test_history_tells_what_became_of_what_was_due(run: Any) -> None:
    (fire,) = run("history", "--json").lines
    assert fire["nominal"] == fire["fired"] == "2026-03-01T16:05:00Z"
    assert (fire["outcome"], fire["lateness"], fire["rules"]) == ("fired", 0.0, ["tea_timer.ready"])
    assert run("history", fire["id"][:6], "--json").json == fire
    assert run("history", "--pico", "root", "-n", "1", "--json").json == fire
    assert run("history", "nosuch").status == 1
    heading, line = run("history").out.splitlines()
    assert heading.split() == ["DUE", "EVENT", "PROCESSED", "LATE", "OUTCOME", "PICO", "RULES", "ID"]
    due = "2026-03-01T16:05:00Z"
    assert line.split()[:6] == [due, "notification:tea_ready", due, "0.000", "s", "fired"]
    assert (fire["event"], fire["name"]) == ("notification:tea_ready", None)


def test_history_of_one_outcome_and_what_stands_for_several(run: Any, folder: Path) -> None:
    (folder / "steered.krl").write_text(STEERED)
    run("install", "steered.krl")
    clock = VirtualClock("2026-03-01T00:00:00Z")
    with Engine("picosched.db", clock, settings=Settings(history_days=100_000)) as engine:
        engine.root.raise_event("steered", "wanted", {"_name": "bell"})
        clock.set("2026-03-03T12:00:00Z")
        engine.run_due()
        engine.run_until("2026-03-04T12:00:00Z")
    assert [(each["outcome"], each["stands_for"]) for each in run("history", "--json").lines] == [
        ("fired", 1), ("coalesced", 3),
    ]  # fmt: skip
    assert [each["name"] for each in run("history", "--json").lines] == ["bell", "bell"]
    assert "STANDS FOR" in run("history").out and ' steered:came "bell" ' in run("history").out
    assert "STANDS FOR" not in run("history", "--outcome", "fired").out
    assert run("history", "--outcome", "coalesced", "--json").json["nominal"] == "2026-03-01T09:00:00Z"
    assert run("history", "--outcome", "failed").out == "nothing has been failed yet\n"
    assert run("history", "--outcome", "nosuch").status == 2


def test_what_has_no_history_says_so(run: Any) -> None:
    run("install", TEA)
    assert run("history").out == "nothing has come due yet\n"
    assert run("journal").out == "nothing has happened yet\n"
    assert run("history", "--json").out == run("journal", "--json").out == ""


@pytest.mark.usefixtures("lived")
def test_the_journal_tells_why_each_rule_fired_or_not(run: Any) -> None:
    (fire,) = run("history", "--json").lines
    assert run("journal").out.splitlines() == [
        "2026-03-01T16:00:00Z  root, raised",
        "  tea:started minutes=5",
        "    fired       tea_timer.start (line 19)",
        '    say {"text":"steeping"}',
        f"2026-03-01T16:05:00Z  root, scheduled {fire['id'][:8]}, due 2026-03-01T16:05:00Z",
        "  notification:tea_ready tea=tea",
        "    fired       tea_timer.ready (line 34)",
        '    say {"text":"your tea is ready"}',
        "2026-03-01T17:00:00Z  root, raised",
        "  tea:started minutes=0",
        "    notfired    tea_timer.start: its condition on line 26 is false: minutes was 0",
    ]


@pytest.mark.usefixtures("lived")
def test_why_answers_for_each_occurrence_between_two_times(run: Any) -> None:
    between = ("why", "tea_timer.start", "--between", "2026-03-01T16:00:00Z", "2026-03-01T17:00:00Z")
    assert [each["broke"] for each in run(*between, "--json").lines] == [None, "tea_timer.start"]
    assert run(*between).out.count("raised: tea:started") == 2
    wrong = run(*between, "--at", "2026-03-01")
    assert wrong.status == 2 and "exclude each other" in wrong.err


def test_what_will_not_fire_is_listed_with_its_reasons(run: Any, pending: list[dict[str, Any]]) -> None:
    assert run("scheduled", "--not-firing").out == "nothing is known that will not fire within 31 days\n"
    digest = next(each for each in pending if each["kind"] == "repeat")
    run("pause", digest["id"])
    (entry,) = run("scheduled", "--not-firing", "--days", "3", "--json").lines
    assert (entry["outcome"], entry["why"], entry["pico"]) == ("paused", "until it is resumed", "root")
    assert entry["at"] == digest["due"] and entry["occurrences"] == 3
    assert "paused: until it is resumed" in run("scheduled", "--not-firing").out
    for words in (("--not-firing", "--ics"), ("--days", "3"), ("--not-firing", "--days", "367")):
        assert run("scheduled", *words).status == 2


@pytest.mark.usefixtures("lived")
def test_the_journal_as_json_is_a_turn_a_line(run: Any) -> None:
    first, second, third = run("journal", "--json").lines
    assert second["scheduled"] and second["nominal"] == second["at"] == "2026-03-01T16:05:00Z"
    assert third["handled"][0]["considered"][0]["outcome"] == "notfired"
    assert first["pico"] == "root"
    assert run("journal", "--eid", third["eid"], "--json").json == third
    assert run("journal", "-n", "1", "--json").json == third


def test_a_window_is_listed_and_shown_in_words(run: Any, folder: Path) -> None:
    (folder / "office.krl").write_text(
        """ruleset office {
          meta { window office from "0 8 * * 1-5" to "0 18 * * 1-5" in "Europe/Berlin" }
          rule opened { select when window opened name re#office# }
        }"""
    )
    run("install", "office.krl")
    (row,) = run("scheduled", "--kind", "window", "--json").lines
    assert 'window "office" Europe/Berlin' in run("scheduled").out
    shown = run("show", row["id"])
    assert "opens at 08:00 on Monday to Friday, Europe/Berlin time; closes at 18:00" in shown.out
    assert len(run("show", row["id"], "--json").json["next"]) == 5
    for words in ("cancel",), ("move", "--by", "1h"), ("reschedule", "--timespec", "@daily"):
        refused = run(*words, row["id"])
        assert (refused.status, "it is a window of its ruleset" in refused.out) == (0, True)
    assert "is a window of its ruleset" in run("fire", row["id"]).err
    assert run("pause", row["id"], "--until", "2026-01-01").status == 1


def test_what_will_not_be_raised_is_told_and_is_no_next_time(run: Any, folder: Path) -> None:
    (folder / "mornings.krl").write_text(
        """ruleset mornings {
          meta { window morning from "0 8 * * *" to "0 9 * * *" }
          rule plan { select when mornings plan fired {
            schedule mornings event "hourly" repeat "0 * * * *" with _window = "morning"
            schedule mornings event "often" repeat "*/5 * * * *"
            schedule mornings event "once" at "2099-01-01T12:00:00Z" with _window = "morning"
          } }
        }"""
    )
    run("install", "mornings.krl")
    raised = run("raise", "mornings:plan")
    assert raised.err.startswith('warning: the timespec "*/5 * * * *" comes every 300 s')
    assert len(run("raise", "mornings:plan", "--json").json["warnings"]) == 1
    assert "repeat 0 * * * * in window morning" in run("scheduled").out
    next: dict[str, list[str]] = {}
    for row in run("scheduled", "--json").lines:
        next[row["event"]] = [time[11:16] for time in run("show", row["id"], "--json").json["next"]]
    assert next["mornings:hourly"] == ["08:00"] * 5
    assert next["mornings:once"] == ["08:00"]
    minutes = [int(time[3:]) for time in next["mornings:often"]]
    assert {(one - other) % 60 for other, one in itertools.pairwise(minutes)} == {10}
    shown = run("show", run("scheduled", "--event", "mornings:hourly", "--json").lines[0]["id"]).out
    assert "window     morning: not raised outside it" in shown
    day = ("--from", "2026-01-01", "--until", "2026-01-02", "--raise", "mornings:plan")
    assert run("simulate", "mornings.krl", *day).err == (
        "occurrences not raised: 23 skipped, 144 throttled\n"
    )


def test_firing_a_single_event_finishes_it(run: Any, pending: list[dict[str, Any]]) -> None:
    once = next(each for each in pending if each["kind"] == "at")
    repeat = next(each for each in pending if each["kind"] == "repeat")
    assert run("fire", once["id"]).out.splitlines()[0].endswith("), finished")
    assert run("fire", repeat["id"]).out.splitlines()[0].endswith(f"), due {repeat['due']}")


# ---- calendars --------------------------------------------------------------------------------------------


def test_what_a_calendar_leaves_out_is_told_before_it_would_have_come(run: Any, folder: Path) -> None:
    day = timedelta(days=1)
    today = SystemClock().now().date()
    first, last = today + day, today + 3 * day
    (folder / "picosched.toml").write_text(
        f'[calendar]\nworks = {{dates = {{"{first}..{last}" = "works outing"}}}}'
    )
    (folder / "bell.krl").write_text("""ruleset bell { rule r { select when bell begun
      always { schedule bell event "rings" repeat "daily at 0:00 except calendar('works')" } } }""")
    run("install", "bell.krl")
    assert f'calendar("works") knows no day after {last}' in run("raise", "bell:begun").err
    (row,) = run("scheduled", "--json").lines
    assert row["due"] == f"{last + day}T00:00:00Z"
    listed = " ".join(run("scheduled").out.split())
    assert "left out:" in listed and "works outing" in listed
    shown = run("show", row["id"]).out
    assert f"left out: {first:%a} {first}: works outing\n" in shown
    assert f'calendar("works") knows no day after {last}: from then on it leaves none out\n' in shown
    assert [each["day"] for each in run("show", row["id"], "--json").json["left_out"]] == [
        str(first), str(first + day), str(last)
    ]  # fmt: skip


def test_an_event_is_scheduled_by_hand(run: Any, pending: list[dict[str, Any]]) -> None:
    made = run("schedule", "tea:due", "--repeat", "0 9 * * *", "_name=nine", "_timezone=Europe/Rome", "n=1")
    assert made.out.startswith("scheduled tea:due on root for ")
    assert made.err == "warning: no rule of the pico root selects tea:due so far\n"
    again = run("schedule", "tea:due", "--repeat", "0 8 * * *", "_name=nine")
    assert again.out.startswith("there was one of that name already: tea:due on root for ")
    often = run("schedule", "tea:due", "--repeat", "* * * * *", "--json")
    assert often.json["new"] and "min_period" in often.json["warnings"][0]
    assert "warning: the timespec" in run("schedule", "tea:due", "--repeat", "* * * * *").err
    once = run(
        "schedule", "tea:due", "--at", "2099-01-01", "--attrs", '{"_name": "once", "n": [1]}', "--json"
    )
    shown = run("show", once.json["id"], "--json").json
    assert (shown["due"], shown["attrs"], shown["name"]) == ("2099-01-01T00:00:00Z", {"n": [1]}, "once")
    assert shown["created_by"].startswith("the command line") and shown["rid"] == ""
    assert re.search(r"made by +the command line", run("show", "nine").out)
    assert "by the command line" in run("why", "nine").out
    assert run("pause", "nine").out.startswith("paused tea:due")
    assert run("cancel", "once").out.startswith("cancelled tea:due")
    assert len(run("scheduled", "--json").lines) == len(pending) + 3


@pytest.mark.parametrize(
    ("words", "status", "wanted"),
    [
        ((), 2, "found neither --at nor --repeat, wanted one of them"),
        (("--at", "2099-01-01", "--repeat", "@daily"), 2, "found both --at and --repeat"),
        (("--at", "soon"), 1, "wanted ISO 8601"),
        (("--repeat", "61 * * * *"), 1, "61"),
        (("--at", "2099-01-01", "_count=2"), 1, "found _count with an at"),
        (("--at", "2099-01-01", "--pico", "nosuch"), 1, "nosuch"),
    ],
)
def test_a_schedule_that_cannot_be(
    run: Any, pending: list[dict[str, Any]], words: tuple[str, ...], status: int, wanted: str
) -> None:
    refused = run("schedule", "tea:due", *words)
    assert (refused.status, refused.out) == (status, "") and wanted in refused.err
    assert len(run("scheduled", "--json").lines) == len(pending)
