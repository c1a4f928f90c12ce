"""Keeps whole ecis from callers who are no authors: an eci is a key to its channel, whatever token one has.

Rules put ecis anywhere: into variables, attributes, directives, answers of queries. So what goes out is
looked through, whatever route it comes from: of a word that is the eci of a channel the beginning is left.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

from picosched.acting import Role
from picosched.engine.engine import Engine
from picosched.hashed import SHORT
from picosched.store.picos import Picos
from picosched.web.caller import caller
from picosched.web.request import Message, Receive, Scope, Send

WORD = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Za-z]{16,64}(?![0-9A-Za-z])")
"""Our ecis have 32 digits, those of the Node engine 25 letters and digits."""

LOOKED_THROUGH = (b"application/json", b"text/", b"image/svg+xml")
STREAM = b"text/event-stream"

AT_ONCE = 200
"""Words looked up while nobody writes."""


class WithoutEcis:
    """An app whose answers have only the beginnings of ecis, unless an author asks."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], engine: Engine) -> None:
        self._app = app
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and caller().actor.role is not Role.AUTHOR:
            send = _Cut(self._engine, send).send
        await self._app(scope, receive, send)


class _Cut:
    """One answer: a stream is cut piece by piece, all else when it is whole, as its length changes."""

    def __init__(self, engine: Engine, send: Send) -> None:
        self._engine, self._send = engine, send
        self._start: Message | None = None
        """The head of an answer that is not whole yet."""
        self._body = bytearray()
        self._stream = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            kind = headers.get(b"content-type", b"")
            self._stream = kind.startswith(STREAM)
            looked_through = kind.startswith(LOOKED_THROUGH) and b"content-encoding" not in headers
            if looked_through and not self._stream:
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._stream:
            message = {**message, "body": await self._cut(message.get("body", b""))}
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            start, self._start = self._start, None
            body = await self._cut(bytes(self._body))
            length = (b"content-length", str(len(body)).encode())
            kept = [each for each in start["headers"] if each[0].lower() != b"content-length"]
            await self._send({**start, "headers": [*kept, length]})
            message = {"type": "http.response.body", "body": body}
        await self._send(message)

    async def _cut(self, body: bytes) -> bytes:
        words = sorted({*WORD.findall(body)})
        found = await asyncio.to_thread(_ecis, self._engine, words) if words else frozenset[bytes]()
        if not found:
            return body
        return WORD.sub(lambda word: word[0][:SHORT] + "…".encode() if word[0] in found else word[0], body)


def _ecis(engine: Engine, words: Sequence[bytes]) -> frozenset[bytes]:
    """Those of these words that are ecis."""
    picos = engine.store.picos
    parts = (words[at : at + AT_ONCE] for at in range(0, len(words), AT_ONCE))
    return frozenset(each for part in parts for each in engine.read(_known, picos, part))


def _known(picos: Picos, words: Sequence[bytes]) -> list[bytes]:
    return [each for each in words if picos.find_channel(each.decode()) is not None]
