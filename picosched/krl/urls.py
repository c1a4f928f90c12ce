"""URLs with something secret in them: a user, an eci, a query."""

from __future__ import annotations

import re
from urllib.parse import unquote

USER = re.compile(r"((?:[a-z][a-z0-9+.-]*:)?//|)([^/?#]*)@", re.IGNORECASE)
"""The beginning of a URL that names a user; also of one without a scheme."""

HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\\]*", re.IGNORECASE)
"""The beginning of a URL, up to its path."""

ECI = re.compile(r"(/c/|/sky/event/)([^/]{8})[^/]+")


def without_user(url: str) -> tuple[str, tuple[str, str] | None]:
    """A URL without the user name and password in it, and these, decoded; None if it has none."""
    found = USER.match(url)
    if found is None:
        return url, None
    name, _, password = found[2].partition(":")
    return found[1] + url[found.end() :], (unquote(name), unquote(password))


def shown_host(url: str) -> str:
    """A URL by its scheme and host, as `https://host/…`: of a hook of a chat, the path gives access."""
    shown = shown_url(url)
    host = HOST.match(shown)
    return f"{host[0]}/…" if host and host.end() < len(shown.rstrip("/")) else shown


def shown_url(url: str) -> str:
    """A URL without what gives access: its user and password, its query, and all but the start of an eci."""
    path, sign, _ = without_user(url)[0].partition("?")
    return ECI.sub(r"\1\2…", path) + (f"{sign}…" if sign else "")
