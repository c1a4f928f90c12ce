"""Writes a whole answer to uvicorn's connection at once.

ASGI sends the head and the body of an answer as two messages, which uvicorn checks and writes one after the
other: that takes longer than many a query. An answer of ours that is ready as a whole is one write.
"""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import (
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

from picosched.web.errors import Headers
from picosched.web.request import Send


def written_whole(status: int, headers: Headers, body: bytes, send: Send) -> bool:
    """Write an answer if `send` is that of a connection ready for it; False if nothing was written."""
    cycle = getattr(send, "__self__", None)
    if (
        type(cycle) is not RequestResponseCycle
        or cycle.response_started
        or cycle.disconnected
        or cycle.flow.write_paused
        or cycle.scope["method"] == "HEAD"
    ):
        return False
    parts, closes = [STATUS_LINE[status]], not cycle.keep_alive
    for name, value in (*cycle.default_headers, *headers):
        if HEADER_VALUE_RE.search(value):
            return False  # uvicorn refuses it
        if name == b"connection":
            closes = closes or value == b"close"
        else:
            parts += (name, b": ", value, b"\r\n")
    if closes:
        cycle.keep_alive = False
        parts.append(b"connection: close\r\n")
    parts += (b"content-length: %d\r\n\r\n" % len(body), body)
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"".join(parts))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True
