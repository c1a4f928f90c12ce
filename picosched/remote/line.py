"""The connection to a server: sends the token, parses JSON answers, and raises the server's errors."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpcore

from picosched.clock import format_time
from picosched.errors import Code, PicoschedError, words
from picosched.krl.text import tree_text

T = TypeVar("T")

CODES: dict[int, Code] = {
    400: "invalid",
    401: "refused",
    403: "refused",
    404: "not_found",
    409: "conflict",
    413: "too_large",
}
"""HTTP status → error code; any other status is `internal`."""

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 120.0
PAGE = 1_000


class ServerError(PicoschedError):
    """An error of the server. `errors` are those in a KRL text, with their places, as it lists them."""

    def __init__(self, message: str, code: Code, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message, code)
        self.errors = errors


def part(text: str) -> str:
    """A text quoted as a part of a path."""
    return quote(text, safe="", errors="replace")


def time_text(time: str | datetime | None) -> str | None:
    """A time as text for a request."""
    return format_time(time) if isinstance(time, datetime) else time


class Line:
    """Connections to one server, kept open. Each answer may take `patience` seconds."""

    def __init__(self, url: str, token: str | None, patience: float = ANSWER_SECONDS) -> None:
        given = urlsplit(url)
        if given.scheme not in ("http", "https") or not given.hostname:
            raise PicoschedError(f'found the URL "{url}", wanted one such as http://127.0.0.1:8123')
        if token is not None and not (token.isascii() and token.isprintable()):
            raise PicoschedError("found a token with characters other than printable ASCII")
        self._url = url.rstrip("/")
        short = min(CONNECT_SECONDS, patience)
        self._timeout = {"connect": short, "read": patience, "write": patience, "pool": short}
        self._headers = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
        # The certificate authorities of this machine, including private ones.
        trusted = ssl.create_default_context() if given.scheme == "https" else None
        self._pool = httpcore.ConnectionPool(ssl_context=trusted)
        self._met = False

    def close(self) -> None:
        self._pool.close()

    def ask(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, *, body: Any = None
    ) -> Any:
        """The JSON of an answer; None if it has none."""
        self._meet()
        return self._asked(method, path, params, body)

    def change(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> bool:
        """Whether there was something to change at a path: False for `not_found`, which is 404; any other
        error is raised.
        """
        try:
            self.ask(method, path, params)
        except PicoschedError as error:
            if error.code != "not_found":
                raise
            return False
        return True

    def text(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """The text of an answer that is not JSON."""
        with self.stream(path, params) as answer:
            return answer.read().decode()

    def _meet(self) -> None:
        """Make sure before the first request that a picosched answers, so that no other answer is misread."""
        if self._met:
            return
        try:
            told = self._asked("GET", "/api/version")
        except ServerError as error:
            if error.code in ("refused", "internal"):
                raise
            told = None
        if not isinstance(told, dict) or "picosched" not in told:
            raise PicoschedError(f"{self._url} is not a picosched server", "internal")
        self._met = True

    def _asked(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        headers = [*self._headers, (b"content-type", b"application/json")]
        content = None if body is None else tree_text(body).encode("utf-8", "replace")
        answer = self._tried(
            lambda: self._pool.request(
                method,
                self._url + path + _query(params or {}),
                headers=headers,
                content=content,
                extensions={"timeout": self._timeout},
            )
        )
        return self._value(answer)

    def pages(
        self, path: str, params: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """The items of a list, page by page, at most `limit`."""
        return islice(self._items(path, params or {}, PAGE if limit is None else min(limit, PAGE)), limit)

    def _items(self, path: str, params: Mapping[str, Any], size: int) -> Iterator[dict[str, Any]]:
        after: str | None = None
        while True:
            page = self.ask("GET", path, {**params, "limit": size, "after": after})
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    @contextmanager
    def stream(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[httpcore.Response]:
        """An answer to read as it arrives. A server silent for `patience` seconds is considered gone."""
        self._meet()
        url, extensions = self._url + path + _query(params or {}), {"timeout": self._timeout}
        try:
            with self._pool.stream("GET", url, headers=self._headers, extensions=extensions) as answer:
                if answer.status >= 400:
                    answer.read()
                    self._value(answer)
                yield answer
        except _FAULTS as cause:
            raise self._lost(cause) from cause

    def _tried(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except _FAULTS as cause:
            raise self._lost(cause) from cause

    def _lost(self, cause: Exception) -> PicoschedError:
        why = words(cause.__cause__ or cause)
        if isinstance(cause, httpcore.ConnectError | httpcore.ConnectTimeout):
            return PicoschedError(f"nobody answers at {self._url}: {why}", "internal")
        return PicoschedError(f"the connection to {self._url} broke: {why}", "internal")

    def _value(self, answer: httpcore.Response) -> Any:
        if answer.status == 204:
            return None
        try:
            value = json.loads(answer.content)
        except ValueError as cause:
            raise self._stranger(answer.status) from cause
        if answer.status < 300:
            return value
        if not isinstance(value, dict) or not isinstance(value.get("error"), str):
            raise self._stranger(answer.status)
        if answer.status == 401:
            raise PicoschedError(
                f"{self._url}: {value['error']}; give it with PICOSCHED_TOKEN or --token-file", "refused"
            )
        raise ServerError(value["error"], CODES.get(answer.status, "internal"), value.get("errors", ()))

    def _stranger(self, status: int) -> PicoschedError:
        return PicoschedError(f"{self._url} answers {status}, but not like a picosched server", "internal")


_FAULTS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)


def _query(params: Mapping[str, Any]) -> str:
    given: list[tuple[str, str]] = []
    for name, value in params.items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                given.append((name, str(each).lower() if isinstance(each, bool) else str(each)))
    return f"?{urlencode(given, errors='replace')}" if given else ""
