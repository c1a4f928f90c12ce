"""How often one client may ask, and how long it may take to say what it wants.

`Rate` is the leaky bucket in one number for each address: the time by which all that it asked would be paid
for. `Protocol` is uvicorn's, which by itself waits for ever for headers that come a letter at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from picosched.web.errors import HttpError, body_of

HEAD_BYTES = 65_536
"""A request's line and headers, together."""

HEAD_SECONDS = 20.0
"""How long they may take to come."""

LINGER_SECONDS = 2.0
"""How long a client that was refused may go on sending what nobody reads."""

ADDRESSES = 10_000
"""Addresses remembered before those that are quiet are forgotten."""


class Rate:
    """At most `per_second` requests of one address, and as many at once. `now` counts seconds."""

    def __init__(self, per_second: float, now: Callable[[], float]) -> None:
        self._cost = 1 / per_second
        self._ahead = max(1.0, self._cost)
        """How far an address may be ahead of what it has paid for."""
        self._now = now
        self._paid: dict[str, float] = {}

    def check(self, address: str) -> None:
        """429 if this request is one too many."""
        now, address = self._now(), _network(address)
        paid = max(self._paid.get(address, now), now) + self._cost
        if paid - now > self._ahead + 1e-9:
            wait = ceil(paid - now - self._ahead)
            raise HttpError(
                429,
                f"found more than {1 / self._cost:g} requests a second, wanted a pause of {wait} s",
                [(b"retry-after", str(wait).encode())],
            )
        if len(self._paid) > ADDRESSES:
            self._paid = {each: time for each, time in self._paid.items() if time > now}
        self._paid[address] = paid


def _network(address: str) -> str:
    """An IPv6 client has a whole network of addresses: they count as one."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(IPv6Address(int(found) >> 64 << 64)) if found.version == 6 else address


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with bounds to a request's headers: their size, and the time they take."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes = False, 0
        self._head_came()
        super().on_headers_complete()

    def _received(self, piece: bytes) -> None:
        if self._refused:
            return
        super().data_received(piece)
        if self._in_head and not self._refused and not self.transport.is_closing():
            self._head_bytes += len(piece)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(431, f"found headers of more than {HEAD_BYTES:,} bytes, wanted fewer")
            else:
                self._await_head()

    data_received = _received  # type: ignore[assignment]  # as asyncio calls it

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self._in_head or self.transport.is_closing():
            return
        if self._head_bytes:
            self._refuse(408, f"the headers did not come within {HEAD_SECONDS:g} s")
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str) -> None:
        """Say no, and end the connection: where the next request begins nobody knows."""
        body = body_of(HttpError(status, message))
        head = (
            f"HTTP/1.1 {status} \r\ncontent-type: application/json; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._refused = True
        self.transport.write(head.encode() + body)
        self.transport.write_eof()
        # Closing at once would throw the answer away with what the client is still sending.
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
