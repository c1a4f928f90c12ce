"""Requests a second over HTTP, `serve` as users run it, against bare ASGI and the peer's core.

Each server runs in a process of its own, and the clients, which wait for each answer before they ask again,
in this one. The client is as bare as asyncio lets it be, and costs about as much as a bare server. The peer
is its core behind what its own server is made of (Express, Helmet, body-parser, its log), without the pages.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from picosched import Engine
from tests.bench.setup import COUNTER, Setup
from tests.bench.side_by_side import OURS, PEER, Row, side_by_side

CLIENTS = (1, 16, 64)
SECONDS = 0.7
LENGTH = re.compile(rb"[Cc]ontent-[Ll]ength: (\d+)")
EVENT, QUERY = "/c/{eci}/event-wait/counter/step", "/c/{eci}/query/counter/steps"
SERVE = "from picosched.cli.main import main; main()"


class Client(asyncio.Protocol):
    """Asks again as soon as it is answered, and counts."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._answer = b""
        self.answers = self.wrong = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(LENGTH.findall(head)[0]):
            return
        self.answers += 1
        self.wrong += not head.startswith(b"HTTP/1.1 200 ")
        self._answer = b""
        self.transport.write(self._request)


async def answers(port: int, path: str, clients: int, seconds: float) -> float:
    """Answers a second to that many clients."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Client(request), "127.0.0.1", port) for _ in range(clients)]
    await asyncio.sleep(seconds)
    for _, client in made:
        client.transport.abort()
        assert not client.wrong
    return sum(client.answers for _, client in made) / seconds


def measure(setup: Setup) -> list[Row]:
    seconds = max(0.2, SECONDS * setup.scale)
    with ExitStack() as servers:
        ours, eci = servers.enter_context(picosched_served())
        bare = servers.enter_context(bare_served())
        peer = None if setup.peer_modules is None else servers.enter_context(peer_served(setup.peer_modules))

        def row(what: str, path: str, plain: str, name: str, clients: int) -> Row:
            def asking(port: int, path: str) -> Callable[[], float]:
                return lambda: uvloop.run(answers(port, path, clients, seconds))

            return side_by_side(
                f"{what}, {clients} client{'s' if clients > 1 else ''}",
                "requests/s",
                {
                    OURS: asking(ours, path.format(eci=eci)),
                    name: asking(bare, plain),
                    PEER: None if peer is None else asking(peer[0], path.format(eci=peer[1])),
                },
                repeats=setup.few(3),
            )

        event = partial(row, "event-wait", EVENT, "/rows", "bare ASGI that commits the same rows")
        query = partial(row, "query", QUERY, "/nothing", "bare ASGI")
        return [ask(clients) for ask in (event, query) for clients in CLIENTS]


@contextmanager
def started(*command: str, **env: str) -> Iterator[str]:
    """The first line that a server prints; it is ended afterwards."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **env}, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline()
        finally:
            process.terminate()


@contextmanager
def picosched_served() -> Iterator[tuple[int, str]]:
    """The port of a server with the counter on its root pico, and an eci."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = str(Path(folder) / "picos.db")
        with Engine(file) as engine:
            engine.root.install(COUNTER)
            eci = engine.root.new_channel(["bench"]).eci
        with started(sys.executable, "-c", SERVE, "serve", "--db", file, "--open", "--port", "0") as line:
            yield int(re.findall(r":(\d+);", line)[0]), eci


@contextmanager
def bare_served() -> Iterator[int]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        started(sys.executable, "-m", "tests.bench.bare_asgi", f"{folder}/bare.db") as line,
    ):
        yield int(line)


@contextmanager
def peer_served(modules: Path) -> Iterator[tuple[int, str]]:
    script = str(Path(__file__).with_name("peer_http.js"))
    with (
        tempfile.TemporaryDirectory(prefix="bench-peer-") as folder,
        started("node", script, folder, NODE_PATH=str(modules)) as line,
    ):
        port, eci = line.split()
        yield int(port), eci
