"""The store: what is written together is kept together, and every fault of the file is said in words."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from picosched import Directive, Fire, PicoschedError, Scheduled, Store, Turn
from picosched.errors import KrlError
from picosched.pico.channel import Channel, new_policy, new_tags
from picosched.pico.turn import Considered, Handled, Logged
from picosched.schedule.changed import cancelled
from picosched.schedule.scheduled import Outcome, Status
from picosched.store.faults import StoreError
from picosched.store.picos import PicoRow, RulesetRow, hash_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "picos.db")
    yield store
    store.close()


def made(id: str, due: datetime | None = NOW, **changes: object) -> Scheduled:
    row = Scheduled(id, "p", "tea", "tea", "ready", {"n": 1}, "at", due, NOW, rule="start", line=7)
    return replace(row, **changes)  # type: ignore[arg-type]


def fire_of(scheduled: Scheduled, outcome: Outcome = Outcome.FIRED, **changes: object) -> Fire:
    assert scheduled.due is not None
    fire = Fire(scheduled.id, scheduled.pico_id, scheduled.due, NOW, outcome, eid="e1")
    return replace(fire, **changes)  # type: ignore[arg-type]


def turn_that(**changes: object) -> Turn:
    return replace(Turn("e1", "p", NOW), **changes)  # type: ignore[arg-type]


def add(store: Store, *rows: Scheduled) -> None:
    with store.transaction():
        for row in rows:
            store.agenda.add(row)


def test_a_turn_is_read_back_after_the_file_was_closed(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    store = Store(path)
    row = made("s1", NOW + MINUTE, timespec="* * * * *", kind="repeat", name="n", tz="Europe/Oslo")
    turn = turn_that(
        eci="c1",
        entities={("tea", "cups"): {"a": [1, "é"]}, ("app:tea", "all"): 9},
        waiting={("tea", "start"): [1, 2]},
        scheduled={"s1": row},
        handled=[Handled("tea", "started", {"n": 1}, [Considered("tea", "start", "fired", None, 6)])],
        directives=[Directive("say", {"text": "hi"}, "tea", "start")],
        errors=[KrlError("went wrong")],
        log=[Logged("info", "tea", "start", {"x": 1})],
    )
    with store.transaction():
        store.write(turn)
    store.close()

    store = Store(path)
    assert store.entity("p", "tea", "cups") == {"a": [1, "é"]}
    assert store.entity("another", "app:tea", "all") == 9
    assert store.entity("p", "tea", "none") is None
    assert store.waiting("p", "tea") == {"start": [1, 2]}
    assert store.agenda.pending("p", "tea") == [row]
    assert store.find_scheduled("s1") == row
    (entry,) = store.journal.entries("p")
    assert (entry.eid, entry.pico_id, entry.at, entry.eci) == ("e1", "p", NOW, "c1")
    assert entry.handled[0]["considered"][0]["rule"] == "start"
    assert entry.fired == ["tea.start"]
    assert entry.directives == [
        {"name": "say", "options": {"text": "hi"}, "rid": "tea", "rule": "start", "handled": 0}
    ]
    assert entry.errors == ["went wrong"]
    assert entry.log[0]["value"] == {"x": 1}
    store.close()


def test_null_deletes_a_variable_and_a_waiting_state(store: Store) -> None:
    with store.transaction():
        store.write(turn_that(entities={("tea", "cups"): 1}, waiting={("tea", "start"): [1]}))
        store.write(turn_that(entities={("tea", "cups"): None}, waiting={("tea", "start"): None}))
    assert store.picos.entities("p", "tea") == {}
    assert store.waiting("p", "tea") == {}


@pytest.mark.parametrize(
    "value", [False, 0, "", [], {}, 2**70, {"a": [2**70, "\ud800"]}, "\ud800", 1.5, "é\u0000", [None]]
)
def test_any_json_value_comes_back_the_same(store: Store, value: object) -> None:
    with store.transaction():
        store.write(turn_that(entities={("tea", "v"): value}))
    assert store.entity("p", "tea", "v") == value


def test_an_exception_undoes_all_that_was_written(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.write(turn_that(entities={("tea", "cups"): 1}, scheduled={"s1": made("s1")}))
        raise ZeroDivisionError
    assert store.entity("p", "tea", "cups") is None
    assert store.agenda.pending("p", "tea") == []
    assert store.journal.entries() == []
    assert not store.in_transaction
    assert not store.kept


def test_text_that_cannot_be_kept_fails_before_anything_is_written(store: Store) -> None:
    turn = turn_that(entities={("tea", "cups"): 1}, scheduled={"s1": made("s1", type="\ud800")})
    with store.transaction():
        before = store.changes
        with pytest.raises(PicoschedError, match="half a character"):
            store.write(turn)
        assert store.changes == before
    assert store.entity("p", "tea", "cups") is None


# Due rows and fires


def test_what_is_due_comes_soonest_first_then_as_it_was_made(store: Store) -> None:
    add(store, made("c"), made("b", NOW - MINUTE), made("a"), made("z", NOW + MINUTE))
    assert store.due.first(NOW, 10) == [("b", "p"), ("c", "p"), ("a", "p")]
    assert store.due.first(NOW, 2) == [("b", "p"), ("c", "p")]
    assert store.due.next() == (NOW - MINUTE, None)


def test_only_pending_rows_are_due(store: Store) -> None:
    add(
        store,
        made("paused", status=Status.PAUSED),
        made("finished", None, status=Status.FINISHED),
        made("cancelled", None, status=Status.CANCELLED),
    )
    assert store.due.first(NOW, 10) == []
    assert store.due.next() == (None, None)
    assert [row.id for row in store.agenda.pending("p", "tea")] == ["paused"]


def test_the_end_of_a_pause_counts_as_due(store: Store) -> None:
    add(store, made("s1", status=Status.PAUSED, paused_until=NOW + MINUTE), made("s2", NOW + 2 * MINUTE))
    assert store.due.next() == (NOW + 2 * MINUTE, NOW + MINUTE)
    assert store.agenda.resumable(NOW, 9) == []
    assert store.agenda.resumable(NOW + MINUTE, 9) == ["s1"]


def test_a_turn_settles_the_occurrence_that_caused_it(store: Store) -> None:
    row = made("s1", timespec="* * * * *", kind="repeat")
    add(store, row)
    settled = replace(row, due=NOW + MINUTE, fires=1, fired=NOW)
    fire = fire_of(row, rules=("tea.start",))
    with store.transaction():
        store.write(turn_that(settled=settled), fire)
    assert store.find_scheduled("s1") == settled
    assert store.agenda.fires(id="s1") == [fire]
    (entry,) = store.journal.entries()
    assert (entry.scheduled, entry.nominal) == ("s1", NOW)


def test_an_occurrence_cannot_be_settled_twice(store: Store) -> None:
    row = made("s1")
    add(store, row)
    with store.transaction():
        store.write(turn_that(entities={("tea", "cups"): 1}), fire_of(row))
    with pytest.raises(PicoschedError) as caught, store.transaction():
        store.write(turn_that(eid="e2", entities={("tea", "cups"): 2}), fire_of(row, eid="e2"))
    assert caught.value.code == "conflict"
    assert store.entity("p", "tea", "cups") == 1
    assert [entry.eid for entry in store.journal.entries()] == ["e1"]
    assert [fire.eid for fire in store.agenda.fires()] == ["e1"]


def test_a_rule_may_cancel_the_schedule_that_raised_it(store: Store) -> None:
    row = made("s1", timespec="* * * * *", kind="repeat")
    add(store, row)
    settled = replace(row, due=NOW + MINUTE, fires=1)
    changed = cancelled(settled, NOW, "e1")
    assert changed is not None and changed[1] is not None
    with store.transaction():
        store.write(
            turn_that(rescheduled={"s1": changed[0]}, records=[changed[1]], settled=settled), fire_of(row)
        )
    kept = store.find_scheduled("s1")
    assert kept is not None
    assert (kept.status, kept.due, kept.keep_until) == (Status.CANCELLED, None, NOW + timedelta(days=30))
    assert [(fire.nominal, fire.outcome) for fire in store.agenda.fires()] == [
        (NOW + MINUTE, "cancelled"),
        (NOW, "fired"),
    ]


def test_what_is_not_to_come_cannot_be_cancelled(store: Store) -> None:
    add(store, made("s1", None, status=Status.FINISHED))
    with store.transaction():
        assert not store.agenda.cancel("s1", NOW)
        assert not store.agenda.cancel("none", NOW)
    assert store.agenda.fires() == []


def test_fires_come_newest_first(store: Store) -> None:
    rows = [made(f"s{n}", NOW + n * MINUTE) for n in range(5)]
    add(store, *rows)
    with store.transaction():
        for row in rows:
            store.settle(replace(row, due=None, status=Status.FINISHED), fire_of(row, Outcome.SKIPPED))
    assert [fire.id for fire in store.agenda.fires(pico_id="p", limit=2)] == ["s4", "s3"]
    assert [fire.id for fire in store.agenda.fires(id="s2")] == ["s2"]
    assert store.agenda.fires(pico_id="another") == []
    assert store.agenda.fires(id="s2")[0].lateness == -120.0


def test_pruning_deletes_what_is_older_than_is_kept(store: Store) -> None:
    later = NOW + timedelta(days=31)
    row, fresh = made("s1"), made("s2")
    add(store, row, fresh)
    with store.transaction():
        store.write(turn_that(settled=replace(row, due=None, status=Status.FINISHED)), fire_of(row))
        store.write(turn_that(eid="e2", now=later), fire_of(fresh, eid="e2", fired=later))
    with store.transaction():
        assert store.prune(NOW + timedelta(days=29)) == 0
        assert store.prune(later - timedelta(hours=1)) == 3
        assert store.prune(later) == 0
    assert [entry.eid for entry in store.journal.entries()] == ["e2"]
    assert [fire.id for fire in store.agenda.fires()] == ["s2"]
    assert store.find_scheduled("s1") is None


def test_pruning_goes_in_steps(store: Store) -> None:
    rows = [made(f"s{n}", None, status=Status.FINISHED, keep_until=NOW) for n in range(7)]
    add(store, *rows)
    with store.transaction():
        assert store.agenda.prune(NOW, NOW, 5) == 5
        assert store.agenda.prune(NOW, NOW, 5) == 2


# Picos


def test_a_pico_is_deleted_with_all_it_has(store: Store) -> None:
    ruleset = RulesetRow(hash_of("ruleset tea {}"), "tea", "ruleset tea {}", None)
    channel = Channel(
        "c1", "p", new_tags(["App x"]), new_policy(["tea:*"], ["tea:spill"]), new_policy(["*:*"])
    )
    with store.transaction():
        store.picos.new_pico(PicoRow("root", "root", None, NOW))
        store.picos.new_pico(PicoRow("p", "kitchen", "root", NOW))
        store.picos.new_channel(channel, NOW)
        store.picos.install("p", ruleset, {"a": 1})
        store.write(turn_that(entities={("tea", "cups"): 1}, waiting={("tea", "start"): [1]}))
    assert store.picos.find_channel("c1") == channel
    assert [row.config for row in store.picos.installed("p")] == [{"a": 1}]
    assert [row.name for row in store.picos.children("root")] == ["kitchen"]
    with store.transaction():
        store.picos.delete_pico("p")
    assert store.picos.find_pico("p") is None
    assert store.picos.find_channel("c1") is None
    assert store.picos.installed("p") == []
    assert store.entity("p", "tea", "cups") is None
    assert store.waiting("p", "tea") == {}


def test_another_text_starts_waiting_rules_anew_and_the_same_does_not(store: Store) -> None:
    old, new = (RulesetRow(hash_of(text), "tea", text, None) for text in ("old", "new"))
    with store.transaction():
        store.picos.install("p", old, {})
        store.write(turn_that(entities={("tea", "cups"): 1}, waiting={("tea", "start"): [1]}))
        store.picos.install("p", old, {"a": 2})
        assert store.waiting("p", "tea") == {"start": [1]}
        store.picos.install("p", new, {})
    assert store.waiting("p", "tea") == {}
    assert store.entity("p", "tea", "cups") == 1
    assert [(row.rid, row.hash) for row in store.picos.installed("p")] == [("tea", new.hash)]


def test_shared_variables_go_with_the_last_pico_that_has_the_ruleset(store: Store) -> None:
    ruleset = RulesetRow(hash_of("x"), "tea", "x", None)
    with store.transaction():
        store.picos.install("p", ruleset, {})
        store.picos.install("q", ruleset, {})
        store.write(turn_that(entities={("app:tea", "all"): 1}))
        store.picos.uninstall("p", "tea")
        assert store.entity("p", "app:tea", "all") == 1
        store.picos.uninstall("q", "tea")
    assert store.entity("p", "app:tea", "all") is None


def test_rulesets_stand_in_the_order_of_installation(store: Store) -> None:
    with store.transaction():
        for rid in ("c", "a", "b", "a"):
            store.picos.install("p", RulesetRow(hash_of(rid), rid, rid, None), {})
    assert [row.rid for row in store.picos.installed("p")] == ["c", "a", "b"]


def test_a_copy_goes_its_own_way(store: Store) -> None:
    with store.transaction():
        store.write(turn_that(entities={("tea", "cups"): 1}))
    copy = store.copy()
    with copy.transaction():
        copy.write(turn_that(entities={("tea", "cups"): 2}))
    assert (store.entity("p", "tea", "cups"), copy.entity("p", "tea", "cups")) == (1, 2)
    copy.close()


# Files


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
    store._database.row("PRAGMA max_page_count = 1")
    with pytest.raises(PicoschedError) as caught, store.transaction():
        store.write(turn_that(eid="e2", entities={("tea", "cups"): 2, ("tea", "large"): "x" * 10_000}))
        store.write(turn_that(eid="e3", entities={("tea", "more"): "x" * 1_000_000}))
    assert caught.value.code == "internal"
    assert "disk is full" in caught.value.message
    assert not store.in_transaction
    assert store.entity("p", "tea", "cups") == 1
    assert [entry.eid for entry in store.journal.entries()] == ["e1"]
    store._database.row("PRAGMA max_page_count = 1000000")
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
    store._database.row("PRAGMA busy_timeout = 1")
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


def test_a_value_that_no_database_takes_is_the_fault_of_who_gives_it(store: Store) -> None:
    for ask in (
        lambda: store.journal.entries(limit=2**63),
        lambda: store.journal.entries(after=-(2**63) - 1),
        lambda: store.agenda.fires(id="\ud800"),
        lambda: store.picos.find_pico("\ud800"),
    ):
        with pytest.raises(PicoschedError, match="which cannot be kept or looked for") as found:
            ask()
        assert found.value.code == "invalid" and not isinstance(found.value, StoreError)
    add(store, made("s1"))
    with pytest.raises(PicoschedError, match="more than 64 bits"), store.transaction():
        store.agenda.settle(made("s1", fires=2**63), NOW)
