"""Keeps whole ecis from callers who are no authors: an eci is a key to its channel, whatever token one has.

Rules put ecis anywhere: into variables, attributes, directives, answers of queries, and there into URLs and
names. So all that goes out to people is looked through, whatever route or page it comes from, and what an
open page is sent as well: of a text that is the eci of a channel the beginning is left. A text in one of the
forms that engines give ecis is found within longer ones; one that an import kept, as a word.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence

from picosched.acting import Role
from picosched.engine.engine import Engine
from picosched.hashed import SHORT
from picosched.web.caller import caller
from picosched.web.request import Message, Receive, Scope, Send

RUN = re.compile(rb"[0-9A-Za-z%-]{16,}")
"""What may hold an eci."""

OURS = 32
"""The digits of our ecis."""
DIGITS = re.compile(rb"[0-9a-f]{%d,}" % OURS)
MOST_SPARE = 8
"""Of a text with more digits than that beside an eci, such as a hash, only whole pieces are looked up."""

DASH = rb"(?:-|%2[dD])"
FORMS = (
    re.compile(rb"(?=(c(?![0-9a-f]{24})[0-9a-z]{24}))"),  # those of the Node engine
    re.compile(rb"(?=([0-9A-Fa-f]{8}(?:DASH[0-9A-Fa-f]{4}){3}DASH[0-9A-Fa-f]{12}))".replace(b"DASH", DASH)),
    re.compile(
        rb"(?:(?<![0-9A-Za-z-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[bfnrt]))"
        rb"(?=([0-9A-Za-z-]{16,64})(?![0-9A-Za-z-]))"
    ),
)
"""Each text in one of these may be an eci of another engine. They may overlap, so nothing is consumed."""

LOOKED_THROUGH = (b"application/json", b"text/", b"image/svg+xml")
SCRIPTS = (b"text/javascript", b"text/css")
"""Our own files, which hold nothing of anybody."""
STREAM = b"text/event-stream"

AT_ONCE = 500
"""Texts looked up while nobody writes."""


class WithoutEcis:
    """An app whose answers have only the beginnings of ecis, unless an author asks.

    Only those of the paths that begin with `under`. What is compressed is not looked through, so whatever
    compresses stands around it.
    """

    def __init__(
        self, app: Callable[[Scope, Receive, Send], Awaitable[None]], engine: Engine, under: str = "/"
    ) -> None:
        self._app = app
        self._engine = engine
        self._under = under

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = scope["type"] in ("http", "websocket") and scope["path"].startswith(self._under)
        if told and caller().actor.role is not Role.AUTHOR:
            send = _Cut(self._engine, send).send
        await self._app(scope, receive, send)


class _Cut:
    """One answer: streams and sockets are cut piece by piece, all else when it is whole, as its length
    changes."""

    def __init__(self, engine: Engine, send: Send) -> None:
        self._engine, self._send = engine, send
        self._start: Message | None = None
        """The head of an answer that is not whole yet."""
        self._body = bytearray()
        self._stream = False

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.send":
            message = await self._said(message)
        elif message["type"] == "http.response.start":
            headers = dict(message["headers"])
            kind = headers.get(b"content-type", b"")
            self._stream = kind.startswith(STREAM)
            text = kind.startswith(LOOKED_THROUGH) and not kind.startswith((STREAM, *SCRIPTS))
            if text and b"content-encoding" not in headers:
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

    async def _said(self, message: Message) -> Message:
        """A message of a socket."""
        if message.get("bytes") is not None:
            return {**message, "bytes": await self._cut(message["bytes"])}
        return {**message, "text": (await self._cut(message["text"].encode())).decode()}

    async def _cut(self, body: bytes) -> bytes:
        runs = [(run, {*_within(body, run)}) for run in RUN.finditer(body)]
        texts = sorted(set[bytes]().union(*(each for _, each in runs)))
        found = await asyncio.to_thread(_ecis, self._engine, texts) if texts else frozenset[bytes]()
        if not found:
            return body
        parts, done = list[bytes](), 0
        for run, within in runs:
            if ecis := found & within:
                left = run[0]
                for text in ecis:
                    left = left.replace(text, text[:SHORT] + "…".encode())
                parts += [body[done : run.start()], left]
                done = run.end()
        return b"".join([*parts, body[done:]])


def _within(body: bytes, run: re.Match[bytes]) -> Iterator[bytes]:
    """The texts in a part of the body that may be ecis."""
    for digits in DIGITS.findall(body, run.start(), run.end()):
        spare = len(digits) - OURS
        places = (
            range(spare + 1)
            if spare <= MOST_SPARE
            else (*range(0, spare + 1, OURS), *range(spare % OURS, spare + 1, OURS))
        )
        yield from (digits[at : at + OURS] for at in places)
    for form in FORMS:
        yield from form.findall(body, run.start(), run.end())


def _ecis(engine: Engine, texts: Sequence[bytes]) -> frozenset[bytes]:
    """Those of these texts that are ecis."""
    ecis = {text: re.sub(DASH, b"-", text).decode() for text in texts}
    asked = sorted({*ecis.values()})
    parts = (asked[at : at + AT_ONCE] for at in range(0, len(asked), AT_ONCE))
    known = {each for part in parts for each in engine.read(engine.store.picos.known_ecis, part)}
    return frozenset(text for text, eci in ecis.items() if eci in known)
