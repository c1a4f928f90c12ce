"""The group commit: one commit for all that wait, and what becomes of them when something goes wrong."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from picosched import PicoschedError, Store, Turn
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome
from picosched.store.faults import StoreError
from picosched.turns.commit import LARGEST, GroupCommit, _call

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Commits(GroupCommit):
    """A group commit that counts what it was told."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, self.was_committed, self.was_undone, None)
        self.store = store
        self.undone = 0
        self.interrupt_after_commit = False

    def was_committed(self) -> None:
        if self.interrupt_after_commit:
            self.interrupt_after_commit = False
            raise KeyboardInterrupt

    def was_undone(self) -> None:
        self.undone += 1

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else reads or writes."""
        self.refuse_inside()
        with self._held:
            yield

    def value(self, name: str) -> Any:
        return self.read(self.store.entity, "p", "r", name)

    def setting(self, name: str, value: Any = 1) -> Callable[[], Any]:
        """Work that sets a variable and returns its value."""

        def work() -> Any:
            self.store.write(Turn(name, "p", NOW, entities={("r", name): value}))
            return value

        return work

    def together(self, works: dict[str, Callable[[], Any]]) -> dict[str, Any]:
        """Have each work called by a thread of its own, all in one batch, in order; what each came to."""
        came: dict[str, Any] = {}

        def call(name: str) -> None:
            try:
                came[name] = self.run(works[name])
            except BaseException as error:
                came[name] = error

        threads = []
        with self.alone():  # nobody can write while they get in line
            for name in works:
                threads.append(threading.Thread(target=call, args=(name,)))
                threads[-1].start()
                while len(self._line) < len(threads):
                    time.sleep(0)
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        assert self._leader is None
        assert not self._line
        return came


@pytest.fixture
def commits(tmp_path: Path) -> Iterator[Commits]:
    store = Store(tmp_path / "picos.db")
    yield Commits(store)
    store.close()


def fail_before() -> None:
    raise ValueError("before anything was written")


def test_all_that_wait_share_a_commit(commits: Commits) -> None:
    works = {f"v{number}": commits.setting(f"v{number}", number) for number in range(20)}
    assert commits.together(works) == {f"v{number}": number for number in range(20)}
    assert commits.commits == 1
    assert commits.value("v19") == 19


def test_a_batch_is_bounded(commits: Commits) -> None:
    outcomes = commits.perform_all(_call, [commits.setting(f"v{number}") for number in range(LARGEST + 1)])
    assert outcomes == [1] * (LARGEST + 1)
    assert commits.commits == 1  # one caller's work is never parted
    assert commits.perform_all(_call, []) == []


def test_work_that_fails_before_it_writes_fails_alone(commits: Commits) -> None:
    came = commits.together({"a": commits.setting("a"), "b": fail_before, "c": commits.setting("c")})
    assert (came["a"], came["c"]) == (1, 1)
    assert isinstance(came["b"], ValueError)
    assert (commits.value("a"), commits.value("c")) == (1, 1)
    assert commits.undone == 0


def test_work_that_fails_after_it_wrote_undoes_the_batch(commits: Commits) -> None:
    def fail_after() -> None:
        commits.setting("half")()
        raise PicoschedError("after it wrote", "conflict")

    came = commits.together({"a": commits.setting("a"), "b": fail_after, "c": commits.setting("c")})
    errors = [came[name] for name in "ab"]
    assert [(type(error), error.code) for error in errors] == [(PicoschedError, "conflict")] * 2
    assert errors[0] is not errors[1]
    assert came["c"] == 1  # it had not begun, and is of the next batch
    assert [commits.value(name) for name in ("a", "half", "c")] == [None, None, 1]
    assert commits.undone == 1
    assert commits.run(commits.setting("a")) == 1


def test_work_whose_writes_are_refused_fails_alone_and_the_others_are_kept(commits: Commits) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    record = Fire("s", "p", now, now, Outcome.FIRED)
    commits.run(commits.store.agenda.record, record)

    def again() -> None:
        commits.setting("half")()
        commits.store.agenda.record(record)  # which is refused when it is written, after all have run

    came = commits.together({"a": commits.setting("a"), "b": again, "c": commits.setting("c")})
    assert (came["a"], came["c"]) == (1, 1)
    assert isinstance(came["b"], StoreError) and came["b"].code == "conflict"
    assert [commits.value(name) for name in ("a", "half", "c")] == [1, None, 1]


def test_whoever_reads_what_is_refused_is_not_to_blame_for_it(commits: Commits) -> None:
    """What one piece put is written when another reads, and is refused there."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    bad = Fire("s", "p", now, now, Outcome.FIRED, why="half a character: \ud800")

    def refused() -> str:
        commits.setting("half")()
        commits.store.agenda.record(bad)
        return "refused"

    def reading() -> str:
        commits.store.agenda.find("nothing")
        commits.setting("read")()
        return "read"

    works = {"a": commits.setting("a"), "b": refused, "c": reading, "d": commits.setting("d")}
    came = commits.together(works)
    assert isinstance(came["b"], PicoschedError)
    assert (came["a"], came["c"], came["d"]) == (1, "read", 1)
    assert [commits.value(name) for name in ("a", "half", "read", "d")] == [1, None, 1, 1]


def test_each_piece_is_performed_once_whoever_leads(commits: Commits) -> None:
    performed, switching = Counter[int](), sys.getswitchinterval()

    def call(caller: int) -> None:
        for number in range(400):
            commits.perform(performed.update, [caller * 1_000 + number])

    threads = [threading.Thread(target=call, args=(caller,)) for caller in range(6)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(switching)
    assert performed.total() == len(performed) == 6 * 400


@pytest.mark.files
def test_a_full_disk_undoes_the_batch_even_if_nothing_was_written_yet(commits: Commits) -> None:
    commits.store._database.run("PRAGMA max_page_count = 1")
    came = commits.together({"a": commits.setting("a", "x" * 1_000_000), "b": commits.setting("b", 2)})
    assert isinstance(came["a"], StoreError)
    assert "disk is full" in came["a"].message
    assert isinstance(came["b"], StoreError)
    commits.store._database.run("PRAGMA max_page_count = 1000000")
    assert (commits.value("a"), commits.value("b")) == (None, None)
    assert commits.run(commits.setting("b", 3)) == 3


def test_a_fault_of_ours_is_an_internal_error_for_the_others(commits: Commits) -> None:
    def fault() -> None:
        commits.setting("half")()
        raise ZeroDivisionError("ours")

    came = commits.together({"a": commits.setting("a"), "b": fault})
    assert came["a"].code == "internal"
    assert "ZeroDivisionError: ours" in came["a"].message
    assert isinstance(came["a"].__cause__, ZeroDivisionError)


def test_an_interrupted_leader_strands_nobody_and_keeps_nothing(commits: Commits) -> None:
    runs = []

    def interrupted() -> None:
        runs.append("interrupted")
        commits.setting("half")()
        if len(runs) == 1:
            raise KeyboardInterrupt

    came = commits.together({"leader": interrupted, "a": commits.setting("a"), "b": commits.setting("b")})
    assert isinstance(came["leader"], KeyboardInterrupt)
    assert (came["a"], came["b"]) == (1, 1)
    assert [commits.value(name) for name in ("half", "a", "b")] == [None, 1, 1]
    assert runs == ["interrupted"]


def test_an_interrupt_among_followers_leaves_the_others_in_line(commits: Commits) -> None:
    runs = []

    def interrupted_once() -> int:
        runs.append(1)
        commits.setting("mine")()
        if len(runs) == 1:
            raise KeyboardInterrupt  # it strikes whoever leads, not whose work it is
        return 7

    came = commits.together({"a": commits.setting("a"), "b": interrupted_once, "c": commits.setting("c")})
    assert isinstance(came["a"], KeyboardInterrupt)
    assert (came["b"], came["c"]) == (7, 1)
    assert [commits.value(name) for name in ("a", "mine", "c")] == [None, 1, 1]


def test_an_interrupt_after_the_commit_runs_nothing_twice(commits: Commits) -> None:
    runs: list[str] = []

    def counted(name: str) -> Callable[[], str]:
        def work() -> str:
            runs.append(name)
            commits.setting(name)()
            commits.interrupt_after_commit = name == "a"
            return name

        return work

    came = commits.together({"b": counted("b"), "a": counted("a")})
    assert isinstance(came["b"], KeyboardInterrupt)  # it led
    assert came["a"] == "a"
    assert runs == ["b", "a"]
    assert (commits.value("a"), commits.value("b")) == (1, 1)


def test_inside_its_own_work_it_refuses_to_be_called(commits: Commits) -> None:
    with pytest.raises(PicoschedError, match="from inside"):
        commits.run(lambda: commits.run(lambda: 1))
    with pytest.raises(PicoschedError, match="from inside"):
        commits.run(lambda: commits.value("a"))
    with commits.alone(), pytest.raises(PicoschedError, match="from inside"):
        commits.run(lambda: 1)
    assert commits.run(lambda: 1) == 1


def test_many_threads_get_each_their_own_answer(commits: Commits) -> None:
    wrong: list[Any] = []

    def call(number: int) -> None:
        for step in range(30):
            name = f"v{number}.{step}"
            if commits.run(commits.setting(name, name)) != name:
                wrong.append(name)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(commits.store.picos.entities("p", "r")) == 32 * 30
    assert commits.commits < 32 * 30


def test_a_writer_that_waits_goes_before_readers_that_come_later(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "order.db")) as store:
        commits = Commits(store)
        order: list[str] = []

        def read() -> None:
            with commits.alone():
                order.append("reader")

        writer = threading.Thread(target=lambda: commits.run(lambda: order.append("writer")))
        readers = [threading.Thread(target=read) for _ in range(5)]
        with commits.alone():
            writer.start()
            while not commits._held._turnstile.locked():
                time.sleep(0)  # until the writer stands there
            for reader in readers:
                reader.start()
        for thread in (writer, *readers):
            thread.join(10)
    assert order == ["writer", *["reader"] * 5]


@pytest.mark.files
def test_a_light_call_performs_the_work_of_nobody_else(commits: Commits) -> None:
    """Not even what comes into the line before its batch is put together."""
    by: list[int] = []
    others: list[threading.Thread] = []

    def work(_: object) -> None:
        by.append(threading.get_ident())

    gathered = commits._gathered

    def gather() -> Any:
        if not others:  # another caller gets in line just before
            others.append(threading.Thread(target=lambda: commits.run(lambda: work(None))))
            others[0].start()
            while len(commits._line) < 2:
                time.sleep(0)
        return gathered()

    commits._gathered = gather  # type: ignore[method-assign]
    assert commits.perform_now(work, [1, 2]) == [None, None]
    others[0].join(10)
    here = threading.get_ident()
    assert by[:2] == [here, here] and by[2] != here
