"""Translates PostgreSQL's errors for callers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import psycopg
from psycopg import sql

from picosched.errors import Code, PicoschedError
from picosched.store.faults import AwayError, InDoubtError, StoreError

FAULTS: dict[str, tuple[str, Code]] = {
    "40": ("undid this because of another transaction; nothing of it was kept", "conflict"),
    "55P03": ("has tables that another program has locked", "conflict"),
    "23": ("refused a row that contradicts another", "conflict"),
    "25006": ("may only be read", "refused"),
    "42501": ("refuses this to its user", "refused"),
    "28": ("refuses its user", "refused"),
    "3D": ("does not exist", "not_found"),
    "3F": ("has no schema in which tables could be", "refused"),
    "53100": ("cannot grow: the disk of the server is full; nothing of this was kept", "internal"),
    "53300": ("accepts no more connections", "conflict"),
    "53": ("has no resources left; nothing of this was kept", "internal"),
    "54": ("cannot take a value this large", "too_large"),
    "58": ("cannot be read or written; nothing of this was kept", "internal"),
    "57P01": ("ended the session", "internal"),
    "57P03": ("is starting or stopping", "internal"),
}
"""SQLSTATE, or its class → message and code."""

VALUES = {
    "22003": "a whole number of more than 64 bits",
    "22P05": "a NUL character in a text",
    "22021": "a NUL character or half a character in a text",
    "22P02": "half a character in a text",
}
"""SQLSTATE of a value that no column takes → what was found."""

FAILING = (psycopg.Error, UnicodeEncodeError)
"""The errors a statement raises if the database fails or a value is unsupported."""


def fault(error: Exception, name: str) -> PicoschedError:
    """The error to raise for `error` of the database `name`: a StoreError, unless a value is at fault."""
    state = getattr(error, "sqlstate", None) or ""
    found = VALUES.get(state)
    if isinstance(error, UnicodeEncodeError):
        found = VALUES["22P02"]
    elif isinstance(error, orjson.JSONEncodeError):
        found = VALUES["22P02" if "surrogates" in str(error) else "22003"]
    elif isinstance(error, psycopg.DataError) and not state:
        found = VALUES["22P05"]  # psycopg looks for it before it sends anything
    if found is not None:
        return PicoschedError(f"found {found}, which PostgreSQL does not support")
    meaning, code = FAULTS.get(state) or FAULTS.get(state[:2]) or ("failed", "internal")
    return StoreError(f"the database {name} {meaning} ({first_line(error)})", code, state)


def unreachable(error: Exception, name: str, given: Mapping[str, Any]) -> StoreError:
    """The error to raise if no session could be opened with the parameters `given`."""
    text = " ".join(str(error).split()).removeprefix("connection failed: ")
    cure = ""
    if "CONNECT privilege" in text:
        database, user = (quoted(str(given.get(each, "…"))) for each in ("dbname", "user"))
        cure = f": GRANT CONNECT ON DATABASE {database} TO {user}"
    for words, meaning, code in REFUSED:
        if words in text:
            return StoreError(f"the database {name} {meaning} ({text}){cure}", code)
    return AwayError(f"the database {name} cannot be reached ({text})")


REFUSED: tuple[tuple[str, str, Code], ...] = (
    ("password authentication", "refuses its user", "refused"),
    ("no password supplied", "refuses its user", "refused"),
    ("pg_hba.conf", "refuses its user", "refused"),
    ("permission denied", "refuses its user", "refused"),
    ('role "', "refuses its user", "refused"),
    ('database "', "does not exist", "not_found"),
)
"""Words in the message of a failed connection, which has no SQLSTATE."""


def in_doubt(error: Exception, name: str) -> InDoubtError:
    """The error to raise if the session was lost at the commit."""
    text = f"the database {name} was lost at the commit: it is not known whether this was kept"
    return InDoubtError(f"{text} ({first_line(error)})", "internal", getattr(error, "sqlstate", None) or "")


def quoted(name: str) -> str:
    """A name as SQL takes it."""
    return sql.Identifier(name).as_string()


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
