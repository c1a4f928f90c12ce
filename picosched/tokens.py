"""Named tokens: who has one, which role it gives, and until when.

A token is long and random, so a plain hash of it is kept, and never the token. It is told once, when it is
made. One that is revoked is gone; one that has expired is listed until it is as old as history.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from picosched.acting import Role
from picosched.errors import PicoschedError
from picosched.schedule.record import NAME, TIME, Field, Table, word

MOST = 200
"""Tokens of one database."""

BEGINNING = 16
"""Characters of a hash by which a token is found; the whole hash is then compared in constant time."""

NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """A named token, as it is kept."""

    name: str
    role: Role
    hash: str
    made: datetime
    made_by: str
    """Who made it, as `str(Actor)` says."""
    expires: datetime | None = None

    def state(self, now: datetime) -> str:
        """`valid` or `expired`."""
        return "valid" if self.expires is None or now < self.expires else "expired"

    def as_json(self, now: datetime) -> dict[str, Any]:
        """All but its hash."""
        return {**_to_map(self), "state": self.state(now)}


@dataclass(frozen=True, slots=True)
class ToldToken(Token):
    """A token of a server, which knows its state by its own clock."""

    told: str = "valid"

    def state(self, now: datetime) -> str:
        return self.told


TOKEN = Table(
    "token",
    Token,
    Field("name", NAME),
    Field("role", word(Role)),
    Field("hash", NAME, json=None),
    Field("made", TIME),
    Field("made_by", NAME),
    Field("expires", TIME.maybe),
)
_to_map = TOKEN.to_map()


def read_token(told: Mapping[str, Any]) -> Token:
    """A token of a server, as `as_json` gives it: its hash is empty."""
    from picosched.fields import Fields  # late: only for what a server answers

    fields = Fields(told, "the token")
    name, role, by = fields.text("name"), fields.word("role", Role), fields.text("made_by")
    return ToldToken(
        name, role, "", fields.time("made"), by, fields.maybe_time("expires"), fields.text("state")
    )


def checked_name(name: str, of: str = "a token") -> str:
    """The name, if a token may have it, or whatever it is `of`."""
    if not isinstance(name, str):
        raise PicoschedError(f"found {type(name).__name__} as the name of {of}, wanted a text")
    if NAMES.fullmatch(name) is None:
        wanted = "wanted 1 to 64 letters, digits and . _ @ -, the first a letter or digit"
        raise PicoschedError(f'found the name "{name[:100]}" of {of}, {wanted}')
    return name


def role_of(word: str) -> Role:
    """The role of that name; `invalid` for another."""
    if word not in [*Role]:
        raise PicoschedError(f'found the role "{word!s:.100}", wanted {", ".join(Role)}')
    return Role(word)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
