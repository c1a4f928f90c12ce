"""What stands on a store, on PostgreSQL: transcripts, sources, deliveries, moves, commands, a server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from postgres_server import Server
from test_deliveries import COURIER, DAY, START, World, post
from web.served import Served

from picosched import Engine, VirtualClock
from picosched.rehearsal.transcript import play
from picosched.schedule.scheduled import Outcome

pytestmark = pytest.mark.files

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
COUNTER = Path(__file__).parent / "rulesets" / "counter.krl"
WORKER = """ruleset shift {
  meta { shares seen }
  global { seen = function() { ent:seen.defaultsTo([]) } }
  rule plan { select when shift plan always { schedule shift event "rang" repeat "0 * * * *" } }
  rule rang { select when shift rang always { ent:seen := seen().append(time:now()) } }
  rule beat { select when metronome tick always { ent:seen := seen().append("beat") } }
}"""
HOUR = {"type": "metronome", "interval": 3_600_000, "to": {"pico": "root"}}


def pass_hours(engine: Engine, clock: VirtualClock, hours: int) -> None:
    for _ in range(hours):
        clock.advance(hours=1)
        engine.run_due()


@pytest.fixture
def address(postgres: Server) -> str:
    return postgres.emptied_database()


@pytest.mark.parametrize("file", TRANSCRIPTS, ids=lambda file: file.stem)
def test_a_transcript_plays_as_on_sqlite(file: Path, address: str) -> None:
    assert play(file, address).mismatches == []


def test_repeats_and_sources_go_on_after_the_engine_was_closed(address: str) -> None:
    clock = VirtualClock(START)
    with Engine(address, clock) as engine:
        engine.root.install(WORKER)
        engine.root.raise_event("shift", "plan")
        source = engine.add_source(HOUR)
        pass_hours(engine, clock, 3)
    with Engine(address, clock) as engine:
        pass_hours(engine, clock, 3)
        assert [fire.outcome for fire in engine.store.agenda.fires()] == [Outcome.FIRED] * 6
        assert len(engine.root.query("shift", "seen")) == 6 + 6
        assert [entry.fires for entry in engine.store.sources.entries(source)] == [6]


def test_a_delivery_is_sent_until_it_is_accepted(address: str) -> None:
    world, clock = World(503, 200), VirtualClock(START)
    with Engine(address, clock, outside=world) as engine:
        engine.root.install(COURIER)
        assert post(engine).errors == []
        engine.run_due()
        assert engine.deliveries()[0].tries == 1
    with Engine(address, clock, outside=world) as engine:
        clock.advance(DAY)
        engine.run_due()
        assert engine.deliveries() == []
    assert len(world.asked) == 2


def test_a_pico_moves_from_a_file_to_postgres_and_back(address: str, tmp_path: Path) -> None:
    clock = VirtualClock(START)
    with Engine(tmp_path / "picos.db", clock) as here, Engine(address, clock) as there:
        pico = here.new_pico("shift")
        pico.install(WORKER)
        pico.raise_event("shift", "plan")
        pass_hours(here, clock, 2)
        document = here.export_pico(pico.id, history=True)
        moved = there.import_pico(document)
        assert moved.query("shift", "seen") == pico.query("shift", "seen")
        back = there.export_pico(moved.id, history=True)
        assert _alike(back) == _alike(document)
        pass_hours(there, clock, 2)
        assert len(moved.query("shift", "seen")) == 4


def _alike(document: dict[str, Any]) -> dict[str, Any]:
    """A document without what an import draws anew."""
    text = json.dumps({key: document[key] for key in ("name", "rulesets", "fires")})
    for each in document["scheduled"]:
        text = text.replace(each["id"], "ID")
    return {"text": text, "turns": len(document["journal"])}


def test_a_rehearsal_starts_from_a_copy_and_changes_nothing(address: str) -> None:
    clock = VirtualClock(START)
    with Engine(address, clock) as engine:
        engine.root.install(WORKER)
        engine.root.raise_event("shift", "plan")
        copy = engine.read(engine.store.copy)
        assert copy.agenda.pending() == engine.store.agenda.pending() != []
        with Engine(copy, clock) as rehearsed:
            pass_hours(rehearsed, clock, 5)
            assert len(rehearsed.root.query("shift", "seen")) == 5
        assert engine.root.query("shift", "seen") == []


def run(*words: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from picosched.cli.main import main; main()", *words],
        cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_commands_work_on_an_address(address: str, tmp_path: Path) -> None:
    (tmp_path / "shift.krl").write_text(WORKER)
    assert run("install", "shift.krl", "--db", address, folder=tmp_path).returncode == 0
    assert run("raise", "shift:plan", "--db", address, folder=tmp_path).returncode == 0
    listed = run("scheduled", "--json", "--db", address, folder=tmp_path)
    assert json.loads(listed.stdout.splitlines()[0])["timespec"] == "0 * * * *"
    for words in (("backup", "copy.db"), ("doctor",)):
        refused = run(*words, "--db", address, folder=tmp_path)
        assert refused.returncode != 0 and "pg_" in refused.stderr, refused
    assert not (tmp_path / "copy.db").exists()


def test_a_server_answers_while_postgres_hangs(address: str, postgres: Server, tmp_path: Path) -> None:
    (tmp_path / "shift.krl").write_text(WORKER)
    with Engine(address) as engine:
        eci = engine.root.new_channel().eci
    served = Served(tmp_path, "shift.krl", "--open", "--db", address)
    try:
        with httpx.Client(base_url=served.url, timeout=30) as client, ThreadPoolExecutor(1) as thread:
            client.get(f"/c/{eci}/query/shift/seen").raise_for_status()
            ((session,),) = postgres.ask(
                "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory'", address
            )
            os.kill(session, signal.SIGSTOP)
            try:
                event = thread.submit(client.post, f"/c/{eci}/event/shift/rang", json={})
                assert wait([event], 0.5).done == set()
                assert client.get("/health", timeout=5).status_code == 200
                assert not event.done()
            finally:
                os.kill(session, signal.SIGCONT)
            assert event.result(30).status_code == 200
    finally:
        served.stop(signal.SIGKILL)
        for stream in (served.process.stdout, served.process.stderr):
            assert stream is not None
            stream.close()


def test_a_server_goes_on_after_it_was_killed_and_after_postgres_was_away(
    address: str, postgres: Server, tmp_path: Path
) -> None:
    (tmp_path / "shift.krl").write_text(WORKER)
    with Engine(address) as engine:
        eci = engine.root.new_channel().eci
    secret = address.replace("picos@", "picos:hush@")
    for number in range(2):
        served = Served(tmp_path, "shift.krl", "--open", "--db", secret)
        try:
            assert served.url, served.errors
            with httpx.Client(base_url=served.url) as client:
                assert client.post(f"/c/{eci}/event/shift/rang", json={}).status_code == 200
                assert len(client.get(f"/c/{eci}/query/shift/seen").json()) == number + 1
                if number == 0:
                    continue
                postgres.stop()
                try:
                    away = client.post(f"/c/{eci}/event/shift/rang", json={})
                    assert away.status_code == 503 and "cannot be reached" in away.json()["error"], away.text
                    assert client.get("/ready").status_code == 503
                finally:
                    postgres.start()
                assert client.post(f"/c/{eci}/event/shift/rang", json={}).status_code == 200
                assert len(client.get(f"/c/{eci}/query/shift/seen").json()) == number + 2
        finally:
            served.stop(signal.SIGKILL)
            for stream in (served.process.stdout, served.process.stderr):
                assert stream is not None
                stream.close()
        told = "".join(served.errors)
        assert "hush" not in told and "a part of the server failed" not in told


def test_the_past_is_replayed_from_a_snapshot_that_is_a_file(address: str, tmp_path: Path) -> None:
    clock = VirtualClock(START)
    with Engine(address, clock, snapshots_in=str(tmp_path / "snapshots"), snapshot_hours=4) as engine:
        engine.root.install(WORKER)
        engine.root.raise_event("shift", "plan")
        engine.add_source(HOUR)
        pass_hours(engine, clock, 20)
        found = engine.replay(clock.now() - timedelta(hours=7))
        assert found.turns >= 14 and (found.differences, found.unsure, found.lost) == ([], [], 0)
        changed = WORKER.replace('append("beat")', 'append("beaten")').replace(
            "select when metronome tick", "select when metronome tick where false"
        )
        other = engine.replay(clock.now() - timedelta(hours=7), rulesets=[changed], first=True)
        assert [each.rule for each in other.differences] == ["shift.beat, line 6"]
    assert len([*(tmp_path / "snapshots").iterdir()]) == 5
