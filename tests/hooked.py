"""An HTTP server in this process that takes whatever is posted to it."""

from __future__ import annotations

import hashlib
import hmac
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Received(list[Any]):
    """What a server received: of a request its headers and its body."""

    port = 0

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def signature(self, secret: str, place: int) -> str:
        """How a body has to be signed."""
        _, body = self[place]
        return f"sha256={hmac.digest(secret.encode(), body, hashlib.sha256).hex()}"


@contextmanager
def receiving() -> Iterator[Received]:
    """An HTTP server until the block ends."""
    received, one = Received(), threading.Lock()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with one:
                received.append((self.headers, body))
                received.paths.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server, serving(server, received):
        yield received


@contextmanager
def serving(server: socketserver.TCPServer, received: Received) -> Iterator[Received]:
    """Let a server serve until the block ends."""
    received.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
