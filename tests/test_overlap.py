"""An occurrence that comes due while the one before is at work: real programs, and a real host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from held_host import Host, serving, waiting_for
from overlapping import RULESET, at_work, copy_as_killed, fires_of, got, running
from racing import until

from picosched import Engine, VirtualClock
from picosched.clock import parse_time

pytestmark = pytest.mark.slow


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock("2026-03-01T00:00:30Z")


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with at_work(tmp_path / "picos.db", clock, min_period=0) as engine:
        yield engine


def plan(engine: Engine, **attrs: Any) -> None:
    assert engine.root.raise_event("work", "plan", attrs).errors == []


def records(engine: Engine) -> list[tuple[str, str]]:
    """Of the schedule."""
    return fires_of(engine, row_id(engine))


def row_id(engine: Engine) -> str:
    (row,) = engine.scheduled()
    return row.id


def whys(engine: Engine) -> list[str]:
    return [each.why for each in engine.history(limit=100) if each.why]


@pytest.fixture
def host() -> Iterator[Host]:
    with serving() as host:
        yield host


def plan_held(engine: Engine, clock: VirtualClock, end: Path) -> None:
    """Plan a schedule whose second occurrence is held, until a file is there, by the program of its first."""
    plan(engine, args=waiting_for(end), _overlap="queue")
    clock.advance(minutes=1)
    until(lambda: running(engine))
    clock.advance(minutes=1)
    until(lambda: engine.scheduled()[0].held)


# ---- programs -------------------------------------------------------------------------------------------


def test_skip_lets_go_what_comes_due_while_the_program_runs(
    engine: Engine, clock: VirtualClock, tmp_path: Path
) -> None:
    plan(engine, args=waiting_for(tmp_path / "end"), _overlap="skip")
    clock.advance(minutes=1)
    until(lambda: running(engine))
    clock.advance(minutes=1)
    until(lambda: len(records(engine)) == 2)
    assert "still at work: /bin/sh, asked for at 2026-03-01T00:01:" in whys(engine)[0]
    (tmp_path / "end").touch()
    until(lambda: got(engine) == ["exited"])
    clock.advance(minutes=1)
    until(lambda: got(engine) == ["exited", "exited"])
    assert records(engine) == [("00:01", "fired"), ("00:02", "skipped"), ("00:03", "fired")]
    assert engine.why(row_id(engine), parse_time("2026-03-01T00:02:00Z")).instead == (
        '/bin/sh ended by 2026-03-01T00:02:00Z, or `_overlap` "queue", which waits for it'
    )


def test_queue_runs_one_after_the_other(engine: Engine, clock: VirtualClock, tmp_path: Path) -> None:
    plan_held(engine, clock, tmp_path / "end")
    clock.advance(minutes=3)  # and more come due, for which one stands
    assert records(engine) == [("00:01", "fired")]
    (tmp_path / "end").touch()
    until(lambda: len(got(engine)) == 2)
    assert records(engine) == [("00:01", "fired"), ("00:02", "coalesced")]
    (row,) = engine.scheduled()
    assert (row.status.value, row.held, f"{row.due:%H:%M}") == ("pending", False, "00:06")


def test_cancel_ends_the_program_and_runs_the_next(
    engine: Engine, clock: VirtualClock, tmp_path: Path
) -> None:
    plan(engine, args=waiting_for(tmp_path / "end"), _overlap="cancel")
    clock.advance(minutes=1)
    until(lambda: running(engine))
    clock.advance(minutes=1)
    until(lambda: got(engine) == ["cancelled"])
    until(lambda: len(records(engine)) == 2 and running(engine) == 1)
    assert records(engine) == [("00:01", "fired"), ("00:02", "fired")]
    (tmp_path / "end").touch()
    until(lambda: got(engine) == ["cancelled", "exited"])


def test_without_it_programs_run_side_by_side(engine: Engine, clock: VirtualClock, tmp_path: Path) -> None:
    plan(engine, args=waiting_for(tmp_path / "end"))
    clock.advance(minutes=1)
    until(lambda: running(engine))
    clock.advance(minutes=1)
    until(lambda: running(engine) == 2)
    (tmp_path / "end").touch()
    until(lambda: got(engine) == ["exited", "exited"])


def test_a_held_row_can_be_paused_moved_and_cancelled_but_not_resumed(
    engine: Engine, clock: VirtualClock, tmp_path: Path
) -> None:
    plan_held(engine, clock, tmp_path / "end")
    id = row_id(engine)
    assert (engine.scheduled()[0].state, engine.scheduled()[0].status.value) == ("held", "paused")
    why = engine.why(id)
    assert (
        why.broke is not None
        and why.broke.name == "overlap"
        and ", since 2026-03-01T00:01:" in why.broke.text
    )
    assert why.instead == "the occurrence before ended, by 2026-03-01T00:02:00Z: it comes as soon as that has"
    assert engine.agenda.resume(id) == []
    assert engine.agenda.pause(id)
    (tmp_path / "end").touch()
    until(lambda: got(engine) == ["exited"])
    assert engine.scheduled()[0].paused  # by somebody, so it stays
    assert engine.agenda.cancel(id)
    assert not engine.agenda.load(id).held


def test_a_document_of_a_held_row_leaves_the_wait_behind(
    engine: Engine, clock: VirtualClock, tmp_path: Path
) -> None:
    plan_held(engine, clock, tmp_path / "end")
    document = engine.export_pico("root")
    (tmp_path / "end").touch()
    with Engine(tmp_path / "other.db", clock) as other:
        other.import_pico(document, name="copy")
        (row,) = other.scheduled()
        assert (row.held, row.status.value, row.overlap) == (False, "pending", "queue")


# ---- turns ----------------------------------------------------------------------------------------------


def test_skip_lets_go_what_comes_due_while_the_turn_waits(
    engine: Engine, clock: VirtualClock, host: Host
) -> None:
    plan(engine, url=host.url, _overlap="skip")
    clock.advance(minutes=1)
    assert host.asked.acquire(timeout=20)
    clock.advance(minutes=3)
    host.may.release()
    until(lambda: len(records(engine)) == 2)
    assert records(engine) == [("00:01", "fired"), ("00:02", "skipped")]
    assert [each.stands_for for each in engine.history(limit=1)] == [3]
    assert engine.root.query("work", "asked") == [200]


def test_queue_raises_what_came_due_while_the_turn_waited(
    engine: Engine, clock: VirtualClock, host: Host
) -> None:
    plan(engine, url=host.url, _overlap="queue")
    clock.advance(minutes=1)
    assert host.asked.acquire(timeout=20)
    clock.advance(minutes=3)
    host.may.release(2)
    until(lambda: engine.root.query("work", "asked") == [200, 200])
    assert records(engine) == [("00:01", "fired"), ("00:02", "coalesced")]


def test_cancel_gives_up_the_wait_when_the_next_is_due(
    engine: Engine, clock: VirtualClock, host: Host
) -> None:
    plan(engine, url=host.url, _overlap="cancel")
    clock.advance(minutes=1)
    assert host.asked.acquire(timeout=20)
    clock.advance(minutes=1)
    host.may.release(2)  # the answer comes too late
    until(lambda: len(records(engine)) == 2)
    assert records(engine) == [("00:01", "cancelled"), ("00:02", "fired")]
    assert "waited for an answer" in whys(engine)[0]
    assert engine.root.query("work", "asked") == [200]


def test_the_request_is_cut_off_in_time(tmp_path: Path, host: Host) -> None:
    """With the time of the system, and a host that would answer much later."""
    with Engine(tmp_path / "picos.db", http_allow=("127.0.0.1",), min_period=0, granularity=1) as engine:
        engine.root.install(RULESET.replace('"* * * * *"', '"*/2 * * * * *"'))
        engine.start()
        plan(engine, url=host.url, _overlap="cancel")
        until(lambda: any(each.outcome == "cancelled" for each in engine.history(limit=100)))
        (first,) = [each for each in engine.history(limit=100) if each.outcome == "cancelled"][-1:]
        assert 1.9 < first.lateness < 9  # requests may take ten
        assert engine.root.query("work", "asked") == []


# ---- what is refused, and what is kept ------------------------------------------------------------------


def test_what_becomes_of_the_next_is_said_in_words(engine: Engine) -> None:
    for word, said in (
        ("skip", "every minute; while one is at work the next is skipped"),
        ("queue", "every minute; while one is at work the next waits"),
        ("cancel", "every minute; while one is at work the next ends it"),
    ):
        plan(engine, _overlap=word, _name=word)
        assert [each.explain() for each in engine.scheduled() if each.name == word] == [said]


def test_another_word_is_refused_and_so_is_an_at(engine: Engine) -> None:
    turn = engine.root.raise_event("work", "plan", {"_overlap": "allow"})
    assert 'found "allow" as _overlap, wanted "skip", "queue" or "cancel"' in str(turn.errors[0])
    assert engine.scheduled() == []


@pytest.mark.files
def test_a_killed_process_leaves_a_row_that_goes_on(tmp_path: Path, clock: VirtualClock) -> None:
    """The programs of a dead process were interrupted; the row that waited for them is raised after that."""
    end, copy = tmp_path / "end", tmp_path / "copy.db"
    with at_work(tmp_path / "picos.db", clock, min_period=0) as engine:
        plan_held(engine, clock, end)
        copy_as_killed(tmp_path / "picos.db", copy)  # one row runs, the other is held
        end.touch()
    with Engine(copy, clock, proc_allow=("/bin/sh",), min_period=0) as again:
        again.run_due()
        again.run_due()
        assert got(again) == ["interrupted", "exited"]
        assert records(again) == [("00:01", "fired"), ("00:02", "fired")]
