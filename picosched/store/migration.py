"""The mark by which a database says that its picos are moving, or have moved, to another one.

Both databases have one, with the same id, in `meta`. While picos move, neither may be opened. Afterwards the
old database still may not, since its events would fire twice; the new one drops its mark when it is first
opened for work.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import orjson

from picosched.errors import PicoschedError
from picosched.store.port import Row

KEY = "migration"


@dataclass(frozen=True, slots=True)
class Migration:
    """The mark of one of the two databases."""

    id: str
    other: str
    """The other database, as messages call it."""
    away: bool
    """Whether picos leave this database, or come into it."""
    complete: bool = False
    table: str = ""
    """What came last: the table, and the number or key of its row."""
    after: Row = ()

    def text(self) -> str:
        """As it is kept in `meta`; `migration_of` reads it."""
        return orjson.dumps(asdict(self)).decode()


def migration_of(text: str | None) -> Migration | None:
    """The mark that a database has, as it is kept there."""
    if text is None:
        return None
    told = orjson.loads(text)
    return Migration(**{**told, "after": tuple(told["after"])})


def check_stays(name: str, text: str | None) -> bool:
    """`refused` if the picos of this database are elsewhere. True if it has a mark that it needs no more."""
    migration = migration_of(text)
    if migration is None:
        return False
    how = "`picosched migrate` continues that, or gives it up with --undo"
    if not migration.away:
        if not migration.complete:
            raise PicoschedError(f"{name} has only a part of {migration.other} yet: {how}", "refused")
        return True
    if not migration.complete:
        raise PicoschedError(f"{name} is being migrated to {migration.other}: {how}", "refused")
    raise PicoschedError(
        f"{name} was migrated to {migration.other}: its picos are there, and would fire their events twice "
        "if they ran here as well",
        "refused",
    )
