"""A plain line of the log is what structlog writes without colours; a line of JSON has the same fields."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from picosched.web.logs import AccessLog, Form, _begun, _renderer, fields, set_up
from picosched.web.site import shown_path

TEXTS = st.text(st.sampled_from("aZé0– =\"'\\\n\t[{,"), max_size=6)
"""Without control characters, which structlog does not quote."""
VALUES = st.one_of(TEXTS, st.integers(), st.floats(), st.none(), st.booleans(), st.lists(TEXTS, max_size=2))
NAMES = st.sampled_from(["rid", "origin", "count", "why"])
EVENTS = st.text(st.sampled_from("ab c"), min_size=1)


@given(EVENTS, st.dictionaries(NAMES, VALUES), st.sampled_from(["info", "error"]))
def test_a_plain_line_is_what_structlog_writes(event: str, given: dict[str, Any], level: str) -> None:
    line = {"event": event, "level": level, **given, "at": "2026-03-01T00:00:00Z"}
    theirs = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, sort_keys=False)
    assert _renderer("plain")({**line}) == theirs(None, level, {**line})


def test_what_is_not_printable_is_quoted() -> None:
    line = {"event": "request", "level": "info", "path": "/a\x1b[2Jb", "at": "now"}
    assert _renderer("plain")(line) == r"[info     ] request path='/a\x1b[2Jb' at=now"


@pytest.mark.parametrize("form", ["plain", "colour"])
def test_nothing_that_a_client_wrote_ends_a_line_or_moves_the_cursor(form: Form) -> None:
    hostile = "x\n[error    ] forged\x1b[2J\x9b0m"
    line = {"event": f"the event {hostile}", "level": "info", "path": hostile, "at": "now"}
    written = _renderer(form)(line)
    assert "\n" not in written and "\x9b" not in written and "\x1b[2J" not in written


def test_long_paths_are_not_remembered() -> None:
    before = _begun.cache_info().currsize

    async def logged() -> None:
        log = AccessLog("plain", io.StringIO())
        for number in range(50):
            log("GET", f"/{number}" + "x" * 10_000, 404, 0.1, "127.0.0.1")
        log.drain()

    asyncio.run(logged())
    assert _begun.cache_info().currsize == before


def written(out: io.StringIO) -> str:
    """What has been logged; a thread writes it."""
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.stream.drain()
    return out.getvalue()


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, as it was afterwards."""
    found = logging.getLogger()
    handlers, level = [*found.handlers], found.level
    yield found
    found.handlers[:] = handlers
    found.setLevel(level)


def test_a_line_of_json_has_the_fields_and_a_library_its_logger(root: logging.Logger) -> None:
    out = io.StringIO()
    set_up("json", out)
    logging.getLogger("picosched.serve").info("fires", **fields(count=3))
    try:
        raise ValueError("it broke")
    except ValueError:
        logging.getLogger("some.library").exception("found %s", "a fault")
    ours, theirs = map(json.loads, written(out).splitlines())
    assert (ours["event"], ours["level"], ours["count"], "logger" in ours) == ("fires", "info", 3, False)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("found a fault", "error", "some.library")
    assert theirs["exception"].endswith("ValueError: it broke")


def test_a_line_of_a_library_shows_its_logger_and_traceback(root: logging.Logger) -> None:
    out = io.StringIO()
    set_up("plain", out)
    try:
        raise ValueError("it broke")
    except ValueError:
        logging.getLogger("some.library").exception("a fault")
    first, *rest = written(out).splitlines()
    assert first.startswith("[error    ] a fault at=") and first.endswith(" logger=some.library")
    assert rest[0] == "Traceback (most recent call last):" and rest[-1] == "ValueError: it broke"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/c/abcdefghij/query/rid/name", "/c/abcdefgh…/query/rid/name"),
        ("/c/abcdefghij", "/c/abcdefgh…"),
        ("/c/abcdefgh/query/rid/name", "/c/abcdefgh/query/rid/name"),
        ("/sky/event/abcdefghij/1/tea/ready", "/sky/event/abcdefgh…/1/tea/ready"),
        ("/sky/abcdefghij", "/sky/abcdefgh…"),
        ("//C/abcdefghij/x", "//C/abcdefgh…/x"),
        ("/sky//event/abcdefghij", "/sky//event/abcdefgh…"),
        ("/api/picos/kitchen/channels/abcdefghij", "/api/picos/kitchen/channels/abcdefgh…"),
        ("/pages/c/abcdefghij", "/pages/c/abcdefghij"),
    ],
)
def test_a_path_in_the_log_has_no_key(path: str, shown: str) -> None:
    assert shown_path(path) == shown
