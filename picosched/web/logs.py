"""The server's log on stderr: one line per event, for people (plain, colour) or programs (json).

Our own events have fields, which `fields` passes to `logging`; messages of libraries are in the same form. In
colour structlog renders them. It imports Rich, so a server whose log is read by programs does without.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TextIO

import orjson

from picosched.clock import SystemClock, format_time

Form = Literal["json", "colour", "plain"]
FORMS: tuple[Form, ...] = ("json", "colour", "plain")

QUIET = ("uvicorn.error", "watchfiles.main", "watchfiles.watcher", "httpx", "asyncio")
"""Loggers whose routine messages are suppressed."""

MOMENT_SECONDS = 0.2

_CLOCK = SystemClock()

Render = Callable[[dict[str, Any]], str]
"""Renders an event as a line, without its end. Its keys are `event`, `level`, its fields, and `at`."""


def fields(**values: Any) -> dict[str, Any]:
    """The fields of an event: `log.info("installed", **fields(rid=rid))`."""
    return {"extra": {"fields": values}}


class Lines:
    """A stream whose reader may go away. Then output is dropped, so that no request or stop fails because
    of it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with self._losing():
            self._stream.write(text)

    def flush(self) -> None:
        with self._losing():
            self._stream.flush()

    @contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):  # a broken pipe or a closed stream
            # Otherwise flushing its buffer at exit would fail again.
            with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())


def set_up(form: Form, stream: TextIO | None = None) -> None:
    """Configure logging in this format."""
    handler = logging.StreamHandler(Lines(stream or sys.stderr))
    handler.setFormatter(_Rendered(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Rendered(logging.Formatter):
    """Formats a record as an event; that of a library has its logger as a field."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._render = _renderer(form)

    def format(self, record: logging.LogRecord) -> str:
        own: dict[str, Any] | None = getattr(record, "fields", None)
        event = {"event": record.getMessage(), "level": record.levelname.lower(), **(own or {})}
        event["at"] = format_time(_CLOCK.now())
        if own is None:
            event["logger"] = record.name
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return self._render(event)


class AccessLog:
    """Logs each request; lines are written in batches, because writes are expensive."""

    def __init__(self, form: Form, stream: TextIO | None = None) -> None:
        self._stream = Lines(stream or sys.stderr)
        self._form = form
        self._render = _renderer(form)
        self._lines: list[str] = []

    def __call__(self, method: str, path: str, status: int, seconds: float, address: str) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_later(MOMENT_SECONDS, self.flush)
        ms = round(seconds * 1000, 2)
        at = format_time(_CLOCK.now())
        if self._form == "plain":  # as `_plain` would, which takes longer than a query
            self._lines.append(
                f"[info     ] request method={method} path={_shown(path)} status={status} ms={ms} "
                f"client={_shown(address)} at={at}\n"
            )
            return
        event: Any = {
            "event": "request",
            "level": "info",
            "method": method,
            "path": path,
            "status": status,
            "ms": ms,
            "client": address,
            "at": at,
        }
        self._lines.append(f"{self._render(event)}\n")

    def flush(self) -> None:
        """Write the pending lines."""
        lines, self._lines = self._lines, []
        self._stream.write("".join(lines))
        self._stream.flush()


def _renderer(form: Form) -> Render:
    if form == "json":
        return lambda event: orjson.dumps(event, default=str).decode()
    if form == "plain":
        return _plain
    import structlog  # late: it imports Rich, which takes memory and time

    render = structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0, sort_keys=False)
    return lambda event: str(render(None, event["level"], event))


def _plain(event: dict[str, Any]) -> str:
    parts = [f"[{event.pop('level'):<9}] {event.pop('event')}"]
    exception = event.pop("exception", None)
    parts += (f"{name}={_shown(value)}" for name, value in event.items())
    return " ".join(parts) + (f"\n{exception}" if exception else "")


def _shown(value: Any) -> str:
    """A value in a plain line; a text is quoted if it holds blanks or what is not printable."""
    if isinstance(value, str) and value.isprintable() and not {*" \"'=\\"} & {*value}:
        return value
    return repr(value)
