"""A pooler before PostgreSQL, as far as opening goes: each transaction gets any session of the server."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path
from typing import Any

START_UP = 196_608
READY, KEY, PARAMETER = b"Z", b"K", b"S"


class Pooler:
    """Listens on a free port. It keeps so many sessions, and takes the first or the last one that is free.

    With `version` the server seems to be of another version.
    """

    def __init__(
        self, server: Path, *, version: str | None = None, sessions: int = 1, first: bool = False
    ) -> None:
        self._server = str(server / ".s.PGSQL.5432")
        self._version = version
        self._sessions, self._first = sessions, first
        self._free: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def address(self, database: str) -> str:
        return f"postgresql://picos@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        self._listening.close()
        for each in self._free:
            each.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def _attend(self, client: socket.socket) -> None:
        with client:
            held: socket.socket | None = socket.socket(socket.AF_UNIX)
            held.connect(self._server)
            while True:
                (size,) = struct.unpack("!I", _exactly(client, 4))
                told = _exactly(client, size - 4)
                if struct.unpack("!I", told[:4])[0] == START_UP:
                    break
                client.sendall(b"N")  # neither encrypted nor by GSSAPI
            held.sendall(struct.pack("!I", size) + told)
            while True:
                idle = self._relay(held, client)
                if idle:
                    if len(self._free) < self._sessions:
                        self._free.append(held)
                    held = None
                asked = client.recv(65_536)
                if not asked or asked[:1] == b"X":
                    return
                held = held or self._free.pop(0 if self._first else -1)
                held.sendall(asked)

    def _relay(self, server: socket.socket, client: socket.socket) -> bool:
        """Give the client what the server answers; whether its transaction is over."""
        while True:
            kind = _exactly(server, 1)
            (size,) = struct.unpack("!I", _exactly(server, 4))
            told = _exactly(server, size - 4)
            if kind == KEY:
                told = struct.pack("!I", 7) + told[4:]
            if kind == PARAMETER and self._version and told.startswith(b"server_version\0"):
                told = f"server_version\0{self._version}\0".encode()
            client.sendall(kind + struct.pack("!I", len(told) + 4) + told)
            if kind == READY:
                return told == b"I"


def _exactly(connection: Any, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found
