"""Migrates all picos from the database of one address to that of another, as a command does."""

from __future__ import annotations

from contextlib import ExitStack, suppress

from picosched.errors import PicoschedError
from picosched.store import moving
from picosched.store.faults import EmptyError
from picosched.store.moving import AT_ONCE, Amount, Tell
from picosched.store.opening import is_there, open_database, shown
from picosched.store.port import Database


def plan(source: str, target: str) -> Amount:
    """What there is to do; changes nothing, and works while the source is in use."""
    with ExitStack() as stack:
        here, there = _opened(source, stack, readonly=True), None
        with suppress(EmptyError):
            there = _opened(target, stack, readonly=True) if is_there(target) else None
        return moving.plan(here, there)


def migrate(source: str, target: str, tell: Tell, at_once: int = AT_ONCE) -> Amount:
    """Migrate, or continue; what there was to do at first. Errors are those of opening, and of `moving.move`.

    A missing file is created, and PicoschedError `conflict` if another picosched has either database.
    """
    with ExitStack() as stack:
        here = _opened(source, stack)
        if not is_there(target):
            moving.plan(here, None)  # before a file is made
        return moving.move(here, _opened(target, stack, make=True), tell, at_once)


def undo(source: str, target: str) -> None:
    """Take it back, as `moving.undo`; there need be no target any more."""
    with ExitStack() as stack:
        here, there = _opened(source, stack), None
        try:
            there = _opened(target, stack)
        except PicoschedError as error:
            if error.code != "not_found":
                raise
        moving.undo(here, there)


def _opened(address: str, stack: ExitStack, *, readonly: bool = False, make: bool = False) -> Database:
    """Open a database until the stack ends, held exclusively unless readonly; only with `make` a new file."""
    if not (make or is_there(address)):
        raise PicoschedError(f"there is no database {shown(address)}", "not_found")
    database = open_database(address, readonly=readonly, migrating=True)
    stack.callback(database.close)
    return database
