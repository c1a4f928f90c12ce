"""The other web pages that may use this server: those of the origins in `--allow-origin`.

Everybody's pages may use channels, because an eci is a key. `/api/ui-context` hands out such a key, so it is
only for our own pages and for these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from picosched.errors import PicoschedError
from picosched.web.errors import Headers

ORIGIN = re.compile(r"https?://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")

NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z, -]{1,1000}")
"""Names of headers, as a preflight asks for them."""

METHODS = b"POST, GET, OPTIONS"


class Origins:
    """Origins of pages; PicoschedError `invalid` if one is not valid."""

    def __init__(self, urls: Iterable[str] = ()) -> None:
        self._origins = frozenset(map(_origin, urls))

    def allow(self, headers: Mapping[str, str]) -> bool:
        """Whether a request comes from a page of one of them."""
        return headers.get("origin", "").lower() in self._origins

    def answer(self, headers: Mapping[str, str]) -> Headers:
        """The headers of an answer that lets such a page read it."""
        origin = headers["origin"].encode("latin-1")
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]

    def preflight(self, headers: Mapping[str, str]) -> Headers:
        """The headers that let such a page send the request it asks about."""
        found = [*self.answer(headers), (b"access-control-allow-methods", METHODS), (b"allow", METHODS)]
        names = headers.get("access-control-request-headers", "")
        if NAMES.fullmatch(names):
            found.append((b"access-control-allow-headers", names.encode("latin-1")))
        if headers.get("access-control-request-private-network") == "true":  # a public page, a local server
            found.append((b"access-control-allow-private-network", b"true"))
        return found


def _origin(url: str) -> str:
    origin = url.lower().removesuffix("/")
    if ORIGIN.fullmatch(origin) is None:
        raise PicoschedError(
            f'found the origin "{url[:100]}", wanted a scheme, a host and perhaps a port: http://localhost:3000'
        )
    for scheme, port in (("http:", ":80"), ("https:", ":443")):  # browsers leave these out
        if origin.startswith(scheme):
            origin = origin.removesuffix(port)
    return origin
