"""What takes as long as a test wants: a host that holds its answers, and a program that waits for a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Host(ThreadingHTTPServer):
    """Holds each answer until it may go."""

    def __init__(self) -> None:
        self.asked, self.may = threading.Semaphore(0), threading.Semaphore(0)
        super().__init__(("127.0.0.1", 0), Holding)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Holding(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Host)
        self.server.asked.release()
        self.server.may.acquire(timeout=20)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Host]:
    with Host() as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield host
        host.may.release(100)
        host.shutdown()


WAIT = "while [ ! -e {} ]; do sleep 0.02; done"


def waiting_for(path: Path) -> list[str]:
    """The arguments of a shell that waits until a file is there."""
    return ["-c", WAIT.format(path)]
