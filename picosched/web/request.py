"""What a request brings: its headers as a map, its body within bounds, its parameters.

Parameters come from the query string, then from the body, which wins: a form (urlencoded, or multipart with
text in it) or a JSON object. A name that stands several times in a query string or a form is an array.
"""

from __future__ import annotations

import asyncio
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
"""How long a body may take to come."""

MOST_FIELDS = 1_000
"""Fields of a form or a query string."""

SMALL = 16_384
"""Bytes of a body that is dealt with on the loop; a larger one would hold up others."""

JSON = ("application/json", "application/ssi-agent-wire", "application/octet-stream")
"""What is read as JSON, as in the peer; and whatever ends in `+json`."""

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


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
    """The parts of a path between its slashes, each decoded by itself, so that `%2F` is not a slash.

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


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether a body is to come."""
    return "content-length" in headers or "transfer-encoding" in headers


def kind_of(headers: Mapping[str, str]) -> str:
    """The media type of a body, in lower case and without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(
    headers: Mapping[str, str], receive: Receive, most: int, take: Take, large: Large | None = None
) -> bytes:
    """The body of a request; 413 as soon as it is too large, 408 if it never comes, 400 if it breaks off.

    `take` is called with the bytes of each piece before the next is read. `large` is waited for before
    a body is read that has more than SMALL bytes, or turns out to have.
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
                    time.reschedule(None)  # this is not the client's to wait for
                    await large()
                    large = None
                    time.reschedule(asyncio.get_running_loop().time() + BODY_SECONDS)
    except TimeoutError as cause:
        late = f"the body did not come within {BODY_SECONDS:g} s"
        raise HttpError(408, late, [(b"connection", b"close")]) from cause


def _too_large(found: int, most: int) -> PicoschedError:
    return PicoschedError(f"found a body of {found:,} bytes, wanted at most {most:,}", "too_large")


def parameters(query: bytes, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a query string and a body; those of the body win.

    It takes some milliseconds for 64 kB, so what is larger is for a thread.
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
            raise PicoschedError("found a body that is JSON but no object, wanted an object of parameters")
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
    """What a coroutine returns that never has to wait."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("it waited")
