"""An occurrence of a source that comes due while the one before is at work, as for schedules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from held_host import WAIT, Host, serving, waiting_for
from overlapping import at_work, copy_as_killed, fires_of, got, running
from racing import until

from picosched import Engine, VirtualClock
from picosched.sources.state import EntryState
from picosched.standard import PROC, read, url_of

pytestmark = pytest.mark.slow

ONE, MANY = {"pico": "root"}, {"rid": "work"}


def table(overlap: str, to: dict[str, str], **attrs: Any) -> dict[str, Any]:
    entry = {"name": "minute", "when": "* * * * *", "event": "work:due", "attrs": attrs, "overlap": overlap}
    return {"type": "crontab", "name": "table", "to": to, "entries": [entry]}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock("2026-03-01T00:00:00Z")


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with at_work(tmp_path / "picos.db", clock) as engine:
        yield engine


@pytest.fixture
def host() -> Iterator[Host]:
    with serving() as host:
        yield host


def entry_of(engine: Engine) -> EntryState:
    return engine.sources()[0].entries[0]


def records(engine: Engine) -> list[tuple[str, str]]:
    """Of the entry."""
    return fires_of(engine, entry_of(engine).id)


def begin(engine: Engine, clock: VirtualClock, source: dict[str, Any]) -> None:
    """Until the program of the first occurrence runs."""
    engine.add_source(source)
    clock.advance(minutes=1)
    until(lambda: running(engine))


# ---- programs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [ONE, MANY], ids=["one", "many"])
def test_skip_lets_go_what_comes_due_while_the_program_runs(
    engine: Engine, clock: VirtualClock, tmp_path: Path, to: dict[str, str]
) -> None:
    begin(engine, clock, table("skip", to, args=waiting_for(tmp_path / "end")))
    clock.advance(minutes=1)
    until(lambda: len(records(engine)) == 2)
    (skipped, _) = engine.history(id=entry_of(engine).id)
    assert "still at work: /bin/sh, asked for at 2026-03-01T00:01:" in str(skipped.why)
    (tmp_path / "end").touch()
    until(lambda: got(engine) == ["exited"])
    clock.advance(minutes=1)
    until(lambda: got(engine) == ["exited", "exited"])
    assert records(engine) == [("00:01", "fired"), ("00:02", "skipped"), ("00:03", "fired")]


@pytest.mark.parametrize("to", [ONE, MANY], ids=["one", "many"])
def test_queue_runs_one_after_the_other(
    engine: Engine, clock: VirtualClock, tmp_path: Path, to: dict[str, str]
) -> None:
    begin(engine, clock, table("queue", to, args=waiting_for(tmp_path / "end")))
    clock.advance(minutes=1)
    until(lambda: entry_of(engine).held)
    assert engine.next_due() is None  # nothing is polled
    clock.advance(minutes=3)  # and more come due, for which one stands
    assert records(engine) == [("00:01", "fired")]
    (tmp_path / "end").touch()
    until(lambda: len(got(engine)) == 2)
    assert records(engine) == [("00:01", "fired"), ("00:02", "coalesced")]
    assert not entry_of(engine).held and f"{entry_of(engine).due:%H:%M}" == "00:06"


@pytest.mark.parametrize("to", [ONE, MANY], ids=["one", "many"])
def test_cancel_ends_the_program_and_runs_the_next(
    engine: Engine, clock: VirtualClock, tmp_path: Path, to: dict[str, str]
) -> None:
    begin(engine, clock, table("cancel", to, args=waiting_for(tmp_path / "end")))
    clock.advance(minutes=1)
    until(lambda: got(engine) == ["cancelled"])
    until(lambda: len(records(engine)) == 2 and running(engine) == 1)
    assert records(engine) == [("00:01", "fired"), ("00:02", "fired")]
    (tmp_path / "end").touch()
    until(lambda: got(engine) == ["cancelled", "exited"])


def test_a_line_of_a_crontab_file_is_not_run_beside_itself(
    engine: Engine, clock: VirtualClock, tmp_path: Path
) -> None:
    """What `flock -n` is for."""
    end = tmp_path / "end"
    (tmp_path / "jobs").write_text(f"* * * * * /bin/sh -c '{WAIT.format(end)}'\n")
    engine.root.install(read(url_of(PROC)))
    given = {"type": "crontab", "to": ONE, "file": str(tmp_path / "jobs"), "overlap": "skip"}
    begin(engine, clock, given)
    clock.advance(minutes=1)
    until(lambda: len(records(engine)) == 2)
    assert (records(engine), running(engine)) == ([("00:01", "fired"), ("00:02", "skipped")], 1)
    end.touch()
    until(lambda: not running(engine))


def test_a_held_entry_can_be_paused_and_resumed(engine: Engine, clock: VirtualClock, tmp_path: Path) -> None:
    begin(engine, clock, table("queue", ONE, args=waiting_for(tmp_path / "end")))
    clock.advance(minutes=1)
    until(lambda: entry_of(engine).held)
    assert engine.pause_source("table")
    (tmp_path / "end").touch()
    until(lambda: got(engine) == ["exited"])
    clock.advance(minutes=1)
    assert engine.resume_source("table")
    assert (records(engine)[1:], entry_of(engine).held) == ([("00:02", "paused")], False)


# ---- turns and deliveries -------------------------------------------------------------------------------


def test_skip_lets_go_what_comes_due_while_the_turn_waits(
    engine: Engine, clock: VirtualClock, host: Host
) -> None:
    engine.add_source(table("skip", ONE, url=host.url))
    clock.advance(minutes=1)
    assert host.asked.acquire(timeout=20)
    clock.advance(minutes=3)
    host.may.release()
    until(lambda: len(records(engine)) == 2)
    assert records(engine) == [("00:01", "fired"), ("00:02", "skipped")]
    assert engine.history(limit=1)[0].stands_for == 3
    assert engine.root.query("work", "asked") == [200]


def test_cancel_gives_up_the_wait_when_the_next_is_due(
    engine: Engine, clock: VirtualClock, host: Host
) -> None:
    engine.add_source(table("cancel", ONE, url=host.url))
    clock.advance(minutes=1)
    assert host.asked.acquire(timeout=20)
    clock.advance(minutes=1)
    host.may.release(2)  # the answer comes too late
    until(lambda: len(records(engine)) == 2)
    assert records(engine) == [("00:01", "cancelled"), ("00:02", "fired")]
    assert engine.root.query("work", "asked") == [200]
    assert (entry_of(engine).fires, entry_of(engine).failed) == (1, 0)


@pytest.mark.parametrize(
    ("overlap", "wanted"),
    [
        ("skip", [("00:01", "fired"), ("00:02", "skipped")]),
        ("queue", [("00:01", "fired")]),
        ("cancel", [("00:01", "cancelled"), ("00:02", "fired")]),
    ],
)
def test_an_event_for_another_engine_is_work_until_it_is_taken(
    clock: VirtualClock, overlap: str, wanted: list[tuple[str, str]]
) -> None:
    with Engine(clock=clock) as engine:  # 127.0.0.1 is not allowed, so the event stays on its way
        engine.add_source(table(overlap, {"url": "http://127.0.0.1:9/c/abc"}))
        clock.advance(minutes=1)
        engine.run_due()
        clock.advance(minutes=1)
        engine.run_due()
        assert records(engine) == wanted
        assert (entry_of(engine).held, engine.sources()[0].waiting) == (overlap == "queue", 1)
        if overlap == "queue":
            (sent,) = engine.deliveries()
            assert engine.drop_delivery(sent.id)
            engine.run_due()
            assert records(engine) == [("00:01", "failed"), ("00:02", "fired")]


# ---- what is kept ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "said"), [("skip", "is skipped"), ("queue", "waits"), ("cancel", "ends it")]
)
def test_what_becomes_of_the_next_is_said_in_words(engine: Engine, word: str, said: str) -> None:
    engine.add_source(table(word, ONE))
    assert entry_of(engine).when == f"every minute; while one is at work the next {said}"


@pytest.mark.files
def test_a_killed_process_leaves_an_entry_that_goes_on(tmp_path: Path, clock: VirtualClock) -> None:
    """Its programs were interrupted; the entry that waited for them is raised after that."""
    end, copy = tmp_path / "end", tmp_path / "copy.db"
    with at_work(tmp_path / "picos.db", clock) as engine:
        begin(engine, clock, table("queue", ONE, args=waiting_for(end)))
        clock.advance(minutes=1)
        until(lambda: entry_of(engine).held)
        copy_as_killed(tmp_path / "picos.db", copy)  # one program runs, and the entry is held
        end.touch()
    with Engine(copy, clock, proc_allow=("/bin/sh",)) as again:
        again.run_due()
        again.run_due()
        assert got(again) == ["interrupted", "exited"]
        assert records(again) == [("00:01", "fired"), ("00:02", "fired")]
