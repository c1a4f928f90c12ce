"""A page waits for the engine as long as rules may hold it."""

from __future__ import annotations

from pathlib import Path

from picosched import Engine
from picosched.web.access import Access
from picosched.web.console import frame


def test_every_page_waits_longer_than_rules_may_take() -> None:
    with Engine() as engine:
        page = frame.Console(engine, Access("127.0.0.1", None)).page("/somewhere")
    assert page.response_timeout == frame.PAGE_SECONDS
    folder = Path(frame.__file__).parent
    assert [path.name for path in folder.glob("*.py") if "ui.page(" in path.read_text()] == ["frame.py"]
