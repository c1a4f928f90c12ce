"""The server's log on stderr: one line per event, for people (plain, colour) or programs (json).

Our own events have fields, which `fields` passes to `logging`; messages of libraries are in the same form. In
colour structlog renders them. It imports Rich, so a server whose log is read by programs does without.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TextIO

import orjson

from picosched.clock import SystemClock, format_time

Form = Literal["json", "colour", "plain"]
FORMS: tuple[Form, ...] = ("json", "colour", "plain")

QUIET = ("uvicorn.error", "watchfiles.main", "watchfiles.watcher", "httpx", "asyncio")
"""Loggers whose routine messages are suppressed."""

REMEMBERED = 200
"""Characters of a path up to which the words of its line are."""

MOMENT_SECONDS = 0.2

QUOTED = re.compile("""[ \"'=]""")
"""What a value in a plain line is quoted for."""

MOST_CHARACTERS = 4_000_000
"""Characters that may wait for the reader of the log."""

_CLOCK = SystemClock()

Render = Callable[[dict[str, Any]], str]
"""Renders an event as a line, without its end. Its keys are `event`, `level`, its fields, and `at`."""


def fields(**values: Any) -> dict[str, Any]:
    """The fields of an event: `log.info("installed", **fields(rid=rid))`."""
    return {"extra": {"fields": values}}


class Lines:
    """A stream whose reader may stall or go away: no request and no stop waits for it or fails because of it.

    A thread of its own writes. If too much waits for the reader, or if it has gone, output is dropped.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._change = threading.Condition()
        """Guards the fields below."""
        self._waiting: list[str] = []
        self._characters = 0
        self._writes = False
        self._thread = threading.Thread(target=self._write_all, name="picosched log", daemon=True)

    def write(self, text: str) -> None:
        with self._change:
            if self._characters > MOST_CHARACTERS:
                return
            self._waiting.append(text)
            self._characters += len(text)
            if not self._thread.is_alive():
                self._thread.start()
                atexit.register(self.drain)
            self._change.notify_all()

    def flush(self) -> None:
        """Nothing to do: the thread writes at once."""

    def drain(self, seconds: float = 1.0) -> None:
        """Wait until all is written, but not for a reader that stalls."""
        with self._change:
            self._change.wait_for(lambda: not self._waiting and not self._writes, seconds)

    def _write_all(self) -> None:
        while True:
            with self._change:
                self._writes = False
                self._change.notify_all()
                self._change.wait_for(lambda: self._waiting)
                text, self._waiting, self._characters = "".join(self._waiting), [], 0
                self._writes = True
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):  # a broken pipe or a closed stream
                # Otherwise flushing its buffer at exit would fail again.
                with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
                    os.dup2(nowhere.fileno(), self._stream.fileno())


@lru_cache
def of_stderr() -> Lines:
    """The lines of stderr, which one thread writes whoever logs."""
    return Lines(sys.stderr)


def set_up(form: Form, stream: TextIO | None = None) -> None:
    """Configure logging in this format."""
    handler = logging.StreamHandler(Lines(stream) if stream else of_stderr())
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
        event.setdefault("at", format_time(_CLOCK.now()))  # a fire has its own
        if own is None:
            event["logger"] = record.name
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return self._render(event)


class AccessLog:
    """Logs each request; lines are written in batches, because writes are expensive."""

    def __init__(self, form: Form, stream: TextIO | None = None) -> None:
        self._stream = Lines(stream) if stream else of_stderr()
        self._form = form
        self._render = _renderer(form)
        self._lines: list[str] = []

    def __call__(self, method: str, path: str, status: int, seconds: float, address: str) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_later(MOMENT_SECONDS, self.flush)
        ms = round(seconds * 1000, 2)
        at = format_time(_CLOCK.now())
        if self._form == "plain":  # as `_plain` would, which takes longer than a query
            words = _begun if len(path) <= REMEMBERED else _begun.__wrapped__
            begun = words(method, path, status)
            self._lines.append(f"{begun} ms={ms} client={_shown(address)} at={at}\n")
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

    def drain(self) -> None:
        """Write the pending lines, and wait a moment until they are out."""
        self.flush()
        self._stream.drain(0.5)


@lru_cache(maxsize=1_000)
def _begun(method: str, path: str, status: int) -> str:
    """The first part of a plain line, which most requests share with others."""
    return f"[info     ] request method={method} path={_shown(path)} status={status}"


def _renderer(form: Form) -> Render:
    if form == "json":
        return lambda event: orjson.dumps(event, default=str).decode()
    if form == "plain":
        return _plain
    import structlog  # late: it imports Rich, which takes memory and time

    render = structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0, sort_keys=False)

    def coloured(event: dict[str, Any]) -> str:
        safe = {key: each if key == "exception" else _safe(each) for key, each in event.items()}
        return str(render(None, event["level"], safe))

    return coloured


def _plain(event: dict[str, Any]) -> str:
    parts = [f"[{event.pop('level'):<9}] {_safe(event.pop('event'))}"]
    exception = event.pop("exception", None)
    parts += (f"{name}={_shown(value)}" for name, value in event.items())
    return " ".join(parts) + (f"\n{exception}" if exception else "")


def _safe(value: Any) -> Any:
    """A text without characters that a terminal obeys: line ends and escape sequences may be a client's."""
    return value if not isinstance(value, str) or value.isprintable() else repr(value)[1:-1]


def _shown(value: Any) -> str:
    """A value in a plain line; a text is quoted if it holds blanks or what is not printable."""
    if isinstance(value, str) and value.isprintable() and not QUOTED.search(value):
        return value
    return repr(value)
