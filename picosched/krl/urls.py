"""URLs: where they lead, and what of them gives access: a user, an eci, a query."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from picosched.errors import PicoschedError

PORTS = {"http": 80, "https": 443}
NAME = re.compile(r"[a-z0-9_.:-]+")
"""A host: its name or address."""

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


def origin(url: str) -> tuple[str, str, int]:
    """The scheme, host and port of a URL; PicoschedError `refused` if they are missing or not allowed."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode().lower()
        port = parts.port
    except ValueError as cause:
        raise PicoschedError("its URL is invalid", "refused") from cause
    if parts.scheme not in PORTS:
        found = f'the scheme "{parts.scheme[:20]}"' if parts.scheme else "no scheme"
        raise PicoschedError(f"found {found}, wanted http:// or https://", "refused")
    if "@" in parts.netloc:
        raise PicoschedError("found a user name in the URL, wanted it in auth", "refused")
    if not NAME.fullmatch(host):
        raise PicoschedError("found no host in the URL", "refused")
    return parts.scheme, host, PORTS[parts.scheme] if port is None else port


def shown_host(url: str) -> str:
    """A URL by its scheme and host, as `https://host/…`: of a hook of a chat, the path gives access."""
    shown = shown_url(url)
    host = HOST.match(shown)
    return f"{host[0]}/…" if host and host.end() < len(shown.rstrip("/")) else shown


def shown_url(url: str) -> str:
    """A URL without what gives access: its user and password, its query, and all but the start of an eci."""
    path, sign, _ = without_user(url)[0].partition("?")
    return ECI.sub(r"\1\2…", path) + (f"{sign}…" if sign else "")
