"""What SQLite complains of, in words for the caller.

Every error of the database becomes a `PicoschedError` that names the file. The transaction it happened in
is rolled back as a whole, so the words can promise that nothing of it was kept; but for one: where the commit
itself fails, nobody knows.
"""

from __future__ import annotations

import sqlite3

from picosched.errors import Code, PicoschedError


class StoreError(PicoschedError):
    """The database failed: not what was asked for is at fault, and nothing of the transaction is kept.

    `kind` is what SQLite calls it, in short: "SQLITE_IOERR".
    """

    def __init__(self, message: str, code: Code = "internal", kind: str = "") -> None:
        super().__init__(message, code)
        self.kind = kind

    @property
    def is_of_disk(self) -> bool:
        """Whether the disk failed to read or write something, so that nothing in memory can be trusted."""
        return self.kind in ("SQLITE_IOERR", "SQLITE_CANTOPEN")

    @property
    def is_full(self) -> bool:
        return self.kind == "SQLITE_FULL"


class InDoubtError(StoreError):
    """The commit failed: all of the transaction is kept, or nothing, and it is not known which."""


DAMAGED = "is damaged; `picosched doctor` says where"

UNREADABLE = ("Could not decode", "unsupported file format")
"""How errors begin that have no name of their own: of text that is not UTF-8, and of a header."""

FAULTS: dict[str, tuple[str, Code]] = {
    "SQLITE_NOTADB": ("is not an SQLite database", "invalid"),
    "SQLITE_CORRUPT": (DAMAGED, "internal"),
    "SQLITE_FULL": ("cannot grow: the disk is full; nothing of this was kept", "internal"),
    "SQLITE_IOERR": ("cannot be read or written; nothing of this was kept", "internal"),
    "SQLITE_READONLY": ("may not be written", "refused"),
    "SQLITE_CANTOPEN": ("cannot be opened; may its folder be written?", "refused"),
    "SQLITE_PERM": ("may not be opened", "refused"),
    "SQLITE_AUTH": ("may not be opened", "refused"),
    "SQLITE_BUSY": ("is locked by another program", "conflict"),
    "SQLITE_LOCKED": ("is locked by another program", "conflict"),
    "SQLITE_TOOBIG": ("cannot take a value this large", "too_large"),
    "SQLITE_NOMEM": ("found no memory left", "internal"),
    "SQLITE_CONSTRAINT": ("refused a row that contradicts another", "conflict"),
}
"""Error name, or the part of it that leads, → what it means, and the code."""


FAILING = (sqlite3.Error, OverflowError, UnicodeEncodeError)
"""What a statement raises: the database fails, or it was given an unsupported value."""


def fault(error: Exception, name: str) -> PicoschedError:
    """`error` of the database `name` as a StoreError, or as the fault of a value; it is raised `from` it."""
    if isinstance(error, OverflowError):
        return PicoschedError("found a whole number of more than 64 bits, which cannot be kept or looked for")
    if isinstance(error, UnicodeEncodeError):
        return PicoschedError("found half a character in a text, which cannot be kept or looked for")
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return StoreError(f"the database {name} is closed", "conflict")
    if isinstance(error, UnicodeDecodeError) or str(error).startswith(UNREADABLE):
        return damaged(name, str(error))
    kind = kind_of(error)
    meaning, code = FAULTS.get(kind, ("failed", "internal"))
    if kind == "SQLITE_NOTADB":
        return StoreError(f"{name} {meaning}", code, kind)
    return StoreError(f"the database {name} {meaning} ({error})", code, kind)


def damaged(name: str, what: str) -> StoreError:
    return StoreError(f"the database {name} {DAMAGED} ({what})", "internal", "SQLITE_CORRUPT")


def in_doubt(error: sqlite3.Error, name: str) -> InDoubtError:
    """`error` of a commit in the database `name`."""
    text = f"the database {name} failed at the commit: it is not known whether this was kept ({error})"
    return InDoubtError(text, "internal", kind_of(error))


def kind_of(error: Exception) -> str:
    """What SQLite calls it, in short: SQLITE_IOERR_WRITE is an SQLITE_IOERR."""
    return "_".join((getattr(error, "sqlite_errorname", None) or "").split("_")[:2])
