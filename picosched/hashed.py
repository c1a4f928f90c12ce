"""Ids that follow from a text: the same whenever the work is done again, and for no other text."""

from __future__ import annotations

from hashlib import blake2b

SHORT = 8
"""Characters that are shown of an id, a hash, and an eci. Commands accept any unambiguous prefix of an id."""


def id_of(text: str) -> str:
    """The id of what the text names, 32 hexadecimal digits."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
