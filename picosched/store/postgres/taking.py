"""Takes a schema for a session: its lock, and its tables, which are brought up to date if they are older."""

from __future__ import annotations

from picosched.store.faults import StoreError
from picosched.store.postgres import schema
from picosched.store.postgres.session import Session, leave_lock, take_lock


def take_up(session: Session, name: str, *, readonly: bool) -> None:
    """Take the lock and check the tables; bring them up to date while nobody else has the database.

    StoreError: `conflict` if another has it that knows of no others, `not_found` if there are no tables to
    read. `invalid` if the tables are of another program.
    """

    def left() -> list[str]:
        version = schema.version_of(lambda sql: session.execute(sql.encode()).fetchall(), name)
        if readonly and version == 0:
            raise StoreError(f"the database {name} has no picos", "not_found")
        return schema.migrating(version)

    if readonly:
        if left():
            raise StoreError(
                f"{name} has the tables of an older picosched: open it once for writing", "refused"
            )
        return
    take_lock(session, name)
    if left():
        leave_lock(session)
        take_lock(session, name, alone=True)
        with session.transaction():
            for statement in left():  # another may have done it meanwhile
                session.execute(statement.encode())
        leave_lock(session)
        take_lock(session, name)
