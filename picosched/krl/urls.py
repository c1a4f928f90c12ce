"""URLs that name a user."""

from __future__ import annotations

import re
from urllib.parse import unquote

USER = re.compile(r"((?:[a-z][a-z0-9+.-]*:)?//|)([^/?#]*)@", re.IGNORECASE)
"""The beginning of a URL that names a user; also of one without a scheme."""


def without_user(url: str) -> tuple[str, tuple[str, str] | None]:
    """A URL without the user name and password in it, and these, decoded; None if it has none."""
    found = USER.match(url)
    if found is None:
        return url, None
    name, _, password = found[2].partition(":")
    return found[1] + url[found.end() :], (unquote(name), unquote(password))
