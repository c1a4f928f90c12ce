"""Translates SQLite's errors for callers."""

from __future__ import annotations

import sqlite3

from picosched.errors import Code, PicoschedError
from picosched.store.faults import InDoubtError, StoreError

OF_DISK = ("SQLITE_IOERR", "SQLITE_CANTOPEN")
"""A disk read or write failed, so that nothing in memory can be trusted."""

FULL = "SQLITE_FULL"
CORRUPT = "SQLITE_CORRUPT"

DAMAGED = "is damaged; `picosched doctor` says where"

UNREADABLE = ("Could not decode", "unsupported file format")
"""Prefixes of errors without a specific name: for text that is not UTF-8, and for a bad header."""

FAULTS: dict[str, tuple[str, Code]] = {
    "SQLITE_NOTADB": ("is not an SQLite database", "invalid"),
    CORRUPT: (DAMAGED, "internal"),
    FULL: ("cannot grow: the disk is full; nothing of this was kept", "internal"),
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
"""Primary error name → message and code."""


FAILING = (sqlite3.Error, OverflowError, UnicodeEncodeError)
"""The errors a statement raises if the database fails or a value is unsupported."""


def fault(error: Exception, name: str) -> PicoschedError:
    """The error to raise for `error` of the database `name`: a StoreError, unless a value is at fault."""
    if isinstance(error, OverflowError):
        return PicoschedError("found a whole number of more than 64 bits, which SQLite does not support")
    if isinstance(error, UnicodeEncodeError):
        return PicoschedError("found half a character in a text, which SQLite does not support")
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
    return StoreError(f"the database {name} {DAMAGED} ({what})", "internal", CORRUPT)


def in_doubt(error: sqlite3.Error, name: str) -> InDoubtError:
    """The error to raise for `error` of a commit in the database `name`."""
    text = f"the database {name} failed at the commit: it is not known whether this was kept ({error})"
    return InDoubtError(text, "internal", kind_of(error))


def kind_of(error: Exception) -> str:
    """SQLite's primary error name: SQLITE_IOERR for SQLITE_IOERR_WRITE."""
    return "_".join((getattr(error, "sqlite_errorname", None) or "").split("_")[:2])
