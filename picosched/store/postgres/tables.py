"""Takes a schema for a session: its lock, and its tables, which are brought up to date if they are older."""

from __future__ import annotations

import psycopg

from picosched.store import migration
from picosched.store.faults import EmptyError, StoreError
from picosched.store.postgres import schema
from picosched.store.postgres.older import read_as_new
from picosched.store.postgres.session import Session, leave_lock, take_lock
from picosched.store.postgres.statements import STATEMENTS


def take_tables(session: Session, name: str, *, readonly: bool, migrating: bool) -> None:
    """Take the lock and check the tables; bring them up to date while nobody else has the database.

    StoreError: `conflict` if another has it that knows of no others, `not_found` if there are no tables to
    read. `invalid` if the tables are of another program, `refused` if its picos were migrated, unless this
    is for `migrating` them.
    """
    if readonly:
        if _migrations(session, name, readonly=True):
            try:
                read_as_new(session)
            except psycopg.Error as cause:  # it may make no temporary tables, or is a standby
                raise StoreError(
                    f"{name} has the tables of an older picosched: open it once for writing", "refused"
                ) from cause
        if not migrating:
            _check_stays(session, name, readonly=True)
        return
    take_lock(session, name, alone=migrating)
    if _migrations(session, name, readonly=False):
        leave_lock(session)
        take_lock(session, name, alone=True)
        with session.transaction():
            for statement in _migrations(session, name, readonly=False):  # another may have done it meanwhile
                session.execute(statement.encode())
        leave_lock(session)
        take_lock(session, name, alone=migrating)
    if not migrating:
        _check_stays(session, name, readonly=False)


def check_tables(session: Session, name: str) -> None:
    """Check the tables for a session that goes along with one that has them: they may be newer by now."""
    if _migrations(session, name, readonly=True):
        raise StoreError(f"{name} has the tables of an older picosched", "refused")


def _migrations(session: Session, name: str, *, readonly: bool) -> list[str]:
    """The statements that bring the tables up to date. `not_found` if there are none to read."""
    version = schema.version_of(lambda sql: session.execute(sql.encode()).fetchall(), name)
    if readonly and version == 0:
        raise EmptyError(f"the database {name} has no picos", "not_found")
    return schema.migrating(version)


def _check_stays(session: Session, name: str, *, readonly: bool) -> None:
    """Check that its picos have not been migrated, at each new session."""
    mark = session.execute(STATEMENTS["meta"], (migration.KEY,)).fetchone()
    if migration.check_stays(name, mark[0] if mark else None) and not readonly:
        session.execute(STATEMENTS["forget_meta"], (migration.KEY,))
