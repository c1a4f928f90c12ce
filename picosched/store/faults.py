"""Errors of the database itself, as opposed to errors of a request.

Every one of them is a `PicoschedError` that names the database. Its transaction is rolled back as a whole, so
the message can say that nothing of it was kept; except if the commit itself fails, when that is unknown.
"""

from __future__ import annotations

from picosched.errors import Code, PicoschedError


class StoreError(PicoschedError):
    """The database failed, not the request; nothing of the transaction is kept.

    `kind` is the database's own name of the error, such as SQLite's "SQLITE_IOERR".
    """

    def __init__(self, message: str, code: Code = "internal", kind: str = "") -> None:
        super().__init__(message, code)
        self.kind = kind


class AwayError(StoreError):
    """The server that keeps the database cannot be reached, or ended our session; a later try may succeed."""


class EmptyError(StoreError):
    """There is a database, and nothing in it yet; it was to be read only."""


class ReopenedError(StoreError):
    """The database was opened anew before a transaction began: nothing read before is valid. Try again."""


class InDoubtError(StoreError):
    """The commit failed: all of the transaction is kept, or nothing; it is unknown which."""
