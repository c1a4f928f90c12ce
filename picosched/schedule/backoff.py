"""How long to wait before something that failed is tried again."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b

from picosched.clock import MILLISECOND

MOST_DOUBLED = 20


def backoff(id: str, tries: int, first: timedelta, longest: timedelta) -> timedelta:
    """The wait after so many tries: `first`, doubled with each up to `longest`, of which a half to the whole.

    The id decides how much of it, so that things that fail together are not tried together.
    """
    most = min(first * 2 ** min(tries, MOST_DOUBLED), longest)
    drawn = int.from_bytes(blake2b(f"{id} {tries}".encode(), digest_size=4).digest()) / 2**32
    return timedelta(milliseconds=most / MILLISECOND * (0.5 + drawn / 2))
