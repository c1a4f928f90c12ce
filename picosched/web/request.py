"""Reading requests: headers as a map, the body within limits, parameters.

Parameters come from the query string and the body; the body wins. A body is a form (urlencoded, or
multipart with text) or a JSON object. A repeated name in a query string or form becomes an array.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    MutableMapping,
)
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

from picosched.errors import PicoschedError
from picosched.krl.text import from_json
from picosched.web.errors import HttpError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Take = Callable[[int], None]
Large = Callable[[], Awaitable[None]]
T = TypeVar("T")

BODY_SECONDS = 30.0
"""How long a body may take to arrive."""

MOST_FIELDS = 1_000
"""Fields of a form or a query string."""

HOST = re.compile(
    r"(?:[a-z0-9_][a-z0-9_.-]{0,252}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?", re.IGNORECASE | re.ASCII
)
"""A Host that can stand in a link. Anything else in the header comes from a program that forges it."""

SMALL = 16_384
"""Bytes of a body processed on the loop; larger ones would delay other requests."""

JSON = ("application/json", "application/ssi-agent-wire", "application/octet-stream")
"""Types parsed as JSON, as in the Node engine, in addition to `…+json`."""

KEY = "idempotency-key"
"""The header with the key by which an event is handled once."""

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


def headers_of(scope: Scope) -> dict[str, str]:
    """Maps lower-case names to values; repeated headers are joined as in Node.js."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        if key in headers:
            text = f"{headers[key]}{'; ' if key == 'cookie' else ', '}{text}"
        headers[key] = text
    return headers


def host_of(scope: Scope, headers: Mapping[str, str]) -> str | None:
    """The base URL of this server as the client wrote it; None if its Host is not a name and a port."""
    host, scheme = headers.get("host", ""), scope.get("scheme", "http")
    if scheme not in ("http", "https") or HOST.fullmatch(host) is None:
        return None
    return f"{scheme}://{host.lower()}"


def segments_of(raw_path: bytes) -> list[str] | None:
    """The segments of a path, decoded separately, so that `%2F` is not a slash.

    A trailing slash is ignored. None for a path with an empty segment.
    """
    parts = raw_path.removesuffix(b"/").split(b"/")[1:]
    if not all(parts):
        return None
    return [_decoded(part) if b"%" in part else part.decode("latin-1") for part in parts]


def _decoded(part: bytes) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError as cause:
        raise PicoschedError(f"found {part.decode('latin-1')} in the path, wanted UTF-8") from cause


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether the request has a body."""
    return "content-length" in headers or "transfer-encoding" in headers


def kind_of(headers: Mapping[str, str]) -> str:
    """The media type of a body, in lower case and without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(
    headers: Mapping[str, str], receive: Receive, most: int, take: Take, large: Large | None = None
) -> bytes:
    """The body of a request; 413 as soon as it is too large, 408 on timeout, 400 if it is incomplete.

    `take` is called with the size of each piece before the next is read. `large` is awaited before more
    than SMALL bytes of a body are read.
    """
    length = int(headers.get("content-length", 0))
    if length > most:
        raise _too_large(length, most)
    if length > SMALL and large is not None:
        await large()
        large = None
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS) as time:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise HttpError(400, "the body broke off")
                piece: bytes = message.get("body", b"")
                if len(body) + len(piece) > most:
                    raise _too_large(len(body) + len(piece), most)
                take(len(piece))
                more = message.get("more_body")
                if not more and not body:
                    return piece
                body += piece
                if not more:
                    return bytes(body)
                if len(body) > SMALL and large is not None:
                    time.reschedule(None)  # do not count this time against the client
                    await large()
                    large = None
                    time.reschedule(asyncio.get_running_loop().time() + BODY_SECONDS)
    except TimeoutError as cause:
        late = f"the body did not come within {BODY_SECONDS:g} s"
        raise HttpError(408, late, [(b"connection", b"close")]) from cause


def again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns the body already read, then the end of the connection."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            while (message := await receive())["type"] == "http.request":
                pass  # without a body nothing was read, so its empty message is still pending
            return message
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _too_large(found: int, most: int) -> PicoschedError:
    return PicoschedError(f"found a body of {found:,} bytes, wanted at most {most:,}", "too_large")


def parameters(query: bytes, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a query string and a body; the body wins.

    It takes some milliseconds for 64 kB, so call it in a thread for larger bodies.
    """
    named = _fields(query) if query else {}
    if body:
        named.update(_body_fields(body, headers))
    return named


def _body_fields(body: bytes, headers: Mapping[str, str]) -> Mapping[str, Any]:
    kind = kind_of(headers)
    if kind in JSON or kind.endswith("+json"):
        value = from_json(body)
        if not isinstance(value, dict):
            raise PicoschedError("found a JSON body that is not an object, wanted an object of parameters")
        return value
    if kind == URLENCODED:
        return _fields(body)
    if kind == MULTIPART:
        return _together(_multipart(body, headers["content-type"]))
    wanted = f"application/json, {URLENCODED} or {MULTIPART}"
    raise PicoschedError(f"found a body of the type {kind or '(none)'}, wanted {wanted}")


def _fields(text: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as cause:  # not UTF-8, or too many
        raise PicoschedError(f"found fields that cannot be read: {cause}") from cause
    return _together(pairs)


def _together(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Names and values as a map; repeated names have an array."""
    named: dict[str, Any] = {}
    several: set[str] = set()
    for name, value in pairs:
        if name not in named:
            named[name] = value
        elif name in several:
            named[name].append(value)
        else:
            named[name] = [named[name], value]
            several.add(name)
    return named


def _multipart(body: bytes, content_type: str) -> list[tuple[str, Any]]:
    from starlette.datastructures import Headers
    from starlette.formparsers import MultiPartException, MultiPartParser

    async def whole() -> AsyncIterator[bytes]:
        yield body

    parser = MultiPartParser(
        Headers({"content-type": content_type}),
        whole(),  # type: ignore[arg-type]
        max_files=0,
        max_fields=MOST_FIELDS,
        max_part_size=len(body),
    )
    try:
        form = _at_once(parser.parse())
    except (MultiPartException, KeyError, ValueError) as cause:
        told = getattr(cause, "message", cause)
        raise PicoschedError(f"found a multipart body that cannot be read, or with files: {told}") from cause
    return form.multi_items()


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("it waited")
