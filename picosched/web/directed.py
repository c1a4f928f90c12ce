"""Directives that set headers of an answer.

`_cookie` sets a cookie of the ruleset's own, never one that this server uses; `_redirect` redirects the
client. An invalid directive is ignored, and the answer's errors give the reason.
"""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import quote

from picosched.errors import PicoschedError, shortened
from picosched.pico.turn import Turn
from picosched.web.access import COOKIE
from picosched.web.errors import Headers

log = logging.getLogger(__name__)

LONGEST = 8_192
"""Bytes of a cookie or a URL."""

MOST_COOKIES = 50

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A cookie's name by RFC 6265. A browser sends a nameless cookie as its bare value, which could look like
ours."""

OURS = re.compile(rf"(?:__[a-z-]+-)?{COOKIE}", re.IGNORECASE)
"""The names of the console's cookie, also with a prefix such as `__Host-`."""

URL = "%/:?#[]@!$&'()*+,;=~-._"
"""Characters allowed unescaped in a Location."""


def directed(turn: Turn) -> tuple[int, Headers, list[str]]:
    """The status and headers requested by directives, and the errors of ignored ones."""
    status, headers = 200, Headers()
    faults: list[str] = []
    for each in turn.directives:
        options: dict[str, Any] = each.options if isinstance(each.options, dict) else {}
        try:
            if each.name == "_cookie" and isinstance(cookie := options.get("cookie"), str):
                if len(headers) >= MOST_COOKIES:
                    raise PicoschedError(f"found more than {MOST_COOKIES} cookies, wanted fewer")
                headers.append((b"set-cookie", _checked(cookie)))
            elif each.name == "_redirect" and isinstance(url := options.get("url"), str) and status == 200:
                headers.append((b"location", _location(url)))
                status = 302
        except PicoschedError as error:
            faults.append(f"{each.rid}.{each.rule}: {each.name}: {error}")
    for fault in faults:
        log.warning("the event %s: %s", turn.eid, fault)
    return status, headers, faults


def _checked(cookie: str) -> bytes:
    """The text for Set-Cookie, if the cookie is allowed."""
    text = cookie.strip(" ")
    name, equals, _ = text.partition(";")[0].partition("=")
    name = name.strip(" ")
    shown = repr(shortened(cookie, 100))
    if not text.isprintable():
        raise PicoschedError(f"found the cookie {shown}, wanted it on one line, without control characters")
    if not equals or NAME.fullmatch(name) is None:
        raise PicoschedError(f"found the cookie {shown}, wanted name=value, with a name without spaces")
    if OURS.fullmatch(name):
        raise PicoschedError(f'found the cookie "{name}", which is the console\'s; wanted another name')
    return _bounded(text)


def _location(url: str) -> bytes:
    return _bounded(quote(_bounded(url), safe=URL))


def _bounded(text: str) -> bytes:
    """The text as UTF-8, if it is not too long for clients."""
    found = text.encode("utf-8", "replace")
    if len(found) > LONGEST:
        raise PicoschedError(f"found {len(found):,} bytes, wanted at most {LONGEST:,}", "too_large")
    return found
