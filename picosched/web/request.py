"""What a request brings: its headers as a map, its body within bounds, its parameters.

Parameters come from the query string, then from the body, which wins: a form (urlencoded, or multipart with
text in it) or a JSON object. A name that stands several times in a query string or a form is an array.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from picosched.errors import PicoschedError
from picosched.krl.text import from_json
from picosched.web.errors import HttpError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_SECONDS = 30.0
"""How long a body may take to come."""

MOST_FIELDS = 1_000
"""Fields of a form or a query string."""

JSON = ("application/json", "application/ssi-agent-wire", "application/octet-stream")
"""What is read as JSON, as in the peer; and whatever ends in `+json`."""


def headers_of(scope: Scope) -> dict[str, str]:
    """name in lower case → value; one that comes several times is joined, as Node.js joins it."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        if key in headers:
            text = f"{headers[key]}{'; ' if key == 'cookie' else ', '}{text}"
        headers[key] = text
    return headers


def segments_of(raw_path: bytes) -> list[str] | None:
    """The parts of a path between its slashes, each decoded by itself, so that `%2F` is no slash.

    A slash at the end does not count. None for a path with an empty part.
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


async def read_body(headers: Mapping[str, str], receive: Receive, most: int) -> bytes:
    """The body of a request; 413 as soon as it is too large, 408 if it never comes, 400 if it breaks off."""
    length = headers.get("content-length")
    if length is None and "transfer-encoding" not in headers:
        return b""
    if length is not None and int(length) > most:
        raise _too_large(int(length), most)
    message = await _first(receive)
    if not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > most:
            raise _too_large(len(body), most)
        return body
    return await _rest(message, receive, most)


async def _first(receive: Receive) -> Message:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await receive()
    except TimeoutError as cause:
        raise _too_slow() from cause


async def _rest(message: Message, receive: Receive, most: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                if message["type"] == "http.disconnect":
                    raise HttpError(400, "the body broke off")
                body += message.get("body", b"")
                if len(body) > most:
                    raise _too_large(len(body), most)
                if not message.get("more_body"):
                    return bytes(body)
                message = await receive()
    except TimeoutError as cause:
        raise _too_slow() from cause


def _too_slow() -> HttpError:
    return HttpError(408, f"the body did not come within {BODY_SECONDS:g} s", [(b"connection", b"close")])


def _too_large(found: int, most: int) -> PicoschedError:
    return PicoschedError(f"found a body of {found:,} bytes, wanted at most {most:,}", "too_large")


async def parameters(scope: Scope, headers: Mapping[str, str], receive: Receive, most: int) -> dict[str, Any]:
    """The parameters of a request, the body's over those of the query string."""
    query: bytes = scope["query_string"]
    named = _fields(query) if query else {}
    body = await read_body(headers, receive, most)
    if body:
        named.update(await _body_fields(body, headers.get("content-type", "")))
    return named


async def _body_fields(body: bytes, content_type: str) -> Mapping[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in JSON or kind.endswith("+json"):
        value = from_json(body)
        if not isinstance(value, dict):
            raise PicoschedError("found a body that is JSON but no object, wanted an object of parameters")
        return value
    if kind == "application/x-www-form-urlencoded":
        return _fields(body)
    if kind == "multipart/form-data":
        return _together(await _multipart(body, content_type))
    wanted = "application/json, application/x-www-form-urlencoded or multipart/form-data"
    raise PicoschedError(f"found a body of the type {kind or '(none)'}, wanted {wanted}")


def _fields(text: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as cause:  # not UTF-8, or too many
        raise PicoschedError(f"found fields that cannot be read: {cause}") from cause
    return _together(pairs)


def _together(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Names and values as a map; of one that comes several times, an array."""
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


async def _multipart(body: bytes, content_type: str) -> list[tuple[str, Any]]:
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
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as cause:
        told = getattr(cause, "message", cause)
        raise PicoschedError(f"found a multipart body that cannot be read, or with files: {told}") from cause
    return form.multi_items()
