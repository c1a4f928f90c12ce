"""Error responses: `{"error": text}` with a matching status.

Errors in KRL text have their places too: `errors` lists every one, each as findings of `/api/check` are.

One table maps the code of a PicoschedError to a status. `HttpError` is for errors specific to HTTP: a wrong
token, a missing body, too many requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import orjson

from picosched.errors import Code, KrlError, PicoschedError
from picosched.store.faults import AwayError

Headers = list[tuple[bytes, bytes]]

STATUS: dict[Code, int] = {
    "invalid": 400,
    "refused": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "internal": 500,
}


class HttpError(Exception):
    """An error with its own HTTP status."""

    def __init__(self, status: int, message: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers: Headers = [*headers]


class BusyError(HttpError):
    """The server is overloaded."""

    def __init__(self, message: str) -> None:
        super().__init__(503, message, [(b"retry-after", b"1")])


def status_of(error: HttpError | PicoschedError) -> int:
    if isinstance(error, AwayError):
        return 503
    return error.status if isinstance(error, HttpError) else STATUS[error.code]


def body_of(error: HttpError | PicoschedError) -> bytes:
    text = error.message if isinstance(error, HttpError) else str(error)
    body: dict[str, Any] = {"error": text.encode("utf-8", "backslashreplace").decode()}
    if isinstance(error, KrlError) and error.span is not None:
        body["errors"] = [placed(each) for each in (error, *error.others)]
    return orjson.dumps(body)


def placed(error: KrlError) -> dict[str, Any]:
    """An error or a warning in KRL text: its kind, its message, and its place if that is known."""
    return {"code": error.kind, "message": error.message, **(asdict(error.span) if error.span else {})}
