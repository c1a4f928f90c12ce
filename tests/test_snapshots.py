"""Snapshots are made and pruned as the settings say, and the past is replayed from them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL
from subprocess import run

import pytest
from filelock import FileLock
from racing import until

from picosched import Engine, PicoschedError, VirtualClock
from picosched.due.snapshots import snapshots

pytestmark = pytest.mark.files

RULES = """ruleset tea {
  rule count { select when tea minute
    pre { luck = random:integer(99) }
    if luck >= 0 then send_directive("luck", {"luck": luck, "n": ent:n})
    always { ent:n := ent:n.defaultsTo(0) + 1 } }
  rule start { select when tea started
    fired { schedule tea event "minute" repeat "0 * * * *" attributes {"_name": "m"} } }
}"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    options = {"snapshots_in": str(tmp_path / "snapshots"), "snapshot_hours": 6, "snapshots_kept": 3}
    with Engine(tmp_path / "picos.db", VirtualClock("2026-03-01T00:00:00Z"), **options) as made:
        made.root.install(RULES)
        made.root.raise_event("tea", "started")
        made.run_until("2026-03-02T12:30:00Z")
        yield made


def test_they_are_made_at_intervals_and_the_oldest_are_deleted(engine: Engine, tmp_path: Path) -> None:
    foreign = tmp_path / "snapshots" / "picos-00000000-2026-03-01T000000Z.db"
    foreign.touch()
    made = snapshots(tmp_path / "snapshots", engine.root.id)
    assert len(made) == 3 and foreign.exists()
    gaps = [(b - a).total_seconds() / 3600 for a, b in zip(sorted(made), sorted(made)[1:], strict=False)]
    assert gaps == [6, 6]
    engine.run_until("2026-03-02T20:30:00Z")
    after = snapshots(tmp_path / "snapshots", engine.root.id)
    assert len(after) == 3 and max(after) > max(made) and min(after) > min(made)


def test_the_past_is_replayed_from_the_newest_one_before(engine: Engine) -> None:
    found = engine.replay("2026-03-02T08:10:00Z")
    assert found.began <= found.since and found.turns >= 5
    assert (found.differences, found.unsure, found.status) == ([], [], 0)
    whole = engine.replay("2026-03-02T08:10:00Z", "2026-03-02T10:00:00Z")
    assert whole.turns == found.turns - 2 and whole.differences == []


def test_new_rules_stand_in_from_the_time_on(engine: Engine) -> None:
    changed = RULES.replace("luck >= 0", "luck >= 100")
    found = engine.replay("2026-03-02T10:30:00Z", rulesets=[changed], first=True)
    (difference,) = found.differences
    assert difference.at.isoformat() == "2026-03-02T11:00:00+00:00" and found.status == 2
    assert difference.rule == "tea.count, line 4"


def test_times_before_the_oldest_and_after_the_last_turn_are_refused(engine: Engine, tmp_path: Path) -> None:
    oldest = min(snapshots(tmp_path / "snapshots", engine.root.id))
    with pytest.raises(PicoschedError, match=f"wanted {oldest:%Y-%m-%dT%H:%M:%SZ} or later") as caught:
        engine.replay("2026-03-01T01:00:00Z")
    assert caught.value.code == "not_found"
    with pytest.raises(PicoschedError, match="the last one is of 2026-03-02T12:00:00Z"):
        engine.replay("2026-03-05")
    with pytest.raises(PicoschedError, match="found no turn between"):
        engine.replay("2026-03-02T10:00:00Z", "2026-03-02T09:00:00Z")
    with pytest.raises(PicoschedError, match="found 0 turns, wanted 1 to 100,000"):
        engine.replay("2026-03-02T10:00:00Z", most=0)
    with pytest.raises(PicoschedError, match=r"turns from .* wanted at most 2: end earlier, or start later"):
        engine.replay("2026-03-02T10:00:00Z", most=2)


def test_no_snapshot_is_made_of_a_rehearsal_or_without_a_folder(engine: Engine, tmp_path: Path) -> None:
    before = snapshots(tmp_path / "snapshots", engine.root.id)
    engine.clock.advance(days=3)
    engine.plan([RULES.replace("luck >= 0", "luck >= 1")], days=3)
    assert snapshots(tmp_path / "snapshots", engine.root.id) == before
    with Engine(tmp_path / "other.db", VirtualClock("2026-03-01T00:00:00Z")) as other:
        other.run_until("2026-03-09")
        with pytest.raises(PicoschedError, match="the setting snapshots_in names no folder"):
            other.replay("2026-03-05")


def test_a_folder_that_cannot_be_written_is_told_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    folder = str(tmp_path / "file" / "snapshots")
    with Engine(tmp_path / "picos.db", VirtualClock("2026-03-01T00:00:00Z"), snapshots_in=folder) as engine:
        engine.root.install(RULES)
        engine.root.raise_event("tea", "started")
        engine.run_until("2026-03-01T03:00:00Z")
        assert len(engine.journal()) == 4
    assert "no snapshot could be made in" in caplog.text


def test_in_the_background(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", snapshots_in=str(tmp_path / "snapshots")) as engine:
        engine.start()
        until(lambda: snapshots(tmp_path / "snapshots", engine.root.id))
        engine.stop()
        assert len([*(tmp_path / "snapshots").iterdir()]) == 1


def test_sources_and_fast_metronomes_are_replayed_too(tmp_path: Path) -> None:
    rules = """ruleset bell {
      rule rang { select when bell rang
        send_directive("rang", {"n": ent:beats, "at": time:now()}) }
      rule beat { select when metronome tick fired { ent:beats := ent:beats.defaultsTo(0) + 1 } }
    }"""
    folder = str(tmp_path / "snapshots")
    clock = VirtualClock("2026-03-01T00:00:00Z")
    with Engine(tmp_path / "picos.db", clock, snapshots_in=folder, snapshot_hours=1) as engine:
        engine.root.install(rules)
        engine.new_pico("other").install(rules)
        entries = [{"name": "hourly", "when": "0 * * * *", "event": "bell:rang"}]
        engine.add_source({"type": "crontab", "name": "c", "entries": entries, "to": {"pico": "root"}})
        engine.add_source({"type": "crontab", "name": "all", "entries": entries, "to": {"rid": "bell"}})
        engine.add_source({"type": "metronome", "interval": 30_000, "to": {"pico": "root"}})
        engine.root.raise_event("bell", "begun")
        engine.run_until("2026-03-01T06:30:00Z")
        found = engine.replay("2026-03-01T03:10:00Z")
        assert found.turns > 6 and (found.differences, found.unsure, found.lost) == ([], [], 0), found.lines()


def test_a_folder_that_cannot_be_read_is_told_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = str(tmp_path / ("long" * 100))  # refused to root as well
    with Engine(tmp_path / "picos.db", VirtualClock("2026-03-01T00:00:00Z"), snapshots_in=folder) as engine:
        engine.root.install(RULES)
        engine.root.raise_event("tea", "started")
        engine.run_until("2026-03-01T03:00:00Z")
        assert len(engine.journal()) == 4
    assert "no snapshot could be made in" in caplog.text


@pytest.mark.parametrize("time", ["2026-02-30T000000Z", "2026-02-28T250000Z"])
def test_a_file_of_a_time_that_is_none_is_left_alone(engine: Engine, tmp_path: Path, time: str) -> None:
    folder = tmp_path / "snapshots"
    foreign = folder / f"picos-{engine.root.id[:8]}-{time}.db"
    foreign.touch()
    assert engine.replay("2026-03-02T08:10:00Z").status == 0
    with Engine(
        tmp_path / "other.db", VirtualClock("2026-03-01T00:00:00Z"), snapshots_in=str(folder)
    ) as other:
        name = f"picos-{other.root.id[:8]}-{time}.db"
        (folder / name).touch()
        other.run_due()
        assert len(snapshots(folder, other.root.id)) == 1
        assert (folder / name).exists() and foreign.exists()


def test_an_old_one_that_cannot_be_deleted_stops_nothing(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "snapshots"
    undeletable = folder / f"picos-{engine.root.id[:8]}-2026-01-01T000000Z.db"
    undeletable.mkdir()
    engine.run_until("2026-03-03T02:30:00Z")
    assert len(snapshots(folder, engine.root.id)) == 3 + 1
    assert undeletable.exists() and f"{undeletable} could not be deleted" in caplog.text


KILLED = """
import os, signal, sys
from picosched import Engine

sys.addaudithook(lambda event, args: event == "os.rename" and os.kill(os.getpid(), signal.SIGKILL))
Engine(sys.argv[1], snapshots_in=sys.argv[2]).run_due()
"""
"""Makes a snapshot, and is killed before it gets its name."""


def test_what_a_killed_process_left_is_removed_and_what_another_makes_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    killed = run([sys.executable, "-c", KILLED, str(tmp_path / "picos.db"), str(folder)], check=False)
    (left,) = folder.iterdir()
    assert killed.returncode == -SIGKILL and (left / "picos.db").stat().st_size > 0
    other = folder / ".picos-other"
    other.mkdir()
    with (
        FileLock(other / "lock"),
        Engine(tmp_path / "picos.db", snapshots_in=str(folder)) as engine,
    ):
        engine.run_due()
        (made,) = snapshots(folder, engine.root.id).values()
    assert {*folder.iterdir()} == {made, other}
