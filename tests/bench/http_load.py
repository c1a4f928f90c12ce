"""Requests a second of a real server: `python -m tests.bench.http_load`.

`picosched serve` runs in a process of its own at durability full, and clients that wait for each answer
before they ask again ask it over sockets from this one. The client is as bare as asyncio lets it be, and
still costs about as much as the server: on two cores the figures are the server's.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.bench.setup import COUNTER

SECONDS = 4.0
CLIENTS = (1, 16, 64)
LENGTH = re.compile(rb"content-length: (\d+)")
PATHS = {"event-wait": "/c/{eci}/event-wait/counter/step", "query": "/c/{eci}/query/counter/steps"}


class Client(asyncio.Protocol):
    """Asks again as soon as it is answered, and remembers how long each answer took."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._sent = 0.0
        self._answer = b""
        self.times: list[float] = []
        self.wrong = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        self._sent = time.perf_counter()
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(LENGTH.findall(head)[0]):
            return
        self.times.append(time.perf_counter() - self._sent)
        self.wrong += not head.startswith(b"HTTP/1.1 200 ")
        self._answer = b""
        self._ask()


async def load(url: str, path: str, clients: int, seconds: float) -> list[float]:
    """The seconds that each answer took, sorted."""
    host, port = url.removeprefix("http://").split(":")
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Client(request), host, int(port)) for _ in range(clients)]
    await asyncio.sleep(seconds)
    for _, client in made:
        client.transport.abort()
        assert not client.wrong
    return sorted(each for _, client in made for each in client.times)


@contextmanager
def served(*options: str) -> Iterator[str]:
    """The URL of a server with the counter on its root pico."""
    command = [sys.executable, "-c", "from picosched.cli.main import main; main()"]
    words = ["serve", str(COUNTER), "--open", "--port", "0", *options]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        subprocess.Popen(
            [*command, *words, "--db", str(Path(folder) / "picos.db")],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            yield process.stdout.readline().partition(" at ")[2].partition(";")[0]
        finally:
            process.terminate()


def main() -> None:
    import uvloop

    sys.stdout.write("| work | clients | requests/s | p50 ms | p99 ms |\n|---|---|---|---|---|\n")
    with served("--no-access-log") as url:
        eci = json.load(urlopen(f"{url}/api/ui-context"))["eci"]
        for work, path in PATHS.items():
            for clients in CLIENTS:
                times = uvloop.run(load(url, path.format(eci=eci), clients, SECONDS))
                middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
                rate = len(times) / SECONDS
                sys.stdout.write(
                    f"| {work} | {clients} | {rate:,.0f} | {middle * 1000:.2f} | {late * 1000:.1f} |\n"
                )


if __name__ == "__main__":
    main()
