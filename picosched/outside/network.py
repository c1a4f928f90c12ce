"""The sockets of one HTTP call: only to checked addresses, all within one deadline.

A host is resolved once, each of its addresses is checked, and the connection goes to one of those very
addresses; asking the resolver a second time could give another one. Every wait is cut to what is left of
the call's time, so a host that sends a byte now and then gains nothing. Only the resolver keeps a time of
its own.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import httpcore

from picosched.clock import SystemClock
from picosched.errors import PicoschedError
from picosched.outside.addresses import Addresses


class Remaining:
    """The remaining part of a time span that begins now."""

    def __init__(self, seconds: float) -> None:
        self._clock = SystemClock()
        self._end = self._clock.now() + timedelta(seconds=seconds)

    def seconds(self) -> float:
        """More than 0; TimeoutError once nothing is left."""
        left = (self._end - self._clock.now()).total_seconds()
        if left <= 0:
            raise TimeoutError
        return left


class Network(httpcore.NetworkBackend):
    """Opens connections to allowed addresses."""

    def __init__(self, addresses: Addresses, remaining: Remaining) -> None:
        self._addresses = addresses
        self._remaining = remaining

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, place in found:
            refusal = self._addresses.refusal(host, port, str(place[0]))
            if refusal is not None:
                raise PicoschedError(refusal, "refused")
        for left, (family, *_, place) in zip(range(len(found), 0, -1), found, strict=True):
            try:
                return Stream(self._connected(family, place, left), self._remaining)
            except OSError:
                if left == 1:
                    raise
        raise OSError("it has no address")

    def _connected(self, family: int, place: Any, left: int) -> socket.socket:
        """Connect to one of the addresses, leaving time for the `left` remaining ones."""
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self._remaining.seconds() / left)
            connection.connect(place)
        except BaseException:
            connection.close()
            raise
        return connection


class Stream(httpcore.NetworkStream):
    """A connection whose waits all end at the call's deadline. Raises OSErrors."""

    def __init__(self, connection: socket.socket, remaining: Remaining) -> None:
        self._socket = connection
        self._remaining = remaining

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(self._remaining.seconds())
        return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._socket.settimeout(self._remaining.seconds())
        try:
            self._socket.sendall(buffer)
        except OSError as cause:
            # A host may answer before it has read all: this fault makes httpcore look for the answer.
            raise httpcore.WriteError(str(cause)) from cause

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(self._remaining.seconds())
            self._socket = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except BaseException:
            self.close()  # it is not shared yet
            raise
        return self
