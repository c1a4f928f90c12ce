"""Writes a whole answer to uvicorn's connection at once.

ASGI sends the head and the body of an answer as two messages, which uvicorn checks and writes one after the
other: that takes longer than many a query. An answer of ours that is ready as a whole is one write.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from picosched.web.errors import Headers
from picosched.web.request import Send

try:
    from uvicorn.protocols.http.httptools_impl import HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle
except ImportError:  # another version of uvicorn: its answers go by ASGI
    RequestResponseCycle: Any = None  # type: ignore[no-redef]


FEW = 4
"""Headers of an answer that others may have too; cookies and redirects are a client's own."""


class Head(NamedTuple):
    """The status line and headers of an answer, without those of its connection and length."""

    text: bytes
    closes: bool
    """Whether it ends the connection."""


@lru_cache(maxsize=64)
def _head(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> Head | None:
    """Remembered, because nearly all answers of a second have the same; None if uvicorn would refuse it."""
    if any(HEADER_VALUE_RE.search(value) for _, value in headers):
        return None
    lines = (b"%b: %b\r\n" % each for each in headers if each[0] != b"connection")
    return Head(STATUS_LINE[status] + b"".join(lines), (b"connection", b"close") in headers)


def written_whole(status: int, headers: Headers, body: bytes, send: Send) -> bool:
    """Write an answer if `send` is that of a connection ready for it; False if nothing was written."""
    cycle = getattr(send, "__self__", None)
    if (
        cycle is None
        or type(cycle) is not RequestResponseCycle
        or cycle.response_started
        or cycle.disconnected
        or cycle.flow.write_paused
        or cycle.scope["method"] == "HEAD"
    ):
        return False
    told = (*cycle.default_headers, *headers)
    head = _head(status, told) if len(told) <= FEW else _head.__wrapped__(status, told)
    if head is None:
        return False
    if head.closes or not cycle.keep_alive:
        cycle.keep_alive = False
        closing = b"connection: close\r\n"
    else:
        closing = b""
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (head.text, closing, len(body), body))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True
