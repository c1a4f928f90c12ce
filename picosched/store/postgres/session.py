"""A session with PostgreSQL, set up as all of ours are, and the lock by which picosched has the database.

The lock is an advisory lock of the very session that writes, so whoever dies loses session, open transaction
and lock in one moment. There is one for each schema. All that use the tables share it; who changes them has
to be alone, and so has a picosched of a version that knew no shards. A session that is lost without a word (a
machine without power, a cut cable) ends after about half a minute, when the server misses its keepalives.

A pooler that gives each transaction another session of the server would take the lock from under us, so we
look for one: the server's number of our session is then not the one we were given when we connected.
"""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper

from picosched.errors import PicoschedError
from picosched.store.faults import StoreError
from picosched.store.postgres.faults import fault, first_line, quoted, unreachable

Session = psycopg.Connection[Any]

# Whoever sent a pipeline gets its error, and need not hear once more that it was cut short.
logging.getLogger("psycopg").addFilter(lambda record: "error ignored terminating" not in str(record.msg))

OLDEST = 140_000
"""The oldest version of PostgreSQL that works: 14."""

CONNECT_SECONDS = 5
LOCK_SECONDS = 2
"""How long to wait for the lock: the session of a process just killed may take a moment to end."""
PATIENT_MS, HASTY_MS = 5_000, 1
"""How long a statement waits for a table that another program has locked."""

KEY = 0x7069636F
"""The letters `pico`, the first half of the key of the lock; the other is the number of the schema."""

LOOKS = 8
"""How often to look whether a pooler changes the session."""

SETTINGS = (
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 4",
    "SET client_connection_check_interval = '2s'",
    "SET idle_in_transaction_session_timeout = 0",
    "SET idle_session_timeout = 0",
    "SET statement_timeout = 0",
    "SET default_transaction_isolation = 'read committed'",
    "SET jit = off",
    f"SET lock_timeout = {PATIENT_MS}",
)

SINCE_17 = ("SET transaction_timeout = 0",)
"""Of a limit that older versions do not have."""

SCHEMA = "current_schema()::regnamespace::oid"
LOCK = f"({KEY}, (SELECT {SCHEMA}::bigint % 2147483648)::integer)"
TAKE, TAKE_ALONE = f"SELECT pg_advisory_lock_shared{LOCK}", f"SELECT pg_advisory_lock{LOCK}"
HOLDER = f"""SELECT pid, application_name, coalesce(host(client_addr), 'the server itself')
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND classid = {KEY} AND objsubid = 2
        AND objid::bigint = (SELECT {SCHEMA}::bigint % 2147483648)
        AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
RIGHTS = """SELECT current_schema(), (SELECT tableowner FROM pg_tables
    WHERE schemaname = current_schema() AND tablename = 'picosched')"""
PID = "SELECT pg_backend_pid()"


class FlagDumper(Int8Dumper):
    """Writes a bool as the number 0 or 1."""

    def dump(self, obj: Any) -> bytes:
        return b"1" if obj else b"0"


def connect(address: str, name: str, *, readonly: bool, durable: bool) -> Session:
    """Open a session; errors are StoreErrors that call the database `name`."""
    session = _connected(address, name)
    try:
        version = session.info.server_version
        if version < OLDEST:
            found = f"found PostgreSQL {version // 10_000} at {name}"
            raise StoreError(f"{found}, wanted version {OLDEST // 10_000} or later", "refused")
        encoding = session.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(f"found the encoding {encoding} at {name}, wanted UTF8", "refused")
        _check_unpooled(session, address, name)
        settings = [*SETTINGS, *(SINCE_17 if version >= 170_000 else ())]
        if not durable:
            settings.append("SET synchronous_commit = off")
        if readonly:
            settings.append("SET default_transaction_read_only = on")
        session.execute("; ".join(settings).encode())
        if session.execute("SELECT current_schema()").fetchone() == (None,):
            found = f"the database {name} has no schema of search_path that {session.info.user} may use"
            cure = f"GRANT USAGE, CREATE ON SCHEMA public TO {quoted(session.info.user)}"
            raise StoreError(f"{found}: {cure}, or set search_path", "refused")
    except psycopg.Error as cause:
        session.close()
        raise fault(cause, name) from cause
    except BaseException:
        session.close()
        raise
    adapters = session.adapters
    # Each column has one type, so that a statement is prepared once, whatever its values.
    adapters.register_dumper(int, Int8Dumper)
    adapters.register_dumper(bool, FlagDumper)
    adapters.register_dumper(str, StrDumper)
    # At the first use, not the second: of a pipeline that fails halfway, psycopg otherwise takes statements
    # for prepared that were skipped, and no later transaction would work.
    session.prepare_threshold, session.prepared_max = 0, 500
    return session


def _connected(address: str, name: str) -> Session:
    try:
        given = conninfo_to_dict(address)
    except psycopg.Error:  # the message may have a part of the password
        raise PicoschedError(f"found {name}, wanted postgresql://USER@HOST/DATABASE") from None
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": f"picosched {os.getpid()} on {socket.gethostname()}"[:63],
        "client_encoding": "UTF8",
    }
    try:
        session = psycopg.connect(
            address,
            autocommit=True,
            cursor_factory=psycopg.RawCursor,
            **{key: value for key, value in options.items() if key not in given},
        )
    except psycopg.Error as cause:
        raise unreachable(cause, name, given) from None
    return session


def _check_unpooled(session: Session, address: str, name: str) -> None:
    """`refused` behind a pooler that shares a session of the server between its clients."""
    mine = _pid(session)
    if mine == session.info.backend_pid:
        return
    shared = any(_pid(session) != mine for _ in range(LOOKS))  # if it takes one after another, or any
    if not shared:
        with _connected(address, name) as other:
            try:
                other.execute("BEGIN")
                shared = _pid(other) == mine  # if it takes the last one
                other.execute("ROLLBACK")
            except psycopg.errors.ProtocolViolation as cause:  # one in statement mode has no transactions
                if "statement pooling" not in str(cause):
                    raise
                shared = True
    if shared:
        raise StoreError(
            f"found a pooler at {name} that changes sessions between transactions, wanted PostgreSQL itself "
            "or a pooler in session mode",
            "refused",
        )


def _pid(session: Session) -> int:
    row = session.execute(PID).fetchone()
    assert row is not None  # it has one row always
    return int(row[0])


def lacking(session: Session, cause: psycopg.Error, name: str) -> StoreError:
    """The error to raise if the user of the session has no right to something, with what gives it."""
    row = session.execute(RIGHTS).fetchone()
    assert row is not None  # it has one row always
    schema, owner = row
    right = quoted(owner) if owner else f"CREATE ON SCHEMA {quoted(schema)}"
    whose = f"; its tables belong to {owner}" if owner else ""
    text = f"the database {name} refuses this to its user ({first_line(cause)}){whose}"
    return StoreError(f"{text}: GRANT {right} TO {quoted(session.info.user)}", "refused")


def take_lock(session: Session, name: str, *, alone: bool = False) -> None:
    """Take the database, beside others or `alone`.

    `conflict`, with the holder, if that cannot be.
    """
    try:
        session.execute(f"SET lock_timeout = {LOCK_SECONDS * 1_000}")
        session.execute(TAKE_ALONE if alone else TAKE)
        session.execute(f"SET lock_timeout = {PATIENT_MS}")
    except psycopg.errors.LockNotAvailable:
        held = session.execute(HOLDER).fetchone()
        by = "" if held is None else f": {held[1] or 'a session'}, session {held[0]} from {held[2]}"
        raise StoreError(f"another picosched has the database {name}{by}", "conflict") from None
    except psycopg.Error as cause:
        raise fault(cause, name) from cause


def leave_lock(session: Session) -> None:
    """Give back all advisory locks."""
    session.execute("SELECT pg_advisory_unlock_all()")
