"""`scheduled cancel pause resume history journal`: the real command on a real database."""

from pathlib import Path
from typing import Any

import pytest

from picosched.clock import VirtualClock
from picosched.engine import Engine
from picosched.settings import Settings

TEA = "rulesets/tea_timer.krl"


@pytest.fixture
def pending(run: Any) -> list[dict[str, Any]]:
    """Two teas and a digest are scheduled."""
    run("install", TEA, "rulesets/daily_digest.krl")
    run("raise", "tea:started", "minutes=100")
    run("raise", "tea:started", "minutes=200", "tea=oolong")
    run("raise", "digest:wanted", "zone=Europe/Rome")
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
    assert heading.split() == ["DUE", "DEALT", "WITH", "LATE", "OUTCOME", "PICO", "RULES", "ID"]
    assert line.split()[:5] == ["2026-03-01T16:05:00Z", "2026-03-01T16:05:00Z", "0.000", "s", "fired"]


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
        "    notfired    tea_timer.start: its condition on line 26 is false",
    ]


@pytest.mark.usefixtures("lived")
def test_the_journal_as_json_is_a_turn_a_line(run: Any) -> None:
    first, second, third = run("journal", "--json").lines
    assert second["scheduled"] and second["nominal"] == second["at"] == "2026-03-01T16:05:00Z"
    assert third["handled"][0]["considered"][0]["outcome"] == "notfired"
    assert first["pico"] == "root"
    assert run("journal", "--eid", third["eid"], "--json").json == third
    assert run("journal", "-n", "1", "--json").json == third
