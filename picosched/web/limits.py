"""Limits on request rates, on bytes held for all requests, and on the duration of each.

`Rate` is a leaky bucket, stored as one number per address: the time at which its requests are paid off.
`Held` counts bytes in memory. `Protocol` extends uvicorn's, which would wait for ever for slow headers and
for clients that do not read.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from picosched.web.errors import BusyError, HttpError, body_of

HEAD_BYTES = 65_536
"""Request line and headers together."""

HEAD_SECONDS = 20.0
"""How long they may take to arrive."""

LINGER_SECONDS = 2.0
"""How long a client may go on sending a body after it was answered."""

READ_SECONDS = 30.0
"""How long a client may read nothing of its answer."""

MOST_CONNECTIONS = 4_000
SPARE_FILES = 128
"""Files reserved for other uses: the database, outside requests, copies."""

ADDRESSES = 10_000
"""Addresses remembered, the most recently counted ones."""


class Rate:
    """At most `per_second` requests from one address, with bursts of `burst`, by default the same number.

    `now` counts seconds.
    """

    def __init__(self, per_second: float, now: Callable[[], float], burst: float | None = None) -> None:
        self._per_second = per_second
        self._cost = 1 / per_second
        self._ahead = self._cost * (burst or max(per_second, 1.0))
        """How far an address may be ahead of its paid-off time."""
        self._now = now
        self._paid: OrderedDict[str, float] = OrderedDict()

    def check(self, address: str) -> None:
        """Count a request; 429 if it exceeds the rate."""
        wait = self.count(address)
        if wait:
            raise too_often(f"more than {self._per_second:g} requests a second", wait)

    def __len__(self) -> int:
        """The number of addresses remembered."""
        return len(self._paid)

    def wait(self, address: str) -> float:
        """Seconds until another request from this address is allowed."""
        return self._over(_network(address), self._now())

    def count(self, address: str) -> float:
        """Count a request and return 0, or, if it exceeds the rate, return the seconds to wait without
        counting it."""
        now, address = self._now(), _network(address)
        over = self._over(address, now)
        if not over:
            self._paid[address] = max(self._paid.get(address, now), now) + self._cost
            self._paid.move_to_end(address)
            if len(self._paid) > ADDRESSES:
                self._paid.popitem(last=False)
        return over

    def _over(self, address: str, now: float) -> float:
        over = max(self._paid.get(address, now) - now, 0.0) + self._cost - self._ahead
        return over if over > 1e-9 else 0.0


def too_often(found: str, wait: float) -> HttpError:
    """429 with what was found and the seconds to wait, rounded up."""
    pause = ceil(wait)
    return HttpError(429, f"{found}; retry after {pause} s", [(b"retry-after", str(pause).encode())])


class Held:
    """Bytes held by all requests together, at most `most`. Not thread-safe."""

    def __init__(self, most: int, what: str) -> None:
        self.most = most
        self.what = what
        self.size = 0

    def hold(self) -> HeldBack:
        """One request's share: `with held.hold() as hold:`."""
        return HeldBack(self)


class HeldBack:
    """The bytes of one request, released after the block."""

    __slots__ = ("_held", "_size")

    def __init__(self, held: Held) -> None:
        self._held = held
        self._size = 0

    def __enter__(self) -> HeldBack:
        return self

    def __exit__(self, *error: object) -> None:
        self._held.size -= self._size

    def take(self, size: int) -> None:
        """Hold more bytes; BusyError if the total would exceed the limit, unless this is the only request."""
        held = self._held
        if held.size + size > held.most and held.size > self._size:
            raise BusyError(f"{held.what} of {held.most:,} bytes are under way already")
        held.size += size
        self._size += size


def _network(address: str) -> str:
    """The address, or the /64 network of an IPv6 client, whose addresses count as one."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(IPv6Address(int(found) >> 64 << 64)) if found.version == 6 else address


def most_connections() -> int:
    """Concurrent connections: the process's limit on open files minus a reserve."""
    if sys.platform == "win32":
        return MOST_CONNECTIONS
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MOST_CONNECTIONS, max(files - SPARE_FILES, files // 2))


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with limits on the number and duration of connections.

    Headers are limited in size and time. After an answer, the rest of a body is awaited only briefly. A
    client that does not read its answer is disconnected.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._rest_timer: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            self._refuse(503, "found too many connections, wanted fewer", linger=0)
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        for timer in (self._write_timer, self._rest_timer):
            if timer is not None:
                timer.cancel()
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

    def on_response_complete(self) -> None:
        super().on_response_complete()
        cycle = self.cycle
        if cycle.more_body or not cycle.keep_alive:
            self._await_end(cycle)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

    def _quiet_too_long(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    timeout_keep_alive_handler = _quiet_too_long  # as uvicorn calls it

    def _await_end(self, cycle: Any) -> None:
        """Limit the wait for a client to read its last answer or to finish its body."""
        if self.transport.is_closing():
            if self.transport.get_write_buffer_size():
                self._await_reader()
        elif cycle.response_complete:
            self._rest_timer = self.loop.call_later(LINGER_SECONDS, self._end_rest, cycle)

    def _end_rest(self, cycle: Any) -> None:
        if self.cycle is cycle:  # no other request came after it
            self.transport.close()

    def _await_reader(self) -> None:
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(READ_SECONDS, self.transport.abort)

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

    def _refuse(self, status: int, message: str, linger: float = LINGER_SECONDS) -> None:
        """Answer with an error and close, because the start of the next request is unknown."""
        body = body_of(HttpError(status, message))
        head = (
            f"HTTP/1.1 {status} \r\ncontent-type: application/json; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._refused = True
        self.transport.write(head.encode() + body)
        self.transport.write_eof()
        # Closing at once would discard the answer while the client is still sending.
        self.loop.call_later(linger, self.transport.close)
