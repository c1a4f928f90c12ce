"""What the server allows: ASGI applications on uvicorn with nothing around them. `python bare_asgi.py FILE`.

`/nothing` answers at once. `/rows` writes the two rows of a counted step first: requests that are ready
together share a commit. Prints its port.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from typing import Any

import uvicorn

from picosched.store.sqlite import schema
from picosched.store.sqlite.statements import STATEMENTS
from tests.bench.bare import ID, TURN

HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"2")]


class Bare:
    """The application."""

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        schema.migrate(self._connection)
        self._waiting: list[asyncio.Future[None]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/rows":
            await self._written()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b"{}"})

    def _written(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting.append(loop.create_future())
        return self._waiting[-1]

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(STATEMENTS["set_entity"], [(ID, "counter", "count", "1")] * len(waiting))
        self._connection.executemany(STATEMENTS["add_entry"], [TURN] * len(waiting))
        self._connection.execute("COMMIT")
        for future in waiting:
            future.set_result(None)


class Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"{self.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    Server(
        uvicorn.Config(
            Bare(sys.argv[1]), port=0, loop="uvloop", http="httptools", lifespan="off", log_config=None
        )
    ).run()
