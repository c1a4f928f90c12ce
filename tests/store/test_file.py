"""The file of a database: who may have it, by whatever name, who may read it, and that it stays there."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from picosched import PicoschedError, Store, Turn
from picosched.store.faults import StoreError

pytestmark = pytest.mark.slow

HOLDER = Path(__file__).with_name("holder.py")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Holder:
    """Another process; see `holder.py`."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HOLDER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )

    def __call__(self, order: str) -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def holding(folder: Path, number: int = 1) -> Iterator[list[Holder]]:
    with ExitStack() as stack:
        holders = [Holder(folder) for _ in range(number)]
        for each in holders:
            stack.callback(each.kill)
        yield holders


def written(store: Store, name: str = "cups", value: int = 1) -> None:
    with store.transaction():
        store.write(Turn(name, "p", NOW, entities={("tea", name): value}))


def refusal(path: Path | str, **options: bool) -> PicoschedError:
    with pytest.raises(PicoschedError) as caught:
        Store(path, **options).close()
    return caught.value


# ---- one picosched has it ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["link", "link of a link", "relative", "cwd", "linked folder", "moved"])
def test_a_database_in_use_is_refused_by_every_other_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "picos.db"
    with holding(tmp_path) as (holder,):
        assert holder(f"open {path}") == "ok"
        (tmp_path / "link.db").symlink_to(path)
        (tmp_path / "second.db").symlink_to("link.db")
        (tmp_path / "folder").symlink_to("data")
        monkeypatch.chdir(tmp_path / "data")
        if way == "moved":
            for each in ("picos.db", "picos.db-wal", "picos.db-shm"):
                Path(each).rename(each.replace("picos", "moved"))
        other = {
            "link": tmp_path / "link.db",
            "link of a link": tmp_path / "second.db",
            "relative": "../data/./picos.db",
            "cwd": "/proc/self/cwd/picos.db",
            "linked folder": tmp_path / "folder" / "picos.db",
            "moved": "moved.db",
        }[way]
        error = refusal(other)
        assert error.code == "conflict"
        holds = "by another name" if way == "moved" else f"process {holder.process.pid}"
        assert holds in error.message
        holder.kill()
        Store(other).close()


def test_a_file_with_two_names_is_refused_in_use_or_not(tmp_path: Path) -> None:
    path, other = tmp_path / "picos.db", tmp_path / "hard.db"
    with holding(tmp_path) as (holder,):
        assert holder(f"open {path}") == "ok"
        assert holder("write before") == "ok"
        other.hardlink_to(path)
        for readonly in (False, True):
            error = refusal(other, readonly=readonly)
            assert error.code == "conflict"
            assert "has 2 names (hard links), wanted one" in error.message
        assert holder("write after") == "ok"  # it has the log
    assert "hard links" in refusal(path).message
    other.unlink()
    with closing(Store(path)) as store:
        assert store.picos.entities("p", "tea") == {"after": 1, "before": 1}


def test_of_many_that_open_it_at_once_by_many_names_one_has_it(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    names = ["picos.db", str(path), "link.db", f"/proc/self/cwd/{path.name}", "here/picos.db", "./link.db"]
    (tmp_path / "link.db").symlink_to("picos.db")
    (tmp_path / "here").symlink_to(".")
    kept: list[str] = []
    with holding(tmp_path, len(names)) as holders, ThreadPoolExecutor(len(names)) as threads:
        for round_ in range(10):

            def race(pair: tuple[Holder, str], round_: int = round_) -> str | None:
                holder, name = pair
                said = holder(f"open {name}")
                if said != "ok":
                    assert said.startswith("conflict: "), said
                    return None
                key = f"{round_}.{names.index(name)}"
                assert holder(f"write {key}") == "ok"
                return key

            winners = [key for key in threads.map(race, zip(holders, names, strict=True)) if key]
            assert len(winners) == 1
            kept += winners
            assert holders[int(winners[0].partition(".")[2])]("close") == "ok"
    with closing(Store(path)) as store:
        assert sorted(store.picos.entities("p", "tea")) == sorted(kept)


def test_the_same_process_cannot_have_it_twice(tmp_path: Path) -> None:
    path, link = tmp_path / "picos.db", tmp_path / "link.db"
    link.symlink_to(path)
    with closing(Store(path)) as store:
        assert refusal(link).code == "conflict"
        for each in ("picos.db", "picos.db-wal", "picos.db-shm"):
            (tmp_path / each).rename(tmp_path / each.replace("picos", "moved"))
        error = refusal(tmp_path / "moved.db")
        assert (error.code, "this process, by another name" in error.message) == ("conflict", True)
        for each in ("picos.db", "picos.db-wal", "picos.db-shm"):
            (tmp_path / each.replace("picos", "moved")).rename(tmp_path / each)
        written(store)
    with closing(Store(link)) as store:
        assert store.entity("p", "tea", "cups") == 1


def locks_of_sqlite(path: Path) -> int:
    """The process whose SQLite has the file open, as another process sees it; 0 without any."""
    asked = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0x4000_0002, 510, 0)
    code = (
        "import fcntl, os, struct, sys; f = os.open(sys.argv[1], os.O_RDWR); "
        f"answer = fcntl.fcntl(f, fcntl.F_GETLK, {asked!r}); kind, *_, pid = struct.unpack('hhqqi', answer); "
        "print(0 if kind == fcntl.F_UNLCK else pid)"
    )
    return int(
        subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=True).stdout
    )


def test_whoever_is_refused_costs_nobody_in_this_process_the_locks_of_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    with closing(Store(path)) as store:
        written(store)
        for _ in range(2):
            assert refusal(path).code == "conflict"
        reader = Store(path, readonly=True)
        reader.close()
        assert locks_of_sqlite(path) == os.getpid()
    with holding(tmp_path) as (holder,):
        assert holder(f"open {path}") == "ok"
        reader = Store(path, readonly=True)
        Path(f"{path}-lock").unlink()  # the lock of the file itself still refuses
        assert "by another name" in refusal(path).message
        holder.kill()
        assert locks_of_sqlite(path) == os.getpid()
        with closing(Store(path)) as store:
            written(store, value=2)
        assert locks_of_sqlite(path) == os.getpid()  # the reader's
        assert reader.entity("p", "tea", "cups") == 2
        reader.close()
    assert locks_of_sqlite(path) == 0


def test_files_are_not_left_open(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(3):
        store, reader = Store(path), Store(path, readonly=True)
        assert refusal(path).code == "conflict"
        store.close()
        reader.close()
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_forked_child_does_not_keep_the_database_of_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    store = Store(path)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)  # until the parent is done
        os._exit(0)
    try:
        store.close()
        with holding(tmp_path) as (holder,):
            assert holder(f"open {path}") == "ok"
    finally:
        os.close(writing)
        os.waitpid(child, 0)


# ---- it stays where it is ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "picos.db was deleted or moved"),
        (lambda path: path.rename(path.with_name("moved.db")), "picos.db was deleted or moved"),
        (lambda path: path.with_name("other.db").rename(path), "picos.db was replaced by another file"),
        (lambda path: Path(f"{path}-wal").unlink(), "picos.db-wal was deleted or moved"),
    ],
)
def test_nothing_is_answered_that_a_file_without_a_name_would_keep(
    tmp_path: Path, harm: object, said: str
) -> None:
    path = tmp_path / "picos.db"
    with closing(Store(path)) as store:
        written(store)
        with closing(sqlite3.connect(tmp_path / "other.db")) as other:
            other.execute("CREATE TABLE song (title TEXT)")
        harm(path)  # type: ignore[operator]
        for _ in range(2):
            with pytest.raises(StoreError) as caught:
                written(store, value=2)
            assert (caught.value.code, said in caught.value.message) == ("internal", True)
        assert not store.kept


def test_a_database_that_is_put_back_goes_on(tmp_path: Path) -> None:
    path, moved = tmp_path / "picos.db", tmp_path / "moved.db"
    with closing(Store(path)) as store:
        path.rename(moved)
        with pytest.raises(StoreError):
            written(store)
        moved.rename(path)
        written(store, value=3)
    with closing(Store(path)) as store:
        assert store.entity("p", "tea", "cups") == 3


# ---- who may read it -----------------------------------------------------------------------------------

MADE = """
import os, sys
from pathlib import Path
os.umask(int(sys.argv[1], 8))
from picosched import Engine
from picosched.store.copying import back_up
from picosched.cli.main import main
with Engine("picos.db") as engine:
    engine.new_pico("kitchen")
    back_up("picos.db", Path("copy.db"))
    for each in sorted(Path(".").iterdir()):
        print(each, oct(each.stat().st_mode & 0o777))
try:
    main(["export", "kitchen", "kitchen.json", "--db", "picos.db"])
except SystemExit:
    print("kitchen.json", oct(os.stat("kitchen.json").st_mode & 0o777))
"""


@pytest.mark.parametrize("umask", ["0", "022", "077"])
def test_only_its_owner_can_read_what_a_database_is_made_of(tmp_path: Path, umask: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", MADE, umask], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    modes = [line for line in ran.stdout.splitlines() if "0o" in line]
    files = ["copy.db", "picos.db", "picos.db-lock", "picos.db-shm", "picos.db-wal", "kitchen.json"]
    assert modes == [f"{file} 0o600" for file in files]


CREATED = """
import ctypes, os, sys
os.umask(0)
faults = ctypes.CDLL(None)
faults.faults_arm(os.path.abspath("picos.db").encode(), 0, 0, 0, 0, 0)
from picosched import Engine
with Engine("picos.db") as engine:
    engine.new_pico("kitchen")
print(oct(faults.faults_widest()))
"""


def test_there_is_no_moment_in_which_others_can_read_them(faults_library: Path, tmp_path: Path) -> None:
    env = {**os.environ, "LD_PRELOAD": str(faults_library)}
    words = [sys.executable, "-c", CREATED]
    ran = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=env, check=True)
    assert ran.stdout == "0o600\n"  # of all files, as they were made


@pytest.mark.parametrize(("mode", "then"), [(0o644, 0o600), (0o664, 0o600), (0o640, 0o640), (0o600, 0o600)])
def test_a_file_that_all_users_can_read_is_narrowed_and_one_of_a_group_is_left(
    tmp_path: Path, mode: int, then: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "picos.db"
    Store(path).close()
    for each in (path, Path(f"{path}-lock")):
        each.chmod(mode)
    with closing(Store(path)) as store:
        written(store)
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["picos.db", "picos.db-lock", "picos.db-shm", "picos.db-wal"], then)
    assert ("all users had access" in caplog.text) == (mode != then)


def test_reading_changes_no_mode(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    Store(path).close()
    path.chmod(0o644)
    Store(path, readonly=True).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_schema_that_is_no_text_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    Store(path).close()
    found = path.read_bytes()
    path.write_bytes(found.replace(b"CREATE TABLE fire", b"CREATE TABLE \xff\xfere", 1))
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        Store(path)
