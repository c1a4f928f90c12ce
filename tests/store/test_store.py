"""The file of a store: what it must be, who may have it, and that every fault of it is said in words."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from store.written import turn_that

from picosched import PicoschedError, Store


def refusal(path: Path | str, **options: object) -> PicoschedError:
    with pytest.raises(PicoschedError) as caught:
        Store(path, **options).close()  # type: ignore[arg-type]
    assert Path(str(path)).name in caught.value.message
    return caught.value


@pytest.mark.parametrize("content", [b"hello", b"not a database\n" * 500])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    error = refusal(path)
    assert error.code == "invalid"
    assert "is not an SQLite database" in error.message
    assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "songs.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE song (title TEXT)")
    connection.close()
    before = path.read_bytes()
    error = refusal(path)
    assert error.code == "invalid"
    assert "another program" in error.message
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["songs.db"]


def test_a_file_of_a_newer_picosched_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "newer picosched" in refusal(path).message


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    store = Store(path)
    with store.transaction():
        for number in range(200):
            store.write(turn_that(entities={("tea", f"v{number}"): "x" * 500}))
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xaa" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(PicoschedError) as caught:
        store = Store(path)
        try:
            store.journal.entries()
        finally:
            store.close()
    assert caught.value.code == "internal"
    assert "damaged" in caught.value.message


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    path.touch()
    Store(path).close()
    Store(path).close()


def test_a_missing_folder_and_a_folder_are_said_to_be_that(tmp_path: Path) -> None:
    error = refusal(tmp_path / "none" / "picos.db")
    assert (error.code, "there is no folder" in error.message) == ("not_found", True)
    error = refusal(tmp_path)
    assert (error.code, "is a folder" in error.message) == ("invalid", True)


def test_a_readonly_store_must_be_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.db", readonly=True).code == "not_found"
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_durability_is_refused() -> None:
    with pytest.raises(PicoschedError, match='found the durability "some"'):
        Store(durability="some")


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="there is no file system that even root may not write")
def test_a_folder_that_may_not_be_written_is_refused() -> None:
    assert refusal("/sys/picos.db").code == "refused"


def test_two_picoscheds_cannot_have_one_file(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    program = (
        "import sys; from picosched import Store\n"
        "store = Store(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        error = refusal(path)
        assert error.code == "conflict"
        assert f"process {other.pid}" in error.message
        readonly = Store(path, readonly=True)
        assert readonly.picos.picos() == []
        readonly.close()
    finally:
        other.kill()
        other.communicate()
    Store(path).close()  # the lock went with the process


def test_the_same_process_cannot_open_it_twice_and_may_open_it_again(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    store = Store(path)
    assert refusal(path).code == "conflict"
    store.close()
    store.close()
    Store(path).close()


def test_a_store_opened_readonly_refuses_to_write_and_sees_what_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    writer = Store(path)
    reader = Store(path, readonly=True)
    with writer.transaction():
        writer.write(turn_that(entities={("tea", "cups"): 1}))
        assert reader.entity("p", "tea", "cups") is None
    assert reader.entity("p", "tea", "cups") == 1
    with pytest.raises(PicoschedError) as caught, reader.transaction():
        pass
    assert caught.value.code == "refused"
    reader.close()
    writer.close()


def seen_by_nobody(path: Path) -> list[str]:
    """What a user without rights gets: the value read, and the code of the error when opening to write."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        seen = []
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            store = Store(path, readonly=True)
            seen.append(str(store.entity("p", "tea", "cups")))
            store.close()
            Store(path)
        except BaseException as error:
            seen.append(getattr(error, "code", repr(error)))
        finally:
            os.write(writing, " ".join(seen).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        seen = answer.read().split(" ")
    os.waitpid(child, 0)
    return seen


@pytest.mark.skipif(not hasattr(os, "fork") or os.geteuid() != 0, reason="only root can become nobody")
def test_a_file_in_a_folder_that_may_not_be_written_can_be_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "picos.db"
        store = Store(path)
        with store.transaction():
            store.write(turn_that(entities={("tea", "cups"): 1}))
        store.close()
        Path(f"{path}-lock").unlink()
        path.chmod(0o444)
        Path(name).chmod(0o555)
        assert seen_by_nobody(path) == ["1", "refused"]


def test_a_full_disk_keeps_nothing_of_the_transaction_and_all_that_was_before(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    store = Store(path)
    with store.transaction():
        store.write(turn_that(entities={("tea", "cups"): 1}))
    # As full as a disk can be: SQLite may not add a page.
    store._database.run("PRAGMA max_page_count = 1")
    with pytest.raises(PicoschedError) as caught, store.transaction():
        store.write(turn_that(eid="e2", entities={("tea", "cups"): 2, ("tea", "large"): "x" * 10_000}))
        store.write(turn_that(eid="e3", entities={("tea", "more"): "x" * 1_000_000}))
    assert caught.value.code == "internal"
    assert "disk is full" in caught.value.message
    assert not store.in_transaction
    assert store.entity("p", "tea", "cups") == 1
    assert [entry.eid for entry in store.journal.entries()] == ["e1"]
    store._database.run("PRAGMA max_page_count = 1000000")
    with store.transaction():
        store.write(turn_that(eid="e4", entities={("tea", "cups"): 4}))
    store.close()
    store = Store(path)
    assert store.entity("p", "tea", "cups") == 4
    store.close()


def test_a_process_that_is_killed_in_a_transaction_leaves_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    program = (
        "import os, signal, sys\n"
        "from datetime import UTC, datetime\n"
        "from picosched import Store, Turn\n"
        "store = Store(sys.argv[1])\n"
        "def turn(eid, value): return Turn(eid, 'p', datetime.now(UTC), entities={('tea', 'cups'): value})\n"
        "with store.transaction(): store.write(turn('e1', 1))\n"
        "with store.transaction():\n"
        "    store.write(turn('e2', 2))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert ran.returncode != 0
    store = Store(path)
    assert store.entity("p", "tea", "cups") == 1
    assert [entry.eid for entry in store.journal.entries()] == ["e1"]
    store.close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "picos.db")
    store.close()
    with pytest.raises(PicoschedError, match="is closed"):
        store.picos.picos()


def test_a_file_that_another_program_locks_is_a_conflict(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    store = Store(path)
    store._database.run("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(PicoschedError) as caught, store.transaction():
        pass
    assert caught.value.code == "conflict"
    other.execute("ROLLBACK")
    other.close()
    with store.transaction():
        store.write(turn_that())
    store.close()
