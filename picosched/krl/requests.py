"""What a turn or query asks of the world outside, and the answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from picosched.errors import PicoschedError

TRACEPARENT = "traceparent"
"""The header with the place of a request in a trace, of W3C Trace Context."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request of a rule: a method, an absolute URL with its query, headers, a body."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    auth: tuple[str, str] | None = field(default=None, repr=False)
    """User name and password, for Basic authentication."""
    redirects: bool = True
    """Whether redirects are followed."""
    installs: bool = False
    """Whether it reads the text of a ruleset to install."""
    seconds: float | None = None
    """After how long it is given up, if that is sooner than for any other."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP answer; `status` 0 and the reason as text if the request failed."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """An event for another pico, and a query of it once the event's turn is durable."""

    pico_id: str
    eci: str
    domain: str
    type: str
    attrs: str
    """JSON."""
    rid: str
    name: str
    args: str
    """JSON."""
    once: str
    """The key by which the pico performs the event once, however often it is asked."""


@dataclass(frozen=True, slots=True)
class EventQueryAnswer:
    """The value of the query, or why there is none."""

    value: Any = None
    error: PicoschedError | None = None
    size: int = 0
    """Bytes of the value."""


Request = HttpRequest | EventQuery
"""What a turn may need answered before it can continue."""
Response = HttpResponse | EventQueryAnswer
