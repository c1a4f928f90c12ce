"""The world outside, which rules ask by HTTP: it echoes a key, at times slowly or with a 500."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

SLOW_SECONDS = 0.3


class Outside:
    """A server on a thread of its own: `/echo?key=…`, and texts at the paths of `texts`."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = dict(texts)
        self.asked: Counter[str] = Counter()
        """How often it answered with what."""
        outside = self
        ends = threading.Event()

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                text = outside.texts.get(parts.path)
                if text is not None:
                    self._answer(200, text)
                    return
                key = parse_qs(parts.query).get("key", [""])[0]
                drawn = crc32(key.encode()) % 40  # the same for one key each time it asks
                if drawn == 0:
                    self._answer(500, "no")
                    return
                if drawn < 4:
                    ends.wait(SLOW_SECONDS)
                self._answer(200, key)

            def _answer(self, status: int, text: str) -> None:
                outside.asked[str(status)] += 1
                body = text.encode()
                self.send_response(status)
                self.send_header("content-type", "text/plain; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                outside.asked["gone"] += 1  # who asked was killed meanwhile

        self._ends = ends
        self._server = Server(("127.0.0.1", 0), Answering)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._ends.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
