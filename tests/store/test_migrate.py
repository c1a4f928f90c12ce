"""Picos that move to another database: everything comes along, once, whenever the process is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from postgres_server import Server
from store.exercise import was_killed
from store.test_exercise import before_statements, before_statements_of_session
from store.written import FULL, NOW, furnish, made, rows_of_file, turn_that

from picosched import Engine, PicoschedError, Store, VirtualClock
from picosched.schedule.scheduled import Outcome
from picosched.store.migrate import migrate, plan, undo
from picosched.store.moving import move
from picosched.store.opening import open_database
from picosched.store.picos import PicoRow
from picosched.store.postgres.schema import TABLE_NAMES
from picosched.store.tables import TABLES

FEW = 5
"""Rows of a batch, so that tables have several."""


def fill(store: Store) -> None:
    """Some of everything, in all fields, with numbers left out."""
    with store.transaction():
        furnish(store)
        store.agenda.add(FULL)
        for number in range(10):
            store.picos.new_pico(PicoRow(f"p{number}", "é\n\t\\N", "root", NOW))
            row = made(f"s{number}", fires=number, attrs={"text": "\0", "n": 2**70})
            turn = turn_that(
                eid=f"t{number}", pico_id=f"p{number}", entities={("tea", "v"): [None, "\u2028"]}
            )
            store.write(replace(turn, scheduled={row.id: row}))
        store.picos.delete_pico("p3")
        for key in ("ui", "seeded", "a b"):
            store.picos.set_meta(key, f"{key} of this")


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file with everything."""
    store = Store(tmp_path / "picos.db")
    fill(store)
    store.close()
    return str(tmp_path / "picos.db")


@pytest.fixture
def address(postgres: Server) -> Iterator[str]:
    yield postgres.new_database()


def moved(source: str, target: str) -> list[tuple[str, int, int]]:
    """Migrate in small batches; what was told."""
    told: list[tuple[str, int, int]] = []
    migrate(source, target, lambda *each: told.append(each), FEW)
    return told


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(PicoschedError) as caught:
        call()
    assert caught.value.code == "refused", caught.value
    return caught.value.message


def is_refused(address: str) -> bool:
    try:
        Store(address, readonly=True).close()
    except PicoschedError as error:
        return error.code == "refused"
    return False


def is_empty(address: str) -> bool:
    store = Store(address)
    found = store.picos.picos() == [] and store.journal.entries() == []
    store.close()
    return found


def test_each_table_and_column_is_known(postgres: Server, address: str, file: str) -> None:
    Store(address).close()
    assert {*TABLE_NAMES} - {"shard", "machine"} == {table.name for table in TABLES}
    connection = sqlite3.connect(file)
    for table in TABLES:
        here = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table.name})")}
        asked = f"""SELECT column_name FROM information_schema.columns
            WHERE table_name = '{table.name}' AND is_generated = 'NEVER'"""
        there = {name for (name,) in postgres.ask(asked, address)}
        assert here - {"seq"} == there - {"seq"} == {*table.columns}
        assert table.numbered == ("seq" in there)
    connection.close()


def test_there_and_back_everything_is_as_it_was(file: str, address: str, tmp_path: Path) -> None:
    before = rows_of_file(file)
    told = moved(file, address)
    assert [*dict.fromkeys(table for table, *_ in told)] == [
        table.name for table in TABLES if before[table.name]
    ]
    assert all(copied <= total for _, copied, total in told)
    assert {table: copied for table, copied, _ in told} == {
        table: len(rows) for table, rows in before.items() if rows
    }
    back = str(tmp_path / "back.db")
    moved(address, back)
    assert rows_of_file(back) == before


def test_rows_written_later_come_after_those_that_came_along(file: str, address: str, tmp_path: Path) -> None:
    moved(file, address)
    store = Store(address)
    last = store.journal.entries()[0].seq
    with store.transaction():
        store.write(turn_that(eid="later", scheduled={"later": made("later")}))
        store.picos.new_pico(PicoRow("late", "late", "root", NOW))
    assert store.journal.entries()[0].eid == "later" and store.journal.entries()[0].seq > last
    assert store.picos.picos()[-1].id == "late"
    store.close()
    back = str(tmp_path / "back.db")
    moved(address, back)
    assert [row.id for row in Store(back).picos.picos()][-1] == "late"


def _die(source: str, target: str, statements: int) -> None:
    """Migrate, and die before the n-th statement of its transactions, COMMIT among them."""
    left = [statements]
    here, there = (open_database(each, migrating=True) for each in (source, target))

    def count() -> None:
        left[0] -= here.in_transaction or there.in_transaction
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for each in (here, there):
        watch = before_statements if each.local else before_statements_of_session
        watch(SimpleNamespace(_database=each), count)
    move(here, there, lambda *_: None, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("statements", [10, 11, 12, 13])
def test_who_is_killed_again_and_again_loses_and_doubles_nothing(
    file: str, address: str, tmp_path: Path, statements: int
) -> None:
    """Each run gets a little further; in between no database can be used that has any rows."""
    before = rows_of_file(file)
    back = str(tmp_path / "back.db")
    kills = 0
    for source, target in ((file, address), (address, back)):
        while was_killed(partial(_die, source, target, statements)):
            kills += 1
            assert is_refused(source)
            assert is_refused(target) or is_empty(target)
            assert kills < 500
    assert rows_of_file(back) == before
    assert kills >= 3


CHIMES = """ruleset chimes {
  meta { shares seen }
  global { seen = function() { ent:seen.defaultsTo([]) } }
  rule plan {
    select when chimes plan
    always {
      schedule chimes event "rang" repeat "0 * * * *";
      schedule chimes event "once" at time:add(time:now(), {"hours": 30})
    }
  }
  rule rang { select when chimes rang or chimes once always { ent:seen := seen().append(time:now()) } }
  rule pair { select when chimes first then chimes second send_directive("pair", {}) }
}"""
HOURS = 10


def test_events_fire_once_each_before_on_the_way_and_after(file: str, address: str, tmp_path: Path) -> None:
    """A repeat, a paused one, an event waiting for its second half: all go on, on either side."""
    Path(file).unlink()
    clock = VirtualClock(NOW)
    paused = ""
    places = [file, address, str(tmp_path / "back.db")]
    for number, place in enumerate(places):
        with Engine(place, clock) as engine:
            if number == 0:
                for name in ("one", "two"):
                    pico = engine.new_pico(name)
                    pico.install(CHIMES)
                    pico.raise_event("chimes", "plan")
                    pico.raise_event("chimes", "first")
                (row,) = [row for row in engine.pico("two").scheduled() if row.timespec]
                paused = row.id
                engine.agenda.pause(paused)
            for _ in range(HOURS):
                clock.advance(hours=1)
                engine.run_due()
        if number < 2:
            moved(place, places[number + 1])
    with Engine(places[-1], clock) as engine:
        seen = engine.pico("one").query("chimes", "seen")
        assert len(seen) == len({*seen}) + 1 == len(places) * HOURS + 1  # the 30th hour brings two
        assert len(engine.pico("two").query("chimes", "seen")) == 1
        engine.agenda.resume(paused)
        fires = [fire for fire in engine.store.agenda.fires(limit=1_000) if fire.outcome is Outcome.FIRED]
        assert len(fires) == len({(fire.id, fire.nominal) for fire in fires}) == len(seen) + 1
        for name in ("one", "two"):
            turn = engine.pico(name).raise_event("chimes", "second")
            assert [directive.name for directive in turn.directives] == ["pair"]


def test_what_came_due_on_the_way_is_due_on_the_other_side(file: str, address: str) -> None:
    Path(file).unlink()
    clock = VirtualClock(NOW)
    with Engine(file, clock) as engine:
        engine.root.install(CHIMES)
        engine.root.raise_event("chimes", "plan")
    moved(file, address)
    clock.advance(hours=31)
    with Engine(address, clock) as engine:
        engine.run_due()
        fires = {(fire.id, fire.nominal): fire for fire in engine.store.agenda.fires()}
        assert sum(fire.stands_for for fire in fires.values()) == 31 + 1


def test_the_old_database_is_refused_and_names_the_new_one(file: str, address: str, tmp_path: Path) -> None:
    moved(file, address)
    for options in ({}, {"readonly": True}):
        assert f"was migrated to {address}" in refused(partial(Store, file, **options))
    assert "already" in refused(partial(moved, file, str(tmp_path / "other.db")))
    assert "already" in refused(partial(moved, file, address))
    Store(address).close()
    back = str(tmp_path / "back.db")
    moved(address, back)
    assert f"was migrated to {back}" in refused(partial(Store, address))
    assert "picos of its own" in refused(partial(moved, back, address))


def test_who_has_lost_its_session_does_not_go_on_in_a_database_that_was_migrated(
    address: str, postgres: Server, tmp_path: Path
) -> None:
    with Engine(address, VirtualClock(NOW)) as engine:
        engine.root.install(CHIMES)
        engine.root.raise_event("chimes", "plan")
        postgres.end_sessions(address)
        moved(address, str(tmp_path / "back.db"))
        for _ in range(3):
            with pytest.raises(PicoschedError, match=r"was lost|was migrated to"):
                engine.root.raise_event("chimes", "plan")
    store = Store(tmp_path / "back.db")
    assert len(store.agenda.pending()) == 2
    store.close()


def test_a_database_in_use_is_not_migrated(file: str, address: str, tmp_path: Path) -> None:
    for holder, source, target in ((file, file, address), (address, file, address)):
        store = Store(holder)
        with pytest.raises(PicoschedError) as caught:
            moved(source, target)
        assert caught.value.code == "conflict" and holder in caught.value.message
        store.close()
    Store(file).close()  # neither was marked


def test_only_an_empty_database_is_filled(file: str, address: str, tmp_path: Path) -> None:
    store = Store(address)
    fill(store)
    store.close()
    assert "picos of its own" in refused(partial(moved, file, address))
    empty = str(tmp_path / "empty.db")
    Store(empty).close()
    with pytest.raises(PicoschedError, match="no picos to migrate"):
        moved(empty, str(tmp_path / "other.db"))
    Store(file).close()


def _die_early(source: str, target: str) -> None:
    _die(source, target, 20)


@pytest.mark.slow
def test_what_was_begun_is_given_up_and_begun_elsewhere(file: str, address: str, tmp_path: Path) -> None:
    before = rows_of_file(file)
    assert was_killed(partial(_die_early, file, address))
    other = str(tmp_path / "other.db")
    assert was_killed(partial(_die_early, file, other))  # this begins anew
    assert "has a part of" in refused(partial(moved, file, address))
    assert "was migrated to" in refused(partial(undo, file, address))
    undo(file, other)
    Store(file).close()
    assert rows_of_file(file) == before and is_empty(other)
    moved(file, other)
    assert rows_of_file(other) == before


def test_a_migration_is_undone_until_the_target_was_used(file: str, address: str, postgres: Server) -> None:
    assert "was not migrated" in refused(partial(undo, file, address))
    moved(file, address)
    undo(file, address)
    Store(file).close()
    moved(file, address)
    postgres.ask(f"DROP DATABASE {address.partition('?')[0].rpartition('/')[2]}")
    undo(file, address)  # there is no target any more
    Store(file).close()


def test_no_undo_once_the_target_was_used(file: str, address: str) -> None:
    moved(file, address)
    Store(address).close()
    assert "has been in use" in refused(partial(undo, file, address))
    assert is_refused(file)


def test_a_text_that_postgres_does_not_take_is_named(file: str, address: str) -> None:
    with sqlite3.connect(file) as connection:  # as older versions could
        connection.execute("INSERT INTO pico VALUES ('bad', ?, 'root', 0)", ["a\0b"])
    connection.close()
    with pytest.raises(PicoschedError, match=r"table pico, .*'bad'.* NUL"):
        moved(file, address)
    undo(file, address)
    store = Store(file)
    store.picos.delete_pico("bad")
    store.close()
    moved(file, address)


def test_a_plan_changes_nothing(file: str, address: str) -> None:
    with Engine(file, VirtualClock(NOW)):
        found = plan(file, address)
    assert found.rows["scheduled"] == 17 and found.copied == 0
    Store(file).close()
