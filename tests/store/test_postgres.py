"""What only PostgreSQL can do to us: who has the database, lost sessions, and addresses that are refused."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import psycopg
import pytest
from freezegun import freeze_time
from postgres_server import Server
from racing import until
from store.pooler import Pooler
from store.test_plans import QUESTIONS
from store.written import NOW, everything, furnish, made, turn_that

from picosched import Engine, InDoubtError, PicoschedError, Store, VirtualClock
from picosched.clock import from_ms
from picosched.krl.large_map import ChangedMap
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Scheduled
from picosched.store.faults import StoreError
from picosched.store.postgres.schema import MIGRATIONS, TABLES, VIEWS
from picosched.store.postgres.session import TAKE_ALONE
from picosched.store.shards import SHARDS, shard_of

COUNTER = """ruleset counter {
  meta { shares n }
  global { n = function() { ent:n.defaultsTo(0) } }
  rule up { select when count up always { ent:n := n() + 1 } }
}"""
BELL = """ruleset bell {
  meta { shares rung }
  global { rung = function() { ent:rung.defaultsTo(0) } }
  rule plan { select when bell plan fired { schedule bell event "rang" repeat "0 9 * * *" } }
  rule rang { select when bell rang always { ent:rung := rung() + 1 } }
}"""
DIES_AT_COMMIT = """CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER die AFTER INSERT ON journal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION die()"""


@pytest.fixture
def address(postgres: Server) -> str:
    return postgres.emptied_database()


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    found = Store(address)
    yield found
    found.close()


def opening_fails(address: str, **options: Any) -> PicoschedError:
    with pytest.raises(PicoschedError) as caught:
        Store(address, **options)
    return caught.value


def test_who_wants_it_alone_is_refused_and_refuses(address: str, store: Store) -> None:
    """As a picosched does that knows of no others, and one that brings the tables up to date."""
    Store(address).close()
    with psycopg.connect(address, autocommit=True) as session:
        session.execute("SET application_name = 'picosched of old'; SET lock_timeout = 100")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            session.execute(TAKE_ALONE.encode())
        store.close()
        session.execute(TAKE_ALONE.encode())
        error = opening_fails(address)
        assert error.code == "conflict"
        assert re.search(r"another picosched has .*: picosched of old, session \d+", error.message)
        Store(address, readonly=True).close()


def test_tables_of_the_first_version_get_their_shards(postgres: Server) -> None:
    address = postgres.new_database()
    with psycopg.connect(address, autocommit=True) as session:
        for statement in ("CREATE TABLE picosched (version bigint)", *TABLES):
            session.execute(statement.encode())
        session.execute("INSERT INTO picosched VALUES (1)")
        session.execute(
            """INSERT INTO source SELECT 's' || n, NULL, '{}', 0, 0, 0, 0, 0, 0
            FROM generate_series(1, 50) AS n"""
        )
    Store(address, readonly=True).close()
    assert postgres.ask("SELECT version FROM picosched", address) == [(1,)]
    Store(address).close()
    for id, shard in postgres.ask("SELECT id, shard FROM source", address):
        assert shard == shard_of(id)
    assert postgres.ask("SELECT count(*), sum(version) FROM shard", address) == [(257, 0)]
    assert postgres.ask("SELECT version FROM picosched", address) == [(len(MIGRATIONS),)]


def test_tables_of_another_program_beside_ours_are_left_alone(postgres: Server) -> None:
    address = postgres.new_database()
    postgres.ask("CREATE TABLE theirs AS SELECT 1 AS number", address)
    store = Store(address)
    with store.transaction():
        furnish(store)
    copy = store.copy()
    assert everything(copy) == everything(store)
    assert store.size() > 100_000 > copy.size() == 0
    copy.close()
    store.close()
    assert postgres.ask("SELECT number FROM theirs", address) == [(1,)]


def test_a_wait_for_locks_is_set_anew_after_a_rollback(store: Store) -> None:
    session = store._database._session
    store.be_patient(False)
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.picos.set_meta("key", "value")
        raise ZeroDivisionError
    with store.transaction():
        store.picos.set_meta("key", "value")
        assert session.execute("SHOW lock_timeout").fetchone() == ("1ms",)


def test_no_limit_of_the_database_ends_a_session_or_a_transaction(postgres: Server) -> None:
    address = postgres.new_database()
    name = address.partition("?")[0].rpartition("/")[2]
    limits = [row[0] for row in postgres.ask("SELECT name FROM pg_settings WHERE name LIKE '%timeout'")]
    ours = [each for each in limits if each.startswith(("transaction_", "statement_", "idle_"))]
    assert len(ours) >= 3
    for limit in ours:
        postgres.ask(f"ALTER DATABASE {name} SET {limit} = '10s'")
    store = Store(address)
    for limit in ours:
        assert store._database._session.execute(f"SHOW {limit}").fetchone() == ("0",), limit
    store.close()


def test_each_schema_is_a_database_of_its_own(address: str, store: Store, postgres: Server) -> None:
    postgres.ask("CREATE SCHEMA IF NOT EXISTS beside", address)
    beside = Store(f"{address}&options=-csearch_path%3Dbeside")
    with beside.transaction():
        furnish(beside)
    assert store.picos.find_root() is None
    beside.close()


def made_older(postgres: Server, address: str) -> None:
    """Let the tables be those of the third version."""
    for statement in (
        "DROP VIEW schedules, fires, turns, variables",
        "DROP TABLE element",
        "DROP FUNCTION elements_end CASCADE",
        "ALTER TABLE entity DROP COLUMN size, DROP COLUMN places",
        "ALTER TABLE machine DROP COLUMN host, ADD COLUMN listening bigint NOT NULL",
        "ALTER TABLE scheduled DROP COLUMN asked",
        "ALTER TABLE scheduled DROP COLUMN machine",
        "ALTER TABLE scheduled DROP COLUMN overlap, DROP COLUMN held, DROP COLUMN started_by",
        "ALTER TABLE fire DROP COLUMN asked",
        "ALTER TABLE scheduled DROP COLUMN trace",
        "ALTER TABLE delivery DROP COLUMN trace",
        "ALTER TABLE journal DROP COLUMN inputs",
        "DROP TABLE provenance",
        "DROP FUNCTION provenance_ends CASCADE",
        "DROP INDEX scheduled_turn",
        "CREATE INDEX scheduled_turn ON scheduled (pico, due, seq) WHERE status = 'pending'",
        "ALTER TABLE machine DROP COLUMN leaving",
        "ALTER TABLE source_entry DROP COLUMN failures, DROP COLUMN tries, DROP COLUMN held",
        "ALTER TABLE source_entry DROP COLUMN asked",
        "DROP TABLE token",
        "DROP TABLE alert",
        "DROP TABLE made_window",
        "DROP INDEX scheduled_window",
        "DROP TABLE audit",
        "DROP TABLE intervention",
        "DROP TABLE version",
        "UPDATE picosched SET version = 3",
    ):
        postgres.ask(statement, address)


def test_tables_of_an_older_version_are_read_as_they_are(address: str, postgres: Server) -> None:
    with Engine(address, VirtualClock("2026-03-01T08:00:00Z")) as engine:
        engine.root.install(BELL)
        engine.root.raise_event("bell", "plan")
        engine.run_until("2026-03-02T10:00:00Z")
    made_older(postgres, address)
    tables = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    before = sorted(postgres.ask(tables, address))
    with Engine(address, VirtualClock("2026-03-02T10:00:00Z"), readonly=True) as engine:
        assert [each.name for each in engine.why("bell:rang").links] == ["raised", "bell.rang", "did"]
        (row,) = engine.agenda.scheduled()
        assert [each.name for each in engine.why(row.id).links][:2] == ["scheduled", "timetable"]
        assert engine.root.query("bell", "rung") == 2
        plan = engine.plan([BELL.replace("+ 1", "+ 2")], 3)
        assert [each for pico in plan.picos for each in pico.state] == ["bell.rung: 5 → 8"]
        assert engine.whole().turns == 3
    assert sorted(postgres.ask(tables, address)) == before


def test_tables_of_an_older_version_are_brought_up_to_date(
    address: str, store: Store, postgres: Server
) -> None:
    with store.transaction():
        store.write(turn_that(entities={("tea", "cups"): 1}))
    store.close()
    made_older(postgres, address)
    again = Store(address)
    with again.transaction():
        again.write(turn_that(entities={("tea", "large"): ChangedMap({"a": 1})}))
    assert again.picos.entities("p", "tea") == {"cups": 1, "large": {"a": 1}}
    again.close()


def test_what_others_made_of_a_view_outlives_its_change(address: str, store: Store, postgres: Server) -> None:
    store.close()
    reader = f"reader_{address.rpartition('/')[2].partition('?')[0]}"
    for statement in (
        "DROP TABLE intervention",
        "DROP TABLE made_window",
        "DROP INDEX scheduled_window",
        "UPDATE picosched SET version = 21",
        "DROP VIEW schedules",
        *(
            re.sub(r"CASE s.rid .*? END AS made", "s.rid || '.' || s.rule AS made", each)
            for each in VIEWS[:1]
        ),
        "CREATE VIEW mine AS SELECT id, name, made_by FROM schedules",
        f"CREATE ROLE {reader}",
        f"GRANT SELECT ON schedules TO {reader}",
    ):
        postgres.ask(statement, address)
    with Engine(address, VirtualClock("2026-03-01T08:00:00Z")) as engine:
        engine.root.schedule("tea", "due", at="2026-03-02")
    assert postgres.ask("SELECT made_by FROM mine", address) == [("Python",)]
    assert postgres.ask(f"SELECT has_table_privilege('{reader}', 'schedules', 'SELECT')", address) == [
        (True,)
    ]
    postgres.ask(f"DROP OWNED BY {reader}", address)
    postgres.ask(f"DROP ROLE {reader}", address)


def test_a_lost_session_takes_its_transaction_and_the_next_begins_anew(
    address: str, store: Store, postgres: Server
) -> None:
    with store.transaction():
        furnish(store)
    before = everything(store)
    with pytest.raises(StoreError, match="was lost") as caught, store.transaction():
        store.picos.set_meta("key", "lost")
        postgres.end_sessions(address)
        store.picos.meta("key")
    assert not isinstance(caught.value, InDoubtError)
    assert everything(store) == before
    with psycopg.connect(address) as session, pytest.raises(psycopg.errors.LockNotAvailable):
        session.execute("SET lock_timeout = 100")
        session.execute(TAKE_ALONE.encode())  # it took the lock again


def test_a_session_lost_at_the_commit_leaves_a_doubt(address: str, postgres: Server) -> None:
    address = postgres.new_database()
    store = Store(address)
    postgres.ask(DIES_AT_COMMIT, address)
    with pytest.raises(InDoubtError, match="it is not known whether"), store.transaction():
        store.write(turn_that(entities={("tea", "cups"): 1}))
    assert not store.kept
    assert store.entity("p", "tea", "cups") is None
    with store.transaction():
        store.picos.set_meta("key", "value")
    assert store.picos.meta("key") == "value"
    store.close()


def test_what_is_in_memory_is_forgotten_when_another_had_the_database(address: str, postgres: Server) -> None:
    with Engine(address, VirtualClock(NOW)) as first:
        first.root.install(COUNTER)
        first.root.raise_event("count", "up")
        postgres.end_sessions(address)
        with Engine(address, VirtualClock(NOW)) as second:
            second.root.raise_event("count", "up")
            first.root.raise_event("count", "up")
            assert second.root.query("counter", "n") == 3
        assert first.root.query("counter", "n") == 3


def test_an_engine_goes_on_when_postgres_was_away(address: str, postgres: Server) -> None:
    with Engine(address, VirtualClock(NOW)) as engine:
        engine.root.install(COUNTER)
        postgres.stop()
        try:
            for _ in range(3):
                with pytest.raises(StoreError, match=r"lost|cannot be reached"):
                    engine.root.raise_event("count", "up")
        finally:
            postgres.start()
        assert engine.root.raise_event("count", "up").errors == []
        assert engine.root.query("counter", "n") == 1


def test_a_table_that_another_program_has_locked_is_told(address: str, store: Store) -> None:
    with psycopg.connect(address) as other:
        other.execute("LOCK TABLE meta")
        store.be_patient(False)
        with pytest.raises(StoreError, match="locked") as caught, store.transaction():
            store.picos.set_meta("key", "value")
        assert caught.value.code == "conflict"
        store.be_patient(True)
        unlocking = threading.Timer(0.2, other.rollback)
        unlocking.start()
        with store.transaction():
            store.picos.set_meta("key", "value")
        unlocking.join()
    assert store.picos.meta("key") == "value"


def test_a_session_that_ends_before_it_may_watch_is_told(
    address: str, store: Store, postgres: Server
) -> None:
    machines = store.machines
    assert machines is not None
    waiting = "wait_event_type = 'Lock'"
    with psycopg.connect(address) as other, ThreadPoolExecutor(1) as thread:
        other.execute("LOCK TABLE picosched")
        watch = thread.submit(machines.watch)
        until(lambda: postgres.ask(f"SELECT 1 FROM pg_stat_activity WHERE {waiting}", address))
        postgres.end_sessions(address, waiting)
        with pytest.raises(StoreError, match="ended the session"):
            watch.result(30)


def test_who_follows_waits_for_a_turn_before_the_last_whatever_began_first(
    address: str, store: Store
) -> None:
    """The later of two transactions draws the lower number, and ends last."""
    begin = store.pages.last_turn()
    turn = """INSERT INTO journal (eid, pico, at, handled, directives, errors, log)
        VALUES (%s, 'p', 1, '[]', '[]', '[]', '[]')"""

    def followed() -> list[str]:
        return [entry.eid for entry in store.pages.journal_since(begin, 10)]

    with psycopg.connect(address) as one, psycopg.connect(address) as two:
        for session in (one, two):
            session.execute("SELECT pg_current_xact_id()")
        two.execute(turn, ("first",))
        one.execute(turn, ("second",))
        one.commit()
        assert followed() == []
        two.commit()
    assert followed() == ["first", "second"]


def test_who_begins_to_read_waits_for_no_transaction_of_others_that_takes_long(
    address: str, postgres: Server
) -> None:
    with Engine(address, VirtualClock(NOW)) as engine:
        engine.root.install(COUNTER)
        engine.root.raise_event("count", "up")
    with psycopg.connect(postgres.emptied_database(1)) as other:
        other.execute("SELECT pg_current_xact_id()")
        with Engine(address, VirtualClock(NOW)) as engine:
            assert engine.path("1").step is not None
            assert engine.read(engine.store.pages.last_turn) == 1
            engine.root.raise_event("count", "up")
            assert engine.path("2").step is not None
            assert engine.read(engine.store.pages.last_turn) == 1  # until the other one has ended
            other.commit()
            assert engine.read(engine.store.pages.last_turn) == 2


def test_nul_in_a_text_fails_its_event_and_no_other(address: str) -> None:
    with Engine(address, VirtualClock(NOW)) as engine:
        engine.root.install(COUNTER)
        for attempt in (
            lambda: engine.pico("a\0b"),
            lambda: engine.store.agenda.matching(Filter(ids=("a\0b",))),
            lambda: engine.store.agenda.matching(Filter(text="a\0b")),
        ):
            with pytest.raises(PicoschedError, match="NUL") as caught:
                attempt()
            assert caught.value.code == "invalid"
        engine.root.raise_event("count", "up", {"text": "a\0b"})
        assert engine.root.query("counter", "n") == 1


def test_statements_skipped_in_a_transaction_that_failed_work_in_the_next(store: Store) -> None:
    """They were to be prepared there."""

    def write(number: int, *rows: Scheduled) -> None:
        with store.transaction():
            for row in rows:
                store.agenda.add(row)
            store.write(turn_that(entities={("tea", "cups"): number}, waiting={("tea", "start"): number}))

    for _ in range(2):  # rollbacks before anything was prepared
        with pytest.raises(ZeroDivisionError), store.transaction():
            store.picos.meta("key")
            raise ZeroDivisionError
    for number in range(3):
        write(number)
        with pytest.raises(PicoschedError, match="more than 64 bits"):
            write(number, made("s", fires=2**63))
    write(4)
    assert store.entity("p", "tea", "cups") == 4


def test_nul_in_a_gathered_row_is_refused_with_its_transaction(store: Store) -> None:
    with pytest.raises(PicoschedError, match="NUL") as caught, store.transaction():
        store.agenda.add(made("a", name="a\0b"))
    assert caught.value.code == "invalid" and store.refused
    with store.transaction():
        store.agenda.add(made("a"))
        with pytest.raises(PicoschedError, match="NUL"):
            store.find_scheduled("a\0b")
        store.agenda.add(made("b"))
    assert [row.id for row in store.agenda.pending()] == ["a", "b"]


def test_after_an_error_that_was_swallowed_nothing_is_kept(store: Store) -> None:
    with pytest.raises(PicoschedError), store.transaction():
        store.deliveries.receive("p", "key", "e1", NOW)
        with pytest.raises(StoreError):
            store.deliveries.receive("p", "key", "e2", NOW)
    assert store.deliveries.received("p", "key") is None
    with store.transaction():
        store.deliveries.receive("p", "key", "e1", NOW)
        with pytest.raises(StoreError), store.savepoint():
            store.deliveries.receive("p", "key", "e2", NOW)
    assert store.deliveries.received("p", "key") == ("e1", NOW)


def test_passwords_are_never_shown(postgres: Server) -> None:
    for address in (
        f"postgresql://picos:hush@/none?host={postgres.folder}",
        f"postgresql://picos@/none?host={postgres.folder}&password=hush",
        "postgresql://picos:hu/hush@h:x/db",
        "postgresql://picos:hush@127.0.0.1:1/db",
    ):
        error = opening_fails(address)
        assert "hush" not in f"{error} {error.__cause__} {error.__context__}"


def test_what_is_no_database_of_ours_is_refused(postgres: Server) -> None:
    assert opening_fails(postgres.address("none")).code == "not_found"
    assert opening_fails(postgres.address(user="nobody")).code == "refused"
    assert opening_fails(postgres.new_database(), readonly=True).code == "not_found"
    foreign = postgres.new_database()
    postgres.ask("CREATE TABLE pico (id integer)", foreign)
    assert "of another program" in opening_fails(foreign).message
    postgres.ask("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0")
    assert "wanted UTF8" in opening_fails(postgres.address("ascii")).message
    newer = postgres.new_database()
    Store(newer).close()
    postgres.ask("UPDATE picosched SET version = 99", newer)
    assert "newer picosched" in opening_fails(newer).message


def test_a_user_without_rights_hears_what_gives_them(postgres: Server) -> None:
    address = postgres.new_database()
    name = address.partition("?")[0].rpartition("/")[2]
    for statement in (
        "DROP ROLE IF EXISTS guest",
        "DROP ROLE IF EXISTS other",
        "CREATE ROLE guest LOGIN",
        "CREATE ROLE other LOGIN",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    ):
        postgres.ask(statement, address)
    schema = "GRANT USAGE, CREATE ON SCHEMA public TO"
    connect = f'GRANT CONNECT ON DATABASE "{name}" TO'
    assert cured(postgres, address, "guest") == [f'{connect} "guest"', f'{schema} "guest"']
    of_owner = 'GRANT "guest" TO "other"'
    assert cured(postgres, address, "other") == [f'{connect} "other"', f'{schema} "other"', of_owner]
    postgres.ask("DROP OWNED BY guest", address)
    postgres.ask(f"{connect} guest; GRANT USAGE ON SCHEMA public TO guest", address)
    assert cured(postgres, address, "guest") == ['GRANT CREATE ON SCHEMA "public" TO "guest"']
    postgres.ask("DROP OWNED BY guest; DROP OWNED BY other", address)


def cured(postgres: Server, address: str, user: str) -> list[str]:
    """What errors tell to grant until this user can open the database."""
    told: list[str] = []
    while len(told) < 5:
        try:
            Store(address.replace("picos@", f"{user}@")).close()
            return told
        except PicoschedError as error:
            assert error.code == "refused"
            (cure,) = re.findall("GRANT [^,]*(?:, CREATE [^,]*)?", error.message)
            told.append(cure)
            postgres.ask(cure, address)
    raise AssertionError(told)


@pytest.mark.parametrize(("sessions", "first"), [(1, False), (2, True), (2, False), (5, True), (5, False)])
def test_a_pooler_that_changes_sessions_is_refused(postgres: Server, sessions: int, first: bool) -> None:
    name = postgres.new_database().partition("?")[0].rpartition("/")[2]
    pooler = Pooler(postgres.folder, sessions=sessions, first=first)
    for each in [psycopg.connect(pooler.address(name)) for _ in range(sessions)]:
        each.close()
    error = opening_fails(pooler.address(name))
    assert error.code == "refused" and "session mode" in error.message
    pooler.close()


def test_a_version_that_is_too_old_is_refused(postgres: Server) -> None:
    name = postgres.new_database().partition("?")[0].rpartition("/")[2]
    pooler = Pooler(postgres.folder, version="13.20")
    error = opening_fails(pooler.address(name))
    assert error.code == "refused" and "found PostgreSQL 13" in error.message
    pooler.close()


class Noting(psycopg.RawCursor[Any]):
    """Notes what is run."""

    asked: ClassVar[list[tuple[bytes, Any]]] = []

    def execute(self, query: Any, params: Any = None, **named: Any) -> Noting:
        if params is not None:
            self.asked.append((query, params))
        return super().execute(query, params, **named)


def test_questions_find_their_rows_by_an_index(store: Store) -> None:
    with store.transaction():
        furnish(store)
    session = store._database._session
    session.cursor_factory = Noting
    found: dict[str, str] = {}
    for question, (ask, _) in QUESTIONS.items():
        Noting.asked.clear()
        ask(store)
        session.execute("SET enable_seqscan = off")
        for sql, values in [*Noting.asked]:
            for (line,) in session.execute(b"EXPLAIN " + sql, values).fetchall():
                if re.search(r"Seq Scan on (scheduled|fire|journal|delivery|received)\b", line):
                    found[question] = line
        session.execute("SET enable_seqscan = on")
    assert found == {}


PENDING = """INSERT INTO scheduled (id, pico, rid, domain, type, attrs, kind, due, created, tz, status, fires)
    SELECT 'r' || n, 'p' || n % 100, 'r', 'd', 't', '{}', 'send', 1000000 + n, 0, 'UTC', 'pending', 0
    FROM generate_series(1, 5000) AS n"""


@pytest.mark.parametrize("own", [range(SHARDS), range(8)])
def test_what_is_due_of_a_pico_is_found_by_its_index_though_the_figures_are_old(
    own: range, postgres: Server
) -> None:
    """PostgreSQL believes that nothing is due; so any index by the due time would look good to it."""
    address = postgres.new_database()
    store = Store(address)
    postgres.ask("ALTER TABLE scheduled SET (autovacuum_enabled = false)", address)
    for statement in (PENDING, "ANALYZE scheduled", "UPDATE scheduled SET due = due - 1000000"):
        postgres.ask(statement, address)
    store.machines.take_part(True)
    store.machines.take(own)
    session = store._database._session
    session.cursor_factory = Noting
    Noting.asked.clear()
    picos = [f"p{number}" for number in range(100)]
    found = store.due.due_of(picos, from_ms(500_000), 5)
    assert {*found} == {pico for pico in picos if shard_of(pico) in own}
    ((sql, values),) = Noting.asked
    plan = "\n".join(line for (line,) in session.execute(b"EXPLAIN " + sql, values).fetchall())
    assert {*re.findall(r"scheduled_\w+", plan)} == {"scheduled_turn"}, plan
    assert "Seq Scan" not in plan
    store.close()


@pytest.mark.parametrize(("hours", "said"), [(0, []), (2, ["ahead of"]), (-2, ["behind"])])
def test_a_clock_that_differs_from_that_of_the_server_is_told_at_the_start(
    address: str, hours: int, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with freeze_time(datetime.now(UTC) + timedelta(hours=hours), tick=True), Engine(address) as engine:
        engine.start()
        engine.stop()
    told = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert [re.findall(r"is 7[12]\d\d seconds (.*) that of", each) for each in told] == [
        [word] for word in said
    ]


def test_a_durability_that_is_unknown_is_refused(address: str) -> None:
    assert 'wanted "full" or "normal"' in opening_fails(address, durability="some").message
    store = Store(address, durability="normal")
    assert store._database._session.execute("SHOW synchronous_commit").fetchone() == ("off",)
    store.close()


def test_a_store_is_closed_once_and_for_all(store: Store) -> None:
    store.close()
    with pytest.raises(StoreError, match="closed"), store.transaction():
        pass
    with pytest.raises(StoreError, match="closed"):
        store.picos.picos()
    assert not store.mend()
