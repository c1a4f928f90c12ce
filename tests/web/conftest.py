"""Servers as fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from web.running import RULESET, Running, running
from web.served import Served


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that asks for no token."""
    with running(tmp_path_factory.mktemp("web")) as found:
        yield found


@pytest.fixture(scope="module")
def client(site: Running) -> Iterator[httpx.Client]:
    with site.client() as found:
        yield found


@pytest.fixture
def serving(tmp_path: Path) -> Callable[..., Any]:
    """Serve with options of one's own: `with serving(rate=2) as site:`."""

    def made(**options: Any) -> Any:
        return running(tmp_path, **options)

    return made


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    made: list[Served] = []
    (tmp_path / "echo.krl").write_text(RULESET)

    def start(*words: str, **env: str) -> Served:
        made.append(Served(tmp_path, *words, **env))
        return made[-1]

    yield start
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
        each.ended()
        for stream in (each.process.stdout, each.process.stderr):
            assert stream is not None
            stream.close()
