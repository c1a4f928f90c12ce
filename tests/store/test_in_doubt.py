"""A commit that fails: what callers are told, and what the engine then works on.

Each test is a program of its own, with `faults.c` preloaded: `fail(kinds, times)` makes the next calls on the
database fail.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from picosched import PicoschedError, Store, Turn
from picosched.store.faults import InDoubtError, StoreError

pytestmark = pytest.mark.slow

BEFORE = """
import ctypes, errno, sys
from datetime import UTC, datetime
from picosched import Engine, PicoschedError, Store, Turn, VirtualClock
from picosched.store.faults import InDoubtError, StoreError
path = sys.argv[1]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
WRITE, SYNC, OPEN, READ, CHANGE = 1, 2, 4, 8, 16
faults = ctypes.CDLL(None)

def fail(kinds, times=1):
    faults.faults_arm(path.encode(), kinds, 1, times, 0, errno.EIO)

def written(store, value):
    with store.transaction():
        store.write(Turn(f"e{value}", "p", NOW, entities={("r", "v"): value}))

def error_of(work):
    try:
        work()
    except PicoschedError as error:
        return error
    raise AssertionError("it did not fail")
"""


def run(library: Path, path: Path, code: str) -> str:
    """What a program printed that has the disk that fails."""
    ran = subprocess.run(
        [sys.executable, "-c", BEFORE + code, str(path)],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_commit_that_fails_is_in_doubt_and_the_database_is_opened_anew(
    faults_library: Path, tmp_path: Path
) -> None:
    code = """
store = Store(path)
written(store, 1)
before, connection = store.changes, store._database._connection
fail(SYNC)
error = error_of(lambda: written(store, 2))
assert type(error) is InDoubtError and error.code == "internal", error
assert "it is not known whether this was kept" in error.message, error
assert "nothing" not in error.message
assert not store.kept and not store.in_transaction
assert store._database._connection is not connection
assert store.changes > before
assert store.entity("p", "r", "v") in (1, 2)
written(store, 3)
assert store.entity("p", "r", "v") == 3
store.close()
"""
    run(faults_library, tmp_path / "picos.db", code)


def test_a_write_that_fails_before_the_commit_is_not_in_doubt(faults_library: Path, tmp_path: Path) -> None:
    code = """
store = Store(path)
written(store, 1)
store._database.run("PRAGMA cache_size = 5")  # so that SQLite writes before the commit
fail(WRITE)
def much():
    with store.transaction():
        for number in range(300):
            store.write(Turn(f"m{number}", "p", NOW, entities={("r", f"m{number}"): "x" * 3000}))
error = error_of(much)
assert type(error) is StoreError and "nothing of this was kept" in error.message, error
assert store.picos.entities("p", "r") == {"v": 1}
written(store, 2)
store.close()
"""
    run(faults_library, tmp_path / "picos.db", code)


def test_a_database_that_cannot_be_opened_again_says_so_until_it_can_and_stays_ours(
    faults_library: Path, tmp_path: Path
) -> None:
    path = tmp_path / "picos.db"
    code = """
engine = Engine(path, VirtualClock())
root = engine.root
fail(WRITE | SYNC | OPEN | READ | CHANGE, 10**6)
assert type(error_of(lambda: engine.new_pico("a"))) is InDoubtError
for _ in range(3):
    for work in (lambda: engine.new_pico("b"), engine.picos, engine.run_due, lambda: engine.journal()):
        error = error_of(work)
        assert error.code == "internal" and "cannot be opened again" in error.message, error
print("gone", flush=True)
sys.stdin.readline()
fail(0)
assert [each.name for each in engine.picos()] in (["root"], ["root", "a"])
engine.new_pico("c")
assert engine.picos()[-1].name == "c"
engine.close()
Store(path).close()
"""
    words = [sys.executable, "-c", BEFORE + code, str(path)]
    env = {**os.environ, "LD_PRELOAD": str(faults_library)}
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "gone\n"
        Path(f"{path}-lock").unlink()  # the lock of the file itself is held as well, with nothing open
        with pytest.raises(PicoschedError, match="in use by another picosched"):
            Store(path)
        process.communicate("\n", timeout=60)
        assert process.returncode == 0


def test_no_new_database_takes_the_place_of_one_that_is_gone(faults_library: Path, tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    code = """
import os
store = Store(path)
written(store, 1)
store._database.run("PRAGMA cache_size = 5")
os.rename(path, path + ".moved")
fail(WRITE)
def much():
    with store.transaction():
        for number in range(300):
            store.write(Turn(f"m{number}", "p", NOW, entities={("r", f"m{number}"): "x" * 3000}))
assert "nothing of this was kept" in error_of(much).message
error = error_of(lambda: written(store, 2))
assert "cannot be opened again" in error.message and "was deleted or moved" in error.message, error
assert not os.path.exists(path)
os.rename(path + ".moved", path)
written(store, 3)
assert store.picos.entities("p", "r") == {"v": 3}
store.close()
"""
    run(faults_library, path, code)


def test_what_a_commit_in_doubt_has_left_is_seen_and_comes_due(faults_library: Path, tmp_path: Path) -> None:
    code = '''
import threading
RULESET = """ruleset tea {
  meta { shares ready }
  global { ready = function() { ent:ready.defaultsTo(0) } }
  rule start { select when tea started
    always { schedule tea event "ready" at time:add(time:now(), {"seconds": event:attrs{"in"}}) } }
  rule ready { select when tea ready always { ent:ready := ready() + 1 } }
}"""
engine = Engine(path, granularity=1)
engine.root.install(RULESET)
engine.start()
wait = threading.Event()
engine.root.raise_event("tea", "started", {"in": 3600})
while engine._scheduler._waits_for is None:  # until it sleeps
    wait.wait(0.01)
# The fsync of the commit fails, and that of SQLite's last look at the file: so the log is read again, and the
# turn is in it.
fail(SYNC, 2)
assert type(error_of(lambda: engine.root.raise_event("tea", "started", {"in": 1}))) is InDoubtError
assert len(engine.scheduled()) == 2
for _ in range(1_000):
    if engine.root.query("tea", "ready"):
        break
    wait.wait(0.01)
assert engine.root.query("tea", "ready") == 1
engine.close()
'''
    run(faults_library, tmp_path / "picos.db", code)


def test_whoever_makes_nothing_of_an_error_keeps_no_half_of_a_transaction(tmp_path: Path) -> None:
    def turn(name: str, value: object) -> Turn:
        from datetime import UTC, datetime

        return Turn(name, "p", datetime(2026, 3, 1, tzinfo=UTC), entities={("r", name): value})

    with closing(Store(tmp_path / "picos.db")) as store:
        store._database.run("PRAGMA max_page_count = 1")

        def careless() -> None:
            with store.transaction():
                store.write(turn("first", 1))
                with pytest.raises(StoreError):  # SQLite rolls back by itself when the disk is full
                    store.write(turn("large", "x" * 1_000_000))
                    store.picos.entities("p", "r")  # what was put is written before anything is read
                store._database.run("PRAGMA max_page_count = 100000")
                store.write(turn("last", 1))

        with pytest.raises(StoreError) as caught:
            careless()
        assert "disk is full" in caught.value.message and not isinstance(caught.value, InDoubtError)
        assert store.picos.entities("p", "r") == {}
        with store.transaction():
            store.write(turn("next", 1))
        assert store.picos.entities("p", "r") == {"next": 1}


RUNS = """ruleset runs {
  meta { shares ended }
  global { ended = function() { ent:ended.defaultsTo([]) } }
  rule run { select when t run proc:run("/bin/sh", ["-c", event:attrs{"script"}]) }
  rule ended { select when proc finished always { ent:ended := ended().append(event:attrs{"outcome"}) } }
}"""


BEGUN = "echo run >> runs; echo > begun; until [ -e go ]; do sleep 0.01; done"


@pytest.mark.parametrize(("fails", "times"), [("end", 1), ("end", 2), ("begin", 1), ("begin", 2)])
def test_a_program_whose_begin_or_end_is_in_doubt_is_told_of_once_and_runs_at_most_once(
    faults_library: Path, tmp_path: Path, fails: str, times: int
) -> None:
    script = BEGUN if fails == "end" else "echo run >> runs"
    (tmp_path / "runs.krl").write_text(RUNS)
    code = f"""
import threading
from pathlib import Path
folder = Path(path).parent
engine = Engine(path, granularity=1, proc_allow=[f"/bin/sh cwd={{folder}}"])
engine.root.install(folder / "runs.krl")
wait = threading.Event()
def poll(done):
    for _ in range(1_000):
        if done():
            return
        wait.wait(0.01)
    raise AssertionError("it does not come")
engine.root.raise_event("t", "run", {{"script": {script!r}}})
if {fails!r} == "begin":
    fail(SYNC, {times})
engine.start()
if {fails!r} == "end":
    poll((folder / "begun").exists)
    fail(SYNC, {times})
    (folder / "go").touch()
poll(lambda: engine.root.query("runs", "ended"))
print(engine.root.query("runs", "ended"))
assert engine.next_due() is None
assert not engine.store.agenda.programs("running")
engine.close()
"""
    said = run(faults_library, tmp_path / "picos.db", code)
    ran = (tmp_path / "runs").read_text() if (tmp_path / "runs").exists() else ""
    assert (said, ran) in (("['exited']\n", "run\n"), ("['not_started']\n", ""))
