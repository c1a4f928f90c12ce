"""Answers of the console, compressed as the browser takes them: with Brotli or gzip.

Scripts and styles never change while a server runs, so each is compressed once, in a thread, and kept. Pages
are compressed as they come, quickly. An answer that is small, or no text, goes as it is.
"""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import brotli
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC = ("/_nicegui/", "/look/")
"""The beginnings of paths whose answers never change."""
TEXTS = ("text/", "application/javascript", "application/json", "image/svg")
LEAST = 600
"""Bytes of an answer that is worth it."""
MOST_KEPT = 200
"""Compressed answers that are kept: twice the files of the console."""
THOROUGH, QUICK = 10, 4
"""Qualities of Brotli, whose best, 11, takes more than twice as long for 2% less. The best of gzip is 9."""


class Compressed:
    """An ASGI app whose answers are compressed. For one event loop."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[tuple[str, str], bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        coding = _coding_of(scope)
        if coding is None:
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        parts: list[bytes] = []

        async def take(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                if not _fits(message):
                    start = None
                    await send(message)
                return
            if start is None:
                await send(message)
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                await self._send(scope["path"], coding, start, b"".join(parts), send)

        await self._app(scope, receive, take)

    async def _send(self, path: str, coding: str, start: Message, body: bytes, send: Send) -> None:
        headers = [each for each in start["headers"] if each[0].lower() != b"content-length"]
        headers.append((b"vary", b"accept-encoding"))
        if len(body) >= LEAST:
            body = await self._compressed(path, coding, body)
            headers.append((b"content-encoding", coding.encode()))
        headers.append((b"content-length", b"%d" % len(body)))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _compressed(self, path: str, coding: str, body: bytes) -> bytes:
        if not path.startswith(STATIC):
            return _compress(coding, body, QUICK)
        key = path, coding
        if key not in self._kept:
            made = await asyncio.to_thread(_compress, coding, body, THOROUGH)
            if len(self._kept) >= MOST_KEPT:
                return made
            self._kept[key] = made
        return self._kept[key]


def _coding_of(scope: Scope) -> str | None:
    """The coding that the browser takes, of a request that may be answered with a text."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    accepted = next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"")
    codings = {each.split(";")[0].strip() for each in accepted.decode("latin-1").split(",")}
    return next((each for each in ("br", "gzip") if each in codings), None)


def _fits(start: Message) -> bool:
    """Whether an answer is a whole text that is not compressed yet."""
    headers: dict[bytes, Any] = {name.lower(): value for name, value in start["headers"]}
    kind = headers.get(b"content-type", b"").decode("latin-1")
    return start["status"] == 200 and kind.startswith(TEXTS) and b"content-encoding" not in headers


def _compress(coding: str, body: bytes, quality: int) -> bytes:
    if coding == "br":
        made: bytes = brotli.compress(body, quality=quality)
        return made
    return gzip.compress(body, min(quality, 9), mtime=0)
