"""Moves all picos from one database into another, an empty one: table by table, in the order of keys.

Both databases are held as `serve` holds them, so that nothing is raised meanwhile. Each batch of rows and the
mark that says how far it goes are one transaction, so whoever was killed goes on after the last batch, and no
row is missing or there twice. The order of the steps makes each of them safe to be the last:

1. the source is marked, so that it may be opened for nothing else; then the target,
2. rows are copied,
3. the tables of both have equally many rows,
4. the source is marked as moved for good; then the target as complete. Only now may it be opened.

A target without a mark begins a new migration with an id of its own, so a part that an earlier one left in
another place is never taken for whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from uuid import uuid4

from picosched.errors import PicoschedError
from picosched.store.migration import KEY, Migration, migration_of
from picosched.store.port import Database, Kept, Row
from picosched.store.tables import META, TABLES

AT_ONCE = 1_000
"""Rows of a batch."""
BYTES_AT_ONCE = 4_000_000
"""Characters after which a batch ends earlier."""

Tell = Callable[[str, int, int], None]
"""Told of each batch: the table, how many of its rows the target has, of how many."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What a migration has to do."""

    rows: dict[str, int]
    """Table → how many rows the source has."""
    copied: int
    """How many of them the target has."""

    @property
    def total(self) -> int:
        """The rows of all tables of the source."""
        return sum(self.rows.values())


def plan(source: Database, target: Database | None) -> Amount:
    """What is to do; changes nothing, and raises what `move` would raise.

    `target` is None if there is none yet.
    """
    _check(source, target)
    return Amount(_counts(source), 0 if target is None else sum(_counts(target).values()))


def move(source: Database, target: Database, tell: Tell, at_once: int = AT_ONCE) -> Amount:
    """Move everything, or go on with it; returns what there was to do at first.

    PicoschedError `refused` if the source was moved already or the target has anything else.
    """
    found = plan(source, target)
    left, came = _mark(source), _mark(target)
    if left is None or came is None:
        left = Migration(uuid4().hex, _named(target), away=True)
        came = Migration(left.id, _named(source), away=False)
        _put(source, left)
        _put(target, came)
    if not left.complete:
        _copy(source, target, came, tell, found.rows, at_once)
        _compare(found.rows, _counts(target))
        _put(source, replace(left, complete=True))
    _put(target, replace(came, complete=True))
    return found


def undo(source: Database, target: Database | None) -> None:
    """Take the mark from the source and empty the target, unless picos have run there.

    `refused` if they have, or if the source was migrated to another place or not at all.
    """
    left = _mark(source)
    if left is None or not left.away:
        raise PicoschedError(f"{source.name} was not migrated", "refused")
    if target is not None:
        if (named := _named(target)) != left.other:
            raise PicoschedError(f"{source.name} was migrated to {left.other}, not to {named}", "refused")
        came = _mark(target)
        if came is not None and came.id == left.id:
            with target.transaction():
                for table in TABLES:
                    target.empty(table)
        elif left.complete and not _is_empty(target):
            raise PicoschedError(
                f"{target.name} has been in use since {source.name} was migrated to it: to go back, migrate "
                "it to a new file or database",
                "refused",
            )
    with source.transaction():
        source.execute("forget_meta", (KEY,))


def _check(source: Database, target: Database | None) -> None:
    """`refused` unless the source may be moved, and the target is empty or has a part of it."""
    left, came = _mark(source), None if target is None else _mark(target)
    if left is not None and not left.away:
        if not left.complete:
            raise PicoschedError(f"{source.name} has only a part of {left.other} itself", "refused")
        left = None
    if came is not None and left is not None and came.id == left.id and not came.complete:
        return
    if left is not None and left.complete:
        raise PicoschedError(f"{source.name} was migrated to {left.other} already", "refused")
    if target is not None and came is not None and not came.complete:
        raise PicoschedError(
            f"{target.name} has a part of {came.other}, wanted an empty database or a part of {source.name}",
            "refused",
        )
    if target is not None and not _is_empty(target):
        raise PicoschedError(f"{target.name} has picos of its own, wanted an empty database", "refused")
    if _is_empty(source):
        raise PicoschedError(f"{source.name} has no picos to migrate", "not_found")


def _copy(
    source: Database, target: Database, came: Migration, tell: Tell, rows: dict[str, int], at_once: int
) -> None:
    """Copy the rows after those that came last."""
    names = [table.name for table in TABLES]
    for table in TABLES[names.index(came.table) if came.table else 0 :]:
        after = came.after if came.table == table.name else ()
        copied = target.count(table) if after else 0
        for batch in _batches(_content(source, table, after), at_once):
            last = batch[-1]
            after = (
                last[:1] if table.numbered else tuple(last[table.columns.index(each)] for each in table.key)
            )
            with target.transaction():
                target.fill(table, batch)
                target.execute("set_meta", (KEY, replace(came, table=table.name, after=after).text()))
            copied += len(batch)
            tell(table.name, copied, rows[table.name])


def _content(database: Database, table: Kept, after: Row = ()) -> Iterator[Row]:
    """The rows of a table, without our mark."""
    found = database.content(table, after)
    return (row for row in found if row[0] != KEY) if table is META else found


def _batches(rows: Iterator[Row], at_once: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row if isinstance(value, str))
        if len(batch) >= at_once or size >= BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _compare(wanted: dict[str, int], found: dict[str, int]) -> None:
    for table, number in wanted.items():
        if found[table] != number:
            raise PicoschedError(f"found {found[table]:,} rows of {table}, wanted {number:,}", "internal")


def _counts(database: Database) -> dict[str, int]:
    """Table → how many rows it has, without our mark."""
    found = {table.name: database.count(table) for table in TABLES}
    found[META.name] -= _mark(database) is not None
    return found


def _is_empty(database: Database) -> bool:
    return not any(any(True for _ in islice(_content(database, table), 1)) for table in TABLES)


def _mark(database: Database) -> Migration | None:
    row = database.row("meta", (KEY,))
    return migration_of(None if row is None else row[0])


def _put(database: Database, mark: Migration) -> None:
    with database.transaction():
        database.execute("set_meta", (KEY, mark.text()))


def _named(database: Database) -> str:
    """How the marks and messages call a database, from wherever they are read."""
    return str(Path(database.name).resolve()) if database.local else database.name
