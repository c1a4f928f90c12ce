"""The server's log on stderr: one line per event, for people (plain, colour) or programs (json).

Everything goes through structlog: our own events with their fields, and messages of libraries.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor

from picosched.clock import SystemClock, format_time

Form = Literal["json", "colour", "plain"]
FORMS: tuple[Form, ...] = ("json", "colour", "plain")

QUIET = ("uvicorn.error", "watchfiles.main", "watchfiles.watcher", "httpx", "asyncio")
"""Loggers whose routine messages are suppressed."""

MOMENT_SECONDS = 0.2

_CLOCK = SystemClock()


def _stamp(logger: Any, name: str, event: EventDict) -> EventDict:
    """Add the time, in ms as everywhere, unless the event has its own."""
    event.setdefault("at", format_time(_CLOCK.now()))
    return event


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
    out: Any = Lines(stream or sys.stderr)
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        _stamp,
    ]
    render = _renderer(form)
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


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
        if self._form == "plain":  # as the renderer would, which takes longer than a query
            at = format_time(_CLOCK.now())
            self._lines.append(
                f"[info     ] request method={method} path={_plain(path)} status={status} ms={ms} "
                f"client={_plain(address)} at={at}\n"
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
        }
        self._lines.append(f"{self._render(None, 'info', _stamp(None, 'info', event))!s}\n")

    def flush(self) -> None:
        """Write the pending lines."""
        lines, self._lines = self._lines, []
        self._stream.write("".join(lines))
        self._stream.flush()


def _plain(text: str) -> str:
    """A value as the renderer writes it: quoted if it holds blanks or what is not printable."""
    return text if text.isprintable() and not {*" \"'=\\"} & {*text} else repr(text)


def _renderer(form: Form) -> Processor:
    """Renders a line, without its end."""
    if form == "json":
        return _json
    return structlog.dev.ConsoleRenderer(colors=form == "colour", pad_event_to=0, sort_keys=False)


def _json(logger: Any, name: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str).decode()
